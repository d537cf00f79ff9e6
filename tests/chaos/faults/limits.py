"""Descriptors are used up. Not of the whole system (ENFILE), which others use too: what the daemon
sees of that is the same error of the same calls, but for its number."""

import contextlib
import socket

from lib import proc

from . import fault

SPARE = (0, 1, 2, 3, 5, 8, 13)  # descriptors that are left


def _used_up(world, pid):
    """New connections come meanwhile, and wait or are refused."""
    user = world.virt.user
    before = user.limit_files(pid, proc.next_file(pid) + world.random.choice(SPARE))
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(10):
                port = world.random.choice([world.daemon.port, world.daemon.port_tls])
                stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                world.run(0, 0.2)
            with contextlib.suppress(AssertionError):
                world.daemon.ctl("who")
    finally:
        user.limit_files(pid, before)


@fault(ends={"scp": {1, 69, 75, 255}})
def broker_without_descriptors(world):
    _used_up(world, world.daemon.pid)


@fault(ends={"scp": {1, 69, 75, 255}})
def ssh_door_without_descriptors(world):
    _used_up(world, world.daemon.doors("ssh")[0])


@fault()
def https_door_without_descriptors(world):
    _used_up(world, world.daemon.doors("https")[0])
