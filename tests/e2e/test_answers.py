"""What vmconsoled answers to what cannot be: PRODUCT's table of bad input, for this slice."""

import socket
import time
import uuid

import pytest

from lib import clients
from lib.daemon import free_port
from lib.proc import SLOW
from lib.session import (BROKEN, BUSY, DENIED, DONE, NO_SUCH, UNAVAILABLE, USAGE, ask,
                         ask_until_answered, leave, one_line_reason)


@pytest.fixture(scope="module")
def shared(module_guests):
    return module_guests("answers")


# Which guest


def test_unknown_and_forbidden_guest_get_the_same_answer(daemons, guests):
    guests("secret-1")
    daemon = daemons({"access all": {"vms": "open-*"}})
    for command in ((), ("status",), ("attach", "--no-input")):
        forbidden = daemon.ssh("secret-1", *command)
        unknown = daemon.ssh("secret-2", *command)
        assert forbidden.status == unknown.status == NO_SUCH, (forbidden, unknown)
        assert forbidden.errors.replace("secret-1", "?") == unknown.errors.replace("secret-2", "?")
        assert forbidden.out == unknown.out == b""
    with daemon.terminal("secret-1") as forbidden, daemon.terminal("secret-2") as unknown:
        assert forbidden.wait() == unknown.wait() == NO_SUCH
        assert forbidden.seen.replace(b"secret-1", b"?") == unknown.seen.replace(b"secret-2", b"?")


def test_guest_is_found_by_name_uuid_and_prefix(daemon, shared):
    for login in (shared.name, shared.uuid, shared.uuid.upper(), shared.uuid[:8],
                  shared.uuid[:13]):
        result = daemon.ssh(login, "status")
        assert result.status == DONE and shared.name in result.text, (login, result)
    assert daemon.ssh(shared.uuid[:7], "status").status == NO_SUCH


def test_ambiguous_prefix_lists_the_candidates(daemon, guests):
    both = [uuid.UUID(int=0xabcdef0123456789 << 64 | 2 << 62 | n) for n in (1, 2)]
    daemon.knows(*[guests(f"twin{number}", start=False, domain_uuid=each)
                   for number, each in enumerate(both)])
    result = daemon.ssh("abcdef01", "status")
    assert result.status == NO_SUCH, result
    for each in both:
        assert str(each) in result.errors, result
    assert daemon.ssh(str(both[0]), "status").status == DONE


def test_exact_name_goes_before_prefix_and_before_split(daemon, guests):
    daemon.knows(
        guests("one", start=False, domain_uuid=uuid.UUID("12345678-0000-4000-8000-000000000001")),
        guests("12345678", start=False), guests("one+ttyS0", start=False))
    for name in ("12345678", "one+ttyS0", "one"):
        result = daemon.ssh(name, "list")
        names = [word for line in result.text.split("\n") for word in line.split()]
        assert name in names, (name, result)


@pytest.mark.parametrize("login", [
    "no such", "../../etc/passwd", "x" * 250, "%s%n", "vm\x1b[31m", "-oProxyCommand=x", "+",
    "a+b+c"])
def test_strange_login_names_are_just_unknown(daemon, login):
    client = clients.paramiko_connect(daemon, login)
    channel = client.get_transport().open_session()
    channel.exec_command("status")
    assert channel.recv_exit_status() == NO_SUCH
    said = channel.makefile_stderr("rb").read()
    assert b"\x1b" not in said, said
    client.close()


# Which device


def test_device_is_chosen_by_alias_or_by_the_guest_s_own_name(daemon, guests):
    guest = guests(serials=("pty", "pty"), hvc=True)
    for device in ("serial0", "ttyS0"):
        with daemon.terminal(f"{guest.name}+{device}") as session:
            ask(session)
            leave(session)
    for device in ("serial1", "ttyS1"):
        with daemon.pipes(f"{guest.name}+{device}") as session:
            session.send(b"second")
            session.expect("second")
    result = daemon.ssh(f"{guest.name}+hvc0")
    assert result.status == DONE and result.out == b"", result
    with daemon.terminal(guest.name, "attach", "--device", "ttyS1") as session:
        session.send(b"again")
        session.expect("again")


