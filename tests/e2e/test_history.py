"""History: what is recorded though nobody watches, reading it by offset, resuming, expiring."""

import calendar
import json
import os
import re
import signal
import stat
import time

import pytest

from lib import clients, pattern, schema
from lib.kept import folder, kept, offsets
from lib.proc import SLOW, wait_until
from lib.session import DONE, ESCAPE, NO_SUCH, USAGE, ask, parse_json, skipped, word
from lib.term import Terminal

# Guests are held open by one daemon only: each records those whose names begin so.
MINE, ALONE = ({"record own": {"vms": f"{name}-*", "record": "all"}} for name in ("rec", "alone"))
PROMPT = b"guest> "


@pytest.fixture(scope="module")
def recorder(module_daemons):
    return module_daemons({**MINE, "console": {"history_memory": "512K"}})


def name(kind):
    return f"{kind}-{word()}"


@pytest.fixture
def opened(recorder, guests):
    """opened(**options of Guest): a guest whose console the recorder holds open."""
    def make(**options):
        guest = guests(name("rec"), **options)
        wait_until(lambda: '"open"' in recorder.ssh(guest.name, "status", "--json").text, 10,
                   "the console is open")
        return guest
    return make


@pytest.fixture(scope="module")
def printed(recorder, module_guests):
    """A guest that has printed 10,000 numbered lines, more than memory holds, for tests that only
    read."""
    guest = module_guests(name("rec"))
    wait_until(lambda: '"open"' in recorder.ssh(guest.name, "status", "--json").text, 10,
               "the console is open")
    say(recorder, guest, "pat 10000")
    return guest


def say(daemon, guest, *commands):
    """Has the guest run commands, from a session of its own; returns the bytes of that session."""
    with daemon.pipes(guest.name, "attach") as session:
        for command in commands:
            session.line(command)
            session.expect("guest> ", 120)
        return session.seen


def log(daemon, guest, *options, **more):
    result = daemon.ssh(guest.name, "log", *options, **more)
    assert result.status == DONE, result
    return result.out


# Recorded without anybody there


def test_output_is_kept_though_nobody_ever_attached(recorder, guests):
    first, second = word(), word()
    guest = guests(name("rec"), boot=f"later,2500,{first}")
    wait_until(lambda: f"{first}\r\n".encode() in log(recorder, guest), 15, "the guest's words")
    assert log(recorder, guest).endswith(PROMPT)
    ticker = guests(name("rec"), boot="tick,5")
    wait_until(lambda: log(recorder, ticker).count(b"tick ") > 60, 20, "60 ticks")
    seen = re.findall(rb"^tick (\d{10})\r\n", log(recorder, ticker), re.M)
    numbers = [int(number) for number in seen]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert numbers[0] < 40, "more than two seconds of the start are missing"
    assert second.encode() not in log(recorder, guest)


def test_boots_while_the_daemon_runs_are_marked(recorder, opened):
    guest = opened()
    ask_once(recorder, guest)
    guest.domain.reset()
    guest.wait_boot()
    wait_until(lambda: [m for m in kept(recorder, guest).marks if m[1] == "boot"], 10, "a mark")


def ask_once(daemon, guest):
    return say(daemon, guest, f"say {word()}")


def test_record_can_be_chosen_for_each_guest(daemons, guests):
    names = [f"{word()}-{kind}" for kind in ("all", "attached", "none")]
    daemon = daemons({"history": {"record": "attached"},
                      "record everything": {"vms": names[0], "record": "all"},
                      "record nothing": {"vms": names[2], "record": "none"}})
    every, attached, none = (guests(name) for name in names)
    wait_until(lambda: '"open"' in daemon.ssh(every.name, "status", "--json").text, 10, "it is held")
    for guest in (attached, none):
        assert '"open"' not in daemon.ssh(guest.name, "status", "--json").text
        ask_once(daemon, guest)
        assert log(daemon, guest).endswith(PROMPT)
    assert kept(daemon, attached).bytes.endswith(PROMPT)
    assert not kept(daemon, none).bytes


