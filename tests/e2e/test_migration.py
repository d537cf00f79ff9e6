"""Live migration between two hypervisors that one daemon serves: no byte lost, none doubled."""

import concurrent.futures
import contextlib
import json
import re
import time

import libvirt
import libvirt_qemu
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


# QEMU looks once a second whether somebody reads its pty; until then it throws away what does not fit
# when libvirtd does not come to read for some 40 ms. A guest as small as ours would have moved by then.
NOTICED = 2


def set_limits(domain, rate, downtime):
    """Of a migration that is under way: bytes a second, of which libvirt itself knows MiB alone, and for how
    many milliseconds the guest may stand still. QEMU 10 has sent half of a guest as small as ours
    before it heeds the rate, and would move the rest at once if it may take its time for that."""
    with contextlib.suppress(libvirt.libvirtError):  # it is not there yet, or has moved
        libvirt_qemu.qemuMonitorCommand(domain, json.dumps(
            {"execute": "migrate-set-parameters", "arguments": {
                "max-bandwidth": rate, "downtime-limit": downtime}}), 0)


def hold_back(domain, opened, moved):
    """Has it take its time until opened() and what QEMU needs to notice that. libvirt sets the rate
    that it was given in the midst of that, so it is set again and again."""
    since = None
    while since is None or time.monotonic() - since < NOTICED:
        set_limits(domain, 10000, 1)
        assert not moved.done(), "it had moved before QEMU can have noticed"
        if since is None and opened():
            since = time.monotonic()
        time.sleep(0.02)
    set_limits(domain, 100 << 20, 300)


def migrate(source, target, name, opened=None):
    """opened(): whether the console is open at the destination; then no byte is lost on the way."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        domain = source.connection.lookupByName(name)
        moved = pool.submit(source.virsh, "migrate", "--live", "--p2p", "--persistent",
                            "--undefinesource", "--bandwidth", "1",  # MiB/s
                            "--migrateuri", f"unix://{source.dir}/mig.sock", name, target.uri,
                            seconds=60)
        if opened:
            hold_back(domain, opened, moved)
        moved.result()


FIFO = 16  # bytes that a UART holds


def without_what_was_sent_twice(seen, wanted, moves):
    """What QEMU's serial port holds when the guest stops moves with it, and the source may go on and
    send it all the same: it comes from both."""
    twice = []
    while len(twice) < moves:
        at = next((i for i, pair in enumerate(zip(seen, wanted)) if pair[0] != pair[1]), None)
        size = next((n for n in range(1, FIFO + 1) if at and seen[at:at + n] == seen[at - n:at]), 0)
        if not size:
            break
        twice.append(seen[at:at + size])
        seen = seen[:at] + seen[at + size:]
    print("sent twice:", twice)
    return seen


def flooded(stream, moves, seconds=60):
    """Ends the flood and reads it; its lines must have no hole, and no repetition that is ours."""
    stream.line("x")

    def at_the_prompt():
        while stream.read_some(0.2):
            pass
        return stream.seen.endswith(b"guest> ")
    wait_until(at_the_prompt, seconds, "the prompt after the flood")
    numbers = [int(n) for n in re.findall(rb"^(\d{10}) ", stream.seen, re.M)]
    begin = stream.seen.index(b"%010d " % numbers[0])
    wanted = pattern.lines(numbers[0], len(numbers))
    seen = without_what_was_sent_twice(bytes(stream.seen[begin:]), wanted, moves)
    pattern.assert_same(seen[:len(wanted)], wanted)
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
                opens = "serial:0: open on hypervisor"
                before = daemon.log().count(opens)
                migrate(source, target, guest.name,
                        lambda: daemon.log().count(opens) > before)
        finally:
            if ROUNDS % 2:
                migrate(hosts[1], hosts[0], guest.name)
        numbers = flooded(session, ROUNDS)
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