def test_device_by_an_alias_of_the_administrator(daemon, guests):
    guest = guests(alias="ua-main")
    for device in ("ua-main", "ttyS0"):
        with daemon.terminal(f"{guest.name}+{device}") as session:
            ask(session)


def test_unknown_device(daemon, shared):
    for device in ("serial7", "ttyS9", "hvc0", "nonsense"):
        result = daemon.ssh(f"{shared.name}+{device}", "attach", "--no-input")
        assert result.status == NO_SUCH, (device, result)
        one_line_reason(result.errors, device)


def test_guest_without_console(daemon, guests):
    guest = guests(serials=())
    result = daemon.ssh(guest.name)
    assert result.status == UNAVAILABLE, result
    one_line_reason(result.errors, "console")


def test_console_of_a_type_that_cannot_be_opened_is_named(daemon, guests):
    guest = guests(serials=("file",))
    result = daemon.ssh(guest.name)
    assert result.status == UNAVAILABLE, result
    one_line_reason(result.errors, "serial0 is of type file")
    with daemon.terminal(guest.name) as session:
        assert session.wait() == UNAVAILABLE
        session.expect("serial0 is of type file")


def test_guest_that_is_off(daemon, guests):
    guest = guests(start=False)
    daemon.knows(guest)
    result = daemon.ssh(guest.name, stdin=b"x\n")
    assert result.status == UNAVAILABLE, result
    one_line_reason(result.errors, "off|not running")


# Rights


def test_missing_right_is_named(daemons, shared):
    daemon = daemons({"access all": {"allow": "view"}})
    result = daemon.ssh(shared.name, stdin=b"say x\n")
    assert result.status == DENIED, result
    one_line_reason(result.errors, r"\btype\b")
    result = daemon.ssh(shared.name, "attach", "--force", stdin=b"say x\n")
    assert result.status == DENIED, result
    assert daemon.ssh(shared.name).status == DONE
    with daemon.terminal(shared.name) as session:
        session.expect(shared.name)
        session.line("say never")
        session.expect("watching")
        leave(session)


def test_type_without_view_shows_nothing(daemons, shared):
    daemon = daemons({"access all": {"allow": "type"}})
    result = daemon.ssh(shared.name, stdin=b"say x\n")
    assert result.status == DENIED and result.out == b"", result
    one_line_reason(result.errors, r"\bview\b")


# Words


@pytest.mark.parametrize("command, named", [
    (["frobnicate"], "frobnicate"),
    (["attach", "--sideways"], "--sideways"),
    (["attach", "--from", "yesterday"], "yesterday"),
    (["attach", "--from", "99999999999999999999999999"], "99999999999999999999999999"),
    (["attach", "--lines", "-3"], "-3"),
    (["attach", "--lines"], "--lines"),
    (["attach", "surplus"], "surplus"),
    (["status", "--jsonn"], "--jsonn"),
    (["list", "--json=yes"], "--json"),
    (["'unfinished"], "unfinished|quote"),
    (["\x1b[31mred"], "red")])
def test_bad_words_are_named(daemon, shared, command, named):
    result = daemon.ssh(shared.name, *command)
    assert result.status == USAGE, result
    assert b"\x1b" not in result.err
    line = one_line_reason(result.errors, named)
    assert "help" in line, line


def test_offset_that_does_not_exist_yet(daemon, shared):
    result = daemon.ssh(shared.name, "attach", "--from", "99999999999")
    assert result.status == NO_SUCH, result
    one_line_reason(result.errors, "99999999999")


# Things ssh offers and vmconsoled does not


