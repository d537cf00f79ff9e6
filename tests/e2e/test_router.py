"""What is not for vmconsoled goes to the upstream: whole, in order, and nothing smuggled in."""

import contextlib
import http.client
import http.server
import os
import re
import shutil
import signal
import socket
import socketserver
import ssl
import struct
import subprocess
import threading
import xmlrpc.client

import pytest

from lib import proc
from lib.daemon import free_port
from lib.https import (OverTls, Raw, TlsXmlRpc, XmlRpc, client_context, curl, curl_cut,
                       make_https, say_and_close, server_context, serving, status, wget)
from lib.pattern import lines
from lib.proc import SANITIZED, SLOW, Usage, wait_until
from lib.session import ask



class Upstream(socketserver.ThreadingTCPServer):
    """Keeps each request as it came; answer(method, path, send, read) says what follows."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.port = self.server_address[1]
        self.heads, self.bodies = [], []
        self.answer = plain_answer
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def forget(self):
        self.heads.clear()
        self.bodies.clear()
        self.answer = plain_answer


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.rfile.readline(65536)
            if not line:
                return
            head += line
        self.server.heads.append(head.decode("latin-1"))
        if isinstance(self.connection, ssl.SSLSocket):
            self.server.subjects.append(
                dict(part[0] for part in self.connection.getpeercert()["subject"])["commonName"])
        length = re.search(rb"(?im)^content-length: (\d+)\r$", head)
        self.server.answer(self, int(length.group(1)) if length else 0)


def plain_answer(handler, length):
    body = handler.rfile.read(length)
    handler.server.bodies.append(body)
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\nX-Kept: yes\r\n"
                        b"Connection: X-Hop\r\nX-Hop: 1\r\n\r\nok\n")


class TlsUpstream(OverTls, Upstream):
    """subjects: whose the clients' certificates were."""

    def __init__(self, tls):
        self.tls, self.subjects = tls, []
        super().__init__()

    def forget(self):
        super().forget()
        self.subjects.clear()


@pytest.fixture(scope="module")
def raw_upstream():
    made = Upstream()
    yield made
    made.shutdown()


def make_router(daemons, user, pki, virt, port, **upstream):
    both = free_port()
    daemon = make_https(
        daemons, user, pki, virt,
        https={"upstream": f"http://127.0.0.1:{port}", "upstream_timeout": "10m"} | upstream,
        ssh={"max_connections": "100"},  # the default wants more descriptors than some hosts have
        **{"access engine": {"who": "cert:CN=host*", "vms": "*", "allow": "forward"},
           "access watcher": {"who": "cert:CN=guestless", "vms": "*", "allow": "view"},
           "listen both": {"address": f"127.0.0.1:{both}", "protocols": "ssh, https"}})
    daemon.port_both = both
    return daemon


def reload_with(daemon, **https):
    since = len(daemon.log())
    daemon.configure({"https": https})
    daemon.reload()
    daemon.wait_log("configuration reloaded", since=since)


@pytest.fixture(scope="module")
def module_router(module_daemons, user, pki, virt, raw_upstream):
    return make_router(module_daemons, user, pki, virt, raw_upstream.port)


@pytest.fixture
def router(module_router, raw_upstream):
    raw_upstream.forget()
    return module_router


