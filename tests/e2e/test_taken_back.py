"""What limits a login stays with it, and what was given is taken back: keys that are revoked,
removed or run out, rules that change, helpers that answer otherwise."""

import os
import subprocess
import time

import paramiko
import pytest

from lib.clients import HOST
from lib.proc import SLOW, wait_until
from lib.session import BROKEN, DENIED, DONE, ESCAPE, NO_SUCH, ask, leave
from lib.term import Pipes
from test_external import Helper, console_list, key_list
from test_tickets import QUICK, ticket
from test_vdsm import pki, put, serve  # noqa: F401

GONE = "no longer accepted"


@pytest.fixture(scope="module")
def shared(module_guests):
    return module_guests("back-1")


@pytest.fixture(scope="module")
def second(module_guests):
    return module_guests("back-2")


def stamp(seconds):
    return time.strftime("%Y%m%d%H%M%S", time.localtime(seconds))


def until(moment):
    time.sleep(max(0, moment - time.time()))


def half_login(daemon, login, key):
    """A connection that has proved a key, and is asked for a ticket."""
    transport = paramiko.Transport((HOST, daemon.port))
    transport.start_client(timeout=20 * SLOW)
    left = transport.auth_publickey(login, paramiko.Ed25519Key.from_private_key_file(key))
    assert "password" in left, left
    return transport


def ended(transport, seconds=10):
    wait_until(lambda: not transport.is_active(), seconds, "the connection is ended")


def idle_login(daemon, login, key):
    """A connection that is logged in and has nothing open."""
    transport = paramiko.Transport((HOST, daemon.port))
    transport.start_client(timeout=20 * SLOW)
    left = transport.auth_publickey(login, paramiko.Ed25519Key.from_private_key_file(key))
    assert left == [] and transport.is_authenticated()
    return transport


# Limits


def entities(daemons, consoles, **access):
    daemon = daemons({"access all": {"who": "entity:*", "vms": "*", "allow": "view, type, admin",
                                     **access}, "auth": {"penalty": "0"}})
    helper = Helper(daemon, key_list(["id-1", "alice", daemon.keys.line(daemon.keys.ed25519)]),
                    console_list(*consoles))
    helper.use(consoles=True)
    return daemon, helper


def test_second_factor_keeps_the_consoles_of_the_first(daemons, shared, second, keys):
    daemon, _ = entities(daemons, [second], require="entity+ticket")
    result = daemon.password(shared.name, "status", ticket(daemon, shared), key=keys.ed25519)
    assert result.status == NO_SUCH, result
    result = daemon.password(second.name, "status", ticket(daemon, second), key=keys.ed25519)
    assert result.status == DONE, (result, daemon.log_tail(10))
    assert daemon.wait_audit(event="login", login=second.name)["identity"] == \
        "entity:alice + ticket:user:root"


def test_entity_with_a_list_of_consoles_has_no_right_on_the_host(daemons, shared):
    daemon, _ = entities(daemons, [shared])
    assert daemon.ssh("ovirt-vmconsole", "list").status == DONE
    for verb in ("who", "status"):
        result = daemon.ssh("ovirt-vmconsole", verb)
        assert result.status == DENIED, result


# Forced commands


def forced(daemons, keys, how, command):
    """A daemon, and a key that may do everything but is held to the command."""
    if how == "line":
        return daemons(authorized=[f'command="{command}" {keys.line(keys.ed25519)}']), keys.ed25519
    authority = keys.make("command-ca", ["-t", "ed25519"])
    key = keys.make("commanded", ["-t", "ed25519"])
    certify(authority, key, "-O", f"force-command={command}")
    return daemons({"access all": {"who": "principal:web"}},
                   authorized=[f"cert-authority {keys.line(authority)}"]), key


def certify(authority, key, *options):
    subprocess.run(["ssh-keygen", "-q", "-s", authority, "-I", "somebody", "-n", "web", *options,
                    f"{key}.pub"], check=True)


@pytest.mark.parametrize("how", ["line", "certificate"])
@pytest.mark.parametrize("command", ["attach --read-only", "attach --no-input"])
def test_command_that_watches_is_a_ceiling(daemons, guest, keys, how, command):
    """No escape key and no request of the client's gives what the command took."""
    daemon, key = forced(daemons, keys, how, command)
    options = ["-o", f"CertificateFile={key}-cert.pub"] if how == "certificate" else []
    with daemon.terminal(guest.name, key=key, options=options) as session:
        session.expect("serial0")
        for escape, answer in ((b"f", "permission denied|you are watching"),
                               (b"b", "permission denied: control|you are watching"),
                               (b"sh", "permission denied: control|you are watching")):
            session.send(ESCAPE + escape)
            session.expect(answer)
            session.line("say typed")
        session.send(ESCAPE + b"?")
        session.expect("break, s and a key sysrq")
        assert session.quiet(1)
        leave(session)
    assert b"typed\r\n" not in session.seen and b"<BREAK>" not in session.seen, session.seen


