"""The whole way of a crash on a real Linux guest: the panic, the dump that libvirt makes of it, what
is told of that and read out of it. One guest, once."""

import os
import re
import subprocess

import pytest

from lib import dumps, proc
from lib.linux import LinuxGuest
from lib.proc import SLOW, wait_until
from lib.session import DONE, GUEST_CRASHED, NO_SUCH, one_line_reason

BOOT = int(80 * SLOW)

pytestmark = pytest.mark.timeout(200 * SLOW)


@pytest.fixture(scope="module")
def folder(virt):
    """Where a libvirt of the session puts the dumps of guests that crash."""
    return f"{virt.dir}/cfg/libvirt/qemu/dump"


@pytest.fixture(scope="module")
def daemon(module_daemons, folder):
    return module_daemons({
        "access all": {"allow": "view, type, control, log, dump-get"},
        "dump": {"directories": folder},
        "history": {"record": "all"}})


def done(daemon, guest, words, seconds=40):
    result = daemon.ssh(guest.name, words, seconds=seconds)
    assert result.status == DONE, result
    return result


def start(daemon, virt, name, on_crash):
    """A guest at its shell's prompt, with what it needs to tell of a panic."""
    guest = LinuxGuest(virt, name, words="sysrq_always_enabled", on_crash=on_crash)
    guest.define()
    guest.start()
    daemon.knows(guest)
    done(daemon, guest, f"wait --from start --timeout {BOOT} 'shell[?] $'", 90)
    done(daemon, guest, f"send --enter --timeout {BOOT} --wait 'ready# $' sh", 90)
    done(daemon, guest, "run 'for module in $(cat /lib/order); do insmod /lib/$module; done'")
    return guest


@pytest.fixture(scope="module")
def linux(daemon, virt):
    guest = start(daemon, virt, "crashes", "coredump-destroy")
    yield guest
    virt.mend()
    guest.remove()


@pytest.fixture(scope="module")
def dmesg(daemon, linux):
    """What the guest's own prints before the panic, line by line."""
    lines = done(daemon, linux, "run dmesg").text.split("\n")
    assert len(lines) > 100 and lines.pop() == ""
    return lines


def test_dmesg_reads_a_guest_whose_processor_spins_with_interrupts_off(daemon, linux, dmesg):
    with linux.spinning():
        assert done(daemon, linux, "dmesg --live").text.split("\n") == [*dmesg, ""]
    done(daemon, linux, "run true")


class Panic:
    """.status and .errors of a session that looked on; .dump is what is told of the dump, in .file;
    .begun is where the console was. over() waits for what becomes of the guest."""

    def __init__(self, daemon, guest, folder, over):
        there = os.listdir(folder) if os.path.isdir(folder) else []
        with daemon.pipes(guest.name) as session:
            session.send(b"\r")
            session.expect("ready# ", 20)
            self.begun = len(done(daemon, guest, "log").out)
            done(daemon, guest, "sysrq c")
            self.status, self.errors = session.wait(20), session.errors()
        over(self)
        (name,) = set(os.listdir(folder)).difference(there)
        self.file = f"{folder}/{name}"
        self.dump = dumps.known(daemon, guest, name.replace(":", "-"))


@pytest.fixture(scope="module")
def panic(daemon, linux, folder, dmesg):
    return Panic(daemon, linux, folder, lambda panic: linux.wait_state("shut off", 60))


def test_script_ends_with_81_when_linux_panics(panic):
    assert panic.status == GUEST_CRASHED
    one_line_reason(panic.errors, "has panicked")


def test_dump_is_listed_with_where_the_console_was(daemon, linux, panic):
    assert panic.dump["uuid"] == linux.uuid and panic.dump["kind"] == "elf"
    assert panic.dump["memory"] > linux.MEMORY_MIB << 19
    assert panic.dump["size"] == os.stat(panic.file).st_size
    log = daemon.ssh(linux.name, "log").out
    assert panic.dump["console"]["offset"] == len(log)
    assert log[panic.begun:].count(b"Kernel panic - not syncing: sysrq triggered crash") == 1
    assert panic.dump["console"]["lines"][-1].endswith("</TASK>")


