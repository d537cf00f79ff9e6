"""The verb dump: dumps of a guest's memory, made by the hypervisor, kept in the store."""

import contextlib
import glob
import json
import os
import re
import signal
import subprocess
import threading
import time

import libvirt
import pytest

from lib import clients, proc, schema
from lib.dumps import fetch, known, listed, sha256
from lib.proc import SLOW, wait_until
from lib.virt import Guest

RIGHTS = "view, type, control, log, dump-make, dump-get"
BIG_KIB = 1 << 20  # so much that a dump can be looked at while it is made


def rules(allow=RIGHTS):
    return {"access all": {"who": "key:*", "vms": "*", "allow": allow}}


@contextlib.contextmanager
def mounted(virt, name, size):
    """A file system in memory: no disk that others keep busy decides how long a test takes."""
    folder = f"{virt.dir}/{name}"
    virt.user.mkdir(folder)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700,uid={virt.user.uid}",
                    name, folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture(scope="module")
def memory(virt):
    with mounted(virt, "stores", "3g") as folder:
        yield folder


class Store:
    """The settings of a daemon with a store of its own in it."""

    def __init__(self, memory):
        self.memory = memory

    def __call__(self, **more):
        path = f"{self.memory}/{os.urandom(4).hex()}"
        return {**rules(), "dump": {"store": path, **more}}


@pytest.fixture(scope="module")
def settings(memory):
    return Store(memory)


@pytest.fixture(scope="module")
def daemon(module_daemons, settings):
    return module_daemons(settings())


@pytest.fixture(scope="module")
def shared(module_guests, daemon):
    made = module_guests("dumped")
    daemon.knows(made)
    return made


class BigGuest(Guest):
    """The same guest with much memory."""

    def _describe(self, *options):
        return super()._describe(*options).replace(
            "<memory unit='KiB'>2048<", f"<memory unit='KiB'>{BIG_KIB}<")


@pytest.fixture
def big(virt, daemon):
    made = BigGuest(virt, f"big{os.urandom(2).hex()}")
    made.define().start()
    daemon.knows(made)
    yield made
    made.remove()
    for left in glob.glob(f"{virt.dir}/stores/*/*{made.uuid}*"):
        os.unlink(left)


def store(daemon):
    return daemon.config["dump"]["store"]


@contextlib.contextmanager
def growing(daemon, guest):
    """A client that has a dump made, halted when a part of the guest's memory is written: it, and
    what dumps says of the dump."""
    pipes = daemon.pipes(guest.uuid, "dump --live")

    def grows():
        said = schema.check("dumps", json.loads(daemon.ctl("dumps", guest.uuid, "--json").out))
        return next((entry for entry in said
                     if entry["state"] == "growing" and entry["making"]["bytes"]), None)
    entry = wait_until(grows, 30, "the dump grows")
    proc.end(guest.qemu_pid, signal.SIGSTOP)
    try:
        yield pipes, entry
    finally:
        proc.end(guest.qemu_pid, signal.SIGCONT)
        pipes.close()


def test_a_dump_is_made_listed_and_fetched(daemon, shared, tmp_path):
    made = daemon.ssh(shared.name, "dump --live")
    assert made.status == 0 and made.errors == "", made
    name = made.text.strip()
    assert re.fullmatch(rf"dumped-{shared.uuid}-[0-9-]{{19}}\.elf", name), made
    (entry,) = [entry for entry in listed(daemon, shared.uuid) if entry["name"] == name]
    assert entry["state"] == "complete" and entry["uuid"] == shared.uuid
    got = fetch(daemon, shared, "latest", tmp_path / "got")
    assert got.status == 0, got
    assert (tmp_path / "got").stat().st_size == entry["size"]
    header = subprocess.run(["readelf", "-h", tmp_path / "got"], capture_output=True, text=True,
                            check=True, timeout=20 * SLOW).stdout
    assert "CORE (Core file)" in header, header
    assert shared.state == "running"
    record = daemon.wait_audit("^complete: ", event="dump", vm_uuid=shared.uuid)
    assert record["file"] == f"/dumps/{name}"
    assert record["identity"].startswith("key:SHA256:")


