"""Who gets in, and what the rules then allow."""

import os
import re
import subprocess
import time

import pytest

from lib import clients
from lib.proc import SLOW
from lib.session import BROKEN, DENIED, DONE, NO_SUCH, ask, leave


@pytest.fixture(scope="module")
def shared(module_guests):
    return module_guests("auth-web-1")


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_plain_key_types_log_in(daemon, shared, keys, kind):
    assert daemon.ssh(shared.name, "status", key=getattr(keys, kind)).status == DONE


@pytest.mark.parametrize("bits", [384, 521])
def test_larger_ecdsa_keys_log_in(daemons, shared, keys, bits):
    key = keys.make(f"ecdsa{bits}", ["-t", "ecdsa", "-b", str(bits)])
    daemon = daemons(authorized=[keys.line(key)])
    assert daemon.ssh(shared.name, "status", key=key).status == DONE


def test_unknown_key_is_refused(daemon, shared, keys):
    result = daemon.ssh(shared.name, "status", key=keys.stranger,
                        options=["-o", "LogLevel=INFO"])
    assert result.status == BROKEN and "Permission denied" in result.errors, result
    assert "publickey" in result.errors and "password" not in result.errors, result


def test_refused_login_is_logged_at_the_usual_level(daemons, shared, keys):
    daemon = daemons({"daemon": {"log_level": "info"}})
    assert daemon.ssh(shared.name, "status", key=keys.stranger).status == BROKEN
    mark = re.escape(keys.fingerprint(keys.stranger))
    daemon.wait_log(f"login as {shared.name} from 127.0.0.1 refused: the key is not known; "
                    f"key {mark}; to let it in, add the public key to {daemon.authorized_keys}\n")


def test_local_user_without_a_section_is_told_the_way_in(daemons, shared, user):
    if not user.switch:
        pytest.skip("needs a second uid")
    stranger = type("Stranger", (), {"argv": staticmethod(lambda argv: [
        "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--", *argv])})
    daemon = daemons()
    result = daemon.ctl("list", as_user=stranger)
    assert result.status == DENIED, result
    assert ("user:nobody: no [access] section is for it: call it as root, or add this to who of "
            "one") in result.errors, result
    daemon.wait_log(r"add user:nobody to who of an \[access\] section in "
                    f"{daemon.file}\n")


def test_public_key_without_its_private_half_is_refused(daemon, shared, keys, tmp_path):
    """A signature by another key does not pass for the one that is authorized."""
    import paramiko
    good = paramiko.Ed25519Key.from_private_key_file(keys.ed25519)
    bad = paramiko.Ed25519Key.from_private_key_file(keys.stranger)
    good.sign_ssh_data = bad.sign_ssh_data
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    with pytest.raises((paramiko.SSHException, EOFError)):
        client.connect(clients.HOST, daemon.port, shared.name, pkey=good, look_for_keys=False,
                       allow_agent=False, auth_timeout=10 * SLOW)
    client.close()
    assert daemon.ssh(shared.name, "status").status == DONE


def agent(keys, count):
    """ssh options for so many keys of nobody, offered before the right one."""
    wrong = [keys.make(f"nobody{number}", ["-t", "ed25519"]) for number in range(count)]
    return [word for path in wrong[1:] for word in ("-i", path)], wrong[0]


def test_eighth_key_of_an_agent_may_be_the_right_one(daemon, shared, keys):
    options, first = agent(keys, 7)
    result = daemon.ssh(shared.name, "status", key=first, options=[*options, "-i", keys.ed25519])
    assert result.status == DONE, (result, daemon.log_tail(12))


def test_keys_that_were_only_offered_shut_nobody_out(daemons, shared, keys):
    daemon = daemons({"auth": {"penalty": "5s", "penalty_refuse": "2"}})
    options, first = agent(keys, 7)
    for _ in range(4):
        assert daemon.ssh(shared.name, "status", key=first, options=options).status == BROKEN
    begun = time.monotonic()
    assert daemon.ssh(shared.name, "status").status == DONE
    assert time.monotonic() - begun < 5 * SLOW


@pytest.mark.parametrize("method", ["password", "keyboard-interactive", "none"])
def test_other_methods_are_not_offered(daemon, shared, method):
    result = subprocess.run(
        clients.ssh_argv(daemon, shared.name, "status",
                         options=["-o", f"PreferredAuthentications={method}", "-o",
                                  "PubkeyAuthentication=no", "-o", "BatchMode=no"]),
        stdin=subprocess.DEVNULL, capture_output=True, start_new_session=True,
        timeout=20 * SLOW, check=False)
    assert result.returncode == BROKEN, result


def test_sha1_signatures_are_refused(daemon, shared, keys):
    result = daemon.ssh(shared.name, "status", key=keys.rsa,
                        options=["-o", "PubkeyAcceptedAlgorithms=ssh-rsa"])
    assert result.status == BROKEN, result


