"""How a session ends: the end of input, limits, signals, clients that are slow; no byte is lost
without a word."""

import asyncio
import os
import re
import signal
import subprocess
import time

import pytest

from lib import clients, pattern
from lib.proc import SLOW, wait_until
from lib.session import (DONE, ESCAPE, GUEST_CRASHED, GUEST_OFF, UNAVAILABLE, ask, leave,
                         one_line_reason, parse_json, see, walk)

LIMIT, KICKED = 85, 84
LEFT = rb"left VM \S+ at offset (\d+)"


def keyboard(daemon, guest):
    """Who has it, as status tells."""
    data = parse_json(daemon.ssh(guest.name, "status", "--json"))
    found, = [item["keyboard"] for item in walk(data) if isinstance(item, dict) and
              "keyboard" in item]
    return found


def log_from(daemon, guest, offset):
    result = daemon.ssh(guest.name, "log", "--from", str(offset), seconds=60)
    assert result.status == DONE, result
    return result.out


# As long as output flows


def test_output_that_flows_is_never_cut(daemon, guest):
    """Five seconds of it, longer than linger: the whole, and the end by itself."""
    result = daemon.ssh(guest.name, stdin=b"babble 5\r", seconds=60)
    assert result.status == DONE and result.err == b"", (result.status, result.err)
    count = int(re.search(rb"\nbabble (\d+) lines\r\nguest> $", result.out).group(1))
    pattern.assert_same(result.out[:64 * count], pattern.lines(0, count))


def test_limit_is_told_with_the_offset_to_go_on_from(daemons, guest):
    """A guest that prints for ever does not hold a pipe for ever."""
    daemon = daemons({"console": {"linger_max": "3s"}})
    begun = time.monotonic()
    result = daemon.ssh(guest.name, stdin=b"tick 10\n")
    assert result.status == LIMIT, result
    assert 2.5 < time.monotonic() - begun < 8 * SLOW
    reason = one_line_reason(result.errors, guest.name, "linger_max")
    offset = int(re.search(r"offset (\d+)", reason).group(1))
    whole = log_from(daemon, guest, 0)
    at = whole.index(result.out)
    assert result.out.startswith(b"tick 0000000000"), result
    assert whole[:at + len(result.out)] == whole[:offset]
    assert b"tick 0000000009" in result.out, result


def test_idle_session_is_told_its_offset(daemons, guest):
    daemon = daemons({"ssh": {"idle_timeout": "2s"}})
    with daemon.pipes(guest.name, "attach", "--no-input") as session:
        assert session.wait(20) == LIMIT
        one_line_reason(session.errors(), "idle", r"offset \d+")


def test_connection_without_a_session_is_idle_too(daemons, guest):
    daemon = daemons({"ssh": {"idle_timeout": "2s"}})
    with daemon.pipes(guest.name, options=["-N"]) as connection:
        daemon.wait_log("logged in as")
        assert connection.wait(20) == 255
        daemon.wait_log("idle timeout")


# A client that is slow


class Slow:
    """A client that takes a few KiB and then waits until it is told to go on."""

    def __init__(self, daemon, guest, command):
        self.client = clients.paramiko_connect(daemon, guest.name)
        self.channel = self.client.get_transport().open_session(
            window_size=32768, max_packet_size=32768)
        self.channel.settimeout(60 * SLOW)
        self.channel.exec_command(command)

    def read_all(self):
        out = b""
        while data := self.channel.recv(65536):
            out += data
        errors = self.channel.makefile_stderr("rb").read().decode()
        return out, self.channel.recv_exit_status(), errors

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()


@pytest.fixture(scope="module")
def printed(daemon, module_guests):
    """A guest that has printed 512,000 bytes: more than lies on the way to a slow client."""
    guest = module_guests("printed")
    with daemon.pipes(guest.name) as script:
        script.send(b"pat 8000\r")
        script.expect_bytes(512000)
        script.expect("guest> ")
    return guest


def test_slow_client_gets_history_to_its_end(daemon, printed):
    with Slow(daemon, printed, "attach --from start") as slow:
        slow.channel.shutdown_write()
        time.sleep(4)  # longer than linger, and than a console must have been open
        out, status, _ = slow.read_all()
        assert status == DONE
        assert out.endswith(pattern.lines(0, 8000) + b"guest> ")


def test_log_to_a_slow_client_ends_in_order(daemon, printed):
    with Slow(daemon, printed, "log") as slow:
        time.sleep(8)  # longer than was once given for the rest of the output
        out, status, _ = slow.read_all()
        assert status == DONE
        assert out.endswith(pattern.lines(0, 8000) + b"guest> ")


