"""What a terminal is shown must not make it type: where standard output is one and the keyboard is
the caller's shell's, the guest's questions are left out. To a file all bytes go as they are."""

import contextlib
import os
import re
import subprocess

import paramiko
import pytest

from lib import clients, schema
from lib.kept import folder, kept
from lib.proc import SLOW, wait_until
from lib.session import DENIED, DONE, ESCAPE, NO_SUCH, USAGE, ask, leave, one_line_reason, parse_json, word
from lib.term import Stream, Terminal
from lib.tmux import shown_by_tmux

QUESTIONS = (b"\x1b[6n", b"\x1b[5n", b"\x1b[c", b"\x1b[0c", b"\x1b[>c", b"\x1b]10;?", b"\x1b]11;?",
             b"\x1bP$q", b"\x1bP+q", b"\x05", b"\x1bZ", b"\x1b[x", b"\x1b[18t", b"\x1b[?1$p")
KEYS = b"\x1b[?1003;7h\x1b[?2004h\x1b[>4;2m\x1b[>1u\x1b[?1h\x1b=\x1b[31m"  # and a colour


@pytest.fixture(scope="module")
def asked(daemon, module_guests):
    """A guest that has put all questions, and set modes that change what a keyboard types."""
    guest = module_guests("asked")
    with daemon.pipes(guest.name) as script:
        script.send(b"esc\r")
        live = script.expect(rb"esc<.*>esc\r+\n").group(0)
        assert b"\x1b[6n" in live and b"\x1bP$q" in live
        script.send(b"say keys<" + KEYS + b">keys\r")
        script.expect(rb">keys\r+\n.*guest> ")
    return guest


def assert_quiet(shown):
    assert b"bold" in shown and b"keys<" in shown
    for question in QUESTIONS:
        assert question not in shown, question
    assert b"\x1b[31m" in shown
    for mode in (b"1003", b"2004", b"\x1b[>", b"\x1b[?1h", b"\x1b="):
        assert mode not in shown, mode


@pytest.mark.parametrize("words", [(), ("--follow",), ("--timestamps",), ("--lines", "10")])
def test_log_of_vmconsolectl_on_a_terminal_is_filtered(daemon, asked, words):
    with Terminal(daemon.ctl_argv("log", asked.name, *words)) as reader:
        if "--follow" in words:
            reader.expect(rb">keys\r+\n.*guest> ")
            daemon.ctl("kick", session_of(daemon, asked))
            assert reader.wait() == 84
        else:
            assert reader.wait() == DONE
        assert_quiet(reader.seen)


def session_of(daemon, guest):
    row, = [line for line in daemon.ctl("who", guest.name).text.split("\n") if " reads " in line]
    return row.split()[0]


def test_log_of_vmconsolectl_into_a_file_is_byte_exact(daemon, asked):
    result = daemon.ctl("log", asked.name)
    assert result.status == DONE and result.out == daemon.ssh(asked.name, "log").out
    assert all(question in result.out for question in (b"\x1b[6n", b"\x1bP$q", KEYS)), result


class Half(Stream):
    """vmconsolectl attach with a pipe as standard input and a terminal as output."""

    def __init__(self, argv):
        master, slave = os.openpty()
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=slave, bufsize=0,
                                        stderr=subprocess.PIPE)
        os.close(slave)
        os.set_blocking(master, False)
        super().__init__(master, self.process.stdin.fileno())


@pytest.mark.parametrize("words", [(), ("--from", "start")], ids=["live", "history"])
def test_attach_of_a_pipe_onto_a_terminal_is_filtered(daemon, asked, words):
    session = Half(daemon.ctl_argv("attach", asked.name, *words))
    session.send(b"esc\r")
    session.expect(rb"esc<.*>esc\r+\n.*guest> ")
    session.send(b"say keys<" + KEYS + b">keys\r")
    answer = word().encode()
    session.expect(rb">keys\r+\n.*guest> ")
    session.send(b"say " + answer + b"\r")
    session.expect(answer + rb"\r+\n")
    session.process.stdin.close()
    while session.read_some(20 * SLOW):
        pass
    assert session.process.wait(20 * SLOW) == DONE, session.process.stderr.read()
    assert session.process.stderr.read() == b""
    session.process.stderr.close()
    os.close(session.read_fd)
    assert_quiet(session.seen)


