"""Guests, libvirt, doors, clients and the daemon itself come, go and die."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from lib import clients, proc
from lib.proc import SANITIZED, SLOW, rounds, wait_until
from lib.session import (BROKEN, DENIED, DONE, GUEST_CRASHED, GUEST_OFF, RESTARTING, UNAVAILABLE,
                         ask, ask_until_answered, leave, one_line_reason, printed, see)

WATCH = ("attach", "--read-only", "--no-input")


# The guest


@pytest.mark.parametrize("way", ["reboot", "triple", "virsh reset"])
def test_session_survives_a_reboot(daemon, guest, way):
    with daemon.terminal(guest.name) as session:
        ask(session)
        if way == "virsh reset":
            guest.domain.reset()
        else:
            session.line(way)
        session.expect(printed(f"guest {guest.name} ready"), 20)
        ask(session)
        leave(session)


@pytest.mark.parametrize("way, reason", [
    ("power-off", "shut ?down|off"), ("destroy", "destroy|off|shut"), ("save", "sav")])
def test_pipe_ends_with_80_when_the_guest_goes(daemon, guest, way, reason):
    with daemon.pipes(guest.name) as session:
        ask(session)
        if way == "power-off":
            session.send(b"off\r")
        elif way == "destroy":
            guest.destroy()
        else:
            guest.domain.managedSave()
        assert session.wait(15) == GUEST_OFF, session.errors()
        one_line_reason(session.errors(), reason)
    if way == "save":
        guest.domain.managedSaveRemove()


def test_pipe_ends_with_81_when_qemu_is_killed(daemon, guest):
    with daemon.pipes(guest.name) as session:
        ask(session)
        guest.kill_qemu()
        assert session.wait(15) == GUEST_CRASHED, session.errors()
        one_line_reason(session.errors())


def test_pipe_ends_with_81_when_the_guest_panics(daemon, guests):
    guest = guests(on_crash="destroy")
    with daemon.pipes(guest.name) as session:
        ask(session)
        session.send(b"panic\r")
        assert session.wait(15) == GUEST_CRASHED, session.errors()
        one_line_reason(session.errors(), "panic|crash")


def test_session_goes_on_over_a_panic_with_restart(daemon, guests):
    guest = guests(on_crash="restart")
    with daemon.terminal(guest.name) as session:
        ask(session)
        session.line("panic")
        session.expect(printed(f"guest {guest.name} ready"), 20)
        ask(session)


def test_terminal_waits_over_power_off_and_start(daemon, guests):
    guest = guests(boot="later,2000,still-here")
    with daemon.terminal(guest.name) as session:
        ask(session)
        session.line("off")
        guest.wait_state("shut off")
        session.expect("(?i)wait|off|shut")
        guest.start()
        session.expect(printed("still-here"), 20)
        ask(session)
        leave(session)


def test_waiting_terminal_can_be_left(daemon, guest):
    with daemon.terminal(guest.name) as session:
        ask(session)
        guest.destroy()
        session.expect("(?i)wait|off|destroy")
        leave(session)


def test_pipe_with_wait_goes_on_after_the_next_start(daemon, guests):
    # The console of a guest that has just started takes a moment to open: what it prints at once
    # went to a pty that nobody held.
    guest = guests(boot="later,2000,still-here")
    with daemon.pipes(guest.name, "attach", "--wait", "--no-input") as session:
        daemon.wait_log(f"attached to {guest.name} ")
        guest.destroy()
        guest.wait_state("shut off")
        guest.start()
        session.expect(printed("still-here"), 20)


def test_login_before_the_start_sees_the_boot(daemon, guests):
    guest = guests(start=False)
    daemon.knows(guest)
    with daemon.terminal(guest.name) as session:
        session.expect("(?i)off|wait")
        guest.start()
        ask(session, 20)


def test_transient_guest_is_still_known_after_its_end(daemon, guests):
    guest = guests(start=False)
    guest.domain.undefine()
    guest.create_transient()
    with daemon.pipes(guest.name) as session:
        ask(session)
        guest.destroy()
        assert session.wait(15) == GUEST_OFF
    assert daemon.ssh(guest.name, "status").status == DONE
    assert daemon.ssh(guest.uuid, "status").status == DONE
    assert daemon.ssh(guest.name, "attach", "--no-input").status == UNAVAILABLE


def test_suspended_guest_keeps_its_sessions(daemon, guest):
    with daemon.terminal(guest.name) as session:
        ask(session)
        guest.domain.suspend()
        session.line("say after-resume")
        time.sleep(0.5)
        assert b"after-resume\r\n" not in session.seen
        guest.domain.resume()
        session.expect(printed("after-resume\r\n"))
        ask(session)


# libvirt


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipe"])
def test_session_survives_death_and_restart_of_libvirtd(daemon, virt, guest, terminal):
    with (daemon.terminal if terminal else daemon.pipes)(guest.name) as session:
        ask(session)
        virt.kill9()
        if terminal:
            session.expect("(?i)hypervisor|libvirt")
        else:
            wait_until(lambda: "hypervisor" in session.errors().lower()
                       or "libvirt" in session.errors().lower(), 15, "a word on standard error")
        virt.restart()
        ask_until_answered(session, 30)


def test_esc_typed_while_the_console_is_away_does_not_wait_for_the_next_key(daemon, virt, guest):
    with daemon.terminal(guest.name) as session:
        session.line("echo")
        session.expect("echo ready\r\n")
        virt.kill9()
        session.expect("(?i)hypervisor|libvirt")
        session.send(b"\x1b")
        session.expect("what is typed now is dropped", 20)
        virt.restart()
        session.expect("1 typed bytes were dropped", 30)
        session.send(b"x\x04")
        session.expect(printed("echo 1 bytes"), 20)


def test_pipe_ends_with_69_while_libvirt_is_away_and_works_afterwards(daemon, virt, guest):
    with daemon.terminal(guest.name) as session:
        ask(session)
    virt.kill9()
    result = daemon.ssh(guest.name, "attach", "--no-input", seconds=40)
    assert result.status == UNAVAILABLE, result
    one_line_reason(result.errors, "hypervisor|unreachable")
    virt.restart()
    wait_until(lambda: daemon.ssh(guest.name).status == DONE, 20, "a session after the restart")


def test_list_without_a_hypervisor_is_unavailable_and_tells_admins_why(daemons, virt, guest):
    daemon = daemons({"access all": {"allow": "view"}})
    daemon.knows(guest)
    virt.kill9()
    why = "no hypervisor is connected: test: Failed to connect socket to .*; no libvirt listens on /"
    wait_until(lambda: daemon.ctl("list").status == UNAVAILABLE, 20, "it is away")
    wait_until(lambda: re.search(why, daemon.ctl("list").errors), 20, "it says why")
    result = daemon.ctl("list")
    assert guest.name in result.text and "what was known before" in result.errors, result
    result = daemon.ssh("vmconsole", "list", "--json")
    assert result.status == UNAVAILABLE and json.loads(result.out), result
    assert "test cannot be reached" in result.errors and "socket" not in result.errors, result
    with daemon.terminal("vmconsole") as menu:
        menu.expect("no hypervisor is connected: test cannot be reached")
    assert len(re.findall("warning: hypervisor test: Failed", daemon.log())) == 1, daemon.log()
    virt.restart()
    wait_until(lambda: daemon.ctl("list").status == DONE, 20, "it is connected again")


def test_power_off_while_libvirt_is_away_is_noticed(daemon, virt, guest):
    with daemon.pipes(guest.name) as session:
        ask(session)
        pid = guest.qemu_pid
        virt.kill9()
        proc.end(pid, signal.SIGKILL)
        virt.restart()
        assert session.wait(30) in (GUEST_OFF, GUEST_CRASHED), session.errors()


def test_frozen_libvirtd_stops_neither_logins_nor_the_end(daemons, virt, guest):
    daemon = daemons()
    with daemon.terminal(guest.name) as session:
        ask(session)
        virt.freeze()
        begun = time.monotonic()
        assert daemon.ssh("vmconsole", "list").status == DONE
        assert time.monotonic() - begun < 5 * SLOW
        daemon.stop()
    virt.thaw()


def test_daemon_starts_while_libvirt_is_away(daemons, virt, guest):
    virt.kill9()
    daemon = daemons()
    result = daemon.ssh("vmconsole", "list")
    assert result.status == UNAVAILABLE and result.text == "", result
    one_line_reason(result.errors, "no hypervisor is connected: test cannot be reached$")
    virt.restart()
    wait_until(lambda: daemon.ssh("vmconsole", "list").status == DONE, 20, "it is connected")
    wait_until(lambda: daemon.ssh(guest.name).status == DONE, 20, "a session after the start")
    with daemon.terminal(guest.name) as session:
        ask(session)


# Doors and clients


def test_killed_door_ends_its_sessions_with_255_and_is_replaced(daemons, guest):
    daemon = daemons()
    with daemon.terminal(guest.name) as session:
        ask(session)
        doors = daemon.doors("ssh")
        assert doors
        for door in doors:
            proc.end(door, signal.SIGKILL)
        assert session.wait() == BROKEN
    wait_until(daemon.banner, 10, "a new door")
    assert not set(daemon.doors("ssh")) & set(doors)
    with daemon.terminal(guest.name) as session:
        ask(session)
        leave(session)


def test_door_that_dies_again_and_again_does_not_take_the_daemon_along(daemons, guest):
    daemon = daemons()
    for _ in range(5):
        for door in wait_until(lambda: daemon.doors("ssh"), 15, "a door"):
            proc.end(door, signal.SIGKILL)
    wait_until(daemon.banner, 40, "a new door")
    with daemon.terminal(guest.name) as session:
        ask(session)


@pytest.mark.timeout(120 + rounds(4) * 20)
def test_doors_that_die_leave_nothing_behind(daemons, guest):
    daemon = daemons()
    before = None
    for number in range(rounds(4) + 1):
        wait_until(daemon.banner, 40, "a new door")
        with daemon.pipes(guest.name) as session:
            ask(session)
            for door in daemon.doors("ssh"):
                proc.end(door, signal.SIGKILL)
            assert session.wait() == BROKEN
        if number == 0:
            wait_until(daemon.banner, 40, "a new door")
            before = daemon.settled()
    wait_until(daemon.banner, 40, "a new door")
    leaves_nothing(daemon, before)


def test_killed_broker_takes_its_doors_along(daemons, guest):
    daemon = daemons()
    with daemon.terminal(guest.name) as session:
        ask(session)
        doors = daemon.doors()
        daemon.kill()
        assert session.wait() == BROKEN
        wait_until(lambda: not any(proc.alive(door) for door in doors), 10, "no orphaned door")


def test_killed_client_vanishes(daemon, guest):
    with daemon.terminal(guest.name) as session:
        ask(session)
        session.kill()
        session.wait()
    mark = daemon.keys.fingerprint(daemon.keys.ed25519)
    wait_until(lambda: mark not in daemon.ssh(guest.name, "who", key=daemon.keys.other).text, 10,
               "the dead session is gone from who")


async def _rounds(daemon, guest, count):
    """Half of them leave in order, half drop the connection in the middle of a session."""
    for number in range(count):
        connection = await clients.asyncssh_connect(daemon, guest.name)
        if number % 2:
            process = await connection.create_process(term_type="xterm", encoding=None)
            process.stdin.write(b"\r")
            await process.stdout.readuntil(b"guest> ")
            connection.abort()
        else:
            done = await connection.run("status")
            assert done.exit_status == 0, done
            connection.close()
        await connection.wait_closed()


def leaves_nothing(daemon, before):
    """Neither descriptors nor threads, and in all less than a MiB."""
    after = daemon.falls_back_to(before)
    if not SANITIZED:
        assert after.memory - before.memory < 1024, (before, after)


@pytest.mark.timeout(90 + rounds(80))
def test_clients_leave_nothing_behind(daemons, guest):
    daemon = daemons()
    asyncio.run(_rounds(daemon, guest, 20))
    before = daemon.settled()
    asyncio.run(_rounds(daemon, guest, rounds(80)))
    leaves_nothing(daemon, before)


@pytest.mark.timeout(120 + rounds(6) * 10)
def test_guests_that_die_leave_nothing_behind(daemons, guest):
    daemon = daemons()
    before = None
    for number in range(rounds(6) + 1):
        with daemon.pipes(guest.name) as session:
            ask(session)
            (guest.kill_qemu if number % 2 else guest.destroy)()
            assert session.wait(15) in (GUEST_OFF, GUEST_CRASHED)
        guest.wait_state("shut off")
        guest.start()
        if number == 2:
            before = daemon.settled()
    leaves_nothing(daemon, before)


@pytest.mark.timeout(90 + rounds(3) * 10)
def test_libvirt_that_dies_leaves_nothing_behind(daemons, virt, guest):
    daemon = daemons()
    before = None
    with daemon.terminal(guest.name) as session:
        for number in range(rounds(3) + 1):
            ask_until_answered(session, 30)
            if number == 1:
                before = daemon.settled()
            virt.kill9()
            virt.restart()
        ask_until_answered(session, 30)
        leaves_nothing(daemon, before)


# The daemon itself


def test_stop_ends_sessions_with_86_and_a_reason(daemons, guest):
    daemon = daemons()
    with daemon.terminal(guest.name) as person, \
            daemon.pipes(guest.name, *WATCH) as script:
        see(script, person)
        daemon.stop()
        assert script.wait() == RESTARTING, script.errors()
        one_line_reason(script.errors(), "restart|stop")
        assert person.wait() == RESTARTING
        person.expect("(?i)restart|stop")


def test_stop_does_not_wait_for_a_client_that_reads_nothing(daemons, guest):
    daemon = daemons()
    with daemon.pipes(guest.name) as writer, daemon.pipes(guest.name, *WATCH) as stopped:
        see(stopped, writer)
        stopped.kill(signal.SIGSTOP)
        writer.send(b"flood\r")
        writer.expect_bytes(150000, 60)
        daemon.stop()


def test_stop_at_the_moment_a_client_vanishes(daemons, guest):
    """A session that ends by itself in the same turn must not be ended again. The broker is frozen
    until both the door's farewell and the signal wait for it."""
    daemon = daemons()
    with daemon.terminal(guest.name) as person:
        ask(person)
        door = daemon.doors("ssh")
        held = proc.Usage(door).fds
        os.kill(daemon.pid, signal.SIGSTOP)
        person.kill()
        wait_until(lambda: proc.Usage(door).fds < held, 10, "the door has let go")
        daemon.terminate()
        os.kill(daemon.pid, signal.SIGCONT)
        assert daemon.wait_end() == 0, daemon.log_tail(20)


