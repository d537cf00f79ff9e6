"""wait: a pattern over the output as text, quiet, and what ends a wait beside them.

The test guest does not echo: an answer stands behind the prompt, on its line.
"""

import json
import os
import signal

import pytest

from lib import clients, proc
from lib.proc import wait_until
from lib.session import (BUSY, DENIED, DONE, GUEST_CRASHED, GUEST_OFF, NO_SUCH, UNAVAILABLE, USAGE,
                         ask, ask_until_answered, one_line_reason, parse_json, walk, word)

KICKED, TIMED_OUT, INTERRUPTED = 84, 124, 130


def next_offset(daemon, guest):
    data = parse_json(daemon.ssh(guest.name, "status", "--json"))
    offset, = [item["next"] for item in walk(data) if isinstance(item, dict) and "next" in item]
    return offset


def rows(daemon, guest):
    return parse_json(daemon.ssh(guest.name, "who", "--json"))


def waiting(daemon, guest, *words, **options):
    """A wait that has begun: output from now on counts."""
    before = {row["session"] for row in rows(daemon, guest)}
    process = daemon.pipes(guest.name, "wait " + " ".join(words), **options)
    wait_until(lambda: {row["session"] for row in rows(daemon, guest)} - before, 15,
               "the wait has begun")
    return process


def ended(process, status, *reason, seconds=20):
    assert process.wait(seconds) == status, process.errors()
    return one_line_reason(process.errors(), *reason)


@pytest.fixture
def typist(daemon, shared):
    """A session that types into the guest all tests share that leave it at its prompt."""
    with daemon.pipes(shared.name) as session:
        ask(session)
        yield session


# What is found

def test_the_line_is_printed_and_where_it_was(daemon, shared, typist):
    with waiting(daemon, shared, "'ready [0-9]+$'") as process:
        before = next_offset(daemon, shared)
        typist.line("say system ready 42")
        reason = ended(process, DONE, "pattern 1")
        assert process.seen == b"guest> system ready 42\n"
    assert f"offset {before + len('system ')}," in reason
    assert f"ends at {before + len('system ready 42')}" in reason


def test_json_has_pattern_text_start_and_end(daemon, shared, typist):
    with waiting(daemon, shared, "--json", "login:", "'panic|oops'") as process:
        before = next_offset(daemon, shared)
        typist.line("say an oops here")
        ended(process, DONE)
    assert json.loads(process.seen) == {"pattern": 1, "text": "guest> an oops here",
                                        "start": before + 3, "end": before + 7}


def test_a_prompt_is_found_without_a_newline(daemon, shared, typist):
    with waiting(daemon, shared, "'^guest> $'") as process:
        typist.line("say x")
        ended(process, DONE)
    assert process.seen == b"guest> \n"


def test_old_output_is_not_found(daemon, shared, typist):
    old = ask(typist)
    with waiting(daemon, shared, f"'{old}|new'") as process:
        typist.line("say new")
        ended(process, DONE)
    assert process.seen == b"guest> new\n"


def test_from_an_offset_it_printed_before_i_asked_is_no_race(daemon, shared, typist):
    before = next_offset(daemon, shared)
    text = ask(typist)
    result = daemon.ssh(shared.name, f"wait --from {before} --json {text}")
    assert parse_json(result)["start"] == before
    end = parse_json(result)["end"]
    result = daemon.ssh(shared.name, f"wait --from {end} --timeout 1 {text}")
    assert result.status == TIMED_OUT, result
    assert daemon.ssh(shared.name, f"wait --from -40 {text}").text == f"guest> {text}\n"
    assert daemon.ssh(shared.name, f"wait --from start {text}").text == f"guest> {text}\n"


def test_control_sequences_do_not_come_between(daemon, shared, typist):
    """The test guest's `esc` prints colours, questions and titles around words."""
    with waiting(daemon, shared, "--raw", "--json", "'\\x1b'") as raw, \
            waiting(daemon, shared, "--json", "'^guest> $'") as text:
        typist.line("esc")
        ended(raw, DONE)
        ended(text, DONE)
    assert "\x1b" in json.loads(raw.seen)["text"]
    assert "\x1b" not in json.loads(text.seen)["text"]


