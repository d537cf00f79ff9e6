"""Several people on one console: who types, who watches, and what the escape key does."""

import re

import pytest

from lib import pattern
from lib.proc import wait_until
from lib.session import (BUSY, DENIED, DONE, ESCAPE, USAGE, ask, leave, one_line_reason, see,
                         word)


@pytest.fixture
def room(daemon, guest):
    """room(): another person at the guest's console; all are shown out at the end."""
    people = []

    def enter(*command, **options):
        person = daemon.terminal(guest.name, *command, **options)
        people.append(person)
        person.expect(guest.name)
        return person

    yield enter
    for person in people:
        person.close()


def types_in_vain(person, witness):
    """What person types does not reach the guest: the witness asks later and sees only that."""
    secret = word()
    person.line(f"say {secret}")
    ask(witness)
    assert secret.encode() + b"\r\n" not in witness.seen


def test_header_tells_where_one_is(room, guest):
    person = room()
    ask(person)
    head = person.seen.decode(errors="replace").strip().split("\n")[0]
    assert guest.name in head and "serial0" in head and "running" in head, head
    assert "^]" in head, head


def test_first_one_types_and_others_watch_and_are_told(room, keys):
    first = room()
    ask(first)
    second = room(key=keys.other)
    second.expect("(?i)keyboard|watch")
    see(second, first)
    types_in_vain(second, first)


def test_keyboard_is_taken_over_and_both_are_told_by_whom(room, keys):
    first = room()
    ask(first)
    second = room(key=keys.other)
    see(second, first)
    second.send(ESCAPE + b"f")
    second.expect("(?i)keyboard")
    told = first.expect("(?i)[^\r\n]*keyboard[^\r\n]*").group(0).decode()
    assert keys.fingerprint(keys.other) in told or "other" in told, told
    ask(second)
    see(first, second)
    types_in_vain(first, second)


def test_attach_with_force_takes_the_keyboard_at_once(room, keys):
    first = room()
    ask(first)
    second = room("attach", "--force", key=keys.other)
    ask(second)
    first.expect("(?i)keyboard")


def test_force_needs_the_right(daemons, guest, keys):
    daemon = daemons({"access all": {"who": f"key:{keys.fingerprint(keys.ed25519)}"},
                      "access other": {"who": f"key:{keys.fingerprint(keys.other)}", "vms": "*",
                                       "allow": "view, type"}})
    with daemon.terminal(guest.name) as first:
        ask(first)
        with daemon.terminal(guest.name, key=keys.other) as second:
            see(second, first)
            second.send(ESCAPE + b"f")
            second.expect("force")
            types_in_vain(second, first)
    result = daemon.ssh(guest.name, "attach", "--force", stdin=b"say x\n", key=keys.other)
    assert result.status == DENIED, result
    one_line_reason(result.errors, "force")


def test_keyboard_given_up_goes_to_the_one_who_waits_longest(room, keys):
    first = room()
    ask(first)
    watcher = room("attach", "--read-only", key=keys.other)
    second = room(key=keys.other)
    see(second, first)
    third = room(key=keys.other)
    see(third, first)
    first.send(ESCAPE + b"o")
    second.expect("(?i)keyboard")
    ask(second)
    leave(second)
    ask(third)
    leave(third)
    types_in_vain(watcher, room())


def test_keyboard_of_one_who_vanished_goes_on(room):
    first = room()
    ask(first)
    second = room()
    see(second, first)
    first.kill()
    second.expect("(?i)keyboard")
    ask(second)


def test_pipe_does_not_type_while_somebody_has_the_keyboard(daemon, room, guest):
    first = room()
    ask(first)
    secret = word()
    result = daemon.ssh(guest.name, stdin=f"say {secret}\n".encode())
    assert result.status == BUSY, result
    one_line_reason(result.errors, "keyboard")
    ask(first)
    assert secret.encode() not in first.seen


def test_pipe_takes_the_keyboard_by_force_and_gives_it_back(daemon, room, guest):
    first = room()
    ask(first)
    answer = word()
    result = daemon.ssh(guest.name, "attach", "--force", stdin=f"say {answer}\n".encode())
    assert result.status == DONE, result
    assert answer.encode() in result.out
    first.expect(answer)


def test_pipe_whose_keyboard_is_taken_ends_as_busy(daemon, room, guest):
    with daemon.pipes(guest.name) as script:
        ask(script)
        person = room()
        person.send(ESCAPE + b"f")
        ask(person)
        assert script.wait() == BUSY
        one_line_reason(script.errors(), "keyboard")