def test_command_without_a_limit_takes_no_right(daemons, guest, keys):
    daemon, key = forced(daemons, keys, "line", "attach")
    with daemon.terminal(guest.name, "list", key=key) as session:
        session.expect("serial0")
        ask(session)
        leave(session)


# Revocation


def test_revoked_key_ends_an_entitys_session(daemons, shared, keys, user):
    daemon, _ = entities(daemons, [shared])
    user.write(f"{daemon.dir}/revoked", "")
    daemon.configure({"auth": {"revoked_keys": f"{daemon.dir}/revoked"}})
    assert daemon.ctl("reload").status == DONE
    with daemon.terminal(shared.name) as session:
        session.expect("serial0")
        user.write(f"{daemon.dir}/revoked", keys.line(keys.ed25519) + "\n")
        assert daemon.ctl("reload").status == DONE
        session.expect(GONE)
        assert session.wait(10) == DENIED
    record = daemon.wait_audit("revoked", event="login-ended")
    assert record["identity"] == "entity:alice" and record["login"] == shared.name, record


def test_key_that_the_command_no_longer_names_ends_its_session_at_reload(daemons, shared):
    daemon, helper = entities(daemons, [shared])
    with daemon.terminal(shared.name) as session:
        session.expect("serial0")
        helper.answer("keys", key_list())
        assert daemon.ctl("reload").status == DONE
        session.expect(GONE, 20)
        assert session.wait(10) == DENIED


def test_console_that_the_command_no_longer_lists_ends_its_session_at_reload(
        daemons, shared, second):
    daemon, helper = entities(daemons, [shared, second])
    with daemon.terminal(shared.name) as session, daemon.terminal(second.name) as other:
        session.expect("serial0")
        other.expect("serial0")
        helper.answer("consoles", console_list(second))
        assert daemon.ctl("reload").status == DONE
        session.expect("right to view VM .* was withdrawn", 20)
        assert session.wait(10) == DENIED
        ask(other)
        leave(other)


def test_helper_that_fails_at_a_reload_puts_nobody_out(daemons, shared):
    daemon, helper = entities(daemons, [shared])
    with daemon.terminal(shared.name) as session:
        session.expect("serial0")
        helper.answer("keys", "no json")
        since = len(daemon.log())
        assert daemon.ctl("reload").status == DONE
        daemon.wait_log("key_command: ", since=since)
        assert daemon.ctl("reload").status == DONE
        ask(session)
        leave(session)


def test_key_removed_from_its_file_ends_its_session_without_a_reload(daemons, guest, keys):
    daemon = daemons()
    with daemon.terminal(guest.name) as session, \
            daemon.terminal(guest.name, key=keys.other) as other:
        session.expect("serial0")
        other.expect("serial0")
        user_file = daemon.authorized_keys
        daemon.user.write(user_file + ".new", keys.line(keys.other) + "\n")
        os.rename(user_file + ".new", user_file)
        session.expect(GONE)
        assert session.wait(10) == DENIED
        leave(other)
    daemon.wait_audit("not known", event="login-ended")


def test_file_that_is_written_anew_puts_nobody_out(daemons, guest, keys):
    daemon = daemons()
    with daemon.terminal(guest.name) as session:
        session.expect("serial0")
        since = len(daemon.log())
        os.unlink(daemon.authorized_keys)
        daemon.wait_log("authorized_keys.*No such file", since=since)
        daemon.authorize(keys.all_lines())
        daemon.wait_log("4 authorized keys", since=since)
        ask(session)
        time.sleep(3)
        ask(session)
        leave(session)
    assert not daemon.audit(event="login-ended")


# Half-done and idle logins


HALF = {"access all": {"who": "key:*", "vms": "*", "allow": "view", "require": "key+ticket"},
        **QUICK}


@pytest.mark.parametrize("change", ["key", "rule"])
def test_half_done_login_is_judged_again_by_a_reload(daemons, shared, keys, change):
    daemon = daemons(HALF)
    ticket(daemon, shared)
    transport = half_login(daemon, shared.name, keys.ed25519)
    if change == "key":
        daemon.authorize([keys.line(keys.other)])
    else:
        daemon.configure({"access all": {"who": f"key:{keys.fingerprint(keys.other)}"}})
    assert daemon.ctl("reload").status == DONE
    ended(transport)
    assert daemon.wait_audit(event="login-ended", login=shared.name)