def test_attach_of_a_pipe_into_a_file_is_byte_exact(daemon, asked):
    result = daemon.ctl("attach", asked.name, stdin=b"esc\r")
    assert result.status == DONE, result
    assert b"\x1b[6n" in result.out and b"\x1bP$q" in result.out, result


def test_files_of_history_are_not_written_to_a_terminal(daemon, asked):
    with Terminal(daemon.ctl_argv("journal", "export", asked.name)) as reader:
        assert reader.wait() == USAGE
        assert b"standard output is a terminal" in reader.seen and b"bold" not in reader.seen
    result = daemon.ctl("journal", "export", asked.name)
    assert result.status == DONE and KEYS in result.out, result


def test_what_wait_found_is_shown_without_its_controls(daemon, asked):
    words = ("wait", asked.name, "--raw", "--from", "start", "--timeout", "0", "esc<.*6n")
    with Terminal(daemon.ctl_argv(*words)) as reader:
        assert reader.wait() == DONE
        assert b"[6n" in reader.seen and b"\x1b" not in reader.seen, reader.seen
    result = daemon.ctl(*words)
    assert result.status == DONE and b"\x1b[6n" in result.out, result


def test_log_over_ssh_without_a_terminal_is_byte_exact(daemon, asked):
    """Nobody can know where it goes; scripts count offsets."""
    with daemon.terminal(asked.name, "log", tty=False) as reader:  # ssh's own output is a terminal
        assert reader.wait() == DONE
        assert b"\x1b[6n" in reader.seen
    with daemon.terminal(asked.name, "log", tty=True) as reader:
        assert reader.wait() == DONE
        for question in QUESTIONS:
            assert question not in reader.seen, question


# File clients that were refused


UNALIAS = b'unalias ls; pwd ; echo "end:$?"\n'  # what one of them goes on with


def refused_then(daemon, guest, pty):
    """sftp is refused, and a shell asked for on the same connection."""
    client = clients.paramiko_connect(daemon, guest.name)
    transport = client.get_transport()
    files = transport.open_session()
    files.settimeout(20 * SLOW)
    files.invoke_subsystem("sftp")
    assert files.recv_exit_status() == 77
    channel = transport.open_session()
    channel.settimeout(20 * SLOW)
    if pty:
        channel.get_pty("xterm", 80, 24)
    channel.invoke_shell()
    return client, channel


@pytest.fixture
def no_files(daemons):
    """A daemon that gives nobody files."""
    return daemons({"access all": {"allow": "view, type"}})


def test_fallback_of_a_file_client_does_not_type_into_the_guest(no_files, guest):
    client, channel = refused_then(no_files, guest, pty=False)
    with contextlib.suppress(OSError):  # it may have been refused already
        channel.sendall(UNALIAS)
    said = channel.makefile_stderr("rb").read().decode()
    assert channel.recv_exit_status() == 77 and "file client" in said, said
    assert channel.makefile("rb").read() == b""
    client.close()
    no_files.wait_audit("file client", event="verb", verb="attach", status=77)
    with no_files.terminal(guest.name) as person:
        ask(person)
    assert not [line for line in guest.report_lines() if "unalias" in line or "pwd" in line]


def test_person_on_a_connection_that_was_refused_files_gets_the_console(no_files, guest):
    client, channel = refused_then(no_files, guest, pty=True)
    answer = word().encode()
    channel.sendall(b"say " + answer + b"\r")
    got = b""
    while answer + b"\r\n" not in got:
        data = channel.recv(4096)
        assert data, got
        got += data
    client.close()


def test_pipe_on_another_connection_is_not_concerned(no_files, guest):
    client, _ = refused_then(no_files, guest, pty=False)
    result = no_files.ssh(guest.name, stdin=b"say here\n")
    assert result.status == DONE and b"here\r\n" in result.out, result
    client.close()


# --- history ---