def test_short_rsa_keys_are_refused(daemons, shared, keys):
    short = keys.make("rsa1024", ["-t", "rsa", "-b", "1024"])
    daemon = daemons(authorized=[keys.line(short), keys.line(keys.ed25519)])
    result = daemon.ssh(shared.name, "status", key=short, options=["-o", "RequiredRSASize=1024"])
    assert result.status == BROKEN, result
    assert daemon.ssh(shared.name, "status").status == DONE


@pytest.mark.parametrize("algorithms", [
    ["KexAlgorithms=diffie-hellman-group14-sha256"], ["Ciphers=aes128-cbc"],
    ["Ciphers=aes256-ctr", "MACs=hmac-sha1"], ["HostKeyAlgorithms=ssh-rsa"]],
    ids=lambda algorithms: algorithms[-1])
def test_old_algorithms_are_refused(daemon, shared, algorithms):
    result = daemon.ssh(shared.name, "status",
                        options=[word for item in algorithms for word in ("-o", item)])
    assert result.status == BROKEN, result


@pytest.mark.parametrize("algorithms", [
    "KexAlgorithms=curve25519-sha256", "KexAlgorithms=ecdh-sha2-nistp256",
    "Ciphers=aes128-gcm@openssh.com", "Ciphers=chacha20-poly1305@openssh.com",
    "Ciphers=aes256-ctr", "HostKeyAlgorithms=ssh-ed25519",
    "HostKeyAlgorithms=ecdsa-sha2-nistp256"])
def test_modern_algorithms_are_offered(daemon, shared, algorithms):
    assert daemon.ssh(shared.name, "status", options=["-o", algorithms]).status == DONE


def test_compression_is_not_offered(daemon, shared):
    result = daemon.ssh(shared.name, "status", options=["-C", "-v", "-o", "LogLevel=DEBUG1"])
    assert result.status == DONE
    assert "compression: none" in result.errors and "compression: zlib" not in result.errors


def test_strict_key_exchange_is_offered(daemon):
    with daemon.raw() as connection:
        connection.sendall(b"SSH-2.0-test\r\n")
        received = b""
        while b"kex-strict-s-v00@openssh.com" not in received:
            more = connection.recv(4096)
            assert more, received
            received += more


# authorized_keys


def test_comments_blank_lines_and_strange_ones_harm_nobody(daemons, shared, keys):
    daemon = daemons(authorized=[
        "# people", "", "   ", "ssh-ed25519 not-base64 nobody", "nonsense", "ssh-dss AAAA old",
        "sk-ssh-ed25519@openssh.com AAAA broken", "x" * 20000,
        keys.line(keys.ed25519) + " with a long comment, \"quotes\" and # signs"])
    assert daemon.ssh(shared.name, "status").status == DONE


@pytest.mark.parametrize("options, may_log_in, may_pty", [
    ("restrict", True, False), ("restrict,pty", True, True), ("no-pty", True, False),
    ("pty", True, True), ('command="id"', False, False), ('from="10.0.0.0/8"', False, False),
    ('from="127.0.0.0/8"', True, True), ("no-pty,frobnicate", False, False), ("cert-authority", False, False),
    ('environment="A=B"', False, False)])
def test_options_of_a_key(daemons, shared, keys, options, may_log_in, may_pty):
    daemon = daemons(authorized=[f"{options} {keys.line(keys.ed25519)}"])
    result = daemon.ssh(shared.name, "status")
    assert result.status == (DONE if may_log_in else BROKEN), result
    if not may_log_in:
        daemon.wait_log("refuse|authorized_keys.*(frobnicate|environment)")
        return
    with daemon.terminal(shared.name) as session:
        if may_pty:
            session.expect("serial0")
            ask(session)
            leave(session)
        else:
            session.expect("PTY allocation request failed")


def test_several_files_and_patterns(daemons, shared, keys, user):
    daemon = daemons(authorized=[])
    folder = user.mkdir(f"{daemon.dir}/people")
    user.write(f"{folder}/a.pub", keys.line(keys.ecdsa) + "\n")
    user.write(f"{folder}/b.pub", keys.line(keys.other) + "\n")
    user.write(f"{folder}/c.txt", keys.line(keys.rsa) + "\n")
    daemon.configure({"auth": {"authorized_keys": f"{daemon.authorized_keys}, {folder}/*.pub"}})
    assert daemon.ctl("reload").status == DONE
    for key, status in ((keys.ecdsa, DONE), (keys.other, DONE), (keys.rsa, BROKEN)):
        assert daemon.ssh(shared.name, "status", key=key).status == status


def test_file_that_others_may_write_is_not_trusted(daemons, shared, user, keys):
    daemon = daemons(authorized=[keys.line(keys.other)])
    user.write(daemon.authorized_keys, keys.line(keys.ed25519) + "\n", mode=0o666)
    daemon.ctl("reload")
    assert daemon.ssh(shared.name, "status").status == BROKEN
    daemon.wait_log("authorized_keys")


