"""ssh and https on one port: the first byte decides, and no byte is lost."""

import contextlib
import json
import os
import re
import socket
import ssl
import subprocess
import time

import pytest

from lib import proc
from lib.daemon import free_port
from lib.https import Raw, client_context, curl, make_https, status
from lib.proc import SLOW, wait_until
from lib.session import ask

SNIFF_SECONDS = 0.5


def make_one(daemons, user, pki, virt, **more):
    """A daemon with ssh and https on one.port_both too."""
    port = free_port()
    listen = {"address": f"127.0.0.1:{port}", "protocols": "ssh, https",
              "sniff_timeout": f"{int(SNIFF_SECONDS * 1000)}ms"}
    daemon = make_https(daemons, user, pki, virt, **{"listen both": listen, **more})
    daemon.port_both = port
    return daemon


@pytest.fixture(scope="module")
def one(module_daemons, user, pki, virt):
    return make_one(module_daemons, user, pki, virt)


def connect(port):
    plain = socket.create_connection(("127.0.0.1", port), 20)
    plain.settimeout(20 * SLOW)
    return plain


def everything(plain):
    got = b""
    while True:
        data = plain.recv(4096)
        if not data:
            return got
        got += data


def test_both_protocols_are_served_on_the_port(one):
    assert one.ssh("vmconsole", "list", port=one.port_both).status == 0
    assert status(one, "/healthz", port=one.port_both) == "200"
    assert Raw(one, port=one.port_both).send(
        b"GET /vms HTTP/1.0\r\n\r\n").until(rb"\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_a_client_that_says_nothing_gets_the_banner_of_ssh(one):
    begun = time.monotonic()
    with connect(one.port_both) as plain:
        assert plain.recv(8) == b"SSH-2.0-"
        assert time.monotonic() - begun > SNIFF_SECONDS * 0.9


def test_a_client_of_ssh_that_speaks_does_not_wait(one):
    """More time to say nothing than the whole test has."""
    with connect(one.port_both) as plain:
        plain.sendall(b"S")
        assert plain.recv(8) == b"SSH-2.0-"
        plain.sendall(b"SH-2.0-test\r\n")
        got = b""
        while b"curve25519-sha256" not in got:
            data = plain.recv(4096)
            assert data, got
            got += data


def test_a_handshake_that_comes_byte_by_byte_is_whole(one, pki):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context(pki, None).wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with connect(one.port_both) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                for byte in outgoing.read():
                    plain.sendall(bytes([byte]))
                incoming.write(plain.recv(4096))
        assert client.version() == "TLSv1.3"


@pytest.mark.parametrize("port", ["port_both", "port_tls"])
def test_plain_http_is_told_to_use_tls(one, port):
    with connect(getattr(one, port)) as plain:
        plain.sendall(b"GET /vms HTTP/1.1\r\nHost: h\r\n\r\n")
        answer = everything(plain)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n"), answer
    assert answer.endswith(b"\r\n\r\nthis port speaks TLS: ask it with https://\n"), answer


def test_junk_is_for_the_ssh_door(one):
    with connect(one.port_both) as plain:
        plain.sendall(b"\0\1\2\3")
        assert plain.recv(8) == b"SSH-2.0-"


def test_who_says_nothing_takes_a_place_as_any_other(daemons, user, pki, virt):
    daemon = make_one(daemons, user, pki, virt,
                      ssh={"max_unauthenticated_per_source": "3"},
                      **{"listen both": {"address": f"127.0.0.1:{free_port()}",
                                         "sniff_timeout": "30s"}})
    port = int(daemon.config["listen both"]["address"].rpartition(":")[2])
    before = daemon.settled()
    silent = [connect(port) for _ in range(3)]
    wait_until(lambda: daemon.usage().fds >= before.fds + 3, 10, "all three are there")
    with connect(port) as more:
        assert more.recv(1) == b""
    daemon.wait_log("max_unauthenticated_per_source is reached")
    for plain in silent:
        plain.close()
    daemon.falls_back_to(before)
    assert daemon.ssh("vmconsole", "list", port=port).status == 0
    with connect(port):
        daemon.stop()  # in time, though somebody has not said what he wants


def test_a_dead_https_door_holds_up_its_own_clients_only(one):
    (door,) = one.doors("https")
    subprocess.run(["kill", "-9", str(door)], check=True)
    assert status(one, "/healthz", port=one.port_both) == "200"
    assert one.ssh("vmconsole", "list", port=one.port_both).status == 0
    assert one.doors("https") not in ([], [door])


def test_a_port_with_ssh_is_instead_of_the_default_one(daemons, user, pki, virt):
    port = free_port()
    daemon = make_https(daemons, user, pki, virt)
    daemon.stop()
    daemon.configure({"ssh": {"listen": None},
                      "listen all": {"address": f"127.0.0.1:{port}", "sniff_timeout": "200ms"}})
    daemon.port = port
    daemon.start()
    assert "listening for ssh and https on 127.0.0.1" in daemon.log()
    assert ":2222" not in daemon.log()
    assert status(daemon, "/healthz", port=port) == "200"


def activated(daemon, listening, name):
    """Starts the daemon as systemd does, with one socket of this name."""
    number = listening.fileno()
    script = f'LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES={name} exec "$0" "$@"'
    daemon.process = subprocess.Popen(
        daemon.user.argv(["sh", "-c", script, daemon.programs.vmconsoled, "--config", daemon.file],
                         die_with_us=True),
        env=daemon.virt.env, cwd=daemon.dir, stdin=subprocess.DEVNULL,
        stdout=open(daemon.log_file, "ab"), stderr=subprocess.STDOUT, pass_fds=[3],
        preexec_fn=lambda: os.dup2(number, 3))
    daemon.ended = False


@pytest.fixture
def listening():
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def test_a_socket_of_systemd_for_ssh_leaves_https_its_address(
        daemons, user, pki, virt, listening):
    daemon = make_https(daemons, user, pki, virt)
    daemon.stop()
    activated(daemon, listening, "ssh")
    daemon.port = listening.getsockname()[1]
    wait_until(daemon.banner, 20, "ssh answers on the socket that was passed")
    wait_until(lambda: status(daemon, "/healthz") == "200", 20, "https on its address")


def test_a_socket_of_systemd_that_nobody_takes_refuses_the_start(
        daemons, user, pki, virt, listening):
    daemon = make_https(daemons, user, pki, virt)
    daemon.stop()
    activated(daemon, listening, "vmconsoled.socket")
    assert daemon.process.wait(20 * proc.SLOW) == 1
    daemon.ended = True
    assert 'a socket named "vmconsoled.socket"' in daemon.log_tail(10)


def test_openssl_and_old_http_are_served(one):
    done = subprocess.run(
        ["openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{one.port_both}",
         "-CAfile", one.pki.path("ca.pem")], input=b"GET /healthz HTTP/1.0\r\n\r\n",
        capture_output=True, timeout=20 * SLOW)
    assert done.stdout.startswith(b"HTTP/1.1 200 OK\r\n") and done.stdout.endswith(b"ok\n"), done
    assert curl(one, "/healthz", "--http1.0", port=one.port_both).stdout == b"ok\n\n200"


# a reload that wants other protocols

def reload_ports(daemon, protocols):
    since = len(daemon.log())
    daemon.configure({"listen both": {"protocols": protocols}})
    daemon.reload()
    daemon.wait_log(r"the \[listen\] sections have changed: takes effect on restart", since=since)
    daemon.wait_log("configuration reloaded", since=since)


def serves(daemon):
    """What the port speaks."""
    found = set()
    with connect(daemon.port_both) as plain:
        plain.sendall(b"SSH-2.0-test\r\n")
        with contextlib.suppress(OSError):
            if plain.recv(8) == b"SSH-2.0-":
                found.add("ssh")
    if status(daemon, "/healthz", port=daemon.port_both) == "200":
        found.add("https")
    with connect(daemon.port_both) as plain:
        plain.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        with contextlib.suppress(OSError):
            if everything(plain).startswith(b"HTTP/1.1 200 "):
                found.add("http")
    return found


def test_other_protocols_of_a_port_wait_for_a_restart_and_end_nobody(
        daemons, user, pki, virt, guests):
    daemon, guest = make_one(daemons, user, pki, virt), guests()
    daemon.knows(guest)
    with daemon.terminal(guest.name, port=daemon.port_both) as person:
        ask(person)
        stream = Raw(daemon, port=daemon.port_both).send(
            f"GET /consoleStream/{guest.name} HTTP/1.0\r\n\r\n".encode())
        stream.until(rb"\r\n\r\n")
        for number, protocols in enumerate(("ssh", "https", "http")):
            reload_ports(daemon, protocols)
            assert serves(daemon) == {"ssh", "https"}, protocols
            person.line(f"say still-{number}")
            stream.until(rb"still-%d\r\nguest> " % number)
    for protocols in ("http", "https", "ssh", "ssh, https"):
        daemon.stop()
        daemon.configure({"listen both": {"protocols": protocols}})
        daemon.start()
        assert serves(daemon) == set(protocols.split(", ")), protocols


# sessions by ssh and by https of one console at once

def sessions_by(one, guest):
    """The list as either way has it. Addresses are for administrators, as the key is not."""
    by_ssh = one.ssh(guest.name, "who", "--json", port=one.port_both).out
    by_https = curl(one, f"/vm/{guest.name}/who", "-H", "Accept: application/json",
                    port=one.port_both).stdout.rpartition(b"\n")[0]
    return [[{key: value for key, value in row.items() if key != "address"}
             for row in json.loads(text)] for text in (by_ssh, by_https)]


def wait_for_sessions(one, guest, wanted):
    """Until both lists have these kinds of identity and modes, and are the same."""
    def found():
        by_ssh, by_https = sessions_by(one, guest)
        have = sorted((row["identity"].partition(":")[0], row["mode"]) for row in by_ssh)
        return have == sorted(wanted) and by_ssh == by_https
    wait_until(found, 20, f"both lists have {wanted}")


def test_list_rights_keyboard_and_audit_are_the_same_by_ssh_and_https(one, guests):
    guest = guests()
    with one.terminal(guest.name, port=one.port_both) as person:
        ask(person)
        stream = Raw(one, port=one.port_both).send(
            f"GET /consoleStream/{guest.name}?notices=yes HTTP/1.0\r\n\r\n".encode())
        stream.until(rb"\r\n\r\n")
        wait_for_sessions(one, guest, [("key", "writes"), ("cert", "watches")])

        # What one types, the other sees; and the keyboard is one.
        person.line("say by-ssh")
        stream.until(rb"by-ssh\r\nguest> ")
        refused = curl(one, f"/consoleStream/{guest.name}", "--data-binary", "x", port=one.port_both)
        assert re.fullmatch(rb"the keyboard is with key:SHA256:.*\n\n409", refused.stdout), refused
        talk = Raw(one, port=one.port_both).send(
            f"POST /consoleStream/{guest.name}?force=yes HTTP/1.0\r\n\r\nsay by-https\r".encode())
        talk.until(rb"by-https\r\nguest> ")
        person.expect(r"the keyboard was taken by cert:CN=host1.example")
        wait_for_sessions(one, guest, [("key", "waits"), ("cert", "watches"), ("cert", "writes")])
        assert one.ssh(guest.name, "send", "x", port=one.port_both).status == 75

        # A reload takes from each what it had: of the one the right to type, of the other all.
        try:
            one.configure({"access hosts": {"allow": "view"}, "access all": {"allow": "log"}})
            one.reload()
            assert person.wait(20) == 77, person.seen
            one.configure({"access all": {"allow": "view"}})
            one.reload()
            wait_for_sessions(one, guest, [("cert", "watches"), ("cert", "watches")])
            one.configure({"access hosts": {"allow": "log"}})
            one.reload()
            assert b"vmconsoled: the right to view VM" in stream.rest()
            talk.rest()
        finally:
            rights = "view, type, force, control, log"
            one.configure({"access hosts": {"allow": f"{rights}, admin"},
                           "access all": {"allow": rights}})
            one.reload()
    def ended():
        return [record for record in one.audit(event="session-end", vm=guest.name)
                if record["status"] == 77]
    wait_until(lambda: len(ended()) == 3, 20, f"three ends in {one.audit(vm=guest.name)}")
    assert sorted(record["identity"].partition(":")[0] for record in ended()) == [
        "cert", "cert", "key"]
    assert all(record["vm_uuid"] == guest.uuid and record["source"] == "127.0.0.1"
               for record in ended())
