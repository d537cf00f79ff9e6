"""What the broker's and the doors' processes are and may, seen from outside."""

import os
import re
import shutil
import signal
import subprocess
import tempfile

import pytest

from lib.clients import closed_by_server
from lib.daemon import Daemon
from lib.proc import SANITIZED, SLOW, next_file
from lib.session import BROKEN, DONE, ask, leave


def status(pid):
    """/proc/PID/status as a dictionary of words."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return {key: value.split() for key, value in (line.split(":", 1) for line in file)}


def limits(pid):
    """Soft limits by their names in /proc/PID/limits."""
    with open(f"/proc/{pid}/limits", encoding="utf-8") as file:
        rows = [re.split(r"\s{2,}", line.strip()) for line in file][1:]
    return {row[0]: row[1] for row in rows}


class Root:
    """Whoever runs the tests, when that is root: the daemon runs as it."""

    uid = gid = 0
    name = "root"

    @staticmethod
    def argv(argv, die_with_us=False, capabilities=()):
        assert not capabilities, "root has them all"
        words = ["setpriv", "--pdeathsig", "TERM", "--"] if die_with_us else []
        return words + [str(word) for word in argv]

    @staticmethod
    def own(path, mode=None):
        if mode is not None:
            os.chmod(path, mode)
        return path

    def mkdir(self, path, mode=0o700):
        os.makedirs(path, exist_ok=True)
        return self.own(path, mode)

    def write(self, path, text, mode=0o600):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return self.own(path, mode)


@pytest.fixture
def as_root(programs, virt, keys):
    """daemons as root; each is ended after the test."""
    if os.getuid() != 0:
        pytest.skip("needs root")
    made = []
    with tempfile.TemporaryDirectory(prefix="vmc-root-", dir="/tmp") as folder:
        def make(config=None, start=True):
            daemon = Daemon(Root(), programs, virt, keys, config, parent=folder)
            made.append(daemon)
            return daemon.start() if start else daemon
        yield make
        for daemon in made:
            daemon.finish()


def test_door_of_a_daemon_run_by_root_is_nobody(as_root, guest):
    daemon = as_root()
    with daemon.terminal(guest.name) as session:
        ask(session)
        door, = daemon.doors("ssh")
        found = status(door)
        uid = int(found["Uid"][0])
        assert 61184 <= uid <= 65519
        assert found["Uid"] == [str(uid)] * 4 and found["Gid"] == [str(uid)] * 4
        assert found["Groups"] == []
        assert {int(found[kind][0], 16) for kind in ("CapPrm", "CapEff", "CapInh", "CapAmb")} == {0}
        assert found["NoNewPrivs"] == ["1"] and found["Seccomp"] == ["2"]
        assert status(daemon.pid)["Uid"][0] == "0"
        leave(session)
    daemon.wait_log(f"ssh door is ready: user {uid}, seccomp on")


def test_door_user_is_the_configured_one(as_root, user):
    daemon = as_root({"daemon": {"door_user": user.name}})
    door, = daemon.doors("ssh")
    assert status(door)["Uid"] == [str(user.uid)] * 4
    assert status(door)["Gid"] == [str(user.gid)] * 4


@pytest.mark.parametrize("name, cure", [
    ("no-such-user", "useradd --system"), ("root", "name an unprivileged user")])
def test_door_user_that_cannot_be_is_refused_with_the_cure(as_root, name, cure):
    daemon = as_root({"daemon": {"door_user": name}}, start=False)
    daemon.launch()
    assert daemon.wait_end(20) == 1
    assert "door_user: " in daemon.log() and cure in daemon.log()


LENT = 512  # files that may be lent to a door


def test_door_that_may_open_nothing_more_keeps_its_sessions(daemons, guest, user):
    """A connection that it cannot be given is closed."""
    daemon = daemons()
    with daemon.terminal(guest.name) as session:
        ask(session)
        door, = daemon.doors("ssh")
        before = user.limit_files(door, next_file(door))
        with daemon.raw() as connection:
            assert closed_by_server(connection)
        daemon.wait_log("as many files are open as the ssh door may have: nothing new is taken")
        user.limit_files(door, before)
        ask(session)
        assert daemon.ssh(guest.name, "status").status == DONE
        assert daemon.doors("ssh") == [door]
        leave(session)


def test_limits_of_a_door_follow_the_configuration(daemons, guest):
    daemon = daemons({"ssh": {"max_connections": "100", "max_channels": "7",
                              "max_unauthenticated": "100"}})
    door, = daemon.doors("ssh")
    assert limits(door)["Max open files"] == str(100 * 10 + LENT + 64)
    if not SANITIZED:
        assert limits(door)["Max data size"] == str((512 + 200) << 20)
        assert limits(door)["Max address space"] == str((512 + 200 + 1024) << 20)
    assert int(limits(daemon.pid)["Max open files"]) > 1064 + LENT
    daemon.configure({"ssh": {"max_connections": "150"}})
    daemon.reload()
    daemon.wait_log("configuration reloaded")
    assert limits(door)["Max open files"] == str(150 * 10 + LENT + 64)
    assert daemon.ssh(guest.name, "status").status == DONE


def test_memory_of_the_broker_is_not_for_others(daemon):
    assert limits(daemon.pid)["Max core file size"] == "0"
    assert status(daemon.pid)["Umask"] == ["0077"]
    if not SANITIZED:
        # What cannot be dumped belongs to root, whoever runs it.
        assert os.stat(f"/proc/{daemon.pid}/mem").st_uid == 0


def test_control_socket_is_for_everybody_whatever_the_umask(daemons, user):
    daemon = daemons()
    daemon.stop()
    os.rmdir(f"{daemon.dir}/run")
    daemon.start()
    assert os.stat(f"{daemon.dir}/run").st_mode & 0o777 == 0o755
    assert os.stat(f"{daemon.dir}/run/control").st_mode & 0o777 == 0o666
    for name in os.listdir(f"{daemon.dir}/state/hostkeys"):
        mode = os.stat(f"{daemon.dir}/state/hostkeys/{name}").st_mode & 0o777
        assert mode == (0o644 if name.endswith(".pub") else 0o600), name


# a door that cannot be


def spoil_mode(path):
    os.chmod(path, 0o644)


def spoil_bytes(path):
    with open(path, "r+", encoding="ascii") as file:
        file.truncate(200)


def spoil_with_a_passphrase(path):
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f", path], check=True)


def spoil_entirely(path):
    with open(path, "w", encoding="ascii") as file:
        file.write("no key at all\n")


@pytest.mark.parametrize("spoil, words", [
    (spoil_mode, "mode 0644 lets others read it: chmod 600 "),
    (spoil_bytes, "it is damaged: restore it, or remove it"),
    (spoil_with_a_passphrase, "it has a passphrase: take that away with ssh-keygen -p"),
    (spoil_entirely, "it is not a private key: restore it, or remove it")])
def test_host_key_that_cannot_be_used_refuses_the_start(daemons, spoil, words):
    daemon = daemons()
    daemon.stop()
    key = f"{daemon.dir}/state/hostkeys/ssh_host_ed25519_key"
    spoil(key)
    daemon.user.own(key)
    since = len(daemon.log())
    daemon.launch()
    assert daemon.wait_end(20) == 1
    assert f"host key {key}: {words}" in daemon.log()[since:]
    assert "listening" not in daemon.log()[since:]


def test_client_is_told_when_no_door_can_be_started_any_more(daemons, guest):
    daemon = daemons()
    key = f"{daemon.dir}/state/hostkeys/ssh_host_ed25519_key"
    os.chmod(key, 0o644)
    door, = daemon.doors("ssh")
    os.kill(door, signal.SIGKILL)
    daemon.wait_log("cannot start the ssh door: host key .*mode 0644")
    for _ in range(3):
        with daemon.raw() as connection:
            connection.settimeout(10 * SLOW)
            said = connection.makefile("rb").read()
        assert said == b"The ssh service is not available. Try again later.\r\n"
    assert daemon.ssh(guest.name, "status").status == BROKEN
    os.chmod(key, 0o600)
    daemon.wait_log("the ssh door is ready", 20, since=daemon.log().rindex("cannot start"))
    assert daemon.ssh(guest.name, "status").status == DONE
    assert daemon.log().count("cannot start the ssh door") == 1


def test_door_that_never_starts_ends_the_daemon(as_root):
    daemon = as_root(start=False)
    program = f"{daemon.dir}/vmconsoled"
    shutil.copy(daemon.programs.vmconsoled, program)
    os.chmod(program, 0o700)
    argv = daemon.user.argv
    daemon.user.argv = lambda words, **how: argv([program, *words[1:]], **how)
    daemon.launch()
    assert daemon.wait_end(20) == 1
    assert "cannot start the ssh door: the program cannot be executed; it must be executable " \
        "for everybody" in daemon.log()