def test_record_can_be_chosen_by_group(daemons, guests):
    secret, plain = guests(), guests()
    secret.set_groups("web", "secret")
    plain.set_groups("web")
    daemon = daemons({"history": {"record": "attached"},
                      "record secrets": {"vms": "group:secret", "record": "none"}})
    for guest in (secret, plain):
        daemon.knows(guest)
        ask_once(daemon, guest)
        assert log(daemon, guest).endswith(PROMPT)
    assert kept(daemon, plain).bytes.endswith(PROMPT)
    assert not kept(daemon, secret).bytes


def test_files_are_for_their_owner_only(recorder, opened):
    guest = opened()
    ask_once(recorder, guest)
    top = f"{recorder.dir}/state/journal"
    seen = [(path, stat.S_IMODE(os.lstat(path).st_mode)) for path in (
        os.path.join(base, name) for base, folders, files in os.walk(top)
        for name in folders + files)] + [(top, stat.S_IMODE(os.lstat(top).st_mode))]
    assert len(seen) >= 5
    for path, mode in seen:
        assert mode == (0o700 if os.path.isdir(path) else 0o600), f"{path} {mode:o}"


# Reading


def test_log_is_what_a_viewer_saw_byte_by_byte(recorder, opened):
    guest = opened()
    ask_once(recorder, guest)
    first, before = offsets(recorder, guest)
    with recorder.pipes(guest.name, "attach", "--from", str(before)) as viewer:
        viewer.line("bytes 300000")
        viewer.expect_bytes(300000, 60)
        viewer.expect("guest> ")
        viewer.line("bin 5000")
        viewer.expect_bytes(5000 + 2 + len(PROMPT))
        viewed = viewer.seen
    _, after = offsets(recorder, guest)
    assert after - before == len(viewed)
    pattern.assert_same(viewed, pattern.exactly(300000) + PROMPT + pattern.binary(5000) + b"\r\n"
                        + PROMPT)
    pattern.assert_same(log(recorder, guest, "--from", str(before)), viewed)
    pattern.assert_same(kept(recorder, guest).from_offset(before), viewed)
    pattern.assert_same(log(recorder, guest, "--from", str(before + 1234)), viewed[1234:])
    pattern.assert_same(log(recorder, guest, "--from", "-777"), viewed[-777:])
    assert log(recorder, guest, "--from", str(after)) == b""
    whole = log(recorder, guest)
    assert whole.endswith(viewed) and len(whole) == after - first
    assert log(recorder, guest, "--from", "start") == whole


def test_log_by_lines(recorder, printed):
    guest = printed
    whole = log(recorder, guest)
    for count in (1, 2, 24, 5000, 9900):
        wanted = b"".join(whole.splitlines(keepends=True)[-count:])
        pattern.assert_same(log(recorder, guest, "--lines", str(count)), wanted)
    pattern.assert_same(log(recorder, guest, "--lines", "1000000"), whole)
    for count in (10, 5000, 9900):  # 5000 lines are in memory, but beyond what is looked at there
        result = recorder.ssh(guest.name, "attach", "--lines", str(count))
        assert result.out.count(b"\n") in (count - 1, count), result.errors
        assert whole.endswith(result.out)


def test_log_by_time(recorder, opened):
    guest = opened()
    ask_once(recorder, guest)
    time.sleep(2.5)  # times are kept to the second
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    text = say(recorder, guest, f"say {word()}")
    assert log(recorder, guest, "--since", now) == text
    assert log(recorder, guest, "--since", "1h") == log(recorder, guest)
    assert log(recorder, guest, "--since", "2099-01-01") == b""


def test_log_by_boot(recorder, opened):
    guest = opened()
    ask_once(recorder, guest)
    for _ in range(2):
        offset = offsets(recorder, guest)[1]
        time.sleep(1.6)  # what libvirt reports sooner is taken for the same reboot
        guest.domain.reset()
        guest.wait_boot()
        wait_until(lambda: offsets(recorder, guest)[1] > offset, 10, "output after the reset")
        last = ask_once(recorder, guest)
    newest = log(recorder, guest, "--boot", "0")
    assert newest.count(f"guest {guest.name} ready".encode()) == 1, newest
    assert newest.endswith(last)
    two = log(recorder, guest, "--boot", "1")
    assert two.count(f"guest {guest.name} ready".encode()) == 2 and two.endswith(newest)
    result = recorder.ssh(guest.name, "log", "--boot", "40")
    assert result.status == NO_SUCH and result.out == b"", result