def test_latest_is_fetched_whole_and_readelf_reads_it(daemon, linux, panic, tmp_path):
    for name in "latest", "latest.sha256":
        assert dumps.fetch(daemon, linux, name, tmp_path).status == 0
    assert panic.dump["sha256"] == dumps.sha256(panic.file)
    assert (tmp_path / "latest.sha256").read_text() == f"{panic.dump['sha256']}  latest\n"
    subprocess.run(["sha256sum", "-c", "--strict", "latest.sha256"], cwd=tmp_path, check=True,
                   capture_output=True, timeout=20 * SLOW)
    notes = subprocess.run(["readelf", "-n", tmp_path / "latest"], capture_output=True, text=True,
                           check=True, timeout=20 * SLOW).stdout
    assert "NT_PRSTATUS" in notes and "VMCOREINFO" in notes, notes
    os.unlink(tmp_path / "latest")


def test_dmesg_of_the_dump_is_what_the_guest_said_and_the_panic(daemon, linux, dmesg, panic):
    lines = done(daemon, linux, "dmesg").text.split("\n")
    assert lines[:len(dmesg)] == dmesg
    more = [re.sub("^.*?] ", "", line) for line in lines[len(dmesg):]]
    at = more.index("sysrq: Trigger a crash")
    assert more[at + 1] == "Kernel panic - not syncing: sysrq triggered crash"
    assert more[-2:] == [" </TASK>", ""]


@pytest.fixture
def roots(virt, panic):
    """The dump as libvirt of the system leaves one: root's, mode 0600."""
    os.chown(panic.file, 0, 0)
    yield panic.file
    subprocess.run(["setfacl", "-b", panic.file], check=True)
    virt.user.own(panic.file, 0o600)


def capabilities(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return {name: int(value, 16) for name, value in
                re.findall(r"(?m)^Cap(Prm|Eff|Amb):\t(\w+)$", file.read())}


def test_a_dump_of_root_needs_an_acl_or_a_capability(daemon, linux, folder, roots):
    def state():
        (entry,) = dumps.listed(daemon, linux.uuid)
        return entry["state"]

    def wait_complete():
        """Of another user's file it is only known when it was last changed."""
        wait_until(lambda: state() == "complete", 20, "it is complete")
    assert state() == "unreadable"
    assert daemon.ssh(linux.name, "dmesg").status == NO_SUCH
    said = daemon.ctl("doctor").text
    assert f"1 of the files in {folder} cannot be read" in said, said
    assert "AmbientCapabilities=CAP_DAC_READ_SEARCH" in said, said
    (acl,) = re.findall("setfacl .*(?= FILE$)", said, re.M)
    subprocess.run([*acl.split(), roots], check=True)
    wait_complete()
    done(daemon, linux, "dmesg")
    assert "cannot be read" not in daemon.ctl("doctor").text
    subprocess.run(["setfacl", "-b", roots], check=True)
    assert state() == "unreadable"
    daemon.stop()
    daemon.capabilities = ("dac_read_search",)
    daemon.start()
    daemon.knows(linux)
    wait_complete()
    done(daemon, linux, "dmesg")
    assert all(capabilities(daemon.pid).values())
    assert not any(any(capabilities(pid).values()) for pid in proc.children(daemon.pid))


def test_a_guest_that_starts_again_leaves_its_dump_too(daemon, virt, folder, tmp_path):
    guest = start(daemon, virt, "returns", "coredump-restart")
    try:
        panic = Panic(daemon, guest, folder, lambda panic: wait_until(
            lambda: b"shell?" in daemon.ssh(guest.name, "log").out[panic.begun:], BOOT, "it is back"))
        assert panic.status == GUEST_CRASHED
        one_line_reason(panic.errors, "has panicked")
        assert panic.dump["uuid"] == guest.uuid
        # The event of the panic may overtake the last lines before it.
        assert "<TASK>" in "\n".join(panic.dump["console"]["lines"])
        assert dumps.fetch(daemon, guest, "latest", tmp_path).status == 0
        assert dumps.sha256(tmp_path / "latest") == panic.dump["sha256"]
        assert "Kernel panic - not syncing: sysrq triggered crash" in done(daemon, guest, "dmesg").text
    finally:
        guest.remove()
        os.unlink(panic.file)
