"""Talking to something by bytes: a program on a pseudo terminal, a guest's pty, a socket."""

import fcntl
import os
import re
import select
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import time
import tty

from .proc import SLOW


class Stream:
    """Everything read is kept in .seen; expect() looks only at what no expect() has taken yet."""

    def __init__(self, read_fd, write_fd):
        self.read_fd, self.write_fd = read_fd, write_fd
        self.seen = b""
        self.taken = 0
        self.ended = False

    def read_some(self, seconds):
        """Reads what there is, at most waiting for the first byte. False: nothing came."""
        ready, _, _ = select.select([self.read_fd], [], [], max(seconds, 0))
        if not ready:
            return False
        try:
            data = os.read(self.read_fd, 65536)
        except OSError:  # a pty whose other end is gone
            data = b""
        if not data:
            self.ended = True
            return False
        self.seen += data
        return True

    def expect(self, pattern, seconds=10):
        """Waits for the regular expression; returns the match. Fails with what came instead."""
        regex = re.compile(pattern if isinstance(pattern, bytes) else pattern.encode(), re.S)
        deadline = time.monotonic() + seconds * SLOW
        while True:
            match = regex.search(self.seen, self.taken)
            if match:
                self.taken = match.end()
                return match
            left = deadline - time.monotonic()
            if self.ended or left <= 0:
                why = "ended" if self.ended else f"not within {seconds * SLOW:g} s"
                raise AssertionError(f"{regex.pattern!r} {why}; unread: {self.rest()[-2000:]!r}")
            self.read_some(left)

    def expect_bytes(self, count, seconds=30):
        """The next count bytes."""
        deadline = time.monotonic() + seconds * SLOW
        while len(self.seen) - self.taken < count:
            left = deadline - time.monotonic()
            if self.ended or left <= 0:
                raise AssertionError(f"{len(self.rest())} of {count} bytes came in time; "
                                     f"last: {self.rest()[-200:]!r}")
            self.read_some(left)
        self.taken += count
        return self.seen[self.taken - count:self.taken]

    def quiet(self, seconds):
        """True if nothing comes for that long."""
        return not self.read_some(seconds)

    def rest(self):
        return self.seen[self.taken:]

    def send(self, data, seconds=30):
        data = data.encode() if isinstance(data, str) else data
        deadline = time.monotonic() + seconds * SLOW
        while data:
            _, ready, _ = select.select([], [self.write_fd], [],
                                        max(deadline - time.monotonic(), 0))
            if not ready:
                raise AssertionError(f"{len(data)} bytes could not be sent")
            data = data[os.write(self.write_fd, data[:4096]):]

    def send_some(self, data):
        """Sends what is taken at once; returns how much that was."""
        sent = 0
        while sent < len(data):
            _, ready, _ = select.select([], [self.write_fd], [], 0)
            if not ready:
                break
            try:
                sent += os.write(self.write_fd, data[sent:sent + 4096])
            except BlockingIOError:
                break
        return sent

    def line(self, text):
        """Types a line: CR, as a terminal does."""
        self.send(text.encode() + b"\r" if isinstance(text, str) else text + b"\r")


def _set_size(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def _wait_end(stream, process, seconds):
    """Reads until the program ends; returns its exit status (negative: signal)."""
    deadline = time.monotonic() + seconds * SLOW
    while process.poll() is None:
        if time.monotonic() > deadline:
            raise AssertionError(f"{process.args[0]} still runs; "
                                 f"unread: {stream.rest()[-2000:]!r}")
        if stream.ended:
            time.sleep(0.01)
        else:
            stream.read_some(0.05)
    while stream.read_some(0):
        pass
    return process.returncode


class Terminal(Stream):
    """A program with a pseudo terminal as standard input and output (and error)."""

    def __init__(self, argv, rows=24, columns=80, env=None, stderr=None):
        master, slave = os.openpty()
        _set_size(slave, rows, columns)
        modes = termios.tcgetattr(slave)
        modes[3] &= ~termios.ECHO  # or what is typed before ssh is ready would look like an answer
        termios.tcsetattr(slave, termios.TCSANOW, modes)
        self.process = subprocess.Popen(
            [str(a) for a in argv], stdin=slave, stdout=slave,
            stderr=slave if stderr is None else stderr, start_new_session=True,
            env=dict(os.environ, TERM="xterm", **(env or {})),
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        os.set_blocking(master, False)
        super().__init__(master, master)

    @property
    def pid(self):
        return self.process.pid

    def is_raw(self):
        """The program has taken the terminal: nothing in it changes a byte any more."""
        modes = termios.tcgetattr(self.read_fd)
        return not modes[1] & termios.OPOST and not modes[3] & termios.ICANON

    def resize(self, rows, columns):
        _set_size(self.read_fd, rows, columns)

    def wait(self, seconds=10):
        return _wait_end(self, self.process, seconds)

    def kill(self, number=signal.SIGKILL):
        if self.process.poll() is None:
            self.process.send_signal(number)

    def close(self):
        self.kill(signal.SIGCONT)
        self.kill()
        self.process.wait()
        if self.read_fd >= 0:
            os.close(self.read_fd)
            self.read_fd = -1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Pipes(Stream):
    """A program with pipes as standard input and output; standard error goes to a file."""

    def __init__(self, argv, env=None):
        self.error_file = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [str(a) for a in argv], bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.error_file, start_new_session=True, env=dict(os.environ, **(env or {})))
        for pipe in (self.process.stdin, self.process.stdout):
            os.set_blocking(pipe.fileno(), False)
        super().__init__(self.process.stdout.fileno(), self.process.stdin.fileno())

    @property
    def pid(self):
        return self.process.pid

    def errors(self):
        """Everything on standard error so far."""
        self.error_file.seek(0)
        return self.error_file.read().decode(errors="replace")

    def end_input(self):
        self.process.stdin.close()

    def wait(self, seconds=10):
        return _wait_end(self, self.process, seconds)

    def kill(self, number=signal.SIGKILL):
        if self.process.poll() is None:
            self.process.send_signal(number)

    def close(self):
        self.kill(signal.SIGCONT)
        self.kill()
        self.process.wait()
        for file in (self.process.stdin, self.process.stdout, self.error_file):
            file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class BarePty(Stream):
    """A guest's pty, opened directly and set raw: no libvirt in between."""

    def __init__(self, path):
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(fd)
        super().__init__(fd, fd)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.read_fd)


class UnixConsole(Stream):
    """A guest's unix socket console."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        super().__init__(self.socket.fileno(), self.socket.fileno())

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
