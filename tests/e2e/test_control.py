"""break, sysrq and nmi: by verb, by escape key, and by ssh's own break."""

import asyncio
import re
import subprocess

import pytest

from lib import clients
from lib.proc import wait_until
from lib.session import (BUSY, DENIED, DONE, ESCAPE, UNAVAILABLE, USAGE, ask, leave,
                         one_line_reason, printed)
from lib.term import Terminal

BREAK = printed("<BREAK>")


@pytest.fixture(scope="module")
def daemon(module_daemons, virt):
    return module_daemons({"console": {"unix_dirs": f"{virt.dir}/files"}})


@pytest.fixture(scope="module")
def shared(module_guests):
    return module_guests("control")


def watching(daemon, guest):
    return daemon.pipes(guest.name, "attach", "--read-only", "--no-input")


def both(session):
    """The guest's answer and the daemon's, in whichever order, or one in the middle of the other."""
    told = rb"\r\n\[vmconsoled: sent\]\r\n"

    def both_are_there():
        session.read_some(0.1)
        return re.search(told, session.seen) and b"<BREAK>" in re.sub(told, b"", session.seen)

    wait_until(both_are_there, 30, "both answers")


# Verbs


@pytest.mark.parametrize("kind", ["pty", "unix"])
def test_break_reaches_the_guest(daemon, guests, kind):
    guest = guests(serials=(kind,))
    with daemon.terminal(guest.name) as session:
        ask(session)
        result = daemon.ssh(guest.name, "break")
        assert result.status == DONE and result.out == b"", result
        session.expect(BREAK)
        ask(session)


def test_break_without_anybody_watching(daemon, guest):
    assert daemon.ssh(guest.name, "break").status == DONE
    with daemon.terminal(guest.name) as session:
        session.line("stat")
        session.expect(r"stat [^\n]* brk=1\r\n", 20)


def test_sysrq_is_a_break_and_the_key_behind_it(daemon, guest):
    with watching(daemon, guest) as session:
        result = daemon.ssh(guest.name, "sysrq", "h")
        assert result.status == DONE, result
        # The guest takes the key as a command's first byte: the next line begins with it.
        session.expect(BREAK)
        with daemon.pipes(guest.name) as typist:
            typist.send(b"elp-me\r")
            session.expect(r"unknown[^\n]*help-me|help-me", 10)


def test_sysrq_after_a_break_takes_that_back(daemon, guest):
    """Linux takes a second break as the end of the first, and types the key that follows."""
    def breaks_after(*verbs):
        for verb in verbs:
            assert daemon.ssh(guest.name, *verb).status == DONE
        with daemon.pipes(guest.name) as typist:
            typist.send(b"\rstat\r")
            return int(typist.expect(r"stat [^\n]* brk=(\d+)\r\n", 20).group(1))

    assert breaks_after(["break"], ["sysrq", "y"]) == 3
    assert breaks_after(["sysrq", "y"], ["sysrq", "y"]) == 5
    assert breaks_after(["break"], ["break"], ["sysrq", "y"]) == 8


def test_what_others_type_during_a_sysrq_is_held_back_and_not_lost(daemon, guest):
    with daemon.pipes(guest.name) as typist:
        ask(typist)
        begin = len(typist.seen)
        with subprocess.Popen(clients.ssh_argv(daemon, guest.name, "sysrq", "z"),
                              stderr=subprocess.PIPE) as call:
            for _ in range(200):
                typist.send(b"y" * 50 + b"\r")
            assert call.wait(30) == DONE, call.stderr.read()
        typist.send(b"\rsay the end\r")
        typist.expect("the end\r\n", 60)
        seen = typist.seen[begin:]
        assert seen.count(b"<BREAK>") == 1
        assert seen.count(b"y") == 200 * 50 and seen.count(b"z") == 1, seen[-3000:]


@pytest.mark.parametrize("key", [["hh"], [""], ["%20"], []])
def test_bad_sysrq_key_is_refused(daemon, shared, key):
    result = daemon.ssh(shared.name, "sysrq", *[f"'{k}'" if k != "%20" else "' '" for k in key])
    assert result.status == USAGE, result
    one_line_reason(result.errors, "one printable character")


def test_nmi_reaches_the_guest(daemon, guest):
    with watching(daemon, guest) as session:
        with daemon.pipes(guest.name) as typist:
            ask(typist)
        assert daemon.ssh(guest.name, "nmi").status == DONE
        session.expect("CPU exception", 10)