@pytest.mark.parametrize("options, word_named", [
    (("--from", "x"), "x"), (("--lines", "-1"), "-1"), (("--since", "yesterday?"), "yesterday"),
    (("--boot", "one"), "one"), (("--from", "0", "--lines", "3"), "lines"), (("--nope",), "--nope"),
    (("extra",), "extra"), (("--lines", "99999999999999999999999"), "lines")])
def test_bad_options_of_log_are_named(recorder, printed, options, word_named):
    guest = printed
    result = recorder.ssh(guest.name, "log", *options)
    assert result.status == USAGE and word_named in result.errors, result


def test_every_line_has_its_time(recorder, opened):
    guest = opened()
    begun = int(time.time())
    say(recorder, guest, "pat 3000")
    time.sleep(1.2)
    say(recorder, guest, "pat 10")
    stamped = log(recorder, guest, "--timestamps", "--lines", "3012")
    times = []
    rest = []
    for line in stamped.splitlines(keepends=True):
        match = re.match(rb"\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\] ", line)
        assert match, line
        times.append(calendar.timegm(time.strptime(match.group(1).decode(),
                                                   "%Y-%m-%dT%H:%M:%SZ")))
        rest.append(line[match.end():])
    assert times == sorted(times)
    assert times[0] >= begun - 1 and times[-1] <= time.time() + 1
    assert times[-1] > times[0]
    pattern.assert_same(b"".join(rest), log(recorder, guest, "--lines", "3012"))


def test_log_follows_over_a_restart_of_the_guest(recorder, opened):
    guest = opened()
    marker = word()
    say(recorder, guest, f"say {marker}")
    with recorder.pipes(guest.name, "log", "--follow", "--lines", "2") as follower:
        follower.expect(marker)
        second = ask_word(recorder, guest)
        follower.expect(second)
        guest.destroy()
        wait_until(lambda: guest.name in follower.errors(), 10, "a word about the end")
        guest.start()
        # A guest that has booted before its pty is opened has told so to nobody.
        follower.expect(ask_word(recorder, guest), 20)


def ask_word(daemon, guest):
    answer = word()
    say(daemon, guest, f"say {answer}")
    return answer


def test_log_asks_a_terminal_nothing_but_a_pipe_gets_every_byte(recorder, opened):
    guest = opened()
    say(recorder, guest, "esc")
    raw = log(recorder, guest)
    assert b"\x1b[6n" in raw and b"\x1b]10;?" in raw
    with recorder.terminal(guest.name, "log") as session:
        assert session.wait() == DONE
        assert b"esc<" in session.seen and b"bold" in session.seen
        for question in (b"\x1b[6n", b"\x1b[c", b"\x1b]10;?", b"\x05", b"\x1bP$q"):
            assert question not in session.seen


def test_ctl_reads_the_log_too(recorder, printed):
    guest = printed
    result = recorder.ctl("log", guest.name, "--lines", "50")
    assert result.status == DONE and result.out == log(recorder, guest, "--lines", "50"), result
    with Terminal(recorder.ctl_argv("log", guest.name, "--lines", "5")) as session:
        assert session.wait() == DONE
        assert pattern.line(9999)[:-2] in session.seen


def test_log_needs_its_right(daemons, guest, keys):
    daemon = daemons({"access all": {"allow": "view, type"}})
    result = daemon.ssh(guest.name, "log")
    assert result.status == 77 and "log" in result.errors, result


def test_following_ends_when_the_right_is_withdrawn(daemons, guest):
    daemon = daemons()
    with daemon.pipes(guest.name, "log", "--follow") as follower:
        follower.expect(ask_word(daemon, guest))
        daemon.configure({"access all": {"allow": "view, type"}})
        daemon.reload()
        assert follower.wait() == 77, follower.errors()


# Resuming


