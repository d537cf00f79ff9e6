"""What a start refuses, each with its cure, and what --check says of it before."""

import grp
import os
import re
import shutil
import socket
import stat
import subprocess

import pytest

from lib.daemon import Daemon
from lib.session import USAGE

STRANGER = 4711  # a uid that nobody has


@pytest.fixture
def unstarted(user, programs, virt, keys):
    """unstarted(config): a daemon that is not started."""
    made = []

    def make(config=None):
        daemon = Daemon(user, programs, virt, keys, config)
        made.append(daemon)
        return daemon
    yield make
    for daemon in made:
        daemon.finish()


def refuses(daemon, *words):
    """It ends by itself with 1, and says all this."""
    daemon.launch()
    assert daemon.wait_end(20) == 1, daemon.log_tail(20)
    for word in words:
        assert word in daemon.log(), (word, daemon.log_tail(20))


# Folders

@pytest.mark.parametrize("mode", [0o777, 0o775, 0o720])
@pytest.mark.parametrize("key, folder", [("state_dir", "state"), ("run_dir", "run")])
def test_folder_that_others_may_write_to_is_refused(unstarted, key, folder, mode):
    daemon = unstarted()
    path = f"{daemon.dir}/{folder}"
    os.chmod(path, mode)
    refuses(daemon, f"{key} {path}: others may write to it (mode {mode:04o}): chmod go-w {path}")
    assert os.listdir(path) == []
    os.chmod(path, 0o755)
    daemon.start()


@pytest.mark.parametrize("key, folder", [("state_dir", "state"), ("run_dir", "run")])
def test_folder_of_somebody_else_is_refused(unstarted, user, key, folder):
    if not user.switch:
        pytest.skip("needs root")
    daemon = unstarted()
    path = f"{daemon.dir}/{folder}"
    for uid, name in ((STRANGER, STRANGER), (0, "root")):
        os.chown(path, uid, -1)
        refuses(daemon, f"{key} {path}: it belongs to user {name} and not to {user.name}: "
                        f"chown {user.name} {path}")
    user.own(path)
    daemon.start()


def test_folder_that_others_could_replace_is_refused(unstarted, user):
    daemon = unstarted()
    above = user.mkdir(f"{daemon.dir}/above", 0o777)
    user.mkdir(f"{above}/state")
    daemon.configure({"daemon": {"state_dir": f"{above}/state"}})
    refuses(daemon, f"others may write to the folder {above} above it (mode 0777) and could "
                    f"replace it: chmod go-w {above}")
    os.chmod(above, 0o1777)
    daemon.start()


def test_folder_that_cannot_be_is_refused_with_the_cure(unstarted, user):
    daemon = unstarted({"daemon": {"state_dir": "/proc/vmconsoled"}})
    refuses(daemon, "state_dir /proc/vmconsoled cannot be made: No such file or directory")
    daemon.configure({"daemon": {"state_dir": f"{daemon.file}"}})
    refuses(daemon, f"state_dir {daemon.file}: it is not a folder")
    daemon.configure({"daemon": {"state_dir": f"{daemon.file}/below"}})
    refuses(daemon, f"state_dir {daemon.file}/below cannot be made: Not a directory")
    if os.getuid() == 0:
        daemon.configure({"daemon": {"state_dir": "/etc/vmconsoled-test/state"}})
        refuses(daemon, "state_dir /etc/vmconsoled-test/state cannot be made: Permission denied; "
                f"as root: install -d -o {user.name} -m 0700 /etc/vmconsoled-test/state")


@pytest.mark.parametrize("key, folder", [("state_dir", "state"), ("run_dir", "run")])
def test_folder_of_ours_that_is_shut_is_refused_with_the_cure(unstarted, user, key, folder):
    daemon = unstarted()
    path = f"{daemon.dir}/{folder}"
    os.chmod(path, 0o500)
    words = (f"{key} {path}: it cannot be written to: Permission denied: user {user.name} may not "
             f"write to {path} (mode 0500): chmod u+rwx {path}")
    refuses(daemon, words)
    assert words in daemon.check_config().errors
    os.chmod(path, 0o700)
    daemon.start()


