"""Typing a lot: exact when the guest reads, harmless for everybody else when it does not."""

import os
import re
import signal

import pytest

from lib import pattern
from lib.paste import MIB, paste_until_stuck, spinning, wait_until_taken_back
from lib.proc import SANITIZED, rounds, wait_until
from lib.session import DONE, ESCAPE, ask, ask_until_answered, leave

LIBSSH_WINDOW = 2048  # KiB that a client may have under way; 1250 with libssh 0.10


@pytest.fixture
def deaf(daemon, guest):
    """A guest that reads nothing until it is reset, and a pipe to paste into it. It reads again
    before it is removed: some libvirtd does not survive the end of one that does not."""
    with spinning(daemon, guest) as session:
        yield guest, session
    guest.domain.reset()
    guest.wait_boot()


@pytest.mark.parametrize("terminal, count", [(False, 65536), (True, 16384)],
                         ids=["pipe", "terminal"])
def test_paste_arrives_byte_exact(daemon, guest, terminal, count):
    data = os.urandom(count)
    if terminal:
        data = data.replace(ESCAPE, b"-")
    with (daemon.terminal if terminal else daemon.pipes)(guest.name) as session:
        session.line(f"sum {count}")
        session.expect("sum ready\r\n", 15)
        session.send(data, 60)
        got = session.expect(rf"sum {count} fnv=(\w{{16}})", 60)
        assert int(got.group(1), 16) == pattern.fnv1a(data)
        session.line("stat")
        assert b" overrun=0 " in session.expect(r"stat [^\n]*\n").group(0)


def test_output_flows_while_the_guest_reads_nothing(daemon, guest):
    """A kernel that boots prints and does not read: the blocked input must not stop the output."""
    with daemon.pipes(guest.name) as session:
        session.send(b"babble 6\r")
        begin = session.expect(rb"0000000000 \w+\r\n", 15).start()
        paste_until_stuck(session, b"y" * 400000, 3)
        session.expect(rb"\nbabble (\d+) lines\r\n", 30)
        count = int(re.search(rb"\nbabble (\d+) lines", session.seen).group(1))
        pattern.assert_same(session.seen[begin:begin + 64 * count], pattern.lines(0, count))


def test_memory_does_not_grow_with_what_is_pasted(daemon, deaf):
    _, stuck = deaf
    before = daemon.usage()
    assert paste_until_stuck(stuck, b"x" * 16 * MIB) < 4 * MIB
    if not SANITIZED:
        growth = daemon.usage().memory - before.memory
        assert growth < LIBSSH_WINDOW + 512, (before, daemon.usage())


def test_stuck_session_on_a_terminal_can_be_left(daemon, guest):
    with daemon.terminal(guest.name) as session:
        session.line("spin")
        session.expect("spinning", 15)
        session.send(b"x" * MIB, 60)  # held back, then dropped after 5 s without progress
        session.send(ESCAPE + b".", 30)
        assert session.wait(20) == DONE
        assert re.search(rb"(?i)\d+[^\r\n]*(dropped|discarded)|(dropped|discarded)[^\r\n]*\d+",
                         session.seen), session.seen[-2000:]


def test_escape_key_in_a_paste_is_text_and_leaving_ends_the_paste(daemon, guest):
    text = b"\x1b[200~a" + ESCAPE + b".b\x1b[201~"
    with daemon.terminal(guest.name) as session:
        session.line("echo")
        session.expect("echo ready\r\n")
        session.send(text + b"\x04")
        session.expect(re.escape(text) + rf"\r\necho {len(text)} bytes".encode())
        session.line("echo")
        session.expect("echo ready\r\n")
        session.send(b"\x1b[200~left")
        session.expect("left")
    with daemon.terminal(guest.name) as after:
        after.send(b"\x04")
        after.expect("echo 16 bytes")


def test_stuck_pipe_ends_when_its_client_does(daemon, deaf):
    guest, stuck = deaf
    paste_until_stuck(stuck)
    stuck.kill(signal.SIGTERM)
    stuck.wait()
    mark = daemon.keys.fingerprint(daemon.keys.ed25519)
    wait_until(lambda: mark not in daemon.ssh(guest.name, "who", key=daemon.keys.other).text, 10,
               "the session is gone")


def test_console_works_again_after_a_reset(daemon, deaf):
    guest, stuck = deaf
    paste_until_stuck(stuck, b"x" * 150000)
    guest.domain.reset()
    guest.wait_boot()
    stuck.kill()
    with daemon.terminal(guest.name) as session:
        # What libvirt and the pty had taken comes first; a CR ends that line.
        session.line("")
        ask(session, 60)
        leave(session)


def test_console_works_again_after_the_guest_was_destroyed_and_started(daemon, virt, deaf):
    guest, stuck = deaf
    since = len(daemon.log())
    paste_until_stuck(stuck)
    wait_until_taken_back(daemon, virt, since)
    guest.destroy()
    stuck.wait(15)
    guest.start()
    with daemon.terminal(guest.name) as session:
        ask_until_answered(session)


@pytest.mark.timeout(180)
def test_paste_goes_on_when_the_guest_reads_again(daemon, guest):
    """Lossless: a pipe is held back, not dropped."""
    data = os.urandom(150000)
    with daemon.pipes(guest.name) as session:
        session.send(b"spin 4\r")
        session.expect("spinning", 15)
        session.send(b"sum 150000\r" + data, 120)
        session.expect("back\r\n", 15)
        got = session.expect(r"sum 150000 fnv=(\w{16})", 120)
        assert int(got.group(1), 16) == pattern.fnv1a(data)


def test_daemon_stops_cleanly_while_a_console_is_stuck(daemons, guest):
    daemon = daemons()
    with daemon.pipes(guest.name) as session:
        session.send(b"spin\r")
        session.expect("spinning", 15)
        assert paste_until_stuck(session) < 3 * MIB
        daemon.stop()


def test_nothing_leaks_from_stuck_consoles(daemons, virt, guest):
    daemon = daemons({"console": {"keep_open": "1s"}})
    before = None
    for _ in range(rounds(4)):
        with daemon.pipes(guest.name) as session:
            session.send(b"spin\r")
            session.expect("spinning", 20)
            since = len(daemon.log())
            paste_until_stuck(session, b"x" * 150000, 3)
            wait_until_taken_back(daemon, virt, since)
            guest.boots = guest.count_boots()
            guest.destroy()
            session.wait(15)
        guest.start()
        if before is None:
            before = daemon.settled(3)
    daemon.falls_back_to(before)

