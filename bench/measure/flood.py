"""How fast a guest's bulk output comes, whether all of it does, and what it costs the server. One
way at a time: the guest's own CPU is part of the rate."""

import subprocess

from .account import Cpu, process_cpu
from .report import Figures, Verdict
from .ways import calm

LINE = 64
PEERS = ("direct_pty", "virsh_local", "sshd_virsh")


def _once(place, way, guest, lines):
    """One row of figures."""
    stream = way.open(guest)
    qemu = guest.qemu_pid
    cpu, qemu_begun = Cpu(way.groups), process_cpu(qemu)
    done = subprocess.run([place.probe, "flood", str(stream.read_fd), str(lines)],
                          pass_fds=[stream.read_fd], capture_output=True, check=False)
    used, libvirtd = cpu.used(), cpu.used("libvirtd")
    qemu_used = process_cpu(qemu) - qemu_begun
    way.close(stream)
    calm([way])
    if done.returncode:
        raise RuntimeError(f"{way.name}: {done.stderr.decode()}")
    count, nanoseconds, good, damaged = map(int, done.stdout.split())
    megabytes = count / 1e6
    return (megabytes / (nanoseconds / 1e9), used / megabytes, libvirtd / megabytes,
            qemu_used / megabytes, lines - good, damaged)


def in_turns(place, title, ways, guests, rounds, kib):
    figures = Figures(title, ["MB/s", "server CPU s/MB", "of it libvirtd", "QEMU s/MB", "lost",
                              "damaged"])
    for number in range(rounds):
        guest = guests[number % len(guests)]
        # Who follows whom changes from round to round.
        for step in range(len(ways)):
            way = ways[(step + number) % len(ways)]
            figures.add(way.name, _once(place, way, guest, kib * 1024 // LINE))
    return figures


def measure(place, rounds, kib=1024):
    daemon = place.vmconsoled("vmc-flood", keep_open="0")
    try:
        return in_turns(place, "flood", [place.ways[name] for name in PEERS] + [daemon],
                        place.guests, rounds, kib)
    finally:
        place.drop(daemon)


def lost(figures):
    return sum(row[figures.columns.index("lost")] for row in figures.rows["vmconsoled"])


def verdicts(figures):
    return [Verdict("flood rate, MB/s", 0.95,
                    *figures.compare("MB/s", "vmconsoled", "virsh_local"), "virsh_local",
                    at_least=True),
            Verdict("flood server CPU, s/MB", 0.6,
                    *figures.compare("server CPU s/MB", "vmconsoled", "sshd_virsh"), "sshd_virsh"),
            Verdict("flood lines lost", 0, lost(figures))]
