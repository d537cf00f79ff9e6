"""The guest and the harness by themselves: what all other tests stand on. No daemon here."""

import os
import signal
import threading

import pytest

from lib import pattern, proc
from lib.proc import wait_until
from lib.term import BarePty


@pytest.fixture(scope="module")
def shared(module_guests):
    """For tests that leave it at its prompt."""
    return module_guests("shared")


def test_numbered_lines_arrive_complete(shared):
    with shared.bare() as console:
        console.line("pat 1000")
        pattern.assert_same(console.expect_bytes(64000), pattern.lines(0, 1000))
        console.expect("guest> ")


def test_exact_byte_counts_and_all_byte_values(shared):
    with shared.bare() as console:
        console.line("bytes 1001")
        pattern.assert_same(console.expect_bytes(1001), pattern.exactly(1001))
        console.expect("guest> ")
        console.line("bin 20000")
        pattern.assert_same(console.expect_bytes(20000), pattern.binary(20000))
        assert len(set(pattern.binary(20000))) == 256


def test_flood_ends_with_a_byte(shared):
    with shared.bare() as console:
        console.line("flood")
        flood = console.expect_bytes(200 * 64)
        pattern.assert_same(flood, pattern.lines(0, 200))
        console.send("x")
        count = int(console.expect(rb"\nflood (\d+) lines\r\n", 20).group(1))
        start = console.seen.index(pattern.line(0))
        pattern.assert_same(console.seen[start:start + count * 64], pattern.lines(0, count))


def test_paste_is_received_exactly(shared):
    data = os.urandom(20000)
    with shared.bare() as console:
        console.line("sum 20000")
        console.expect("sum ready\r\n")
        console.send(data)
        got = console.expect(r"sum 20000 fnv=(\w{16}) ms=(\d+)", 30)
        assert int(got.group(1), 16) == pattern.fnv1a(data)
        console.line("stat")
        assert b" overrun=0 " in console.expect(r"stat .*\r\n").group(0)


def test_paste_larger_than_the_ring_waits_instead_of_being_lost(shared):
    data = os.urandom(50000)
    with shared.bare() as console:
        console.line("later 1500 awake")
        shared.wait_run("later 1500 awake")
        sent = console.send_some(b"sum 50000\r" + data)
        console.expect("sum ready\r\n", 20)
        console.send((b"sum 50000\r" + data)[sent:], 60)
        got = console.expect(r"sum 50000 fnv=(\w{16})", 60)
        assert int(got.group(1), 16) == pattern.fnv1a(data)


def test_echo_returns_every_byte(shared):
    data = bytes(b for b in range(256) if b != 4) * 8
    with shared.bare() as console:
        console.line("echo")
        console.expect("echo ready\r\n")
        console.send(data)
        pattern.assert_same(console.expect_bytes(len(data)), data)
        console.send(b"\x04")
        console.expect(rf"echo {len(data)} bytes\r\n")


