"""From the start of a client to the guest's answer, and what that costs the server."""

import subprocess

from .account import Cpu
from .report import Figures, Verdict
from .ways import calm

TIMEOUT_MS = 8000


def _once(place, way, guest):
    """One row: a user comes, asks and leaves."""
    typed, answer = way.question()
    entered = ["-g", way.enters.procs] if way.enters and way.enters.procs else []
    argv = [place.probe, "connect", *entered, str(TIMEOUT_MS), way.mark, typed, answer, "--",
            *way.argv(guest)]
    calm([way])
    cpu = Cpu(way.groups)
    done = subprocess.run(argv, capture_output=True, check=False)
    calm([way])
    if done.returncode:
        raise RuntimeError(f"{way.name}: {done.stderr.decode(errors='replace')[-400:]}")
    first, answered = (float(field) / 1000 for field in done.stdout.split())
    return first, answered, cpu.used() * 1000, cpu.used("libvirtd") * 1000


def measure(place, rounds):
    """The daemon keeps a console open after its first viewer (keep_open), virsh takes it away again
    in each round: so the daemon is measured both ways. cold: the console has to be opened."""
    warm = place.vmconsoled("vmc-connect")
    figures = Figures("connect", ["first ms", "answer ms", "server CPU ms", "of it libvirtd"])
    try:
        for number in range(rounds):
            guest = place.guests[number % len(place.guests)]
            for name in ("sshd_virsh", "virsh_local", "direct_pty", "sshd_socat", "direct_unix"):
                figures.add(name, _once(place, place.ways[name], guest))
            figures.add("vmconsoled cold", _once(place, warm, guest))
            figures.add("vmconsoled", _once(place, warm, guest))
    finally:
        place.drop(warm)
    return figures


def verdicts(figures):
    return [Verdict("server CPU ms per connect", 1 / 20,
                    *figures.compare("server CPU ms", "vmconsoled", "sshd_socat"), "sshd_socat"),
            Verdict("connect to the guest's answer, ms", 0.3,
                    *figures.compare("answer ms", "vmconsoled", "sshd_virsh"), "sshd_virsh")]
