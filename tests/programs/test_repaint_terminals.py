#!/usr/bin/python3
"""Screens of real programs, repainted in real terminal parsers. Argument: the folder with repaint_tool.

A viewer who comes at any place, and is sent the screen that was drawn up to there, and then what the
guest prints, has what a viewer has who was there from the start: text, attributes, cursor, and what
becomes of it when more is printed.

SEED=N looks at other places, POINTS=N at more.
"""
import concurrent.futures
import os
import random
import re
import subprocess
import sys
import tempfile

import replay_terminals
import test_replay_terminals

# GNU screen tells no attributes.
TERMINALS = [kind for kind in replay_terminals.ALL if kind is not replay_terminals.Screen]
# Shows what modes do, and, where it was saved, where the cursor is brought back to. Whether a firmware
# has switched wrapping off is not brought over (docs/replay.md).
SAVED = re.compile(rb"\x1b7|\x1b\[s|\x1b\[\?104[89]h")
BACK = b"\x1b8q"
PROBE = b"\x1b[?7hp\x1b[1;1Hlqqk\x1b[3;3Htext\x1b[5;78Hwrapped\x1b[24;1Hlow\r\nscrolled\r\nlast"
# A guest that draws by cell. The last column, wide characters, all attributes, a region, what was saved.
MADE = "".join([
    "\x1b[2J\x1b[?25l\x1b[1;1H\x1b[7m", "title".ljust(80), "\x1b[m\x1b)0\x0elqqk\x0f\x1b[5;79H\u4e2d",
    "\x1b[6;1H\x1b[1;2;3;4;5;7;9mall\x1b[22;23;24;25;27;29mnone\x1b[38;5;200m256\x1b[48;2;1;2;3mrgb\x1b[m",
    "\x1b[7;10H\x1b[44m\x1b[K\x1b[8;20H\x1b[1K\x1b[9;5H\x1b[20X\x1b[m\x1b[10;3H\x1b7\x1b[12;15r\x1b[15;1H\n\n",
    "region\x1b[24;70He\u0301", "\x1b[13;70Hin the row\x1b[r\x1b[20;78Habc"]).encode()


