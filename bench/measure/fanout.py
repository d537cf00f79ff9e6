"""Many viewers of one console that floods: the rate each one gets, what is lost, and what it costs the
server, beside conserver on the same socket. An emulated guest's UART is slow; so there are two more
sources, programs in the places of other guests' sockets: `paced` prints some MB a second, as a guest on
a virtio console does, and `eager` as much as is taken.

The viewers of a way are one process, so that they do not take the CPU that is measured."""

import subprocess

from .account import Cpu
from .conserver import Conserver, is_installed
from .flood import LINE
from .report import Figures, Verdict, median
from .ways import Unix

GUESTS = 1
FEW, MANY = 16, 100
PROGRAMS = {" paced": 4_000_000, " eager": 1_000_000_000}  # bytes a second
KINDS = ("", *PROGRAMS)
HEAD = 30  # of a packet: what is encrypted and not the guest's
COLUMNS = ["MB/s each", "server CPU s/MB", "of encrypting", "of enc. and sending", "packet bytes",
           "lost"]


class Source:
    """A program that prints where the guest's QEMU has listened."""

    def __init__(self, place, guest, rate):
        self.process = subprocess.Popen(
            place.user.argv([place.probe, "source", guest.socket(), str(rate), "-uuid", guest.uuid], die_with_us=True), stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            raise RuntimeError("the source does not listen")

    def stop(self):
        self.process.kill()
        self.process.wait()


class Vmconsoled:
    def __init__(self, place, daemon, group):
        self.place, self.daemon, self.group = place, daemon, group

    def argv(self, guest, count):
        return [self.place.probe, "viewers", str(self.daemon.port), guest.name,
                self.place.keys.ed25519, str(count)]

    def stop(self):
        pass  # it closes the console behind the last viewer


class Peer:
    """conserver, for one turn: it holds a guest's socket as long as it runs."""

    def __init__(self, place, guest, tls):
        self.place, self.kind = place, "tls" if tls else "plain"
        self.server = Conserver(place, guest, tls)
        self.group = self.server.group

    def argv(self, guest, count):
        return [self.place.probe, "conserver", self.kind, str(self.server.port), guest.name,
                str(count)]

    def stop(self):
        self.server.stop()


def _flood(server, guest, count, lines):
    """What each viewer says, and the CPU that the server took from the command to the last byte."""
    with subprocess.Popen([*server.argv(guest, count), str(lines)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as probe:
        if probe.stdout.readline() != b"ready\n":
            raise RuntimeError(f"{server.group.name}: the viewers see no guest")
        server.group.settle()
        cpu = Cpu([server.group])
        probe.stdin.write(b"go\n")
        probe.stdin.flush()
        first = probe.stdout.readline()
        used = cpu.used()
        probe.stdin.close()
        rows = [first, *probe.stdout.readlines()]
    server.group.settle()
    return [list(map(int, row.split())) for row in rows], used


def _floor(place, size, packet, count):
    """CPU seconds of encrypting so many bytes for each viewer, and of encrypting and sending them."""
    done = subprocess.run([place.probe, "encrypt", str(size), str(packet), str(count)],
                          capture_output=True, check=True)
    return map(float, done.stdout.split())


def _row(place, server, guest, count, lines):
    rows, used = _flood(server, guest, count, lines)
    packet = round(sum(row[0] for row in rows) / sum(row[4] for row in rows))
    encrypting, sending = _floor(place, lines * LINE, packet + HEAD, count)
    return [median([row[0] * 1000 / max(row[1], 1) for row in rows]), used / (lines * LINE / 1e6),
            used / encrypting, used / sending, packet, sum(lines - row[2] for row in rows)]


def _direct(place, guest, lines):
    """One who reads the guest's socket and has no server."""
    way = Unix("direct", port=0)
    way.shell = True
    stream = way.open(guest)
    try:
        done = subprocess.run([place.probe, "flood", str(stream.read_fd), str(lines)],
                              pass_fds=[stream.read_fd], capture_output=True, check=True)
    finally:
        way.close(stream)
    count, nanoseconds, good, _ = map(int, done.stdout.split())
    return [count * 1000 / nanoseconds, 0, 0, 0, 0, lines - good]


def _turns(place, ours, guest, kind):
    """Name, how to get the server, number of viewers: what is done with one guest in a round."""
    found = [(f"vmconsoled {count}{kind}", lambda: ours, count) for count in (1, FEW, MANY)]
    if is_installed():
        found += [(f"conserver {FEW}{kind}", lambda: Peer(place, guest, True), FEW),
                  (f"conserver {MANY}{kind}", lambda: Peer(place, guest, True), MANY),
                  (f"no TLS {FEW}{kind}", lambda: Peer(place, guest, False), FEW)]
    return found


def _round(place, ours, guest, kind, lines, figures):
    if not kind:
        figures.add("direct", _direct(place, guest, lines))
    for name, get, count in _turns(place, ours, guest, kind):
        server = get()
        try:
            figures.add(name, _row(place, server, guest, count, lines))
        finally:
            server.stop()


def measure(place, rounds, kib=512, fast_kib=4096):
    if not is_installed():
        print("# fanout: without conserver, which is not installed", flush=True)
    guests = place.unix_guests(1 + len(PROGRAMS))
    sources = [Source(place, *each) for each in zip(guests[1:], PROGRAMS.values())]
    way = place.vmconsoled("vmc-fanout", keep_open="0", unix_dirs=f"{place.virt.dir}/files")
    ours, figures = Vmconsoled(place, way.daemon, way.groups[0]), Figures("fanout", COLUMNS)
    try:
        for _ in range(rounds):
            for guest, kind in zip(guests, KINDS):
                lines = (fast_kib if kind else kib) * 1024 // LINE
                _round(place, ours, guest, kind, lines, figures)
    finally:
        for source in sources:
            source.stop()
        place.drop(way)
        for guest in guests:
            guest.remove()
    return figures


def _beside(figures, kind):
    ours, theirs = f"vmconsoled {FEW}{kind}", f"conserver {FEW}{kind}"
    if theirs not in figures.rows:
        return []
    return [Verdict(f"{FEW} viewers{kind}, MB/s each", 2,
                    *figures.compare("MB/s each", ours, theirs), "conserver", at_least=True),
            Verdict(f"{FEW} viewers{kind}, CPU s/MB", 1 / 3,
                    *figures.compare("server CPU s/MB", ours, theirs), "conserver")]


def _alone(figures, kind):
    name = f"vmconsoled {MANY}{kind}"
    return [Verdict(f"{MANY} viewers{kind}, of encrypting", 1.5,
                    figures.column("of encrypting", median)[name]),
            Verdict(f"{MANY} viewers{kind}, lines lost", 0, figures.column("lost", sum)[name])]


def verdicts(figures):
    return [one for kind in KINDS for one in _beside(figures, kind) + _alone(figures, kind)]
