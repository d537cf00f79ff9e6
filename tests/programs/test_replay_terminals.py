#!/usr/bin/python3
"""Replays of real programs in real terminal parsers. Argument: the folder with replay_tool.

* A replay that begins at or before the start of the program on the screen ends with the screen and the
  cursor of a viewer who was there all the time.
* One from the middle shows whole lines and no broken sequence.
* The terminal answers nothing to what is history.
* Where the beginning is gone, a viewer's terminal has the modes of one who was there.
* A terminal that is left has the modes that it had before.
* A notice is readable at any time, and the terminal is as it was afterwards.

The places are the same in each run; SEED=N looks at others. How the corpus was made is told in replay_corpus/README.md.
"""
import collections
import concurrent.futures
import os
import random
import re
import subprocess
import sys
import tempfile
import time

import replay_terminals

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.join(HERE, "replay_corpus")
LINES = {"shell.raw", "systemd.raw"}  # no program that draws
SCROLLING = LINES | {"vim_left.raw"}  # end with lines that have scrolled
SEQUENCE_MAX = 128  # what is kept is longer than a sequence

# Where a program begins, or begins anew: nothing of what was before is on the screen then.
BEGIN = re.compile(rb"\x1b\[(?:1;1)?H\x1b\[2?J|\x1bc")
# systemd shortens its status lines, and sometimes in the middle of a sequence: ESC [ and an ellipsis.
# Each terminal makes something else of it; some take ESC … P for the start of a string and show
# nothing more. So this is always history, and compared with what the filter promises: the sequence
# is left out, the rest is text.
BROKEN = re.compile(rb"\x1b\[?(?=\xe2)")
SEQUENCE = re.compile(rb"\x1b\[[0-9:;<=>?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|"
                      rb"\x1bP[^\x1b]*\x1b\\|\x1b[ -/]*[0-Z\\^-~]")
# What is left of a sequence whose beginning is missing.
STRAY = re.compile(rb"\[[0-9;?]*[A-Za-z]|[?>][0-9;]+[A-Za-z]|[0-9]+(?:;[0-9]+)+[A-Za-z]")
# Sequences may be left out by the filter, modes out of a list of modes, and these controls.
EVENT = re.compile(rb"\x1b[^\x7f]*\x7f")
REMOVED = bytes.maketrans(b"", b""), b"\x05\x07"

Sent = collections.namedtuple("Sent", "auto kept shown history modes replay all")


# Shows what modes do: what is written here looks other in other modes.
PROBE = (b"\x18\x1b\\\x1b[2J\x1b[Hlqqk\x1b[3;3Htext\x1b[1;1H>\ttab\x1b[5;78Hwrapped\x1b[24;1Hlow\r\n"
         b"scrolled\r\nlast")
# And what terminals tell of them, if they know the question. Not 12: whether the cursor blinks at
# first is each terminal's own choice.
ASKED = b"".join(b"\x1b[?%d$p" % mode for mode in (
    1, 5, 6, 7, 25, 69, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1049, 2004)) + b"\x1b[4$p"


NOTICE = b"[vmconsoled: told 1234567890]"
# What would hide a notice, change it, cut it, or put it where the next output goes over it.
HIDES = [b"\x1b)0\x0e", b"\x1b(0", b"\x1b[8m", b"\x1b[37;47m", b"\x1b[?7l\x1b[70C", b"\x1b[4h",
         b"\x1b[1;10r\x1b[24;5Hlow", b"\x1b[3;10r\x1b[?6h\x1b[2;5H", b"\x1b[?1049h\x1b[7m\x1b[5;5H",
         b"\x1b[5;20r\x1b(0\x1b[31m\x1b[6;6Hqq\x1b7\x1b[m\x1b[24;1H\x1b8"]


# What the replay sends for CSI 2 J and for ESC c: the lines are scrolled out first.
ERASED = re.compile(rb"\x1b7\x1b\[9999H\n+\x1b8\x1b\[J\x1b\[1J")
RESET = re.compile(rb"\x1b\[9999H\n+\x1b\[H\x1b\[J")
# Left out but for the alternate screen, where no recording has it.
CUTS = b"\x1b[?7l"