def test_file_of_the_daemon_that_cannot_be_opened_is_named_with_the_cure(unstarted, user):
    daemon = unstarted()
    lock, control = f"{daemon.dir}/state/lock", f"{daemon.dir}/run/control"
    for path, label in ((lock, ""), (control, "control socket ")):
        user.mkdir(path)
        refuses(daemon, f"{label}{path}: Is a directory: it is a folder: move it away")
        os.rmdir(path)
    keys = f"{daemon.dir}/state/hostkeys"
    key = f"{keys}/ssh_host_ed25519_key"
    for path, label, mode, bits in ((key, "host key", 0o000, "r"),
                                    (keys, "folder of host keys", 0o300, "rx")):
        was = stat.S_IMODE(os.stat(path).st_mode)
        os.chmod(path, mode)
        refuses(daemon, f"{label} {path}: Permission denied: user {user.name} may not read {path} "
                        f"(mode {mode:04o}): chmod u+{bits} {path}")
        os.chmod(path, was)
    daemon.start()


@pytest.mark.parametrize("mode, words", [
    (0o755, "there is no such socket: start vmconsoled (systemctl start vmconsoled), or name the "
            "socket in its run_dir with -S"),
    (0o600, "Permission denied: user {0} may not enter the folder {1}: chmod a+x {1}")])
def test_socket_that_cannot_be_reached_is_named_with_the_cure(unstarted, user, mode, words):
    daemon = unstarted()
    folder = f"{daemon.dir}/run"
    os.chmod(folder, mode)
    result = daemon.ctl("list", as_user=user)
    assert result.errors == (f"vmconsolectl: cannot reach vmconsoled at {folder}/control: "
                             f"{words.format(user.name, folder)}\n"), result
    os.chmod(folder, 0o755)


def test_file_that_the_service_may_not_read_is_named_with_the_cure(unstarted, user):
    if not user.switch:
        pytest.skip("needs root")
    daemon = unstarted()
    cure = (f"user {user.name} may not read it: chown {user.name} {{0}}, and chmod a+x the folders "
            "above it")
    for path in (daemon.authorized_keys, daemon.file):
        os.chown(path, 0, 0)
        os.chmod(path, 0o600)
    refuses(daemon, f"{daemon.file}: cannot be read: {cure.format(daemon.file)}")
    user.own(daemon.file)
    daemon.start()
    daemon.wait_log(re.escape(cure.format(daemon.authorized_keys)))


def test_port_that_others_have_or_root_only_is_named_with_the_cure(unstarted, user):
    daemon = unstarted()
    with socket.create_server(("127.0.0.1", daemon.port)):
        refuses(daemon, f"cannot listen on 127.0.0.1:{daemon.port}: {TAKEN}")
    daemon.configure({"ssh": {"listen": "192.0.2.1:2222"}})
    refuses(daemon, "cannot listen on 192.0.2.1:2222: no interface has this address")
    if user.switch:
        daemon.configure({"ssh": {"listen": "127.0.0.1:22"}})
        refuses(daemon, "cannot listen on 127.0.0.1:22: this user may not use a port below 1024; "
                        "the service needs AmbientCapabilities=CAP_NET_BIND_SERVICE")


def test_missing_folders_are_made_for_the_service_alone(unstarted):
    daemon = unstarted({"daemon": {}})
    daemon.configure({"daemon": {"state_dir": f"{daemon.dir}/new/state",
                                 "run_dir": f"{daemon.dir}/newrun"},
                      "ssh": {"host_keys": None}})
    daemon.launch()
    daemon.wait_log("listening for ssh")
    assert stat.S_IMODE(os.stat(f"{daemon.dir}/new/state").st_mode) == 0o700
    assert stat.S_IMODE(os.stat(f"{daemon.dir}/newrun").st_mode) == 0o755


class Root:
    """Whoever runs the tests, when that is root."""

    @staticmethod
    def argv(argv, die_with_us=False):
        return [str(word) for word in argv]


def test_root_is_told_as_whom_the_service_should_run(unstarted, user, tmp_path):
    if not user.switch:
        pytest.skip("needs root")
    daemon = unstarted()
    # In a folder that root believes.
    daemon.file = shutil.copy(daemon.file, tmp_path / "vmconsoled.conf")
    os.chown(daemon.file, 0, 0)
    state = f"{daemon.dir}/state"
    words = (f"state_dir {state}: it belongs to user {user.name} and not to root: start the service "
             f"as {user.name}, and --check with --user {user.name}; or chown root {state}")
    result = daemon.check_config(user=Root)
    assert result.status == 1 and words in result.errors, result


# --check

GOOD = "the configuration is good"
TAKEN = "another program listens there; ss -ltnp shows which"


