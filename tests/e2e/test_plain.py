"""Plain http: on a unix socket and on the loopback, for tickets and for who shows nothing."""

import base64
import grp
import json
import os
import pwd
import re
import socket
import stat
import subprocess

import pytest

from lib.daemon import free_port
from lib.https import make_https, serving
from lib.proc import SLOW
from lib.session import ask
from test_https_auth import Upstream, ticket_of

ME = pwd.getpwuid(os.getuid()).pw_name  # who the kernel says is at the other end of the socket


def make_plain(daemons, user, pki, virt, upstream, https=None, **more):
    """http on a unix socket and on the loopback; the rules give something to either."""
    port, folder = free_port(), user.mkdir(f"{virt.dir}/plain-{free_port()}", 0o755)
    path = f"{folder}/http"
    daemon = make_https(
        daemons, user, pki, virt,
        https={"console_auth": "certificate, ticket",
               "upstream": f"http://127.0.0.1:{upstream.server_address[1]}", **(https or {})},
        ssh={"max_connections": "100"},  # the default wants more descriptors than some hosts have
        **{"listen plain": {"address": f"unix:{path}, 127.0.0.1:{port}", "protocols": "http"},
           "access near": {"who": "address:127.0.0.0/8", "vms": "*", "allow": "view, forward"},
           "access proxy": {"who": f"user:{ME}", "vms": "*", "allow": "view, log, forward"},
           **more})
    daemon.port_plain, daemon.path_plain = port, path
    return daemon


@pytest.fixture(scope="module")
def upstream():
    server = Upstream()
    with serving(server):
        yield server


@pytest.fixture(scope="module")
def plain(module_daemons, user, pki, virt, upstream, module_guests):
    daemon = make_plain(module_daemons, user, pki, virt, upstream)
    daemon.guest = module_guests()
    daemon.knows(daemon.guest)
    with daemon.terminal(daemon.guest.name) as person:
        ask(person)  # a guest that is still booting takes no input
    return daemon


@pytest.fixture(scope="module")
def open_plain(module_daemons, user, pki, virt, upstream):
    """The same, where nothing need be shown."""
    return make_plain(module_daemons, user, pki, virt, upstream,
                      https={"console_auth": "ticket, none", "rpc_auth": "none"})


def where(daemon, way):
    return ["--unix-socket", daemon.path_plain] if way == "unix" else []


def ask_plain(daemon, way, path, *options, seconds=30):
    """The body, and the status."""
    host = "localhost" if way == "unix" else f"127.0.0.1:{daemon.port_plain}"
    done = subprocess.run(["curl", "-sS", "-w", "\n%{http_code}", *where(daemon, way), *options,
                           f"http://{host}{path}"], capture_output=True, timeout=seconds * SLOW)
    body, _, code = done.stdout.decode().rpartition("\n")
    return body, code


def connect(daemon, way):
    if way == "unix":
        made = socket.socket(socket.AF_UNIX)
        made.settimeout(20 * SLOW)
        made.connect(daemon.path_plain)
        return made
    return socket.create_connection(("127.0.0.1", daemon.port_plain), 20 * SLOW)


def say(daemon, way, request):
    """The whole answer to a request behind which the client's side is closed."""
    with connect(daemon, way) as one:
        one.sendall(request)
        one.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: one.recv(65536), b""))


def without_chunks(answer):
    """The body of an answer in chunks, as far as it has come."""
    return re.sub(rb"(?:\A|\r\n)[0-9a-f]+\r\n", b"", answer.partition(b"\r\n\r\n")[2])


both_ways = pytest.mark.parametrize("way", ["unix", "loopback"])


@both_ways
def test_a_ticket_opens_what_it_opens_over_tls(plain, way):
    path = f"/vm/{plain.guest.name}/status"
    user = f"{plain.guest.name}:{ticket_of(plain, plain.guest)}"
    assert ask_plain(plain, way, path, "-u", user)[1] == "200"
    bearer = f"Authorization: Bearer {ticket_of(plain, plain.guest)}"
    assert ask_plain(plain, way, path, "-H", bearer)[1] == "200"
    source = f"uid {os.getuid()}" if way == "unix" else "127.0.0.1"
    record = plain.wait_audit(event="login", protocol="http", source=source, count=2)
    assert record["method"] == "password"
    assert record["identity"].startswith("ticket:")


