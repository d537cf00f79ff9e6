"""Junk, silence and greed on the ssh port: bounded, and nobody else notices."""

import os
import random
import signal
import socket
import struct
import time

import pytest

from lib import clients
from lib.proc import SANITIZED, SLOW, wait_until
from lib.session import ask, leave, see, see_on_channel

BANNER = b"SSH-2.0-Tester_1.0\r\n"


@pytest.fixture
def strict(daemons):
    """A daemon that gives a client three seconds to log in, and takes crowds from one address."""
    return daemons({"ssh": {"login_grace": "3s", "max_unauthenticated": "400",
                            "max_unauthenticated_per_source": "400",
                            "max_unauthenticated_per_net": "400", "early_drop": "400",
                            "max_per_source": "900"}, "auth": {"penalty_refuse": "0"}})


@pytest.fixture
def bystander(strict, guest):
    """Somebody at work, who must not notice: asked before and after."""
    with strict.terminal(guest.name) as session:
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
    before = strict.usage()
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


@pytest.mark.parametrize("start", [
    b"", b"SSH-2.0-Tes", BANNER, BANNER + packet(kexinit()),
    BANNER + packet(kexinit()) + packet(b"\x1e" + struct.pack(">I", 32) + b"\1" * 32),
    BANNER + packet(kexinit())[:50]],
    ids=["silence", "half a banner", "banner", "kexinit", "kex, then silence", "half a packet"])
def test_half_handshake_ends_with_the_grace_time(strict, bystander, start):
    with strict.raw() as connection:
        begun = time.monotonic()
        send_quietly(connection, start)
        assert clients.closed_by_server(connection, 12)
        assert time.monotonic() - begun < 9 * SLOW


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


def test_300_silent_connections(strict, bystander, guest):
    before = strict.usage()
    silent = [strict.raw() for _ in range(300)]
    try:
        ask(bystander)
        with strict.terminal(guest.name, key=strict.keys.other) as other:
            other.expect(guest.name)  # there is still room for somebody real
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


def test_limit_of_channels_in_a_connection(daemons, guest):
    daemon = daemons({"ssh": {"max_channels": "4"}})
    client = clients.paramiko_connect(daemon, guest.name)
    channels = [client.get_transport().open_session() for _ in range(4)]
    with pytest.raises(Exception):
        client.get_transport().open_session(timeout=5)
    channels[0].exec_command("status")
    assert channels[0].recv_exit_status() == 0
    client.close()


@pytest.mark.timeout(240)
def test_clients_that_never_read_cost_little_and_hinder_nobody(daemons, guest):
    daemon = daemons()
    with daemon.pipes(guest.name) as writer:
        ask(writer)
        stuck = [daemon.pipes(guest.name, "attach", "--read-only", "--no-input")
                 for _ in range(12)]
        try:
            for session in stuck:
                see(session, writer)
                session.kill(signal.SIGSTOP)
            before = daemon.usage().memory
            writer.send(b"pat 49152\r")
            writer.expect_bytes(49152 * 64, 120)
            writer.expect("guest> ", 20)
            grown = daemon.usage().memory - before
            if not SANITIZED:
                assert grown < 12 * 400 + 2048, f"{grown} KiB"
            ask(writer)
        finally:
            for session in stuck:
                session.close()
        ask(writer)


def test_greedy_window_costs_no_memory(daemons, guest):
    """A client may open a window of 4 GiB and then read nothing: the window is no promise."""
    daemon = daemons()
    with daemon.pipes(guest.name) as writer:
        ask(writer)
        client = clients.paramiko_connect(daemon, guest.name)
        transport = client.get_transport()
        channel = transport.open_session(window_size=2 ** 31 - 1)
        channel.exec_command("attach --read-only --no-input")
        see_on_channel(channel, writer)
        # From here on nobody reads the socket any more, while the window stays open.
        transport.packetizer.read_message = lambda: time.sleep(3600)
        before = daemon.usage().memory
        writer.send(b"pat 49152\r")
        writer.expect_bytes(49152 * 64, 120)
        grown = daemon.usage().memory - before
        if not SANITIZED:
            assert grown < 3 * 1024, f"{grown} KiB"
        transport.sock.close()


def test_many_failed_logins_do_not_lock_others_out(strict, bystander, guest):
    for _ in range(15):
        result = strict.ssh(guest.name, "status", key=strict.keys.stranger)
        assert result.status == 255
    ask(bystander)


def test_thousand_channel_requests_are_no_burden(daemon, guest):
    client = clients.paramiko_connect(daemon, guest.name)
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
