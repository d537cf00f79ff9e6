"""Whatever can happen to a guest: what a script and a person are told, and the exit status.

A script's session ends when the guest goes; a person's waits. Sessions stay where the guest stays.
"""

import re
import threading
import time

import libvirt
import pytest

from lib.proc import wait_until
from lib.session import (DONE, GUEST_CRASHED, GUEST_OFF, UNAVAILABLE, ask, leave, one_line_reason,
                         printed, see, start_before_eyes)

WATCH = ("attach", "--read-only", "--no-input")
DUMP_CRASH = libvirt.VIR_DUMP_CRASH | libvirt.VIR_DUMP_MEMORY_ONLY
DUMP_RESET = libvirt.VIR_DUMP_RESET | libvirt.VIR_DUMP_MEMORY_ONLY
DUMP_LIVE = libvirt.VIR_DUMP_LIVE | libvirt.VIR_DUMP_MEMORY_ONLY


def by_typing(command):
    return lambda guest, session: session.line(command)


def dump(flags):
    return lambda guest, session: guest.domain.coreDump(f"{guest.files}/{guest.name}.dump", flags)


# name: (options of the guest, what happens, exit status, what is said)
GOES = {
    "power-off": ({}, by_typing("off"), GUEST_OFF, "has shut down"),
    "destroy": ({}, lambda guest, _: guest.destroy(), GUEST_OFF, "was destroyed"),
    "save": ({}, lambda guest, _: guest.domain.save(f"{guest.files}/{guest.name}.save"),
             GUEST_OFF, "was saved"),
    "managed save": ({}, lambda guest, _: guest.domain.managedSave(), GUEST_OFF, "was saved"),
    "QEMU killed": ({}, lambda guest, _: guest.kill_qemu(), GUEST_CRASHED, "QEMU|crashed"),
    "on_reboot=destroy": ({"on_reboot": "destroy"}, by_typing("reboot"), GUEST_OFF,
                          "was destroyed|has shut down"),
    "panic, destroy": ({"on_crash": "destroy"}, by_typing("panic"), GUEST_CRASHED, "crashed|panic"),
    "panic, coredump-destroy": ({"on_crash": "coredump-destroy"}, by_typing("panic"),
                                GUEST_CRASHED, "crashed|panic"),
    "panic, preserve": ({"on_crash": "preserve"}, by_typing("panic"), GUEST_CRASHED,
                        "crashed|panic"),
    "dump --crash": ({}, dump(DUMP_CRASH), GUEST_CRASHED, "crashed"),
}

# name: (options of the guest, what happens, whether the guest boots again, what is said)
STAYS = {
    "reboot": ({}, by_typing("reboot"), True, "is rebooting"),
    "triple fault": ({}, by_typing("triple"), True, "is rebooting"),
    "reset": ({}, lambda guest, _: guest.domain.reset(), True, "is rebooting"),
    "panic, restart": ({"on_crash": "restart"}, by_typing("panic"), True, "has panicked"),
    "panic, coredump-restart": ({"on_crash": "coredump-restart"}, by_typing("panic"), True,
                                "has panicked"),
    "dump --reset": ({}, dump(DUMP_RESET), True, "is rebooting"),
    "dump --live": ({}, dump(DUMP_LIVE), False, None),
    "suspend and resume": ({}, lambda guest, _: (guest.domain.suspend(), guest.domain.resume()),
                           False, "runs again"),
}


@pytest.mark.parametrize("on_crash", ["restart", "coredump-restart"])
def test_panic_ends_a_script_though_the_guest_is_started_again(daemon, guests, on_crash):
    guest = guests(on_crash=on_crash)
    daemon.knows(guest)
    with daemon.pipes(guest.name) as session:
        ask(session)
        session.line("panic")
        assert session.wait(20) == GUEST_CRASHED, session.errors()
        one_line_reason(session.errors(), "has panicked")


@pytest.mark.parametrize("name", GOES)
def test_script_ends_and_a_person_waits_when_the_guest_goes(daemon, guests, name):
    options, happen, status, said = GOES[name]
    guest = guests(**options)
    with daemon.terminal(guest.name) as person, daemon.pipes(guest.name, *WATCH) as script:
        see(script, person)
        happen(guest, person)
        assert script.wait(20) == status, script.errors()
        assert guest.name in one_line_reason(script.errors(), said)
        person.expect(f"VM {guest.name} [^\r\n]*({said})", 20)
        if name == "panic, preserve":  # somebody looks at it, then ends it
            guest.destroy()
        guest.wait_state("shut off")
        clean_up(guest)
        guest.start()
        person.expect(f"VM {guest.name} has started", 20)
        ask(person, 20)
        leave(person)


