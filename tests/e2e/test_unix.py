"""Consoles of type unix: straight to QEMU's socket, and only to it."""

import os
import signal
import socket
import time

import pytest

from lib import pattern
from lib.proc import SLOW, wait_until
from lib.session import (BUSY, DONE, ESCAPE, GUEST_OFF, UNAVAILABLE, ask, ask_until_answered, leave,
                         one_line_reason, see)

WATCH = ("attach", "--read-only", "--no-input")


@pytest.fixture(scope="module")
def daemon(module_daemons, virt):
    """It lets go of a console at once, so that the next test finds it free."""
    return module_daemons({"console": {"unix_dirs": f"{virt.dir}/files", "keep_open": "0"}})


@pytest.fixture
def guest(guests):
    return guests(serials=("unix",))


@pytest.fixture(scope="module")
def shared(module_guests):
    """For tests that leave it as it was."""
    return module_guests("unix", serials=("unix",))


def refused(daemon, guest, *words):
    result = daemon.ssh(guest.name, *WATCH)
    assert result.status == UNAVAILABLE and result.out == b"", result
    one_line_reason(result.errors, *words)


# Both ways


def test_terminal_and_pipe_work_both_ways(daemon, shared):
    with daemon.terminal(shared.name) as session, daemon.pipes(shared.name, *WATCH) as watcher:
        ask(session)
        see(watcher, session)
        leave(session)


def test_command_by_pipe_is_answered(daemon, shared):
    result = daemon.ssh(shared.name, stdin=b"say by-pipe\r")
    assert result.status == DONE, result
    assert b"by-pipe\r\n" in result.out


def test_flood_arrives_whole(daemon, shared):
    flood = pattern.lines(0, 4096)
    with daemon.pipes(shared.name) as session:
        ask(session)
        session.send(b"pat 4096\r")
        pattern.assert_same(session.expect_bytes(len(flood), 60), flood)
        session.expect("guest> ")
        ask(session)


def test_binary_arrives_untouched(daemon, shared):
    with daemon.pipes(shared.name) as session:
        ask(session)
        session.send(b"bin 20000\r")
        pattern.assert_same(session.expect_bytes(20000, 30), pattern.binary(20000))


def test_paste_reaches_the_guest_whole(daemon, shared):
    data = pattern.binary(30000)
    with daemon.pipes(shared.name) as session:
        ask(session)
        session.send(b"sum 30000\r")
        shared.wait_run("sum 30000")
        session.send(data, 60)
        session.expect(rf"{pattern.fnv1a(data):016x}", 60)


def test_guest_that_reads_nothing_can_be_left(daemon, guest):
    with daemon.terminal(guest.name) as session:
        ask(session)
        session.line("spin")
        guest.wait_run("spin")
        session.send(b"x" * (1 << 20), 60)  # held back, then dropped
        session.send(ESCAPE + b".", 30)
        assert session.wait(20) == DONE
        assert b"takes no input" in session.seen


def test_end_of_the_guest_is_told_by_its_cause(daemon, guest):
    with daemon.pipes(guest.name) as session:
        ask(session)
        session.send(b"off\r")
        assert session.wait(15) == GUEST_OFF, session.errors()
        one_line_reason(session.errors(), "shut ?down|off")


def test_the_last_words_of_a_guest_are_found(daemon, guest):
    with daemon.pipes(guest.name) as typist, \
            daemon.pipes(guest.name, "wait --from start 'bye$'") as waits:
        ask(typist)
        typist.send(b"say bye\roff\r")
        assert waits.wait(20) == DONE, waits.errors()


def test_terminal_goes_on_after_the_next_start(daemon, guest):
    with daemon.terminal(guest.name) as session:
        ask(session)
        guest.destroy()
        session.expect("(?i)waiting")
        guest.start()
        session.expect("has started", 20)
        ask(session)


def test_console_outlives_libvirtd(daemon, guest, virt):
    with daemon.terminal(guest.name) as session:
        ask(session)
        virt.restart()
        ask(session)


# Somebody else has it


def test_script_is_told_at_once_that_another_program_holds_it(daemon, guest):
    with guest.unix() as other:
        guest.wake(other)
        begun = time.monotonic()
        result = daemon.ssh(guest.name, stdin=b"say lost\r")
        assert result.status == BUSY, result
        assert time.monotonic() - begun < 8 * SLOW
        one_line_reason(result.errors, "held")
        other.line("say mine")
        other.expect("mine\r\n")
        assert b"lost" not in other.seen


def test_terminal_waits_until_it_is_free(daemon, guest):
    with guest.unix() as other:
        guest.wake(other)
        with daemon.terminal(guest.name) as session:
            session.expect("held by", 15)
            other.line("say mine")
            other.expect("mine\r\n")
            other.close()
            ask(session, 20)


