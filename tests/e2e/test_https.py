"""Consoles over https: VDSM's certificates, tickets, streams both ways, what is refused."""

import base64
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time

import pytest

from lib.https import SERVER, Raw, curl, make_https, status, url, wget
from lib.pattern import lines
from lib.proc import SLOW, wait_until
from lib.session import DONE, ask

@pytest.fixture(scope="module")
def https(module_daemons, user, pki, virt):
    """A daemon with https; https.port_tls, https.curl(), https.request()."""
    return make_https(module_daemons, user, pki, virt)


def opened(daemon, guests):
    """A guest whose console is open, and the ssh session that holds its keyboard."""
    guest = guests()
    daemon.knows(guest)
    console = daemon.pipes(guest.name)
    ask(console)
    return guest, console


# who

def test_a_vdsm_certificate_lists_the_guests_it_may_see(https, module_guests):
    guest = module_guests()
    https.knows(guest)
    listed = curl(https, "/vms", "-H", "Accept: application/json")
    body, _, code = listed.stdout.rpartition(b"\n")
    assert code == b"200", listed
    assert guest.name in [vm["name"] for vm in json.loads(body)]


@pytest.mark.parametrize("who", ["stranger", "expired", "usage", "revoked"])
def test_a_bad_certificate_is_refused_and_recorded(https, who):
    before = len(https.audit(event="login-refused", method="certificate"))
    assert status(https, "/vms", who=who) == "401"
    https.wait_audit(event="login-refused", method="certificate", count=before + 1)


def test_nobody_gets_in_without_a_certificate_or_ticket(https):
    answer = curl(https, "/vms", "-D", "-", who=None).stdout
    assert b"HTTP/1.1 401 Unauthorized" in answer
    assert b"WWW-Authenticate: Basic" in answer
    assert status(https, "/healthz", who=None) == "200"


def test_a_certificate_no_rule_names_is_refused(https):
    assert status(https, "/vms", who="guestless") == "401"


def test_a_ticket_opens_its_vm_and_no_other(https, guests):
    guest, other = guests(), guests()
    https.knows(guest, other)
    ticket = https.ctl("ticket", guest.name, "--uses", "2").out.split()[0].decode()
    basic = base64.b64encode(f"{guest.name}:{ticket}".encode()).decode()
    header = ("-H", f"Authorization: Basic {basic}")
    assert status(https, f"/consoleStream/{other.name}", *header, who=None) == "403"
    assert status(https, f"/vm/{guest.name}/status", *header, who=None) == "200"
    wrong = base64.b64encode(f"{guest.name}:wrong".encode()).decode()
    assert status(https, "/vms", "-H", f"Authorization: Basic {wrong}", who=None) == "401"


# streams

def test_wget_streams_a_console_with_vdsms_certificate(https, guests):
    guest, console = opened(https, guests)
    with wget(https, f"/consoleStream/{guest.name}") as until:
        https.wait_log(r"cert:CN=host1.example,O=engine asks attach")
        console.line("pat 2000")
        until(lines(0, 2000))


