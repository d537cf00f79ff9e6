"""How fast a guest's bulk output comes, whether all of it does, and what it costs the server. One
way at a time: the guest's own CPU is part of the rate."""

import subprocess

from .account import Cpu
from .report import Figures, median, total
from .ways import calm

LINE = 64
NAMES = ("direct_pty", "virsh_local", "sshd_virsh", "vmconsoled")


def _once(place, way, guest, lines):
    """One row of figures."""
    stream = way.open(guest)
    cpu = Cpu(way.groups)
    done = subprocess.run([place.probe, "flood", str(stream.read_fd), str(lines)],
                          pass_fds=[stream.read_fd], capture_output=True, check=False)
    used, libvirtd = cpu.used(), cpu.used("libvirtd")
    way.close(stream)
    calm([way])
    if done.returncode:
        raise RuntimeError(f"{way.name}: {done.stderr.decode()}")
    count, nanoseconds, good, damaged = map(int, done.stdout.split())
    megabytes = count / 1e6
    return (megabytes / (nanoseconds / 1e9), used / megabytes, libvirtd / megabytes, lines - good,
            damaged)


def measure(place, rounds, kib=1024):
    daemon = place.vmconsoled("vmc-flood", keep_open="0")
    ways = [place.ways[name] for name in NAMES[:-1]] + [daemon]
    figures = Figures("flood", ["MB/s", "server CPU s/MB", "of it libvirtd", "lost",
                                "damaged"])
    try:
        for number in range(rounds):
            guest = place.guests[number % len(place.guests)]
            # Who follows whom changes from round to round.
            for step in range(len(ways)):
                way = ways[(step + number) % len(ways)]
                figures.add(way.name, _once(place, way, guest, kib * 1024 // LINE))
    finally:
        place.drop(daemon)
    return figures


def verdicts(figures):
    rate = figures.column("MB/s", median)
    cpu = figures.column("server CPU s/MB", median)
    lost = figures.column("lost", total)
    return [("flood rate", "virsh_local", rate["vmconsoled"], rate["virsh_local"], 0.95, "at least"),
            ("flood server CPU", "sshd_virsh", cpu["vmconsoled"], cpu["sshd_virsh"], 0.6),
            ("flood lines lost", None, lost["vmconsoled"], None, 0)]