def test_half_done_login_whose_key_stays_goes_on(daemons, shared, keys):
    daemon = daemons(HALF)
    word = ticket(daemon, shared)
    transport = half_login(daemon, shared.name, keys.ed25519)
    daemon.authorize([keys.line(keys.ed25519)])
    assert daemon.ctl("reload").status == DONE
    assert transport.auth_password(shared.name, word, fallback=False) == []
    transport.close()


def test_half_done_login_begins_anew_under_another_name(daemons, shared, second, keys):
    """RFC 4252 section 5: what was proved for one name is not proved for another."""
    daemon = daemons(HALF)
    word = ticket(daemon, second)
    transport = half_login(daemon, shared.name, keys.ed25519)
    with pytest.raises(paramiko.AuthenticationException):
        transport.auth_password(second.name, word, fallback=False)
    transport.close()
    assert daemon.password(second.name, "status", word, key=keys.ed25519).status == DONE


@pytest.mark.parametrize("change", ["key", "rule"])
def test_idle_connection_is_ended_by_a_reload(daemons, shared, keys, change):
    daemon = daemons()
    transport = idle_login(daemon, shared.name, keys.ed25519)
    if change == "key":
        daemon.authorize([keys.line(keys.other)])
    else:
        daemon.configure({"access all": {"who": f"key:{keys.fingerprint(keys.other)}"}})
    assert daemon.ctl("reload").status == DONE
    ended(transport)


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to call as somebody else")
def test_local_session_ends_with_the_rule_of_its_user(daemons, shared, user):
    daemon = daemons({"access locals": {"who": "user:nobody", "vms": "*", "allow": "view"}})
    argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--",
            *daemon.ctl_argv("attach", shared.name, "--no-input")]
    with Pipes(argv) as session:
        wait_until(lambda: daemon.audit(event="session-begin", identity="user:nobody"), 10,
                   "it is attached")
        daemon.configure({"access locals": None})
        assert daemon.ctl("reload").status == DONE
        assert session.wait(10) == DENIED


# Tickets and their makers

MAKER = {"access all": {"who": "key:*", "vms": "*", "allow": "view, type, admin"},
         "access tickets": {"who": "ticket", "vms": "*", "allow": "view, type, log"}, **QUICK}


def made(daemon, guest):
    """A ticket that a key made."""
    result = daemon.ssh(guest.name, "ticket --uses 9")
    assert result.status == DONE, result
    return result.text.strip()


def ticket_session(daemon, guest, word):
    """Somebody who came by a ticket, and watches."""
    transport = paramiko.Transport((HOST, daemon.port))
    transport.start_client(timeout=20 * SLOW)
    assert transport.auth_password(guest.name, word, fallback=False) == []
    channel = transport.open_session()
    channel.exec_command("attach --no-input")
    daemon.wait_audit(event="session-begin")
    return transport, channel


def test_ticket_gives_no_more_than_its_maker_has(daemons, shared):
    daemon = daemons(MAKER)
    word = made(daemon, shared)
    assert daemon.password(shared.name, "send --enter x", word).status == DONE
    assert daemon.password(shared.name, "log", word).status == DENIED
    daemon.configure({"access all": {"allow": "view, log, admin"}})
    assert daemon.ctl("reload").status == DONE
    assert daemon.password(shared.name, "log --lines 1", word).status == DONE
    assert daemon.password(shared.name, "send --enter x", word).status == DENIED


@pytest.mark.parametrize("change", ["right", "key"])
def test_ticket_ends_with_its_maker(daemons, shared, keys, change):
    daemon = daemons(MAKER)
    word = made(daemon, shared)
    transport, channel = ticket_session(daemon, shared, word)
    if change == "right":
        daemon.configure({"access all": {"allow": "view, type"}})
        assert daemon.ctl("reload").status == DONE
    else:
        daemon.authorize([keys.line(keys.other)])
    ended(transport, 15)
    assert channel.recv_exit_status() == DENIED
    daemon.wait_audit("the maker of the ticket", event="login-ended")
    assert daemon.password(shared.name, "status", word).status == BROKEN
    daemon.wait_audit("the maker of the ticket", event="login-refused")


