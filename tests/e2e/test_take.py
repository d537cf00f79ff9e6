"""A console that somebody else holds: waited for, or taken by force; never fought over."""

import pytest

from lib.session import BUSY, DONE, ask, ask_until_answered, one_line_reason


@pytest.fixture(scope="module")
def forceful(module_daemons):
    return module_daemons({"console": {"take": "force", "keep_open": "0"}})


def test_force_takes_it_from_virsh(forceful, guest, virt):
    with virt.virsh_console(guest.name) as other:
        other.expect("Connected to domain")
        with forceful.pipes(guest.name) as session:
            ask(session)
        assert other.wait(15) is not None


def test_without_force_it_is_waited_for(daemon, guest, virt):
    with virt.virsh_console(guest.name) as other:
        other.expect("Connected to domain")
        result = daemon.ssh(guest.name, stdin=b"say no\r")
        assert result.status == BUSY, result
        one_line_reason(result.errors, "held by")
        other.send(b"\r")
        other.expect("guest> ")


def test_who_was_evicted_does_not_fight(forceful, guest, virt):
    with forceful.terminal(guest.name) as session:
        ask(session)
        with virt.virsh_console(guest.name, "--force") as other:
            session.expect("was taken by another client", 20)
            # Two attempts later it is still the other's.
            assert session.quiet(5)
            other.send(b"say mine\r")
            other.expect("mine\r\n")
        ask_until_answered(session, 20)


def test_force_is_used_again_once_it_was_free(forceful, guest, virt):
    with forceful.terminal(guest.name) as session:
        ask(session)
        with virt.virsh_console(guest.name, "--force"):
            session.expect("was taken by another client", 20)
        ask_until_answered(session, 20)
    with virt.virsh_console(guest.name) as other:
        other.expect("Connected to domain")
        result = forceful.ssh(guest.name, stdin=b"say again\r")
        assert result.status == DONE and b"again\r\n" in result.out, result