def test_a_dump_has_a_checksum_and_the_last_lines_before(daemon, shared, tmp_path):
    assert daemon.ssh(shared.name, stdin=b"say last-words\n").status == 0
    name = made_dump(daemon, shared)
    path = f"{store(daemon)}/{name}"
    entry = known(daemon, shared, name)
    assert entry["sha256"] == sha256(path)
    assert entry["kind"] == "elf" and entry["memory"] >= 2 << 20
    log = daemon.ssh(shared.name, "log").out
    assert 0 < entry["console"]["offset"] <= len(log)
    assert 0 < len(entry["console"]["lines"]) <= 40
    assert any("last-words" in line for line in entry["console"]["lines"]), entry
    assert fetch(daemon, shared, name, tmp_path).status == 0
    assert fetch(daemon, shared, f"{name}.sha256", tmp_path).status == 0
    record = daemon.wait_audit("^whole$", event="file", file=f"/dumps/{name}")
    assert record["sha256"] == entry["sha256"]
    subprocess.run(["sha256sum", "-c", "--strict", f"{name}.sha256"], cwd=tmp_path, check=True,
                   capture_output=True, timeout=20 * SLOW)
    daemon.stop()
    daemon.start()
    daemon.knows(shared)
    assert [e for e in listed(daemon, shared.uuid) if e["name"] == name] == [entry]
    with open(path, "r+b") as file:
        file.write(b"\x7fELF-changed")
    again = known(daemon, shared, name)
    assert again["sha256"] == sha256(path) and again["memory"] is None


def test_a_checksum_is_listed_and_goes_with_its_dump(daemons, settings, shared):
    made = daemons(settings())
    made.knows(shared)
    configure(made, "access all", allow="view, dump-make, dump-get, dump-delete")
    name = made_dump(made, shared)
    entry = known(made, shared, name)
    assert entry["console"] == {"offset": entry["console"]["offset"]}  # lines need log
    client = clients.paramiko_connect(made, shared.uuid)
    files = client.open_sftp()
    assert files.listdir("dumps") == [name, f"{name}.sha256"]
    with files.open("dumps/latest.sha256") as file:
        text = file.read()
    assert text == f"{entry['sha256']}  latest\n".encode()
    assert files.stat("dumps/latest.sha256").st_size == len(text)
    with pytest.raises(OSError, match="goes with its dump"):
        files.remove(f"dumps/{name}.sha256")
    files.remove(f"dumps/{name}")
    assert files.listdir("dumps") == []
    client.close()


def test_a_guest_goes_on_behind_a_dump_that_stops_it(daemon, shared):
    assert daemon.ssh(shared.name, "dump").status == 0
    wait_until(lambda: shared.state == "running", 10, "the guest runs again")


@pytest.mark.parametrize("form", ["kdump-zlib", "kdump-lzo", "kdump-snappy"])
def test_formats_are_those_that_qemu_has(virt, daemon, shared, form):
    has = form in virt.virsh("qemu-monitor-command", shared.uuid,
                             '{"execute":"query-dump-guest-memory-capability"}')
    made = daemon.ssh(shared.name, f"dump --live --format {form}")
    if has:
        assert made.status == 0, made
        assert known(daemon, shared, made.text.strip())["kind"] == form
        assert made.text.strip().endswith(".kdump")
    else:
        assert made.status == 69 and made.text == "", made
        assert form in made.errors and "unsupported" in made.errors, made
        assert not any(name.startswith(".") for name in os.listdir(store(daemon)))


@pytest.mark.parametrize("options, word", [
    ("--format lz4", "unknown format lz4"), ("--live --crash", "only one of"),
    ("--cancel --live", "stands alone"), ("now", "now"), ("--format", "missing value")])
