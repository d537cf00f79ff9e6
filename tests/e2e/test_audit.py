"""The record of who did what, and what becomes of it when it cannot be written."""

import json
import os
import re
import socket
import stat
import subprocess
import tempfile
import threading

import pytest

from lib import clients
from lib.proc import wait_until
from lib.session import BROKEN, DENIED, DONE, NO_SUCH, UNAVAILABLE, USAGE, ask, leave


@pytest.fixture(scope="module")
def shared(module_guests):
    return module_guests("audit-1")


def test_login_session_and_end_are_recorded(daemons, shared, keys):
    daemon = daemons()
    with daemon.terminal(shared.name) as session:
        session.expect("serial0")
        ask(session)
        leave(session)
    end = daemon.wait_audit(event="session-end")
    login, begin = daemon.audit(event="login")[0], daemon.audit(event="session-begin")[0]
    mark = keys.fingerprint(keys.ed25519)
    assert login["identity"] == f"key:{mark}" and login["fingerprint"] == mark
    assert login["method"] == "publickey" and login["login"] == shared.name
    assert login["source"] == "127.0.0.1" and "OpenSSH" in login["client"]
    assert begin["session"].startswith(login["session"] + ".")
    for record in (begin, end):
        assert record["vm"] == shared.name and record["vm_uuid"] == shared.uuid
        assert record["verb"] == "attach" and record["device"] == "serial:0"
    assert end["status"] == 0 and end["bytes_in"] > 5 and end["bytes_out"] > 20
    assert end["duration"] > 0
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", end["time"])


def test_refused_attempts_are_recorded(daemons, shared, keys):
    daemon = daemons()
    daemon.ssh(shared.name, "status", key=keys.stranger)
    record = daemon.wait_audit(event="login-refused")
    assert record["fingerprint"] == keys.fingerprint(keys.stranger)
    assert record["reason"] == "the key is not known" and record["login"] == shared.name
    assert daemon.ssh("vmconsole", "status", "no-such-vm").status == NO_SUCH
    record = daemon.wait_audit(event="verb", verb="status")
    assert record["status"] == NO_SUCH and "no-such-vm" in record["reason"]
    assert daemon.ssh(shared.name, "ticket").status == DENIED
    assert daemon.wait_audit(event="verb", verb="ticket")["status"] == DENIED
    assert daemon.ssh(shared.name, "frobnicate").status == USAGE
    assert daemon.wait_audit(event="verb", verb="frobnicate")["status"] == USAGE


def test_foreign_bytes_are_escaped(daemons, shared):
    daemon = daemons()
    client = clients.paramiko_connect(daemon, "evil\x1b[2J\x9b\u202ename\nsecond \"line\x7f")
    client.close()
    daemon.wait_audit(event="login")
    with open(f"{daemon.dir}/state/audit.jsonl", "rb") as file:
        data = file.read()
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80\xae", data), data
    assert "second" in daemon.audit(event="login")[0]["login"]


def test_file_is_for_its_owner_only(daemons):
    daemon = daemons()
    path = f"{daemon.dir}/state/audit.jsonl"
    daemon.wait_audit(event="start")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert daemon.user.uid == os.stat(path).st_uid


