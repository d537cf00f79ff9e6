"""power: switches guests on and off, says what has become of them, and names who did it."""

import os
import re
import signal

import pytest

from lib.proc import wait_until
from lib.session import (BUSY, DENIED, DONE, ESCAPE, GUEST_CRASHED, GUEST_OFF, UNAVAILABLE, USAGE,
                         ask, ask_until_answered, leave, one_line_reason, parse_json, printed)

ALL = "view, type, force, control, log, power"
TIMED_OUT = 124
KINDS = ["on", "off", "reset", "shutdown", "start-paused", "resume"]


@pytest.fixture(scope="module")
def daemon(module_daemons):
    return module_daemons({"access all": {"allow": ALL}, "history": {"record": "attached"},
                           "access root": {"who": "user:root", "vms": "*",
                                           "allow": "view, power, log, admin"}})


def state(daemon, guest):
    return parse_json(daemon.ssh(guest.name, "status", "--json"))["state"]


def power(daemon, guest, *words, status=DONE, says="", seconds=60):
    result = daemon.ssh(guest.name, "power", *words, seconds=seconds)
    assert result.status == status, result
    one_line_reason(result.errors, guest.name, says)
    return result


@pytest.fixture(scope="module")
def ordered(module_guests):
    """The guest that gets each order in each state."""
    return module_guests(start=False)


def bring(guest, before):
    """The guest in a state, from any of them."""
    if before == "off" and guest.state != "shut off":
        guest.destroy()
    if before != "off" and guest.state == "shut off":
        guest.start()
    if before == "running" and guest.state == "paused":
        guest.domain.resume()
    if before == "paused" and guest.state == "running":
        guest.domain.suspend()


# (before, order): (exit status, what is said, state after)
TABLE = {
    ("off", "on"): (DONE, "was started$", "running"),
    ("off", "off"): (DONE, "is off already$", "off"),
    ("off", "reset"): (UNAVAILABLE, "it is off; see: power on$", "off"),
    ("off", "shutdown"): (DONE, "is off already$", "off"),
    ("off", "start-paused"): (DONE, "was started paused$", "paused"),
    ("off", "resume"): (UNAVAILABLE, "it is off; see: power on$", "off"),
    ("running", "on"): (DONE, "is running already$", "running"),
    ("running", "off"): (DONE, "was powered off$", "off"),
    ("running", "reset"): (DONE, "was reset$", "running"),
    ("running", "shutdown"): (DONE, "was asked to shut down$", "running"),
    ("running", "start-paused"): (UNAVAILABLE, "it is running$", "running"),
    ("running", "resume"): (DONE, "is running already$", "running"),
    ("paused", "on"): (UNAVAILABLE, "it is paused; see: power resume$", "paused"),
    ("paused", "off"): (DONE, "was powered off$", "off"),
    ("paused", "reset"): (DONE, "was reset$", "paused"),
    ("paused", "shutdown"): (UNAVAILABLE, "it is paused; see: power resume$", "paused"),
    ("paused", "start-paused"): (UNAVAILABLE, "it is paused; see: power resume$", "paused"),
    ("paused", "resume"): (DONE, "runs again$", "running"),
}


@pytest.mark.parametrize("before, order", TABLE)
def test_each_order_in_each_state_says_what_becomes_of_the_guest(daemon, ordered, before, order):
    status, says, after = TABLE[before, order]
    bring(ordered, before)
    daemon.knows(ordered)
    wait_until(lambda: state(daemon, ordered) == before, 10, f"it is {before}")
    power(daemon, ordered, order, status=status, says=says)
    assert state(daemon, ordered) == after  # at once: a script asks next


@pytest.mark.parametrize("order, status, says, after", [
    ("on", UNAVAILABLE, "it is crashed; see: power reset, power off$", "crashed"),
    ("shutdown", UNAVAILABLE, "it is crashed", "crashed"),
    ("resume", UNAVAILABLE, "it is crashed", "crashed"),
    ("off", DONE, "was powered off$", "off"),
    ("reset", DONE, "was reset$", "running"),
])
def test_a_guest_that_a_panic_has_stopped_is_reset_or_switched_off(daemon, guest, order, status,
                                                                  says, after):
    with daemon.pipes(guest.name, "attach", "--wait") as session:
        ask(session)
        session.line("panic")
        wait_until(lambda: state(daemon, guest) == "crashed", 15, "it is crashed")
        power(daemon, guest, order, status=status, says=says)
        assert state(daemon, guest) == after
        if order == "reset":
            session.expect(printed(f"guest {guest.name} ready"), 20)


