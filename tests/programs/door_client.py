#!/usr/bin/python3
"""Clients for test_door that no stock program is: each subcommand prints what it saw.

door_client.py PORT COMMAND
"""

import asyncio
import os
import socket
import struct
import sys
import threading
import time
import warnings

warnings.filterwarnings("ignore")
import asyncssh  # noqa: E402
import paramiko  # noqa: E402
from paramiko.common import cMSG_CHANNEL_DATA, cMSG_SERVICE_REQUEST, cMSG_USERAUTH_REQUEST  # noqa: E402
from paramiko.message import Message  # noqa: E402

PORT = int(sys.argv[1])
KRB5 = b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"


def transport():
    t = paramiko.Transport(("127.0.0.1", PORT))
    t.start_client(timeout=10)
    return t


def logged_in():
    t = transport()
    t.auth_password("vm", "sesame")
    return t


def interactive():
    t = transport()
    asked = []

    def answer(title, instructions, prompts):
        asked.extend(prompts)
        return ["sesame"] * len(prompts)

    t.auth_interactive("vm", answer)
    print(asked, t.is_authenticated())
    t.close()


def interactive_wrong():
    t = transport()
    try:
        t.auth_interactive("vm", lambda *a: ["wrong"])
        print("in")
    except paramiko.AuthenticationException:
        print("refused")
    t.close()


def count_refusals(attempt):
    """How often the attempt is refused until the connection is ended."""
    t, refused = transport(), 0
    try:
        while refused < 1000:
            try:
                attempt(t)
            except paramiko.AuthenticationException:
                if not t.is_active():
                    break
                refused += 1
    except (paramiko.SSHException, EOFError):
        pass
    t.close()
    print(refused, "refused, then ended")


def offers():
    key = paramiko.Ed25519Key.from_private_key_file("wrong1")
    count_refusals(lambda t: t.auth_publickey("vm", key))


def guesses():
    count_refusals(lambda t: t.auth_password("vm", "wrong", fallback=False))


def gssapi():
    """Kerberos is not offered; a client may try it all the same."""
    t = transport()
    m = Message()
    m.add_byte(cMSG_SERVICE_REQUEST)
    m.add_string("ssh-userauth")
    t._send_message(m)
    m = Message()
    m.add_byte(cMSG_USERAUTH_REQUEST)
    for text in ("vm", "ssh-connection", "gssapi-with-mic"):
        m.add_string(text)
    m.add_int(1)
    m.add_string(KRB5)
    t._send_message(m)
    time.sleep(0.5)
    t.close()
    print("sent")


def overflow():
    """Ignores the window: more than a client can have under way."""
    t = logged_in()
    c = t.open_session()
    c.exec_command("silent")
    try:
        for _ in range(400):
            m = Message()
            m.add_byte(cMSG_CHANNEL_DATA)
            m.add_int(c.remote_chanid)
            m.add_string(b"z" * 30000)
            t._send_user_message(m)
    except (EOFError, OSError):
        pass
    deadline = time.time() + 20
    while t.is_active() and time.time() < deadline:
        time.sleep(0.05)
    print("cut off" if not t.is_active() else "still there")


def stall():
    """A huge window and nobody who reads; holds until stdin ends."""
    size = 2**31 - 1
    t = paramiko.Transport(("127.0.0.1", PORT), default_window_size=size)
    t.start_client(timeout=10)
    t.auth_password("vm", "sesame")
    c = t.open_session(window_size=size)
    c.exec_command("flood 1000000000")
    t.packetizer.read_message = lambda *a: time.sleep(3600)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0))).start()
    print("stalled", flush=True)


def requests():
    t = logged_in()
    c = t.open_session()
    c.get_pty("vt100", 81, 25)
    c.exec_command("cat")
    for again in (lambda: c.exec_command("request"), c.invoke_shell, lambda: c.invoke_subsystem("sftp")):
        try:
            again()
            print("accepted")
        except paramiko.SSHException:
            print("refused")
            break
    t.close()
    t = logged_in()
    try:
        t.open_session().invoke_subsystem("sftp")
        print("accepted")
    except paramiko.SSHException:
        print("refused")
    for kind in ("direct-tcpip", "forwarded-tcpip", "x11"):
        try:
            t.open_channel(kind, ("127.0.0.1", 22), ("127.0.0.1", 1))
            print("opened")
        except paramiko.ChannelException as error:
            print(kind, error.code)
    try:
        t.request_port_forward("127.0.0.1", 0)
        print("forwarded")
    except paramiko.SSHException:
        print("refused")
    c = t.open_session()
    c.exec_command("exit 3")
    print(c.recv_exit_status())
    t.close()


def terminal():
    """Size, later sizes and signals arrive; the terminal's own size comes with the request."""

    async def run():
        async with asyncssh.connect(
            "127.0.0.1", PORT, username="vm", password="sesame", client_keys=None, known_hosts=None, config=None
        ) as c:
            p = await c.create_process("request", term_type="vt220", term_size=(90, 30))
            print((await p.stdout.readline()).strip())
            p = await c.create_process("cat", term_type="vt220", term_size=(90, 30))
            p.change_terminal_size(100, 40)
            print((await p.stdout.readline()).strip())
            p.send_signal("INT")
            print((await p.stdout.readline()).strip())
            p.close()

    asyncio.run(run())


def closed_within():
    """Says nothing; prints how the server ends it."""
    s = socket.create_connection(("127.0.0.1", PORT))
    s.settimeout(10)
    start = time.time()
    try:
        while s.recv(4096):
            pass
        print("closed" if time.time() - start < 5 else "late")
    except OSError:
        print("closed" if time.time() - start < 5 else "late")


def junk():
    """Random bytes, half handshakes and resets at every stage."""
    for n in range(200):
        s = socket.create_connection(("127.0.0.1", PORT))
        try:
            if n % 3:
                s.sendall(b"SSH-2.0-junk\r\n")
            if n % 3 == 1:
                s.sendall(struct.pack(">IB", 44, 4) + b"\x14" + os.urandom(60))
            s.sendall(os.urandom((1, 100, 5000, 70000)[n % 4]))
            if n % 2:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        s.close()
    print("done")


def many():
    """How many session channels one connection may have."""
    t = logged_in()
    opened = []
    try:
        for _ in range(40):
            opened.append(t.open_session())
    except paramiko.ChannelException as error:
        print(len(opened), error.code)
    t.close()


globals()[sys.argv[2]]()
