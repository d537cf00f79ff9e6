"""lease: the keyboard for a script over several connections."""

import json
import re

import pytest

from lib.proc import wait_until
from lib.session import (BUSY, DENIED, DONE, ESCAPE, NO_SUCH, ask, one_line_reason, parse_json,
                         word)

TIMED_OUT = 124
LEASED = r"\(leased until 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ\)"


@pytest.fixture
def lease(daemon, shared):
    """lease(words): a token, given back after the test."""
    tokens = []

    def make(*words, key=None):
        result = daemon.ssh(shared.name, "lease", *words, key=key)
        assert result.status == DONE, result
        assert re.fullmatch(r"[a-z2-7]{32}\n", result.text), result
        one_line_reason(result.errors, r"the keyboard is leased until 20.*Z$")
        tokens.append(result.text.strip())
        return tokens[-1]

    yield make
    for token in tokens:
        daemon.ctl("lease", shared.name, "--release", token)


def environment(monkeypatch, token):
    monkeypatch.setenv("VMC_LEASE", token)
    return ("-o", "SendEnv=VMC_LEASE")


def consoles(daemon, guest):
    return parse_json(daemon.ssh(guest.name, "status", "--json"))["consoles"][0]


def test_only_who_has_the_token_types(daemon, shared, lease, keys, monkeypatch):
    token = lease("--ttl", "2m")
    holder = f"the keyboard is with key:{re.escape(keys.fingerprint(keys.ed25519))} .*{LEASED}"
    for command in ("send --enter say no", "run true"):
        result = daemon.ssh(shared.name, command)
        assert result.status == BUSY and result.out == b"", result
        one_line_reason(result.errors, holder, "nothing was typed$")
    result = daemon.ssh(shared.name, stdin=b"say no\r")
    assert result.status == BUSY, result
    one_line_reason(result.errors, holder, "nothing was typed$")
    text = word()
    said = f"--enter --wait '{text}$' say {text}"
    assert daemon.ssh(shared.name, f"send --lease {token} {said}").status == DONE
    assert daemon.ssh(shared.name, "attach", "--lease", token,
                      stdin=f"say {text}\r".encode()).status == DONE
    options = environment(monkeypatch, token)
    assert daemon.ssh(shared.name, f"send {said}", options=options).status == DONE
    result = daemon.ssh(shared.name, stdin=f"say {text}\r".encode(), options=options)
    assert result.status == DONE and text in result.text, result
    result = daemon.ssh(shared.name, "run --timeout 1 true", options=options)
    assert result.status == TIMED_OUT, result  # it was typed, and this is no shell


def test_vmconsolectl_takes_it_from_the_environment(daemon, shared, lease, monkeypatch):
    token = lease()
    assert daemon.ctl("send", shared.name, "--enter").status == BUSY
    environment(monkeypatch, token)
    assert daemon.ctl("send", shared.name, "--enter").status == DONE


def test_status_and_who_show_it(daemon, shared, lease, keys):
    token = lease("--ttl", "1h")
    identity = f"key:{keys.fingerprint(keys.ed25519)}"
    found = consoles(daemon, shared)
    assert found["keyboard"] is None and found["lease"]["identity"].startswith(identity), found
    row, = [row for row in parse_json(daemon.ssh(shared.name, "who", "--json"))
            if row["mode"] == "leases"]
    assert row["session"] is None and row["until"] == found["lease"]["until"], row
    assert re.search(f"keyboard with {re.escape(identity)} .*{LEASED}",
                     daemon.ssh(shared.name, "status").text)
    assert re.search(rf"- +leases +until 20.* {shared.name} ", daemon.ssh(shared.name, "who").text)
    assert token not in daemon.ssh(shared.name, "who --json").text
    assert daemon.ssh(shared.name, "lease", "--release", token).status == DONE
    assert consoles(daemon, shared)["lease"] is None


def test_a_token_that_has_gone_is_75_and_says_what_became_of_it(daemon, shared, lease):
    token = lease()
    assert daemon.ssh(shared.name, "lease", "--release", token).status == DONE
    daemon.wait_audit("^released$", event="lease-end")
    for command in (f"send --lease {token} x", f"run --lease {token} true"):
        result = daemon.ssh(shared.name, command)
        assert result.status == BUSY, result
        one_line_reason(result.errors, "the lease of the keyboard has ended at 20.*: released",
                        "nothing was typed$")
    result = daemon.ssh(shared.name, f"attach --lease {token}", stdin=b"x")
    assert result.status == BUSY, result
    one_line_reason(result.errors, "has ended at 20.*: released")
    result = daemon.ssh(shared.name, "send --lease nonsense x")
    assert result.status == BUSY, result
    one_line_reason(result.errors, "no such lease of the keyboard")
    assert daemon.ssh(shared.name, "lease", "--release", token).status == BUSY


