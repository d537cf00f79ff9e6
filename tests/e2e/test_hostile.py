"""Junk, silence and greed on the ssh port: bounded, and nobody else notices."""

import os
import random
import socket
import struct
import time

import pytest

from lib import clients, pattern
from lib.proc import SANITIZED, SLOW, wait_until
from lib.session import ask, leave, see_on_channel

BANNER = b"SSH-2.0-Tester_1.0\r\n"


@pytest.fixture(scope="module")
def shared(module_guests):
    return module_guests("hostile")


@pytest.fixture(scope="module")
def strict(module_daemons):
    """A daemon that gives a client three seconds to log in, and takes crowds from one address."""
    return module_daemons({"ssh": {"login_grace": "3s", "max_unauthenticated": "400",
                                   "max_unauthenticated_per_source": "400",
                                   "max_unauthenticated_per_net": "400", "early_drop": "400",
                                   "max_per_source": "900"}, "auth": {"penalty_refuse": "0"}})


@pytest.fixture
def bystander(strict, shared):
    """Somebody at work, who must not notice: asked before and after."""
    with strict.terminal(shared.name) as session:
        ask(session)
        doors = strict.doors()
        yield session
        ask(session)
        assert strict.doors() == doors, "a door died"
        leave(session)


def packet(payload):
    """An unencrypted ssh packet (RFC 4253, section 6)."""
    padding = 8 - (5 + len(payload)) % 8 + 8
    return struct.pack(">IB", 1 + len(payload) + padding, padding) + payload + b"\0" * padding


def kexinit():
    lists = [b"curve25519-sha256", b"ssh-ed25519", b"aes128-ctr", b"aes128-ctr", b"hmac-sha2-256",
             b"hmac-sha2-256", b"none", b"none", b"", b""]
    return b"\x14" + os.urandom(16) + b"".join(
        struct.pack(">I", len(item)) + item for item in lists) + b"\0" * 5


def send_quietly(connection, data):
    try:
        connection.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        pass


def test_random_bytes_close_the_connection_and_nothing_else(strict, bystander):
    chance = random.Random(7)
    before = strict.settled()
    for _ in range(80):
        with strict.raw() as connection:
            if chance.random() < 0.5:
                send_quietly(connection, BANNER)
            send_quietly(connection, chance.randbytes(chance.randrange(1, 6000)))
            if chance.random() < 0.5:
                connection.settimeout(0.05)
                try:
                    connection.recv(4096)
                except OSError:
                    pass
    strict.falls_back_to(before)
    if not SANITIZED:
        assert strict.usage().memory - before.memory < 2048


def test_half_handshakes_end_with_the_grace_time(strict, bystander):
    """Silence, half a banner, a banner, key exchange begun, done, and half a packet."""
    kex = BANNER + packet(kexinit())
    starts = [b"", BANNER[:11], BANNER, kex,
              kex + packet(b"\x1e" + struct.pack(">I", 32) + b"\1" * 32), kex[:70]]
    begun = time.monotonic()
    connections = [strict.raw() for _ in starts]
    try:
        for connection, start in zip(connections, starts):
            send_quietly(connection, start)
        for connection, start in zip(connections, starts):
            assert clients.closed_by_server(connection, 12), start
        assert time.monotonic() - begun < 9 * SLOW
    finally:
        for connection in connections:
            connection.close()


@pytest.mark.parametrize("junk", [
    BANNER + b"\xff\xff\xff\xff" + b"A" * 64,
    BANNER + struct.pack(">IB", 1 << 20, 4) + b"A" * 100000,
    BANNER + b"\0\0\0\0\0\0\0\0",
    b"SSH-1.5-ancient\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"x" * 300000,
    BANNER + packet(b"\x15"),
    BANNER + packet(b"\x14" + b"\xff" * 60),
    BANNER + packet(kexinit()) + packet(b"\x1e" + struct.pack(">I", 32) + b"\0" * 32)],
    ids=["4 GiB packet", "1 MiB packet", "empty packet", "ssh 1", "http", "endless banner",
         "newkeys first", "kexinit of nonsense", "zero point"])
def test_broken_protocol_is_ended(strict, bystander, junk):
    with strict.raw() as connection:
        send_quietly(connection, junk)
        assert clients.closed_by_server(connection, 12)


def test_slow_loris_does_not_outlive_the_grace_time(strict, bystander):
    with strict.raw() as connection:
        begun = time.monotonic()
        connection.settimeout(0.01)
        for byte in BANNER + packet(kexinit()) * 20:
            try:
                connection.sendall(bytes([byte]))
                if not connection.recv(4096):
                    break
            except (ConnectionResetError, BrokenPipeError):
                break
            except socket.timeout:
                pass
            time.sleep(0.1)
        assert time.monotonic() - begun < 9 * SLOW