def test_client_killed_in_a_flood_resumes_without_a_byte_twice_or_missing(recorder, opened):
    guest = opened()
    ask_once(recorder, guest)
    _, start = offsets(recorder, guest)
    flood = pattern.lines(0, 20480)  # 1.25 MiB: more than memory holds
    have = b""
    with recorder.pipes(guest.name) as writer:
        writer.send(b"pat 20480\r")
        while len(have) < len(flood) + len(PROMPT):
            with recorder.pipes(guest.name, "attach", "--from", str(start + len(have)),
                                "--no-input") as viewer:
                want = min(200000, len(flood) + len(PROMPT) - len(have))
                while len(viewer.seen) < want and viewer.read_some(20):
                    pass
                viewer.kill(signal.SIGKILL)
                viewer.wait()
                assert viewer.errors() == ""
                have += viewer.seen
        pattern.assert_same(have, flood + PROMPT)


def test_leaving_tells_the_offset_to_resume_at(recorder, opened):
    guest = opened()
    with recorder.terminal(guest.name) as session:
        told = session.expect(rb"offset (\d+)")
        assert abs(int(told.group(1)) - offsets(recorder, guest)[1]) < 100
        ask(session)
        session.send(ESCAPE + b".")
        left = session.expect(rb"left VM \S+ at offset (\d+)")
        assert session.wait() == DONE
    assert int(left.group(1)) == offsets(recorder, guest)[1]
    text = ask_once(recorder, guest)
    result = recorder.ssh(guest.name, "attach", "--from", left.group(1).decode())
    assert result.out == text, result


def test_offset_not_reached_yet_is_refused(recorder, printed):
    guest = printed
    for verb in ("attach", "log"):
        result = recorder.ssh(guest.name, verb, "--from", "99999999999")
        assert result.status == NO_SUCH and "not reached" in result.errors, result
    with recorder.terminal(guest.name, "attach", "--from", "99999999999") as session:
        assert session.wait() == NO_SUCH


# Limits


@pytest.fixture(scope="module")
def frugal(module_daemons):
    """Keeps 64 KiB in memory and 1 MiB on disk."""
    return module_daemons({"history": {"size": "1M"},
                           "console": {"history_memory": "64K"}})


def test_history_beyond_the_limit_expires_and_readers_are_told(frugal, guest):
    with frugal.pipes(guest.name) as writer:
        ask(writer)
        base = offsets(frugal, guest)[1]
        # Packed, the pattern shrinks; what no packer shrinks fills the disk.
        for _ in range(6):
            writer.line("bin 250000")
            writer.expect_bytes(250000, 60)
            writer.expect("guest> ")
    first, end = offsets(frugal, guest)
    assert first > base
    size = sum(os.path.getsize(os.path.join(folder(frugal, guest), name))
               for name in os.listdir(folder(frugal, guest)))
    assert size < 1.3 * 1024 * 1024, size
    for verb in ("attach", "log"):
        result = frugal.ssh(guest.name, verb, "--from", str(base))
        assert result.status == NO_SUCH and result.out == b"", result
        assert skipped(result.errors) == [(base, first)], result
    with frugal.terminal(guest.name, "attach", "--from", str(base)) as session:
        told = session.expect(rb"bytes (\d+)-(\d+) skipped: no longer kept")
        assert (int(told.group(1)), int(told.group(2))) == (base, first - 1)
    block = pattern.binary(250000) + b"\r\n" + PROMPT
    whole = log(frugal, guest)
    assert len(whole) == end - first
    pattern.assert_same(whole, (block * 6)[-len(whole):])


def test_terminal_begins_with_a_whole_line_where_the_oldest_bytes_are_gone(daemons, guest):
    daemon = daemons({"console": {"history_memory": "64K"}, "history": {"record": "none"}})
    with daemon.pipes(guest.name) as writer:
        ask(writer)
        base = len(writer.seen)
        writer.line("pat 3000")
        writer.expect(pattern.line(2999), 60)
        ask(writer)
        whole = log(daemon, guest)
        assert 60000 < len(whole) < 100000 < len(writer.seen) - base, len(whole)
        if whole[63:64] == b"\n":  # it begins with a line by chance
            ask(writer)
        for command in (("attach", "--from", "start"), ("log",)):
            with daemon.terminal(guest.name, *command) as session:
                first = session.expect(rb"(\d{10}) [^\r\n]*\r\n")
                assert first.group(0) == pattern.line(int(first.group(1))), first
                before = session.seen[:first.start()]
                assert not re.split(rb"\x1b8|\]\r\n", before)[-1], before  # prologue, header
        with daemon.terminal(guest.name, "log", "--timestamps") as session:
            assert session.wait() == DONE
            assert re.match(rb"\[\S+Z\] \d{10} ", session.seen), session.seen[:200]