@both_ways
def test_who_shows_nothing_gets_nothing_but_health(plain, way):
    assert ask_plain(plain, way, "/healthz") == ("ok\n", "200")
    assert ask_plain(plain, way, "/vms") == ("log in with a ticket\n", "401")
    assert ask_plain(plain, way, "/other") == (
        "this needs a client certificate, which plain http cannot show: ask by https\n", "403")


@both_ways
def test_the_console_streams_both_ways(plain, way):
    """A ticket in each: a body that is typed, in chunks, and the echo while it is open."""
    guest = plain.guest
    basic = base64.b64encode(f"{guest.name}:{ticket_of(plain, guest)}".encode()).decode()
    with connect(plain, way) as one:
        one.sendall(f"POST /consoleStream/{guest.name} HTTP/1.1\r\nHost: localhost\r\n"
                    f"Authorization: Basic {basic}\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "9\r\nsay here\r\r\n".encode())
        got = b""
        while b"here\r\nguest> " not in without_chunks(got):
            data = one.recv(65536)
            assert data, got
            got += data
        one.sendall(b"0\r\n\r\n")


@both_ways
def test_http_1_0_without_length_ends_with_the_clients_side(plain, way):
    guest = plain.guest
    basic = base64.b64encode(f"{guest.name}:{ticket_of(plain, guest)}".encode()).decode()
    answer = say(plain, way, f"POST /consoleStream/{guest.name}?output=no HTTP/1.0\r\n"
                 f"Authorization: Basic {basic}\r\n\r\nsay {way}-body\r".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), answer
    assert json.loads(body)["accepted"] == len(f"say {way}-body\r")


@both_ways
def test_none_is_the_address_or_the_user_that_the_kernel_names(open_plain, way):
    since = len(open_plain.audit(event="login", protocol="http"))
    assert ask_plain(open_plain, way, "/vms")[1] == "200"
    record = open_plain.wait_audit(event="login", protocol="http", count=since + 1)
    assert record["method"] == "none"
    assert record["identity"] == (f"user:{ME}" if way == "unix" else "address:127.0.0.1")


def test_root_at_the_socket_has_only_what_rules_give_him(open_plain):
    """What a proxy of his asks for is not asked by him."""
    assert ask_plain(open_plain, "unix", "/metrics")[1] == "403"


@both_ways
def test_who_asks_is_told_to_the_upstream_by_us_alone(open_plain, upstream, way):
    upstream.heads.clear()
    lies = [word for name in ("X-Client-Subject: /CN=root", "X-Forwarded-For: 192.0.2.9",
                              "X_Client_Subject: /CN=root", "Forwarded: for=192.0.2.9",
                              "X-Forwarded-Proto: https", "X-Real-IP: 192.0.2.9")
            for word in ("-H", name)]
    assert ask_plain(open_plain, way, "/images/1", *lies) == ("here", "200")
    (head,) = upstream.heads
    ours = {name: value for name, value in head.items()
            if re.match(r"(?i)x[-_](client|forwarded|real)|forwarded", name)}
    assert ours == {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http"}


def test_nobody_is_asked_for_by_a_name_that_leads_here(open_plain):
    """A page whose name is made to lead to the loopback (DNS rebinding) is no foreign one."""
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example"):
        body, code = ask_plain(open_plain, "loopback", "/vms", "-H", f"Host: {host}")
        assert (body, code) == ("who shows nothing asks plain http for an address or localhost\n",
                                "403"), host
    for host in ("localhost:8080", "[::1]:8080", "127.0.0.1"):
        assert ask_plain(open_plain, "loopback", "/vms", "-H", f"Host: {host}")[1] == "200", host
    body, code = ask_plain(open_plain, "loopback", "/x", "-X", "POST", "-H",
                           "Origin: http://evil.example")
    assert (body, code) == ("a page of another site may not do this\n", "403")


@both_ways
def test_stomp_and_tls_do_not_get_through(open_plain, upstream, way):
    upstream.heads.clear()
    assert b" 403 Forbidden\r\n" in say(open_plain, way, b"CONNECT\naccept-version:1.2\n\n\0")
    assert b" 400 Bad Request\r\n" in say(open_plain, way, b"\x16\x03\x01\x02\0\x01\r\n\r\n")
    assert not upstream.heads


def test_guesses_over_the_socket_slow_down_as_those_from_the_loopback(daemons, user, pki, virt,
                                                                     upstream, guests):
    guest = guests()
    daemon = make_plain(daemons, user, pki, virt, upstream,
                        auth={"penalty": "1ms", "penalty_max": "1ms", "penalty_refuse": "3"})
    daemon.knows(guest)
    for _ in range(3):
        assert ask_plain(daemon, "unix", f"/vm/{guest.name}/who", "-u", f"{guest.name}:x")[1] == "401"
    daemon.wait_audit(event="login-refused", protocol="http", source=f"uid {os.getuid()}", count=3)
    assert ask_plain(daemon, "unix", "/healthz")[1] == "000"  # the connection is not taken
    assert ask_plain(daemon, "loopback", "/healthz")[1] == "000"
    assert daemon.ctl("sources", "--clear", "127.0.0.1").status == 0
    assert ask_plain(daemon, "unix", "/healthz")[1] == "200"


def test_the_socket_is_for_its_owner_and_goes_with_the_service(daemons, user, pki, virt, upstream):
    daemon = make_plain(daemons, user, pki, virt, upstream)
    made = os.stat(daemon.path_plain)
    assert stat.S_ISSOCK(made.st_mode) and stat.S_IMODE(made.st_mode) == 0o600
    assert made.st_uid == user.uid
    assert f"listening for http on unix:{daemon.path_plain}" in daemon.log()
    daemon.stop()
    assert not os.path.exists(daemon.path_plain)
    daemon.start()
    daemon.kill()  # leaves it there
    assert os.path.exists(daemon.path_plain)
    daemon.start()
    assert ask_plain(daemon, "unix", "/healthz")[1] == "200"


def test_a_group_may_be_let_in(daemons, user, pki, virt, upstream):
    group = grp.getgrgid(user.gid).gr_name
    folder = user.mkdir(f"{virt.dir}/plain-group", 0o755)
    daemon = make_plain(daemons, user, pki, virt, upstream,
                        **{"listen more": {"address": f"unix:{folder}/http", "protocols": "http",
                                           "group": group}})
    made = os.stat(f"{folder}/http")
    assert stat.S_IMODE(made.st_mode) == 0o660 and made.st_gid == user.gid
    daemon.configure({"listen more": {"group": "no-such-group"}})
    done = daemon.check_config()
    assert done.status == 1 and b"there is no group no-such-group" in done.out + done.err


def test_without_tls_no_certificate_of_the_server_is_needed(daemons, user, virt):
    folder = user.mkdir(f"{virt.dir}/plain-alone", 0o755)
    daemon = daemons({"listen plain": {"address": f"unix:{folder}/http", "protocols": "http"}})
    daemon.path_plain = f"{folder}/http"
    assert ask_plain(daemon, "unix", "/healthz") == ("ok\n", "200")
    daemon.reload()
    daemon.wait_log("configuration reloaded")
    assert ask_plain(daemon, "unix", "/healthz") == ("ok\n", "200")
    assert daemon.ctl("doctor").status == 0
    assert b'vmconsoled_connections{protocol="http"' in daemon.ctl("metrics").out


def test_what_other_hosts_can_reach_is_refused(daemons, user, pki, virt, upstream):
    daemon = make_plain(daemons, user, pki, virt, upstream)
    daemon.configure({"listen plain": {"address": "0.0.0.0:8080"}})
    done = daemon.check_config()
    assert done.status == 1 and b"http has no TLS, and other hosts can reach 0.0.0.0:8080: write " \
        b"unix:/PATH, 127.0.0.1:PORT or [::1]:PORT, or serve https" in done.out + done.err
    since = len(daemon.log())
    daemon.reload()
    daemon.wait_log("http has no TLS", since=since)
    assert ask_plain(daemon, "unix", "/healthz")[1] == "200"  # as before


def test_a_check_leaves_the_living_socket_alone(plain):
    assert plain.check_config().status == 0
    assert ask_plain(plain, "unix", "/healthz")[1] == "200"
