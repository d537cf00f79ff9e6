"""Guests that do not behave. The spare one, which nobody looks at otherwise."""

import contextlib

from lib.session import GUEST_CRASHED, ask

from . import fault

PASTE = 40 << 10


@contextlib.contextmanager
def _at(world, guest, *options):
    with world.daemon.pipes(guest.uuid, "attach", "--wait", "--lines", "0", *options) as session:
        yield session


def _until_back(world, session):
    """Whatever it prints still, it answers."""
    world.until(lambda: not session.read_some(0.1), "it is quiet")
    session.taken = len(session.seen)
    ask(session, 30)


@fault()
def guest_reads_nothing(world):
    """For some seconds; a paste stands before it meanwhile."""
    with _at(world, world.spare) as session:
        ask(session)
        session.line(f"spin {world.random.randrange(2, 5)}")
        session.expect("spinning")
        paste = b"x" * PASTE
        while paste and b"back" not in session.seen:
            paste = paste[session.send_some(paste[:4096]):]
            session.read_some(0)
            world.turn()
        session.expect("back", 30)
        session.line("")
        _until_back(world, session)


@fault()
def guest_floods(world):
    """Beside it a viewer that does not read."""
    with _at(world, world.spare) as session, _at(world, world.spare, "--no-input"):
        ask(session)
        session.line("flood")
        session.expect(r"\d{10} \w{51}\r\n")
        for _ in range(world.random.randrange(50, 200)):
            session.read_some(0)
            world.turn()
        session.line("")
        session.expect(r"flood \d+ lines", 30)
        _until_back(world, session)


@fault()
def guest_reboots(world):
    with _at(world, world.spare) as session:
        ask(session)
        session.line("reboot")
        session.expect("guest spare ready", 20)
        ask(session)


@fault(ends={"victim": {GUEST_CRASHED}})
def guest_panics(world):
    with _at(world, world.victim) as session:
        session.expect(r"tick \d{10}\r\n")
        session.send(b"x")
        session.expect("guest> ")
        session.line("panic")
        world.until(lambda: world.some("victim").status is not None, "its viewer is told", 20)
