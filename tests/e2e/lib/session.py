"""What a person or a script does in a session, and the numbers of PRODUCT's exit table."""

import itertools
import json
import re
import socket
import time

from .proc import SLOW, wait_until
from .term import Pipes

ESCAPE = b"\x1d"

DONE, USAGE, NO_SUCH, UNAVAILABLE, BUSY, DENIED = 0, 64, 66, 69, 75, 77
GUEST_OFF, GUEST_CRASHED, RESTARTING, BROKEN = 80, 81, 86, 255

_words = (f"word{number:05d}" for number in itertools.count(1))


def word():
    """One that nothing has printed before."""
    return next(_words)


_NOTICES = r"(?:\r\n\[vmconsoled: [^\r\n]*\]\r\n)*"


def printed(text):
    """A regular expression for what the guest prints: on a terminal the daemon may say something in
    the middle of it."""
    return _NOTICES.join(map(re.escape, text))


_TOO_EARLY = re.compile(rb"has started.*typed bytes were dropped", re.S)


def _was_too_early(stream):
    """A guest boots faster than the daemon hears of its start and opens its console. What is typed in
    between is dropped, and that is said."""
    errors = getattr(stream, "errors", None)
    return _TOO_EARLY.search(stream.seen + (errors().encode() if errors else b""))


def ask(stream, seconds=15):
    """Types a line and reads the guest's answer: the session works both ways. The test guest does
    not echo, so what is read can only be the answer."""
    answer, again = word(), False
    stream.line(f"say {answer}")
    deadline = time.monotonic() + seconds * SLOW
    while True:
        try:
            stream.expect(printed(f"{answer}\r\n"), min(seconds, 1))
            break
        except AssertionError:
            if stream.ended or time.monotonic() > deadline:
                raise
            if not again and _was_too_early(stream):
                stream.line(f"say {answer}")
                again = True
    stream.expect(printed("guest> "), seconds)
    return answer


def ask_until_answered(stream, seconds=20):
    """For a console that comes back: what is typed before is dropped, and that is said."""
    def answered():
        text = word()
        stream.line(f"say {text}")
        stream.read_some(1)
        while stream.read_some(0.2):
            pass
        return f"{text}\r\n".encode() in stream.seen
    wait_until(answered, seconds, "the console is back")
    stream.taken = len(stream.seen)
    ask(stream)


def start_before_eyes(daemon, guest):
    """Starts it so that its first byte is seen: QEMU drops what it prints into a pty of which it does
    not know yet that it is held. A context manager."""
    return Pipes(daemon.ctl_argv("attach", guest.name, "--power", "on", "--read-only", "--no-input"))


def see(stream, other, seconds=15):
    """other asks, and stream sees the answer as well. A pipe shows only what comes after it has
    attached, so other asks again until then."""
    deadline = time.monotonic() + seconds * SLOW
    while True:
        answer = ask(other, seconds)
        try:
            stream.expect(rf"{answer}\r\n", 1)
            return
        except AssertionError:
            if stream.ended or time.monotonic() > deadline:
                raise


def see_on_channel(channel, other):
    """The same for a paramiko channel; returns what it has read."""
    channel.settimeout(1)
    seen = b""
    while True:
        answer = f"{ask(other)}\r\n".encode()
        try:
            while answer not in seen:
                data = channel.recv(4096)
                assert data, f"the session ended: {seen!r}"
                seen += data
            channel.settimeout(30 * SLOW)
            return seen
        except socket.timeout:
            continue


def leave(terminal, seconds=10):
    terminal.send(ESCAPE + b".")
    status = terminal.wait(seconds)
    assert status == DONE, f"left with {status}: {terminal.rest()!r}"


def one_line_reason(text, *words):
    """The last line of standard error says why, and holds these words (any case)."""
    lines = [line for line in text.replace("\r", "\n").split("\n") if line.strip()]
    assert lines, "no reason on standard error"
    for wanted in words:
        assert re.search(wanted, lines[-1], re.I), f"{wanted!r} is not in {lines[-1]!r}"
    return lines[-1]


def walk(value):
    """Every value inside parsed JSON, the containers first."""
    yield value
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inside:
        yield from walk(item)


def parse_json(result):
    assert result.status == DONE, result
    return json.loads(result.out)


def rows_of(data, name):
    """The JSON objects that have this guest's name (or any such value)."""
    return [item for item in walk(data) if isinstance(item, dict) and name in item.values()]


_SKIP = re.compile(r"skipped|no longer kept")
_RANGE = re.compile(r"(\d+)-(\d+)")


def skipped(text):
    """The (from, to) offsets, to exclusive, of each "bytes FIRST-LAST skipped" in a text."""
    found = []
    for line in re.split(r"[\r\n]+", text):
        match = _RANGE.search(line) if _SKIP.search(line) else None
        if match:
            found.append((int(match.group(1)), int(match.group(2)) + 1))
    return found
