"""The round trip of a keystroke beside a crowd: `idle`, on a daemon that holds idle sessions, in the same
rounds as on one that holds none; `floods`, beside consoles that flood through the daemon; `guests`, on a
host with many guests, all of which libvirtd looks after.

An emulated guest that floods takes all the CPU it gets: those have the last processor, and share it."""

import contextlib
import os
import subprocess

from lib import clients

from .echo import COLUMNS, one_round
from .hold import Client
from .report import Figures, Verdict
from .ways import SshUnix

FLOODS = 8
PEERS = ("direct_unix", "virsh_local", "sshd_socat", "sshd_virsh")
WAYS = len(PEERS) + 4
GUESTS = WAYS + FLOODS + 1  # the last one has the idle sessions


def _ours(place, label, end=""):
    """A daemon, by its two ways: through libvirt, and over the unix socket."""
    through = place.vmconsoled(label, keep_open="0", unix_dirs=f"{place.virt.dir}/files")
    unix = SshUnix(f"vmc unix{end}", through.groups, through.daemon)
    through.name += end
    return [through, unix]


@contextlib.contextmanager
def _idle(place, way, guest, count):
    client = Client(place, way, [guest.name])
    try:
        print(f"# {client.order('open', count)} idle sessions of {count}", flush=True)
        yield
        client.order("close")
    finally:
        client.stop()


def _confine(pid):
    for task in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(task), {max(os.sched_getaffinity(0))})


@contextlib.contextmanager
def _floods(daemon, guests):
    viewers = []
    try:
        for guest in guests:
            _confine(guest.qemu_pid)
            viewer = subprocess.Popen(clients.ssh_argv(daemon, guest.name), stdin=subprocess.PIPE,
                                      stdout=subprocess.DEVNULL)
            viewers.append(viewer)
            viewer.stdin.write(b"flood\r")
            viewer.stdin.flush()
            guest.wait_run("flood")
        yield
        for viewer, guest in zip(viewers, guests):
            viewer.stdin.write(b"x")
            viewer.stdin.flush()
    finally:
        for viewer in viewers:
            viewer.terminate()
            viewer.wait()


def measure(place, rounds, keys=800, idle=3000, guests=200):
    peers = [place.ways[name] for name in PEERS]
    empty, held = _ours(place, "vmc-crowd"), _ours(place, "vmc-idle", ", idle")
    figures = Figures("echo beside a crowd", COLUMNS)
    try:
        with _idle(place, held[0], place.guests[GUESTS - 1], idle):
            for number in range(rounds):
                one_round(place, peers + empty + held, number, keys, figures)
        place.drop(held[0])
        flooded = place.guests[WAYS:WAYS + FLOODS]
        with _floods(empty[0].daemon, flooded):
            for number in range(rounds):
                one_round(place, peers + empty, number, keys, figures, ", floods")
        place.add_guests(guests)
        for number in range(rounds):
            one_round(place, peers + empty, number, keys, figures, ", guests")
    finally:
        for way in (empty[0], held[0]):
            if way.daemon in place.servers:
                place.drop(way)
    return figures


def _verdict(figures, what, ours, theirs, column="p99 us"):
    return Verdict(f"{what}, {column}", 1.1, *figures.compare(column, ours, theirs),
                   theirs.split(",")[0])


def verdicts(figures):
    found = [_verdict(figures, f"idle sessions{kind}", f"{way}, idle", way, column)
             for kind, way in (("", "vmconsoled"), (", unix", "vmc unix"))
             for column in ("p50 us", "p99 us", "server CPU us")]
    for beside in ("", ", floods", ", guests"):
        found += [_verdict(figures, f"unix{beside}", f"vmc unix{beside}", f"sshd_socat{beside}"),
                  _verdict(figures, f"libvirt{beside}", f"vmconsoled{beside}", f"virsh_local{beside}"),
                  _verdict(figures, f"libvirt{beside}", f"vmconsoled{beside}", f"sshd_virsh{beside}")]
    return found
