"""Every exit status of wire/status.h, for the same cause by every way: ssh without and with a terminal,
over a ControlMaster, and vmconsolectl. The last line says why."""

import contextlib
import os
import re
import signal

import pytest

from lib import clients, proc
from lib.local_caller import NOBODY
from lib.proc import HERE, wait_until
from lib.session import ask, one_line_reason, parse_json, rows_of
from lib.term import Pipes

pytestmark = pytest.mark.timeout(120)
HEADER = f"{HERE}/../../../wire/status.h"
WATCH = ("attach", "--no-input", "--no-wait")
# Beside those of TABLE and of the tests below: it takes a second host.
ELSEWHERE = {"MOVED": "test_migration.py"}

# What is asked of the guest that runs, unless another is named: word of the reason.
TABLE = {
    "OK": ("running", "status", None),
    "USAGE": ("running", "wait '('", "pattern 1"),
    "NOT_FOUND": ("running", "log --device ttyS7", "no device ttyS7"),
    "UNAVAILABLE": ("off", "attach --no-wait", "is off"),
    "BUSY": ("typed", "send x", "nothing was typed"),
    "CRASHED": ("panicked", "wait never --from start", "has panicked"),
    "TIMEOUT": ("running", "wait never --timeout 1", "timed out after 1s"),
}


def statuses():
    """{"OK": 0, ...}"""
    with open(HEADER, encoding="utf-8") as file:
        return {name: int(value) for name, value in re.findall(r"STATUS_(\w+) = (\d+)", file.read())}


STATUS = statuses()


@pytest.fixture(scope="module")
def daemon(module_daemons):
    return module_daemons({
        "access all": {"allow": "view, type, control, log, admin"},
        "access nobody": {"who": "user:nobody", "vms": "*", "allow": "view"}})


@pytest.fixture(scope="module")
def world(daemon, module_guests):
    """Guests by what they are: and somebody types on one of them."""
    found = {name: module_guests(f"status-{name}", start=name != "off")
             for name in ("running", "off", "typed", "panicked")}
    daemon.knows(*found.values())
    with contextlib.ExitStack() as stack:
        ask(stack.enter_context(daemon.terminal(found["typed"].name)))
        panicking = stack.enter_context(daemon.pipes(found["panicked"].name))
        ask(panicking)
        panicking.line("panic")
        assert panicking.wait(20) == STATUS["CRASHED"], panicking.errors()
        yield found


@pytest.fixture(scope="module")
def master(daemon, world, tmp_path_factory):
    """guest -> the options of a session over its ControlMaster."""
    folder, masters = tmp_path_factory.mktemp("mux"), {}
    with contextlib.ExitStack() as stack:
        def options(login):
            path = folder / login
            if login not in masters:
                masters[login] = stack.enter_context(
                    daemon.pipes(login, options=["-M", "-N", "-S", str(path)]))
                wait_until(path.exists, 15, "the master connection")
            return ["-S", str(path)]
        yield options


def argv(daemon, master, way, login, command):
    if way == "vmconsolectl":
        words = command.replace("'", "").split()
        return daemon.ctl_argv(words[0], login, *words[1:])
    options = {"ssh": {}, "ssh -tt": {"tty": True}, "mux": {"options": master(login)}}[way]
    return clients.ssh_argv(daemon, login, command, **options)


WAYS = ("ssh", "ssh -tt", "mux", "vmconsolectl")


class Everywhere:
    """The same on one guest by every way, at once."""

    def __init__(self, daemon, master, login, command):
        self.sessions = {way: Pipes(argv(daemon, master, way, login, command)) for way in WAYS}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for session in self.sessions.values():
            session.close()

    def end(self, name, reason, seconds=20):
        for way, session in self.sessions.items():
            status = session.wait(seconds)
            said = session.seen.decode(errors="replace") + session.errors()
            assert status == STATUS[name], (way, status, said)
            if reason:
                one_line_reason(said, reason)


def sessions_on(daemon, guest):
    return rows_of(parse_json(daemon.ctl("who", guest.name, "--json")), guest.name)