def test_multi_spans_lines(daemon, shared, typist):
    with waiting(daemon, shared, "--multi", "'(?s)begin.*end'") as process:
        typist.line("say begin")
        typist.expect("guest> ")
        typist.line("say the end")
        ended(process, DONE)
    assert process.seen == b"guest> begin\nguest> the end\n"


def test_a_pattern_may_begin_with_a_dash(daemon, shared, typist):
    with waiting(daemon, shared, "--", "'-bash-5'") as process:
        typist.line("say -bash-5.2#")
        ended(process, DONE)
    assert process.seen == b"guest> -bash-5.2#\n"


def test_it_is_found_in_a_flood(daemon, guest):
    """Line 20000 of the test guest's numbered lines, of 64 bytes each."""
    with daemon.pipes(guest.name) as typist:
        ask(typist)
        with waiting(daemon, guest, "'^0000020000 '") as process:
            typist.line("pat 30000")
            ended(process, DONE, seconds=80)
        assert process.seen.startswith(b"0000020000 ")


def test_quiet_ends_when_the_output_has_settled(daemon, shared, typist):
    with waiting(daemon, shared, "--quiet 2 --json") as process:
        typist.line("tick 20")
        typist.expect("tick 0000000012")
        assert process.process.poll() is None
        typist.send(b"x")
        ended(process, DONE, "quiet")
    answer = json.loads(process.seen)
    assert answer["pattern"] is None and answer["start"] == answer["end"]
    assert answer["end"] == next_offset(daemon, shared)


def test_a_pattern_comes_before_quiet(daemon, shared, typist):
    with waiting(daemon, shared, "--quiet 3", "ready") as process:
        typist.line("say ready")
        ended(process, DONE, "pattern 1")


@pytest.mark.parametrize("local", [False, True])
def test_the_same_over_ssh_and_vmconsolectl(daemon, shared, typist, local):
    before = next_offset(daemon, shared)
    text = ask(typist)
    words = ["wait", "--from", str(before), text]
    result = daemon.ctl("wait", shared.name, *words[1:]) if local \
        else daemon.ssh(shared.name, *words)
    assert result.status == DONE and result.text == f"guest> {text}\n", result


# What ends it

def test_timeout_is_124_with_the_offset(daemon, shared, typist):
    before = next_offset(daemon, shared)
    result = daemon.ssh(shared.name, "wait --timeout 1 never")
    assert result.status == TIMED_OUT and result.out == b"", result
    one_line_reason(result.errors, "timed out after 1s", f"offset {before}$")


def test_timeout_0_looks_at_what_is_there(daemon, shared, typist):
    text = ask(typist)
    assert daemon.ssh(shared.name, f"wait --timeout 0 --from start {text}").status == DONE
    assert daemon.ssh(shared.name, "wait --timeout 0 --from start never").status == TIMED_OUT


@pytest.mark.parametrize("on_crash", ["preserve", "restart"])
def test_a_panic_is_81_and_its_words_are_found(daemon, guests, on_crash):
    """For those of a guest that is destroyed by it see test_unix: the kernel drops what is unread in
    a pty when QEMU goes."""
    guest = guests(on_crash=on_crash)
    with daemon.pipes(guest.name) as typist:
        ask(typist)
        with waiting(daemon, guest, "never") as process, \
                waiting(daemon, guest, "'last words'") as other:
            typist.send(b"say last words\rpanic\r")
            ended(process, GUEST_CRASHED, "panic|crash")
            ended(other, DONE)
        typist.wait(15)


def test_a_panic_that_destroys_the_guest_is_81(daemon, guests):
    guest = guests(on_crash="destroy")
    with daemon.pipes(guest.name) as typist:
        ask(typist)
        with waiting(daemon, guest, "never") as process:
            typist.line("panic")
            ended(process, GUEST_CRASHED, "panic|crash")
        typist.wait(15)