def test_spinning_guest_reads_nothing_and_loses_nothing(shared):
    with shared.bare() as console:
        console.line("spin 2")
        console.expect("spinning\r\n")
        accepted = 0
        data = b"id\r" * 20000
        while True:
            sent = console.send_some(data[accepted:])
            accepted += sent
            if not sent and console.quiet(0.2):
                break
        assert 1000 < accepted < 60000, f"QEMU and the pty took {accepted} bytes"
        console.expect("back\r\n")
        for _ in range(accepted // 3):
            console.expect(f"guest {shared.name}\r\n")


def test_spin_for_ever_ends_with_a_reset(guest):
    with guest.bare() as console:
        console.line("spin")
        console.expect("spinning\r\n")
        guest.domain.reset()
        guest.wait_boot()
        console.expect(f"guest {guest.name} ready\r\n")


def test_ticks_come_at_their_interval(shared):
    with shared.bare() as console:
        console.line("tick 2")
        for number in range(20):
            console.expect(rf"tick {number:010d}\r\n")
        console.send("x")
        console.expect("guest> ")


def test_babbling_guest_prints_and_reads_later(shared):
    with shared.bare() as console:
        console.line("babble 1")
        console.expect_bytes(6400)
        console.send("id\r")
        console.expect(rb"\nbabble \d+ lines\r\n", 20)
        console.expect(f"guest {shared.name}\r\n")


@pytest.mark.parametrize("command", ["reboot", "triple"])
def test_guest_reboots(guest, command):
    with guest.bare() as console:
        console.line(command)
        guest.wait_boot()
        console.expect(f"guest {guest.name} ready\r\n")


def test_guest_powers_off(guest):
    with guest.bare() as console:
        console.line("off")
        guest.wait_state("shut off")


def test_panic_is_seen_by_libvirt(guests):
    guest = guests(on_crash="preserve")
    with guest.bare() as console:
        console.line("panic")
        guest.wait_state("crashed")
    guest = guests(on_crash="destroy")
    with guest.bare() as console:
        console.line("panic")
        guest.wait_state("shut off")


def test_break_is_seen_by_the_guest(guest):
    alias = guest.live().find("devices/serial/alias").get("name")
    with guest.bare() as console:
        guest.virt.virsh("qemu-monitor-command", guest.name, "--cmd",
                         '{"execute": "chardev-send-break", "arguments": {"id": "char%s"}}' % alias)
        console.expect("<BREAK>")
        console.line("stat")
        console.expect(r" brk=1\r\n")


def test_boot_command_and_log_file(guests):
    guest = guests(log=True, boot="pat,3")
    guest.wait_run("pat 3")

    def logged():
        with open(guest.log, "rb") as file:
            return pattern.lines(0, 3) in file.read()
    wait_until(logged, 10, "the log has the boot output")


def test_second_serial_port_and_unix_socket(guests):
    guest = guests(serials=("pty", "unix"))
    with guest.unix(1) as console:
        console.send("hello")
        console.expect("hello")


def test_terminal_queries_are_printed(shared):
    with shared.bare() as console:
        console.line("esc")
        text = console.expect(rb"esc<(.*)>esc\r\n").group(1)
        assert b"\x1b[6n" in text and b"\x1b[c" in text and b"\x1b]10;?\x07" in text


def test_idle_guest_costs_no_cpu(shared):
    before = proc.Usage([shared.qemu_pid]).cpu
    with shared.bare() as console:
        assert console.quiet(2)
    assert proc.Usage([shared.qemu_pid]).cpu - before < 0.25 * proc.SLOW


def test_virsh_console_works_and_is_exclusive(virt, shared):
    with virt.virsh_console(shared.name) as first:
        first.expect("Connected to domain")
        shared.wake(first)
        first.line("id")
        first.expect(f"guest {shared.name}")
        with virt.virsh_console(shared.name) as second:
            second.expect("Active console session exists")
            assert second.wait() != 0
        first.send("\x1d")
        assert first.wait() == 0


def test_output_through_libvirt_is_complete(virt, shared):
    stream = virt.connection.newStream(0)
    shared.domain.openConsole(None, stream, 0)
    stream.send(b"\rpat 2000\r")
    got = bytearray()

    def read():
        while pattern.line(1999) not in got[-200:]:
            got.extend(stream.recv(65536))
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(30 * proc.SLOW)
    start = got.find(pattern.line(0))
    pattern.assert_same(bytes(got[start:start + 128000]), pattern.lines(0, 2000))
    stream.abort()


def test_libvirtd_dies_and_comes_back_while_guests_live(virt, guest):
    pid = guest.qemu_pid
    virt.kill9()
    assert proc.alive(pid)
    virt.restart()
    wait_until(lambda: guest.state == "running", 10, "libvirtd knows the guest again")
    virt.restart()
    assert guest.qemu_pid == pid
    with guest.bare() as console:
        console.line("id")
        console.expect(f"guest {guest.name}")


def test_killed_qemu_is_reaped_at_once(guest):
    pid = guest.qemu_pid
    proc.end(pid, signal.SIGKILL)
    guest.wait_state("shut off")
    wait_until(lambda: not proc.state(pid), 2, "QEMU is reaped")


def test_transient_guest_is_forgotten_when_it_ends(guests):
    guest = guests(start=False)
    guest.domain.undefine()
    guest.create_transient()
    guest.destroy()
    assert guest.state == "unknown"


def test_guest_can_have_no_console_at_all(guests):
    guest = guests(serials=())
    assert guest.state == "running"
    assert guest.live().find("devices/serial") is None


def test_guest_migrates_to_another_libvirt_and_back(virt, virt2, guest):
    with guest.bare() as console:
        console.line("tick 5")
        console.expect("tick 0000000003")
    guest.migrate(virt2)
    guest.wait_state("running")
    assert guest.uuid not in [domain.UUIDString() for domain in virt.connection.listAllDomains()]
    with BarePty(guest.pty()) as console:
        console.expect(r"tick \d{10}\r\n")
        console.send("x")
        console.expect("guest> ")
    guest.migrate(virt)
    guest.wait_state("running")
