"""OpenSSH user certificates: the same client and certificates at vmconsoled and at sshd."""

import os
import shutil
import socket
import subprocess
import time

import pytest

from lib.clients import HOST, ssh_argv
from lib.daemon import free_port
from lib.proc import SLOW, wait_until
from lib.session import BROKEN, DENIED, DONE, ask, leave

SSHD = "/usr/sbin/sshd"
THERE = "127.0.0.2"
RSA_2048 = "RSA below 2048 bits is refused here"

# signer, subject's key, what ssh-keygen is told, from where, what makes the list of the revoked,
# why the answers differ
CASES = {
    "ed25519 by ed25519": ("ed25519", "ed25519", "-n web"),
    "ecdsa by ed25519": ("ed25519", "ecdsa", "-n web"),
    "rsa by ed25519": ("ed25519", "rsa", "-n web"),
    "ed25519 by ecdsa": ("ecdsa", "ed25519", "-n web"),
    "ed25519 by rsa": ("rsa", "ed25519", "-n web"),
    "rsa by rsa with sha256": ("rsa", "rsa", "-t rsa-sha2-256 -n web"),
    "signed with sha1": ("rsa", "ed25519", "-t ssh-rsa -n web"),
    "by a stranger": ("evil", "ed25519", "-n web"),
    "rsa of 1024 bits": ("ed25519", "rsa1024", "-n web", HOST, None, RSA_2048),
    "by rsa of 1024 bits": ("rsa1024", "ed25519", "-n web", HOST, None, RSA_2048),
    "host certificate": ("ed25519", "ed25519", "-h -n web"),
    "valid for ever": ("ed25519", "ed25519", "-n web -V always:forever"),
    "valid now": ("ed25519", "ed25519", "-n web -V -1h:+1h"),
    "expired": ("ed25519", "ed25519", "-n web -V -2h:-1h"),
    "not yet valid": ("ed25519", "ed25519", "-n web -V +1h:+2h"),
    "no principal": ("ed25519", "ed25519", ""),
    "another principal": ("ed25519", "ed25519", "-n other"),
    "one of several principals": ("ed25519", "ed25519", "-n a,b,web"),
    "source-address fits": ("ed25519", "ed25519", "-n web -O source-address=127.0.0.1"),
    "source-address does not fit": ("ed25519", "ed25519", "-n web -O source-address=127.0.0.1",
                                    THERE),
    "source-address block": ("ed25519", "ed25519", "-n web -O source-address=127.0.0.0/8", THERE),
    "source-address list": ("ed25519", "ed25519", "-n web -O source-address=10.0.0.0/8,127.0.0.2",
                            THERE),
    "force-command": ("ed25519", "ed25519", "-n web -O force-command=list"),
    "force-command that is no verb": (
        "ed25519", "ed25519", "-n web -O force-command=/bin/true", HOST, None,
        "only verbs can be commands here"),
    "unknown critical option": ("ed25519", "ed25519", "-n web -O critical:x@example.com=y"),
    "unknown extension": ("ed25519", "ed25519", "-n web -O extension:x@example.com=y"),
    "no-pty": ("ed25519", "ed25519", "-n web -O no-pty"),
    "no extension at all": ("ed25519", "ed25519", "-n web -O clear"),
    "revoked by serial": ("ed25519", "ed25519", "-n web -z 5", HOST,
                          "echo 'serial: 5' | ssh-keygen -q -k -f revoked -s ca_ed25519.pub -"),
    "another serial revoked": ("ed25519", "ed25519", "-n web -z 5", HOST,
                               "echo 'serial: 6-70' | "
                               "ssh-keygen -q -k -f revoked -s ca_ed25519.pub -"),
    "revoked by id": ("ed25519", "ed25519", "-n web -z 5", HOST,
                      "echo 'id: somebody' | ssh-keygen -q -k -f revoked -s ca_ed25519.pub -"),
    "revoked key": ("ed25519", "ed25519", "-n web", HOST,
                    "ssh-keygen -q -k -f revoked key_ed25519.pub"),
    "authority revoked in a plain list": ("ed25519", "ed25519", "-n web", HOST,
                                          "cp ca_ed25519.pub revoked"),
}


