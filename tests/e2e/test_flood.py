"""A guest that prints faster than somebody reads: complete for whoever keeps up, exact markers for
whoever does not, flat memory."""

import signal
import threading
import time

import pytest

from lib import clients, pattern
from lib.proc import SANITIZED, SLOW, wait_until
from lib.session import DONE, NO_SUCH, ask, see, see_on_channel, skipped
from lib.term import Pipes

MIB = 1 << 20


# With history on disk nobody falls behind before that is full.
IN_MEMORY = {"history": {"record": "none"}}


@pytest.fixture(scope="module")
def small(module_daemons):
    """A daemon that keeps 64 KiB of a console: a viewer is behind soon."""
    return module_daemons({"console": {"history_memory": "64K"}, **IN_MEMORY})


class Collector(threading.Thread):
    """Reads a stream to the end of the flood; rate: bytes a second, or as fast as it comes."""

    def __init__(self, stream, rate=None):
        super().__init__(daemon=True)
        self.stream, self.rate = stream, rate
        self.stopping = False
        self.start()

    def run(self):
        while not self.stopping and not self.stream.ended:
            before = len(self.stream.seen)
            try:
                self.stream.read_some(0.1)
            except OSError:
                return  # closed under us: the test has failed already
            if self.rate:
                time.sleep((len(self.stream.seen) - before) / self.rate)

    def finish(self):
        self.stopping = True
        self.join()


def kept(flood, base, gaps):
    """The flood, which began at offset base, without what the markers say was skipped."""
    out, at = [], 0
    for begin, end in gaps:
        out.append(flood[at:begin - base])
        at = end - base
    return b"".join(out) + flood[at:]


def check_markers(received, flood, gaps):
    """What was received plus what the markers name is the flood, byte by byte. Returns the offset
    at which the flood began."""
    assert gaps, "bytes are missing, but no marker says so"
    start = received.index(pattern.line(0))
    received = received[start:]
    whole = 0
    while received[whole:whole + 64] == flood[whole:whole + 64]:
        whole += 64
    # The first gap begins somewhere in the line that follows: its marker tells where exactly.
    for shift in range(65):
        base = gaps[0][0] - whole - shift
        expected = kept(flood, base, gaps)
        if received[:len(expected)] == expected:
            return base
    missing = len(flood) - len(received)
    raise AssertionError(f"markers {gaps} ({sum(e - b for b, e in gaps)} bytes) do not explain "
                         f"what is missing ({missing} bytes or so) after {whole} good ones")


def dropbear(daemon, guest, *command):
    """A client whose window holds some 200 KB: that much may lie on the way to it."""
    return Pipes(clients.dbclient_argv(daemon, guest.name, *command), env=clients.home(daemon))


@pytest.mark.timeout(240)
def test_flood_arrives_while_one_viewer_is_stopped_and_one_is_slow(small, guest):
    daemon = small
    lines = 3 * MIB // 2 // pattern.LINE
    flood = pattern.lines(0, lines)
    attach = ("attach", "--read-only", "--no-input")
    with daemon.pipes(guest.name) as fast, dropbear(daemon, guest, *attach) as stopped, \
            dropbear(daemon, guest, *attach) as slow:
        see(stopped, fast)
        see(slow, fast)
        before = daemon.usage().memory
        fast.send(f"pat {lines}\r".encode())
        fast.expect_bytes(64 * 100)
        stopped.kill(signal.SIGSTOP)
        crawl = Collector(slow, rate=10000)
        most = before
        for _ in range(len(flood) // (MIB // 2) - 1):
            fast.expect_bytes(MIB // 2, 60)
            most = max(most, daemon.usage().memory)
        fast.expect("guest> ", 60)
        start = fast.seen.index(pattern.line(0))
        pattern.assert_same(fast.seen[start:start + len(flood)], flood)
        assert fast.errors() == "", fast.errors()

        assert not skipped(stopped.errors())
        stopped.kill(signal.SIGCONT)
        stopped.expect(rf"{lines - 1:010d} \w+\r\nguest> ", 60)
        wait_until(lambda: skipped(stopped.errors()), 10, "a marker for the stopped viewer")
        base = check_markers(stopped.seen, flood, skipped(stopped.errors()))

        crawl.rate = None
        wait_until(lambda: b"%010d" % (lines - 1) in slow.seen[-200:], 60, "the slow one's end")
        crawl.finish()
        assert check_markers(slow.seen, flood, skipped(slow.errors())) == base
        if not SANITIZED:
            assert most - before < 1024, f"{before} KiB before, {most} KiB during the flood"


def narrow_channel(daemon, guest, command, terminal):
    """A channel whose window holds 32 KiB and is not refilled before somebody reads."""
    client = clients.paramiko_connect(daemon, guest.name)
    channel = client.get_transport().open_session(window_size=32768, max_packet_size=16384)
    if terminal:
        channel.get_pty("xterm", 80, 24)
    channel.exec_command(command)
    return client, channel


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_marker_names_the_skipped_offsets(small, guest, terminal):
    lines = 16384  # three times what the window, the door, its line and the history hold together
    flood = pattern.lines(0, lines)
    with small.pipes(guest.name) as fast:
        ask(fast)
        client, channel = narrow_channel(small, guest, "attach --read-only --no-input", terminal)
        seen = see_on_channel(channel, fast)
        fast.send(f"pat {lines}\r".encode())
        pattern.assert_same(fast.expect_bytes(len(flood), 60), flood)
        while not seen.endswith(b"guest> ") or pattern.line(lines - 1)[:-2] not in seen:
            data = channel.recv(65536)
            assert data, "the session ended"
            seen += data
        if terminal:
            text = seen.decode("latin-1")
            assert skipped(text), text[-3000:]
        else:
            errors = b""
            while not skipped(errors.decode()):
                errors += channel.recv_stderr(4096)
            check_markers(seen, flood, skipped(errors.decode()))
        client.close()


def test_offset_that_is_gone_is_refused_and_the_oldest_one_named(small, guest):
    """A script that resumes must learn that bytes are missing, and which."""
    with small.pipes(guest.name) as fast:
        ask(fast)
        fast.send(b"pat 2048\r")
        fast.expect_bytes(2048 * 64, 60)
        fast.expect("guest> ")
    result = small.ssh(guest.name, "attach", "--from", "0")
    assert result.status == NO_SUCH and result.out == b"", result
    (begin, end), = skipped(result.errors)
    assert begin == 0
    result = small.ssh(guest.name, "attach", "--from", str(end))
    assert result.status == DONE, result
    whole = pattern.lines(0, 2048) + b"guest> "
    pattern.assert_same(result.out, whole[-len(result.out):])
    assert 65536 - 8192 <= len(result.out) <= 65536 + 8192


def test_flood_does_not_hinder_another_console(daemon, guests):
    noisy, calm = guests(), guests()
    with daemon.pipes(noisy.name) as flood, daemon.terminal(calm.name) as session:
        ask(flood)
        ask(session)
        flood.send(b"flood\r")
        reader = Collector(flood)
        begun = time.monotonic()
        for _ in range(50):
            ask(session, 5)
        assert time.monotonic() - begun < 10 * SLOW
        flood.send(b"x")
        wait_until(lambda: b"\nflood " in flood.seen[-100:], 20, "the flood's end")
        reader.finish()