def test_file_in_a_folder_that_others_may_write_is_not_trusted(daemons, shared, user, keys):
    daemon = daemons(authorized=[keys.line(keys.other)])
    folder = user.mkdir(f"{daemon.dir}/shared", 0o755)
    user.write(f"{folder}/keys", keys.line(keys.ed25519) + "\n")
    daemon.configure({"auth": {"authorized_keys": f"{folder}/keys"}})
    assert daemon.ctl("reload").status == DONE
    assert daemon.ssh(shared.name, "status").status == DONE
    os.chmod(folder, 0o775)
    assert daemon.ctl("reload").status == DONE
    assert daemon.ssh(shared.name, "status").status == BROKEN
    daemon.wait_log(f"keys: others may write to the folder {folder} above it.*chmod go-w")


# Lists that refuse


@pytest.mark.parametrize("key, value", [
    ("revoked_keys", "{dir}/missing/*.krl"), ("revoked_keys", "{dir}/lists/*.krl"),
    ("revoked_keys", "{dir}/shut/*.krl"), ("vdsm_crl", "{dir}/lists/*.pem"),
    ("vdsm_ca", "{dir}/lists/*.pem")])
def test_pattern_of_a_list_that_refuses_must_find_one(daemons, shared, user, keys, tmp_path, key,
                                                      value):
    """Neither a start nor --check takes it; a reload keeps what was in force and says so."""
    daemon = daemons()
    user.write(f"{daemon.dir}/revoked", keys.line(keys.other) + "\n")
    daemon.configure({"auth": {"revoked_keys": f"{daemon.dir}/revoked"}})
    assert daemon.ctl("reload").status == DONE
    user.mkdir(f"{daemon.dir}/lists")
    user.mkdir(f"{daemon.dir}/shut", 0)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=ca",
                    "-keyout", f"{tmp_path}/key", "-out", f"{tmp_path}/ca.pem"], check=True,
                   capture_output=True)
    user.write(f"{daemon.dir}/ca.pem", (tmp_path / "ca.pem").read_text())
    daemon.configure({"auth": {"vdsm_ca": f"{daemon.dir}/ca.pem",
                               key: value.format(dir=daemon.dir)}})
    since = len(daemon.log())
    result = daemon.ctl("reload")
    assert result.status != DONE and "cannot be used" in result.errors, result
    daemon.wait_log(r"\*.*no file matches", since=since)
    assert daemon.ssh(shared.name, "status").status == DONE
    assert daemon.ssh(shared.name, "status", key=keys.other).status == BROKEN
    result = daemon.check_config()
    assert result.status != 0 and "no file matches" in result.errors, result
    assert "is good" not in result.text
    daemon.stop()
    daemon.launch()
    assert daemon.wait_end() == 1


# Rules


def test_nothing_is_allowed_that_no_rule_allows(daemons, shared):
    daemon = daemons({"access all": None})
    result = daemon.ssh(shared.name, "status")
    assert result.status in (NO_SUCH, BROKEN), result
    result = daemon.ssh("vmconsole", "list")
    assert shared.name not in result.text


def test_rules_name_keys_by_fingerprint(daemons, shared, keys):
    mark = keys.fingerprint(keys.ed25519)
    daemon = daemons({"access all": {"who": f"key:{mark}"},
                      "access lookers": {"who": "key:SHA256:*", "vms": "*", "allow": "view"}})
    assert daemon.ssh(shared.name, stdin=b"say x\n").status == DONE
    assert daemon.ssh(shared.name, stdin=b"say x\n", key=keys.other).status == DENIED
    assert daemon.ssh(shared.name, key=keys.other).status == DONE


@pytest.mark.parametrize("vms, status", [
    ("auth-*", DONE), ("auth-web-?", DONE), ("db-*, auth-web-1", DONE), ("AUTH-*", NO_SUCH),
    ("auth", NO_SUCH), ("*-2", NO_SUCH), ("auth%2Dweb-1", DONE)])
def test_rules_name_guests_by_pattern(daemons, shared, vms, status):
    daemon = daemons({"access all": {"vms": vms}})
    assert daemon.ssh(shared.name, "status").status == status


def test_rules_name_guests_by_uuid(daemons, shared):
    daemon = daemons({"access all": {"vms": shared.uuid.upper()}})
    assert daemon.ssh(shared.name, "status").status == DONE
    daemon.configure({"access all": {"vms": shared.uuid[:-1] + "x"}})
    assert daemon.ctl("reload").status == DONE
    assert daemon.ssh(shared.name, "status").status == NO_SUCH


def test_secrets_and_foreign_bytes_stay_out_of_the_log(daemon, shared):
    client = clients.paramiko_connect(daemon, "evil\x1b[2Jname\nsecond line")
    client.close()
    log = daemon.log()
    assert "\x1b" not in log and "\nsecond line" not in log
    assert "PRIVATE KEY" not in log
