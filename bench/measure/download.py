"""Fetching a dump: how fast, and what it costs the server. One way at a time, the same file, the same
cipher, to /dev/null. Beside vmconsoled stands OpenSSH's sshd with its sftp-server and its scp."""

import os
import subprocess
import time

from lib import clients

from .account import Cpu
from .report import Figures, Verdict

CIPHER = "aes256-gcm@openssh.com"
MIB = 1 << 20
GUESTS = 1


class Fetch:
    """One client to one server, which knows the file by that path."""

    def __init__(self, name, group, target, path):
        self.name, self.group = name, group
        self.target, self.path = target, path

    def options(self):
        key, port = self.target.keys.ed25519, self.target.port
        return [*clients.OPTIONS, "-q", "-c", CIPHER, "-P", str(port), "-i", key]

    def argv(self, login):
        raise NotImplementedError


class Sftp(Fetch):
    def argv(self, login):
        return ["sftp", *self.options(), f"{login}@127.0.0.1:{self.path}", "/dev/null"]


class Scp(Fetch):
    def argv(self, login):
        return ["scp", "-O", *self.options(), f"{login}@127.0.0.1:{self.path}", "/dev/null"]


def _once(fetch, login, size):
    cpu, begun = Cpu([fetch.group]), time.monotonic()
    done = subprocess.run(fetch.argv(login), stdin=subprocess.DEVNULL, capture_output=True,
                          check=False)
    seconds = time.monotonic() - begun
    fetch.group.settle()
    if done.returncode:
        raise RuntimeError(f"{fetch.name}: {done.stderr.decode()}")
    return size / 1e6 / seconds, cpu.used() * (1 << 30) / size


def make_dump(folder, user, guest, mib):
    """Random bytes, named as libvirt names a dump; read once, so that the disk has no say."""
    path = f"{folder}/{guest.domain.ID()}-{guest.name}-{time.strftime('%Y-%m-%d-%H:%M:%S')}"
    with open(path, "wb") as file:
        for _ in range(mib):
            file.write(os.urandom(MIB))
    user.own(path, 0o600)
    return path


def wait_for_dump(daemon, guest, name):
    deadline = time.monotonic() + 60
    while name not in daemon.ssh(guest.name, "dumps").text:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{name} is not listed")
        time.sleep(0.2)


def measure(place, rounds, mib=512):
    guest, folder = place.guests[0], place.user.mkdir(f"{place.virt.dir}/dumps")
    way = place.vmconsoled("vmc-download", dump={"directories": folder})
    daemon = way.daemon
    daemon.knows(guest)  # a dump of a time that nobody watched is nobody's
    path = make_dump(folder, place.user, guest, mib)
    name = os.path.basename(path).replace(":", "-")
    sshd, figures = place.file_server(), Figures("download", ["MB/s", "server CPU s/GiB"])
    theirs, ours, login = place.group("sshd_files"), place.group("vmc-download"), place.user.name
    fetches = [(Sftp("sftp_server", theirs, sshd, path), login),
               (Sftp("vmc_sftp", ours, daemon, f"dumps/{name}"), guest.name),
               (Scp("sshd_scp", theirs, sshd, path), login),
               (Scp("vmc_scp", ours, daemon, f"dumps/{name}"), guest.name)]
    try:
        wait_for_dump(daemon, guest, name)
        for number in range(rounds):
            for step in range(len(fetches)):
                fetch, who = fetches[(step + number) % len(fetches)]
                figures.add(fetch.name, _once(fetch, who, mib * MIB))
    finally:
        place.drop(way)
        os.unlink(path)
    return figures


def verdicts(figures):
    found = []
    for what, ours, theirs in (("sftp", "vmc_sftp", "sftp_server"), ("scp -O", "vmc_scp", "sshd_scp")):
        found += [Verdict(f"{what} rate, MB/s", 1.2, *figures.compare("MB/s", ours, theirs), theirs,
                          at_least=True),
                  Verdict(f"{what} server CPU, s/GiB", 0.6,
                          *figures.compare("server CPU s/GiB", ours, theirs), theirs)]
    return found
