#!/usr/bin/python3
"""Replays of real programs in a real terminal parser (tmux): the screen is that of a viewer who was
there all the time, and the terminal answers nothing. Argument: the folder with replay_tool.

The corpus holds the output of vim, less, top, tmux, a curses program and a shell, as printed on
80x24 terminals of several kinds.
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.join(HERE, "replay_corpus")
SCROLLING = {"shell.raw", "vim_left.raw"}  # end with lines that have scrolled
DEADLINE = 20
POINTS = 3


class Terminal:
    """A tmux of our own; each screen is one session in it."""

    def __init__(self, folder):
        self.folder = folder
        self.socket = os.path.join(folder, "socket")
        self.config = self.path("config")
        with open(self.config, "w", encoding="ascii") as f:
            f.write("set -g status off\nset -g remain-on-exit on\nset -g history-limit 0\n")

    def path(self, name):
        return os.path.join(self.folder, name)

    def tmux(self, *args):
        return subprocess.run(["tmux", "-S", self.socket, "-f", self.config, *args],
                              capture_output=True, timeout=DEADLINE, check=False).stdout

    def show(self, data):
        """Writes data to a fresh 80x24 terminal: its screen, its cursor, what it typed."""
        for name in ("answer", "done"):
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
        with open(self.path("input"), "wb") as f:
            f.write(data)
        # The last question is ours: whatever is typed before its answer was not asked for by us.
        script = (f"cd {self.folder}; stty raw -echo; cat input; printf '\\033[5n';"
                  " dd of=answer bs=1 count=4 2>/dev/null; stty -icanon min 0 time 1;"
                  " cat >>answer; touch done; sleep 60")
        self.tmux("new-session", "-d", "-x", "80", "-y", "24", "-s", "s", script)
        end = time.monotonic() + DEADLINE
        while not os.path.exists(self.path("done")):
            if time.monotonic() > end:
                raise TimeoutError("the terminal did not answer")
            time.sleep(0.01)
        screen = self.tmux("capture-pane", "-p", "-e", "-t", "s")
        cursor = self.tmux("display", "-p", "-t", "s", "#{cursor_x},#{cursor_y},#{alternate_on}")
        with open(self.path("answer"), "rb") as f:
            answer = f.read()
        self.tmux("kill-session", "-t", "s")
        return screen, cursor, answer


def is_end_of(part, whole):
    part, whole = part.split(b"\n"), whole.split(b"\n")
    part = [line for line in part if line.strip()]
    whole = [line for line in whole if line.strip()]
    return bool(part) and whole[-len(part):] == part


def check(terminal, tool, name):
    with open(os.path.join(CORPUS, name), "rb") as f:
        raw = f.read()
    truth = terminal.show(raw)
    points = [len(raw)] + [random.randrange(1, len(raw)) for _ in range(POINTS - 1)]
    wrong = []
    for point in points:
        for mode in ("start", "auto"):
            sent = subprocess.run([tool, os.path.join(CORPUS, name), str(point), mode],
                                  capture_output=True, check=True).stdout
            seen = terminal.show(sent)
            if seen[:2] != truth[:2] and not (
                    mode == "auto" and name in SCROLLING and is_end_of(seen[0], truth[0])):
                wrong.append(f"{name}: viewer after {point} bytes, {mode}: another screen")
            if point == len(raw) and seen[2] != b"\x1b[0n":
                wrong.append(f"{name}: {mode}: the terminal typed {seen[2]!r}")
    return wrong, truth[2]


def main():
    if not shutil.which("tmux"):
        print("no tmux: skipped")
        return 77
    tool = os.path.join(sys.argv[1], "replay_tool")
    seed = int(os.environ.get("SEED", time.time()))
    print(f"SEED={seed}")
    random.seed(seed)
    wrong, answered = [], 0
    with tempfile.TemporaryDirectory() as folder:
        terminal = Terminal(folder)
        # Keeps the server up between the screens.
        terminal.tmux("new-session", "-d", "-s", "keep", "sleep 600")
        try:
            for name in sorted(os.listdir(CORPUS)):
                bad, answer = check(terminal, tool, name)
                wrong += bad
                answered += answer != b"\x1b[0n"
        finally:
            terminal.tmux("kill-server")
    if not answered:
        wrong.append("the corpus asks nothing: it tests nothing")
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
