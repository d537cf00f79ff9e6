"""What is taken away ends what is under way: by rules that are read again, and by what becomes of
the guest. Whatever goes on hears of it in the same way."""

import pytest

from lib.proc import wait_until
from lib.session import DENIED, DONE, ESCAPE, NO_SUCH, ask, one_line_reason, parse_json
from lib.virt import Libvirt

WATCHERS = {"terminal": (True, ()),
            "pipe": (False, ("attach", "--wait", "--no-input")),
            "wait": (False, ("wait", "never")),
            "log": (False, ("log", "--follow")),
            "log on a terminal": (True, ("log", "--follow", "--timestamps"))}


@pytest.fixture(params=WATCHERS)
def watch(request, keys):
    """watch(daemon, guest): a session of one kind, attached."""
    terminal, words = WATCHERS[request.param]
    opened = []

    def begin(daemon, guest):
        session = (daemon.terminal if terminal else daemon.pipes)(guest.name, *words)
        opened.append(session)
        wait_until(lambda: keys.fingerprint(keys.ed25519) in
                   daemon.ctl("who", guest.name).text, 15, "it watches")
        return session

    begin.right = "log" if "log" in request.param else "view"
    yield begin
    for session in opened:
        session.close()


def assert_withdrawn(session, right, name):
    assert session.wait(20) == DENIED
    said = session.errors() if hasattr(session, "errors") else session.seen.decode()
    one_line_reason(said, f"the right to {right} VM {name} was withdrawn; left at offset")


def assert_nobody_stays(daemon, guest):
    """The change itself ends them, not some later look at all logins such as follows each start."""
    wait_until(lambda: daemon.ssh(guest.uuid, "status").status == NO_SUCH, 10, "it is known")
    assert not parse_json(daemon.ctl("who", guest.uuid, "--json"))


# A guest is renamed while it is off, and that ends a wait.
@pytest.mark.parametrize("watch", [kind for kind in WATCHERS if kind != "wait"], indirect=True)
def test_rename(daemons, guest, watch):
    daemon = daemons({"access all": {"vms": guest.name}})
    session = watch(daemon, guest)
    guest.destroy()
    wait_until(lambda: "off" in daemon.ctl("status", guest.name).text, 10, "it is off")
    new = f"{guest.name}-new"
    guest.domain.rename(new)
    assert_nobody_stays(daemon, guest)
    assert_withdrawn(session, watch.right, new)


def test_change_of_groups(daemons, guest, watch):
    guest.set_groups("web")
    daemon = daemons({"access all": {"vms": "group:web"}})
    session = watch(daemon, guest)
    guest.set_groups("db")
    assert_nobody_stays(daemon, guest)
    assert_withdrawn(session, watch.right, guest.name)


def test_rules_read_again(daemons, guest, watch):
    daemon = daemons()
    session = watch(daemon, guest)
    daemon.configure({"access all": {"vms": "other-*"}})
    assert daemon.ctl("reload").status == DONE
    assert_withdrawn(session, watch.right, guest.name)


def test_right_to_log_alone(daemons, guest):
    """What needs only `view` goes on."""
    daemon = daemons()
    with daemon.pipes(guest.name, "log", "--follow") as reader, \
            daemon.terminal(guest.name) as person:
        ask(person)
        reader.expect("guest> ")
        daemon.configure({"access all": {"allow": "view, type"}})
        assert daemon.ctl("reload").status == DONE
        assert_withdrawn(reader, "log", guest.name)
        ask(person)


def test_right_to_type_makes_a_watcher_and_comes_back(daemons, guest):
    daemon = daemons()
    with daemon.terminal(guest.name) as person:
        ask(person)
        daemon.configure({"access all": {"allow": "view, force"}})
        assert daemon.ctl("reload").status == DONE
        person.expect("the right to type was withdrawn; you are watching")
        person.send(ESCAPE + b"f")
        person.expect("permission denied: type on VM")
        daemon.configure({"access all": {"allow": "view, force, type"}})
        assert daemon.ctl("reload").status == DONE
        person.send(ESCAPE + b"f")
        person.expect("you have the keyboard")
        ask(person)


def test_right_to_log_of_a_wait_that_began_in_history(daemons, guest):
    daemon = daemons()
    with daemon.terminal(guest.name) as person:
        ask(person)
        person.line("pat 300")
        person.expect("0000000299.*guest> ", 30)
        with daemon.pipes(guest.name, "wait", "--from", "start", "never") as old, \
                daemon.pipes(guest.name, "wait", "never") as new:
            wait_until(lambda: daemon.ctl("who", guest.name).text.count(" reads ") == 2, 15,
                       "both wait")
            daemon.configure({"access all": {"allow": "view, type"}})
            assert daemon.ctl("reload").status == DONE
            assert_withdrawn(old, "log", guest.name)
            assert new.process.poll() is None


@pytest.fixture(scope="module")
def elsewhere(user, programs):
    """A second, independent libvirt."""
    other = Libvirt(user, programs)
    try:
        yield other.start()
    finally:
        other.stop()


def test_move_to_another_hypervisor(daemons, virt, elsewhere, guest, watch):
    daemon = daemons({"hypervisor other": {"uri": elsewhere.uri},
                      "access all": {"vms": "hypervisor:test"}})
    session = watch(daemon, guest)
    virt.virsh("migrate", "--live", "--p2p", "--persistent", "--undefinesource", "--migrateuri",
               f"unix://{virt.dir}/move.sock", guest.name, elsewhere.uri, seconds=60)
    try:
        assert_nobody_stays(daemon, guest)
        assert_withdrawn(session, watch.right, guest.name)
    finally:
        elsewhere.virsh("destroy", guest.name)
        elsewhere.virsh("undefine", guest.name)
