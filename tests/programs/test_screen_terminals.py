#!/usr/bin/python3
"""Screens of the screen worker and of real terminals. Argument: the folder with screen_tool.

At any place of what real programs printed, rows and cursor are those of a terminal that was shown the
same bytes, tmux and libvterm. The places are the same in each run; SEED=N looks at others, CUTS=N at so many of each recording.
"""
import concurrent.futures
import os
import random
import re
import sys
import time

import replay_terminals
import test_replay_terminals

CORPUS = test_replay_terminals.CORPUS
COLUMNS = 80
GRAPHICS = dict(zip(range(ord("`"), ord("~") + 1), "◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·"))
TERMINALS = [kind for kind in replay_terminals.ALL
             if kind is not replay_terminals.Screen]  # it tells no more than Latin-1 of a row
CUTS = int(os.environ.get("CUTS", 0))
SEED = int(os.environ.get("SEED", 1))


class Own(replay_terminals.Vterm):
    """The terminal of the screen worker, by screen_tool."""

    name = "own"
    program = "screen_tool"


def recordings():
    for name in sorted(os.listdir(CORPUS)):
        if name.endswith(".raw"):
            with open(os.path.join(CORPUS, name), "rb") as f:
                # Of a sequence that is broken off each terminal makes something else.
                yield name, test_replay_terminals.BROKEN.sub(b"", f.read())


def drawn(line):
    """A row of text, of which tmux gives what is drawn with DEC graphics between SO and SI."""
    parts = re.split("([\x0e\x0f])", re.sub(r"\x1b\[[0-9;:]*m", "", line.decode()))
    table, text = {}, ""
    for part in parts:
        if part in ("\x0e", "\x0f"):
            table = GRAPHICS if part == "\x0e" else {}
        else:
            text += part.translate(table)
    return text.rstrip()


def looks(seen):
    """The rows, and the cursor, which a terminal tells from 1 as row;column or from 0 as column,row; behind the
    last column some are one further."""
    screen = seen.screen.split(b"\n") if b"\x1b[" in seen.screen or b"\x0e" in seen.screen else seen.text
    rows = [drawn(line) for line in screen[:24]]
    first, second = map(int, re.split(b"[;,]", seen.cursor))
    column, row = (second - 1, first - 1) if b";" in seen.cursor else (first, second)
    return rows, (min(column, COLUMNS - 1), row)


def difference(ours, theirs):
    (rows, cursor), (other_rows, other_cursor) = looks(ours), looks(theirs)
    for i, (row, other) in enumerate(zip(rows, other_rows)):
        if row != other:
            return f"row {i}: {row!r} is {other!r} there"
    if cursor != other_cursor:
        return f"the cursor is at {cursor}, at {other_cursor} there"
    return None


def check(terminal, own, name, raw, count):
    places = [len(raw)] + [random.randrange(len(raw)) for _ in range(count - 1)]
    wrong = []

    def look(place):
        return place, terminal.show(raw[:place])

    with concurrent.futures.ThreadPoolExecutor(terminal.parallel) as pool:
        for place, seen in pool.map(look, places):
            found = difference(own.show(raw[:place]), seen)
            if found:
                wrong.append(f"{terminal.name}: {name} up to {place}: {found}")
    return wrong


def check_all(terminal, own):
    wrong, looked = [], 0
    began = time.monotonic()
    count = CUTS or terminal.points
    random.seed(SEED)
    for name, raw in recordings():
        wrong += check(terminal, own, name, raw, count)
        looked += count
    print(f"{terminal.name}: {len(wrong)} of {looked} differ, {time.monotonic() - began:.1f} s")
    return wrong


def main():
    folder = sys.argv[1]
    print(f"SEED={SEED}")
    own = Own(folder)
    try:
        return replay_terminals.check_in(TERMINALS, folder,
                                         lambda terminal: check_all(terminal, own))
    finally:
        own.close()


if __name__ == "__main__":
    sys.exit(main())