def test_300_silent_connections(strict, bystander, shared):
    before = strict.settled()
    silent = [strict.raw() for _ in range(300)]
    try:
        ask(bystander)
        with strict.terminal(shared.name, key=strict.keys.other) as other:
            other.expect(shared.name)  # there is still room for somebody real
        if not SANITIZED:
            grown = strict.usage().memory - before.memory
            assert grown < 300 * 100, f"{grown} KiB for 300 silent connections"
        for connection in silent:
            assert clients.closed_by_server(connection, 15)
    finally:
        for connection in silent:
            connection.close()
    strict.falls_back_to(before)


def test_limit_of_unauthenticated_connections(daemons, guest):
    daemon = daemons({"ssh": {"max_unauthenticated": "20"}})
    with daemon.terminal(guest.name) as session:
        ask(session)
        crowd = []
        try:
            for _ in range(60):
                crowd.append(daemon.raw())
            assert daemon.usage().fds < 250
            refused = 0
            for connection in crowd:
                connection.settimeout(1)
                try:
                    refused += not connection.recv(255).startswith(b"SSH-")
                except ConnectionResetError:
                    refused += 1
                except socket.timeout:
                    pass
            assert refused >= 35, f"{refused} of 60 were refused"
            ask(session)
        finally:
            for connection in crowd:
                connection.close()
        wait_until(daemon.banner, 10, "room again")
        ask(session)


def test_limit_per_source(daemons, guest):
    daemon = daemons({"ssh": {"max_per_source": "5"}})
    sessions = [daemon.terminal(guest.name) for _ in range(5)]
    try:
        for session in sessions:
            session.expect(guest.name)
        assert daemon.ssh(guest.name, "status").status == 255
        leave(sessions.pop())
        wait_until(lambda: daemon.ssh(guest.name, "status").status == 0, 10, "room for one again")
    finally:
        for session in sessions:
            session.close()


def test_limit_of_channels_in_a_connection(daemons, shared):
    daemon = daemons({"ssh": {"max_channels": "4"}})
    client = clients.paramiko_connect(daemon, shared.name)
    channels = [client.get_transport().open_session() for _ in range(4)]
    with pytest.raises(Exception):
        client.get_transport().open_session(timeout=5)
    channels[0].exec_command("status")
    assert channels[0].recv_exit_status() == 0
    client.close()


def greedy(daemon, guest, writer):
    """A client that opens a window of 2 GiB and then reads its socket no more: its socket takes
    little, and the window is no promise. Returns its socket."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    connection.connect((clients.HOST, daemon.port))
    client = clients.paramiko_connect(daemon, guest.name, sock=connection)
    transport = client.get_transport()
    channel = transport.open_session(window_size=2 ** 31 - 1)
    channel.exec_command("attach --read-only --no-input")
    see_on_channel(channel, writer)
    transport.packetizer.read_message = lambda: time.sleep(3600)
    return connection


def test_clients_that_never_read_cost_little_and_hinder_nobody(daemons, guest):
    daemon = daemons({"console": {"history_memory": "64K"}})
    flood = pattern.lines(0, 16384)
    with daemon.pipes(guest.name) as writer:
        ask(writer)
        stuck = [greedy(daemon, guest, writer) for _ in range(12)]
        before = daemon.settled().memory
        writer.send(b"pat 16384\r")
        pattern.assert_same(writer.expect_bytes(len(flood), 120), flood)
        writer.expect("guest> ", 20)
        grown = daemon.usage().memory - before
        if not SANITIZED:  # 12 MiB, were it kept for each of them
            assert grown < 12 * 200 + 1024, f"{grown} KiB"
        ask(writer)
        for connection in stuck:
            connection.close()
        ask(writer)


def test_many_failed_logins_do_not_lock_others_out(strict, bystander, shared):
    for _ in range(15):
        result = strict.ssh(shared.name, "status", key=strict.keys.stranger)
        assert result.status == 255
    ask(bystander)


def test_thousand_channel_requests_are_no_burden(daemon, shared):
    client = clients.paramiko_connect(daemon, shared.name)
    transport = client.get_transport()
    before = daemon.usage()
    for _ in range(100):
        channel = transport.open_session()
        channel.exec_command("status")
        assert channel.recv_exit_status() == 0
        channel.close()
    for _ in range(300):
        transport.global_request("nonsense@example.com", wait=False)
    channel = transport.open_session()
    channel.exec_command("status")
    assert channel.recv_exit_status() == 0
    client.close()
    daemon.falls_back_to(before)