def test_a_guest_that_has_panicked_before_is_81_and_its_history_is_looked_at(daemon, guests):
    guest = guests(on_crash="preserve")
    with daemon.pipes(guest.name) as typist:
        text = ask(typist)
        typist.line("panic")
        assert typist.wait(20) == GUEST_CRASHED
    result = daemon.ssh(guest.name, "wait never")
    assert result.status == GUEST_CRASHED, result
    assert daemon.ssh(guest.name, f"wait --from start {text}").status == DONE


def test_a_panic_may_be_ignored(daemon, guests):
    guest = guests(on_crash="restart")
    with daemon.pipes(guest.name, "attach --wait") as typist:
        ask(typist)
        with waiting(daemon, guest, "--ignore-panic", "'guest .* ready'") as process:
            typist.send(b"panic\r")
            ended(process, DONE, "pattern 1")


def test_the_end_of_the_guest_is_80(daemon, guest):
    """For its last words see test_unix: the kernel drops what is unread in a pty when QEMU goes."""
    with daemon.pipes(guest.name) as typist:
        ask(typist)
        with waiting(daemon, guest, "never") as process:
            typist.send(b"off\r")
            ended(process, GUEST_OFF, "shut down")


def test_a_reboot_goes_on(daemon, guest):
    with daemon.pipes(guest.name) as typist:
        ask(typist)
        with waiting(daemon, guest, "'guest .* ready'") as process:
            typist.line("reboot")
            ended(process, DONE)
        assert process.seen.endswith(b"ready\n")


def test_a_guest_that_is_off_is_69_but_its_history_is_looked_at(daemon, guests):
    guest = guests()
    with daemon.pipes(guest.name) as typist:
        text = ask(typist)
        typist.send(b"off\r")
        typist.wait(15)
    guest.wait_state("shut off")
    result = daemon.ssh(guest.name, "wait x")
    assert result.status == UNAVAILABLE, result
    one_line_reason(result.errors, "is off")
    assert daemon.ssh(guest.name, f"wait --from start {text}").status == DONE
    assert daemon.ssh(guest.name, "wait --from start never").status == UNAVAILABLE


def test_a_wait_that_is_kicked_ends_with_84(daemons, guest):
    daemon = daemons({"access all": {"allow": "view, type, log, admin"}})
    with waiting(daemon, guest, "never") as process:
        row, = rows(daemon, guest)
        assert row["mode"] == "reads"
        assert daemon.ssh("vmconsole", "kick", row["session"]).status == DONE
        ended(process, KICKED, "ended by")


@pytest.mark.parametrize("name", ["INT", "TERM"])
def test_a_signal_of_the_client_is_130_and_never_0(daemon, guest, name):
    client = clients.paramiko_connect(daemon, guest.name)
    with client:
        channel = client.get_transport().open_session(timeout=20 * proc.SLOW)
        channel.exec_command("wait never")
        wait_until(lambda: rows(daemon, guest), 15, "the wait has begun")
        clients.paramiko_signal(client, channel, name)
        channel.status_event.wait(20 * proc.SLOW)
        assert channel.exit_status == INTERRUPTED
        one_line_reason(channel.makefile_stderr().read().decode(), "left at offset")


def test_a_wait_whose_client_goes_is_gone(daemon, guest):
    process = waiting(daemon, guest, "never")
    process.kill()
    wait_until(lambda: not rows(daemon, guest), 15, "the wait is gone")


# Wrong words

@pytest.mark.parametrize("words, reason", [
    ("wait", "what for"),
    ("wait '(a'", "pattern 1: missing closing parenthesis"),
    ("wait a '('", "pattern 2: "),
    ("wait ''", "pattern 1: it is empty"),
    ("wait x --timeout soon", "invalid value soon of --timeout"),
    ("wait --quiet 0", "invalid value 0 of --quiet"),
    ("wait x --from here", "invalid value here of --from"),
    ("wait x --nonsense", "--nonsense"),
    ("wait " + "a " * 17, "limit patterns: more than 16"),
    ("wait " + "a" * 1025, "limit pattern-length"),
    ("wait '" + "(" * 40 + ")" * 40 + "'", "limit nesting"),
])
def test_bad_words_are_64_and_named(daemon, shared, words, reason):
    result = daemon.ssh(shared.name, words)
    assert result.status == USAGE, result
    assert reason in one_line_reason(result.errors), result