def check(daemon, *options, user=None):
    """The lines of its errors and of its warnings, without the daemon's folder."""
    result = daemon.check_config(*options, user=user)
    lines = result.errors.replace(daemon.dir, "DIR").splitlines()
    warnings = [line.removeprefix("warning: ") for line in lines if line.startswith("warning: ")]
    errors = [line for line in lines if not line.startswith("warning: ")]
    assert result.status == (1 if errors else 0), result
    count = f", with {len(warnings)} warning{'s' if len(warnings) > 1 else ''}" if warnings else ""
    assert result.text == ("" if errors else f"{GOOD}{count}\n"), result
    return errors, warnings


def line_of(daemon, text):
    with open(daemon.file, encoding="utf-8") as file:
        return next(number for number, line in enumerate(file, 1) if line.startswith(text))


def test_check_of_what_starts_says_nothing(unstarted, user):
    daemon = unstarted()
    assert check(daemon) == ([], [])
    assert os.listdir(f"{daemon.dir}/state") == [], "nothing is made"
    daemon.start()
    assert check(daemon) == ([], []), "its own port and its own files"
    assert check(daemon, "--user", user.name) == ([], [])
    if user.switch:
        daemon.stop()
        assert check(daemon, "--user", user.name, user=Root) == ([], [])
        errors, _ = check(daemon, user=Root)
        assert errors[0].startswith("DIR/vmconsoled.conf: the folder "), errors


@pytest.mark.parametrize("who, words", [
    ("key:SHA256:tooshort", "no key has such a fingerprint: it is SHA256: and 43 characters"),
    ("key:MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48", "no key has such a fingerprint"),
    ("user:[ab", "a [ is never closed: write [[] for the character itself")])
def test_check_finds_who_cannot_be(unstarted, who, words):
    daemon = unstarted({"access odd": {"who": who, "vms": "*", "allow": "view"}})
    errors, _ = check(daemon)
    assert len(errors) == 1 and words in errors[0], errors
    assert errors[0].startswith(f"DIR/vmconsoled.conf:{line_of(daemon, '[access odd]')}: "
                                "[access odd] "), errors
    refuses(daemon, words)


@pytest.mark.parametrize("section", ["access odd", "record odd"])
def test_check_finds_vms_that_cannot_be(unstarted, section):
    more = {"who": "key:*", "allow": "view"} if section == "access odd" else {"record": "all"}
    daemon = unstarted({section: {"vms": "web-[1", **more}})
    errors, _ = check(daemon)
    assert len(errors) == 1 and "a [ is never closed" in errors[0], errors
    refuses(daemon, "a [ is never closed")


def test_check_warns_of_rules_that_do_nothing(unstarted, keys):
    unknown = f"key:{keys.fingerprint(keys.stranger)}"
    known = f"key:{keys.fingerprint(keys.ed25519)}"
    daemon = unstarted({
        "access all": {"who": f"{known}, {unknown}, user:nobody-at-all, cert:CN=x"},
        "access two": {"who": "key:*", "vms": "hypervisor:tset, gruop:web", "allow": "type"},
        "record odd": {"vms": "hypervisor:tset", "record": "all"}})
    errors, warnings = check(daemon)
    assert errors == []
    place = f"DIR/vmconsoled.conf:{line_of(daemon, '[access all]')}: [access all] "
    two = f"DIR/vmconsoled.conf:{line_of(daemon, '[access two]')}: [access two] "
    record = f"DIR/vmconsoled.conf:{line_of(daemon, '[record odd]')}: [record odd] "
    assert sorted(warnings) == sorted([
        f"{place}who: \"cert:CN=x\" is nobody without vdsm_certificates in [auth]",
        f"{place}who: no file of authorized_keys has the key of {unknown}",
        f"{place}who: there is no user nobody-at-all on this host",
        f"{two}allows type without view: it has no effect where no other section allows view",
        f"{two}vms: there is no [hypervisor] section for \"hypervisor:tset\"",
        f"{two}vms: \"gruop:web\" is a pattern of names; did you mean group:?",
        f"{record}vms: there is no [hypervisor] section for \"hypervisor:tset\""])
    daemon.start()
    daemon.wait_log(r"warning: .*allows type without view")