class Recording:
    def __init__(self, folder, name, raw, scratch):
        self.name = name
        self.raw = raw
        path = os.path.join(scratch, "raw")
        with open(path, "wb") as f:
            f.write(raw)
        self.tool = subprocess.Popen([os.path.join(folder, "repaint_tool"), path],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.sent(0)  # it has read the file

    def sent(self, history):
        """What is sent, and from where on the guest's bytes follow."""
        self.tool.stdin.write(f"{history}\n".encode())
        self.tool.stdin.flush()
        data = self.tool.stdout.read(int(self.tool.stdout.readline()))
        return data, int(self.tool.stdout.readline())

    def close(self):
        self.tool.stdin.close()
        self.tool.wait()


# --- what is seen: rows of (character, style) ---

LINES = str.maketrans("`afgjklmnopqrstuvwxyz{|}~", "\u25c6\u2592\u00b0\u00b1\u2518\u2510\u250c\u2514\u253c"
                      "\u23ba\u23bb\u2500\u23bc\u23bd\u251c\u2524\u2534\u252c\u2502\u2264\u2265\u03c0\u2260"
                      "\u00a3\u00b7")
CODES = re.compile(r"\x1b\[([\d;:]*)m|([\x0e\x0f])|(.)", re.S)
RUNS = re.compile(r"\x1b(\d*),([^,]*),([^;]*);([^\x1b]*)")
KINDS = {22: (1, 2), 23: (3,), 24: (4, 21), 25: (5, 6), 27: (7,), 28: (8,), 29: (9,)}


def color(values):
    """What a list of SGR's values that begins with 38 or 48 says, and the rest."""
    count = {"5": 3, "2": 5}.get(values[1] if len(values) > 1 else "", 2)
    return ";".join(values[1:count]), values[count:]


def sgr(style, text):
    values = text.replace(":", ";").split(";")
    while values:
        value = int(values[0] or 0)
        if value in (38, 48):
            style[value], values = color(values)
            continue
        values = values[1:]
        if value == 0:
            style.clear()
        elif value in KINDS:
            for kind in KINDS[value]:
                style.pop(kind, None)
        elif value in (39, 49):
            style.pop(value - 1, None)
        elif value // 10 in (3, 9, 4, 10):
            style[38 if value // 10 in (3, 9) else 48] = value
        else:
            style[value] = True


def blank(character, style, paper, visible):
    """A blank shows no ink."""
    return (" ", paper) if character == " " and not visible else (character, style)


def tmux_cells(screen):
    style, lines, row, rows = {}, False, [], []
    for codes, shift, character in CODES.findall(screen.decode() + "\n"):
        if shift:
            lines = shift == "\x0e"
        elif character == "\n":
            rows.append(row)
            row = []
        elif character:
            row.append(blank(character.translate(LINES) if lines else character, str(sorted(style.items())),
                             str(style.get(48)), {4, 5, 7, 9, 21} & set(style)))
        else:
            sgr(style, codes)
    rows[24] = [character for character, _ in rows[24]]  # whether the other screen is shown
    for row in rows:  # whether blanks at the end are told depends on what was there before
        while row and row[-1][0] == " ":
            row.pop()
    return rows


def vterm_cells(screen):
    return [[blank(character, attributes + ink + paper, paper, int(attributes[1] + attributes[3:6]))
             for attributes, ink, paper, text in RUNS.findall(row) for character in text]
            for row in screen.decode().split("\n")]


def cells(terminal, seen):
    if terminal.name == "tmux":
        return tmux_cells(seen.screen)
    rows = vterm_cells(seen.screen)
    if terminal.name == "xterm.js":  # behind the last column EL leaves it as it is there: its style may differ
        rows = [row[:-1] + [(character, "") for character, _ in row[-1:]] for row in rows]
    return rows


def difference(terminal, late, there):
    seen, truth = terminal.show(late), terminal.show(there)
    if seen.cursor != truth.cursor:
        return f"the cursor is at {seen.cursor}, not {truth.cursor}"
    for row, (mine, other) in enumerate(zip(cells(terminal, seen), cells(terminal, truth))):
        if mine != other:
            return f"row {row}: {''.join(c for c, _ in mine)!r} is not {''.join(c for c, _ in other)!r}: " + str(
                [pair for pair in zip(mine, other) if pair[0] != pair[1]][:2])
    return f"the terminal typed {seen.typed!r}" if late.endswith(PROBE) and seen.typed else None


def check(terminal, recording, history, sent):
    late, following = sent
    there = recording.raw[:following]
    for what, rest in (("repainted", b""), ("and more", (BACK if SAVED.search(there) else b"") + PROBE),
                       ("to the end", recording.raw[following:])):
        found = difference(terminal, late + rest, there + rest)
        if found:
            return f"{terminal.name}: {recording.name} at {history}, {what}: {found}"
    return None


def recordings(folder, scratch):
    for name in sorted(os.listdir(test_replay_terminals.CORPUS)):
        if name.endswith(".raw"):
            with open(os.path.join(test_replay_terminals.CORPUS, name), "rb") as f:
                yield Recording(folder, name, test_replay_terminals.BROKEN.sub(b"", f.read()), scratch)
    yield Recording(folder, "cells", MADE, scratch)


def check_all(terminal, folder, scratch, points):
    wrong, count = [], 0
    for recording in recordings(folder, scratch):
        places = [len(recording.raw)] + [random.randrange(1, len(recording.raw))
                                         for _ in range(points - 1)]
        sent = [recording.sent(place) for place in places]
        recording.close()
        with concurrent.futures.ThreadPoolExecutor(terminal.parallel) as pool:
            wrong += filter(None, pool.map(lambda place, what: check(terminal, recording, place, what), places, sent))
        count += len(places)
    print(f"{terminal.name}: {count} repaints, {len(wrong)} wrong")
    return wrong


def main():
    folder = sys.argv[1]
    seed = int(os.environ.get("SEED", 1))
    print(f"SEED={seed}")

    def check_in(terminal):
        random.seed(seed)
        with tempfile.TemporaryDirectory() as scratch:
            return check_all(terminal, folder, scratch, int(os.environ.get("POINTS", terminal.points)))

    return replay_terminals.check_in(TERMINALS, folder, check_in)


if __name__ == "__main__":
    sys.exit(main())
