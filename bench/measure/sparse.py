"""A sparse dump beside one that has the same bytes and no hole, by asyncssh, which asks where the holes
are (2.21 or newer, `ranges@asyncssh.com`): no client of OpenSSH's or PuTTY's can."""

import contextlib
import json
import os
import subprocess
import sys
import warnings

from .account import Cpu
from .download import MIB, wait_for_dump
from .report import Figures, Verdict

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import asyncssh

GUESTS = 1
KNOWS_HOLES = (2, 21)
ISLANDS = 64
CLIENT = """
import asyncio, json, sys, time, asyncssh
asked = json.loads(sys.argv[1])
async def main():
    async with asyncssh.connect("127.0.0.1", asked["port"], username=asked["login"], known_hosts=None,
                                config=None, client_keys=[asked["key"]], agent_path=None) as connection:
        async with connection.start_sftp_client() as files:
            begun = time.monotonic()
            await files.get(asked["path"], asked["into"])
            print(time.monotonic() - begun)
asyncio.run(main())
"""


def _same_data(one, other):
    """Whether all that is no hole in one file is the same in the other."""
    with open(one, "rb") as file, open(other, "rb") as second:
        at = 0
        with contextlib.suppress(OSError):  # behind the last byte of data: ENXIO
            while True:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA)
                end = os.lseek(file.fileno(), at, os.SEEK_HOLE)
                while at < end:
                    piece = os.pread(file.fileno(), min(MIB, end - at), at)
                    if piece != os.pread(second.fileno(), len(piece), at):
                        return False
                    at += len(piece)
    return os.path.getsize(one) == os.path.getsize(other)


def _knows_holes():
    return tuple(map(int, asyncssh.__version__.split(".")[:2])) >= KNOWS_HOLES


class Dump:
    """mib of random bytes in islands, as far apart as a size of so many GiB allows; 0: no hole."""

    def __init__(self, place, folder, minute, mib, gib=0):
        guest = place.guests[0]
        self.name = f"{guest.domain.ID()}-{guest.name}-2026-01-01-00:{minute:02}:00"
        self.path, self.bytes = f"{folder}/{self.name}", mib * MIB
        piece = self.bytes // ISLANDS
        step = (gib << 30) // ISLANDS or piece
        with open(self.path, "wb") as file:
            for number in range(ISLANDS):
                file.seek((number + 1) * step - piece)  # asyncssh leaves out a hole at the end
                file.write(os.urandom(piece))
        place.user.own(self.path, 0o600)

    def fetch(self, place, daemon, group):
        into = f"{place.keys.dir}/fetched"
        asked = {"port": daemon.port, "login": place.guests[0].name, "key": daemon.keys.ed25519,
                 "path": f"dumps/{self.name.replace(':', '-')}", "into": into}
        cpu = Cpu([group])
        done = subprocess.run([sys.executable, "-W", "ignore", "-c", CLIENT, json.dumps(asked)],
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{self.name}: {done.stderr.decode()}")
        group.settle()
        used = cpu.used()
        if not _same_data(into, self.path) or not _same_data(self.path, into):
            raise RuntimeError(f"{self.name} is not what was fetched")
        os.unlink(into)
        return [float(done.stdout), used]


def measure(place, rounds, mib=256, gib=64):
    figures = Figures(f"a dump of {gib} GiB with {mib} MiB of data beside one of {mib} MiB", ["s", "server CPU s"])
    if not _knows_holes():
        print(f"# sparse: left out, asyncssh {asyncssh.__version__} does not ask where holes are", flush=True)
        return figures
    folder = place.user.mkdir(f"{place.virt.dir}/dumps-sparse")
    way = place.vmconsoled("vmc-sparse", dump={"directories": folder})
    way.daemon.knows(place.guests[0])
    dumps = {"sparse": Dump(place, folder, 1, mib, gib), "data": Dump(place, folder, 2, mib)}
    try:
        for dump in dumps.values():
            wait_for_dump(way.daemon, place.guests[0], dump.name.replace(":", "-"))
        for number in range(rounds):
            for name in sorted(dumps, reverse=number % 2):
                figures.add(name, dumps[name].fetch(place, way.daemon, place.group("vmc-sparse")))
    finally:
        place.drop(way)
        for dump in dumps.values():
            os.unlink(dump.path)
    return figures


def verdicts(figures):
    if not figures.rows:
        return []
    return [Verdict("sparse dump, s", 1.1, *figures.compare("s", "sparse", "data"), "its data")]