def test_writers_many_lets_all_type(daemons, guest):
    daemon = daemons({"console": {"writers": "many"}})
    with daemon.terminal(guest.name) as first, daemon.terminal(guest.name) as second:
        ask(first)
        ask(second)
        see(first, second)


# The escape key


def test_escape_question_mark_lists_the_keys(room):
    person = room()
    ask(person)
    person.send(ESCAPE + b"?")
    person.expect("(?i)leave")
    person.expect("(?i)keyboard")
    ask(person)


def test_escape_i_tells_state_and_offset(room, guest):
    person = room()
    ask(person)
    person.send(ESCAPE + b"i")
    told = person.expect(r"[^\n]*(?i:offset)[^\n]*\d+").group(0).decode()
    assert guest.name in person.seen.decode(errors="replace"), told
    ask(person)


def test_escape_w_tells_who_is_here(room, keys):
    first = room()
    ask(first)
    second = room(key=keys.other)
    see(second, first)
    first.send(ESCAPE + b"w")
    first.expect(re.escape(keys.fingerprint(keys.other)))


def test_escape_r_replays_a_screenful(room):
    person = room()
    answer = ask(person)
    person.send(ESCAPE + b"r")
    person.expect(answer)
    ask(person)


def test_doubled_escape_types_the_character_itself(room):
    person = room()
    person.line("echo")
    person.expect("echo ready\r\n")
    person.send(ESCAPE + ESCAPE + b"x")
    assert person.expect_bytes(2) == ESCAPE + b"x"
    person.send(b"\x04")
    person.expect("echo 2 bytes")


def test_escape_z_types_the_size_for_whom_has_the_keyboard(room, keys):
    owner, other = room(), room(key=keys.other)
    ask(owner)
    owner.resize(41, 133)
    # The resize goes its own way: until it has come, the size is as before.
    def typed():
        owner.send(b"say " + ESCAPE + b"z")
        return owner.expect(r"stty rows (\d+) cols (\d+)\r\n").groups()
    wait_until(lambda: typed() == (b"41", b"133"), 20, "the resize is known")
    other.send(ESCAPE + b"z")
    other.expect("the keyboard is with key:.*: nothing is typed")
    ask(owner)


def test_attach_with_size_types_it_first(daemon, room, guest):
    with daemon.pipes(guest.name) as typist:
        ask(typist)
    assert daemon.ssh(guest.name, "send", stdin=b"say ").status == DONE
    room("attach", "--size").expect("stty rows 24 cols 80\r\n")
    result = daemon.ssh(guest.name, "attach --size")
    assert result.status == USAGE, result
    one_line_reason(result.errors, "--size is a terminal's")


def test_unknown_escape_is_no_trap(room):
    person = room()
    person.send(ESCAPE + b"Z")
    ask(person)


def test_escape_character_can_be_another(daemons, guest):
    with daemons({"console": {"escape": "^T"}}).terminal(guest.name) as person:
        ask(person)
        person.send(b"\x14.")
        assert person.wait() == DONE


def test_escape_character_can_be_none(daemons, guest):
    with daemons({"console": {"escape": "none"}}).terminal(guest.name) as person:
        person.line("echo")
        person.expect("echo ready\r\n")
        person.send(ESCAPE + b".")
        assert person.expect_bytes(2) == ESCAPE + b"."


def test_pipe_has_no_escape_character(daemon, guest):
    data = ESCAPE + b"." + bytes(b for b in range(256) if b != 4)
    with daemon.pipes(guest.name) as script:
        script.send(b"echo\r")
        script.expect("echo ready\r\n")
        script.send(data)
        pattern.assert_same(script.expect_bytes(len(data)), data)


# Notices


def inside_a_sequence(room):
    """A person whose terminal is in the middle of one."""
    person = room()
    ask(person)
    person.line("say \x1bPinside")
    person.expect(rb"inside\r\n.*guest> ")
    return person


def test_notice_waits_for_the_end_of_a_sequence(room):
    person = inside_a_sequence(room)
    person.send(ESCAPE + b"isay \x1b\\out\r")
    told = person.expect(rb"\[vmconsoled: [^\r\n]*serial0")
    since = person.seen.rindex(b"inside")
    assert b"\x1b\\" in person.seen[since:told.start()], person.seen[since:]
    assert b"\x18" not in person.seen[since:], person.seen[since:]


def test_notice_ends_a_sequence_that_does_not_go_on(room):
    person = inside_a_sequence(room)
    person.send(ESCAPE + b"i")
    person.expect(rb"\x18\r\n\[vmconsoled: [^\r\n]*serial0")


# History


def test_late_viewer_sees_what_was_printed_before(room):
    first = room()
    answer = ask(first)
    late = room()
    late.expect(answer)


