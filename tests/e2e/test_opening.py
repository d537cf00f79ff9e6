"""A console that libvirt does not give at once, or not at all."""

import contextlib
import os
import pathlib
import threading
import time

import libvirt
import pytest

from lib.proc import wait_until
from lib.session import (DONE, UNAVAILABLE, ask, ask_until_answered, leave, one_line_reason,
                         parse_json, see)

# QEMU, except that the guest's own start waits until it is told to go on or to fail. libvirt has
# made the domain by then, and says it is active, but does not know its terminals.
HELD_QEMU = """#!/bin/sh
case " $* " in *" guest={name},"*)
	while ! test -e {go}; do ! test -e {fail} || exit 1; sleep 0.05; done ;;
esac
exec /usr/bin/qemu-system-x86_64 "$@"
"""


@pytest.fixture
def starting(virt, guests):
    """A guest whose start takes until .go() or .fail() is called."""
    folder = pathlib.Path(f"{virt.dir}/files")
    go, fail, script = folder / "go", folder / "fail", folder / "held-qemu"
    script.write_text(HELD_QEMU.format(name="starting", go=go, fail=fail), encoding="utf-8")
    script.chmod(0o755)
    guest = guests("starting", start=False, emulator=script)

    def create():
        # A connection of its own: in libvirt 9.0 a call may hang behind one that takes long.
        with contextlib.suppress(libvirt.libvirtError):
            libvirt.open(virt.uri).lookupByUUIDString(guest.uuid).create()

    def start_held():
        go.unlink(missing_ok=True)
        fail.unlink(missing_ok=True)
        guest.started = threading.Thread(target=create)
        guest.started.start()
        wait_until(guest.domain.isActive, 15, "libvirt is starting the guest")

    def end_of_start():
        fail.touch()
        guest.started.join()

    guest.go, guest.start_held, guest.fail = go.touch, start_held, end_of_start
    start_held()
    yield guest
    guest.fail()


def test_a_console_opens_although_the_guest_was_still_being_started(daemons, starting):
    daemon = daemons()
    with daemon.pipes(starting.name) as session:
        wait_until(lambda: "not ready yet" in session.errors(), 15, "it says that it is too early")
        starting.go()
        starting.wait_boot()
        ask(session)


def test_who_comes_while_it_is_too_early_is_not_told_that_it_is_held(daemons, starting):
    daemon = daemons()
    with daemon.terminal(starting.name) as first:
        first.expect("not ready yet", 15)
        with daemon.pipes(starting.name, "attach", "--read-only", "--no-input") as second:
            daemon.wait_log(r"attached to starting .* without a pty")
            starting.go()
            starting.wait_boot()
            see(second, first)
        leave(first)


def test_a_script_is_not_held_for_ever_by_a_start_that_takes_minutes(daemons, starting):
    daemon = daemons()
    with daemon.terminal(starting.name) as person:
        result = daemon.ssh(starting.name, "attach", "--no-input", seconds=30)
        assert result.status == UNAVAILABLE, result
        one_line_reason(result.errors, "did not open: .*PTY")
        starting.go()
        starting.wait_boot()
        ask_until_answered(person)  # who waits gets it all the same


def test_a_failed_start_is_not_counted_against_the_next_one(daemons, starting):
    daemon = daemons()
    with daemon.terminal(starting.name) as person:
        person.expect("console does not open: .*PTY", 30)
        starting.fail()
        wait_until(lambda: parse_json(daemon.ctl("status", starting.name, "--json"))["state"] == "off",
                   10, "the daemon has noticed")
        starting.start_held()
        starting.define()  # libvirt tells of a start when it is done, but of this at once
        person.expect("not ready yet", 15)


# While it is being opened

def sockets(daemon):
    count = 0
    for entry in os.scandir(f"/proc/{daemon.pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            count += os.readlink(entry.path).startswith("socket:")
    return count


def test_who_leaves_while_it_opens_does_not_cut_the_opening_short(daemons, guest, virt):
    """libvirtd takes a console whose client went in the middle of the opening for held, until the
    guest ends."""
    daemon = daemons()
    daemon.settled()
    idle = sockets(daemon)
    virt.freeze()
    session = daemon.pipes(guest.name, "attach")
    daemon.wait_log("attached to")
    session.kill()
    daemon.wait_log("left: connection closed")
    for _ in range(20):
        assert sockets(daemon) > idle
        time.sleep(0.05)
    virt.thaw()
    wait_until(lambda: sockets(daemon) == idle, 15, "the connection is closed")
    with daemon.pipes(guest.name) as session:
        ask(session)


def test_the_hypervisor_goes_while_it_opens(daemons, guest, virt):
    daemon = daemons()
    virt.freeze()
    with daemon.pipes(guest.name, "attach --wait") as session, \
            daemon.pipes(guest.name, "wait --timeout 60 'guest> here$'") as waiting:
        wait_until(lambda: len(parse_json(daemon.ssh(guest.name, "who", "--json"))) == 2, 15,
                   "both have begun")
        virt.kill9()
        virt.restart()
        ask_until_answered(session)
        session.line("say here")
        assert waiting.wait(60) == DONE, waiting.errors()