@pytest.mark.parametrize("end", ["destroy", "panic"])
def test_slow_client_gets_the_guest_s_last_words(daemon, printed, end):
    with Slow(daemon, printed, "attach --no-input --from start") as slow:
        daemon.wait_log("asks attach")
        if end == "destroy":
            printed.destroy()
        else:
            with daemon.terminal(printed.name) as person:
                person.line("panic")
                person.expect("panicked|crashed", 20)
        time.sleep(2)  # for the end to come before the client goes on
        out, status, errors = slow.read_all()
        assert status == (GUEST_OFF if end == "destroy" else GUEST_CRASHED), errors
        assert pattern.lines(0, 8000) in out
        one_line_reason(errors, "destroyed" if end == "destroy" else "panicked|crashed")
    if end == "destroy":
        printed.start()


def test_session_ended_by_others_is_told_its_offset(daemons, guest):
    daemon = daemons({"access all": {"allow": "view, type, log, admin"}})
    with daemon.pipes(guest.name, "attach", "--no-input") as script:
        row, = wait_until(lambda: parse_json(daemon.ssh(guest.name, "who", "--json")), 10, "a row")
        assert daemon.ssh("vmconsole", "kick", row["session"]).status == DONE
        assert script.wait() == KICKED
        one_line_reason(script.errors(), r"ended by .*; left at offset \d+$")
    with daemon.terminal(guest.name) as person, \
            daemon.pipes(guest.name, "log", "--follow") as reader:
        see(reader, person)
        daemon.stop()
        assert reader.wait() == 86
        one_line_reason(reader.errors(), r"restarting; left at offset \d+$")


# The end of input


def test_keyboard_is_given_up_at_the_end_of_input(daemon, guest):
    """Not at the end of the output: somebody else may type meanwhile."""
    with daemon.pipes(guest.name) as script:
        script.send(b"babble 8\r")
        script.expect(rb"0000000100 ")
        assert keyboard(daemon, guest)
        script.end_input()
        wait_until(lambda: keyboard(daemon, guest) is None, 10, "it is given up")
        assert script.process.poll() is None
        assert script.wait(60) == DONE
        count = int(re.search(rb"\nbabble (\d+) lines\r\nguest> $", script.seen).group(1))
        assert pattern.lines(0, count) in script.seen


def terminal_without_input(daemon, guest, *command):
    """ssh -tt </dev/null: a pty of 0 x 0, and the end of input at once."""
    return subprocess.Popen(
        clients.ssh_argv(daemon, guest.name, *command, tty=True), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


def plink_without_input(daemon, guest):
    """plink asks for a pty though it has no terminal."""
    return subprocess.Popen(
        clients.plink_argv(daemon, guest.name), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, start_new_session=True,
        env={"PATH": "/usr/bin:/bin", **clients.home(daemon)})


@pytest.mark.parametrize("client", [terminal_without_input, plink_without_input])
def test_terminal_whose_input_has_ended_ends_by_itself(daemon, guest, client):
    with client(daemon, guest) as process:
        out, _ = process.communicate(timeout=30 * SLOW)
        assert process.returncode == DONE, out
        assert re.search(LEFT, out), out
    assert keyboard(daemon, guest) is None


def test_terminal_whose_input_has_ended_gives_the_keyboard_to_who_waits(daemon, guest):
    with daemon.pipes(guest.name, tty=True) as first:  # a pty, and a pipe as standard input
        ask(first)
        with daemon.terminal(guest.name) as second:
            second.expect("you are watching")
            first.end_input()
            second.expect("you have the keyboard now")
            ask(second)
            second.send(b"tick 20\r")  # it prints on: the first one stays, and cannot type
            second.expect("tick 0000000020")
            assert first.process.poll() is None
            second.send(b"x")
            second.expect("guest> ")
        assert first.wait(20) == DONE


def test_terminal_without_input_stays_when_told_so(daemon, guest):
    with terminal_without_input(daemon, guest, "attach", "--no-input") as process:
        wait_until(lambda: rows(daemon, guest), 10, "it is attached")
        time.sleep(4)  # longer than linger and than a console must have been open
        assert process.poll() is None
        assert keyboard(daemon, guest) is None
        guest.destroy()
        time.sleep(1)
        assert process.poll() is None, "on a terminal it waits for the next start"
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=20 * SLOW)


def rows(daemon, guest):
    return parse_json(daemon.ssh(guest.name, "who", "--json"))


def test_no_input_on_a_terminal_types_nothing_and_can_be_left(daemon, guest):
    with daemon.terminal(guest.name, "attach", "--no-input") as watcher:
        watcher.expect("you are watching")
        watcher.line("say never")
        watcher.send(ESCAPE + b"f")
        watcher.expect("--no-input")
        watcher.line("say never")
        with daemon.terminal(guest.name) as person:
            ask(person)
            assert b"never\r\n" not in person.seen
        leave(watcher)


@pytest.mark.parametrize("command, status", [((), UNAVAILABLE), (("attach", "--wait=3"),
                                                                 UNAVAILABLE)])