def test_ticket_ends_when_its_guest_leaves_what_its_maker_may(daemons, guest):
    guest.set_groups("web")
    daemon = daemons({**MAKER, "access all": {"who": "key:*", "vms": "group:web",
                                              "allow": "view, type, admin"}})
    wait_until(lambda: daemon.ssh(guest.name, "status").status == DONE, 10, "its group is known")
    word = made(daemon, guest)
    _, channel = ticket_session(daemon, guest, word)
    guest.set_groups("db")
    wait_until(channel.exit_status_ready, 10, "the session is ended")
    assert channel.recv_exit_status() == DENIED
    assert daemon.password(guest.name, "status", word).status == BROKEN


def test_ticket_of_a_ticket_ends_with_the_first_maker(daemons, shared, keys):
    daemon = daemons({**MAKER, "access tickets": {"who": "ticket", "vms": "*",
                                                  "allow": "view, type, admin"}})
    words = [made(daemon, shared)]
    for _ in range(3):
        result = daemon.password(shared.name, "ticket --uses 9", words[-1])
        assert result.status == DONE, result
        words.append(result.text.strip())
    result = daemon.password(shared.name, "ticket", words[-1])
    assert result.status == DENIED and "in a row" in result.errors, result
    transport, channel = ticket_session(daemon, shared, words[-1])
    daemon.authorize([keys.line(keys.other)])
    ended(transport, 15)
    assert channel.recv_exit_status() == DENIED


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to call as somebody else")
def test_ticket_of_a_local_user_ends_with_his_rule(daemons, shared, user):
    daemon = daemons({**MAKER, "access locals": {"who": "user:nobody", "vms": "*",
                                                 "allow": "view, admin"}})
    argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--",
            *daemon.ctl_argv("ticket", shared.name, "--uses", "9")]
    word = subprocess.run(argv, capture_output=True, check=True, timeout=20 * SLOW,
                          text=True).stdout.strip()
    assert daemon.password(shared.name, "status", word).status == DONE
    transport, channel = ticket_session(daemon, shared, word)
    daemon.configure({"access locals": None})
    assert daemon.ctl("reload").status == DONE
    ended(transport)
    assert channel.recv_exit_status() == DENIED
    assert daemon.password(shared.name, "status", word).status == BROKEN


# The clock

LIFE = int(6 + 3 * SLOW)  # seconds: time enough to start and log in


def test_expiry_time_of_a_key_ends_its_session(daemons, guest, keys):
    ends = int(time.time()) + LIFE
    daemon = daemons(authorized=[
        f'expiry-time="{stamp(ends)}" {keys.line(keys.ed25519)}', keys.line(keys.other)])
    with daemon.terminal(guest.name) as session:
        session.expect("serial0")
        ask(session)
        with daemon.terminal(guest.name, key=keys.other) as other:
            other.expect("serial0")
            session.expect(GONE, 20)
            assert time.time() >= ends + 1
            assert session.wait(10) == DENIED
            leave(other)
    daemon.wait_audit("expiry-time has passed", event="login-ended")


def test_second_line_of_a_key_takes_over_from_the_first(daemons, guest, keys):
    ends = int(time.time()) + LIFE
    daemon = daemons(authorized=[
        f'expiry-time="{stamp(ends)}" {keys.line(keys.ed25519)}',
        f'command="attach --read-only" {keys.line(keys.ed25519)}'])
    with daemon.terminal(guest.name) as session:
        session.expect("serial0")
        ask(session)
        session.expect("right to type was withdrawn", 20)
        assert time.time() >= ends + 1
        leave(session)


def test_certificate_ends_its_half_done_login(daemons, shared, keys):
    ends = int(time.time()) + LIFE
    authority = keys.make("half-ca", ["-t", "ed25519"])
    daemon = daemons({**HALF, "access all": {**HALF["access all"], "who": "key:*"}},
                     authorized=[f'expiry-time="{stamp(ends)}" {keys.line(keys.ed25519)}',
                                 f"cert-authority {keys.line(authority)}"])
    ticket(daemon, shared)
    transport = half_login(daemon, shared.name, keys.ed25519)
    ended(transport, 20)
    assert time.time() >= ends + 1


def test_vdsm_certificate_ends_its_session_at_its_second(daemons, user, pki, shared):  # noqa: F811
    daemon = serve(daemons, user, pki, "host")
    ends = time.time() + LIFE
    pki.make("brief", "ca", "/O=engine/CN=brief", until=LIFE)
    put(user, daemon, pki, "brief")
    key = pki.path("brief.key")
    wait_until(lambda: daemon.ssh(shared.name, "status", key=key).status == DONE, 8,
               "the certificate is good at first")
    with daemon.terminal(shared.name, key=key) as session:
        session.expect("serial0")
        session.expect(GONE, 20)
        assert time.time() >= ends - 1
        assert session.wait(10) == DENIED
    daemon.wait_audit("expired", event="login-ended")
