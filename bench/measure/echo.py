"""The round trip of a keystroke: all ways at once, each on a guest of its own, in turns of some
keystrokes; in the next round every way has another guest.

"vmc ctl" and "vmc unix" tell where the time goes: without ssh and its door, and without libvirt."""

import subprocess

from .account import Cpu
from .report import Figures, Verdict, percentile
from .ways import Ctl, SshUnix, calm

COLUMNS = ["p50 us", "p90 us", "p99 us", "server CPU us"]
GAP_US = 1000
BLOCKS = 8
PEERS = ("direct_pty", "direct_unix", "virsh_local", "sshd_socat", "sshd_virsh")


def keystrokes(place, way, stream, keys):
    """The round trips in us, and the CPU seconds that they took."""
    cpu = Cpu(way.groups)
    done = subprocess.run([place.probe, "echo", str(stream.read_fd), str(keys), str(GAP_US)],
                          pass_fds=[stream.read_fd], capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{way.name}: {done.stderr.decode()}")
    return [int(line) / 1000 for line in done.stdout.split()], cpu.used()


def _begin(way, stream):
    if way.shell:
        stream.line("echo")
        stream.expect("echo ready\r\n", 15)


def _end(way, stream):
    if way.shell:
        stream.send(b"\x04")
        stream.expect("guest> ", 15)
    way.close(stream)


def measure(place, rounds, keys=800):
    ours = place.vmconsoled("vmc-echo", keep_open="0", unix_dirs=f"{place.virt.dir}/files")
    ways = [*(place.ways[name] for name in PEERS), ours,
            SshUnix("vmc unix", ours.groups, ours.daemon),
            Ctl("vmc ctl", ours.groups, ours.daemon)]
    assert len(ways) <= len(place.guests)
    figures = Figures("echo", COLUMNS)
    try:
        for number in range(rounds):
            one_round(place, ways, number, keys, figures)
    finally:
        place.drop(ours)
    return figures


def one_round(place, ways, number, keys, figures, beside=""):
    """The ways change guests among the first ones. beside: what else there is, as an end of the rows'
    names."""
    streams, times, used = [], [[] for _ in ways], [0.0 for _ in ways]
    for at, way in enumerate(ways):
        stream = way.open(place.guests[(at + number) % len(ways)])
        streams.append(stream)
        _begin(way, stream)
    for block in range(BLOCKS):
        # Each way comes at each place of the order.
        for step in range(len(ways)):
            at = (step + block) % len(ways)
            found, cpu = keystrokes(place, ways[at], streams[at], keys // BLOCKS)
            times[at] += found
            used[at] += cpu
    for way, stream, found, cpu in zip(ways, streams, times, used):
        _end(way, stream)
        figures.add(way.name + beside, [*(percentile(found, part) for part in (50, 90, 99)),
                                        cpu * 1e6 / len(found)])
    calm(ways)


def verdicts(figures):
    return [Verdict(f"echo {part}", limit, *figures.compare(part, "vmconsoled", "sshd_virsh"),
                    "sshd_virsh")
            for part, limit in (("p50 us", 1.0), ("p99 us", 1.1))] + [
        Verdict(f"unix echo {part}", limit, *figures.compare(part, "vmc unix", "sshd_socat"),
                "sshd_socat") for part, limit in (("p50 us", 0.9), ("p99 us", 1.0))]