def test_it_can_be_held_for_long_without_end(daemon, guest):
    """Every attempt leaves a dead connection in QEMU's queue: that fills it, and no more."""
    with guest.unix() as other:
        guest.wake(other)
        with daemon.terminal(guest.name) as session:
            session.expect("held by", 15)
            time.sleep(9)  # several attempts
            other.close()
            ask(session, 20)


# Only the guest's own QEMU


def test_path_outside_of_unix_dirs_is_refused(daemons, shared):
    daemon = daemons()
    refused(daemon, shared, "serial0|unix", "not below unix_dirs")


@pytest.mark.parametrize("dirs", ["{0}/file", "{0}/files/deeper", "{0}/fil"])
def test_folder_is_compared_by_components(daemons, shared, virt, dirs):
    daemon = daemons({"console": {"unix_dirs": dirs.format(virt.dir)}})
    refused(daemon, shared, "not below unix_dirs")


def test_symbolic_link_is_not_followed(daemon, shared):
    path = shared.socket()
    os.rename(path, path + ".real")
    os.symlink(path + ".real", path)
    refused(daemon, shared, "symbolic link")
    os.unlink(path)
    os.rename(path + ".real", path)
    with daemon.pipes(shared.name) as session:
        ask(session)


def test_other_program_that_listens_there_is_not_believed(daemon, shared):
    path = shared.socket()
    os.rename(path, path + ".real")
    with socket.socket(socket.AF_UNIX) as trap:
        trap.bind(path)
        os.chmod(path, 0o777)
        trap.listen()
        refused(daemon, shared, "not the VM's QEMU")
    os.unlink(path)
    os.rename(path + ".real", path)


def test_other_guests_qemu_is_not_believed(daemon, guests, guest):
    victim = guests(serials=("unix",))
    path = guest.socket()
    os.rename(path, path + ".real")
    os.rename(victim.socket(), path)
    refused(daemon, guest, "not the VM's QEMU")
    os.rename(path, victim.socket())
    os.rename(path + ".real", path)
    with daemon.pipes(victim.name) as session:
        ask(session)


def test_something_that_is_no_socket_is_refused(daemon, shared):
    path = shared.socket()
    os.rename(path, path + ".real")
    with open(path, "w", encoding="ascii") as file:
        file.write("no socket\n")
    refused(daemon, shared, "socket")
    os.unlink(path)
    os.rename(path + ".real", path)


def test_folder_everybody_may_write_to_is_not_used(daemon, shared, virt):
    os.chmod(f"{virt.dir}/files", 0o777)
    try:
        refused(daemon, shared, "everybody may write")
    finally:
        os.chmod(f"{virt.dir}/files", 0o700)


def test_missing_group_is_named(daemon, shared, user):
    path = shared.socket()
    os.chmod(path, 0o070)
    refused(daemon, shared, f"needs group {user.name} on {path}")
    os.chmod(path, 0o000)
    refused(daemon, shared, "closed to its group too")
    os.chmod(path, 0o775)
    with daemon.pipes(shared.name) as session:
        ask(session)


def test_access_given_later_is_noticed(daemon, guest):
    """VDSM hands the socket to the group when the guest runs already."""
    os.chmod(guest.socket(), 0o070)
    with daemon.terminal(guest.name) as session:
        session.expect("needs group")
        os.chmod(guest.socket(), 0o775)
        ask(session, 20)


# QEMU connects to us


@pytest.fixture
def dialing(guests):
    return guests(serials=("unix-connect",))


def test_guest_that_connects_to_us_works_both_ways(daemon, dialing):
    with daemon.terminal(dialing.name) as session:
        ask(session, 20)
        assert os.stat(dialing.socket()).st_mode & 0o777 == 0o660
        leave(session)


def test_socket_goes_with_the_console_and_leavings_are_replaced(daemons, virt, dialing):
    options = {"console": {"unix_dirs": f"{virt.dir}/files", "keep_open": "0"}}
    first = daemons(options)
    with first.terminal(dialing.name) as session:
        ask(session, 20)
        first.process.send_signal(signal.SIGKILL)
        session.wait(20)
    first.kill()
    assert os.path.exists(dialing.socket())
    second = daemons(options)
    with second.terminal(dialing.name) as session:
        ask(session, 20)
        leave(session)
    wait_until(lambda: not os.path.exists(dialing.socket()), 10, "the socket is removed")


def test_stranger_who_connects_is_sent_away(daemon, dialing):
    dialing.destroy()
    dialing.start(wait=False)
    with daemon.terminal(dialing.name) as session:
        wait_until(lambda: os.path.exists(dialing.socket()), 10, "the daemon listens")
        ask_until_answered(session, 40)  # it boots: what it is sent before that is lost
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.settimeout(2)
            stranger.connect(dialing.socket())
            stranger.send(b"forged output\r\n")
        ask(session)
        assert b"forged" not in session.seen
