"""Descriptors are used up. Not of the whole system (ENFILE), which others use too: what the daemon
sees of that is the same error of the same calls, but for its number."""

import contextlib
import os
import socket
import subprocess

from . import fault

SPARE = (0, 1, 2, 3, 5, 8, 13)  # descriptors that are left


def _limit(world, pid, files=None):
    """Sets the soft limit, as the daemon's user, who may; returns what it is."""
    done = subprocess.run(
        world.virt.user.argv(["prlimit", "--pid", pid, "--raw", "--noheadings", "--output", "SOFT",
                              *([f"--nofile={files}:"] if files else ["--nofile"])]),
        capture_output=True, text=True, check=True)
    return files or int(done.stdout)


def _used_up(world, pid):
    """New connections come meanwhile, and wait or are refused."""
    before = _limit(world, pid)
    top = max(map(int, os.listdir(f"/proc/{pid}/fd"))) + 1
    _limit(world, pid, top + world.random.choice(SPARE))
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(10):
                port = world.random.choice([world.daemon.port, world.daemon.port_tls])
                stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                world.run(0, 0.2)
            with contextlib.suppress(AssertionError):
                world.daemon.ctl("who")
    finally:
        _limit(world, pid, before)


@fault(ends={"scp": {1, 69, 75, 255}})
def broker_without_descriptors(world):
    _used_up(world, world.daemon.pid)


@fault(ends={"scp": {1, 69, 75, 255}})
def ssh_door_without_descriptors(world):
    _used_up(world, world.daemon.doors("ssh")[0])


@fault()
def https_door_without_descriptors(world):
    _used_up(world, world.daemon.doors("https")[0])