def test_second_start_keeps_host_keys_and_known_guests(daemons, virt, guest):
    daemon = daemons()
    print_before = clients.host_key_fingerprint(daemon)
    with daemon.terminal(guest.name) as session:
        ask(session)
    daemon.stop()
    daemon.start()
    assert clients.host_key_fingerprint(daemon) == print_before
    with daemon.terminal(guest.name) as session:
        ask(session)


def test_two_daemons_do_not_run_on_one_state_dir(daemons):
    daemon = daemons()
    second = subprocess.run(
        daemon.user.argv([daemon.programs.vmconsoled, "--config", daemon.file]),
        env=daemon.virt.env, capture_output=True, timeout=20 * SLOW, check=False)
    assert second.returncode != 0
    assert daemon.banner()
    assert daemon.ctl("list").status == DONE


def test_reload_takes_new_keys_and_rules_and_drops_no_session(daemons, guest, keys):
    daemon = daemons(authorized=[keys.line(keys.ed25519)])
    with daemon.terminal(guest.name) as session:
        ask(session)
        assert daemon.ssh(guest.name, "status", key=keys.other).status == BROKEN
        daemon.authorize([keys.line(keys.ed25519), keys.line(keys.other)])
        daemon.reload()
        wait_until(lambda: daemon.ssh(guest.name, "status", key=keys.other).status == DONE, 10,
                   "the new key is taken")
        ask(session)
        daemon.configure({"access all": {"allow": "view"}})
        result = daemon.ctl("reload")
        assert result.status == DONE, result
        assert daemon.ssh(guest.name, stdin=b"x\n", key=keys.other).status == DENIED
        leave(session)