def test_bad_options_are_named(daemon, shared, options, word):
    made = daemon.ssh(shared.name, f"dump {options}")
    assert made.status == 64, made
    assert word in made.errors, made


@contextlib.contextmanager
def asked_about(guest):
    """Somebody else asks libvirt all the time how far the guest's dump is, and is always told."""
    over, end = threading.Event(), []

    def ask():
        connection = libvirt.open(guest.virt.uri)
        domain = connection.lookupByUUIDString(guest.uuid)
        while not over.is_set():
            try:
                domain.jobStats(0)
            except libvirt.libvirtError as error:
                if not connection.isAlive():
                    end.append(error)
                    return
        connection.close()
    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert not end, end


def test_a_dump_can_end_or_reset_its_guest(daemon, guests):
    guest = guests("ended")
    daemon.knows(guest)
    with asked_about(guest):
        assert daemon.ssh(guest.name, "dump --reset").status == 0
    guest.wait_boot()
    assert daemon.ssh(guest.name, "dump --crash").status == 0
    wait_until(lambda: guest.state == "shut off", 15, "the guest is off")
    for words in "dump", "dmesg --live":
        refused = daemon.ssh(guest.name, words)
        assert refused.status == 69, refused
        assert "VM ended is off" in refused.errors, refused


def test_what_ends_the_guest_needs_its_own_right(daemons, shared):
    made = daemons(rules("view, dump-get"))
    made.knows(shared)
    refused = made.ssh(shared.name, "dump")
    assert refused.status == 77 and "dump-make" in refused.errors, refused
    configure(made, "access all", allow="view, dump-make")
    for words in "dmesg", "dmesg --live":
        refused = made.ssh(shared.name, words)
        assert refused.status == 77 and "dump-get" in refused.errors, refused
    for option in ("--crash", "--reset"):
        refused = made.ssh(shared.name, f"dump {option}")
        assert refused.status == 77 and "control" in refused.errors, refused
    assert shared.state == "running"


@pytest.mark.parametrize("words, status, word", [
    ("--live", 69, "no kernel log: there is no note VMCOREINFO in memory"),
    ("latest", 69, "no kernel log: it is no dump of an x86-64 guest's memory"),
    ("packed", 69, "no kernel log: it is no ELF file: only a dump of the format elf can be read"),
    ("none.elf", 66, "VM dumped has no dump none.elf; see: dumps"),
    ("--live latest", 64, "--live needs no dump"), ("a b", 64, "unexpected argument b")])
def test_dmesg_says_why_there_is_none(daemon, shared, words, status, word):
    """The test guest is no Linux, and its processor is in 32-bit mode."""
    if words == "packed":
        words = daemon.ssh(shared.name, "dump --live --format kdump-zlib").text.strip()
    if words == "latest":
        assert daemon.ssh(shared.name, "dump --live").status == 0
    got = daemon.ssh(shared.name, f"dmesg {words}")
    assert got.status == status and got.text == "", got
    assert word in got.errors, got


def test_memory_that_cannot_be_read_now_holds_up_nobody(daemon, shared):
    proc.end(shared.qemu_pid, signal.SIGSTOP)
    try:
        begun = len(daemon.log())
        with daemon.pipes(shared.uuid, "dmesg --live") as pipes:
            daemon.wait_log("asks dmesg", since=begun)
            assert daemon.ssh(shared.uuid, "dumps").status == 0
            assert pipes.process.poll() is None
            pipes.kill()
            pipes.wait()
    finally:
        proc.end(shared.qemu_pid, signal.SIGCONT)
    got = daemon.ssh(shared.uuid, "dmesg --live")
    assert got.status == 69 and "no note VMCOREINFO" in got.errors, got
    daemon.wait_audit("no kernel log", verb="dmesg --live", vm_uuid=shared.uuid, status=69)