def test_a_transient_guest_is_gone_when_it_is_off(daemon, guests):
    guest = guests(start=False)
    guest.domain.undefine()
    guest.create_transient()
    daemon.knows(guest)
    power(daemon, guest, "off", says="was powered off$")
    assert state(daemon, guest) == "gone"
    power(daemon, guest, "on", status=UNAVAILABLE, says="it is gone$")


def test_shutdown_with_wait_ends_when_the_guest_is_off(daemon, guest):
    with daemon.pipes(guest.name, "attach", "--wait") as session:
        ask(session)
        session.line("button")
        session.expect("waiting for the button")  # what it prints when it ends may go with its pty
        power(daemon, guest, "shutdown", "--wait=60", says="is off$")
    assert state(daemon, guest) == "off"


def test_a_guest_that_does_not_heed_it_is_124(daemon, guest):
    result = daemon.ssh(guest.name, "power", "shutdown", "--wait=2")
    assert result.status == TIMED_OUT and result.out == b"", result
    one_line_reason(result.errors, f"power shutdown timed out after 2s: VM {guest.name} is running")


def test_a_guest_that_panics_instead_is_81(daemon, guest):
    with daemon.pipes(guest.name, "attach", "--wait") as session, \
            daemon.pipes(guest.name, "power", "shutdown", "--wait") as order:
        ask(session)
        wait_until(lambda: "power shutdown by" in session.errors(), 20, "it was asked")
        session.line("panic")
        assert order.wait(20) == GUEST_CRASHED, order.errors()
        one_line_reason(order.errors(), f"VM {guest.name} has panicked")


def test_a_guest_that_panics_before_it_hears_of_it_is_81(daemons, virt, guests):
    """libvirtd stands still meanwhile, and may read of the panic before it reads what is asked."""
    daemon = daemons({"access all": {"allow": ALL},
                      "console": {"unix_dirs": f"{virt.dir}/files"}})
    for _ in range(4):
        guest = guests(serials=("unix",))
        with daemon.pipes(guest.name, "attach") as session:
            ask(session)
            os.kill(virt.pid(), signal.SIGSTOP)
            try:
                with daemon.pipes(guest.name, "power", "shutdown", "--wait") as order:
                    wait_until(lambda: "power shutdown by" in session.errors(), 20, "it is asked")
                    session.line("panic")
                    guest.wait_run("panic")
                    os.kill(virt.pid(), signal.SIGCONT)
                    assert order.wait(20) == GUEST_CRASHED, order.errors()
            finally:
                os.kill(virt.pid(), signal.SIGCONT)
        guest.destroy()


def test_the_offset_it_prints_is_that_before_all_that_follows(daemon, guest):
    """No output between two calls is missed."""
    with daemon.pipes(guest.name) as session:
        ask(session)
    for _ in range(3):
        at = int(power(daemon, guest, "reset").out)
        result = daemon.ssh(guest.name, f"wait --from {at} --timeout 30 'guest> $'", seconds=40)
        assert result.status == DONE, result
        log = daemon.ssh(guest.name, "log", "--from", str(at)).out
        assert log.count(f"guest {guest.name} ready".encode()) == 1, log
    result = parse_json(daemon.ssh(guest.name, "power", "off", "--json"))
    assert result == {"power": "off", "state": "off", "offset": result["offset"]}
    assert result["offset"] > at
    at = parse_json(daemon.ssh(guest.name, "power", "on", "--json"))["offset"]
    assert at >= result["offset"]


def test_everybody_is_told_who_did_it_and_history_and_audit_keep_it(daemon, guest, keys):
    who = keys.fingerprint(keys.other)
    with daemon.terminal(guest.name) as person, \
            daemon.pipes(guest.name, "attach", "--wait") as script:
        ask(person)
        result = daemon.ssh(guest.name, "power", "reset", key=keys.other)
        assert result.status == DONE, result
        person.expect(rf"\[vmconsoled: VM {guest.name}: power reset by key:{re.escape(who)}")
        wait_until(lambda: f"VM {guest.name}: power reset by key:{who}" in script.errors(), 10,
                   "the script is told")
        leave(person)
    record = daemon.wait_audit(event="verb", verb="power reset", vm_uuid=guest.uuid)
    assert record["status"] == DONE and record["reason"] == f"VM {guest.name} was reset", record
    assert who in record["identity"]
    row, = [line for line in daemon.ctl("journal", "marks", guest.name).text.split("\n")
            if " power " in line]
    assert f"reset by key:{who}" in row, row