def test_numbers_go_on_over_restarts(daemons, shared):
    daemon = daemons()
    daemon.ssh(shared.name, "status")
    daemon.wait_audit(event="verb")
    daemon.stop()
    assert daemon.audit()[-1]["event"] == "stop"
    daemon.start()
    daemon.wait_audit(event="start", count=2)
    numbers = [record["seq"] for record in daemon.audit()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_half_a_line_of_a_crash_is_left_on_its_own(daemons, shared):
    daemon = daemons()
    daemon.wait_audit(event="start")
    daemon.stop()
    last = daemon.audit()[-1]["seq"]
    with open(f"{daemon.dir}/state/audit.jsonl", "a", encoding="ascii") as file:
        file.write('{"seq":99999,"ti')
    daemon.start()
    wait_until(lambda: open(f"{daemon.dir}/state/audit.jsonl").read().endswith("}\n"), 5,
               "a whole line at the end")
    with open(f"{daemon.dir}/state/audit.jsonl", encoding="ascii") as file:
        lines = file.read().splitlines()
    assert '{"seq":99999,"ti' in lines
    assert [json.loads(line)["seq"] for line in lines[lines.index('{"seq":99999,"ti') + 1:]][0] \
        == last + 1


def test_files_are_rotated_by_size(daemons, shared):
    daemon = daemons({"audit": {"rotate_size": "4K", "rotate_keep": "3"}})
    path = f"{daemon.dir}/state/audit.jsonl"
    for _ in range(30):
        daemon.ctl("status", shared.name)
    wait_until(lambda: os.path.exists(f"{path}.3"), 10, "three older files")
    for _ in range(10):
        daemon.ctl("status", shared.name)
    assert not os.path.exists(f"{path}.4")
    numbers = []
    for name in (f"{path}.3", f"{path}.2", f"{path}.1", path):
        assert os.stat(name).st_size <= 4096 + 600
        with open(name, encoding="utf-8") as file:
            numbers += [json.loads(line)["seq"] for line in file]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    seen = daemon.ctl("audit").text.splitlines()
    assert json.loads(seen[0])["seq"] <= numbers[-1] - 5 and len(seen) > 5


def records(result):
    assert result.status == DONE, result
    return [json.loads(line) for line in result.text.splitlines()]


def test_verb_audit_filters(daemons, shared, keys):
    daemon = daemons()
    daemon.ssh(shared.name, "status")
    daemon.ssh(shared.name, "status", key=keys.other)
    daemon.wait_audit(event="verb", verb="status", count=2)
    mark = keys.fingerprint(keys.other)
    for pattern in (mark, f"key:{mark}", f"key:{mark[:12]}*"):
        found = records(daemon.ctl("audit", "--user", pattern))
        assert len(found) == 2 and all(r["identity"] == f"key:{mark}" for r in found), found
    assert len(records(daemon.ctl("audit", "--vm", shared.name))) == 2
    assert len(records(daemon.ctl("audit", "--vm", shared.uuid))) == 2
    assert len(records(daemon.ctl("audit", "--vm", "audit-?"))) == 2
    assert records(daemon.ctl("audit", "--vm", "other")) == []
    everything = records(daemon.ctl("audit"))
    assert [r["event"] for r in everything[:2]] == ["start", "login"]
    middle = everything[3]["time"]
    since, until = (records(daemon.ctl("audit", way, middle)) for way in ("--since", "--until"))
    assert since[0]["seq"] == 4 and until[-1]["seq"] >= 4 and until[0]["seq"] == 1
    assert records(daemon.ctl("audit", "--since", "1h", "--until", "30m")) == []
    assert records(daemon.ctl("audit", "--until", "2000-01-01")) == []


@pytest.mark.parametrize("words", [["--since", "soon"], ["--until"], ["--frob"], ["more"]])
def test_verb_audit_names_the_word(daemon, words):
    result = daemon.ctl("audit", *words)
    assert result.status == USAGE and words[-1].lstrip("-") in result.errors, result


def test_verb_audit_is_for_administrators_on_the_host(daemons, shared, user):
    daemon = daemons({"access all": {"who": "key:*, user:*", "allow": "view, admin"}})
    assert daemon.ssh("vmconsole", "audit").status == DENIED
    daemon = daemons({"access all": {"who": "key:*, user:nobody", "allow": "view"}})
    result = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--",
         *daemon.ctl_argv("audit")], capture_output=True, check=False)
    assert result.returncode in (DENIED, UNAVAILABLE, BROKEN), result


