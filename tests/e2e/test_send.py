"""send: what is typed, what is said about it, and who may.

The test guest does not echo: an answer stands behind the prompt, on its line.
"""

import json
import re
import subprocess
import time

import pytest

from lib import clients
from lib.proc import SLOW, wait_until
from lib.session import (BUSY, DENIED, DONE, NO_SUCH, UNAVAILABLE, USAGE, ask, one_line_reason,
                         parse_json, word)

KICKED, TIMED_OUT = 84, 124


def answered(daemon, guest, offset, text):
    """The guest has printed this line since."""
    result = daemon.ssh(guest.name, f"wait --timeout {int(20 * SLOW)} --from {offset} "
                                    f"'{text}$'", seconds=30)
    return result.status == DONE


def rows(daemon, guest):
    return parse_json(daemon.ssh(guest.name, "who", "--json"))


# What is typed

def test_the_offset_that_is_printed_makes_a_wait_no_race(daemon, shared):
    text = word()
    result = daemon.ssh(shared.name, f"send --enter say {text}")
    assert result.status == DONE, result
    offset = int(result.out)
    one_line_reason(result.errors, f"^vmconsoled: {len(text) + 5} bytes typed at offset {offset}$")
    assert answered(daemon, shared, offset, text)


def over_ssh(daemon, name, command):
    return daemon.ssh(name, command)


def over_plink(daemon, name, command):
    done = subprocess.run(clients.plink_argv(daemon, name, command), env=clients.home(daemon),
                          stdin=subprocess.DEVNULL, capture_output=True, check=False,
                          timeout=40 * SLOW)
    return clients.Result(done.returncode, done.stdout, done.stderr)


def over_paramiko(daemon, name, command):
    with clients.paramiko_connect(daemon, name) as client:
        _, out, err = client.exec_command(command, timeout=40 * SLOW)
        text, errors = out.read(), err.read()
        return clients.Result(out.channel.recv_exit_status(), text, errors)


def over_vmconsolectl(daemon, name, command):
    verb, *words = command.split()
    return daemon.ctl(verb, name, *words)


@pytest.mark.parametrize("call", [over_ssh, over_plink, over_paramiko, over_vmconsolectl])
def test_json_is_the_same_over_every_client(daemon, shared, call):
    text = word()
    result = call(daemon, shared.name, f"send --enter --json say {text}")
    data = parse_json(result)
    assert data["accepted"] == len(text) + 5 and set(data) == {"accepted", "offset"}
    assert answered(daemon, shared, data["offset"], text)


@pytest.mark.parametrize("lines", ["say {}\nsay {}\n", "say {}\r\nsay {}", "say {}\rsay {}\r"],
                         ids=["LF", "CR LF, none at the end", "CR"])
def test_with_enter_lines_of_standard_input_end_with_the_key_enter(daemon, shared, lines):
    first, second = word(), word()
    data = lines.format(first, second).encode()
    result = daemon.ssh(shared.name, "send", "--enter", "--json", stdin=data)
    answer = parse_json(result)
    assert answer["accepted"] == len(f"say {first}\rsay {second}\r")
    assert answered(daemon, shared, answer["offset"], first)
    assert answered(daemon, shared, answer["offset"], second)


def test_without_enter_bytes_are_typed_as_they_are(daemon, shared):
    text = word()
    offset = int(daemon.ssh(shared.name, "send", stdin=f"say {text}".encode()).out)
    assert daemon.ssh(shared.name, f"wait --timeout 1 --from {offset} {text}").status == TIMED_OUT
    assert daemon.ssh(shared.name, "send", stdin=b"\r").status == DONE
    assert answered(daemon, shared, offset, text)


def test_escapes_of_c_are_keys(daemon, shared):
    text = word()
    result = daemon.ssh(shared.name, f"send --escape 'say\\x20{text}\\r'")
    assert result.status == DONE, result
    assert answered(daemon, shared, int(result.out), text)


def test_nothing_on_standard_input_is_0_bytes(daemon, shared):
    assert parse_json(daemon.ssh(shared.name, "send", "--json"))["accepted"] == 0