def test_offsets_that_are_not_there_are_66(daemon, guest):
    result = daemon.ssh(guest.name, "wait x --from 999999999")
    assert result.status == NO_SUCH and "not reached" in result.errors, result
    assert daemon.ssh(guest.name, "wait x --device ttyS7").status == NO_SUCH


def test_more_history_than_a_screenful_needs_the_right_to_the_log(daemons, guest):
    daemon = daemons({"access all": {"allow": "view, type"}})
    with daemon.pipes(guest.name) as typist:
        ask(typist)
        before = next_offset(daemon, guest)
        text = ask(typist)
        assert daemon.ssh(guest.name, f"wait --from {before} {text}").status == DONE
        typist.line("pat 300")
        typist.expect("0000000299.*guest> ", 30)
        result = daemon.ssh(guest.name, f"wait --from {before} {text}")
        assert result.status == DENIED and "log" in result.errors, result
        assert daemon.ssh(guest.name, "wait --timeout 0 --from -100 0000000299").status == DONE


# Hostile patterns

def test_a_hostile_pattern_ends_with_the_name_of_its_limit(daemon, shared, typist):
    with waiting(daemon, shared, "'(a+)+$'") as process:
        typist.line("say " + "a" * 60 + "!")
        ended(process, BUSY, "pattern 1 exceeds the limit steps")


def test_too_many_waits_are_told(daemons, guest):
    daemon = daemons({"console": {"max_waits": "1"}})
    with waiting(daemon, guest, "never"):
        result = daemon.ssh(guest.name, "wait other")
        assert result.status == BUSY, result
        one_line_reason(result.errors, "max_waits")


def test_one_user_does_not_have_all_waits(daemons, guest, keys):
    daemon = daemons({"console": {"max_waits": "3", "max_waits_per_user": "2"}})
    with waiting(daemon, guest, "never"), waiting(daemon, guest, "ever"):
        for verb in ("wait other", "send --wait other x"):
            result = daemon.ssh(guest.name, verb)
            assert result.status == BUSY, result
            one_line_reason(result.errors, "max_waits_per_user")
        result = daemon.ssh(guest.name, "wait other --timeout 1s", key=keys.other)
        assert result.status == TIMED_OUT, result


def worker(daemon):
    found = daemon.workers("match")
    assert len(found) <= 1, found
    return found[0] if found else None


def test_a_worker_that_is_killed_ends_no_wait(daemon, shared, typist):
    done = word()
    with waiting(daemon, shared, f"'^guest> {done}$'") as process:
        for _ in range(3):
            pid = wait_until(lambda: worker(daemon), 15, "a worker")
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: worker(daemon) not in (None, pid), 30, "another worker")
            ask(typist)
        typist.line(f"say {done}")
        ended(process, DONE)
    assert process.seen == f"guest> {done}\n".encode()


def test_a_worker_is_there_only_when_somebody_waited(daemons, guest):
    daemon = daemons()
    assert worker(daemon) is None
    assert daemon.ssh(guest.name, "wait --timeout 0 x").status == TIMED_OUT
    assert worker(daemon)


# The hypervisor goes: last, for the daemon of this file loses it too

def test_a_hypervisor_that_goes_and_comes_back_ends_no_wait(daemons, guest, virt):
    daemon = daemons()
    done = word()
    with waiting(daemon, guest, f"'^guest> {done}$'") as process:
        virt.restart()
        wait_until(lambda: daemon.ssh(guest.name).status == DONE, 30, "a session after the restart")
        with daemon.pipes(guest.name) as typist:
            ask_until_answered(typist)
            typist.line(f"say {done}")
            ended(process, DONE)


def test_a_wait_that_ends_while_the_hypervisor_is_away_is_69(daemons, guest, virt):
    daemon = daemons()
    with daemon.pipes(guest.name) as script:
        ask_until_answered(script)  # its console is open, and stays so
    with waiting(daemon, guest, "--timeout 12 never") as process:
        virt.kill9()
        ended(process, UNAVAILABLE, "hypervisor of VM .* cannot be reached: timed out after",
              seconds=40)
