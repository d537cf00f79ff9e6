"""Stock clients over standard input and output: no ssh, no daemon. VMC_BUILD names the build."""

import os
import shlex
import subprocess

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = os.path.join(TOP, os.environ.get("VMC_BUILD", "build"), "tests", "serve")
MIB = 1 << 20
DEADLINE = 240  # seconds: beside other load

# The ways in which the server gets at a file: by a descriptor, or through the tree.
WAYS = {"descriptor": [], "tree": ["-a"]}


def write_sparse(path, size, pieces):
    """A file of zeros but for pieces: {offset: bytes}."""
    with open(path, "wb") as f:
        for offset, data in pieces.items():
            f.seek(offset)
            f.write(data)
        f.truncate(size)


def same_pieces(a, b, pieces, size):
    """Whether two files are of that size and the same where pieces and some zeros are."""
    if os.path.getsize(a) != size or os.path.getsize(b) != size:
        return False
    with open(a, "rb") as fa, open(b, "rb") as fb:
        for offset, data in list(pieces.items()) + [(size // 2, bytes(65536))]:
            fa.seek(offset)
            fb.seek(offset)
            if fa.read(len(data)) != data or fb.read(len(data)) != data:
                return False
    return True


class Served:
    """A folder that is served, and one that things are fetched into."""

    def __init__(self, tmp_path, way):
        self.root = tmp_path / "served"
        self.here = tmp_path / "here"
        self.tmp = tmp_path
        self.way = way
        self.root.mkdir()
        self.here.mkdir()
        (self.root / "dumps" / "old").mkdir(parents=True)
        self.add("console.log", os.urandom(300_000))
        self.add("dumps/web-1.elf", os.urandom(5 * MIB + 17))
        self.add("dumps/web-2.elf", b"two")
        self.add("dumps/old/empty", b"")
        self.add("dumps/old/x", b"x" * 70_000)

    def add(self, name, data):
        (self.root / name).write_bytes(data)
        return data

    def read(self, name):
        return (self.root / name).read_bytes()

    def got(self, name):
        return (self.here / name).read_bytes()

    def script(self, name, line):
        """A program of one line of shell."""
        path = self.tmp / name
        path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        path.chmod(0o755)
        return str(path)

    def server_argv(self, *options):
        return [os.path.join(PROGRAMS, "sftp_folder"), "-e", *self.way, *options, "-C", str(self.root)]

    def server(self, *options):
        """The path of a program without arguments that serves the folder."""
        return self.script("server", "exec " + shlex.join(self.server_argv(*options)))

    def run(self, argv, **kwargs):
        return subprocess.run(argv, cwd=self.here, capture_output=True, text=True,
                              timeout=DEADLINE, check=False, **kwargs)

    def sftp(self, *commands, options=()):
        """OpenSSH's client in batch mode: it stops at the first command that fails."""
        return self.run(["sftp", "-b", "-", *options, "-D", self.server()],
                        input="".join(c + "\n" for c in commands))

    def scp_ssh(self):
        """What scp runs in the place of ssh: its last argument is the command."""
        argv = [os.path.join(PROGRAMS, "scp_folder"), "-e", *self.way, str(self.root)]
        return self.script("ssh", 'for command; do :; done\nexec ' + shlex.join(argv) + ' "$command"')

    def scp(self, *arguments):
        """OpenSSH's scp with the old protocol."""
        return self.run(["scp", "-O", "-S", self.scp_ssh(), *arguments])


@pytest.fixture(params=WAYS.values(), ids=WAYS.keys())
def served(request, tmp_path):
    return Served(tmp_path, request.param)
