"""Live migration between two hypervisors that one daemon serves: no byte lost, none doubled."""

import re

import pytest

from lib import pattern
from lib.proc import rounds, wait_until
from lib.session import ask, see
from lib.term import Pipes
from lib.virt import Libvirt

ROUNDS = rounds(4)


@pytest.fixture(scope="module")
def hosts(user, programs, virt):
    """Two private libvirt instances."""
    other = Libvirt(user, programs)
    try:
        yield [virt, other.start()]
    finally:
        other.stop()


@pytest.fixture
def daemon(daemons, hosts):
    return daemons({"hypervisor other": {"uri": hosts[1].uri},
                    "console": {"unix_dirs": f"{hosts[0].dir}/files"},
                    "history": {"record": "all"}})


# MiB/s. QEMU notices up to a second after its start that somebody reads its pty; until then it throws
# away what does not fit. Guests as small as ours would have moved by then.
BANDWIDTH = "1"


def migrate(source, target, name):
    source.virsh("migrate", "--live", "--p2p", "--persistent", "--undefinesource",
                 "--bandwidth", BANDWIDTH, "--migrateuri", f"unix://{source.dir}/mig.sock",
                 name, target.uri, seconds=60)


def flooded(stream, seconds=60):
    """Ends the flood and reads it; its lines must have no hole and no repetition."""
    stream.line("x")

    def at_the_prompt():
        while stream.read_some(0.2):
            pass
        return stream.seen.endswith(b"guest> ")
    wait_until(at_the_prompt, seconds, "the prompt after the flood")
    numbers = [int(n) for n in re.findall(rb"^(\d{10}) ", stream.seen, re.M)]
    begin = stream.seen.index(b"%010d " % numbers[0])
    wanted = pattern.lines(numbers[0], len(numbers))
    pattern.assert_same(bytes(stream.seen[begin:begin + len(wanted)]), wanted)
    stream.taken = len(stream.seen)
    return numbers


@pytest.mark.timeout(200 + ROUNDS * 10)
@pytest.mark.parametrize("kind", ["pty", "unix"])
def test_a_viewer_of_a_migrated_guest_sees_every_byte_once(daemon, hosts, guests, kind):
    guest = guests(serials=(kind,))
    with daemon.pipes(guest.name, "attach", "--wait") as session:
        ask(session)
        session.line("flood")
        session.expect("0000000100 ", 20)
        try:
            for number in range(ROUNDS):
                source, target = hosts[number % 2], hosts[1 - number % 2]
                migrate(source, target, guest.name)
        finally:
            if ROUNDS % 2:
                migrate(hosts[1], hosts[0], guest.name)
        numbers = flooded(session)
        assert numbers[0] == 1 and len(numbers) > 1000
        ask(session)
        moves = re.findall("moved to hypervisor", session.errors())
        assert len(moves) == ROUNDS, session.errors()


@pytest.mark.timeout(120)
def test_a_guest_that_moves_to_a_strange_host_ends_sessions_with_82(daemons, hosts, guest):
    daemon = daemons()
    with daemon.pipes(guest.name) as session, \
            Pipes(daemon.ctl_argv("attach", guest.name, "--no-input")) as local:
        ask(session)
        see(local, session)
        migrate(hosts[0], hosts[1], guest.name)
        try:
            for ended in (session, local):
                assert ended.wait(15) == 82, ended.errors()
                assert "moved" in ended.errors()
        finally:
            migrate(hosts[1], hosts[0], guest.name)