def test_vm_that_is_off_is_told(daemon, guests):
    guest = guests(start=False)
    for verb in (["break"], ["sysrq", "h"], ["nmi"]):
        result = daemon.ssh(guest.name, *verb)
        assert result.status == UNAVAILABLE, result
        one_line_reason(result.errors, "off")


def test_right_to_control_is_needed(daemons, guest):
    daemon = daemons({"access all": {"allow": "view, type, force, log"}})
    for verb in (["break"], ["sysrq", "h"], ["nmi"]):
        result = daemon.ssh(guest.name, *verb)
        assert result.status == DENIED, result
        one_line_reason(result.errors, "permission denied: control")
    with daemon.terminal(guest.name) as session:
        ask(session)
        session.send(ESCAPE + b"b")
        session.expect("permission denied: control")
        session.send(ESCAPE + b"sh")
        session.expect("permission denied: control")
        session.line("stat")
        session.expect(r"stat [^\n]* brk=0\r\n")
        leave(session)


def test_sysrq_says_when_the_console_cannot_be_had(daemon, guest, virt):
    with virt.virsh_console(guest.name) as other:
        other.expect("Connected to domain")
        result = daemon.ssh(guest.name, "sysrq", "h", seconds=30)
        assert result.status in (UNAVAILABLE, BUSY), result
        one_line_reason(result.errors, "sysrq not sent")
        # A break needs no console.
        assert daemon.ssh(guest.name, "break").status == DONE
        other.expect(BREAK)


def test_history_tells_who_did_what(daemons, guest):
    daemon = daemons({"history": {"record": "all"}, "access root": {
        "who": "user:root", "vms": "*", "allow": "view, control, log, admin"}})
    with daemon.terminal(guest.name) as session:
        ask(session)
        for verb, sign in (["break"], BREAK), (["sysrq", "h"], BREAK), (["nmi"], "exception"):
            assert daemon.ssh(guest.name, *verb).status == DONE
            session.expect(sign)
        leave(session)
    daemon.stop()
    daemon.start()
    marks = daemon.ctl("journal", "marks", guest.name).text
    who = daemon.keys.fingerprint(daemon.keys.ed25519)
    for words in ("break by", "sysrq h by", "nmi by"):
        row, = [line for line in marks.split("\n") if words in line]
        assert who in row, row


# In a session


def test_escape_b_sends_a_break(daemon, guest):
    with daemon.terminal(guest.name) as session:
        ask(session)
        session.send(ESCAPE + b"b")
        both(session)
        ask(session)
        leave(session)


def test_escape_s_sends_a_sysrq(daemon, guest):
    with daemon.terminal(guest.name) as session:
        ask(session)
        session.send(ESCAPE + b"s")
        session.send(b"h")
        both(session)
        session.line("x")
        session.expect("hx")
        leave(session)


def test_escape_tells_about_both(daemon, shared):
    with daemon.terminal(shared.name) as session:
        ask(session)
        session.send(ESCAPE + b"?")
        session.expect("b break, s and a key sysrq")


# ssh's own


def test_openssh_tilde_b_sends_a_break(daemon, shared):
    argv = clients.ssh_argv(daemon, shared.name)
    with Terminal(argv) as session:
        ask(session)
        session.send(b"\r")
        session.expect("guest> ")
        session.send(b"~B")
        session.expect(BREAK)
        ask(session)


def test_break_request_of_another_client_is_carried_out(daemon, shared):
    async def run():
        import asyncssh
        async with asyncssh.connect(
                clients.HOST, daemon.port, username=shared.name, known_hosts=None,
                client_keys=[daemon.keys.ed25519], agent_path=None, config=None) as connection:
            process = await connection.create_process(encoding=None)
            process.stdin.write(b"say up\r")
            await asyncio.wait_for(process.stdout.readuntil(b"up\r\nguest> "), 20)
            process.send_break(500)
            await asyncio.wait_for(process.stdout.readuntil(b"<BREAK>"), 20)
    asyncio.run(run())


def test_ssh_break_without_the_right_is_refused_and_the_session_goes_on(daemons, guest):
    daemon = daemons({"access all": {"allow": "view, type"}})
    with Terminal(clients.ssh_argv(daemon, guest.name)) as session:
        ask(session)
        session.send(b"\r")
        session.expect("guest> ")
        session.send(b"~B")
        session.expect("permission denied: control")
        ask(session)