@pytest.fixture(scope="module")
def shared(module_guests):
    return module_guests("cert-1")


class Authorities:
    """Keys and authorities in one folder, and the two servers that trust them."""

    TYPES = {"ed25519": ["-t", "ed25519"], "ecdsa": ["-t", "ecdsa"],
             "rsa": ["-t", "rsa", "-b", "3072"], "rsa1024": ["-t", "rsa", "-b", "1024"],
             "evil": ["-t", "ed25519"]}

    def __init__(self, folder):
        self.dir = folder
        for name, options in self.TYPES.items():
            for file in ([f"ca_{name}"] if name == "evil" else [f"ca_{name}", f"key_{name}"]):
                subprocess.run(["ssh-keygen", "-q", "-N", "", "-C", "", "-f", f"{folder}/{file}",
                                *options], check=True)
        with open(self.path("cas"), "w", encoding="ascii") as out:
            for name in self.TYPES:
                if name != "evil":
                    with open(self.path(f"ca_{name}.pub"), encoding="ascii") as file:
                        out.write(file.read())

    def path(self, name):
        return f"{self.dir}/{name}"

    def sign(self, ca, key, options):
        """Returns the key beside which its certificate lies."""
        subprocess.run(["ssh-keygen", "-q", "-s", self.path(f"ca_{ca}"), "-I", "somebody",
                        *options.split(), self.path(f"key_{key}.pub")], check=True)
        return self.path(f"key_{key}")

    def revoke(self, command):
        if os.path.exists(self.path("revoked")):
            os.unlink(self.path("revoked"))
        subprocess.run(["sh", "-c", command or "ssh-keygen -q -k -f revoked"], cwd=self.dir,
                       check=True)