def test_pace_is_bytes_in_a_second(daemon, shared):
    text = word()
    begun = time.monotonic()
    result = daemon.ssh(shared.name, f"send --enter --pace 5 say {text}")
    assert result.status == DONE, result
    assert time.monotonic() - begun > (len(text) + 4) / 5
    assert answered(daemon, shared, int(result.out), text)


def test_progress_is_shown_on_a_terminal_when_it_takes_long(daemon, shared):
    with daemon.terminal(shared.name, f"send --enter --pace 8 say {'x' * 20}") as terminal:
        terminal.expect(r"\r\d+ bytes typed")
        assert terminal.wait(30) == DONE
        one_line_reason(terminal.rest().decode(), "25 bytes typed at offset")


def test_a_line_too_long_for_a_terminal_is_warned_of(daemon, shared):
    result = daemon.ssh(shared.name, "send", "--enter", stdin=b"say " + b"x" * 4092 + b"\n")
    assert result.status == DONE, result
    assert "a line has more than 4095 bytes" in result.errors
    result = daemon.ssh(shared.name, "send", "--enter", stdin=b"say " + b"x" * 4091 + b"\n")
    assert result.status == DONE and "4095" not in result.errors, result


# Send, and wait

def test_wait_in_one_call_finds_what_comes_of_it(daemon, shared):
    text = word()
    result = daemon.ssh(shared.name, f"send --enter --wait '{text}$' say {text}")
    assert result.status == DONE and result.text == f"guest> {text}\n", result
    one_line_reason(result.errors, "pattern 1 found at offset")


def test_wait_in_one_call_does_not_find_old_output(daemon, shared):
    text = word()
    assert daemon.ssh(shared.name, f"send --enter --wait '{text}$' say {text}").status == DONE
    result = daemon.ssh(shared.name, f"send --enter --timeout 2 --wait '{text}$' say other")
    assert result.status == TIMED_OUT, result
    one_line_reason(result.errors, "timed out after 2s")


def test_json_of_both_in_one_object(daemon, shared):
    text = word()
    data = parse_json(daemon.ssh(
        shared.name, f"send --enter --json --wait '{text}$' say {text}"))
    assert data["accepted"] == len(text) + 5 and data["pattern"] == 0
    assert data["offset"] <= data["start"] < data["end"]
    assert data["text"] == f"guest> {text}"


# The keyboard

def test_keyboard_of_somebody_else_is_75_with_his_name_and_nothing_is_typed(
        daemon, shared, keys):
    text = word()
    with daemon.terminal(shared.name, key=keys.other) as person:
        ask(person)
        result = daemon.ssh(shared.name, f"send --enter say {text}")
        assert result.status == BUSY and result.out == b"", result
        one_line_reason(result.errors, f"the keyboard is with key:{re.escape(keys.fingerprint(keys.other))} ",
                        "nothing was typed$")
        ask(person)
        assert text.encode() not in person.seen


def test_force_takes_the_keyboard_and_both_are_told(daemon, shared, keys):
    text = word()
    with daemon.terminal(shared.name, key=keys.other) as person:
        ask(person)
        result = daemon.ssh(shared.name, f"send --force --enter say {text}")
        assert result.status == DONE, result
        person.expect(f"the keyboard was taken by key:{re.escape(keys.fingerprint(keys.ed25519))} ")
        person.expect("you have the keyboard now")
        ask(person)


def test_keyboard_taken_under_way_is_75_and_says_how_far_it_came(daemon, shared, keys):
    with daemon.pipes(shared.name, "send", "--enter", "--pace", "4", "x" * 400) as process:
        wait_until(lambda: [row for row in rows(daemon, shared) if row["mode"] == "writes"], 15,
                   "it types")
        taker = daemon.ssh(shared.name, "send --force --enter", key=keys.other)
        assert taker.status == DONE, taker
        assert process.wait(20) == BUSY
        reason = one_line_reason(process.errors(), "the keyboard was taken by key:")
    typed = int(reason.split("; ")[1].split()[0])
    assert 0 < typed < 400, reason


# What ends it

