"""Stock SFTP clients fetch what is there, byte by byte, and can change nothing."""

import asyncio
import logging
import os
import queue
import random
import re
import shutil
import socket
import stat
import subprocess
import threading

import asyncssh
import paramiko
import pytest

from conftest import MIB, same_pieces, write_sparse


def passed(run):
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def listed(run):
    """Without the commands, which sftp repeats."""
    return [line for line in passed(run).splitlines() if not line.startswith("sftp> ")]


# --- OpenSSH's sftp ---


def test_sftp_lists_and_finds_its_way(served):
    assert listed(served.sftp("ls -1")) == ["console.log", "dumps"]
    assert listed(served.sftp("cd dumps", "ls -1", "pwd")) == [
        "old", "web-1.elf", "web-2.elf", "Remote working directory: /dumps"]
    assert listed(served.sftp("cd dumps/../..", "pwd")) == ["Remote working directory: /"]
    long = listed(served.sftp("ls -l"))
    assert re.fullmatch(r"-rw-r--r-- +\S+ +\S+ +\S+ +300000 \w+ +\d+ +[\d:]+ console\.log", long[0])
    assert re.fullmatch(r"drwxr-xr-x +\S+ +\S+ +\S+ +\d+ \w+ +\d+ +[\d:]+ dumps", long[1])
    assert len(listed(served.sftp("df"))) == 2


def test_sftp_gets_files_by_name_and_by_pattern(served):
    passed(served.sftp("get console.log", "get dumps/web-1.elf renamed"))
    assert served.got("console.log") == served.read("console.log")
    assert served.got("renamed") == served.read("dumps/web-1.elf")
    os.mkdir(served.here / "into")
    passed(served.sftp("get dumps/web-?.elf into"))
    assert served.got("into/web-1.elf") == served.read("dumps/web-1.elf")
    assert served.got("into/web-2.elf") == b"two"


@pytest.mark.parametrize("name, typed", [
    ("with blanks.txt", r"with\ blanks.txt"),
    ("with blanks.txt", '"with blanks.txt"'),
    ('a "quoted" name', r"""'a "quoted" name'"""),
    ("a[meta]*?", r'"a[meta]*?"'),
    ("back\\slash", r"back\\slash"),
    ("ends in \\", r"'ends in \\'"),
    ("-dash", "-- -dash"),
    ("ünïcode", "ünïcode"),
])
def test_sftp_gets_odd_names(served, name, typed):
    served.add(name, name.encode())
    passed(served.sftp(f"get {typed} got"))
    assert served.got("got") == name.encode()


@pytest.mark.parametrize("commands", [
    ["get -R dumps copy"],
    ["cd dumps", "get -R . copy"],
    ["cd dumps/old", "get -R .. copy"],
    ["get -R /dumps copy"],
])
def test_sftp_gets_folders(served, commands):
    passed(served.sftp(*commands))
    assert subprocess.run(["diff", "-r", served.root / "dumps", served.here / "copy"],
                          check=False).returncode == 0


def test_sftp_keeps_times_and_modes(served):
    os.chmod(served.root / "console.log", 0o640)
    os.utime(served.root / "console.log", (1_000_000_000, 1_100_000_000))
    passed(served.sftp("get -p console.log"))
    got = os.stat(served.here / "console.log")
    assert stat.S_IMODE(got.st_mode) == 0o640
    assert (got.st_atime, got.st_mtime) == (1_000_000_000, 1_100_000_000)


@pytest.mark.parametrize("requests", [1, 10, 64])
@pytest.mark.parametrize("size", [5, 32000, 261120, 1_000_000])
def test_sftp_gets_with_any_buffer(served, size, requests):
    data = served.add("file", os.urandom(min(1000 * size, 3 * MIB)))
    passed(served.sftp("get file", options=["-B", str(size), "-R", str(requests)]))
    assert served.got("file") == data


@pytest.mark.parametrize("size", [0, 1, 1024, MIB, 5 * MIB + 16, 5 * MIB + 17, "random"])
def test_sftp_resumes(served, size):
    whole = served.read("dumps/web-1.elf")
    if size == "random":
        size = random.randrange(len(whole))
    (served.here / "part").write_bytes(whole[:size])
    run = served.run(["sftp", "-vvv", "-b", "-", "-D", served.server()],
                     input="reget dumps/web-1.elf part\n")
    passed(run)
    assert served.got("part") == whole, f"from {size}"
    assert "reordered" not in run.stderr


