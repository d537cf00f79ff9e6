"""sftp and scp fetch crash dumps and the console's history, and nothing else."""

import contextlib
import hashlib
import os
import re
import socket
import subprocess
import time

import paramiko
import pytest

from lib import clients, proc, sftp as raw_sftp
from lib.clients import scp, sftp
from lib.dumps import Folder, stamp
from lib.proc import SLOW, wait_until

@pytest.fixture(scope="module")
def shared(module_guests):
    return module_guests("files")


@pytest.fixture(scope="module")
def folder(virt, module_daemons, shared):
    made = Folder(virt, module_daemons)
    made.daemon.knows(shared)
    return made


def run(argv, **options):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=40 * SLOW, check=False, **options)
    return clients.Result(done.returncode, done.stdout, done.stderr)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def random_bytes(size):
    return os.urandom(size)


@pytest.fixture(scope="module")
def dump(virt, folder, shared):
    """A dump of the running guest by libvirt, in the folder. (name in the tree, its bytes)"""
    name = f"{shared.domain.ID()}-{shared.name}-{stamp()}"
    virt.virsh("dump", "--memory-only", "--live", shared.uuid, folder.path(name), seconds=60)
    seen = name.replace(":", "-")
    wait_until(lambda: seen in folder.names(shared), 15, "the dump is listed")
    return seen, read(folder.path(name))


@pytest.mark.parametrize("mode", [(), ("-O",)], ids=["sftp", "legacy"])
def test_scp_fetches_the_latest_dump_of_a_guest(folder, shared, dump, tmp_path, mode):
    name, data = dump
    assert data.startswith(b"\x7fELF")
    got = scp(folder.daemon, f"{shared.name}@127.0.0.1:dumps/{name}", tmp_path / "one", *mode)
    assert got.status == 0, got
    assert hashlib.sha256(read(tmp_path / "one")).digest() == hashlib.sha256(data).digest()
    got = scp(folder.daemon, f"{shared.uuid}@127.0.0.1:dumps/latest", tmp_path, *mode)
    assert got.status == 0, got
    assert read(tmp_path / "latest") == data


def test_every_fetched_file_has_an_audit_record(folder, shared, dump, tmp_path):
    name, data = dump
    assert scp(folder.daemon, f"{shared.uuid}@127.0.0.1:dumps/{name}", tmp_path).status == 0
    record = folder.daemon.wait_audit("^whole$", event="file", file=f"/dumps/{name}",
                                      login=shared.uuid)
    assert record["vm_uuid"] == shared.uuid
    assert record["bytes_out"] == len(data)
    assert record["ranges"] == f"0-{len(data) - 1}"
    assert record["identity"].startswith("key:SHA256:")


def test_sftp_lists_the_tree_of_a_guest(folder, shared, dump):
    listed = sftp(folder.daemon, shared.name, ["pwd", "ls -la", "ls -1 dumps", "df"])
    assert listed.status == 0, listed
    assert "Remote working directory: /\n" in listed.text
    assert re.search(r"^-r--------.* console\.log$", listed.text, re.M), listed
    assert re.search(r"^drwx------.* dumps$", listed.text, re.M), listed
    assert f"dumps/{dump[0]}\n" in listed.text
    assert "latest" not in listed.text
    assert re.search(r"^ +0 +0 +0 +0 ", listed.text, re.M), listed  # of df: nothing can be stored


