"""The clients that work while faults come. Each is read whenever the world turns, and is, at any
time, live or ended; what it has read is compared with the journal by offsets."""

import hashlib
import os
import re
import time

from lib import clients, kept, proc
from lib.https import curl_argv
from lib.session import skipped, word
from lib.term import Pipes

TYPE_EVERY = 0.15  # seconds between two lines of the writer
OUTSTANDING = 20   # lines without an answer after which it waits
LATE = 10          # seconds after which a line will not be answered any more


def runs(start, data, holes):
    """[(offset, bytes)] of what was read from start on, where these offsets were left out."""
    found, at = [], start
    for first, end in sorted(hole for hole in holes if hole[1] > start):
        take = max(first - at, 0)
        found.append((at, data[:take]))
        data, at = data[take:], end
    return [*found, (at, data)]


class Client:
    """kind: what a fault's table of endings calls it."""

    kind = None

    def __init__(self, world, argv):
        self.world, self.total = world, 0
        self.stream = Pipes(argv)

    def __repr__(self):
        return f"{self.kind} {self.stream.pid}"

    def pump(self):
        before = len(self.stream.seen)
        while self.stream.read_some(0):
            pass
        self.total += len(self.stream.seen) - before

    @property
    def status(self):
        """None while it is there."""
        if self.stream.process.poll() is not None:
            self.pump()
        return self.stream.process.poll()

    def is_fresh(self, since):
        return self.total > since + 40

    def check(self, may_lose):
        """Fails if it has not read what the journal holds."""

    def close(self):
        self.stream.close()


class Reader(Client):
    """Reads a console from an offset on."""

    def __init__(self, world, guest, argv, start):
        super().__init__(world, argv)
        self.guest, self.start = guest, start

    def check(self, may_lose):
        self.pump()
        there = self.world.journal(self.guest, self.start)
        mine = self.placed(self.stream.seen, there)
        end = mine[-1][0] + len(mine[-1][1])
        same = 0
        for at, data in mine:
            for start, kept_data in there:
                first, last = max(at, start), min(at + len(data), start + len(kept_data))
                if first < last:
                    same += last - first
                    got, wanted = data[first - at:last - at], kept_data[first - start:last - start]
                    assert got == wanted, \
                        f"{self}: read {got[:400]!r} at {first}, the journal has {wanted[:400]!r}"
        assert may_lose or same == len(self.stream.seen), \
            f"{self}: {len(self.stream.seen)} bytes read from {self.start} to {end}, " \
            f"{same} of them are in the journal: {[(at, len(data)) for at, data in there]}"
        self.start, self.stream.seen = end, b""


    def placed(self, data, there):
        """runs of what was read."""
        return runs(self.start, data, skipped(self.stream.errors()))


class Viewer(Reader):
    kind = "viewer"

    def __init__(self, world, guest, *options):
        start = kept.offsets(world.daemon, guest, local=True)[1]
        super().__init__(world, guest, clients.ssh_argv(
            world.daemon, guest.uuid, "attach", "--no-input", "--from", str(start), *options,
            tty=False), start)


class Victim(Viewer):
    """Watches the guest that faults are made of, and does not wait for it."""

    kind = "victim"


class Https(Reader):
    kind = "https"

    def __init__(self, world, guest):
        start = kept.offsets(world.daemon, guest, local=True)[1]
        super().__init__(world, guest, curl_argv(
            world.daemon, f"/consoleStream/{guest.uuid}?from={start}", "-N", "-f"), start)

    def placed(self, data, there):
        """A stream of https has no place to tell of offsets without a byte: where the journal has
        none, neither has it."""
        found = []
        for at, have in there:
            found.append((at, data[:len(have)]))
            data = data[len(have):]
            if not data:
                break
        return [*found, (there[-1][0] + len(there[-1][1]), data)] if data else found


class Writer(Client):
    """Types lines that the guest answers, all the time."""

    kind = "writer"

    def __init__(self, world, guest):
        super().__init__(world, clients.ssh_argv(
            world.daemon, guest.uuid, "attach", "--wait", "--lines", "0", tty=False))
        self.typed, self.lost, self.next = {}, [], 0  # typed: words, and when

    def pump(self):
        super().pump()
        now = time.monotonic()
        if now < self.next:
            return
        self.next = now + TYPE_EVERY
        seen = self.stream.seen
        self.typed = {text: when for text, when in self.typed.items()
                      if f"{text}\r\n".encode() not in seen}
        self.stream.seen = seen[-4096:]
        late = [text for text, when in self.typed.items() if now > when + LATE * proc.SLOW]
        self.lost += late
        for text in late:
            del self.typed[text]
        if len(self.typed) < OUTSTANDING:
            self._type(word(), now)

    def _type(self, text, now):
        try:
            if self.stream.send_some(f"say {text}\r".encode()):
                self.typed[text] = now
        except BrokenPipeError:
            pass  # its end is seen elsewhere

    def check(self, may_lose):
        """What a fault has swallowed is only seen to be so when it is late: perhaps after that."""
        lost, self.lost = self.lost, []
        if may_lose:
            self.typed = {}
        assert may_lose or not lost, f"{self}: typed and never answered: {lost}"


class Scp(Client):
    """Fetches the dump, at a pace; ends by itself."""

    kind = "scp"

    def __init__(self, world, guest, wanted):
        self.target, self.wanted = f"{world.virt.dir}/fetched", wanted
        super().__init__(world, clients.file_client_argv(
            world.daemon, "scp", "-l", "12000", f"{guest.uuid}@{clients.HOST}:dumps/latest",
            self.target))

    def is_fresh(self, since):
        """It has to end."""
        return False

    def check(self, may_lose):
        if self.status == 0:
            with open(self.target, "rb") as file:
                assert hashlib.file_digest(file, "sha256").hexdigest() == self.wanted, \
                    f"{self}: what it fetched is not the dump"
            os.unlink(self.target)


class Numbers:
    """The lines of a guest that counts, as the journal has them: how often the count breaks."""

    LINE = re.compile(rb"tick (\d{10})\r\n")

    def __init__(self, at):
        self.at, self.next, self.breaks, self.holes, self.rest = at, None, 0, 0, b""

    def feed(self, found):
        """found: runs from .at on."""
        for at, data in found:
            if at != self.at:
                self.holes, self.rest = self.holes + 1, b""
            self._lines(self.rest + data)
            self.at = at + len(data)

    def _lines(self, data):
        at = 0
        for line in self.LINE.finditer(data):
            number = int(line[1])
            if self.next is not None and (line.start() != at or number != self.next):
                self.breaks += 1
            self.next, at = number + 1, line.end()
        self.rest = data[at:]
