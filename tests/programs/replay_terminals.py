"""Real terminal parsers for test_*_terminals.py: tmux, GNU screen, libvterm, and xterm.js where XTERM_JS is the folder
that has node_modules/@xterm/headless.

show(data) of each writes data to a fresh terminal of 80 columns and 24 rows and returns a Seen.
"""
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

DEADLINE = 20 * float(os.environ.get("VMC_SLOW") or 1)

# screen: all that the terminal tells of what is drawn; cursor: its place; text: the rows without
# attributes; typed: what the guest would have got.
Seen = collections.namedtuple("Seen", "screen cursor text typed")

# Runs in the terminal: shows a file, then asks where the cursor is and how the terminal is. All that
# was typed before these two answers, data asked for.
PANE = r"""
import os, signal, sys, tty
name = sys.argv[1]
tty.setraw(0)
with open(name + ".in", "rb") as f:
    data = f.read() + b"\x1b[6n\x1b[5n"
while data:
    data = data[os.write(1, data):]
typed = b""
while not typed.endswith(b"R\x1b[0n"):
    typed += os.read(0, 4096)
with open(name + ".tmp", "wb") as f:
    f.write(typed)
os.rename(name + ".tmp", name + ".typed")
signal.pause()
"""


def wait_for(path):
    end = time.monotonic() + DEADLINE
    while not os.path.exists(path):
        if time.monotonic() > end:
            raise TimeoutError(f"the terminal did not answer: no {os.path.basename(path)}")
        time.sleep(0.005)


class Panes:
    """What terminals share that run a program: PANE, which writes the bytes from within. name is the
    program's, config the text of its configuration."""

    parallel = 4
    points = 3

    @classmethod
    def missing(cls, _folder):
        return None if shutil.which(cls.name) else f"no {cls.name} here"

    def __init__(self, _folder):
        self.folder = tempfile.mkdtemp(prefix="replay")
        self.lock = threading.Lock()
        self.count = 0
        with open(self.path("config"), "w", encoding="ascii") as f:
            f.write(self.config)

    def path(self, name):
        return os.path.join(self.folder, name)

    def show(self, data):
        with self.lock:
            self.count += 1
            name = f"s{self.count}"
        path = self.path(name)
        with open(path + ".in", "wb") as f:
            f.write(data)
        screen, text = self.run(name, [sys.executable, "-ISEc", PANE, path], path)
        with open(path + ".typed", "rb") as f:
            typed, cursor = re.fullmatch(rb"(.*)\x1b\[(\d+;\d+)R\x1b\[0n", f.read(), re.S).groups()
        return Seen(screen, cursor, text, typed)

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class Tmux(Panes):
    """A tmux server of our own; each terminal is a session in it."""

    name = "tmux"
    config = "set -g status off\nset -g remain-on-exit on\nset -g history-limit 0\n"

    def __init__(self, folder):
        super().__init__(folder)
        self.tmux("new-session", "-d", "-s", "keep", "sleep 600")  # the server ends with the last

    def tmux(self, *args):
        return subprocess.run(
            ["tmux", "-u", "-S", self.path("socket"), "-f", self.path("config"), *args],
            capture_output=True, timeout=DEADLINE, check=True).stdout

    def run(self, name, command, path):
        self.tmux("new-session", "-d", "-x", "80", "-y", "24", "-s", name, *command)
        wait_for(path + ".typed")
        seen = self.tmux("capture-pane", "-p", "-e", "-t", name, ";",
                         "display", "-p", "-t", name, "#{alternate_on}", ";",
                         "capture-pane", "-p", "-t", name, ";", "kill-session", "-t", name)
        lines = seen.split(b"\n")
        return b"\n".join(lines[:25]), lines[25:49]

    def close(self):
        self.tmux("kill-server")
        super().close()


class Screen(Panes):
    """GNU screen, one of its own for each terminal. It tells no attributes."""

    name = "screen"
    config = "altscreen on\ndefutf8 on\nstartup_message off\ndefscrollback 0\nvbell off\n"

    def __init__(self, folder):
        super().__init__(folder)
        os.mkdir(self.path("sockets"), 0o700)
        self.env = {**os.environ, "SCREENDIR": self.path("sockets"), "TERM": "xterm",
                    "LC_ALL": "C.UTF-8"}

    def run(self, name, command, path):
        screen = ["screen", "-U", "-c", self.path("config"), "-S", name]
        with subprocess.Popen([*screen, "-D", "-m", *command], env=self.env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as server:
            try:
                wait_for(path + ".typed")
                subprocess.run([*screen, "-p", "0", "-X", "hardcopy", path + ".out"],
                               env=self.env, timeout=DEADLINE, check=True)
                wait_for(path + ".out")
                end = time.monotonic() + DEADLINE
                text = []
                while len(text) < 25 and time.monotonic() < end:  # it is being written
                    with open(path + ".out", "rb") as f:
                        text = f.read().split(b"\n")
            finally:
                server.terminate()
                server.wait(DEADLINE)
        return text, text


class Tool:
    """A program that takes any number of terminals, one after the other."""

    parallel = 1
    points = 20

    def __init__(self, folder):
        self.tool = subprocess.Popen(self.command(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, what, data):
        self.tool.stdin.write(b"%s %d\n" % (what, len(data)) + data)
        self.tool.stdin.flush()
        return self.tool.stdout.read(int(self.tool.stdout.readline()))

    def show(self, data):
        typed, cursor, screen = self.ask(b"SCREEN", data).split(b"\n", 2)
        text = re.sub(rb"\x1b[^;]*;", b"", screen).split(b"\n")
        return Seen(screen, cursor, text, bytes.fromhex(typed.decode()))

    def close(self):
        self.tool.stdin.close()
        self.tool.wait(DEADLINE)


class Vterm(Tool):
    """libvterm."""

    name = "libvterm"
    program = "replay_vterm"

    @classmethod
    def missing(cls, folder):
        return None if os.path.exists(cls.command(folder)[0]) else f"built without {cls.name}"

    @classmethod
    def command(cls, folder):
        return [os.path.join(folder, cls.program)]

    def events(self, data):
        """What the parser took data for: see replay_vterm.c."""
        return self.ask(b"EVENTS", data)


class Xterm(Tool):
    """xterm.js, without a screen."""

    name = "xterm.js"

    @staticmethod
    def missing(_folder):
        return None if os.environ.get("XTERM_JS") else "no XTERM_JS"

    @staticmethod
    def command(_folder):
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "replay_xterm.js")
        return ["node", program, os.environ["XTERM_JS"]]


ALL = (Tmux, Screen, Vterm, Xterm)


def check_in(kinds, folder, check):
    """What check(terminal) finds wrong in each of these that is there, in lines; the exit status."""
    wrong, used = [], 0
    for kind in kinds:
        missing = kind.missing(folder)
        if missing:
            print(f"{kind.name}: skipped, {missing}")
            continue
        terminal = kind(folder)
        used += 1
        try:
            wrong += check(terminal)
        finally:
            terminal.close()
    for line in wrong:
        print(line)
    if not used:
        print("no terminal: nothing was tested")
    return 1 if wrong or not used else 0