FIRMWARE = b"\x1bc\x1b[?7l\x1b[2J\x1b[3J\x1b[1;1Hfirmware"
OWN = [f"line {i} of the user's own" for i in range(40)]


@pytest.fixture
def booted(daemon, guest):
    """A guest that has printed a line, cleared the screen as firmware does, and printed a long line."""
    with daemon.pipes(guest.name) as script:
        for text in (b"before", FIRMWARE, b"long" * 25):
            script.send(b"say " + text + b"\r")
            script.expect(rb"guest> ")
    return guest


def test_history_erases_no_line_that_a_terminal_keeps(daemon, booted, tmp_path):
    with daemon.terminal(booted.name, "attach", "--from", "start") as viewer:
        viewer.expect(rb"live output from offset \d+\]")
        leave(viewer)
    output = "\r\n".join([*OWN, ""]).encode() + viewer.seen
    rows = shown_by_tmux(tmp_path, output, 80, 24, kept=("-S", "-"))
    assert [row for row in rows if row in OWN] == OWN
    assert [row for row in rows if "before" in row or "firmware" in row] == ["before", "firmware"], rows
    assert "long" * 25 in "".join(rows), rows


def test_log_on_a_terminal_is_lines_to_read(daemon, booted):
    with daemon.terminal(booted.name, "log", tty=True) as reader:
        assert reader.wait() == DONE
    assert re.search(rb"before\r\nguest> \r\nfirmware\r\nguest> (?:long){25}\r\n", reader.seen), reader.seen
    assert not re.search(rb"\x1b\[[\d;?]*[HJhlr]|\x1bc", reader.seen), reader.seen
    with daemon.terminal(booted.name, "log", "--screen", tty=True) as reader:
        assert reader.wait() == DONE
        assert b"\x1b[1;1Hfirmware" in reader.seen, reader.seen
    assert FIRMWARE in daemon.ssh(booted.name, "log", "--screen").out


# --- notices ---


HIDES = [  # what would; what stands before a notice then, and behind it
    (b"\x1b)0\x0e\x1b[8m", rb"\x0f\x1b\(B\x1b\[0m\r\n", rb"\r\n\x1b\)0\x0e\x1b\[0;8m"),
    (b"\x1b[37;47m\x1b[?7l", rb"\x0f\x1b\(B\x1b\[0m\x1b\[\?7h\r\n", rb"\r\n\x1b\[\?7l\x1b\[0;37;47m"),
    (b"\x1b[1;10r\x1b[24;1H", rb"\x1b7\x1b\[\?7l\x1b\[23;1H\x1b\[2K", rb"\x1b\[\?7h\x1b8")]


def test_a_notice_is_read_whatever_the_guest_has_set(daemon, guest, tmp_path):
    for output, before, behind in HIDES:
        with daemon.terminal(guest.name) as person:
            ask(person)
            person.line(b"say \x1bc" + output + b"set")
            person.expect(rb"set\r\n.*guest> ")
            person.send(ESCAPE + b"i")
            person.expect(before + rb"\[vmconsoled: VM [^\]]*\]" + behind)
            person.send(ESCAPE + b"w")
            person.expect(r"has the keyboard\]")
            person.expect(behind)
            rows = "".join(shown_by_tmux(tmp_path, person.seen, 80, 24))
            assert f"[vmconsoled: VM {guest.name}, serial0" in rows and "history from offset" in rows, rows
            assert "has the keyboard]" in rows, rows
            leave(person)


# --- the screen ---

DRAWING = ("\x1b[2J\x1b[10;30H\u250c\u2500\u2500\u2500\u2510\x1b[11;30H\x1b[1;37;44mmenu\x1b[m\x1b[5;1Hgone\x1b[5;1H"
           "\x1b[K\x1b[20;75Hedge of it\x1b[3;6r\x1b[6;1H\x1bD\x1bD\x1b[r\x1b[22;1H\u4e2d\u6587 there").encode()


@pytest.fixture(scope="module")
def drawn(daemon, module_guests):
    """A guest that has drawn something as full-screen programs do."""
    guest = module_guests("drawn")
    with daemon.pipes(guest.name) as script:
        script.send(b"say " + DRAWING + b"\r")
        script.expect(rb"there.*guest> ")
    return guest