def test_viewer_behind_memory_but_on_disk_loses_nothing(daemons, guest):
    """It reads nothing, and its window is small: the flood waits for it on disk."""
    daemon = daemons({"console": {"history_memory": "64K"}})
    flood = pattern.lines(0, 16384)
    with daemon.pipes(guest.name) as writer:
        ask(writer)
        base = offsets(daemon, guest)[1]
        client = clients.paramiko_connect(daemon, guest.name)
        channel = client.get_transport().open_session(window_size=32768, max_packet_size=16384)
        channel.settimeout(60 * SLOW)
        channel.exec_command(f"attach --from {base} --no-input")
        wait_until(lambda: watching(daemon, guest), 10, "it watches")
        writer.send(b"pat 16384\r")
        pattern.assert_same(writer.expect_bytes(len(flood), 120), flood)
        lag, = [row["lag"] for row in watching(daemon, guest)]
        assert lag > 768 * 1024
        got = b""
        while len(got) < len(flood):
            data = channel.recv(65536)
            assert data, "the session ended"
            got += data
        pattern.assert_same(got[:len(flood)], flood)
        assert not channel.recv_stderr_ready(), channel.recv_stderr(4096)
        client.close()


def watching(daemon, guest):
    return [row for row in json.loads(daemon.ssh(guest.name, "who", "--json").out)
            if row["mode"] == "watches"]


# Guests that are gone


def test_transient_guest_that_is_gone_keeps_its_history(recorder, guests):
    guest = guests(name("rec"), start=False)
    guest.domain.undefine()
    guest.create_transient()
    answer = ask_word(recorder, guest)
    guest.destroy()
    wait_until(lambda: re.search(rf"{guest.uuid}\s.*gone|gone.*{guest.uuid}",
                                 recorder.ssh("vmconsole", "list").text), 10, "list shows it gone")
    assert answer.encode() in log(recorder, guest)
    assert answer.encode() in recorder.ssh(guest.uuid, "log").out
    with recorder.terminal(guest.name) as session:
        session.expect(f"(?i)wait.*{answer}|{answer}.*wait")  # what is told first is not said
        guest.create_transient()
        session.expect("has started", 20)
        ask(session, 20)


def test_transient_guest_that_is_gone_is_known_after_a_restart(daemons, guests):
    daemon = daemons(ALONE)
    guest = guests(name("alone"), start=False)
    guest.domain.undefine()
    guest.create_transient()
    answer = ask_word(daemon, guest)
    guest.destroy()
    wait_until(lambda: "gone" in daemon.ssh(guest.uuid, "status").text, 10, "it is gone")
    daemon.stop()
    daemon.start()
    assert answer.encode() in log(daemon, guest)
    assert "gone" in daemon.ssh(guest.uuid, "status").text


def test_a_screenful_on_disk_is_no_more_than_one_in_memory(daemons, guests):
    """After a restart the last lines are looked for on disk, where they may be endless."""
    daemon = daemons(ALONE)
    guest = guests(name("alone"))
    with daemon.pipes(guest.name) as session:
        session.line(f"fill {300 << 10}")
        session.expect(b"x" + PROMPT, 120)
    daemon.stop()
    daemon.start()
    daemon.knows(guest)
    with daemon.terminal(guest.name) as session:
        session.expect(rb"live output from offset \d+", 60)
        assert 200 << 10 < session.seen.count(b"x") <= 256 << 10


# Modes


def test_terminal_gets_the_modes_that_were_set_before_what_it_is_shown(daemons, guests):
    daemon = daemons(ALONE)
    guest = guests(name("alone"))
    say(daemon, guest, "say \x1b[?2004h\x1b[1;35m", "pat 1500")
    for again in (False, True):
        if again:
            daemon.stop()
            daemon.start()
        for command in ((), ("attach", "--from", "-1000"), ("attach", "--lines", "1200")):
            with daemon.terminal(guest.name, *command) as session:
                session.expect(pattern.line(1499)[:-2])
                before = session.seen[:session.seen.index(pattern.line(1499)[:20])]
                assert b"\x1b[?2004h" in before, before[:2000]
                assert re.search(rb"\x1b\[[0-9;]*35[;m]", before), before[:2000]


