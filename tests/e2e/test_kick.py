"""Sessions as others see them, and end them: who, kick."""

import json
import re
import time
from contextlib import ExitStack

import pytest

from lib.session import (DENIED, DONE, NO_SUCH, USAGE, ask, one_line_reason, parse_json, see, word)
from lib.term import Terminal
from lib.proc import wait_until

KICKED = 84


@pytest.fixture(scope="module")
def room(module_daemons):
    """A daemon whose users are administrators."""
    return module_daemons({"access all": {"allow": "view, type, force, control, log, admin"}})


def who(daemon, *login):
    login = login or ("vmconsole",)
    return json.loads(daemon.ssh(login[0], "who", "--json").out)


def session_of(daemon, guest, mode):
    row, = [row for row in who(daemon, guest.name) if row["mode"] == mode]
    return row["session"]


def test_who_tells_identity_since_lag_mode_and_address(room, guest, keys):
    begun = time.time()
    with ExitStack() as people:
        writer = people.enter_context(room.terminal(guest.name))
        ask(writer)  # who comes first has the keyboard
        waiter = people.enter_context(room.terminal(guest.name, key=keys.other))
        watcher = people.enter_context(
            room.pipes(guest.name, "attach", "--read-only", "--no-input"))
        reader = people.enter_context(room.pipes(guest.name, "log", "--follow"))
        see(waiter, writer)
        see(watcher, writer)
        see(reader, writer)
        rows = {row["mode"]: row for row in who(room, guest.name)}
        assert set(rows) == {"writes", "waits", "watches", "reads"}, rows
        assert keys.fingerprint(keys.other) in rows["waits"]["identity"]
        for row in rows.values():
            assert row["vm"] == guest.name and row["uuid"] == guest.uuid
            assert row["lag"] == 0 and row["address"].startswith("127.0.0.1"), row
            since = time.mktime(time.strptime(row["since"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
            assert begun - 2 < since < time.time() + 2
        writer.send(b"\x1dw")
        writer.expect(r"(?=.*waits for the keyboard)(?=.*watches)")  # who came first is first


def test_addresses_are_for_administrators(daemon, guest):
    with daemon.terminal(guest.name) as session:
        ask(session)
        row, = who(daemon, guest.name)
        assert "address" not in row and row["mode"] == "writes"
    assert daemon.ssh("vmconsole", "who").status == DENIED


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipe"])
def test_kicked_session_ends_with_84_and_says_by_whom(room, guest, keys, terminal):
    with (room.terminal if terminal else room.pipes)(guest.name) as session:
        ask(session)
        result = room.ssh("vmconsole", "kick", session_of(room, guest, "writes"), key=keys.other)
        assert result.status == DONE, result
        assert session.wait() == KICKED
        text = session.seen.decode() if terminal else session.errors()
        one_line_reason(text, "ended by", re.escape(keys.fingerprint(keys.other)))
    wait_until(lambda: not who(room, guest.name), 10, "nobody is left")


def test_follower_of_the_log_can_be_kicked(room, guest):
    with room.pipes(guest.name, "log", "--follow") as reader, room.pipes(guest.name) as writer:
        see(reader, writer)
        assert room.ssh("vmconsole", "kick", session_of(room, guest, "reads")).status == DONE
        assert reader.wait() == KICKED
        ask(writer)


def test_whole_connection_can_be_kicked(room, guest):
    with room.terminal(guest.name) as session:
        ask(session)
        connection = session_of(room, guest, "writes").split(".")[0]
        assert room.ctl("kick", connection).status == DONE
        assert session.wait() == KICKED


def test_kick_passes_the_keyboard_on(room, guest, keys):
    with room.terminal(guest.name) as first, \
            room.terminal(guest.name, "attach", "--read-only", key=keys.other) as watcher:
        ask(first)
        see(watcher, first)
        with room.terminal(guest.name, key=keys.other) as second:
            see(second, first)
            room.ssh("vmconsole", "kick", session_of(room, guest, "writes"))
            second.expect("you have the keyboard now")
            ask(second)
        secret = word()
        watcher.line(f"say {secret}")
        watcher.expect("watching")
        result = room.ssh(guest.name, stdin=b"say last\n")
        assert result.status == DONE and b"last\r\n" in result.out, result
        assert secret.encode() not in result.out


def test_kick_needs_the_right_and_a_session(daemon, room, guest):
    with daemon.terminal(guest.name) as session:
        ask(session)
        mine = session_of(daemon, guest, "writes")
        result = daemon.ssh("vmconsole", "kick", mine)
        assert result.status == NO_SUCH and mine in result.errors, result
        ask(session)
    assert room.ssh("vmconsole", "kick", "c99999.0").status == NO_SUCH
    assert room.ssh("vmconsole", "kick").status == USAGE
    assert room.ssh("vmconsole", "kick", "a", "b").status == USAGE


def test_administrator_of_one_guest_kicks_there_only(daemons, guests, keys):
    mine, other = guests(), guests()
    daemon = daemons({"access own": {"who": f"key:{keys.fingerprint(keys.other)}",
                                     "vms": mine.name, "allow": "admin"}})
    with daemon.terminal(mine.name) as first, daemon.terminal(other.name) as second:
        ask(first)
        ask(second)
        result = daemon.ssh("vmconsole", "kick", session_of(daemon, other, "writes"),
                            key=keys.other)
        assert result.status == NO_SUCH, result
        result = daemon.ssh("vmconsole", "kick", session_of(daemon, mine, "writes"),
                            key=keys.other)
        assert result.status == DONE, result
        assert first.wait() == KICKED
        ask(second)


def test_console_that_cannot_be_opened_ends_a_follower(daemon, guests):
    guest = guests(serials=("file",))
    result = daemon.ssh(guest.name, "log", "--follow")
    assert result.status == 69 and "file" in result.errors, result
    assert daemon.ssh(guest.name, "log").out == b""
    assert re.search("file", daemon.ssh(guest.name, "status").text)


# top


@pytest.fixture
def flooded(room, guests):
    """Names of two guests: one is asked something, the other prints all the time."""
    calm, busy = guests(), guests()
    with room.terminal(calm.name) as person, room.pipes(busy.name) as reader:
        ask(person)
        ask(reader)
        reader.line("flood")
        busy.wait_run("flood")
        yield calm.name, busy.name


def test_top_puts_who_uses_most_first(room, flooded):
    calm, busy = flooded
    found = parse_json(room.ctl("top", "--json"))
    first, second = found["consoles"]
    assert (first["vm"], second["vm"]) == (busy, calm)
    assert first["output"] > first["output_per_second"] > 1000 and first["viewers"] == 1, first
    assert first["keyboard"].startswith("key:SHA256:"), first
    assert second["output_per_second"] == second["lag"] == 0 and second["output"] > 0, second
    sessions = {row["vm"]: row for row in found["sessions"]}
    assert sessions[busy]["sent_per_second"] > 1000 and sessions[calm]["verb"] == "attach", found
    assert sessions[None]["verb"] == "top" and sessions[None]["lag"] is None, found
    text = room.ctl("top").text
    assert re.search(rf"^{busy} +serial0 .*\n{calm} +serial0 ", text, re.M), text


def test_top_on_a_terminal_is_drawn_anew_until_one_leaves(room, flooded):
    calm, busy = flooded
    with Terminal(room.ctl_argv("top", "--interval", "1s"), rows=5, columns=60) as screen:
        screen.expect(r"\x1b\[\?1049h.*\x1b\[H")
        screen.expect(rf"{busy} .*{calm} .*\x1b\[H")
        frame = screen.expect(r"([^\x1b].*?)\x1b\[J").group(1)
        assert frame.count(b"\r\n") < 5, frame
        lines = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", frame).split(b"\r\n")
        assert all(len(line) <= 60 for line in lines), lines
        screen.send("q")
        assert screen.wait() == DONE
        assert screen.seen.endswith(b"\x1b[?25h\x1b[?1049l"), screen.seen[-100:]


def test_top_is_for_administrators_of_the_host(room, guest):
    assert room.ssh("vmconsole", "top").status == DENIED
