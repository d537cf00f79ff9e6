"""Crash dumps and history over https: whole, in parts, resumed, and for who has the right."""

import contextlib
import hashlib
import json
import os
import random
import re
import socket
import subprocess
import time

import pytest

from lib.dumps import put, stamp
from lib.https import Raw, client_context, curl, make_https, status, url
from lib.proc import SLOW, Usage, wait_until
from lib.session import ask

BIG = 4 << 30


class Dumps:
    """A daemon with https, a guest, and the folder its dumps lie in."""

    def __init__(self, daemons, user, pki, virt, guest):
        self.guest, self.user = guest, user
        self.dir = user.mkdir(f"{virt.dir}/dumps-{os.urandom(4).hex()}")
        self.daemon = make_https(daemons, user, pki, virt, **{
            "dump": {"directories": self.dir},
            "access hosts": {"allow": "view, type, log, dump-get, admin"},
            "access tickets": {"allow": "view, log, dump-get"},
            "access watcher": {"who": "cert:CN=guestless", "vms": "*", "allow": "view, log"}})
        self.daemon.knows(guest)

    def put(self, write, seconds_ago=60):
        """A dump as libvirt names one, filled by write(file): its name in the tree."""
        _, shown = put(self.user, self.dir, self.guest, write, stamp(seconds_ago))
        wait_until(lambda: shown in self.list(), 20, "the dump is listed")
        return shown

    def path(self, name=""):
        return f"/crashDump/{self.guest.name}/{name}"

    def list(self):
        return curl(self.daemon, self.path()).stdout.decode()

    def file(self, name):
        """The one that the tree shows by this name."""
        (file,) = [f for f in os.listdir(self.dir) if f.replace(":", "-") == name]
        return f"{self.dir}/{file}"


@pytest.fixture(scope="module")
def dumps(module_daemons, user, pki, virt, module_guests):
    return Dumps(module_daemons, user, pki, virt, module_guests("downloads"))


@pytest.fixture(scope="module")
def data():
    return random.Random(7).randbytes(3_000_000)


@pytest.fixture(scope="module")
def small(dumps, data):
    return dumps.put(lambda file: file.write(data))


def head_of(dumps, path, *options):
    """The answer's head as one text."""
    done = curl(dumps.daemon, path, "-D", "-", "-o", "/dev/null", *options)
    return done.stdout.decode()


def field(head, name):
    found = re.search(rf"(?im)^{name}: (.*)\r$", head)
    return found.group(1) if found else None


# lists

def test_the_list_is_text_or_json(dumps, small, data):
    assert f"{len(data)}  complete    {small}" in dumps.list()
    done = curl(dumps.daemon, dumps.path(), "-H", "Accept: application/json")
    (row,) = [row for row in json.loads(done.stdout.rpartition(b"\n")[0]) if row["name"] == small]
    assert (row["size"], row["uuid"], row["state"]) == (len(data), dumps.guest.uuid, "complete")
    assert status(dumps.daemon, f"/crashDump/{dumps.guest.uuid}") == "200"


# whole

def test_a_dump_is_fetched_whole_and_recorded(dumps, small, data):
    done = curl(dumps.daemon, dumps.path(small))
    assert done.stdout == data + b"\n200"
    record = dumps.daemon.wait_audit("^whole$", event="file", file=f"/dumps/{small}")
    assert (record["bytes_out"], record["ranges"], record["vm_uuid"], record["identity"]) == (
        len(data), f"0-{len(data) - 1}", dumps.guest.uuid, "cert:CN=host1.example,O=engine")


def test_a_dump_has_its_checksum_beside_it(dumps, small, data):
    text = f"{hashlib.sha256(data).hexdigest()}  {small}\n".encode()
    wait_until(lambda: curl(dumps.daemon, dumps.path(f"{small}.sha256")).stdout == text + b"\n200",
               20, "the checksum is there")