def test_forwardings_are_refused_and_the_session_lives_on(daemon, shared):
    local, remote, socks = free_port(), free_port(), free_port()
    options = ["-L", f"{local}:127.0.0.1:22", "-R", f"{remote}:127.0.0.1:22", "-D", str(socks),
               "-A", "-X"]
    with daemon.terminal(shared.name, options=options) as session:
        ask(session)
        with socket.create_connection(("127.0.0.1", local), 5) as probe:
            assert clients.closed_by_server(probe)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", remote), 5)
        ask(session)
        leave(session)


@pytest.mark.parametrize("options", [
    ["-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:22", "-N"],
    ["-W", "127.0.0.1:22"],
    ["-s"]], ids=["remote forwarding", "stdio forwarding", "subsystem"])
def test_refused_for_good(daemon, shared, options):
    command = ["nonsense"] if options == ["-s"] else []
    result = daemon.ssh(shared.name, *command, options=options)
    assert result.status == BROKEN, result


def test_no_shell_hides_behind_a_command(daemon, shared):
    for command in ("/bin/sh", "sh -c id", "; id", "$(id)", "`id`", "attach; id",
                    "internal-sftp"):
        result = daemon.ssh(shared.name, command)
        assert result.status == USAGE, (command, result)
        assert b"uid=" not in result.out + result.err
    result = daemon.ssh(shared.name, "scp -f /etc/passwd", stdin=b"\0\0\0")
    assert result.status == 1, result
    assert b"root:" not in result.out and b"No such file" in result.out, result


# Somebody else holds the console


def test_console_held_by_virsh_is_reported(daemon, virt, guest):
    with virt.virsh_console(guest.name) as other:
        other.expect("Connected to domain")
        result = daemon.ssh(guest.name, stdin=b"say x\n")
        assert result.status == BUSY, result
        one_line_reason(result.errors, "console")
        with daemon.terminal(guest.name) as session:
            session.expect("is held by another")
            time.sleep(5)
            session.read_some(0)
            assert session.seen.count(b"is held by") == 1, "said once, not again and again"
            other.send(b"\x1d")
            assert other.wait() == 0
            ask_until_answered(session)  # taken as soon as it is free


def test_evicted_by_virsh_it_does_not_fight_and_comes_back(daemon, virt, guest):
    with daemon.terminal(guest.name) as session:
        ask(session)
        with virt.virsh_console(guest.name, "--force") as other:
            other.expect("Connected to domain")
            session.expect("was taken by another[^\r\n]*\r\n")
            ask(other)
            assert session.quiet(5), session.rest()
            ask(other)
            other.send(b"\x1d")
            assert other.wait() == 0
        ask_until_answered(session)


# Configuration


@pytest.mark.parametrize("section, key, value, wanted", [
    ("ssh", "lisen", "127.0.0.1:1", "listen"),
    ("ssh", "login_grace", "soon", "soon"),
    ("sshd", "listen", "127.0.0.1:1", "ssh"),
    ("console", "history_memory", "1X", "1X"),
    ("access more", "allow", "view, typ", "type"),
    ("daemon", "log_level", "loud", "loud")])
def test_broken_configuration_refuses_to_start(daemons, section, key, value, wanted):
    daemon = daemons()
    daemon.stop()
    daemon.configure({section: {key: value}})
    with open(daemon.file, encoding="utf-8") as file:
        bad = next(number for number, line in enumerate(file, 1)
                   if line.strip() in (f"{key} = {value}", f"[{section}]") and
                   (section != "sshd" or line.startswith("[")) and
                   (section == "sshd" or not line.startswith("[")))
    result = daemon.check_config()
    assert result.status != 0, result
    assert f"{daemon.file}:{bad}:" in result.errors + result.text, result
    assert wanted in result.errors + result.text, result
    daemon.launch()
    assert daemon.wait_end(10 * SLOW) != 0
    assert f":{bad}:" in daemon.log_tail(20)


def test_good_configuration_passes_the_check(daemon):
    result = daemon.check_config()
    assert result.status == 0, result