def test_terminal_without_input_waits_for_no_guest(daemon, guest, command, status):
    """Unless it says so: nobody could leave."""
    guest.destroy()
    wait_until(lambda: "off" in daemon.ssh(guest.name, "status").text, 10, "it is off")
    begun = time.monotonic()
    with terminal_without_input(daemon, guest, *command) as process:
        out, _ = process.communicate(timeout=30 * SLOW)
        assert process.returncode == status, out
        assert guest.name.encode() in out.split(b"\r\n")[-2], out
    assert not command or time.monotonic() - begun >= 2.9


def test_terminal_ends_when_the_guest_it_waits_for_is_nobody_s_concern(daemon, guest):
    with daemon.pipes(guest.name, tty=True) as session:
        ask(session)
        guest.destroy()
        session.expect("waiting for it to start")
        session.end_input()
        assert session.wait(20) == UNAVAILABLE


# The client's signals


def signalled(daemon, guest, run, command=None, term="xterm"):
    async def session():
        async with clients.asyncssh_connect(daemon, guest.name) as connection:
            process = await connection.create_process(command, term_type=term, encoding=None)
            return await run(process)
    return asyncio.run(asyncio.wait_for(session(), 40 * SLOW))


async def answers(process, typed, wanted):
    process.stdin.write(typed)
    return await process.stdout.readuntil(wanted)


@pytest.mark.parametrize("term", ["xterm", None], ids=["terminal", "pipe"])
def test_winch_changes_nothing_and_int_types_it(daemon, guest, term):
    async def run(process):
        await answers(process, b"echo\r", b"echo ready\r\n")
        process.send_signal("WINCH")
        process.send_signal("USR1")
        process.send_signal("INT")
        await answers(process, b"still here", b"\x03still here")
        process.stdin.write(b"\x04")
        await process.stdout.readuntil(b"echo 11 bytes\r\n")
        process.send_signal("TERM")
        done = await process.wait()
        return done.exit_status, done.stdout + done.stderr
    status, said = signalled(daemon, guest, run, term=term)
    assert status == DONE and re.search(LEFT, said), said


def test_hup_leaves(daemon, guest):
    async def run(process):
        await answers(process, b"say here\r", b"here\r\n")
        process.send_signal("HUP")
        return (await process.wait()).exit_status
    assert signalled(daemon, guest, run) == DONE


@pytest.mark.parametrize("term", ["xterm", None], ids=["terminal", "pipe"])
def test_int_of_a_watcher_types_nothing_and_ends_nothing(daemon, guest, term):
    with daemon.terminal(guest.name) as writer:
        writer.line("echo")
        writer.expect("echo ready\r\n")

        async def run(process):
            process.send_signal("INT")
            await wait_for_refusal(process, term)
            return process.exit_status
        assert signalled(daemon, guest, run, "attach --read-only", term) is None
        writer.send(b"\x04")
        writer.expect("echo 0 bytes")


async def wait_for_refusal(process, term):
    stream = process.stdout if term else process.stderr
    await stream.readuntil(b"nothing is typed")


def test_signal_ends_what_is_no_session(daemon, guest):
    with daemon.terminal(guest.name) as person:
        ask(person)

    async def run(process):
        await process.stdout.readuntil(b"guest> ")
        process.send_signal("WINCH")
        process.send_signal("INT")
        done = await process.wait()
        return done.exit_status, done.stderr
    status, said = signalled(daemon, guest, run, "log --follow", None)
    assert status == DONE and b"INT" in said, said


# Where one was


def test_leaving_before_the_replay_is_sent_names_the_offset_it_was_to_begin_at(daemon, guest):
    """The broker hears of the session and of the order to leave in one go."""
    with daemon.pipes(guest.name) as script:
        script.send(b"pat 3000\r")
        script.expect_bytes(192000)
        script.expect("guest> ")
    client = clients.paramiko_connect(daemon, guest.name)
    channel = client.get_transport().open_session()
    channel.get_pty("xterm", 80, 24)
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        channel.exec_command("attach --from 150000")
        channel.sendall(ESCAPE + b".")
        time.sleep(0.5)  # for the door to pass both on
    finally:
        os.kill(daemon.pid, signal.SIGCONT)
    channel.settimeout(20 * SLOW)
    said = b""
    while data := channel.recv(4096):
        said += data
    client.close()
    left = int(re.search(LEFT, said).group(1))
    shown = sum(map(len, re.findall(rb"\d{10} \w{51}\r\n", said)))
    assert 150000 <= left <= 150000 + shown + 64, said


def test_leaving_during_a_replay_names_the_end_of_what_was_seen(daemon, guest):
    with daemon.terminal(guest.name) as person:
        ask(person)
        offset = int(re.search(r"offset +(\d+)", daemon.ssh(guest.name, "status").text).group(1))
        person.send(ESCAPE + b"r" + ESCAPE + b".")
        assert person.wait() == DONE
        assert int(re.search(LEFT, person.seen).group(1)) == offset