def test_sftp_resumes_a_dump_that_was_cut(folder, shared, dump, tmp_path):
    name, data = dump
    with open(tmp_path / name, "wb") as file:
        file.write(data[:len(data) // 3])
    got = sftp(folder.daemon, shared.name, [f"reget dumps/{name} {tmp_path}/{name}"])
    assert got.status == 0, got
    assert read(tmp_path / name) == data


def test_scp_fetches_folders_and_patterns(folder, shared, dump, tmp_path):
    got = scp(folder.daemon, f"{shared.name}@127.0.0.1:dumps", tmp_path, "-r")
    assert got.status == 0, got
    assert read(tmp_path / "dumps" / dump[0]) == dump[1]
    assert not (tmp_path / "dumps" / "latest").exists()
    got = scp(folder.daemon, f"{shared.name}@127.0.0.1:dumps/{dump[0][:4]}*", tmp_path, "-O")
    assert got.status == 0, got
    assert read(tmp_path / dump[0]) == dump[1]


def test_console_log_is_what_the_guest_printed(folder, shared, tmp_path):
    assert folder.daemon.ssh(shared.name, stdin=b"pat 2000\n", seconds=40).status == 0
    for mode in ((), ("-O",)):
        got = scp(folder.daemon, f"{shared.name}@127.0.0.1:console.log", tmp_path, *mode)
        assert got.status == 0, got
        log = folder.daemon.ssh(shared.name, "log")
        assert log.status == 0
        assert read(tmp_path / "console.log") == log.out
        assert len(log.out) > 100000


def test_paramiko_reads_with_everything_asked_for_at_once(folder, shared, dump, tmp_path):
    data = random_bytes(24 << 20)
    name = folder.put(shared, data)
    client = clients.paramiko_connect(folder.daemon, shared.uuid)
    files = client.open_sftp()
    assert files.normalize(".") == "/"
    assert files.stat("dumps/" + name).st_size == len(data)
    files.get("dumps/" + name, str(tmp_path / "got"))
    assert read(tmp_path / "got") == data
    assert files.listdir(".") == ["console.log", "dumps"]
    client.close()


@pytest.mark.parametrize("mode", ["-sftp", "-scp"])
def test_pscp_fetches_a_dump(folder, shared, dump, tmp_path, mode):
    got = run(clients.pscp_argv(folder.daemon, mode, f"{shared.name}@127.0.0.1:dumps/{dump[0]}",
                                str(tmp_path / "got")),
              env={"PATH": "/usr/bin:/bin", **clients.home(folder.daemon)})
    assert got.status == 0, got
    assert read(tmp_path / "got") == dump[1]


@pytest.mark.parametrize("scheme", ["sftp", "scp"])
def test_curl_fetches_a_dump(folder, shared, dump, tmp_path, scheme):
    if scheme not in run(["curl", "--version"]).text:
        pytest.skip("this curl has no libssh2")
    path = "" if scheme == "sftp" else "/"  # of scp it wants an absolute one
    got = run(["curl", "-sS", "-k", "-u", f"{shared.uuid}:", "--key", folder.daemon.keys.ed25519,
               "--pubkey", f"{folder.daemon.keys.ed25519}.pub", "-o", str(tmp_path / "got"),
               f"{scheme}://127.0.0.1:{folder.daemon.port}{path}/dumps/{dump[0]}"])
    assert got.status == 0, got
    assert read(tmp_path / "got") == dump[1]


def test_a_login_to_the_host_has_a_folder_for_each_vm(folder, shared, dump, tmp_path):
    listed = sftp(folder.daemon, "vmconsole", ["ls -1"])
    assert listed.status == 0, listed
    assert shared.name in listed.text.split("\n")
    got = scp(folder.daemon, f"vmconsole@127.0.0.1:{shared.name}/dumps/latest", tmp_path)
    assert got.status == 0, got
    assert (tmp_path / "latest").stat().st_size > 0


def test_a_folder_has_no_name_that_misleads(folder, shared, guests):
    """One that is another guest's UUID leads to that one; one with controls changes a terminal."""
    twin, odd = guests(shared.uuid, start=False), guests("odd\u009b31m", start=False)

    def folders():
        return sftp(folder.daemon, "vmconsole", ["ls -1"]).text.split("\n")

    wait_until(lambda: odd.uuid in folders() and twin.uuid in folders(),
               what="folders that are called by UUIDs")
    assert shared.uuid not in folders()


def test_sums_are_printed_as_by_coreutils(folder, shared, dump):
    name, data = dump
    got = folder.daemon.ssh(shared.name, f"sha256sum dumps/{name}")
    assert got.status == 0, got
    assert got.text == f"{hashlib.sha256(data).hexdigest()}  dumps/{name}\n"
    got = folder.daemon.ssh(shared.name, "md5sum")
    assert got.text == "d41d8cd98f00b204e9800998ecf8427e  -\n", got
    log = folder.daemon.ssh(shared.name, "log").out
    got = folder.daemon.ssh("vmconsole", f"md5sum '{shared.name}/console.log'")
    assert got.text == f"{hashlib.md5(log).hexdigest()}  {shared.name}/console.log\n", got
    got = folder.daemon.ssh(shared.name, "sha256sum dumps/none")
    assert got.status == 1 and "sha256sum: dumps/none: No such file" in got.errors, got
    record = folder.daemon.wait_audit("^whole$", event="file", file=f"/dumps/{name}", verb="sum")
    assert record["bytes_out"] == 0 and record["ranges"] == f"0-{len(data) - 1}"


def test_rclone_checks_what_it_has_copied(folder, shared, dump, tmp_path):
    remote = (f":sftp,host=127.0.0.1,port={folder.daemon.port},user={shared.uuid},"
              f"key_file={folder.daemon.keys.ed25519},shell_type=unix:dumps")
    options = ["--config", "/dev/null", "--retries", "1", "--include", dump[0]]
    env = {"PATH": "/usr/bin:/bin", **clients.home(folder.daemon)}
    got = run(["rclone", "copy", *options, remote, str(tmp_path)], env=env)
    assert got.status == 0 and read(tmp_path / dump[0]) == dump[1], got
    got = run(["rclone", "check", *options, remote, str(tmp_path)], env=env)
    assert got.status == 0 and "0 differences found" in got.errors, got
    assert "hashes could not be checked" not in got.errors, got


def test_nothing_can_be_written(folder, shared, dump, tmp_path):
    (tmp_path / "up").write_bytes(b"x")
    for command in (f"put {tmp_path}/up dumps/up", f"rm dumps/{dump[0]}", "mkdir dumps/x",
                    f"rename dumps/{dump[0]} dumps/y", f"ln -s dumps/{dump[0]} z",
                    f"chmod 777 dumps/{dump[0]}"):
        refused = sftp(folder.daemon, shared.name, [command])
        assert refused.status != 0, command
        assert "denied" in refused.errors + refused.text, (command, refused)
    refused = scp(folder.daemon, tmp_path / "up", f"{shared.name}@127.0.0.1:dumps/up", "-O")
    assert refused.status != 0
    assert "read-only" in refused.errors.lower() or "denied" in refused.errors, refused
    folder.daemon.wait_audit("rename|RENAME|posix-rename", event="file-refused")
    assert sorted(os.listdir(folder.dir)) == sorted(
        name for name in os.listdir(folder.dir) if name != "up")


@pytest.mark.parametrize("path", ["../../../../etc/passwd", "/etc/passwd", "dumps/../../etc/passwd",
                                  "dumps/./../console.log/x", "dumps/" + "a" * 300,
                                  "dumps/x/y", "console.log/", "dumps/%2e%2e/x"])
def test_paths_that_lead_elsewhere_find_nothing(folder, shared, tmp_path, path):
    client = clients.paramiko_connect(folder.daemon, shared.uuid)
    files = client.open_sftp()
    with pytest.raises(OSError):
        files.open(path).read(1)
    client.close()


def test_what_is_no_regular_file_is_never_opened(folder, shared, virt):
    names = [f"{shared.domain.ID()}-{shared.name}-2026-01-01-00:00:0{i}" for i in range(4)]
    secret = f"{virt.dir}/files/secret"
    virt.user.write(secret, "secret")
    os.symlink(secret, folder.path(names[0]))
    os.mkfifo(folder.path(names[1]))
    os.chmod(folder.path(names[1]), 0o666)
    os.link(secret, folder.path(names[2]))
    virt.user.mkdir(folder.path(names[3]))
    shown = sftp(folder.daemon, shared.name, ["ls -1 dumps"])
    assert shown.status == 0, shown
    for name in names:
        assert name.replace(":", "-") not in shown.text
        got = scp(folder.daemon, f"{shared.name}@127.0.0.1:dumps/{name.replace(':', '-')}",
                  "/dev/null")
        assert got.status != 0
    for name in names[:3]:
        os.unlink(folder.path(name))
    os.rmdir(folder.path(names[3]))


def test_a_dump_that_is_being_written_is_in_no_folder(folder, shared):
    name = f"{shared.domain.ID()}-{shared.name}-2026-01-01-00:00:09"
    seen = name.replace(":", "-")
    with open(folder.path(name), "wb") as file:
        folder.virt.user.own(folder.path(name), 0o600)
        file.write(b"half of it")
        file.flush()
        assert re.search(rf"growing +{seen} ", folder.names(shared)), folder.names(shared)
        assert seen not in sftp(folder.daemon, shared.name, ["ls -1 dumps"]).text
    assert re.search(rf"complete +{seen} ", folder.names(shared)), folder.names(shared)
    assert seen in sftp(folder.daemon, shared.name, ["ls -1 dumps"]).text
    os.unlink(folder.path(name))


def test_another_users_vm_is_not_there(virt, daemons, guests, shared, keys, tmp_path):
    mine, other = guests("fmine"), shared
    rule = {"who": f"key:{keys.fingerprint(keys.ed25519)}", "vms": mine.name, "allow": Folder.RIGHTS}
    made = Folder(virt, daemons, {"access all": rule})
    made.daemon.knows(mine)
    made.put(mine, b"mine")
    theirs = made.put(other, b"theirs")
    listed = sftp(made.daemon, "vmconsole", ["ls -1"])
    assert listed.status == 0, listed
    assert listed.text.split("\n")[1:2] == [mine.name], listed
    for path in (f"vmconsole@127.0.0.1:{other.name}/dumps/{theirs}",
                 f"{mine.name}@127.0.0.1:dumps/{theirs}"):
        assert scp(made.daemon, path, tmp_path / "x").status != 0
    refused = sftp(made.daemon, other.name, ["ls"])
    unknown = sftp(made.daemon, "no-such-vm", ["ls"])
    assert refused.status != 0 and unknown.status != 0


def test_what_is_nobodys_is_for_admins(virt, daemons, shared, tmp_path):
    made = Folder(virt, daemons)
    made.daemon.knows(shared)
    virt.user.write(made.path("vmcore from somewhere"), "core")
    assert "vmcore" not in made.daemon.ssh("vmconsole", "dumps").text
    made.daemon.configure({"access all": {"allow": Folder.RIGHTS + ", admin"}})
    made.daemon.reload()
    wait_until(lambda: "vmcore_from_somewhere" in made.daemon.ssh("vmconsole", "dumps").text, 10,
               "an admin sees it")
    got = scp(made.daemon, "vmconsole@127.0.0.1:dumps/vmcore_from_somewhere", tmp_path)
    assert got.status == 0, got
    assert (tmp_path / "vmcore_from_somewhere").read_bytes() == b"core"


def test_dumps_stay_the_guests_after_it_is_gone_and_after_a_restart(virt, daemons, guests,
                                                                    tmp_path):
    first = guests("fgone")
    made = Folder(virt, daemons)
    made.daemon.knows(first)
    name = made.put(first, b"its last words")
    first.destroy()
    made.daemon.stop()
    made.daemon.start()
    made.daemon.knows(first)
    got = scp(made.daemon, f"{first.uuid}@127.0.0.1:dumps/{name}", tmp_path)
    assert got.status == 0, got
    assert (tmp_path / name).read_bytes() == b"its last words"


def test_each_right_opens_its_own_files(virt, daemons, shared, tmp_path):
    made = Folder(virt, daemons, {"access all": {"who": "key:*", "vms": "*", "allow": "log"}})
    made.daemon.knows(shared)
    name = made.put(shared, b"dump")
    assert scp(made.daemon, f"{shared.name}@127.0.0.1:console.log", tmp_path).status == 0
    refused = made.daemon.ssh(shared.name, f"sha256sum dumps/{name}")
    assert refused.status == 1 and "permission denied: dump-get" in refused.errors, refused
    refused = scp(made.daemon, f"{shared.name}@127.0.0.1:dumps/{name}", tmp_path)
    assert refused.status != 0
    made.daemon.wait_audit("permission denied: dump-get", event="file-refused",
                           file=f"/dumps/{name}")
    assert "dumps" not in sftp(made.daemon, shared.name, ["ls -1"]).text.split("\n")
    made.daemon.configure({"access all": {"allow": "view"}})
    made.daemon.reload()
    made.daemon.wait_log("configuration reloaded")
    assert scp(made.daemon, f"{shared.name}@127.0.0.1:console.log", tmp_path).status != 0


def test_a_withdrawn_right_ends_the_transfer(virt, daemons, shared, keys):
    made = Folder(virt, daemons)
    made.daemon.knows(shared)
    name = made.put(shared, random_bytes(8 << 20))
    client = clients.paramiko_connect(made.daemon, shared.uuid)
    files = client.open_sftp()
    file = files.open(f"dumps/{name}", "r")
    assert len(file.read(4096)) == 4096
    made.daemon.configure({"access all": {"allow": "view, log"}})
    made.daemon.reload()
    with pytest.raises((OSError, EOFError, paramiko.SSHException)):
        deadline = time.monotonic() + 15 * SLOW
        while time.monotonic() < deadline:
            file.seek(0)
            file.read(4096)
    made.daemon.wait_audit("in part", event="file", file=f"/dumps/{name}")
    made.daemon.wait_audit("the right to dump-get VM .* was withdrawn", event="verb", verb="sftp")
    client.close()


def test_a_login_that_ends_ends_its_transfers(virt, daemons, shared):
    made = Folder(virt, daemons)
    made.daemon.knows(shared)
    name = made.put(shared, random_bytes(8 << 20))
    client = clients.paramiko_connect(made.daemon, shared.uuid)
    file = client.open_sftp().open(f"dumps/{name}", "r")
    assert len(file.read(4096)) == 4096
    made.daemon.authorize([])
    made.daemon.reload()
    with pytest.raises((OSError, EOFError, paramiko.SSHException)):
        deadline = time.monotonic() + 15 * SLOW
        while time.monotonic() < deadline:
            file.seek(0)
            file.read(4096)
    made.daemon.wait_audit("in part", event="file", file=f"/dumps/{name}", login=shared.uuid)
    client.close()


def test_a_refused_file_client_gets_no_shell(virt, daemons, shared):
    made = Folder(virt, daemons, {"access all": {"who": "key:*", "vms": "*",
                                                 "allow": "view, type"}})
    made.daemon.knows(shared)
    client = clients.paramiko_connect(made.daemon, shared.uuid)
    channel = client.get_transport().open_session()
    channel.invoke_subsystem("sftp")
    assert channel.recv_exit_status() == 77
    shell = client.get_transport().open_session()
    shell.invoke_shell()
    with contextlib.suppress(OSError):  # it may have been refused already
        shell.sendall(b"say typed-into-the-guest\n")
    assert shell.recv_exit_status() == 77
    client.close()
    assert "run say typed-into-the-guest" not in shared.report_lines()


def test_a_client_that_reads_nothing_holds_no_memory(folder, shared, dump):
    name = folder.put(shared, random_bytes(64 << 20))
    door = folder.daemon.doors("ssh")[0]
    with raw_sftp.Raw(folder.daemon, shared.uuid, window_size=1 << 16) as client:
        handle = client.open(f"/dumps/{name}".encode()).text
        before = proc.Usage([door]).memory
        client.channel.settimeout(3 * SLOW)
        with pytest.raises(socket.timeout):
            for start in range(0, 200000, 100):
                client.channel.sendall(b"".join(client.request(
                    raw_sftp.READ, raw_sftp.read_body(handle, i * 32768, 32768))
                    for i in range(start, start + 100)))
        assert proc.Usage([door]).memory - before < 16 << 10
        # Others go on meanwhile.
        assert folder.daemon.ssh(shared.uuid, "status").status == 0


@contextlib.contextmanager
def files_of(daemon, login, key):
    with paramiko.Transport((clients.HOST, daemon.port)) as transport:
        transport.start_client(timeout=20 * SLOW)
        transport.auth_publickey(login, paramiko.Ed25519Key.from_private_key_file(key))
        yield paramiko.SFTPClient.from_transport(transport)


def lent(client, path):
    """Opened as soon as there is room. A file is given back on one line and asked for on another:
    which of the two the service reads first is open."""
    def attempt():
        try:
            return client.open(path)
        except OSError:
            return None

    return wait_until(attempt, 20, "there is room for one more")


def test_one_user_does_not_have_all_lent_files(folder, shared, keys):
    """128 on a channel, 512 in all; of one identity 256."""
    with contextlib.ExitStack() as stack:
        mine = [stack.enter_context(files_of(folder.daemon, shared.name, keys.ed25519))
                for _ in range(3)]
        held = [lent(client, "console.log") for client in mine[:2] for _ in range(128)]
        with pytest.raises(OSError):
            mine[2].open("console.log")
        other = stack.enter_context(files_of(folder.daemon, shared.name, keys.other))
        other.open("console.log").close()
        held.pop().close()
        lent(mine[2], "console.log").close()