@pytest.fixture
def full(user):
    """A file system of 64 KiB, and a way to fill it."""
    if os.getuid() != 0:
        pytest.skip("needs root, to mount a small file system")
    folder = tempfile.mkdtemp(prefix="vmc-full-", dir="/tmp")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=64k,uid={user.uid},mode=700",
                              "vmc-test", folder], capture_output=True, check=False)
    if mounted.returncode:
        os.rmdir(folder)
        pytest.skip(f"cannot mount here: {mounted.stderr}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
    os.rmdir(folder)


def fill(folder):
    with open(f"{folder}/ballast", "wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    return f"{folder}/ballast"


def test_full_disk_with_strict_refuses_logins_until_there_is_room(daemons, shared, full):
    daemon = daemons({"audit": {"file": f"{full}/audit.jsonl", "strict": "yes"}})
    assert daemon.ssh(shared.name, "status").status == DONE
    with daemon.terminal(shared.name) as session:
        session.expect("serial0")
        ballast = fill(full)
        wait_until(lambda: daemon.ssh(shared.name, "status").status == BROKEN, 20,
                   "logins are refused")
        daemon.wait_log("audit.jsonl: No space left")
        ask(session)  # who is in stays in
        os.unlink(ballast)
        wait_until(lambda: daemon.ssh(shared.name, "status").status == DONE, 5,
                   "logins are accepted again")
        leave(session)
    with open(f"{full}/audit.jsonl", encoding="utf-8") as file:
        seen = [json.loads(line) for line in file]
    gap = [record for record in seen if record["event"] == "audit-gap"]
    assert gap and re.match(r"\d+ records could not be written", gap[0]["reason"]), seen[-5:]


def test_full_disk_without_strict_is_told_and_counted(daemons, shared, full):
    daemon = daemons({"audit": {"file": f"{full}/audit.jsonl"}})
    fill(full)
    for _ in range(40):
        assert daemon.ctl("status", shared.name).status == DONE
    assert daemon.ssh(shared.name, "status").status == DONE
    daemon.wait_log(r"audit.jsonl: No space left.*records lost")


def test_file_that_cannot_be_opened(daemons, shared):
    daemon = daemons({"audit": {"file": "/proc/nowhere/audit", "strict": "yes"}})
    daemon.wait_log("audit: /proc/nowhere/audit: No such file or directory: there is no folder "
                    "/proc/nowhere: make it, or mend the path; logins are refused")
    assert daemon.ssh(shared.name, "status").status == BROKEN
    result = daemon.ctl("audit")
    assert result.status != DONE


class Journal(threading.Thread):
    """A socket where journald's would be: what arrives as fields."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        os.chmod(path, 0o666)
        self.entries = []

    def run(self):
        while True:
            data = self.socket.recv(1 << 17)
            if data == b"end":
                return
            self.entries.append(dict(
                line.split("=", 1) for line in data.decode(errors="replace").splitlines()
                if "=" in line))


def test_records_go_to_the_journal_with_fields(daemons, shared, user, tmp_path):
    if os.getuid() != 0:
        pytest.skip("needs root, for a namespace of its own")
    folder = f"{user.mkdir(str(tmp_path / 'j'), 0o755)}"
    os.chmod(str(tmp_path), 0o755)
    journal = Journal(f"{folder}/socket")
    journal.start()
    daemon = daemons()
    daemon.stop()
    program = daemon.programs.vmconsoled
    wrapper = f"{daemon.dir}/in-journal"
    user.write(wrapper, "#!/bin/sh\nexec unshare -m --propagation private sh -c '"
               "mkdir -p /run/systemd/journal && mount -t tmpfs none /run/systemd && "
               f"mkdir -p /run/systemd/journal && mount --bind {folder} /run/systemd/journal && "
               f"JOURNAL_STREAM=1:1 exec setpriv --reuid={user.uid} --regid={user.gid} "
               f"--clear-groups -- {program} \"$@\"' - \"$@\"\n", mode=0o755)
    argv = daemon.user.argv
    daemon.user.argv = lambda words, **how: (
        [wrapper, *words[1:]] if words[0] == program else argv(words, **how))
    try:
        daemon.start()
    finally:
        daemon.user.argv = argv
    assert daemon.ssh(shared.name, "status").status == DONE
    wait_until(lambda: [e for e in journal.entries if e.get("VMC_EVENT") == "verb"], 10,
               "the record in the journal")
    entry = [e for e in journal.entries if e.get("VMC_EVENT") == "login"][-1]
    assert entry["VMC_LOGIN"] == shared.name and entry["VMC_IDENTITY"].startswith("key:SHA256:")
    assert entry["MESSAGE"].startswith("audit login: {") and entry["PRIORITY"] == "5"
