"""A viewer on a terminal is shown the screen that one has who was there from the start, where a program
draws: also where the bytes that drew it lie far back."""

import os
import re
import signal
import sys

import pytest

from lib.proc import wait_until
from lib.session import ESCAPE, ask, leave, parse_json, word
from lib.tmux import shown_by_tmux

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "programs"))

# pylint: disable-next=wrong-import-position
import replay_terminals  # noqa: E402
import test_repaint_terminals  # noqa: E402

CELLS = 130000  # more than 1 MiB
FRAME = ("\x1b[2J\x1b[?25l\x1b[1;1H\x1b[7m Memory test \x1b[27m\x1b[1;70H\x1b[1;33mpass 1\x1b[m"
         "\x1b)0\x0e\x1b[6;3Hlqqqqqqqqk\x0f\x1b[22;3H\x1b[44m\u4e2d\u6587\x1b[38;5;200m cells\x1b[m"
         "\x1b[23;75Hedge\x1b[3;5r\x1b[?6h\x1b[1;1H").encode()
MARK = rb"\[vmconsoled: live output from offset \d+\]"


@pytest.fixture(scope="module", params=["terminal of lines", "other screen"])
def painted(request, daemon, module_guests):
    """A guest whose program has drawn a frame, and then by cell, more than is looked at for a screen."""
    guest = module_guests()
    other = b"\x1b[?1049h" if request.param == "other screen" else b""
    with daemon.pipes(guest.name) as script:
        ask(script)
        script.send(b"say " + other + FRAME + b"\r")
        script.expect(rb"edge.*guest> ")
        script.send(b"cells %d\r" % CELLS)
        script.expect(rb"guest> ", 120)
    return guest


def parsers():
    """Real terminals, of which one at least is here."""
    build = os.path.join(os.environ.get("VMC_BUILD", "build"), "tests", "programs")
    found = [kind(build) for kind in (replay_terminals.Tmux, replay_terminals.Vterm) if not kind.missing(build)]
    assert found
    return found


def printed(daemon, guest):
    """All that the guest has printed since its boot."""
    start = parse_json(daemon.ssh(guest.name, "screen --json"))["from"]
    return daemon.ssh(guest.name, f"log --from {start}", seconds=60).out


def assert_as_from_the_start(daemon, guest, seen):
    """In real terminals, what a viewer has seen looks as all that the guest has printed."""
    output = printed(daemon, guest)
    for terminal in parsers():
        try:
            for more in (b"", test_repaint_terminals.PROBE):
                found = test_repaint_terminals.difference(terminal, seen + more, output + more)
                assert not found, f"{terminal.name}: {found}"
        finally:
            terminal.close()


def see_answer(viewer, seconds=10):
    """What the guest prints now comes behind the screen."""
    answer = word().encode()
    viewer.line(b"say " + answer)
    viewer.expect(answer + rb"\r\nguest> ", seconds)


def test_a_late_viewer_has_the_screen_of_one_who_was_there(daemon, painted):
    with daemon.terminal(painted.name) as late:
        late.expect(MARK)
        see_answer(late)
        assert b"Memory test" in late.seen and len(late.seen) < 20000
        assert_as_from_the_start(daemon, painted, late.seen)
        late.send(ESCAPE + b"r")
        late.expect(MARK)
        see_answer(late)
        assert_as_from_the_start(daemon, painted, late.seen)
        leave(late)


def shown(tmp_path, output, columns, rows):
    """Whichever way tmux tells lines that are drawn with letters."""
    return [row.translate(test_repaint_terminals.LINES) for row in shown_by_tmux(tmp_path, output, columns, rows)]


@pytest.mark.parametrize("columns, rows", [(120, 40), (40, 12), (600, 210)])
def test_the_screen_is_one_of_the_viewers_size(daemon, painted, tmp_path, columns, rows):
    with daemon.terminal(painted.name, columns=columns, rows=rows) as late:
        late.expect(MARK)
        see_answer(late)
        assert shown(tmp_path, late.seen, columns, rows) == shown(tmp_path, printed(daemon, painted), columns, rows)
        leave(late)


def test_lines_that_are_asked_for_come_as_lines(daemon, guest):
    with daemon.pipes(guest.name) as script:
        script.send(b"say " + FRAME + b"\x1bc\r")
        script.expect(rb"edge.*guest> ")
        script.send(b"pat 6000\r")
        script.expect(rb"0000005999 [^\r]*\r\n.*guest> ", 60)
    with daemon.terminal(guest.name, "attach", "--lines", "100") as late:
        late.expect(MARK)
        assert re.search(rb"0000005910 [^\r]*\r\n0000005911 ", late.seen) and b"\x1b[H" not in late.seen
        leave(late)


def test_a_viewer_does_not_wait_for_a_worker_that_hangs(daemon, painted):
    daemon.ssh(painted.name, "screen")
    worker, = daemon.workers("screen")
    os.kill(worker, signal.SIGSTOP)
    try:
        with daemon.terminal(painted.name) as late:
            late.expect(MARK, 60)
            see_answer(late)
            assert b"Memory test" not in late.seen
            leave(late)
    finally:
        os.kill(worker, signal.SIGKILL)
    wait_until(lambda: worker not in daemon.workers("screen"), 20, "the worker has ended")
    with daemon.terminal(painted.name) as late:
        late.expect(MARK)
        see_answer(late)
        assert b"Memory test" in late.seen
        leave(late)