def test_reading_memory_ends_with_the_right_to(daemons, shared):
    made = daemons(rules("view, dump-get"))
    made.knows(shared)
    proc.end(shared.qemu_pid, signal.SIGSTOP)
    try:
        begun = len(made.log())
        with made.pipes(shared.uuid, "dmesg --live") as pipes:
            made.wait_log("asks dmesg", since=begun)
            made.configure(rules("view"))
            made.reload()
            assert pipes.wait(15) == 77
            assert "the right to dump-get VM dumped was withdrawn" in pipes.errors()
    finally:
        proc.end(shared.qemu_pid, signal.SIGCONT)


def test_a_dump_is_told_of_while_it_grows(daemon, big):
    with growing(daemon, big) as (pipes, entry):
        assert entry["making"]["memory"] >= BIG_KIB << 10
        assert 0 <= entry["making"]["percent"] <= 100
        assert [e["state"] for e in listed(daemon, big.uuid)] == ["growing"]
        refused = daemon.ssh(big.uuid, "dump --live")
        assert refused.status == 75 and "is being made" in refused.errors, refused
        assert json.loads(daemon.ssh(big.uuid, "status --json").text)["dump"]["format"] == "elf"
        assert fetch(daemon, big, entry["name"], "/dev/null").status != 0
        proc.end(big.qemu_pid, signal.SIGCONT)
        assert pipes.wait(60) == 0
    assert [e["state"] for e in listed(daemon, big.uuid)] == ["complete"]
    assert json.loads(daemon.ssh(big.uuid, "status --json").text)["dump"] is None


def test_a_terminal_sees_how_far_it_is(daemon, big):
    with daemon.terminal(big.uuid, "dump", "--live") as terminal:
        terminal.expect(rb"writing [0-9]+ %, [0-9.]+ MiB/s, [0-9]+ s left", 60)
        terminal.expect(rb"\.elf\r\n", 60)
        assert terminal.wait() == 0


def test_a_dump_goes_on_when_its_client_leaves(daemon, big):
    with growing(daemon, big) as (pipes, _):
        pipes.kill()
        pipes.wait()
    wait_until(lambda: [e["state"] for e in listed(daemon, big.uuid)] == ["complete"], 60,
               "it is complete")
    daemon.wait_audit("^complete: ", event="dump", vm_uuid=big.uuid)


def test_a_cancelled_dump_leaves_no_file(daemon, big):
    """libvirt cannot stop a dump of memory: that is said, and its file is not kept."""
    with growing(daemon, big) as (pipes, _):
        begun = len(daemon.log())
        with daemon.pipes(big.uuid, "dump --cancel") as cancel:
            daemon.wait_log("asks dump", since=begun)
            proc.end(big.qemu_pid, signal.SIGCONT)
            assert cancel.wait(60) == 69
            said = cancel.errors()
        assert pipes.wait(60) == 84
        assert "cancelled by key:SHA256:" in pipes.errors()
    assert "cannot abort memory-only dump" in said and "will be removed" in said, said
    assert listed(daemon, big.uuid) == []
    assert not any(big.uuid in name for name in os.listdir(store(daemon)))
    daemon.wait_audit("cancelled by", event="dump", vm_uuid=big.uuid, status=84)
    assert daemon.ssh(big.uuid, "dump --cancel").status == 66


def test_only_so_many_are_made_at_once(daemons, settings, big, shared):
    made = daemons(settings(max_parallel="1"))
    made.knows(big, shared)
    with growing(made, big) as (pipes, _):
        refused = made.ssh(shared.uuid, "dump --live")
        assert refused.status == 75 and "max_parallel" in refused.errors, refused
        proc.end(big.qemu_pid, signal.SIGCONT)
        assert pipes.wait(60) == 0
    assert made.ssh(shared.uuid, "dump --live").status == 0