def test_terminal_that_begins_inside_a_sequence_gets_all_of_it(recorder, opened):
    guest = opened()
    say(recorder, guest, "say \x1b[1;35mviolet")
    place = log(recorder, guest).index(b"\x1b[1;35mviolet")
    for inside in range(1, len("\x1b[1;35m")):
        with recorder.terminal(guest.name, "attach", "--from", str(place + inside)) as session:
            session.expect("violet")
            before = session.seen[:session.seen.index(b"violet")]
        assert before.endswith(b"\x1b[1;35m"), (inside, before)
        with recorder.terminal(guest.name, "log", "--from", str(place + inside)) as session:
            assert session.wait() == DONE
            assert session.seen.startswith(b"\x1b[1;35mviolet"), (inside, session.seen)


# The files, from outside


def test_journal_verb_looks_at_the_files(recorder, opened, printed):
    guest, other = printed, opened()
    say(recorder, guest, "bin 3000")
    whole = log(recorder, guest)
    first, end = offsets(recorder, guest)
    result = recorder.ctl("journal", "verify", guest.name)
    assert result.status == DONE and result.text == f"{guest.uuid}/serial:0: good\n", result
    info = recorder.ctl("journal", "info", guest.uuid).text
    assert f"{first} to {end}," in info and f" {len(whole)}, " in info, info
    result = recorder.ctl("journal", "export", guest.name)
    assert result.status == DONE and not result.err
    pattern.assert_same(result.out, whole)
    result = recorder.ctl("journal", "export", guest.name, "--from", "100", "--to", "500000")
    pattern.assert_same(result.out, whole[100 - first:500000 - first])
    marks = recorder.ctl("journal", "marks", guest.name).text
    assert re.search(r"^\d+ \S+Z attach \S", marks, re.M) and " detach " in marks, marks
    everything = recorder.ctl("journal", "info").text
    assert guest.uuid in everything and other.uuid in everything


def test_journal_verb_in_json(recorder, opened, printed):
    guest, other = printed, opened()
    say(recorder, guest, "bin 3000")
    first, end = offsets(recorder, guest)

    def answer(what, *words):
        return schema.check(f"journal {what}", parse_json(recorder.ctl("journal", what, *words, "--json")))
    info, = answer("info", guest.name)
    assert (info["uuid"], info["slot"]) == (guest.uuid, "serial:0")
    assert (info["first"], info["end"], info["holes"]) == (first, end, 0)
    assert {guest.uuid, other.uuid} <= {row["uuid"] for row in answer("info")}
    verified, = answer("verify", guest.name)
    assert verified["problems"] == []
    marks, = answer("marks", guest.name)
    assert {"attach", "detach"} <= {mark["kind"] for mark in marks["marks"]}
    assert [mark["offset"] for mark in marks["marks"]] == sorted(mark["offset"] for mark in marks["marks"])


def test_journal_verify_finds_what_is_damaged(daemons, guests):
    daemon = daemons(ALONE)
    guest = guests(name("alone"))
    say(daemon, guest, "pat 2000")
    index, = [f for f in os.listdir(folder(daemon, guest)) if f.endswith(".idx")]
    with open(f"{folder(daemon, guest)}/{index}", "ab") as file:
        file.write(b"m what is this\nm and this\n")
    result = daemon.ctl("journal", "verify", guest.name)
    assert result.status == 70 and "cannot be understood" in result.text, result
    result = daemon.ctl("journal", "verify", "--json")
    row, = schema.check("journal verify", json.loads(result.out))
    assert result.status == 70 and "cannot be understood" in row["problems"][0], result


@pytest.mark.parametrize("words", [(), ("nonsense",), ("export",), ("info", "a", "b"),
                                   ("verify", "--from", "3"), ("export", "x", "--json"), ("export", "x", "--to", "y")])
def test_journal_verb_names_mistakes(recorder, words):
    result = recorder.ctl("journal", *words)
    assert result.status == USAGE and result.err, result


def test_journal_verb_is_for_administrators_of_the_host(recorder, printed):
    guest = printed
    assert recorder.ssh("vmconsole", "journal", "info", guest.name).status == 77
    assert recorder.ctl("journal", "info", "nosuchvm").status == NO_SUCH