@contextlib.contextmanager
def under_way(router, upstream):
    """A connection whose answer has begun, and stands still."""
    done = threading.Event()

    def slow(handler, length):
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\nbegun\n")
        done.wait(60 * SLOW)

    upstream.answer = slow
    raw = Raw(router).send(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
    raw.until(rb"begun\n")
    try:
        yield raw
    finally:
        done.set()
        upstream.forget()


# XML-RPC as it is spoken with VDSM

@pytest.fixture
def xmlrpc_port():
    with serving(XmlRpc()) as port:
        yield port


@pytest.mark.timeout(300)  # on a loaded machine
def test_a_thousand_xmlrpc_calls_are_right_while_wget_streams_a_console(
        daemons, user, pki, virt, guests, xmlrpc_port):
    daemon = make_router(daemons, user, pki, virt, xmlrpc_port)
    guest = guests()
    daemon.knows(guest)
    console = daemon.pipes(guest.name)
    ask(console)
    with wget(daemon, f"/consoleStream/{guest.name}", daemon.port_both) as until:
        daemon.wait_log(r"cert:CN=host1.example,O=engine asks attach")
        console.line("pat 2000")
        for path in ("/", "/RPC2"):
            with xmlrpc.client.ServerProxy(f"https://127.0.0.1:{daemon.port_both}{path}",
                                           context=client_context(pki)) as proxy:
                for number in range(500):
                    assert proxy.double(number) == number * 2
                data = bytes(range(256)) * (5 * 4096)
                assert proxy.reverse(xmlrpc.client.Binary(data)).data == data[::-1]
        until(lines(0, 2000))


# heads

def test_the_head_is_made_anew_and_says_who_asks(router, raw_upstream):
    got = Raw(router).send(
        b"POST /a/b/c/d/e/f/g/h/i/j?x=%20y HTTP/1.1\r\nHost: me\r\nFlowID: 7\r\n"
        b"Connection: close, X-Secret\r\nX-Secret: 1\r\nTE: trailers\r\nExpect: 100-continue\r\n"
        b"X-Forwarded-For: 6.6.6.6\r\nX_Forwarded_For: 6.6.6.6\r\nX-Client-Subject: CN=root\r\n"
        b"Forwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nContent_Length: 9\r\n"
        b"X.Client.Subject: CN=root\r\nx!forwarded~for: 6.6.6.6\r\nTransfer.Encoding: chunked\r\n"
        b"Content-Length: 4\r\n\r\nbody").rest()
    assert got.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"), got
    assert b"X-Kept: yes\r\n" in got and b"X-Hop" not in got and got.endswith(b"\r\n\r\nok\n"), got
    assert raw_upstream.heads == [
        "POST /a/b/c/d/e/f/g/h/i/j?x=%20y HTTP/1.0\r\nHost: me\r\nFlowID: 7\r\n"
        "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: https\r\n"
        "X-Client-Subject: CN=host1.example,O=engine\r\n"
        "Content-Length: 4\r\nConnection: close\r\n\r\n"]
    assert raw_upstream.bodies == [b"body"]


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"


@pytest.mark.parametrize("attempt", [
    b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"0\r\n\r\n" + SMUGGLED,
    b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 34\r\n\r\n" + SMUGGLED,
    b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n"
    b"0\r\n\r\n" + SMUGGLED,
    b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    b"POST / HTTP/1.1\r\nHost: h\r\nX: a\rContent-Length: 34\r\n\r\n" + SMUGGLED,
    b"POST / HTTP/1.1\r\nHost: h\r\nX: a\n b\r\nContent-Length: 0\r\n\r\n" + SMUGGLED,
    b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +34\r\n\r\n" + SMUGGLED,
    b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;x=\r\n\r\n" + SMUGGLED,
    b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n" + SMUGGLED,
    b"GET / HTTP/1.1\r\nHost: h\r\n folded: x\r\n\r\n" + SMUGGLED,
    b"GET /..%2f..%2fsmuggled/../x HTTP/1.1\r\nHost: h\r\n\r\n",
    b"GET /1/2/3/4/5/6/7/8/9/../x HTTP/1.1\r\nHost: h\r\n\r\n",
    b"GET /vms?" + b"a&" * 20 + b" HTTP/1.1\r\nHost: h\r\n\r\n",
])
def test_nothing_smuggled_reaches_the_upstream(router, raw_upstream, attempt):
    got = Raw(router).send(attempt).until(rb"\r\n\r\n")
    assert re.match(rb"HTTP/1.1 (400|501) ", got), got
    assert status(router, "/after") == "200"
    assert [head.split()[1] for head in raw_upstream.heads] == ["/after"]


# bodies

def test_a_client_that_closes_its_side_behind_its_request_is_answered(router, raw_upstream):
    for body in (b"Content-Length: 4\r\n\r\nbody",
                 b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"):
        got = say_and_close(router, b"POST /RPC2 HTTP/1.1\r\nHost: me\r\n" + body)
        assert got.startswith(b"HTTP/1.1 200 OK\r\n") and got.endswith(b"\r\n\r\nok\n"), got
    assert raw_upstream.bodies == [b"body"] * 2


def test_a_body_in_chunks_gets_a_length(router, raw_upstream):
    body = b"0123456789" * 5000
    done = curl(router, "/upload", "-H", "Transfer-Encoding: chunked", "--data-binary", "@-",
                data=body)
    assert done.stdout == b"ok\n\n200"
    assert "\r\nContent-Length: 50000\r\n" in raw_upstream.heads[0]
    assert raw_upstream.bodies == [body]


def test_a_body_in_chunks_that_is_too_long_needs_a_length(router, raw_upstream):
    done = curl(router, "/upload", "-H", "Transfer-Encoding: chunked", "-H", "Expect:",
                "--data-binary", "@-", data=b"x" * (2 << 20))
    assert b"give its Content-Length" in done.stdout, done
    assert Raw(router).send(b"POST / HTTP/1.0\r\n\r\n").rest().startswith(b"HTTP/1.1 411 ")
    assert raw_upstream.heads == []


def test_large_bodies_are_whole_both_ways(router, raw_upstream):
    body = bytes(range(256)) * (20 * 4096)

    def echo(handler, length):
        data = handler.rfile.read(length)
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + data)

    raw_upstream.answer = echo
    done = curl(router, "/echo", "--data-binary", "@-", "-H", "Expect:", data=body)
    assert (done.returncode, done.stderr, len(done.stdout)) == (0, b"", len(body) + 4)
    assert done.stdout == body + b"\n200"
    assert curl(router, "/echo", "-X", "PUT", "--http1.0", "--data-binary", "@-",
                data=body).stdout == body + b"\n200"


def test_a_reader_that_stands_still_holds_the_upstream_up_and_not_memory(router, raw_upstream):
    sent, gone = [0], threading.Event()

    def flood(handler, length):
        handler.connection.settimeout(0.5)
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
        try:
            while not gone.is_set():
                sent[0] += handler.connection.send(b"x" * 65536)
        except OSError:
            gone.set()

    raw_upstream.answer = flood
    before = Usage(router.doors("https"))
    raw = Raw(router).send(b"GET /flood HTTP/1.1\r\nHost: h\r\n\r\n")
    assert gone.wait(30 * SLOW), "it is never held up"
    assert sent[0] < 32 << 20
    assert SANITIZED or Usage(router.doors("https")).memory < before.memory + 2048
    raw.socket.close()


def test_an_answer_before_the_end_of_the_body_arrives(router, raw_upstream):
    def refuse(handler, length):
        handler.wfile.write(b"HTTP/1.0 403 No\r\nContent-Length: 3\r\n\r\nno\n")
        handler.wfile.flush()
        handler.connection.shutdown(socket.SHUT_WR)
        while handler.connection.recv(65536):
            pass

    raw_upstream.answer = refuse
    raw = Raw(router).send(b"PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000\r\n\r\n")
    assert raw.until(rb"\r\n\r\nno\n").startswith(b"HTTP/1.1 403 No\r\n")
    raw.send(b"y" * 5000000)
    raw_upstream.answer = plain_answer
    raw.send(b"GET /next HTTP/1.1\r\nHost: h\r\n\r\n")
    assert raw.until(rb"ok\n").startswith(b"HTTP/1.1 200 OK\r\n")


def test_head_has_a_length_and_no_body(router, raw_upstream):
    raw_upstream.answer = lambda handler, length: handler.wfile.write(
        b"HTTP/1.0 200 OK\r\nContent-Length: 1000\r\n\r\n")
    connection = http.client.HTTPSConnection("127.0.0.1", router.port_tls,
                                             context=client_context(router.pki), timeout=20 * SLOW)
    for _ in range(2):
        connection.request("HEAD", "/x")
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Content-Length"), answer.read()) == (
            200, "1000", b"")
    connection.close()