def test_a_stream_says_where_it_begins_and_goes_on_from_there(https, guests):
    guest, console = opened(https, guests)
    console.line("id")
    first = Raw(https).send(
        f"GET /consoleStream/{guest.name}?from=start HTTP/1.0\r\n\r\n".encode())
    head = first.until(rb"\r\n\r\n")
    assert b"X-Console-Offset: 0\r\n" in head, head
    first.until(rb"guest %s\r\n" % guest.name.encode())
    second = Raw(https).send(
        f"GET /consoleStream/{guest.name}?from=6 HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    assert b"X-Console-Offset: 6\r\n" in second.until(rb"\r\n\r\n")
    second.until(rb"guest %s\r\n" % guest.name.encode())


def test_a_conversation_runs_through_one_request(https, guests):
    """HTTP/1.0, body until close: what is typed and what is printed at the same time."""
    guest = guests()
    https.knows(guest)
    talk = Raw(https).send(f"POST /consoleStream/{guest.name} HTTP/1.0\r\n\r\n".encode())
    talk.send(b"echo\r")
    assert b"HTTP/1.1 200 OK" in talk.until(rb"echo ready\r\n")
    for number in range(200):
        talk.send(b"line %d\n" % number)
        talk.until(rb"line %d\n" % number)
    talk.send(b"\x04")
    talk.until(rb"echo \d+ bytes")
    talk.socket.close()


def test_curl_types_a_chunked_body_while_output_streams(https, guests):
    guest = guests()
    https.knows(guest)
    process = subprocess.Popen(
        ["curl", "-sSN", "--cacert", https.pki.path("ca.pem"), "--cert", https.pki.path("host.pem"),
         "--key", https.pki.path("host.key"), "-X", "POST", "-T", ".",
         url(https, f"/consoleStream/{guest.name}")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        process.stdin.write(b"id\r")
        process.stdin.flush()
        got = b""
        while f"guest {guest.name}\r\n".encode() not in got:
            data = process.stdout.read1(4096)
            assert data, got
            got += data
    finally:
        process.kill()
        process.wait()


def test_output_of_a_guest_that_shuts_down_ends_whole(https, guests):
    guest, _ = opened(https, guests)
    stream = Raw(https).send(
        f"GET /consoleStream/{guest.name} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    stream.until(rb"\r\n\r\n")
    guest.destroy()
    stream.until(rb"0\r\n\r\n")


def test_a_stream_with_notices_ends_with_the_reason(https, guests):
    guest, _ = opened(https, guests)
    plain = Raw(https).send(f"GET /consoleStream/{guest.name} HTTP/1.0\r\n\r\n".encode())
    told = Raw(https).send(
        f"GET /consoleStream/{guest.name}?notices=yes HTTP/1.0\r\n\r\n".encode())
    for stream in (plain, told):
        stream.until(rb"\r\n\r\n")
    guest.destroy()
    assert told.rest().endswith(b"vmconsoled: VM %s was destroyed\r\n" % guest.name.encode())
    assert b"vmconsoled: " not in plain.rest()


def test_a_stream_that_is_ended_by_an_administrator_is_cut_after_the_reason(https, guests):
    guest, _ = opened(https, guests)
    stream = Raw(https).send(f"GET /consoleStream/{guest.name}?notices HTTP/1.1\r\nHost: h\r\n"
                             "\r\n".encode())
    stream.until(rb"\r\n\r\n")
    (row,) = [row for row in json.loads(https.ctl("who", guest.name, "--json").out)
              if row["identity"].startswith("cert:")]
    assert https.ctl("kick", row["session"]).status == DONE
    rest = stream.rest()
    assert b"vmconsoled: ended by user:" in rest and not rest.endswith(b"0\r\n\r\n"), rest


def test_old_clients_can_tell_a_stream_that_is_cut_from_one_that_is_whole(https, guests):
    """HTTP/1.0 has no other end of a body than that of the connection, which TLS vouches for."""
    guest, _ = opened(https, guests)
    streams = [Raw(https, strict=True).send(
        f"GET /consoleStream/{guest.name} HTTP/1.0\r\n\r\n".encode()) for _ in range(2)]
    for stream in streams:
        stream.until(rb"\r\n\r\n")
    one, _ = [row["session"] for row in json.loads(https.ctl("who", guest.name, "--json").out)
              if row["identity"].startswith("cert:")]
    assert https.ctl("kick", one).status == DONE
    ended = []
    guest.destroy()
    for stream in streams:
        try:
            stream.rest()
            ended.append("whole")
        except ssl.SSLError:
            ended.append("cut")
    assert sorted(ended) == ["cut", "whole"]


def test_history_is_an_answer_with_an_end(https, guests):
    guest, console = opened(https, guests)
    word = ask(console)
    done = curl(https, f"/consoleLog/{guest.name}")
    assert done.stdout.endswith(b"\n200") and word.encode() in done.stdout, done


# typing without output

def test_a_body_is_typed_and_its_bytes_are_counted(https, guests):
    guest = guests()
    https.knows(guest)
    for options in ((), ("-H", "Transfer-Encoding: chunked"), ("--http1.0",)):
        done = curl(https, f"/consoleStream/{guest.name}?output=no", "-D", "/dev/stderr",
                    *options, "--data-binary", "@-", data=b"id\r")
        body, _, code = done.stdout.rpartition(b"\n")
        assert code == b"200" and b"Content-Type: application/json\r\n" in done.stderr, done
        answer = json.loads(body)
        assert sorted(answer) == ["accepted", "offset"] and answer["accepted"] == 3
        Raw(https).send(f"GET /consoleStream/{guest.name}?from={answer['offset']} HTTP/1.0\r\n"
                        "\r\n".encode()).until(rb"guest %s\r\n" % guest.name.encode())


def test_a_body_that_is_malformed_is_refused_in_words(https, guests):
    guest = guests()
    https.knows(guest)
    for chunk in (b"1;x=y\r\na\r\n", b"0x1\r\na\r\n", b"1\r\nab\r\n"):
        raw = Raw(https).send(
            f"POST /consoleStream/{guest.name}?output=no HTTP/1.1\r\nHost: h\r\n"
            "Transfer-Encoding: chunked\r\n\r\n".encode() + chunk)
        got = raw.rest()
        assert got.startswith(b"HTTP/1.1 400 ") and got.endswith(b"malformed body\n"), got


def test_a_keyboard_that_another_has_is_taken_by_force_alone(https, guests):
    guest, console = opened(https, guests)
    for path in (f"/consoleStream/{guest.name}?output=no", f"/consoleStream/{guest.name}"):
        done = curl(https, path, "--data-binary", "id\r")
        assert re.fullmatch(rb"the keyboard is with key:SHA256:.*\n\n409", done.stdout), done
    done = curl(https, f"/consoleStream/{guest.name}?output=no&force=yes", "--data-binary", "id\r")
    assert done.stdout.endswith(b"\n200"), done
    talk = Raw(https).send(f"POST /consoleStream/{guest.name}?force=yes HTTP/1.0\r\n\r\n".encode())
    talk.send(b"id\r").until(rb"guest %s\r\n" % guest.name.encode())
    talk.socket.close()
    done = curl(https, f"/consoleStream/{guest.name}?output=perhaps", "--data-binary", "id\r")
    assert done.stdout == b"bad parameter output\n\n400"


# requests one after another

def test_a_connection_serves_several_requests(https):
    raw = Raw(https)
    for _ in range(3):
        raw.send(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        assert raw.until(rb"\r\n\r\nok\n").startswith(b"HTTP/1.1 200 OK\r\n")
    raw.send(b"HEAD /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert raw.rest().endswith(b"\r\n\r\n")


def test_a_client_of_http_1_0_that_offers_to_stay_sees_the_end(https):
    got = Raw(https).send(b"GET /healthz HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").rest()
    assert b"\r\nConnection: close\r\n" in got and got.endswith(b"\r\n\r\nok\n"), got


def test_head_of_an_endless_stream_is_a_head_and_no_stream(https, guests):
    guest, console = opened(https, guests)
    raw = Raw(https).send(f"HEAD /consoleStream/{guest.name} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    assert b"X-Console-Offset: " in raw.until(rb"\r\n\r\n")
    ask(console)
    raw.send(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
    assert raw.until(rb"ok\n").startswith(b"HTTP/1.1 200 OK\r\n")


def test_another_login_needs_a_connection_of_its_own(https):
    raw = Raw(https).send(b"GET /vms HTTP/1.1\r\nHost: h\r\n\r\n")
    assert raw.until(rb"0\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    raw.send(b"GET /vms HTTP/1.1\r\nHost: h\r\nAuthorization: Basic eDp5\r\n\r\n")
    assert raw.rest().startswith(b"HTTP/1.1 401 ")


def test_who_never_logs_in_is_let_go_before_it_counts_as_silent(https):
    https.ctl("sources", "--clear", "127.0.0.1")
    raw = Raw(https, who=None)
    raw.socket.settimeout(40)
    raw.send(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
    assert raw.rest().endswith(b"ok\n")
    penalties = json.loads(https.ctl("sources", "--json").out)["penalties"]
    assert [row["failures"] for row in penalties if row["source"] == "127.0.0.1"] == []


@pytest.mark.parametrize("request_text, code", [
    (b"GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n", 404),
    (b"DELETE /vms HTTP/1.1\r\nHost: h\r\n\r\n", 405),
    (b"GET /consoleStream/none HTTP/1.1\r\nHost: h\r\n\r\n", 404),
    (b"GET /vms?x=1 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    (b"GET /../vms HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    (b"POST /vm/x/nmi HTTP/1.1\r\nHost: h\r\nOrigin: https://evil\r\n\r\n", 403),
    (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    (b"GET / HTTP/2.0\r\n\r\n", 505),
    (b"GET / HTTP/1.1\r\nX-A:\rTransfer-Encoding: chunked\r\nHost: h\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 20000 + b"\r\n\r\n", 431),
])
def test_what_is_wrong_gets_its_status(https, request_text, code):
    head = Raw(https).send(request_text).until(rb"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % code), head


def still_sending(make):
    """What comes to a client that reads only when it has sent 8 MiB, more than any socket holds."""
    with make() as sender:
        sender.settimeout(20 * SLOW)
        sender.sendall(b"POST /nothing HTTP/1.1\r\nHost: h\r\nContent-Length: 8388608\r\n\r\n")
        sender.sendall(b"x" * 8388608)
        return b"".join(iter(lambda: sender.recv(65536), b""))


def test_a_client_that_still_sends_reads_why_it_is_refused(https):
    assert still_sending(lambda: Raw(https).socket).startswith(b"HTTP/1.1 404 ")
    plain = still_sending(lambda: socket.create_connection(("127.0.0.1", https.port_tls), 20))
    assert plain.endswith(b"\r\n\r\nthis port speaks TLS: ask it with https://\n"), plain


def test_who_sends_for_ever_after_a_refusal_is_cut(https):
    with Raw(https).socket as sender:
        sender.settimeout(40 * SLOW)
        sender.sendall(b"POST /nothing HTTP/1.1\r\nHost: h\r\nContent-Length: 9" + b"0" * 15 +
                       b"\r\n\r\n")
        with pytest.raises(OSError):
            deadline = time.monotonic() + 60 * SLOW
            while time.monotonic() < deadline:
                sender.sendall(b"x" * 4096)
                time.sleep(0.01)


def test_the_keyboard_of_another_is_a_conflict(https, guests):
    guest, _ = opened(https, guests)
    asked = Raw(https).send(b"POST /consoleStream/%s HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
                            b"\r\nid\r" % guest.name.encode())
    assert asked.until(rb"\r\n\r\n").startswith(b"HTTP/1.1 409 ")


# the door

@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_tls_is_refused(https):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError), socket.create_connection(
            ("127.0.0.1", https.port_tls), 10) as plain:
        context.wrap_socket(plain)


def s_client(daemon, *options, version="-tls1_2", stdin=b"Q\n"):
    """What openssl says of a connection."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{daemon.port_tls}", version,
         "-CAfile", daemon.pki.path("ca.pem"), "-cert", daemon.pki.path("host.pem"),
         "-key", daemon.pki.path("host.key"), *options],
        input=stdin, capture_output=True, timeout=60 * SLOW)
    return (done.stdout + done.stderr).decode(errors="replace")


def test_nothing_is_compressed_for_a_client_that_offers_it(https):
    """Where OpenSSL can compress: Debian's cannot."""
    said = s_client(https, "-comp")
    assert "\nCompression: NONE\n" in said and "Verify return code: 0 (ok)" in said, said


def test_a_new_handshake_in_a_connection_is_refused(https):
    said = s_client(https, stdin=b"R\nQ\n")
    assert "\nRENEGOTIATING\n" in said and ":no renegotiation:" in said, said
    assert "DONE\n" in s_client(https, stdin=b"Q\n")


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_no_session_is_there_to_be_resumed(https, version, tmp_path):
    """No session of somebody else's certificate gets anybody in: clients get none to keep."""
    request = b"GET /healthz HTTP/1.0\r\n\r\n"
    kept = f"{tmp_path}/session"
    said = s_client(https, "-ign_eof", "-sess_out", kept, version=version, stdin=request)
    assert "ok\n" in said and not os.path.exists(kept), said


def test_a_dead_door_is_started_again_and_ssh_goes_on(https, guests):
    guest = guests()
    https.knows(guest)
    (door,) = https.doors("https")
    subprocess.run(["kill", "-9", str(door)], check=True)
    wait_until(lambda: https.doors("https") not in ([], [door]), 20, "the door is there again")
    wait_until(lambda: status(https, "/healthz") == "200", 20, "and answers")
    assert https.ssh(guest.name, "status").status == DONE


def certificate_of(https):
    """The one that a new connection gets, in DER."""
    with Raw(https).socket as made:
        return made.getpeercert(True)


def put(https, *names):
    """The server's files become those of the PKI with these names; as a renewal would do it."""
    for name in names:
        there = f"{https.folder}/server.{name.rpartition('.')[2]}"
        with open(https.pki.path(name), encoding="ascii") as file:
            https.user.write(f"{there}.new", file.read())
        https.user.own(f"{there}.new", 0o600)
        subprocess.run(["mv", f"{there}.new", there], check=True)


def test_a_certificate_that_is_renewed_is_taken_at_once_and_ends_nothing(https, guests):
    guest, console = opened(https, guests)
    stream = Raw(https).send(f"GET /consoleStream/{guest.name} HTTP/1.0\r\n\r\n".encode())
    stream.until(rb"\r\n\r\n")
    before, doors = certificate_of(https), https.doors("https")
    https.pki.make("fresh", "ca", "/O=engine/CN=127.0.0.1", SERVER, kind="p256")
    put(https, "fresh.pem")
    https.wait_log(r"do not belong together; https goes on with the key and certificate it has")
    assert certificate_of(https) == before
    put(https, "fresh.key")
    wait_until(lambda: certificate_of(https) != before, 20, "new connections get the new one")
    word = ask(console)
    stream.until(word.encode())
    assert https.doors("https") == doors
    put(https, "server.pem", "server.key")
    wait_until(lambda: certificate_of(https) == before, 20, "and the old one again")


def streaming(https, guest, who):
    stream = Raw(https, who=who).send(
        f"GET /consoleStream/{guest.name}?notices=yes HTTP/1.0\r\n\r\n".encode())
    stream.until(rb"\r\n\r\n")
    return stream


def test_a_certificate_that_is_revoked_ends_its_streams_and_no_other(https, guests):
    guest, console = opened(https, guests)
    https.pki.make("leaver", "ca", "/O=engine/CN=host2.example")
    leaver, other = streaming(https, guest, "leaver"), streaming(https, guest, "host")
    https.pki.revoke("ca", "leaver")
    with open(https.pki.crl("ca"), encoding="ascii") as file:
        https.user.write(f"{https.folder}/ca.crl", file.read())
    https.reload()
    assert b"vmconsoled: " in leaver.rest()
    assert status(https, "/vms", who="leaver") == "401"
    other.until(ask(console).encode())


def test_an_authority_that_is_taken_away_ends_what_it_has_signed(daemons, user, pki, virt, guests):
    https = make_https(daemons, user, pki, virt, ssh={"max_connections": "100"})
    guest, console = opened(https, guests)
    stream = streaming(https, guest, "host")
    with open(pki.path("other.pem"), encoding="ascii") as file:
        user.write(f"{https.folder}/other.pem", file.read())
    https.configure({"auth": {"vdsm_ca": f"{https.folder}/other.pem", "vdsm_crl": None}})
    https.reload()
    assert b"vmconsoled: " in stream.rest()
    assert status(https, "/vms") == "401"
    wait_until(lambda: status(https, "/vms", who="stranger") == "200", 20, "the other one's is in")
    ask(console)  # keys are not concerned


def test_a_listener_that_loses_https_keeps_who_is_there(daemons, user, pki, virt, guests):
    """What a reload may not change is said, and nothing ends."""
    https = make_https(daemons, user, pki, virt, ssh={"max_connections": "100"})
    guest, console = opened(https, guests)
    stream = streaming(https, guest, "host")
    https.configure({"https": {"listen": "127.0.0.1:1"}})
    https.reload()
    https.wait_log(r"listen.*restart|restart.*listen")
    stream.until(ask(console).encode())
    assert status(https, "/healthz") == "200"


def test_a_door_that_is_behind_gets_settings_and_keys_when_it_has_room(daemons, user, pki, virt):
    https = make_https(daemons, user, pki, virt, ssh={
        "max_unauthenticated": 1000, "max_unauthenticated_per_source": 1000,
        "max_unauthenticated_per_net": 1000, "early_drop": 1000, "max_per_source": 1000})
    before, (door,) = certificate_of(https), https.doors("https")
    pki.make("later", "ca", "/O=engine/CN=127.0.0.1", SERVER, kind="p256")
    crowd = []
    os.kill(door, signal.SIGSTOP)
    try:
        while "Resource temporarily unavailable" not in https.log():
            crowd.append(socket.create_connection(("127.0.0.1", https.port_tls), 20))
            assert len(crowd) < 1000
        put(https, "later.pem", "later.key")
        https.wait_log(r"key and certificate of \[https\] have been read again")
        https.configure({"https": {"upstream": "http://127.0.0.1:9"}})
        https.reload()
    finally:
        os.kill(door, signal.SIGCONT)
        for one in crowd:
            one.close()
    wait_until(lambda: certificate_of(https) != before, 20, "new connections get the new one")
    assert status(https, "/elsewhere") == "403"  # it knows of the upstream, and asks
    assert https.doors("https") == [door]


def test_a_key_that_others_may_read_refuses_the_start(daemons, user, pki, virt):
    daemon = make_https(daemons, user, pki, virt)
    daemon.stop()
    subprocess.run(["chmod", "644", f"{daemon.folder}/server.key"], check=True)
    daemon.launch()
    assert daemon.process.wait(20) == 1
    assert f"chmod 600 {daemon.folder}/server.key" in daemon.log_tail(10)
    daemon.ended = True