def test_it_is_not_had_beside_a_writer_but_can_be_waited_for(daemon, shared, keys):
    with daemon.terminal(shared.name, key=keys.other) as person:
        ask(person)
        result = daemon.ssh(shared.name, "lease")
        assert result.status == BUSY and result.out == b"", result
        one_line_reason(result.errors, "the keyboard is with key:.*: no lease$")
        result = daemon.ssh(shared.name, "lease", "--wait=1s")
        assert result.status == TIMED_OUT and result.out == b"", result
        with daemon.pipes(shared.name, "lease", "--wait", "--json") as waiting:
            wait_until(lambda: " waits " in daemon.ctl("who", shared.name).text, 15, "it waits")
            person.send(ESCAPE + b"o")
            assert waiting.wait(20) == DONE, waiting.errors()
            token = json.loads(waiting.seen)["token"]
        person.send(ESCAPE + b"f")
        person.expect("you have taken the keyboard from key:.*leased until")
    result = daemon.ssh(shared.name, f"send --lease {token} x")
    assert result.status == BUSY, result
    one_line_reason(result.errors,
                    f"broken by key:{re.escape(keys.fingerprint(keys.other))}")


def test_force_breaks_it_and_both_are_told(daemon, shared, lease, keys):
    token = lease()
    with daemon.terminal(shared.name, "attach", "--lease", token) as holder:
        ask(holder)
        assert daemon.ssh(shared.name, "send --force --enter", key=keys.other).status == DONE
        holder.expect("the lease of the keyboard has ended: broken by key:"
                      + re.escape(keys.fingerprint(keys.other)))
        holder.expect("the keyboard was taken by key:")
        holder.expect("you have the keyboard now")
    daemon.wait_audit("^broken by key:", event="lease-end")
    result = daemon.ssh(shared.name, "lease", "--break")
    assert result.status == NO_SUCH, result
    lease()
    result = daemon.ssh(shared.name, "lease", "--break", key=keys.other)
    assert result.status == DONE, result
    one_line_reason(result.errors, "the lease of key:.* is broken$")


def test_it_ends_with_its_holders_right_to_type(daemons, guest, keys):
    """His connection has long ended; somebody else uses the token."""
    mine = f"key:{keys.fingerprint(keys.ed25519)}"
    daemon = daemons({"access all": {"who": mine},
                      "access other": {"who": f"key:{keys.fingerprint(keys.other)}",
                                       "vms": "*", "allow": "view, type"}})
    token = daemon.ssh(guest.name, "lease").text.strip()
    assert daemon.ssh(guest.name, f"send --lease {token} --enter", key=keys.other).status == DONE
    assert daemon.ssh(guest.name, "lease --break", key=keys.other).status == DENIED
    daemon.configure({"access all": {"allow": "view"}})
    assert daemon.ctl("reload").status == DONE
    result = daemon.ssh(guest.name, f"send --lease {token} x", key=keys.other)
    assert result.status == BUSY, result
    one_line_reason(result.errors, "the right to type was withdrawn")
    assert daemon.ssh(guest.name, "send --enter", key=keys.other).status == DONE
    assert daemon.ssh(guest.name, "lease").status == DENIED
    log = daemon.log() + "".join(map(str, daemon.audit()))
    assert token not in log


def test_it_ends_with_its_holders_key(daemons, guest, keys):
    daemon = daemons()
    assert daemon.ssh(guest.name, "lease").status == DONE
    assert daemon.ssh(guest.name, "send x", key=keys.other).status == BUSY
    daemon.authorize([keys.line(keys.other)])
    assert daemon.ctl("reload").status == DONE
    assert daemon.ssh(guest.name, "send --enter", key=keys.other).status == DONE


def test_it_ends_when_no_rule_is_for_its_guest_any_more(daemons, guest, keys):
    guest.set_groups("web")
    other = f"key:{keys.fingerprint(keys.other)}"
    daemon = daemons({"access all": {"vms": "group:web"},
                      "access other": {"who": other, "vms": "*", "allow": "view, type"}})
    wait_until(lambda: daemon.ssh(guest.name, "lease").status == DONE, 20, "it is leased")
    assert daemon.ssh(guest.name, "send x", key=keys.other).status == BUSY
    guest.set_groups("db")
    wait_until(lambda: daemon.ssh(guest.name, "send --enter", key=keys.other).status == DONE, 15,
               "it has ended")
    daemon.wait_audit("^the right to type was withdrawn$", event="lease-end")


@pytest.mark.parametrize("words, reason", [
    ("lease --ttl 2d", "write a time from 1s to 24h"),
    ("lease --wait --break", "only one of"),
    ("lease now", "now"),
])
def test_bad_words_are_64_and_named(daemon, shared, words, reason):
    result = daemon.ssh(shared.name, words)
    assert result.status == 64, result
    assert reason in one_line_reason(result.errors), result