# STOMP

def echo_stomp(handler, length):
    handler.wfile.write(b"CONNECTED\n\n\0")
    while data := handler.rfile.read1(65536):
        handler.wfile.write(data)


CONNECT = b"CONNECT\r\naccept-version:1.2\r\n\r\n"


@pytest.mark.parametrize("port", ["port_tls", "port_both"])
def test_stomp_is_relayed_as_it_is(router, raw_upstream, port):
    raw_upstream.answer = echo_stomp
    raw = Raw(router, port=getattr(router, port)).send(CONNECT[:4])
    raw.send(CONNECT[4:]).until(rb"CONNECTED\n\n\0")
    assert raw_upstream.heads == [CONNECT.decode()]
    piece = bytes(range(256)) * 64  # no more than sockets hold: one thread sends and reads
    for _ in range(64):
        assert raw.send(piece).until(rb"\A.{%d}" % len(piece)) == piece


def test_frames_behind_the_first_one_in_the_same_segment_are_relayed_too(router, raw_upstream):
    """With a body that looks like a request; also where the client sends no more."""
    frames = b"SUBSCRIBE\nid:1\n\n\0SEND\ncontent-length:18\n\nGET / HTTP/1.1\r\n\r\n\0"
    raw_upstream.answer = echo_stomp
    raw = Raw(router).send(CONNECT + frames)
    raw.until(rb"CONNECTED\n\n\0")
    assert raw.until(re.escape(frames)) == frames
    assert raw_upstream.heads == [CONNECT.decode()]

    large = bytes(range(256)) * 40  # in one record, less than what is read of it at once
    raw = Raw(router).send(CONNECT + large)
    raw.until(rb"CONNECTED\n\n\0")
    assert raw.until(rb"\A.{%d}" % len(large)) == large