def test_kicked_under_way_it_says_how_far_it_came(daemons, guest):
    daemon = daemons({"access all": {"allow": "view, type, log, admin"}})
    with daemon.pipes(guest.name, "send", "--enter", "--pace", "4", "x" * 400) as process:
        row, = wait_until(lambda: [row for row in rows(daemon, guest) if row["mode"] == "writes"],
                          15, "it types")
        assert daemon.ssh("vmconsole", "kick", row["session"]).status == DONE
        assert process.wait(20) == KICKED
        one_line_reason(process.errors(), r"ended by .*; \d+ bytes typed at offset \d+$")


def test_right_to_type_withdrawn_under_way_is_77(daemons, guest):
    daemon = daemons()
    with daemon.pipes(guest.name, "send", "--enter", "--pace", "4", "x" * 400) as process:
        wait_until(lambda: [row for row in rows(daemon, guest) if row["mode"] == "writes"], 15,
                   "it types")
        daemon.configure({"access all": {"allow": "view"}})
        assert daemon.ctl("reload").status == DONE
        assert process.wait(20) == DENIED
        # It has the keyboard a moment before the first byte is accepted.
        one_line_reason(process.errors(),
                        r"right to type .* withdrawn; (\d+ bytes typed at|nothing was typed$)")


def test_a_guest_that_takes_nothing_is_124_with_what_it_took(daemon, guest):
    with daemon.pipes(guest.name) as typist:
        ask(typist)
        typist.line("halt")
        typist.expect("halted")
    result = daemon.ssh(guest.name, "send", "--timeout", "3", stdin=b"x" * 300000, seconds=40)
    assert result.status == TIMED_OUT, result
    reason = one_line_reason(result.errors, "timed out after 3s; ")
    assert int(reason.split("; ")[1].split()[0]) < 300000


def test_a_guest_that_is_off_is_69_and_nothing_was_typed(daemon, guests):
    guest = guests(start=False)
    result = daemon.ssh(guest.name, "send --enter x")
    assert result.status == UNAVAILABLE, result
    one_line_reason(result.errors, "is off; nothing was typed$")


# Wrong words and rights

@pytest.mark.parametrize("words, reason", [
    ("send --pace 0 x", "invalid value 0 of --pace"),
    ("send --pace fast x", "invalid value fast of --pace"),
    ("send --timeout soon x", "invalid value soon of --timeout"),
    ("send --escape 'ab\\q'", "the escape at byte 2 of the text is not known"),
    ("send --wait '(a' --enter", "missing closing parenthesis"),
    ("send --nonsense x", "--nonsense"),
])
def test_bad_words_are_64_and_named(daemon, shared, words, reason):
    result = daemon.ssh(shared.name, words)
    assert result.status == USAGE, result
    assert reason in one_line_reason(result.errors), result


@pytest.mark.parametrize("how", [{"stdin": b"text\n"}, {}], ids=["input", "words"])
def test_a_bad_pattern_is_told_before_anything_is_typed(daemon, shared, how):
    command = "send --enter --wait '(a'" + ("" if how else " say " + word())
    before = int(daemon.ssh(shared.name, "send").out)
    for _ in range(3):
        result = daemon.ssh(shared.name, command, **how)
        assert result.status == USAGE, result
        assert one_line_reason(result.errors).endswith("; nothing was typed"), result
    assert int(daemon.ssh(shared.name, "send").out) == before  # nor has the guest answered


def test_a_device_that_is_not_there_is_66(daemon, shared):
    assert daemon.ssh(shared.name, "send --device ttyS7 x").status == NO_SUCH


def test_rights_are_asked_one_by_one(daemons, guest):
    daemon = daemons({"access all": {"allow": "view"}})
    assert daemon.ssh(guest.name, "send x").status == DENIED
    daemon.configure({"access all": {"allow": "type"}})
    assert daemon.ctl("reload").status == DONE
    assert daemon.ssh(guest.name, "send --wait x --enter").status == DENIED
    assert daemon.ssh(guest.name, "send --force --enter").status == DENIED
    assert json.loads(daemon.ssh(guest.name, "send --json --enter").out)["accepted"] == 1