def test_replay_asks_the_terminal_nothing(room):
    """Questions in the history would make the viewer's terminal type into the guest."""
    first = room()
    first.line("esc")
    live = first.expect(rb"esc<(.*)>esc\r\n").group(1)
    assert b"\x1b[6n" in live and b"\x1b]10;?\x07" in live and b"\x1bP$q" in live
    late = room("attach", "--read-only")
    replayed = late.expect(rb"esc<(.*)>esc\r\n").group(1)
    assert b"bold" in replayed
    for question in (b"\x1b[6n", b"\x1b[5n", b"\x1b[c", b"\x1b[0c", b"\x1b[>c", b"\x1b]10;?",
                     b"\x1b]11;?", b"\x1bP$q", b"\x1bP+q", b"\x05", b"\x1bZ", b"\x1b[x",
                     b"\x1b[18t", b"\x1b[?1$p"):
        assert question not in replayed, question
    first.send(ESCAPE + b"r")
    assert b"\x1b[6n" not in first.expect(rb"esc<(.*)>esc\r\n").group(1)


def test_history_of_chosen_length(daemon, guest):
    with daemon.pipes(guest.name) as script:
        script.send(b"pat 100\r")
        script.expect_bytes(6400)
        script.expect("guest> ")
    tail = pattern.lines(0, 100) + b"guest> "
    result = daemon.ssh(guest.name, "attach", "--from", "-1000")
    assert result.status == DONE, result
    pattern.assert_same(result.out, tail[-1000:])
    result = daemon.ssh(guest.name, "attach", "--from", "start")
    assert result.out.endswith(tail), result
    result = daemon.ssh(guest.name, "attach", "--lines", "5")
    assert pattern.line(99) in result.out and pattern.line(90) not in result.out, result


# What terminals send by themselves, and the escape key under newer keyboard protocols


ANSWERS = (b"\x1b[5;22R" b"\x1b[?62;22c" b"\x1b[>1;10;0c" b"\x1bP!|00000000\x1b\\" b"\x1b[?1;2$y"
           b"\x1b]11;rgb:0000/0000/0000\x1b\\" b"\x1b]4;1;rgb:0000/0000/0000\x07"
           b"\x1bP1$r0m\x1b\\" b"\x1b[?0u" b"\x1b[0n")
EVENTS = b"\x1b[I" b"\x1b[<0;10;20M" b"\x1b[<0;10;20m" b"\x1b[O" b"\x1b[97;1:3u"


def test_answers_of_a_watcher_s_terminal_are_not_typed(room, keys):
    writer = room()
    ask(writer)
    watcher = room(key=keys.other)
    see(watcher, writer)
    writer.line("echo")
    watcher.expect("echo ready\r\n")
    watcher.send(ANSWERS + EVENTS + ESCAPE + b"i")
    watcher.expect("offset")  # so what is before has been read
    watcher.send(b"\x1b[5;")  # and this is cut by the promotion
    writer.send(ESCAPE + b"o")
    watcher.expect("you have the keyboard now")
    watcher.send(b"22R" + ANSWERS + b"typed\x04")
    watcher.expect("echo 5 bytes")
    assert b"nothing is typed" not in watcher.seen
    writer.send(b"x")
    writer.expect("nothing is typed")


def test_answers_of_one_who_got_the_keyboard_are_typed_when_he_is_asked(room, keys):
    writer = room()
    ask(writer)
    watcher = room(key=keys.other)
    see(watcher, writer)
    writer.send(ESCAPE + b"o")
    watcher.expect("you have the keyboard now")
    watcher.line("esc")
    watcher.expect(rb"esc<.*>esc\r\n")
    watcher.line("echo")
    watcher.expect("echo ready\r\n")
    watcher.send(b"\x1b[7;1R\x04")
    watcher.expect("echo 6 bytes")


@pytest.mark.parametrize("escape", [b"\x1b[93;5u", b"\x1b[93;133:1u", b"\x1b[27;5;93~"],
                         ids=["CSI u", "with Num Lock", "modifyOtherKeys"])
def test_escape_key_of_a_newer_keyboard_protocol(room, escape):
    person = room()
    ask(person)
    person.send(escape + b"\x1b[93;5:3u" + b"\x1b[105u")
    person.expect("offset")
    ask(person)
    person.send(escape + b".")
    assert person.wait() == DONE


def test_lone_esc_is_typed(room):
    person = room()
    person.line("echo")
    person.expect("echo ready\r\n")
    person.send(b"\x1b")
    person.expect(rb"\x1b$")
    person.send(b"\x04")
    person.expect("echo 1 bytes")