def test_stomp_needs_the_right_to_forward_and_ends_with_it(router, raw_upstream):
    raw_upstream.answer = echo_stomp
    refused = Raw(router, who="guestless").send(CONNECT).rest()
    assert refused.startswith(b"HTTP/1.1 403 ") and not raw_upstream.heads, refused
    raw = Raw(router).send(CONNECT)
    raw.until(rb"CONNECTED\n\n\0")
    router.configure({"access engine": {"allow": "view"}})
    router.reload()
    assert raw.rest() == b""
    router.configure({"access engine": {"allow": "forward"}})
    router.reload()


def test_stomp_ends_when_the_upstream_is_another(router, raw_upstream):
    raw_upstream.answer = echo_stomp
    raw = Raw(router).send(CONNECT)
    raw.until(rb"CONNECTED\n\n\0")
    router.reload()
    assert raw.send(b"SEND").until(rb"SEND") == b"SEND"
    router.configure({"https": {"upstream": f"http://127.0.0.1:{free_port()}"}})
    router.reload()
    assert raw.rest() == b""
    router.configure({"https": {"upstream": f"http://127.0.0.1:{raw_upstream.port}"}})
    router.reload()


# an upstream that fails

def test_an_upstream_that_is_silent_is_a_timeout(router, raw_upstream):
    done = threading.Event()
    raw_upstream.answer = lambda handler, length: done.wait(60 * SLOW)
    reload_with(router, upstream_timeout="1s")
    got = curl(router, "/x")
    done.set()
    router.configure({"https": {"upstream_timeout": "10m"}})
    router.reload()
    assert got.stdout == b"the upstream does not answer\n\n504"


@pytest.mark.parametrize("answer, text", [
    (b"", b"the upstream has ended without an answer"),
    (b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     b"the upstream's answer is malformed"),
    (b"HTTP/1.0 200 OK\r\nX: a\rb\r\n\r\n", b"the upstream's answer is malformed"),
    (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", b"the upstream wants another protocol"),
    (b"nonsense\r\n\r\n", b"the upstream's answer is malformed"),
])
def test_an_answer_that_is_none_is_a_bad_gateway(router, raw_upstream, answer, text):
    raw_upstream.answer = lambda handler, length: handler.wfile.write(answer)
    assert curl(router, "/x").stdout == text + b"\n\n502"


def test_an_upstream_that_resets_the_connection_is_named(router, raw_upstream):
    def reset(handler, length):
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                      struct.pack("ii", 1, 0))
        os.close(handler.connection.detach())
    raw_upstream.answer = reset
    assert curl(router, "/x").stdout == (
        b"the upstream broke the connection off: Connection reset by peer\n\n502")