def test_what_a_killed_service_leaves_is_swept(daemons, settings, big):
    made = daemons(settings())
    made.knows(big)
    with growing(made, big):
        made.kill()
        assert [name for name in os.listdir(store(made)) if name.startswith(".making-")]
        made.start()
        wait_until(lambda: os.listdir(store(made)) == [], 15, "the store is empty")


def test_a_service_that_ends_leaves_nothing(daemons, settings, big):
    made = daemons(settings())
    made.knows(big)
    with growing(made, big) as (pipes, _):
        made.stop()
        assert pipes.wait() == 86
        assert os.listdir(store(made)) == []


@pytest.fixture
def open_store(virt, daemons, shared):
    """A daemon whose store others may write: no dump can be made in it."""
    folder = f"{virt.dir}/open-store-{os.urandom(2).hex()}"
    virt.user.mkdir(folder)
    os.chmod(folder, 0o777)
    made = daemons({**rules(), "dump": {"store": folder}})
    made.knows(shared)
    return made


def test_a_store_that_others_may_write_is_not_used(open_store, shared):
    refused = open_store.ssh(shared.uuid, "dump --live")
    folder = store(open_store)
    assert refused.status == 70, refused
    assert folder in refused.errors and "chmod" in refused.errors, refused
    assert os.listdir(folder) == []


def test_dumps_that_fail_without_end_are_counted(open_store, shared):
    """Who may make dumps does not have the audit roll over by them. docs/audit.md"""
    client = clients.paramiko_connect(open_store, shared.uuid)
    for _ in range(130):
        _, out, _ = client.exec_command("dump --live", timeout=20 * SLOW)
        assert out.channel.recv_exit_status() == 70
    client.close()
    open_store.stop()
    records = open_store.audit(event="dump")
    assert sum(record.get("count", 1) for record in records) == 130, records
    assert len(records) < 130, len(records)


def test_a_dump_needs_room(virt, daemons, shared):
    """On a file system that is smaller than the reserve."""
    with mounted(virt, "small-store", "32m") as folder:
        made = daemons({**rules(), "dump": {"store": folder}})
        made.knows(shared)
        refused = made.ssh(shared.uuid, "dump --live")
        assert refused.status == 75 and "MiB free" in refused.errors, refused
        assert os.listdir(folder) == []


def rm(daemon, guest, path):
    return clients.sftp(daemon, guest.uuid, [f"rm {path}"])


def configure(daemon, section, **keys):
    begun = len(daemon.log())
    daemon.configure({section: keys})
    daemon.reload()
    daemon.wait_log("configuration reloaded", since=begun)


def made_dump(daemon, guest):
    made = daemon.ssh(guest.uuid, "dump --live")
    assert made.status == 0, made
    return made.text.strip()


def test_the_oldest_dumps_make_room(daemons, settings, shared):
    made = daemons(settings())
    made.knows(shared)
    names = [made_dump(made, shared) for _ in range(2)]
    size = os.stat(f"{store(made)}/{names[0]}").st_size
    configure(made, "dump", size=str(3 * size - 1))
    names.append(made_dump(made, shared))
    wait_until(lambda: sorted(os.listdir(store(made))) == sorted(names[1:]), 10,
               "the first one goes")
    record = made.wait_audit("^size of .dump. is reached: ", event="dump-removed")
    assert record["file"] == f"/dumps/{names[0]}" and record["vm_uuid"] == shared.uuid
    assert "identity" not in record
    configure(made, "dump", size="1M")
    refused = made.ssh(shared.uuid, "dump --live")
    assert refused.status == 75 and "size of [dump] has no room" in refused.errors, refused
    wait_until(lambda: os.listdir(store(made)) == names[2:], 10, "the newest stays")
    os.utime(f"{store(made)}/{names[2]}", (0, 0))
    configure(made, "dump", size="0", age="1d")
    wait_until(lambda: os.listdir(store(made)) == [], 10, "what is too old goes")
    made.wait_audit("^older than age of .dump.: ", event="dump-removed")