def test_head_says_size_and_version_and_lends_nothing(dumps, small, data):
    head = head_of(dumps, dumps.path(small), "-I")
    assert field(head, "Content-Length") == str(len(data))
    assert field(head, "Accept-Ranges") == "bytes"
    before = len(dumps.daemon.audit(event="file"))
    assert field(head, "ETag") == field(head_of(dumps, dumps.path(small)), "ETag")
    raw = Raw(dumps.daemon)
    for _ in range(2):
        raw.send(f"HEAD {dumps.path(small)} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        assert raw.until(rb"\r\n\r\n").startswith(b"HTTP/1.1 200 OK\r\n")
    raw.send(f"GET {dumps.path(small)} HTTP/1.1\r\nHost: h\r\nRange: bytes=77-77\r\n"
             "\r\n".encode()).until(rb"\r\n\r\n.")
    dumps.daemon.wait_audit(event="file", ranges="77-77")
    assert len(dumps.daemon.audit(event="file")) == before + 2


def test_latest_is_the_newest(dumps, small):
    newest = dumps.put(lambda file: file.write(b"newest"), seconds_ago=5)
    assert curl(dumps.daemon, dumps.path("latest")).stdout == b"newest\n200"
    assert newest != small
    os.unlink(dumps.file(newest))


def test_several_files_come_over_one_connection(dumps, small, data):
    raw = Raw(dumps.daemon)
    for number in range(3):
        raw.send(f"GET {dumps.path(small)} HTTP/1.1\r\nHost: h\r\n"
                 f"Range: bytes={number * 10}-{number * 10 + 9}\r\n\r\n".encode())
        got = raw.until(rb"\r\n\r\n.{10}")
        assert got.startswith(b"HTTP/1.1 206 ") and got[-10:] == data[number * 10:][:10]


# parts

@pytest.mark.parametrize("asked, first, last", [
    ("bytes=0-0", 0, 0), ("bytes=1000000-1999999", 1000000, 1999999),
    ("bytes=2999990-", 2999990, 2999999), ("bytes=-7", 2999993, 2999999),
    ("bytes=5-99999999999999999999", 5, 2999999)])
def test_a_range_is_that_part(dumps, small, data, asked, first, last):
    done = curl(dumps.daemon, dumps.path(small), "-H", f"Range: {asked}", "-D", "/dev/stderr")
    assert done.stdout == data[first:last + 1] + b"\n206"
    assert field(done.stderr.decode(), "Content-Range") == f"bytes {first}-{last}/{len(data)}"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "lines=1-2", "bytes=9-1", "bytes=x"])
def test_a_range_that_is_not_served_is_the_whole(dumps, small, data, asked):
    assert curl(dumps.daemon, dumps.path(small), "-H",
                f"Range: {asked}").stdout == data + b"\n200"


@pytest.mark.parametrize("asked", ["bytes=3000000-", "bytes=-0"])
def test_a_range_behind_the_end_is_416_and_empty(dumps, small, data, asked):
    done = curl(dumps.daemon, dumps.path(small), "-H", f"Range: {asked}", "-D", "/dev/stderr")
    assert done.stdout == b"\n416"
    assert field(done.stderr.decode(), "Content-Range") == f"bytes */{len(data)}"


def test_a_version_that_has_changed_comes_whole(dumps, small, data):
    tag = field(head_of(dumps, dumps.path(small)), "ETag")
    part = ("-H", "Range: bytes=10-19")
    assert curl(dumps.daemon, dumps.path(small), *part, "-H",
                f"If-Range: {tag}").stdout == data[10:20] + b"\n206"
    for other in ('"other"', "Sat, 28 Nov 2026 00:00:00 GMT", f"W/{tag}"):
        assert curl(dumps.daemon, dumps.path(small), *part, "-H",
                    f"If-Range: {other}").stdout == data + b"\n200"
    assert curl(dumps.daemon, dumps.path(small), "-H",
                f"If-None-Match: {tag}").stdout == b"\n304"


def test_what_is_written_anew_in_the_same_second_is_another_version(dumps):
    name = dumps.put(lambda file: file.write(b"one"))
    heads, second = [], int(time.time())
    for text, nanoseconds in ((b"one", 1), (b"two", 2)):
        with open(dumps.file(name), "r+b") as file:
            file.write(text)
        os.utime(dumps.file(name), ns=(0, second * 1_000_000_000 + nanoseconds))
        wait_until(lambda: curl(dumps.daemon, dumps.path(name)).stdout == text + b"\n200", 20,
                   "it is complete")
        heads.append(head_of(dumps, dumps.path(name), "-I"))
    os.unlink(dumps.file(name))
    assert field(heads[0], "Last-Modified") == field(heads[1], "Last-Modified")
    assert field(heads[0], "ETag") != field(heads[1], "ETag")