def test_an_answer_that_breaks_off_is_cut(router, raw_upstream):
    raw_upstream.answer = lambda handler, length: handler.wfile.write(
        b"HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    done = curl(router, "/x")
    assert done.returncode == curl_cut() and done.stdout.startswith(b"half"), done


def test_no_upstream_at_the_address_is_a_bad_gateway(daemons, user, pki, virt):
    daemon = make_router(daemons, user, pki, virt, free_port())
    done = curl(daemon, "/x")
    assert done.stdout == b"the upstream cannot be reached: Connection refused\n\n502"
    daemon.configure({"https": {"upstream": None}})
    daemon.reload()
    wait_until(lambda: status(daemon, "/x") == "404", 20, "nothing is forwarded any more")


# who

def test_only_who_has_the_right_reaches_the_upstream(router, raw_upstream, guests):
    guest = guests()
    router.knows(guest)
    assert curl(router, "/x", who="guestless").stdout == (
        b"permission denied: forward on this host\n\n403")
    assert curl(router, "/x", who=None).stdout == b"log in with a client certificate\n\n403"
    assert status(router, "/x", who="stranger") == "403"
    ticket = router.ctl("ticket", guest.name).out.split()[0].decode()
    assert status(router, "/x", "-u", f"{guest.name}:{ticket}", who=None) == "403"
    assert router.ssh("vmconsole", "forward", "GET", "/").status == 64
    assert raw_upstream.heads == []


def test_a_socket_is_taken_back_with_the_right_even_from_a_door_that_keeps_it(
        router, raw_upstream):
    """The door stands still, as one would that was broken into and does not close anything."""
    ended, done = threading.Event(), threading.Event()

    def slow(handler, length):
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\nbegun\n")
        handler.wfile.flush()
        handler.connection.settimeout(60 * SLOW)
        try:
            handler.connection.recv(1)
        except TimeoutError:
            return
        ended.set()
        done.wait(60 * SLOW)

    raw_upstream.answer = slow
    raw = Raw(router).send(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
    raw.until(rb"begun\n")
    (door,) = router.doors("https")
    os.kill(door, signal.SIGSTOP)
    try:
        router.configure({"access engine": {"allow": "view"}})
        router.reload()
        assert ended.wait(20 * SLOW), "the upstream's connection is still open"
    finally:
        os.kill(door, signal.SIGCONT)
        done.set()
        router.configure({"access engine": {"allow": "forward"}})
        router.reload()
        raw_upstream.forget()
        wait_until(lambda: status(router, "/x") == "200", 20, "the right is back")


def test_the_end_of_the_right_ends_what_is_forwarded(router, raw_upstream):
    with under_way(router, raw_upstream) as raw:
        router.configure({"access engine": {"allow": "view"}})
        router.reload()
        try:
            assert b"0\r\n\r\n" not in raw.rest()
        finally:
            router.configure({"access engine": {"allow": "forward"}})
            router.reload()
    wait_until(lambda: status(router, "/x") == "200", 20, "the right is back")


# an upstream that speaks TLS, as VDSM does

SCALAR = re.compile(r"priv:\n((?: +[0-9a-f:]+\n)+)")


@pytest.fixture(scope="module")
def vdsm_pki(pki):
    # Of the time before names stood anywhere else.
    pki.make("vdsm", "ca", "/O=engine/CN=vdsm.example", kind="p256")
    pki.make("renewed", "ca", "/O=engine/CN=renewed.example", kind="p256")
    return pki


@pytest.fixture(scope="module")
def tls_upstream(vdsm_pki):
    made = TlsUpstream(server_context(vdsm_pki, "vdsm"))
    yield made
    made.shutdown()


def put_upstream_keys(folder, user, pki, name):
    for kind in ("key", "pem"):
        path = f"{folder}/upstream.{kind}"
        shutil.copy(pki.path(f"{name}.{kind}"), f"{path}.new")
        user.own(f"{path}.new", 0o600)
        os.rename(f"{path}.new", path)


@pytest.fixture(scope="module")
def module_tls_router(module_daemons, user, vdsm_pki, virt, tls_upstream):
    folder = user.mkdir(f"{virt.dir}/upstream-{free_port()}", 0o755)
    put_upstream_keys(folder, user, vdsm_pki, "vdsm")
    for name in ("ca", "other"):
        shutil.copy(vdsm_pki.path(f"{name}.pem"), f"{folder}/{name}.pem")
        user.own(f"{folder}/{name}.pem", 0o644)
    daemon = make_router(
        module_daemons, user, vdsm_pki, virt, 0,
        upstream=f"https://127.0.0.1:{tls_upstream.port}", upstream_ca=f"{folder}/ca.pem",
        upstream_certificate=f"{folder}/upstream.pem", upstream_key=f"{folder}/upstream.key",
        upstream_name="vdsm.example")
    daemon.upstream_folder = folder
    # The first request starts its worker, which a loaded machine has no time for.
    wait_until(lambda: status(daemon, "/first") == "200", 60, "the upstream answers")
    return daemon


@pytest.fixture
def tls_router(module_tls_router, tls_upstream):
    tls_upstream.forget()
    return module_tls_router


def test_xmlrpc_calls_reach_an_upstream_that_wants_a_certificate(tls_router, vdsm_pki,
                                                                 tls_upstream):
    try:
        with serving(TlsXmlRpc(), server_context(vdsm_pki, "vdsm")) as port:
            reload_with(tls_router, upstream=f"https://127.0.0.1:{port}")
            with xmlrpc.client.ServerProxy(f"https://127.0.0.1:{tls_router.port_tls}/RPC2",
                                           context=client_context(vdsm_pki)) as proxy:
                for data in [b"%d" % number for number in range(20)] + [bytes(range(256)) * 20480]:
                    assert proxy.reverse(xmlrpc.client.Binary(data)).data == data[::-1]
    finally:
        reload_with(tls_router, upstream=f"https://127.0.0.1:{tls_upstream.port}")


@pytest.mark.skipif(os.getuid() != 0 or SANITIZED, reason="looks into other processes' memory")
def test_the_process_that_parses_requests_has_not_the_key(tls_router, tls_upstream, vdsm_pki):
    assert status(tls_router, "/x") == "200"
    assert tls_upstream.subjects == ["vdsm.example"]
    text = subprocess.run(["openssl", "pkey", "-in", vdsm_pki.path("vdsm.key"), "-text", "-noout"],
                          capture_output=True, text=True, check=True).stdout
    scalar = bytes.fromhex(re.sub(r"[^0-9a-f]", "", SCALAR.search(text)[1])).lstrip(b"\0")
    key = scalar[::-1][:24]  # as OpenSSL has numbers in memory
    (worker,), (door,) = tls_router.workers("upstream"), tls_router.doors("https")
    assert proc.memory_holds(worker, key)
    assert not proc.memory_holds(door, key)


@pytest.mark.parametrize("wrong, why", [
    ({"upstream_ca": "other.pem"}, "self-signed certificate in certificate chain"),
    ({"upstream_name": "engine.example"}, "hostname mismatch")])
def test_another_upstream_than_the_right_one_gets_nothing(tls_router, tls_upstream, wrong, why):
    right = {"upstream_ca": f"{tls_router.upstream_folder}/ca.pem",
             "upstream_name": "vdsm.example"}
    if "upstream_ca" in wrong:
        wrong = {"upstream_ca": f"{tls_router.upstream_folder}/{wrong['upstream_ca']}"}
    reload_with(tls_router, **wrong)
    try:
        assert curl(tls_router, "/x").stdout.decode() == \
            f"the upstream cannot be reached: {why}\n\n502"
        assert tls_upstream.heads == []
    finally:
        reload_with(tls_router, **right)
    assert status(tls_router, "/x") == "200"


def test_a_new_certificate_is_shown_from_the_next_request_on(tls_router, tls_upstream, user,
                                                            vdsm_pki):
    since = len(tls_router.log())
    put_upstream_keys(tls_router.upstream_folder, user, vdsm_pki, "renewed")
    tls_router.wait_log("certificates for the upstream have been read again", since=since)
    assert status(tls_router, "/x") == "200"
    put_upstream_keys(tls_router.upstream_folder, user, vdsm_pki, "vdsm")
    wait_until(lambda: status(tls_router, "/x") == "200" and
               tls_upstream.subjects[-1] == "vdsm.example", 20, "the old one is back")
    assert tls_upstream.subjects[0] == "renewed.example"


def test_an_answer_without_a_length_ends_as_its_upstream_on_this_host_does(tls_router, tls_upstream):
    """With TLS's own end or without, which is how Python's servers close; not when it breaks."""
    body = bytes(range(256)) * 4096

    def answer(how):
        def say(handler, length):
            handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + body)
            if how == "in order":
                with contextlib.suppress(OSError):
                    handler.connection.unwrap()
            elif how == "reset":
                handler.server.taken.wait(60 * SLOW)
                handler.connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                # Its makefile()s and its server would keep it open, or shut it down in order.
                os.close(handler.connection.detach())
        return say

    for how in ("in order", "bare"):
        tls_upstream.answer = answer(how)
        assert curl(tls_router, "/x").stdout == body + b"\n200", how
        old = Raw(tls_router, strict=True).send(b"GET /x HTTP/1.0\r\n\r\n").rest()
        assert old.endswith(b"\r\n\r\n" + body), how
    tls_upstream.answer = answer("reset")
    tls_upstream.taken = threading.Event()
    raw = Raw(tls_router, strict=True).send(b"GET /x HTTP/1.0\r\n\r\n")
    raw.until(rb"\r\n\r\n.{%d}" % len(body))
    tls_upstream.taken.set()
    with pytest.raises(ssl.SSLError):
        raw.rest()


class Images(http.server.BaseHTTPRequestHandler):
    """Answers as VDSM does: HTTP/1.0, to PUT and with errors without a length."""

    def do_PUT(self):
        self.server.stored = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def do_GET(self):
        if self.path == "/missing":
            self.send_response(404)
            self.end_headers()
            return
        self.send_response(206)
        self.end_headers()
        self.wfile.write(self.server.stored)

    def log_message(self, *args):
        pass


class TlsImages(OverTls, http.server.ThreadingHTTPServer):
    daemon_threads = True


def test_pythons_own_server_is_whole_without_lengths(tls_router, tls_upstream, vdsm_pki):
    data = os.urandom(5 << 20)
    server = TlsImages(("127.0.0.1", 0), Images)
    with serving(server, server_context(vdsm_pki, "vdsm")) as port:
        reload_with(tls_router, upstream=f"https://127.0.0.1:{port}")
        try:
            client = http.client.HTTPSConnection(
                "127.0.0.1", tls_router.port_tls, context=client_context(tls_router.pki),
                timeout=60 * SLOW)
            for _ in range(10):  # on one connection
                client.request("PUT", "/image", body=data)
                answer = client.getresponse()
                assert (answer.status, answer.read()) == (200, b"")
                client.request("GET", "/image")
                answer = client.getresponse()
                assert answer.status == 206 and answer.read() == data
                client.request("GET", "/missing")
                answer = client.getresponse()
                assert (answer.status, answer.read()) == (404, b"")
            client.close()
            done = curl(tls_router, "/image", "-T", "-", data=b"by curl")
            assert (done.returncode, done.stdout) == (0, b"\n200"), done.stderr
        finally:
            reload_with(tls_router, upstream=f"https://127.0.0.1:{tls_upstream.port}")


def own_address():
    """Of this host, beside those of the loopback; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tried:
        try:
            tried.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return tried.getsockname()[0]


@pytest.mark.skipif(not own_address(), reason="the loopback is all there is")
def test_an_end_that_somebody_on_the_way_could_have_made_is_a_cut(
        tls_router, tls_upstream, vdsm_pki):
    server = TlsImages((own_address(), 0), Images)
    server.stored = b"all of it"
    with serving(server, server_context(vdsm_pki, "vdsm")) as port:
        reload_with(tls_router, upstream=f"https://{own_address()}:{port}")
        try:
            cut = curl(tls_router, "/image")
            assert (cut.returncode, cut.stdout) == (curl_cut(), b"all of it\n206"), cut.stderr
        finally:
            reload_with(tls_router, upstream=f"https://127.0.0.1:{tls_upstream.port}")


def test_stomp_goes_through_tls_and_ends_with_its_right(tls_router, tls_upstream):
    ended = threading.Event()

    def echo(handler, length):
        echo_stomp(handler, length)
        ended.set()

    tls_upstream.answer = echo
    raw = Raw(tls_router).send(CONNECT)
    raw.until(rb"CONNECTED\n\n\0")
    piece = bytes(range(256)) * 64
    for _ in range(16):
        assert raw.send(piece).until(rb"\A.{%d}" % len(piece)) == piece
    tls_router.configure({"access engine": {"allow": "view"}})
    tls_router.reload()
    try:
        assert raw.rest() == b""
        assert ended.wait(20 * SLOW), "the upstream's connection is still open"
    finally:
        tls_router.configure({"access engine": {"allow": "forward"}})
        tls_router.reload()
        tls_upstream.forget()
        wait_until(lambda: status(tls_router, "/x") == "200", 20, "the right is back")


@pytest.mark.parametrize("key, value", [
    ("upstream_name", "engine.example"), ("upstream_ca", "other.pem")])
def test_an_upstream_that_must_be_another_now_ends_what_is_under_way(tls_router, tls_upstream, key,
                                                                     value):
    right = tls_router.config["https"][key]
    with under_way(tls_router, tls_upstream) as raw:
        wrong = value if key == "upstream_name" else f"{tls_router.upstream_folder}/{value}"
        reload_with(tls_router, **{key: wrong})
        try:
            assert b"0\r\n\r\n" not in raw.rest()
        finally:
            reload_with(tls_router, **{key: right})
    assert status(tls_router, "/x") == "200"


def test_the_key_goes_when_the_upstream_speaks_tls_no_more(tls_router, tls_upstream, raw_upstream):
    keys = ("upstream", "upstream_ca", "upstream_certificate", "upstream_key", "upstream_name")
    before = {key: tls_router.config["https"][key] for key in keys}
    raw_upstream.forget()
    with under_way(tls_router, tls_upstream) as raw:
        assert tls_router.workers("upstream")
        reload_with(tls_router, **dict.fromkeys(keys) | {
            "upstream": f"http://127.0.0.1:{raw_upstream.port}"})
        assert b"0\r\n\r\n" not in raw.rest()
    wait_until(lambda: not tls_router.workers("upstream"), 20, "the worker has ended")
    assert status(tls_router, "/x") == "200" and raw_upstream.heads
    reload_with(tls_router, **before)
    assert status(tls_router, "/x") == "200" and tls_router.workers("upstream")


def test_the_death_of_its_worker_cuts_a_request_and_not_the_next(tls_router, tls_upstream):
    with under_way(tls_router, tls_upstream) as raw:
        silent = Raw(tls_router).send(b"GET /silent HTTP/1.1\r\nHost: h\r\n\r\n")
        wait_until(lambda: len(tls_upstream.heads) == 2, 20, "both are there")
        (worker,) = tls_router.workers("upstream")
        os.kill(worker, signal.SIGKILL)
        assert b"0\r\n\r\n" not in raw.rest()
    assert status(tls_router, "/next") == "200"