@pytest.mark.parametrize("size, have", [
    (4160 * MIB, 4032 * MIB),  # from one side of 4 GiB to the other
    (64 * 1024 * MIB, 64 * 1024 * MIB - 50 * MIB),
])
def test_sftp_resumes_a_sparse_file_of_many_gib(served, size, have):
    begin = {0: b"begin" * 1000}
    pieces = {**begin, 4096 * MIB - 7: b"across" * 30_000, size - 100: b"end."}
    write_sparse(served.root / "sparse", size, pieces)
    write_sparse(served.here / "sparse", have,
                 {offset: data for offset, data in pieces.items() if offset < have})
    passed(served.sftp("reget sparse"))
    assert same_pieces(served.root / "sparse", served.here / "sparse", pieces, size)


def test_sftp_says_what_does_not_exist(served):
    run = served.sftp("get nothing")
    assert run.returncode != 0
    assert "not found" in run.stderr
    assert not (served.here / "nothing").exists()
    assert "No such file or directory" in served.sftp("cd nothing").stderr
    assert served.sftp("cd console.log").returncode != 0


def test_sftp_cannot_leave_the_folder(served):
    for name in "/etc/passwd", "../../../../etc/passwd", "dumps/../../../etc/passwd":
        run = served.sftp(f"get {name} got")
        assert run.returncode != 0
        assert not (served.here / "got").exists()
    os.symlink("/etc/passwd", served.root / "outside")
    assert served.sftp("get outside got").returncode != 0


@pytest.mark.parametrize("command, told", [
    ("put local remote", "open /remote"),
    ("put local dumps/web-2.elf", "open /dumps/web-2.elf"),
    ("rm console.log", "remove /console.log"),
    ("rmdir dumps", "rmdir /dumps"),
    ("mkdir new", "mkdir /new"),
    ("rename console.log new", "rename /console.log"),
    ("ln -s console.log new", "symlink console.log"),
    ("chmod 777 console.log", "setstat /console.log"),
    ("chown 1 console.log", "setstat /console.log"),
])
def test_sftp_cannot_write(served, command, told):
    (served.here / "local").write_bytes(b"local")
    before = subprocess.check_output(["ls", "-lR", served.root])
    run = served.sftp(command)
    assert run.returncode != 0
    assert "ermission denied" in run.stderr
    assert f"refused {told}\n" in run.stderr
    assert subprocess.check_output(["ls", "-lR", served.root]) == before


def test_sftp_removes_where_that_is_allowed(served):
    run = served.run(["sftp", "-b", "-", "-D", served.server("-w")], input="rm dumps/web-2.elf\n")
    passed(run)
    assert not (served.root / "dumps/web-2.elf").exists()


def test_what_was_taken_is_told(served):
    assert "300000 bytes [0,300000)\n" in served.sftp("get console.log").stderr
    (served.here / "console.log").write_bytes(served.read("console.log")[:123_456])
    assert "176544 bytes [123456,300000)\n" in served.sftp("reget console.log").stderr


# --- scp over SFTP ---


def test_scp_gets_files_and_folders(served):
    passed(served.run(["scp", "-s", "-p", "-D", served.server(), "h:dumps/web-1.elf", "."]))
    assert served.got("web-1.elf") == served.read("dumps/web-1.elf")
    passed(served.run(["scp", "-s", "-r", "-D", served.server(), "h:dumps", "h:console.*", "."]))
    assert served.got("dumps/old/x") == served.read("dumps/old/x")
    assert served.got("console.log") == served.read("console.log")
    run = served.run(["scp", "-s", "-D", served.server(), "console.log", "h:new"])
    assert run.returncode != 0
    assert not (served.root / "new").exists()


# --- paramiko: asks for all of a file at once ---