def test_what_the_hypervisor_refuses_is_told_with_its_words(daemon, guests):
    guest = guests(start=False)
    kernel = guest.virt.programs.guest
    xml = guest.domain.XMLDesc().replace(f"<kernel>{kernel}<", f"<kernel>{kernel}-none<")
    guest.virt.connection.defineXML(xml)
    daemon.knows(guest)
    with daemon.pipes(guest.name, "attach", "--wait") as session:
        wait_until(lambda: "waiting" in session.errors(), 10, "it is there")
        result = power(daemon, guest, "on", status=UNAVAILABLE, says="power on not done on VM")
        assert f"{kernel}-none" in result.errors, result
        wait_until(lambda: "has failed: " in session.errors(), 10, "those who watch are told")
        assert session.errors().count(f"VM {guest.name}: power on by key:") == 2


def test_attach_with_power_tells_what_the_hypervisor_refuses(daemon, guests):
    guest = guests(start=False)
    kernel = guest.virt.programs.guest
    xml = guest.domain.XMLDesc().replace(f"<kernel>{kernel}<", f"<kernel>{kernel}-none<")
    guest.virt.connection.defineXML(xml)
    daemon.knows(guest)
    result = daemon.ssh(guest.name, "attach", "--no-input", "--power", "on", seconds=30)
    assert result.status == UNAVAILABLE, result
    one_line_reason(result.errors, f"power on not done on VM {guest.name}: ")
    assert f"{kernel}-none" in result.errors and "was started" not in result.errors, result


def test_right_to_power_is_needed(daemons, guest):
    daemon = daemons({"access all": {"allow": "view, type, force, control, log"}})
    for kind in KINDS:
        result = daemon.ssh(guest.name, "power", kind)
        assert result.status == DENIED, result
        one_line_reason(result.errors, f"permission denied: power on VM {guest.name}")
    assert guest.state == "running"


def test_without_the_right_to_view_no_offset_is_told(daemons, guest):
    daemon = daemons({"access all": {"allow": "power"}})
    result = daemon.ssh(guest.name, "power", "reset")
    assert result.status == DONE and result.out == b"", result


@pytest.mark.parametrize("words, says", [
    ([], "power: which order[?]; usage: power on"),
    (["up"], "power: unknown order up; usage"),
    (["on", "off"], "unexpected argument off"),
    (["on", "--wait=soon"], "invalid value soon of --wait"),
    (["on", "--now"], "unknown option --now"),
])
def test_bad_words_are_64_and_named(daemon, shared, words, says):
    result = daemon.ssh(shared.name, "power", *words)
    assert result.status == USAGE, result
    one_line_reason(result.errors, says)


def test_hypervisor_that_is_away_is_69(daemon, guest, virt):
    daemon.knows(guest)
    virt.kill9()
    try:
        wait_until(lambda: state(daemon, guest) == "unreachable", 20, "it is unreachable")
        power(daemon, guest, "reset", status=UNAVAILABLE, says="it is unreachable")
    finally:
        virt.restart()


def test_a_hypervisor_that_hangs_stops_nobody_else(daemon, guest, virt):
    """The order waits in a thread; the loop goes on."""
    with daemon.pipes(guest.name) as session:
        ask(session)
        virt.freeze()
        try:
            with daemon.pipes(guest.name, "power", "reset") as order:
                wait_until(lambda: "power reset by" in session.errors(), 20, "it is under way")
                assert state(daemon, guest) == "running"
                virt.thaw()
                assert order.wait(30) == DONE, order.errors()
        finally:
            virt.thaw()
        session.expect(f"guest {guest.name} ready", 20)


def test_vmconsolectl_and_ssh_say_the_same(daemon, guest):
    result = daemon.ctl("power", guest.name, "off")
    assert result.status == DONE, result
    one_line_reason(result.errors, f"VM {guest.name} was powered off$")
    assert guest.state == "shut off"
    assert daemon.ctl("power", guest.name, "on").status == DONE
    assert guest.state == "running"


# In a session


@pytest.mark.parametrize("before, order", [
    ("off", "on"), ("running", "reset"), ("off", "start-paused")])
