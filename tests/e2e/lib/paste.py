"""Typing more than a guest reads."""

import time

from .proc import SLOW

MIB = 1 << 20
FIRST_FRAGILE = 9001000  # as the daemon has it
HELD = "takes no input; what waits is held back"
TAKEN_BACK = "output ended"  # that of the way before


def is_fragile(virt):
    """Whether libvirtd may not survive a guest's end with input that stands in it."""
    return virt.connection.getLibVersion() >= FIRST_FRAGILE


def wait_until_deaf(daemon, virt, since):
    """Where it matters, the daemon has noticed that the guest takes nothing."""
    if is_fragile(virt):
        daemon.wait_log(HELD, 20, since)
        daemon.wait_log(TAKEN_BACK, 20, since)


def wait_until_taken_back(daemon, virt, since):
    """The same, just now: the next attempt is seconds away, and the guest may be ended."""
    if is_fragile(virt):
        daemon.wait_log(HELD, 20, since)
        daemon.wait_log(TAKEN_BACK, 40, len(daemon.log()))


def spinning(daemon, guest):
    """A session of a guest that reads nothing until it is reset."""
    session = daemon.pipes(guest.name)
    session.send(b"spin\r")
    session.expect("spinning", 15)
    return session


def paste_until_stuck(session, data=b"x" * 4 * MIB, seconds=20):
    """Pastes as much as is taken; returns how much that was once nothing moves for a second. The
    ssh window takes more than 1 MiB before the first byte of it must be read."""
    sent, moved = 0, time.monotonic()
    deadline = moved + seconds * SLOW
    while sent < len(data) and time.monotonic() - moved < 1 and time.monotonic() < deadline:
        now = session.send_some(data[sent:])
        if now:
            sent, moved = sent + now, time.monotonic()
        else:
            session.read_some(0.02)
    return sent