@pytest.mark.parametrize("columns, rows", [(80, 24), (40, 12)])
def test_the_screen_is_that_of_a_terminal_which_was_there(daemon, drawn, tmp_path, columns, rows):
    result = daemon.ssh(drawn.name, f"screen --size {columns}x{rows} --json")
    data = parse_json(result)
    schema.check("screen", data)
    assert (data["columns"], data["rows"], len(data["lines"])) == (columns, rows, rows)
    assert data["whole"] and not data["alternate"] and data["cursor"]["visible"]
    output = daemon.ssh(drawn.name, f"log --from {data['from']}").out
    assert len(output) == data["offset"] - data["from"]
    assert data["lines"] == shown_by_tmux(tmp_path, output, columns, rows)
    text = daemon.ssh(drawn.name, f"screen --size {columns}x{rows}")
    assert text.status == DONE and text.out.decode().split("\n")[:-1] == data["lines"]


def test_the_screen_at_an_offset_is_what_it_was_then(daemon, drawn):
    start = parse_json(daemon.ssh(drawn.name, "screen --json"))["from"]
    before = start + daemon.ssh(drawn.name, f"log --from {start}").out.index(DRAWING)
    assert "menu" not in daemon.ssh(drawn.name, f"screen --at {before}").text
    assert "menu" in daemon.ctl("screen", drawn.name, "--at", str(before + len(DRAWING))).text


def test_the_screen_of_a_new_boot_is_a_new_one(daemon, guest):
    with daemon.pipes(guest.name) as script:
        script.send(b"say before\r")
        script.expect(rb"before\r+\n.*guest> ")
        assert "before" in daemon.ssh(guest.name, "screen").text
        script.send(b"reboot\r")
        script.expect("guest> ")
        # That it was a reset is told by libvirt, beside the output.
        wait_until(lambda: "before" not in daemon.ssh(guest.name, "screen").text, 30, "a screen of this boot only")


def test_a_row_goes_on_behind_offsets_that_no_byte_ever_had(daemons, guest):
    daemon = daemons({"record own": {"vms": guest.name, "record": "all"}})
    with daemon.pipes(guest.name) as script:
        ask(script)
    daemon.stop()
    add_behind_unused(daemon, guest, "behind\r\n")
    daemon.start()
    result = daemon.ssh(guest.name, "screen")
    assert "guest> behind\n" in result.text and not result.err, result


def add_behind_unused(daemon, guest, text):
    """As if the daemon had skipped a thousand offsets and this had been printed then."""
    journal = folder(daemon, guest)
    start = kept(daemon, guest).end + 1000
    daemon.user.write(f"{journal}/{start:020}.log", text)
    daemon.user.write(f"{journal}/{start:020}.idx", f"vmconsoled-journal 1 {start} unused\n")
    with open(f"{journal}/offset", "r+", encoding="ascii") as file:
        words = file.read().split(" ")
        words[2] = f"{start + len(text):020}"
        file.seek(0)
        file.write(" ".join(words))


@pytest.mark.parametrize("words, status, reason", [
    ("--size 80", USAGE, "screen: --size takes COLUMNSxROWS, at most 500x200, not 80"),
    ("--size 501x24", USAGE, "not 501x24"), ("--size 80x0", USAGE, "not 80x0"),
    ("--size 80x24x1", USAGE, "not 80x24x1"), ("--at 99999999999", NO_SUCH, "is not reached yet")])
def test_no_screen_of_such_a_kind(daemon, drawn, words, status, reason):
    result = daemon.ssh(drawn.name, f"screen {words}")
    assert result.status == status and not result.out
    one_line_reason(result.errors, reason)


def test_the_screen_needs_the_right_view_and_before_now_log(module_daemons, drawn):
    watched = module_daemons({"access all": {"allow": "view"}})
    assert watched.ssh(drawn.name, "screen").status == DONE
    refused = watched.ssh(drawn.name, "screen --at 1")
    assert refused.status == DENIED and "log" in one_line_reason(refused.errors, "permission denied")