def test_attach_with_power_sees_the_first_byte(daemon, guests, before, order):
    guest = guests(start=False)
    bring(guest, before)
    daemon.knows(guest)
    with daemon.pipes(guest.name, "attach", "--no-input", "--power", order) as session:
        wait_until(lambda: f"power {order} by" in session.errors(), 20, "it is told")
        if order == "start-paused":
            wait_until(lambda: "was started paused" in session.errors(), 30, "it is started")
            assert session.seen == b""
            power(daemon, guest, "resume")
        session.expect("guest> ", 30)
        assert session.seen == f"\r\nguest {guest.name} ready\r\nguest> ".encode()
        power(daemon, guest, "off")
        assert session.wait(20) == GUEST_OFF, session.errors()
    record = daemon.wait_audit(event="verb", verb=f"power {order}", vm_uuid=guest.uuid)
    assert record["status"] == DONE, record


@pytest.mark.parametrize("before", ["is started", "runs"])
def test_a_guest_runs_although_who_switched_it_on_has_left(daemon, guests, before):
    guest = guests(start=False)
    daemon.knows(guest)
    with daemon.pipes(guest.name, "attach", "--no-input", "--power", "on") as session:
        wait_until(lambda: "power on by" in session.errors(), 20, "it is told")
        if before == "runs":
            wait_until(lambda: guest.state != "shut off", 20, "it is started")
        session.kill()
    wait_until(lambda: guest.state == "running", 20, "it runs")


def test_attach_with_power_does_nothing_when_the_console_cannot_be_had(daemon, guest, virt):
    with virt.virsh_console(guest.name) as other:
        other.expect("Connected to domain")
        boots = guest.count_boots()
        result = daemon.ssh(guest.name, "attach", "--no-input", "--power", "reset", seconds=30)
        assert result.status == BUSY, result
        assert guest.count_boots() == boots


def test_attach_with_power_that_does_not_fit_is_told(daemon, guests):
    guest = guests(start=False)
    daemon.knows(guest)
    result = daemon.ssh(guest.name, "attach", "--no-input", "--power", "reset", seconds=30)
    assert result.status == UNAVAILABLE, result
    one_line_reason(result.errors, f"power reset not done on VM {guest.name}: it is off")
    result = daemon.ssh(guest.name, "attach", "--power", "up")
    assert result.status == USAGE, result
    one_line_reason(result.errors, "invalid value up of --power")


def was_reset(guest, session):
    """The guest's word and the daemon's, in whichever order."""
    session.read_some(0.1)
    ready = printed(f"guest {guest.name} ready").encode()
    return re.search(ready, session.seen) and b"was reset]\r\n" in session.seen


def test_escape_p_asks_back_and_resets(daemon, guest, keys):
    with daemon.terminal(guest.name) as session:
        ask(session)
        session.send(ESCAPE + b"?")
        session.expect("p power")
        for answer in (b"x", b"rn", b"r\r"):
            session.send(ESCAPE + b"p" + answer)
            session.expect("nothing was done")
        session.send(ESCAPE + b"pr")
        session.expect(f"power reset of VM {guest.name}: y does it")
        session.send(b"y")
        session.expect(f"VM {guest.name}: power reset by key:")
        wait_until(lambda: was_reset(guest, session), 20, "it is reset, and that is told")
        ask(session, 20)
        leave(session)
    record = daemon.wait_audit(event="verb", verb="power reset", vm_uuid=guest.uuid)
    assert record["reason"] == f"VM {guest.name}: was reset", record
    assert keys.fingerprint(keys.ed25519) in record["identity"]


def test_escape_p_switches_on_what_is_off(daemon, guests):
    guest = guests(start=False)
    daemon.knows(guest)
    with daemon.terminal(guest.name) as session:
        session.expect("waiting for it to start")
        session.send(ESCAPE + b"pny")
        session.expect(f"VM {guest.name} has started", 20)
        ask_until_answered(session)
        leave(session)


def test_escape_p_needs_the_right(daemons, guest):
    daemon = daemons({"access all": {"allow": "view, type, force, control, log"}})
    with daemon.terminal(guest.name) as session:
        ask(session)
        session.send(ESCAPE + b"p")
        session.expect(f"permission denied: power on VM {guest.name}")
        session.line("ry")  # no answer to a question
        session.expect("unknown command: ry")
        leave(session)