def test_a_dump_that_is_called_off_in_time_costs_no_older_one(daemons, settings, virt, shared):
    made = daemons(settings())
    made.knows(shared)
    name = made_dump(made, shared)
    size = os.stat(f"{store(made)}/{name}").st_size
    configure(made, "dump", size=str(size + (2048 << 10) - 1))
    begun = len(made.log())
    virt.freeze()
    try:
        with made.pipes(shared.uuid, "dump --live") as pipes:
            made.wait_log(f"dump of {shared.name} .* begun", since=begun)
            begun = len(made.log())
            with made.pipes(shared.uuid, "dump --cancel") as cancel:
                made.wait_log("asks dump", since=begun)
                virt.thaw()
                assert cancel.wait(60) == 0
            assert pipes.wait(60) == 84
            assert "cancelled by key:SHA256:" in pipes.errors()
    finally:
        virt.thaw()
    assert os.listdir(store(made)) == [name]


def test_dumps_of_the_store_are_removed_with_a_right(daemons, settings, virt, shared):
    folder = f"{virt.dir}/rm-elsewhere"
    virt.user.mkdir(folder)
    made = daemons(settings(directories=folder))
    made.knows(shared)
    name = made_dump(made, shared)
    theirs = f"{shared.domain.ID()}-{shared.name}-{time.strftime('%Y-%m-%d-%H:%M:%S')}"
    virt.user.write(f"{folder}/{theirs}", "theirs")
    refused = rm(made, shared, f"dumps/{name}")
    assert refused.status != 0 and "Permission denied" in refused.errors, refused
    made.wait_audit("permission denied: dump-delete", event="file-refused", file=f"/dumps/{name}")
    configure(made, "access all", allow=RIGHTS + ", dump-delete")
    client = clients.paramiko_connect(made, shared.uuid)
    files = client.open_sftp()
    for path, why in ((f"dumps/{theirs.replace(':', '-')}", "only dumps in store"),
                      ("dumps/latest", "latest is"), ("console.log", "only dumps can be"),
                      ("dumps/none", "No such file")):
        with pytest.raises(OSError, match=why):
            files.remove(path)
    with files.open(f"dumps/{name}") as file:
        assert file.read(4) == b"\x7fELF"
        with pytest.raises(OSError, match="it is being read"):
            files.remove(f"dumps/{name}")
    client.close()
    assert rm(made, shared, f"dumps/{name}").status == 0
    assert os.listdir(store(made)) == [] and len(os.listdir(folder)) == 1
    record = made.wait_audit("^as asked for: ", event="dump-removed", file=f"/dumps/{name}")
    assert record["vm_uuid"] == shared.uuid and record["identity"].startswith("key:SHA256:")


def test_check_says_which_dumps_cannot_be_read(virt, daemons):
    """libvirt makes dumps for root alone; a service that is not root must be given them."""
    folders = {name: f"{virt.dir}/check-{name}" for name in ("shut", "roots", "open", "store")}
    for folder in folders.values():
        virt.user.mkdir(folder)
    for name in ("shut", "roots"):
        with open(f"{folders[name]}/1-web-2026-11-28-00:00:00", "wb"):
            pass
        os.chmod(f"{folders[name]}/1-web-2026-11-28-00:00:00", 0o600)
    os.chown(folders["shut"], 0, 0)
    os.chmod(folders["store"], 0o777)
    looked_at = ", ".join([folders["shut"], folders["roots"], folders["open"], "/nonexistent"])
    made = daemons({**rules(), "dump": {"directories": looked_at, "store": folders["store"]}})
    checked = made.check_config()
    said = checked.text + checked.errors
    assert checked.status == 0, checked
    assert f"dumps in {folders['shut']} are not shown: " in said, said
    assert f"1 of the files in {folders['roots']} cannot be read" in said, said
    assert f"no dump can be made in {folders['store']}: " in said, said
    assert folders["open"] not in said and "nonexistent" not in said, said