# resumed

def same(one, other, first):
    """Whether what both have from there on is the same."""
    with open(one, "rb") as left, open(other, "rb") as right:
        left.seek(first)
        right.seek(first)
        while True:
            data = left.read(1 << 20)
            if data != right.read(1 << 20):
                return False
            if not data:
                return True


@pytest.fixture(scope="module")
def big(dumps):
    """4 GiB, most of it holes, with data here and there: its name, and what writes it again."""
    chance = random.Random(4)
    pieces = {BIG - (number << 20) - chance.randrange(1 << 20) - 70000: chance.randbytes(65536)
              for number in range(40)}

    def write(file):
        file.truncate(BIG)
        for at, piece in pieces.items():
            file.seek(at)
            file.write(piece)

    return dumps.put(write, seconds_ago=3600), write


@pytest.mark.timeout(500)
@pytest.mark.parametrize("client", ["wget", "curl"])
def test_a_dump_of_4_gib_is_resumed_at_any_byte(dumps, big, client, tmp_path):
    """The start of the target is there as a cut left it; the client fetches the rest."""
    name, write = big
    source, target = tmp_path / "source", tmp_path / "dump"
    at = BIG - random.Random(client).randrange(20 << 20, 40 << 20)
    for path in (source, target):
        with open(path, "wb") as file:
            write(file)
    os.truncate(target, at)
    certificates = {
        "wget": [f"--certificate={dumps.daemon.pki.path('host.pem')}",
                 f"--private-key={dumps.daemon.pki.path('host.key')}",
                 f"--ca-certificate={dumps.daemon.pki.path('ca.pem')}"],
        "curl": ["--cert", dumps.daemon.pki.path("host.pem"), "--key",
                 dumps.daemon.pki.path("host.key"), "--cacert", dumps.daemon.pki.path("ca.pem")]}
    command = {"wget": ["wget", "-nv", "-c", "-O", str(target)],
               "curl": ["curl", "-sS", "-C", "-", "-o", str(target)]}[client]
    command += certificates[client] + [url(dumps.daemon, dumps.path(name))]
    for _ in range(2):  # the second time it is complete
        done = subprocess.run(command, timeout=200 * SLOW, capture_output=True, check=False)
        assert os.path.getsize(target) == BIG, done
        assert done.returncode == 0, done
    assert same(source, target, at)
    record = dumps.daemon.wait_audit("^in part$", event="file", file=f"/dumps/{name}",
                                     ranges=f"{at}-{BIG - 1}")
    assert record["bytes_out"] == BIG - at


def test_a_download_that_is_cut_says_how_far_it_came(dumps, small, data):
    raw = Raw(dumps.daemon).send(
        f"GET {dumps.path(small)} HTTP/1.1\r\nHost: h\r\nRange: bytes=100-\r\n\r\n".encode())
    raw.until(rb"\r\n\r\n.{1000}")
    raw.socket.close()
    records = wait_until(lambda: [
        record for record in dumps.daemon.audit(event="file", file=f"/dumps/{small}")
        if record["reason"] == "in part" and record["ranges"].startswith("100-")], 20, "it is known")
    assert 1000 <= records[0]["bytes_out"] <= len(data) - 100


@contextlib.contextmanager
def almost_all(dumps, name, size, left):
    """A client with little room, which has taken all but so many bytes: its socket, and those."""
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    plain.connect(("127.0.0.1", dumps.daemon.port_tls))
    with client_context(dumps.daemon.pki).wrap_socket(plain, server_hostname="127.0.0.1") as taker:
        taker.settimeout(20 * SLOW)
        taker.sendall(f"GET {dumps.path(name)} HTTP/1.0\r\n\r\n".encode())
        got = b""
        while len(got) < size - left:
            got += taker.recv(16384)
        yield taker, got


@contextlib.contextmanager
def recorded(dumps, name):
    """Yields a list that gets, in the end, the audit's record of the download made meanwhile."""
    def records():
        return dumps.daemon.audit(event="file", file=f"/dumps/{name}")
    before, found = len(records()), []
    yield found
    found.append(wait_until(lambda: records()[before:], 20, "given back")[0])