def clean_up(guest):
    if guest.domain.hasManagedSaveImage():
        guest.domain.managedSaveRemove()


@pytest.mark.parametrize("name", STAYS)
def test_sessions_stay_while_the_guest_stays(daemon, guests, name):
    options, happen, boots, said = STAYS[name]
    guest = guests(**options)
    # A panic ends a script's session whatever becomes of the guest, unless it is to wait.
    words = (*WATCH, "--wait") if name.startswith("panic") else WATCH
    with daemon.terminal(guest.name) as person, daemon.pipes(guest.name, *words) as script:
        see(script, person)
        worker = threading.Thread(target=happen, args=(guest, person))
        worker.start()
        if boots:
            for session in (person, script):
                session.expect(printed(f"guest {guest.name} ready"), 30)
        worker.join()
        see(script, person)
        for session, told in ((person, lambda: shown(person)), (script, script.errors)):
            if said:
                wait_until(lambda: re.search(said, told()), 10, said)
            lines = re.findall(r"vmconsoled: (VM [^\r\n\]]*)", told())
            assert len(lines) == len(set(lines)), "said twice"


def shown(terminal):
    while terminal.read_some(0):
        pass
    return terminal.seen.decode(errors="replace")


@pytest.mark.parametrize("name", ["reset", "suspend and resume"])
def test_script_types_on_while_the_guest_stays(daemon, guest, name):
    _, happen, boots, _ = STAYS[name]
    with daemon.pipes(guest.name) as script:
        ask(script)
        happen(guest, script)
        if boots:
            script.expect(printed(f"guest {guest.name} ready"), 30)
        ask(script, 20)


def test_saved_guest_goes_on_in_the_same_session(daemon, guest):
    with daemon.terminal(guest.name) as session:
        ask(session)
        guest.domain.managedSave()
        session.expect("was saved")
        guest.domain.create()  # restores it: no boot
        session.expect("has started", 20)
        ask(session, 20)
    with daemon.pipes(guest.name, "attach", "--wait") as session:
        ask(session)
        path = f"{guest.files}/{guest.name}.save"
        guest.domain.save(path)
        wait_until(lambda: "was saved" in session.errors(), 10, "a notice")
        guest.virt.connection.restore(path)
        wait_until(lambda: "has started" in session.errors(), 20, "another")
        ask(session, 20)


def test_undefined_while_open_it_goes_on_and_is_known_afterwards(daemon, guest):
    with daemon.terminal(guest.name) as session:
        ask(session)
        guest.domain.undefine()
        answer = ask(session)
        guest.destroy()
        session.expect("was destroyed")
        wait_until(lambda: "gone" in daemon.ssh(guest.uuid, "status").text, 10, "it is gone")
        leave(session)
    result = daemon.ssh(guest.name, "attach", "--no-input")
    assert result.status == UNAVAILABLE and "gone" in result.errors, result
    assert answer.encode() in daemon.ssh(guest.uuid, "log").out


def test_renamed_guest_is_found_by_its_new_name_and_keeps_its_history(daemon, guest):
    with daemon.terminal(guest.name) as session:
        answer = ask(session)
        guest.destroy()
        session.expect("was destroyed")
        old, new = guest.name, f"{guest.name}-new"
        guest.domain.rename(new)
        guest.name = new
        wait_until(lambda: daemon.ssh(new, "status").status == DONE, 10, "the new name")
        assert daemon.ssh(old, "status").status == 66
        with start_before_eyes(daemon, guest):
            session.expect(f"VM {new} has started", 20)
            session.expect("guest> ", 20)  # what is typed earlier is lost in the guest's start
            ask(session, 20)
    assert answer.encode() in daemon.ssh(new, "log").out


def test_libvirtd_away_for_seconds_is_told_with_its_length(daemon, virt, guest):
    with daemon.terminal(guest.name) as person, \
            daemon.pipes(guest.name, "attach", "--read-only", "--no-input") as script:
        ask(person)
        virt.kill9()
        person.expect("hypervisor of VM")
        time.sleep(3)  # the length of the outage
        virt.restart()
        told = person.expect(rb"console is back after (\d+\.\d) seconds", 30)
        assert 2.5 < float(told.group(1)) < 30
        wait_until(lambda: "back after" in script.errors(), 10, "the script is told too")
        ask(person, 20)