class Sshd:
    """OpenSSH's, as root, with files of its own. Lets in root with principal web."""

    def __init__(self, authorities):
        folder = authorities.dir
        self.port = free_port()
        self.keys = None
        subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", "ed25519", "-f", f"{folder}/host"],
                       check=True)
        with open(f"{folder}/principals", "w", encoding="ascii") as out:
            out.write("web\n")
        with open(f"{folder}/sshd_config", "w", encoding="ascii") as out:
            out.write(f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\n"
                      f"TrustedUserCAKeys {folder}/cas\nAuthorizedPrincipalsFile "
                      f"{folder}/principals\nRevokedKeys {folder}/revoked\n"
                      "AuthorizedKeysFile none\nPermitRootLogin yes\nStrictModes no\n"
                      "PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\n"
                      f"PidFile none\nRequiredRSASize 1024\nForceCommand /bin/true\n")
        # Since OpenSSH 9.8 refusals hold off the next ones. The option is new as well.
        if subprocess.run([SSHD, "-G", "-f", f"{folder}/sshd_config", "-o", "PerSourcePenalties=no"],
                          capture_output=True, check=False).returncode == 0:
            with open(f"{folder}/sshd_config", "a", encoding="ascii") as out:
                out.write("PerSourcePenalties no\n")
        self.process = subprocess.Popen(
            ["unshare", "-m", "--propagation", "private", "sh", "-c",
             "mount -t tmpfs none /run && mkdir -m 755 /run/sshd && "
             f"exec {SSHD} -D -e -f {folder}/sshd_config"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(f"{folder}/sshd.log", "wb"))
        wait_until(self._answers, 10, "sshd answers")

    def _answers(self):
        assert self.process.poll() is None, "sshd does not run here"
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == 0

    def stop(self):
        self.process.terminate()
        self.process.wait()


@pytest.fixture(scope="module")
def authorities(tmp_path_factory):
    return Authorities(str(tmp_path_factory.mktemp("authorities")))


@pytest.fixture(scope="module")
def sshd(authorities):
    if os.getuid() != 0 or not os.path.exists(SSHD):
        pytest.skip("needs root and sshd")
    authorities.revoke(None)
    server = Sshd(authorities)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def ours(module_daemons, authorities, user):
    daemon = module_daemons({"access all": {"who": "principal:web", "vms": "*",
                                            "allow": "view, type"}})
    daemon.configure({"auth": {"authorized_keys": None, "ssh_user_ca": f"{daemon.dir}/cas",
                               "revoked_keys": f"{daemon.dir}/revoked"}})
    daemon.stop()  # penalties need a restart
    daemon.configure({"auth": {"penalty": "0", "penalty_refuse": "0"}})
    daemon.user.write(f"{daemon.dir}/revoked", "")
    daemon.start()
    authorities.revoke(None)
    take(daemon, authorities)
    return daemon


def take(daemon, authorities):
    """Gives the daemon the files as they are now."""
    for name in ("cas", "revoked"):
        shutil.copy(authorities.path(name), f"{daemon.dir}/{name}")
        daemon.user.own(f"{daemon.dir}/{name}", 0o600)
    assert daemon.ctl("reload").status == DONE, daemon.log_tail(5)


def try_login(server, login, command, key, source):
    options = ["-b", source, "-o", "RequiredRSASize=1024", "-o",
               "CASignatureAlgorithms=+ssh-rsa", "-o", f"CertificateFile={key}-cert.pub"]
    done = subprocess.run(ssh_argv(server, login, command, key=key, options=options),
                          stdin=subprocess.DEVNULL, capture_output=True, check=False,
                          timeout=30 * SLOW)
    return done.returncode == DONE


@pytest.mark.parametrize("name", CASES)
def test_same_answer_as_sshd(ours, sshd, shared, authorities, name):
    ca, key, options, source, revoke, why = (*CASES[name], *(HOST, None, None)[
        len(CASES[name]) - 3:])
    path = authorities.sign(ca, key, options)
    authorities.revoke(revoke)
    take(ours, authorities)
    theirs = try_login(sshd, "root", "true", path, source)
    ourselves = try_login(ours, shared.name, "status", path, source)
    if why:
        assert theirs and not ourselves, (why, theirs, ourselves)
    else:
        assert ourselves == theirs, (ourselves, theirs, ours.log_tail(8))
    if not ourselves:
        assert ours.wait_audit(event="login-refused")["reason"]


def good(ours, authorities, options):
    path = authorities.sign("ed25519", "ed25519", options)
    authorities.revoke(None)
    take(ours, authorities)
    return path


def test_forced_command_is_the_only_one(ours, shared, authorities):
    key = good(ours, authorities, "-n web -O force-command=list")
    for command in ([], ["status"], ["attach", "--read-only"]):
        result = ours.ssh(shared.name, *command, key=key)
        assert result.status == DONE and shared.name in result.text.split(), (command, result)
    key = good(ours, authorities, "-n web")
    assert ours.ssh(shared.name, "status", key=key).status == DONE


def test_terminal_only_with_permit_pty(ours, shared, authorities):
    key = good(ours, authorities, "-n web")
    with ours.terminal(shared.name, key=key) as session:
        session.expect("serial0")
        ask(session)
        leave(session)
    key = good(ours, authorities, "-n web -O no-pty")
    with ours.terminal(shared.name, key=key) as session:
        session.expect("PTY allocation request failed")


def test_principals_are_what_rules_match(daemons, shared, authorities):
    daemon = daemons({"access all": {"who": "principal:db", "vms": "*", "allow": "view"}})
    daemon.configure({"auth": {"ssh_user_ca": f"{daemon.dir}/cas"}})
    authorities.revoke(None)
    take(daemon, authorities)
    key = authorities.sign("ed25519", "ed25519", "-n web,db")
    assert daemon.ssh(shared.name, "status", key=key).status == DONE
    key = authorities.sign("ed25519", "ed25519", "-n web")
    assert daemon.ssh(shared.name, "status", key=key).status == BROKEN


def test_certificate_and_its_session_end_at_its_second(ours, shared, authorities):
    ends = int(time.time()) + 6
    stamp = time.strftime("%Y%m%d%H%M%S", time.localtime(ends))
    key = good(ours, authorities, f"-n web -V -1h:{stamp}")
    with ours.terminal(shared.name, key=key) as session:
        session.expect("serial0")
        ask(session)
        session.expect("no longer accepted", 20)
        assert time.time() >= ends
        assert session.wait(10) == DENIED
        assert ours.ssh(shared.name, "status", key=key).status == BROKEN
        ours.wait_audit("expired", event="login-refused", login=shared.name)
        ours.wait_audit("expired", event="login-ended", login=shared.name)


def test_unusable_revocation_list_keeps_the_old_state(ours, shared, authorities):
    key = good(ours, authorities, "-n web")
    ours.user.write(f"{ours.dir}/revoked", "nonsense\n")
    result = ours.ctl("reload")
    assert result.status != DONE and "revoked_keys" in result.errors, result
    assert ours.ssh(shared.name, "status", key=key).status == DONE
    take(ours, authorities)


# authorized_keys, watched


def test_command_of_a_key_is_the_only_one(daemons, shared, keys):
    daemon = daemons(authorized=[f'command="status" {keys.line(keys.ed25519)}'])
    for command in ([], ["list"], ["attach", "--no-wait"]):
        result = daemon.ssh(shared.name, *command)
        assert result.status == DONE and "running" in result.text, (command, result)


def test_key_with_access_sees_only_that_section(daemons, shared, keys, module_guests):
    other = module_guests("cert-2")
    daemon = daemons({"access ones": {"who": "access:ones", "vms": shared.name, "allow": "view"}},
                     authorized=[f'access="ones" {keys.line(keys.ed25519)}'])
    assert daemon.ssh(shared.name, "status").status == DONE
    assert daemon.ssh(other.name, "status").status == 66
    assert daemon.ssh(shared.name, "attach", stdin=b"x\n").status == DENIED


def test_changes_of_authorized_keys_are_seen_without_a_reload(daemons, shared, keys):
    daemon = daemons(authorized=[])
    assert daemon.ssh(shared.name, "status").status == BROKEN
    daemon.authorize(keys.all_lines())
    wait_until(lambda: daemon.ssh(shared.name, "status").status == DONE, 5, "the key is known")
    daemon.user.write(daemon.authorized_keys + ".new", "# nobody\n")
    os.rename(daemon.authorized_keys + ".new", daemon.authorized_keys)
    wait_until(lambda: daemon.ssh(shared.name, "status").status == BROKEN, 5, "it has gone")


def test_key_taken_away_ends_its_sessions_at_reload(daemons, guest, keys):
    daemon = daemons()
    with daemon.terminal(guest.name) as session:
        session.expect("serial0")
        daemon.authorize([keys.line(keys.other)])
        assert daemon.ctl("reload").status == DONE
        session.expect("no longer accepted")
        assert session.wait(10) == DENIED
    assert daemon.wait_audit(event="session-end")["status"] == DENIED


def test_lost_rights_count_at_once(daemons, guest):
    daemon = daemons()
    with daemon.terminal(guest.name) as session:
        session.expect("serial0")
        ask(session)
        daemon.configure({"access all": {"allow": "view"}})
        assert daemon.ctl("reload").status == DONE
        session.expect("the right to type was withdrawn")
        daemon.configure({"access all": {"allow": "log"}})
        assert daemon.ctl("reload").status == DONE
        session.expect("the right to view VM .* was withdrawn")
        assert session.wait(10) == DENIED
    record = daemon.wait_audit(event="session-end")
    assert record["status"] == DENIED and "withdrawn" in record["reason"], record
