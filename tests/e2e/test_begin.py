"""How a session begins: how much history a screenful is, and where live output begins."""

import re

import pytest

from lib import clients
from lib.proc import SLOW, wait_until
from lib.session import DENIED, DONE, ESCAPE, ask, leave, start_before_eyes, word

SCREENFUL = 200  # lines, whatever a client says of its terminal
PRINTED = 3000
LIVE = rb"\[vmconsoled: live output from offset (\d+)\](?:\r\n)?"  # on the last row no line ends


@pytest.fixture(scope="module")
def viewers(module_daemons, keys):
    """A daemon whose second key may view and no more."""
    first, other = keys.fingerprint(keys.ed25519), keys.fingerprint(keys.other)
    return module_daemons({
        "access all": {"who": f"key:{first}"},
        "access viewers": {"who": f"key:{other}", "vms": "*", "allow": "view"}})


@pytest.fixture(scope="module")
def printed(viewers, module_guests):
    """A guest that has printed many numbered lines."""
    guest = module_guests("printed")
    with viewers.pipes(guest.name) as script:
        script.send(f"pat {PRINTED}\r".encode())
        script.expect_bytes(64 * PRINTED)
        script.expect("guest> ")
    return guest


def numbers(shown):
    return [int(number) for number in re.findall(rb"(\d{10}) [A-Za-z0-9]{51}\r\n", shown)]


def assert_screenful(shown):
    found = numbers(shown)
    assert found == list(range(PRINTED - len(found), PRINTED)), found
    assert SCREENFUL - 10 <= len(found) <= SCREENFUL, len(found)


# How much the right to view is good for


def test_screenful_of_a_terminal_that_claims_65535_rows(viewers, printed, keys):
    with viewers.terminal(printed.name, rows=65535, key=keys.other) as viewer:
        viewer.expect(LIVE)
        assert_screenful(viewer.seen)


def test_lines_beyond_a_screenful_need_the_right_to_log(viewers, printed, keys):
    for lines in (SCREENFUL + 1, 15000):
        with viewers.terminal(printed.name, "attach", "--lines", str(lines), rows=60000,
                              key=keys.other) as viewer:
            assert viewer.wait() == DENIED
            assert b"permission denied: log" in viewer.seen and not numbers(viewer.seen), viewer.seen
    with viewers.terminal(printed.name, "attach", "--lines", str(SCREENFUL), rows=60000,
                          key=keys.other) as viewer:
        viewer.expect(LIVE)
        assert_screenful(viewer.seen)
    result = viewers.ssh(printed.name, "attach", "--lines", "25", key=keys.other)
    assert result.status == DENIED and not result.out, result
    result = viewers.ssh(printed.name, "attach", "--lines", "1000")
    assert len(numbers(result.out)) >= 999, result


def replayed(viewer):
    """What ^] r shows, up to live output."""
    begin = viewer.taken
    viewer.send(ESCAPE + b"r")
    viewer.expect(LIVE)
    return viewer.seen[begin:]


def test_screenful_replayed_after_a_resize(viewers, printed, keys):
    with viewers.terminal(printed.name, rows=24, key=keys.other) as viewer:
        viewer.expect(LIVE)
        assert len(numbers(viewer.seen)) < 24
        viewer.resize(60000, 80)
        # The resize goes its own way: until it has come, a screenful is as small as before.
        assert_screenful(wait_until(lambda: larger(replayed(viewer)), 20, "the resize is known"))


def larger(shown):
    return shown if len(numbers(shown)) > 24 else None


def test_screenful_replayed_where_60000_rows_were_claimed(viewers, printed, keys):
    with viewers.terminal(printed.name, rows=60000, key=keys.other) as viewer:
        viewer.expect(LIVE)
        assert_screenful(replayed(viewer))


