"""What holds after each fault."""

import collections
import contextlib
import os
import re

from lib.proc import SANITIZED, wait_until
from lib.session import DONE, ask

# vmconsoled(8), EXIT STATUS, with ssh's 255; what curl and scp end with has no place there.
DOCUMENTED = {0, 64, 66, 69, 70, 75, 77, 80, 81, 82, 84, 85, 86, 124, 130, 255}
MEMORY_FACTOR, MEMORY_KIB = 1.5, 8 << 10  # a process may hold this much more than at first
MORE = {"fds": 4, "threads": 1}  # what is made once, for the first work of some kind


def statuses(world, fault):
    """Who has ended has done so with a status that the fault explains."""
    for client in world.clients:
        status = client.status
        if status is None:
            continue
        allowed = fault.ends.get(client.kind, set()) | ({0} if client.kind == "scp" else set())
        assert status in allowed, \
            f"{client} ended with {status}, not {sorted(allowed) or 'at all'}: " \
            f"{client.stream.errors()[-600:]}"
        if client.kind in ("viewer", "victim", "writer"):
            assert status in DOCUMENTED or status < 0, f"{client}: {status} is not documented"


def answers(world):
    """vmconsolectl and ssh are answered, and a fresh attach works both ways."""
    result = world.daemon.ctl("status", world.ticker.uuid)
    assert result.status == DONE, f"status: {result}"
    with world.daemon.pipes(world.spare.uuid, "attach", "--wait", "--lines", "0") as session:
        ask(session, 30)


def bytes_read(world, fault):
    for client in world.clients:
        client.check(may_lose=fault.loses)
    world.check_numbers()


class Leaks:
    """Against what each process held at first, under the same load."""

    def __init__(self, world):
        self.world = world
        self.first = world.processes()
        self.opened = {name: self._open(name) for name in self.first}

    def _more(self, name, count):
        return lambda: getattr(self.world.processes()[name], count) <= \
            getattr(self.first[name], count) + MORE[count]

    def check(self, thoroughly):
        """Threads that wait for work end after ten seconds: only a thorough look counts them."""
        for count in ("fds", "threads") if thoroughly else ("fds",):
            for name, first in self.first.items():
                try:
                    wait_until(self._more(name, count), 20, "")
                except AssertionError:
                    now = self.world.processes()[name]
                    raise AssertionError(f"{name} leaks {count}: {first} {self.opened[name]}, now "
                                         f"{now} {self._open(name)}") from None
        for name, now in self.world.processes().items():
            most = self.first[name].memory * MEMORY_FACTOR + MEMORY_KIB
            assert SANITIZED or now.memory <= most, \
                f"{name} leaks memory: {self.first[name]}, now {now}"

    def _open(self, name):
        """What kinds of descriptors it has, and how many of each."""
        return collections.Counter(
            re.sub(r"\d+", "N", os.path.basename(link))
            for pid in self.world.pids()[name] for link in _links(pid))


def _links(pid):
    for number in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            yield os.readlink(f"/proc/{pid}/fd/{number}")