def test_check_warns_of_keys_without_a_rule_or_file(unstarted, keys):
    daemon = unstarted({"access all": {"who": f"key:{keys.fingerprint(keys.ed25519)}"}})
    daemon.configure({"auth": {"authorized_keys":
                               f"{daemon.authorized_keys}, DIR/none/*.pub, {daemon.dir}/missing"
                               .replace("DIR", daemon.dir)}})
    daemon.authorize([keys.line(keys.ed25519), keys.line(keys.other),
                      f'access="nowhere" {keys.line(keys.ecdsa)}', "nonsense"])
    errors, warnings = check(daemon)
    assert errors == []
    place = f"DIR/vmconsoled.conf:{line_of(daemon, 'authorized_keys =')}: authorized_keys: "
    for line in ("DIR/authorized_keys:2: no [access] section is for this key, so it cannot log in",
                 "DIR/authorized_keys:3: access=\"nowhere\": there is no section "
                 "[access nowhere], so this key may do nothing",
                 f"{place}no file matches DIR/none/*.pub"):
        assert line in warnings, (line, warnings)
    assert any(line.startswith("DIR/authorized_keys:4: ") for line in warnings), warnings
    assert any(line.startswith("DIR/missing: ") for line in warnings), warnings


def test_check_finds_lists_that_refuse_nobody(unstarted):
    daemon = unstarted({"auth": {"revoked_keys": "/nonexistent/*.krl"}})
    errors, _ = check(daemon)
    assert any("revoked_keys" in line for line in errors), errors
    refuses(daemon, "revoked_keys")


def test_check_says_what_the_start_says_of_folders(unstarted, user):
    daemon = unstarted()
    os.chmod(f"{daemon.dir}/state", 0o777)
    os.chmod(f"{daemon.dir}/run", 0o775)
    errors, _ = check(daemon)
    assert errors == [
        f"DIR/vmconsoled.conf:{line_of(daemon, 'state_dir')}: state_dir DIR/state: others may "
        "write to it (mode 0777): chmod go-w DIR/state",
        f"DIR/vmconsoled.conf:{line_of(daemon, 'run_dir')}: run_dir DIR/run: others may write to "
        "it (mode 0775): chmod go-w DIR/run"]
    os.chmod(f"{daemon.dir}/state", 0o700)
    os.chmod(f"{daemon.dir}/run", 0o755)
    daemon.configure({"daemon": {"state_dir": f"{daemon.dir}/new/state"},
                      "ssh": {"host_keys": None}})
    assert check(daemon) == ([], []), "the start makes it"
    assert not os.path.exists(f"{daemon.dir}/new")
    daemon.configure({"daemon": {"state_dir": f"{daemon.file}/x"}})
    errors, _ = check(daemon)
    assert len(errors) == 1 and "cannot be made: Not a directory" in errors[0], errors
    if user.switch:
        # A service manager may make it; nobody else will.
        daemon.configure({"daemon": {"state_dir": "/etc/vmconsoled-test"}})
        cure = ("state_dir /etc/vmconsoled-test cannot be made: Permission denied; as root: "
                f"install -d -o {user.name} -m 0700 /etc/vmconsoled-test")
        errors, _ = check(daemon)
        assert len(errors) == 1 and errors[0].endswith(cure), errors
        errors, warnings = check(daemon, "--user", user.name)
        assert errors == [] and len(warnings) == 1, (errors, warnings)
        assert cure in warnings[0], warnings


def test_check_looks_at_host_keys(unstarted):
    daemon = unstarted()
    daemon.start()
    daemon.stop()
    path = f"{daemon.dir}/state/hostkeys/ssh_host_ed25519_key"
    os.chmod(path, 0o644)
    errors, _ = check(daemon)
    assert len(errors) == 1 and "DIR/state/hostkeys/ssh_host_ed25519_key" in errors[0], errors
    assert "0644" in errors[0], errors


