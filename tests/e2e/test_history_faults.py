"""History when things break: the daemon ends or is killed, the disk is full, away or read-only."""

import os
import random
import re
import shutil
import signal
import time

import pytest

from lib import pattern
from lib.disk import CannotMount, Disk
from lib.kept import folder, kept, offsets
from lib.proc import rounds, wait_until
from lib.session import DONE, ask, skipped, word

MINE = {"record own": {"vms": "fault-*", "record": "all"}}
PROMPT = b"guest> "
ROUNDS = rounds(20)


@pytest.fixture
def guest(guests):
    return guests(f"fault-{word()}")


def say(daemon, guest, *commands):
    with daemon.pipes(guest.name, "attach") as session:
        for command in commands:
            session.line(command)
            session.expect("guest> ", 120)
        return session.seen


def log(daemon, guest, *options):
    result = daemon.ssh(guest.name, "log", *options)
    assert result.status == DONE, result
    return result


# The daemon


def test_orderly_restart_goes_on_at_the_next_offset(daemons, guest):
    daemon = daemons(MINE)
    say(daemon, guest, "pat 500")
    before = log(daemon, guest).out
    first, end = offsets(daemon, guest)
    daemon.stop()
    assert "closed" in read(f"{folder(daemon, guest)}/offset")
    daemon.start()
    assert offsets(daemon, guest) == (first, end)
    assert log(daemon, guest).out == before
    with daemon.terminal(guest.name, "attach", "--read-only") as session:
        session.expect(re.escape(pattern.line(499)[:-2]))
        assert pattern.line(490)[:-2] in session.seen
    more = say(daemon, guest, f"say {word()}")
    result = log(daemon, guest)
    assert result.out == before + more and not result.err, result
    marks = [mark for mark in kept(daemon, guest).marks if mark[1] == "gap"]
    assert any("restarted" in text and duration > 0 for *_, duration, text in marks), marks


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class Life:
    """One life of the daemon: a viewer reads a flood until the daemon is killed."""

    def __init__(self, daemon, guest):
        self.start = offsets(daemon, guest)[1]
        with daemon.pipes(guest.name, "attach", "--from", str(self.start), "--no-input") as viewer:
            viewer.expect_bytes(1, 20)
            until = time.monotonic() + random.uniform(0, 0.6)
            while time.monotonic() < until:
                viewer.read_some(0.02)
            daemon.process.send_signal(signal.SIGKILL)
            daemon.kill()
            viewer.wait()
            self.seen = viewer.seen
            self.holes = skipped(viewer.errors())


STALE = 128 * 1024  # a dead reader's bytes wait in pty and libvirtd: they come before the gap


def check_flood(data):
    """Whole lines with numbers that rise by one; they may break near the start only."""
    breaks, at, number = 0, 0, None
    for line in data.split(b"\r\n")[1:-1]:
        if number is not None and line + b"\r\n" != pattern.line(number):
            breaks += 1
            assert at < STALE, (breaks, at, line)
            number = None
        elif number is not None or re.fullmatch(rb"\d{10} \w{51}", line):
            number = int(line[:10]) + 1
        at += len(line) + 2


@pytest.mark.slow
@pytest.mark.timeout(120 + ROUNDS * 20)
def test_killed_in_a_flood_again_and_again(daemons, guest):
    """VMC_ROUNDS=200 for a longer one."""
    daemon = daemons(MINE)
    say_flood(daemon, guest)
    lives = []
    for number in range(ROUNDS):
        if number:
            daemon.start()
        lives.append(Life(daemon, guest))
        now = kept(daemon, guest)
        assert not now.overlaps(), f"round {number}: {now.overlaps()}"
        # What was seen is there, at the offsets at which it was seen.
        life = lives[-1]
        assert not life.holes
        pattern.assert_same(now.from_offset(life.start)[:len(life.seen)], life.seen)
        assert now.end >= life.start + len(life.seen)
        if number:
            previous = lives[-2]
            assert life.start >= previous.start + len(previous.seen), "offsets were used twice"
    daemon.start()
    total = kept(daemon, guest)
    gaps = sorted({mark[0] for mark in total.marks if mark[1] == "gap"})
    assert len([m for m in total.marks if "without warning" in m[4]]) >= ROUNDS
    for begin, end in zip([0] + gaps, gaps + [total.end]):
        inside = total.from_offset(begin)[:max(end - begin, 0)]
        check_flood(inside[inside.find(b"0000000000 "):] if begin == 0 else inside)
    for life in lives:
        pattern.assert_same(
            log(daemon, guest, "--from", str(life.start)).out[:len(life.seen)], life.seen)
    with daemon.terminal(guest.name, "attach", "--read-only") as session:
        session.expect(rb"\d{10} \w{51}\r\n")
    result = daemon.ctl("journal", "verify", guest.name, seconds=60)
    assert result.status == DONE, result


def say_flood(daemon, guest):
    with daemon.pipes(guest.name) as session:
        ask(session)
        session.line("flood")
        session.expect_bytes(1000)


def test_kill_before_anything_was_printed(daemons, guest):
    daemon = daemons(MINE)
    wait_until(lambda: os.path.exists(f"{folder(daemon, guest)}/offset"), 10, "a journal")
    daemon.kill()
    daemon.start()
    text = say(daemon, guest, f"say {word()}")
    assert log(daemon, guest).out.endswith(text)


# The disk


@pytest.fixture
def stopped(daemons, user):
    """A daemon that has made its folders, and a way to put its journals on a small disk."""
    disks = []

    def make(config, size, **options):
        daemon = daemons(config, **options)
        daemon.stop()
        try:
            disks.append(Disk(f"{daemon.dir}/state/journal", user, size))
        except CannotMount as error:
            pytest.skip(str(error))
        return daemon, disks[-1]

    yield make
    for disk in disks:
        disk.unmount()