@pytest.mark.timeout(400)
def test_lines_without_end_are_no_way_around(viewers, guest, keys):
    """A screenful is looked for in the newest 256 KiB, though fewer lines end there."""
    first, size = word().encode(), 300000
    with viewers.pipes(guest.name) as script:
        script.send(b"say " + first + b"\r")
        script.expect(first + b"\r\n.*guest> ")
        script.send(b"echo\r")
        script.expect("echo ready\r\n")
        script.send(b"x" * size + b"\x04", 200)
        script.expect(rf"echo {size} bytes", 200)
    for words in (("attach", "--lines", "24"), ("attach", "--lines", "4")):
        result = viewers.ssh(guest.name, *words, key=keys.other)
        assert result.status == DONE and first not in result.out, result
        assert len(result.out) <= 256 << 10, result
    with viewers.terminal(guest.name, key=keys.other) as viewer:
        viewer.expect(LIVE, 30)
        assert first not in viewer.seen
    assert first in viewers.ssh(guest.name, "attach", "--lines", "24").out


# Where live output begins


def test_a_line_stands_between_history_and_live_output(daemon, guest):
    with daemon.terminal(guest.name) as first:
        old = ask(first).encode()
        with daemon.terminal(guest.name) as second:
            mark = second.expect(LIVE)
            assert old in second.seen[:mark.start()]
            new = ask(first).encode()
            second.expect(new)
            assert old not in second.seen[mark.end():]
        status = daemon.ssh(guest.name, "status").text
        offset = int(re.search(r"offset +(\d+)", status).group(1))
        assert int(mark.group(1)) == offset - len(f"{new.decode()}\r\nguest> ")


def test_a_prompt_of_the_history_is_not_taken_for_the_guest_s(daemon, guest):
    """What an expect script does: waits for the line, then types, then waits for the prompt."""
    with daemon.terminal(guest.name) as person:
        ask(person)
    for _ in range(3):
        with daemon.terminal(guest.name) as script:
            script.expect(LIVE)
            answer = word()
            script.line(f"say {answer}")
            assert script.expect(rb"guest> ").start() > script.seen.index(answer.encode())
            leave(script)


def test_replay_ends_with_the_line_too(daemon, guest):
    with daemon.terminal(guest.name) as person:
        answer = ask(person).encode()
        assert answer in replayed(person)
        ask(person)


def test_lines_0_shows_nothing_of_before(daemon, guest):
    with daemon.terminal(guest.name) as person:
        old = ask(person).encode()
    with daemon.terminal(guest.name, "attach", "--lines", "0") as script:
        mark = script.expect(LIVE)
        ask(script)
        assert old not in script.seen
        assert b"guest> " not in script.seen[:mark.start()]


def read_until(channel, pattern):
    channel.settimeout(20 * SLOW)
    got = b""
    while not re.search(pattern, got):
        data = channel.recv(4096)
        assert data, got
        got += data
    return got


def shell(daemon, guest, key):
    """What a client without commands does: a terminal and a shell. All until live output."""
    client = clients.paramiko_connect(daemon, guest.name, key=key)
    got = read_until(client.invoke_shell(), LIVE)
    client.close()
    return got


SIZES = {(0, 0): None, (1, 1): (1, 1), (511, 1000): (511, 1000), (80, 9999): (80, 1000),
         (0xffffffff, 0xffffffff): None, (0x7fffffff, 0x7fffffff): (1000, 1000)}


def test_a_terminal_of_any_size_is_shown_the_console(daemon, guest):
    with daemon.terminal(guest.name) as person:
        old = ask(person).encode()
    client = clients.paramiko_connect(daemon, guest.name)
    for (columns, rows), taken in SIZES.items():
        channel = client.invoke_shell(width=columns, height=rows)
        assert old in read_until(channel, LIVE)
        channel.sendall(ESCAPE + b"z")
        if taken:
            typed = f"run stty rows {taken[1]} cols {taken[0]}"
            wait_until(lambda line=typed: line in guest.report_lines(), 10, typed)
        else:
            read_until(channel, b"does not say how large")
        channel.sendall(ESCAPE + b".")
        assert channel.recv_exit_status() == DONE
    client.close()