def watched(daemon, master, guest):
    """Sessions by every way, all of them there."""
    before = len(sessions_on(daemon, guest))
    found = Everywhere(daemon, master, guest.name, " ".join(WATCH))
    wait_until(lambda: len(sessions_on(daemon, guest)) == before + len(WAYS), 20, "all are there")
    return found


def test_no_status_is_without_a_test():
    here = set(re.findall(r'"([A-Z_]+)"', open(__file__, encoding="utf-8").read()))
    assert set(STATUS) <= here | set(ELSEWHERE), set(STATUS) - here


@pytest.mark.parametrize("name", TABLE)
def test_status_is_that_of_the_cause_by_every_way(daemon, world, master, name):
    guest, command, reason = TABLE[name]
    with Everywhere(daemon, master, world[guest].name, command) as sessions:
        sessions.end(name, reason)


def test_a_session_that_an_administrator_ends(daemon, world, master):
    guest = world["running"]
    with watched(daemon, master, guest) as sessions:
        for row in sessions_on(daemon, guest):
            assert daemon.ctl("kick", row["session"]).status == STATUS["OK"]
        sessions.end("KICKED", "ended by user:")


def test_a_missing_right(daemon, world, master):
    guest = world["running"]
    for way in ("ssh", "ssh -tt", "mux"):
        result = Pipes(argv(daemon, master, way, guest.name, "power off"))
        with result:
            assert result.wait(20) == STATUS["DENIED"], (way, result.errors())
            one_line_reason(result.seen.decode() + result.errors(), "permission denied: power")
    if os.getuid() == 0:
        nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
        with Pipes(nobody + daemon.ctl_argv("send", guest.name, "x")) as result:
            assert result.wait(20) == STATUS["DENIED"], result.errors()
            one_line_reason(result.errors(), "permission denied: type")


def test_an_interrupted_wait(daemon, world):
    """What a shell makes of vmconsolectl that a signal ends is the same number."""
    guest = world["running"]
    before = len(sessions_on(daemon, guest))
    with clients.paramiko_connect(daemon, guest.name) as client, \
            Pipes(daemon.ctl_argv("wait", guest.name, "never")) as local:
        channel = client.get_transport().open_session(timeout=20 * proc.SLOW)
        channel.exec_command("wait never")
        wait_until(lambda: len(sessions_on(daemon, guest)) == before + 2, 15, "both have begun")
        clients.paramiko_signal(client, channel, "INT")
        channel.status_event.wait(20 * proc.SLOW)
        assert channel.exit_status == STATUS["INTERRUPTED"]
        local.kill(signal.SIGINT)
        assert 128 - local.wait(20) == STATUS["INTERRUPTED"]


def test_a_matching_process_that_always_dies(daemon, world, master):
    """Killed as soon as it is there, at work or before: whoever waits is told."""
    guest = world["running"]
    with daemon.pipes(guest.name) as typist, \
            Everywhere(daemon, master, guest.name, "wait never") as sessions:
        ask(typist)
        typist.line("flood")
        guest.wait_run("flood")
        while any(session.process.poll() is None for session in sessions.sessions.values()):
            for pid in daemon.workers("match"):
                os.kill(pid, signal.SIGKILL)
            typist.read_some(0.1)
        sessions.end("INTERNAL", "the process that looks for it")


def test_a_guest_that_goes(daemon, guests, master):
    guest = guests()
    with daemon.pipes(guest.name) as person:
        ask(person)  # its console is open: it has not only just been found on
    with watched(daemon, master, guest) as sessions:
        guest.destroy()
        sessions.end("SHUTDOWN", "was destroyed")


def test_limits_and_a_restart(daemons, guest, tmp_path):
    daemon = daemons({"ssh": {"idle_timeout": "3s"}})

    def alone(login):
        return ["-S", "none"]
    with Everywhere(daemon, alone, guest.name, " ".join(WATCH)) as sessions:
        sessions.end("LIMIT", "idle")
    daemon.configure({"ssh": {"idle_timeout": None}})
    assert daemon.ctl("reload").status == STATUS["OK"]
    with watched(daemon, alone, guest) as sessions:
        daemon.terminate()
        sessions.end("RESTART", "restart")
        assert daemon.wait_end() == 0
