"""Clients that ask for more than anybody needs, take nothing of it, or are gone before the answer."""

import socket
import threading
import time

import pytest

from lib import clients
from lib import local_caller as local
from lib.proc import SLOW, wait_until
from lib.session import ask
from test_hostile import BANNER, kexinit, packet

WATCHING = {"access all": {"who": "key:*", "vms": "*", "allow": "view"}}
NOBODY = {"access nobody": {"who": "user:nobody", "vms": "*", "allow": "view"}}


@pytest.fixture
def watching(daemons):
    """A daemon on which keys may only watch."""
    return daemons(WATCHING)


class Sender:
    """An ssh client on a pty that sends the same words without an end."""

    def __init__(self, daemon, login, words):
        self.client = clients.paramiko_connect(daemon, login)
        self.channel = self.client.get_transport().open_session(window_size=1 << 30)
        self.channel.get_pty(width=80, height=24)
        self.channel.invoke_shell()
        self.channel.settimeout(20 * SLOW)
        assert self.channel.recv(1), "the session has not begun"
        self.ends, self.words = threading.Event(), words
        self.threads = [threading.Thread(target=work, daemon=True)
                        for work in (self.send, self.read)]

    def send(self):
        try:
            while not self.ends.is_set():
                self.channel.send(self.words)
        except OSError:
            pass

    def read(self):
        try:
            while self.channel.recv(65536):
                pass
        except OSError:
            pass

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.client.close()
        for thread in self.threads:
            thread.join(20 * SLOW)


def is_served(daemon, times=5):
    """Others get their answers while it goes on."""
    for _ in range(times):
        begun = time.monotonic()
        assert daemon.ctl("help", seconds=120).status == 0
        assert time.monotonic() - begun < 5 * SLOW


def test_menu_asked_for_its_list_without_an_end_holds_up_nobody(watching, guests):
    for _ in range(4):
        guests(start=False)
    with Sender(watching, "vmconsole", b"\r" * 16000):
        is_served(watching)


@pytest.mark.parametrize("command", [b"w", b"r", b"i"], ids=["who", "replay", "status"])
def test_escape_commands_without_an_end_hold_up_nobody(watching, guest, command):
    with Sender(watching, guest.name, (b"\x1d" + command) * 8000):
        is_served(watching)


def test_commands_and_what_follows_them_are_done_in_order(daemons, guest):
    daemon = daemons()
    with daemon.terminal(guest.name) as session:
        ask(session)
        session.send(b"\x1di\x1d?\x1di" + b"say in-order\r")
        for text in ("history from offset", "take the keyboard", "history from offset", r"in-order\r\n"):
            session.expect(text)
        ask(session)


def test_menu_takes_lines_that_were_sent_together(watching, guests):
    guest = guests(start=False)
    with watching.terminal("vmconsole") as session:
        session.expect("q to leave")
        session.send(b"\r\rno-such-vm\r" + guest.name.encode() + b"\r")
        session.expect("no VM no-such-vm")
        session.expect(f"VM {guest.name} is off")


@pytest.mark.parametrize("begin", [BANNER + packet(kexinit())], ids=["nobody logged in"])
def test_client_that_takes_no_answers_is_not_listened_to(daemons, begin):
    daemon = daemons()
    with daemon.raw() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(begin)
        connection.settimeout(3 * SLOW)
        # Each is answered by "not implemented"; 48 MB of them would be 32 MB of answers.
        with pytest.raises(socket.timeout):
            for _ in range(500):
                connection.sendall(packet(b"\xc0x") * 4000)
        assert daemon.banner()


def test_who_is_turned_away_and_goes_on_sending_holds_up_nobody(daemons):
    daemon = daemons({"ssh": {"max_connections": "1"}})
    stop = threading.Event()

    def flood():
        while not stop.is_set():
            try:
                with daemon.raw() as connection:
                    while not stop.is_set():
                        connection.sendall(b"x" * (1 << 20))
            except OSError:
                pass

    with daemon.raw():
        threads = [threading.Thread(target=flood, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            is_served(daemon)
        finally:
            stop.set()
            for thread in threads:
                thread.join(20 * SLOW)


# Gone before the answer


@pytest.mark.parametrize("words", [
    [("offset", "\x1dr")], [("offset", "\x1di")], [("offset", "\x1dw")], [("offset", "x\x1d.")],
    [("offset", "\x1d?\x1dr\x1dw\x1di")]], ids=["replay", "status", "who", "leave", "all of them"])
def test_session_that_has_gone_before_its_command_harms_nobody(daemons, guest, words):
    daemon = daemons(NOBODY)
    for _ in range(5):
        assert local.call(daemon, local.auth("PEER", login=guest.name),
                          local.leave("attach", *words)) == ["accepted", "left"]
    wait_until(lambda: b"viewers   0" in daemon.ctl("status", guest.name).out, 10, "all have left")


def test_who_has_gone_before_the_console_he_chose_leaves_no_session(daemons, guest):
    daemon = daemons(NOBODY)
    assert local.call(daemon, local.auth("PEER"), local.leave(
        "", ("q to leave", guest.name), (guest.name, "\r"))) == ["accepted", "left"]
    daemon.knows(guest)
    with daemon.terminal(guest.name) as session:
        ask(session)  # what the guest prints wakes all viewers
        assert b"viewers   1" in daemon.ctl("status", guest.name).out


@pytest.mark.parametrize("command", [
    "send --enter x", "send --json --enter x", "send --enter --pace 4 xxxxxxxx", "send " + "x" * 5000,
    "send --enter " + "x" * 5000, "send --enter --wait guest", "wait --quiet 1",
    "wait --json --quiet 1", "run --timeout 2 true"],
    ids=["answer", "json", "progress", "long", "line", "found", "wait", "wait json", "run"])
def test_verb_whose_client_takes_no_word_harms_nobody(daemons, guest, command):
    daemon = daemons({"access nobody": {"who": "user:nobody", "vms": "*",
                                        "allow": "view, type, log"}})
    assert local.call(daemon, local.auth("PEER", login=guest.name),
                      local.deaf(command)) == ["accepted", "ended"]
    wait_until(lambda: b"viewers   0" in daemon.ctl("status", guest.name).out, 10, "all have left")