def test_key_option_chooses_for_a_client_that_has_no_command(daemons, guest, keys):
    daemon = daemons(authorized=[keys.line(keys.ed25519),
                                 'command="attach --lines 0" ' + keys.line(keys.other)])
    with daemon.terminal(guest.name) as person:
        old = ask(person).encode()
    assert old in shell(daemon, guest, keys.ed25519)
    assert old not in shell(daemon, guest, keys.other)


def test_rule_chooses_for_a_client_that_has_no_command(daemons, guest, keys):
    """The least of the rules that count; a session that says how many lines it wants gets them."""
    robot = f"key:{keys.fingerprint(keys.other)}"
    daemon = daemons({"access robots": {"who": robot, "vms": "*", "allow": "view", "lines": "0"}})
    with daemon.terminal(guest.name) as person:
        old = ask(person).encode()
    assert old in shell(daemon, guest, keys.ed25519)
    assert old not in shell(daemon, guest, keys.other)
    with daemon.terminal(guest.name, "attach", "--lines", "10", key=keys.other) as session:
        session.expect(LIVE)
        assert old in session.seen


def test_history_of_a_guest_that_is_off_ends_with_the_line(daemon, guest):
    with daemon.terminal(guest.name) as person:
        old = ask(person).encode()
        guest.destroy()
        person.expect("was destroyed")
    with daemon.terminal(guest.name) as late:
        late.expect(LIVE)
        assert old in late.seen
        leave(late)


# What modes a terminal has


SET_LONG_AGO = b"\x1b[?1049h\x1b[?1h\x1b[?25l\x1b[?1000h\x1b[>5u"
WINDOW = 256 << 10  # bytes that are looked back at where nothing is known


def test_modes_set_long_ago_are_brought_back_and_given_back(daemon, guest):
    with daemon.pipes(guest.name) as script:
        script.send(b"say " + SET_LONG_AGO + b"\r")
        script.expect(rb"\[>5u\r\n.*guest> ")
        script.send(f"bytes {WINDOW + 40000}\r".encode())
        script.expect("guest> ", 60)
    with daemon.terminal(guest.name) as viewer:
        for _ in range(2):
            viewer.expect(rb"\x1b\[\?1049h\x1b\[>5u.*\x1b\[\?1h\x1b\[\?25l\x1b\[\?1000h")
            viewer.expect(LIVE)
            viewer.send(ESCAPE + b"r")
            viewer.expect(rb"\x1b\[\?1l\x1b\[\?25h\x1b\[\?1000l\x1b\[<1u\x1b\[\?1049l")
        viewer.expect(LIVE)
        leave(viewer)
        assert viewer.seen[viewer.taken - 400:].count(b"\x1b[<1u\x1b[?1049l") == 1


def test_a_boot_is_a_fresh_terminal(daemon, guest):
    """The guest ends in the middle of a string, with a program on the screen, and starts anew."""
    with daemon.terminal(guest.name) as person:
        ask(person)
        person.line(b"say " + SET_LONG_AGO + b"\x1bPtext")
        person.expect(rb"\x1bPtext\r\n")
        guest.domain.destroy()
        person.expect("was destroyed")
        with start_before_eyes(daemon, guest):
            person.expect(rb"\x18\x1b\\.*\x1b\[\?1049l.*guest \S+ ready", 20)
            ask(person)
    with daemon.terminal(guest.name, "log", "--boot", "0", tty=True) as reader:
        assert reader.wait() == DONE
        assert b"ready" in reader.seen and b"?1049" not in reader.seen, reader.seen
    with daemon.terminal(guest.name) as viewer:
        viewer.expect(rb"ready.*" + LIVE)
        leave(viewer)
        assert b"?1049l" not in viewer.seen[viewer.seen.rindex(b"ready"):]
