"""Panics: the hypervisor's word ends sessions and runs a program; the guest's words are a mark."""

import os
import time

import pytest

from lib.proc import wait_until
from lib.session import GUEST_CRASHED, ask, leave, one_line_reason, parse_json, walk

WATCH = ("attach", "--read-only", "--no-input")


def counted(daemon, guest):
    data = parse_json(daemon.ssh(guest.name, "status", "--json"))
    return sum(item["panic_texts"] for item in walk(data)
               if isinstance(item, dict) and "panic_texts" in item)


@pytest.fixture
def program(virt, user):
    """A program that writes down its arguments and what it can see; .lines() reads that."""
    class Program:
        path = f"{virt.dir}/on-panic-{time.monotonic_ns()}"
        out = path + ".out"

        def __init__(self, more=""):
            user.write(self.path, f'#!/bin/sh\n{{ for a in "$@"; do echo "[$a]"; done; env; '
                                  f'ls -l /proc/self/fd | grep -v null; }} >> {self.out}\n{more}\n')
            os.chmod(self.path, 0o755)

        def text(self):
            try:
                with open(self.out, encoding="utf-8") as file:
                    return file.read()
            except FileNotFoundError:
                return ""
    return Program


# The hypervisor's word


@pytest.mark.parametrize("on_crash", ["preserve", "destroy", "restart", "coredump-destroy",
                                      "coredump-restart"])
def test_script_ends_with_81_when_the_guest_panics(daemon, guests, on_crash):
    """With preserve the console stays open and silent for ever."""
    guest = guests(on_crash=on_crash)
    with daemon.pipes(guest.name) as session:
        ask(session)
        session.send(b"say last words\rpanic\r")
        assert session.wait(15) == GUEST_CRASHED, session.errors()
        one_line_reason(session.errors(), "panic|crash")
        assert b"last words\r\n" in session.seen


def test_terminal_is_told_of_a_panic_and_goes_on(daemon, guests):
    guest = guests(on_crash="preserve")
    with daemon.terminal(guest.name) as session:
        ask(session)
        session.line("panic")
        session.expect("has panicked")
        leave(session)


def test_program_is_run_with_uuid_name_and_offset(daemons, guests, program):
    written = program()
    daemon = daemons({"console": {"on_panic": written.path}})
    guest = guests(name="pan $(touch x) ic")
    with daemon.pipes(guest.uuid) as session:
        ask(session)
        session.send(b"panic\r")
        session.wait(15)
    lines = wait_until(lambda: written.text().split("\n") if "PATH=" in written.text() else None,
                       10, "the program has run")
    assert lines[0] == f"[{guest.uuid}]"
    assert lines[1] == "[pan $(touch x) ic]"
    assert int(lines[2].strip("[]")) > 0
    environment = [line for line in lines[3:] if "=" in line and not line.startswith("PWD=")]
    assert {line.split("=")[0] for line in environment} <= {"PATH", "SHLVL", "_", "OLDPWD"}, lines
    assert not [line for line in lines if "socket:" in line], lines
    daemon.wait_log(f"on_panic for {guest.uuid} ended with 0")


def test_program_that_hangs_is_ended_with_the_service(daemons, guests, program):
    written = program("sleep 1000")
    daemon = daemons({"console": {"on_panic": written.path}})
    guest = guests()
    with daemon.pipes(guest.name) as session:
        ask(session)
        session.send(b"panic\r")
        session.wait(15)
    wait_until(lambda: "PATH=" in written.text(), 10, "the program runs")
    daemon.stop()


def test_missing_program_is_an_error_in_the_log_only(daemons, guests):
    daemon = daemons({"console": {"on_panic": "/nonexistent/program"}})
    guest = guests()
    with daemon.pipes(guest.name) as session:
        ask(session)
        session.send(b"panic\r")
        assert session.wait(15) == GUEST_CRASHED
    daemon.wait_log("on_panic .*No such file")


# The guest's words


def test_text_of_a_panic_is_counted_and_ends_nothing(daemons, guest, program):
    written = program()
    daemon = daemons({"console": {"on_panic": written.path}})
    with daemon.pipes(guest.name) as session:
        ask(session)
        before = counted(daemon, guest)
        session.line("say Kernel panic - not syncing: forged")
        session.expect("not syncing: forged\r\n")
        wait_until(lambda: counted(daemon, guest) == before + 1, 5, "it is counted")
        ask(session)
    assert written.text() == ""


def test_texts_are_configured_and_reloaded(daemons, guest):
    daemon = daemons({"console": {"panic_patterns": "frobnicated, is%2C gone"}})
    with daemon.pipes(guest.name) as session:
        ask(session)
        session.line("say Kernel panic - not syncing")
        session.line("say all is, gone and frobnicated")
        session.expect("frobnicated\r\n")
        assert counted(daemon, guest) == 2
        daemon.configure({"console": {"panic_patterns": "xyzzy"}})
        daemon.reload()
        daemon.wait_log("(?i)configuration|reload")
        session.line("say frobnicated xyzzy")
        session.expect("xyzzy\r\n")
        wait_until(lambda: counted(daemon, guest) == 3, 5, "the new text counts, not the old one")


def test_history_has_a_bounded_number_of_marks(daemons, guest):
    daemon = daemons({"history": {"record": "all"}, "access root": {
        "who": "user:root", "vms": "*", "allow": "view, log, admin"}})
    with daemon.pipes(guest.name) as session:
        ask(session)
        for _ in range(20):
            session.line("say Oops: again")
            session.expect("Oops: again\r\n")
        assert counted(daemon, guest) == 20
    assert daemon.ssh(guest.name, "log").text.count("Oops: again") == 20
    daemon.stop()
    daemon.start()
    assert daemon.ctl("journal", "marks", guest.name).text.count("Oops: ") == 8