def fill(session, count):
    """Bytes that no packer makes smaller."""
    for _ in range(count):
        session.line("bin 200000")
        session.expect_bytes(200002, 60)
        session.expect("guest> ")


BLOCK = pattern.binary(200000) + b"\r\n" + PROMPT


def test_full_disk_does_not_stop_the_console_and_recording_resumes(stopped, guest):
    daemon, disk = stopped({**MINE, "console": {"history_memory": "64K"}}, "512K")
    daemon.start()
    with daemon.terminal(guest.name, "attach", "--read-only") as person, \
            daemon.pipes(guest.name) as writer:
        ask(writer)
        base = offsets(daemon, guest)[1]
        fill(writer, 6)
        person.expect("not written to disk now: No space left", 30)
        person.taken = len(person.seen)
        end = base + 6 * len(BLOCK)
        assert offsets(daemon, guest)[1] == end
        # What is on disk, then what is in memory; the hole between is told.
        result = log(daemon, guest, "--from", str(base))
        (begin, until), = skipped(result.errors)
        pattern.assert_same(result.out,
                            (BLOCK * 6)[:begin - base] + (BLOCK * 6)[until - base:])
        assert until - begin > 500000
        guest.domain.suspend()  # what the guest does is no reason to begin to count again
        guest.domain.resume()
        disk.remount("size=16M")
        person.expect("written to disk again", 30)
        ask(writer)
        assert offsets(daemon, guest)[1] > end
    gaps = [mark for mark in kept(daemon, guest).marks if mark[1] == "gap" and mark[2]]
    assert any("not recorded" in text and length > 500000 and duration > 1000000
               for _, _, length, duration, text in gaps), gaps
    daemon.stop()
    daemon.start()
    result = log(daemon, guest, "--from", str(base))
    (begin, until), = skipped(result.errors)
    assert result.out.startswith((BLOCK * 6)[:begin - base] + (BLOCK * 6)[until - base:])
    assert daemon.ctl("journal", "verify", guest.name).status == DONE


def test_short_failure_leaves_no_hole(stopped, guest):
    """What the disk missed is still in memory when it works again."""
    daemon, disk = stopped(MINE, "512K")
    daemon.start()
    with daemon.pipes(guest.name) as writer:
        ask(writer)
        base = offsets(daemon, guest)[1]
        fill(writer, 4)
        wait_until(lambda: "No space left" in writer.errors(), 10, "the viewer is told")
        daemon.wait_log(f"history goes on in memory: {re.escape(folder(daemon, guest))}: No space "
                        "left on device: make room: df -h ")
        disk.remount("size=16M")
        wait_until(lambda: "written to disk again" in writer.errors(), 20, "and told again")
        fill(writer, 1)
    daemon.stop()
    daemon.start()
    result = log(daemon, guest, "--from", str(base))
    assert not result.err, result.errors
    pattern.assert_same(result.out, BLOCK * 5)


def test_read_only_disk_at_the_start(stopped, guest):
    daemon, disk = stopped(MINE, "4M")
    disk.remount("ro")
    daemon.start()
    with daemon.terminal(guest.name) as person:
        ask(person)
        answer = ask(person)
    assert answer.encode() in log(daemon, guest).out
    disk.remount("rw")
    wait_until(lambda: "written again" in daemon.log(), 20, "it resumes")
    text = say(daemon, guest, f"say {word()}")
    end = offsets(daemon, guest)[1]
    daemon.stop()
    daemon.start()
    assert log(daemon, guest).out.endswith(text)
    assert offsets(daemon, guest)[1] >= end


def test_offsets_do_not_come_again_when_the_disk_was_read_only(stopped, guest):
    daemon, disk = stopped(MINE, "4M")
    disk.remount("ro")
    daemon.start()
    say(daemon, guest, f"say {word()}")
    end = offsets(daemon, guest)[1]
    daemon.kill()
    daemon.start()
    assert offsets(daemon, guest)[1] >= end
    disk.remount("rw")


def test_missing_folder_is_made_again(daemons, guest):
    daemon = daemons(MINE)
    say(daemon, guest, f"say {word()}")
    end = offsets(daemon, guest)[1]
    shutil.rmtree(os.path.dirname(folder(daemon, guest)))

    def noticed():
        say(daemon, guest, f"say {word()}")
        return os.path.exists(f"{folder(daemon, guest)}/offset") and kept(daemon, guest).runs
    wait_until(noticed, 30, "the folder is there again")
    last = say(daemon, guest, f"say {word()}")
    wait_until(lambda: kept(daemon, guest).bytes.endswith(last), 20, "it is written")
    assert offsets(daemon, guest)[1] > end
    daemon.stop()
    daemon.start()
    assert log(daemon, guest).out.endswith(last)


def test_damaged_files_do_not_stop_the_start(daemons, guest):
    daemon = daemons(MINE)
    say(daemon, guest, "pat 2000")
    end = offsets(daemon, guest)[1]
    daemon.stop()
    place = folder(daemon, guest)
    for name in os.listdir(place):
        if name.endswith(".idx") or name == "offset":
            with open(f"{place}/{name}", "r+b") as file:
                file.write(bytes(random.randrange(256) for _ in range(60)))
    with open(f"{place}/99999999999999999999.log", "wb") as file:
        file.write(b"x")
    with open(f"{place}/nonsense", "wb") as file:
        file.write(b"x")
    os.symlink("/etc/passwd", f"{place}/00000000000000000001.log")
    daemon.start()
    assert offsets(daemon, guest)[1] >= end
    text = say(daemon, guest, f"say {word()}")
    out = daemon.ssh(guest.name, "log").out
    assert out.endswith(text) and b"root:" not in out