def test_check_looks_at_https(unstarted, user):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        daemon = unstarted()
        daemon.configure({"https": {"listen": f"127.0.0.1:{port}", "key": f"{daemon.dir}/key",
                                    "certificate": f"{daemon.dir}/certificate"}})
        errors, _ = check(daemon)
        assert len(errors) == 1, errors
        assert errors[0].endswith("key: key of [https] DIR/key: No such file or directory: make "
                                  "it, or mend the path"), errors
        user.write(f"{daemon.dir}/key", "nonsense\n")
        user.write(f"{daemon.dir}/certificate", "nonsense\n")
        errors, warnings = check(daemon)
        assert [line.split(": ", 1)[1] for line in warnings] == [
            f"listen: cannot listen on 127.0.0.1:{port}: {TAKEN}"]
        assert len(errors) == 1 and "key: key of [https] DIR/key: " in errors[0], errors
        daemon.configure({"ssh": {"max_connections": "100"},  # the default may be too many here
                          "https": {"upstream": "https://127.0.0.1:5",
                                    "upstream_ca": f"{daemon.dir}/ca"}})
        errors, _ = check(daemon)
        assert len(errors) == 2 and errors[1].endswith("upstream: upstream_ca of [https] DIR/ca: No such file or "
                                  "directory: make it, or mend the path"), errors


def test_check_looks_at_programs_files_and_addresses(unstarted, user):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        daemon = unstarted({"ssh": {"listen": f"127.0.0.1:{port}"},
                            "auth": {"key_command": "/nonexistent/keys --version={version}",
                                     "console_command": "/etc/passwd x"},
                            "console": {"on_panic": "/tmp"}})
        errors, warnings = check(daemon)
        assert errors == []
        not_run = (f"user {user.name} may not use /etc/passwd, which belongs to user root: chmod "
                   "a+x /etc/passwd")
        assert [line.split(": ", 1)[1] for line in warnings] == [
            "key_command: /nonexistent/keys cannot be run: No such file or directory: there is no "
            "folder /nonexistent: make it, or mend the path",
            "console_command: /etc/passwd cannot be run: Permission denied: " + not_run,
            "on_panic: /tmp is not a program",
            f"listen: cannot listen on 127.0.0.1:{port}: {TAKEN}"]
    user.write(f"{daemon.dir}/keys", "#!/bin/sh\n", 0o777)
    daemon.configure({"ssh": {"listen": "192.0.2.1:22"},
                      "auth": {"key_command": f"{daemon.dir}/keys", "console_command": None},
                      "console": None,
                      "audit": {"file": "/nonexistent/audit"}})
    errors, warnings = check(daemon)
    assert warnings == []
    assert [line.split(": ", 1)[1] for line in errors] == [
        "key_command: DIR/keys is not run: others may write to it (mode 0777): chmod go-w DIR/keys",
        "file: /nonexistent/audit cannot be made: No such file or directory: there is no folder "
        "/nonexistent: make it, or mend the path",
        "listen: cannot listen on 192.0.2.1:22: no interface has this address"], errors


def test_check_asks_libvirt(unstarted, user, virt):
    missing = "qemu+unix:///session?socket=/nonexistent/libvirt-sock"
    daemon = unstarted()
    daemon.configure({"hypervisor test": {"uri": missing}})
    errors, warnings = check(daemon)
    assert errors == [] and len(warnings) == 1, (errors, warnings)
    assert f"[hypervisor test] {missing} cannot be reached now: " in warnings[0], warnings
    assert warnings[0].endswith("; no libvirt listens on /nonexistent/libvirt-sock: start it, or "
                                "mend the uri of the hypervisor"), warnings
    if not user.switch:
        return
    # One that is for a group only: as libvirt's own socket is.
    path = f"{daemon.dir}/libvirt-sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        group = next(entry for entry in grp.getgrall() if entry.gr_gid not in (0, user.gid))
        os.chown(path, 0, group.gr_gid)
        os.chmod(path, 0o770)
        daemon.configure({"hypervisor test": {"uri": f"qemu+unix:///session?socket={path}"}})
        errors, warnings = check(daemon)
        assert warnings == [] and len(errors) == 1, (errors, warnings)
        assert "Permission denied" in errors[0], errors
        assert errors[0].endswith(f"add the user to the group {group.gr_name}: usermod -aG "
                                  f"{group.gr_name} {user.name}, then start again"), errors


def test_check_as_a_user_who_is_not_there_or_not_allowed(unstarted, user):
    daemon = unstarted()
    result = daemon.check_config("--user", "no-such-user")
    assert result.status == 1, result
    assert "--user: there is no user no-such-user; make one: useradd --system" in result.errors
    if user.name != "root":
        result = daemon.check_config("--user", "root")
        assert result.status == 1 and "only root can" in result.errors, result


def test_user_belongs_to_check(programs):
    done = subprocess.run([programs.vmconsoled, "--user", "nobody"], capture_output=True,
                          text=True, check=False)
    assert done.returncode == USAGE and "--user belongs to --check" in done.stderr, done