def test_a_client_that_rests_before_the_end_gets_it_whole(dumps, small, data):
    """7 s: longer than the last words of a connection may take."""
    with recorded(dumps, small) as record, \
            almost_all(dumps, small, len(data), 190 << 10) as (taker, got):
        time.sleep(7)
        got += b"".join(iter(lambda: taker.recv(65536), b""))
    assert got.partition(b"\r\n\r\n")[2] == data
    assert record[0]["reason"] == "whole", record


def test_what_the_client_has_not_taken_is_not_recorded_as_given(dumps, small, data):
    with recorded(dumps, small) as record, almost_all(dumps, small, len(data), 190 << 10) as _:
        pass
    assert record[0]["reason"] == "in part" and record[0]["bytes_out"] < len(data), record


def test_a_reader_that_stands_still_costs_no_memory(dumps, big):
    before = Usage(dumps.daemon.doors("https"))
    readers = [Raw(dumps.daemon).send(
        f"GET {dumps.path(big[0])} HTTP/1.1\r\nHost: h\r\n\r\n".encode()) for _ in range(10)]
    for reader in readers:
        reader.until(rb"\r\n\r\n")
    assert status(dumps.daemon, "/healthz") == "200"
    assert SLOW > 1 or Usage(dumps.daemon.doors("https")).memory < before.memory + 8192
    for reader in readers:
        reader.socket.close()


# history

def test_history_has_a_size_and_can_be_resumed(dumps):
    console = dumps.daemon.pipes(dumps.guest.name)
    word = ask(console)
    path = f"/consoleLog/{dumps.guest.name}"
    whole = curl(dumps.daemon, path).stdout.rpartition(b"\n")[0]
    assert word.encode() in whole
    assert field(head_of(dumps, path, "-I"), "Content-Length") == str(len(whole))
    done = curl(dumps.daemon, path, "-H", "Range: bytes=5-14")
    assert done.stdout == whole[5:15] + b"\n206"
    assert curl(dumps.daemon, path + "?lines=1").stdout != whole + b"\n200"


# who

def test_what_there_is_not_and_what_may_not_be_seen(dumps, small):
    daemon = dumps.daemon
    for path in (dumps.path("none"), f"/crashDump/none/{small}", dumps.path(".."),
                 dumps.path("%2e%2e"), dumps.path("..%2fconsole.log"),
                 f"/crashDump/{dumps.guest.name}%2fdumps/{small}", "/crashDump/dumps/dumps"):
        assert status(daemon, path, "--path-as-is") in ("404", "400"), path
    assert status(daemon, dumps.path(small) + "?x=1") == "400"
    assert status(daemon, dumps.path(small), "-X", "DELETE") == "405"
    done = curl(daemon, dumps.path(small), who="guestless")
    assert done.stdout == (
        f"permission denied: dump-get on VM {dumps.guest.name}\n\n403".encode())
    assert status(daemon, dumps.path(), who="guestless") == "403"
    daemon.wait_audit("permission denied", event="file-refused")


def test_a_ticket_fetches_the_dumps_of_its_vm(dumps, small, data):
    ticket = dumps.daemon.ctl("ticket", dumps.guest.name, "--uses", "2").out.split()[0].decode()
    login = ("-u", f"{dumps.guest.name}:{ticket}")
    assert curl(dumps.daemon, dumps.path(small), *login, who=None).stdout == data + b"\n200"
    assert status(dumps.daemon, f"/crashDump/other/{small}", *login, who=None) == "403"


def test_a_right_that_is_withdrawn_ends_the_download(dumps, big):
    raw = Raw(dumps.daemon).send(
        f"GET {dumps.path(big[0])} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    raw.until(rb"\r\n\r\n")
    dumps.daemon.configure({"access hosts": {"allow": "view, type, log, admin"}})
    dumps.daemon.reload()
    try:
        assert len(raw.rest()) < BIG
        dumps.daemon.wait_audit("in part|nothing", event="file", file=f"/dumps/{big[0]}")
    finally:
        dumps.daemon.configure({"access hosts": {"allow": "view, type, log, dump-get, admin"}})
        dumps.daemon.reload()
        wait_until(lambda: status(dumps.daemon, dumps.path(big[0]), "-I") == "200", 20,
                   "the right is back")