class Channel:
    """What paramiko wants of a connection. As one of its own, it reads whether or not paramiko
    does: both of paramiko's threads may be sending at the same time."""

    def __init__(self, sock):
        self.sock = sock
        self.unread = queue.SimpleQueue()
        self.begun = b""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        data = True
        while data:
            data = self.sock.recv(65536)
            self.unread.put(data)

    def recv(self, size):
        data = self.begun or self.unread.get()
        self.begun = data[size:]
        return data[:size]

    def send(self, data):
        return self.sock.send(data)

    def close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def get_name(self):
        return "channel"


class Paramiko:
    def __init__(self, served):
        ours, theirs = socket.socketpair()
        self.server = subprocess.Popen(served.server_argv(), stdin=theirs, stdout=theirs)
        theirs.close()
        self.client = paramiko.SFTPClient(Channel(ours))

    def __enter__(self):
        return self.client

    def __exit__(self, *_):
        self.client.close()
        self.server.wait()


def test_paramiko_asks_without_end(served):
    data = served.add("big", os.urandom(MIB) * 100)  # 3,200 requests
    with Paramiko(served) as client:
        client.get("big", str(served.here / "big"))
        assert served.got("big") == data
        assert sorted(client.listdir()) == ["big", "console.log", "dumps"]
        assert client.stat("dumps").st_mode == os.stat(served.root / "dumps").st_mode
        assert client.normalize("dumps/../..") == "/"


def test_paramiko_reads_anywhere_in_several_files(served):
    data = served.read("dumps/web-1.elf")
    with Paramiko(served) as client:
        files = [client.open("dumps/web-1.elf") for _ in range(8)]
        for f in files * 10:
            offset = random.randrange(len(data))
            f.seek(offset)
            assert f.read(100_000) == data[offset:offset + 100_000]
        files[0].seek(0, os.SEEK_END)
        assert files[0].read(10) == b""
        assert files[0].stat().st_size == len(data)
        with pytest.raises(PermissionError):
            client.open("new", "w")
        with pytest.raises(PermissionError):
            client.remove("console.log")
        with pytest.raises(FileNotFoundError):
            client.open("nothing")


# --- asyncssh ---


class Reader(asyncio.StreamReader):
    """What asyncssh's SFTP client wants of a connection."""

    logger = asyncssh.logging.SSHLogger(logging.getLogger("test"))

    def get_extra_info(self, _name, default=None):
        return default


async def asyncssh_client(served):
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    server = subprocess.Popen(served.server_argv(), stdin=theirs, stdout=theirs)
    theirs.close()
    reader = Reader(limit=MIB)
    transport, protocol = await loop.create_connection(
        lambda: asyncio.StreamReaderProtocol(reader), sock=ours)
    writer = asyncio.StreamWriter(transport, protocol, reader, loop)
    handler = asyncssh.sftp.SFTPClientHandler(loop, reader, writer, 3)
    await handler.start()
    task = loop.create_task(handler.recv_packets())
    return server, transport, task, asyncssh.SFTPClient(handler, "utf-8", "strict")


def test_asyncssh_gets_files_and_folders(served):
    async def session():
        server, transport, task, client = await asyncssh_client(served)
        await client.get("dumps", str(served.here), recurse=True, preserve=True)
        assert await client.realpath(".") == "/"
        assert (await client.statvfs(".")).namemax == 255
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await client.mkdir("new")
        task.cancel()
        transport.close()
        await asyncio.get_running_loop().run_in_executor(None, server.wait)

    asyncio.run(session())
    assert subprocess.run(["diff", "-r", served.root / "dumps", served.here / "dumps"],
                          check=False).returncode == 0


# --- lftp ---


@pytest.mark.skipif(not shutil.which("lftp"), reason="no lftp here")
def test_lftp_gets_one_file_four_times_at_once(served):
    commands = (f"set sftp:connect-program {served.server()}; set net:timeout 60; "
                "set net:max-retries 1; set sftp:size-read 131072; open sftp://u:p@h; "
                "pget -n 4 dumps/web-1.elf -o whole; cd dumps; cd old; get x; mirror . all; exit")
    passed(served.run(["lftp", "--norc", "-e", commands],
                      env={**os.environ, "HOME": str(served.tmp)}))
    assert served.got("whole") == served.read("dumps/web-1.elf")
    assert served.got("x") == served.read("dumps/old/x")
    assert sorted(os.listdir(served.here / "all")) == ["empty", "x"]