def test_service_manager_is_told_when_a_reload_begins_and_ends(daemons, keys, user, virt, monkeypatch):
    path = f"{user.mkdir(tempfile.mkdtemp(prefix='n-', dir=virt.dir))}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        os.chmod(path, 0o666)
        manager.settimeout(20 * SLOW)
        monkeypatch.setitem(virt.env, "NOTIFY_SOCKET", path)
        daemon = daemons(authorized=[keys.line(keys.ed25519)])
        assert manager.recv(4096) == b"READY=1"
        for changes in ({"ssh": {"max_auth_tries": "5"}}, {"ssh": {"max_auth_trise": "5"}}):
            daemon.configure(changes)
            before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            daemon.reload()
            begun = re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=(\d+)", manager.recv(4096))
            assert before <= int(begun[1]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            assert manager.recv(4096) == b"READY=1"


def test_broken_configuration_is_not_loaded(daemons, guest):
    daemon = daemons()
    with daemon.terminal(guest.name) as session:
        ask(session)
        daemon.configure({"console": {"lingre": "3s"}})
        since = len(daemon.log())
        daemon.reload()
        daemon.wait_log("lingre", since=since)
        result = daemon.ctl("reload")
        assert result.status != DONE and "lingre" in result.errors, result
        ask(session)
        assert daemon.ssh(guest.name, "status").status == DONE


def test_door_is_confined(daemon):
    """Seen from outside: no new privileges, a seccomp filter, no core dumps, few descriptors."""
    door, = daemon.doors("ssh")
    with open(f"/proc/{door}/status", encoding="ascii") as file:
        status = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    with open(f"/proc/{door}/limits", encoding="ascii") as file:
        core = next(line for line in file if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]
    targets = [os.readlink(f"/proc/{door}/fd/{fd}") for fd in os.listdir(f"/proc/{door}/fd")]
    assert not [target for target in targets if target.startswith("/") and
                not target.startswith(("/dev/", "/memfd:")) and "log" not in target], targets
