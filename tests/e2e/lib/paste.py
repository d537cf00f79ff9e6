"""Typing more than a guest reads."""

import time

from .proc import SLOW

MIB = 1 << 20


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