class Recording:
    def __init__(self, folder, path):
        self.name = os.path.basename(path)
        with open(path, "rb") as f:
            self.raw = f.read()
        self.tool = subprocess.Popen([os.path.join(folder, "replay_tool"), path],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.truth = BROKEN.sub(b"", self.raw)
        self.events = None  # see parser_problem
        self.plain = SEQUENCE.sub(b"", self.truth)
        self.first = max((m.end() + 1 for m in BROKEN.finditer(self.raw)), default=1)

    def sent(self, kept, shown, history):
        """What a viewer's terminal is sent: see replay_tool.c."""
        self.tool.stdin.write(f"{kept} {shown} {history}\n".encode())
        self.tool.stdin.flush()
        auto = shown in ("auto", "known")
        shown, modes, replay, length = map(int, self.tool.stdout.readline().split())
        data = self.tool.stdout.read(length)
        return Sent(auto, kept, shown, history, data[:modes], data[modes:replay], data)

    def point(self):
        return random.randrange(self.first, len(self.raw) + 1)

    def whole(self, place):
        """Where the sequence, broken off or not, or the character begins that place is in the middle of, or place."""
        for kind in SEQUENCE, BROKEN:
            for m in kind.finditer(self.raw, max(0, place - SEQUENCE_MAX)):
                if m.start() < place < m.end():
                    return m.start()
        while self.raw[place:place + 1] and self.raw[place] & 0xc0 == 0x80:
            place -= 1
        return place

    def begin(self, history):
        places = [m.start() for m in BEGIN.finditer(self.raw, 0, history)]
        return random.choice(places) if places else 0

    def close(self):
        self.tool.stdin.close()
        self.tool.wait()


def is_end_of(part, whole):
    part = [line.rstrip() for line in part if line.strip()]
    whole = [line.rstrip() for line in whole if line.strip()]
    return bool(part) and whole[-len(part):] == part


def start_problem(terminal, recording, truth, sent):
    """A replay from the start of a program."""
    seen = terminal.show(sent.all)
    scrolled = sent.shown and recording.name in SCROLLING
    if (seen.screen, seen.cursor) != (truth.screen, truth.cursor) and not (
            scrolled and is_end_of(seen.text, truth.text)):
        return "another screen"
    if sent.history == len(recording.raw) and seen.typed:
        return f"the terminal typed {seen.typed!r}"
    if not truth.typed.endswith(seen.typed):
        return f"the terminal typed {seen.typed!r}, asked was for {truth.typed!r}"
    return None


def middle_problem(terminal, recording, truth, sent):
    """A replay from the middle, when nobody knows what was before."""
    seen = terminal.show(sent.all)
    for line in seen.text:
        for stray in STRAY.findall(line):
            if stray not in recording.plain:
                return f"{stray!r} of a sequence in {line!r}"
    below = [line for line in seen.text if line.strip()][1:]
    if recording.name in LINES and below and not is_end_of(below, truth.text):
        return "other lines"
    if sent.history == len(recording.raw) and seen.typed:
        return f"the terminal typed {seen.typed!r}"
    return None


def left_problem(terminal, _recording, _truth, sent):
    """A terminal that is left is one without modes."""
    seen, fresh = terminal.show(sent.all + PROBE + ASKED), terminal.show(PROBE + ASKED)
    if seen.screen != fresh.screen or seen.cursor != fresh.cursor:
        return f"{seen.text} is not {fresh.text}"
    if not seen.typed.endswith(fresh.typed):
        return f"modes are {seen.typed!r}, not {fresh.typed!r}"
    return None


def late_problem(terminal, recording, _truth, sent):
    """Who comes late has the modes of who was there, though what set them is gone."""
    seen = terminal.show(sent.all + PROBE)
    there = terminal.show(recording.raw[:sent.history].replace(CUTS, b"") + PROBE)
    if seen.screen != there.screen or seen.cursor != there.cursor:
        return f"{seen.text} is not {there.text}"
    return None


def told_problem(terminal, recording, _truth, sent):
    """A notice is read, and the guest's terminal is as before."""
    seen = terminal.show(sent.all)
    if not any(line.startswith(NOTICE) for line in seen.text):
        return f"it is not readable: {seen.text}"
    before = sent.all[:len(sent.modes) + len(sent.replay)]
    there = terminal.show(before) if sent.modes else seen
    if seen.cursor != there.cursor:
        return f"the cursor is at {seen.cursor}, not {there.cursor}"
    seen, there = terminal.show(sent.all + PROBE + ASKED), terminal.show(before + PROBE + ASKED)
    if seen.screen != there.screen or seen.cursor != there.cursor or not seen.typed.endswith(there.typed):
        return f"{seen.text} is not {there.text}"
    return None


def is_line_start(recording, sent):
    """Whether it is one, as far as there is a line in what is kept."""
    raw, at = recording.raw, sent.shown
    if at == 0 or raw[at - 1:at] == b"\n" or raw[at:at + 1] == b"\x1b" or at == len(raw):
        return True
    return not re.search(rb"[\n\x1b]", raw[sent.kept:sent.history])


def parser_problem(vterm, recording, sent):
    """To libvterm's parser, a replay is the end of what the guest printed, without the sequences
    that do not pass, and nothing else."""
    def text(events):
        return EVENT.sub(b"", events).translate(*REMOVED)

    def drawing(events):
        return [event for event in EVENT.findall(events) if event[-2:-1] not in b"hl"]

    seen = vterm.events(RESET.sub(b"", ERASED.sub(b"\x1b[2J", sent.all[len(sent.modes):])))
    tail = vterm.events(BROKEN.sub(b"", recording.raw[recording.whole(sent.shown):]))
    if recording.events is None:
        recording.events = vterm.events(recording.truth)
    if not recording.events.endswith(tail):
        return "begins inside a sequence"
    if text(seen) != text(tail):
        return "other text"
    left = iter(drawing(tail))
    if not all(event in left for event in drawing(seen)):
        return "other sequences"
    if vterm.show(sent.modes + sent.replay).typed:
        return "history asks"
    return None


def views(recording, count):
    """What is looked at: (what is checked, what is sent)."""
    size = len(recording.raw)
    if recording.truth == recording.raw:
        yield told_problem, recording.sent(0, "told", recording.point())
    for history in [size] + [recording.point() for _ in range(count - 1)]:
        yield start_problem, recording.sent(0, 0, history)
        yield start_problem, recording.sent(0, "auto", history)
        begin = recording.begin(history)
        if begin:
            yield start_problem, recording.sent(0, begin, history)
        yield middle_problem, recording.sent(0, random.randrange(history), history)
        if recording.truth == recording.raw:  # else terminals disagree about what was set
            yield left_problem, recording.sent(0, "left", history)
            yield late_problem, recording.sent(random.randrange(history), "known", size)
        if history > SEQUENCE_MAX:
            kept = random.randrange(history - SEQUENCE_MAX)
            yield middle_problem, recording.sent(kept, "auto", history)


def check(terminal, recording, count):
    truth = terminal.show(recording.truth)
    wrong = []

    def look(view):
        problem, sent = view
        found = problem(terminal, recording, truth, sent)
        of_replay = problem in (start_problem, middle_problem)
        if not found and of_replay and sent.auto and not is_line_start(recording, sent):
            found = "not a whole line"
        if not found and of_replay and hasattr(terminal, "events"):
            found = parser_problem(terminal, recording, sent)
        if found:
            wrong.append(f"{terminal.name}: {recording.name}, {problem.__name__}: kept from "
                         f"{sent.kept}, shown from {sent.shown}, came at {sent.history}: {found}")

    with concurrent.futures.ThreadPoolExecutor(terminal.parallel) as pool:
        list(pool.map(look, list(views(recording, count))))
    return wrong, bool(truth.typed)


def check_told(terminal, folder):
    wrong = []
    for output in HIDES:
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"text\r\n" + output)
            file.flush()
            recording = Recording(folder, file.name)
            found = told_problem(terminal, recording, None, recording.sent(0, "told", len(recording.raw)))
            recording.close()
        if found:
            wrong.append(f"{terminal.name}: a notice after {output!r}: {found}")
    return wrong


def check_all(terminal, folder, count):
    wrong, asks = [], 0
    began = time.monotonic()
    for name in sorted(os.listdir(CORPUS)):
        if not name.endswith(".raw"):
            continue
        recording = Recording(folder, os.path.join(CORPUS, name))
        bad, asked = check(terminal, recording, count)
        recording.close()
        wrong += bad
        asks += asked
    wrong += check_told(terminal, folder)
    if not asks:
        wrong.append(f"{terminal.name}: nothing in the corpus is answered: it tests nothing")
    print(f"{terminal.name}: {len(wrong)} wrong, {time.monotonic() - began:.1f} s")
    return wrong


def main():
    folder = sys.argv[1]
    seed = int(os.environ.get("SEED", 1))  # the same places each time; others with SEED=N
    print(f"SEED={seed}")
    random.seed(seed)
    return replay_terminals.check_in(
        replay_terminals.ALL, folder, lambda terminal: check_all(terminal, folder, terminal.points))


if __name__ == "__main__":
    sys.exit(main())
