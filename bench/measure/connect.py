"""From the start of a client to the guest's answer, and what that costs the server."""

import subprocess

from .account import Cpu
from .report import Figures, Verdict, median
from .ways import calm

TIMEOUT_MS = 8000


def _one(place, way, guest):
    """First byte ms, answer ms of one user who comes, asks and leaves."""
    typed, answer = way.question()
    entered = ["-g", way.enters.procs] if way.enters and way.enters.procs else []
    argv = [place.probe, "connect", *entered, str(TIMEOUT_MS), way.mark, typed, answer, "--",
            *way.argv(guest)]
    done = subprocess.run(argv, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{way.name}: {done.stderr.decode(errors='replace')[-400:]}")
    return [float(field) / 1000 for field in done.stdout.split()]


def _some(place, way, guest, count):
    """One row: the medians of some users, one after the other, and what one of them cost."""
    calm([way])
    cpu = Cpu(way.groups)
    times = [_one(place, way, guest) for _ in range(count)]
    calm([way])
    return [*map(median, zip(*times)), cpu.used() * 1000 / count,
            cpu.used("libvirtd") * 1000 / count]


def measure(place, rounds, users):
    """The daemon keeps a console open after its first viewer (keep_open), virsh takes it away again
    in each round: so the daemon is measured both ways. cold: the console has to be opened."""
    warm = place.vmconsoled("vmc-connect")
    figures = Figures("connect", ["first ms", "answer ms", "server CPU ms", "of it libvirtd"])
    try:
        for number in range(rounds):
            guest = place.guests[number % len(place.guests)]
            for name in ("sshd_virsh", "virsh_local", "direct_pty", "sshd_socat", "direct_unix"):
                figures.add(name, _some(place, place.ways[name], guest, users))
            figures.add("vmconsoled cold", _some(place, warm, guest, 1))
            figures.add("vmconsoled", _some(place, warm, guest, users))
    finally:
        place.drop(warm)
    return figures


def verdicts(figures):
    return [Verdict("server CPU ms per connect", 1 / 20,
                    *figures.compare("server CPU ms", "vmconsoled", "sshd_socat"), "sshd_socat"),
            Verdict("connect to the guest's answer, ms", 0.3,
                    *figures.compare("answer ms", "vmconsoled", "sshd_virsh"), "sshd_virsh")]
