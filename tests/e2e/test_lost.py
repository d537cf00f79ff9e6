"""Logins that libssh drops without a word: the client gets its answer, the log the cause."""

import re
import shutil
import struct
import subprocess
import time

import paramiko
import pytest

from lib import clients
from lib.proc import SLOW
from lib.session import DONE

QUICK = 8  # seconds, where it was the whole grace time of 60


@pytest.fixture(scope="module")
def shared(module_guests):
    return module_guests("lost-web-1")


class Old(paramiko.Transport):
    """Does not hear which signatures the server would take."""

    server_extensions = property(lambda self: {}, lambda self, extensions: None)


@pytest.fixture
def transport(daemon):
    """paramiko, with the key exchange done."""
    transport = Old((clients.HOST, daemon.port))
    transport.start_client(timeout=20 * SLOW)
    transport.auth_timeout = 20 * SLOW
    yield transport
    transport.close()


def ask_none(transport, login):
    """What most clients begin with; paramiko does not."""
    with pytest.raises(paramiko.BadAuthenticationType):
        transport.auth_none(login)


def sha1(transport):
    """As clients do that know nothing newer."""
    transport.disabled_algorithms = {"pubkeys": ["rsa-sha2-256", "rsa-sha2-512"]}


def test_sha1_signature_is_refused_at_once_and_the_connection_lives_on(
        daemon, shared, keys, transport):
    ask_none(transport, shared.name)
    sha1(transport)
    rsa = paramiko.RSAKey.from_private_key_file(keys.rsa)
    begun = time.monotonic()
    with pytest.raises(paramiko.AuthenticationException):
        transport.auth_publickey(shared.name, rsa)
    assert time.monotonic() - begun < QUICK * SLOW
    record = daemon.wait_audit("signatures by ssh-rsa are not accepted", event="login-refused",
                               login=shared.name)
    assert "rsa-sha2-512" in record["reason"]
    transport.auth_publickey(shared.name, paramiko.Ed25519Key.from_private_key_file(keys.ed25519))
    assert transport.is_authenticated()


def test_client_that_offers_nothing_before_is_ended_with_the_reason(
        daemon, shared, keys, transport):
    sha1(transport)
    rsa = paramiko.RSAKey.from_private_key_file(keys.rsa)
    begun = time.monotonic()
    with pytest.raises((paramiko.SSHException, EOFError)):
        transport.auth_publickey(shared.name, rsa)
    assert time.monotonic() - begun < QUICK * SLOW
    daemon.wait_log("connection ended: signatures by ssh-rsa are not accepted")


def libssh2_version():
    found = re.search(r"libssh2/(\d+)\.(\d+)", subprocess.run(
        ["curl", "-V"], capture_output=True, text=True, check=True).stdout)
    return tuple(map(int, found.groups())) if found else None


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_curl_on_libssh2_is_answered_at_once(daemon, shared, keys):
    """Up to 1.10 it signs with SHA-1; since 1.11 it does not, and is in."""
    version = libssh2_version()
    if version is None:
        pytest.skip("this curl has no libssh2")
    pem = f"{keys.dir}/rsa-pem"
    shutil.copy(keys.rsa, pem)
    shutil.copy(f"{keys.rsa}.pub", f"{pem}.pub")
    subprocess.run(["ssh-keygen", "-q", "-p", "-m", "PEM", "-P", "", "-N", "", "-f", pem],
                   check=True)
    begun = time.monotonic()
    done = subprocess.run(
        ["curl", "-sS", "-k", "--max-time", "50", "-u", f"{shared.name}:", "--key", pem,
         "--pubkey", f"{pem}.pub", f"sftp://{clients.HOST}:{daemon.port}/"],
        capture_output=True, check=False, timeout=60 * SLOW)
    assert done.returncode != 28, "it waited for an answer that did not come"
    assert time.monotonic() - begun < QUICK * SLOW
    if version < (1, 11):
        assert done.returncode == 67, done  # login denied
        daemon.wait_log(f"login as {shared.name} from 127.0.0.1 refused: signatures by ssh-rsa")


class Liar(paramiko.PKey):
    """A public key, and whatever signature."""

    def __init__(self, name, blob, signature):
        super().__init__()
        self.name, self.blob, self.signature = name, blob, signature
        self.public_blob = None

    def get_name(self):
        return self.name

    def asbytes(self):
        return self.blob

    def sign_ssh_data(self, data, algorithm=None):
        message = paramiko.Message()
        message.add_string(self.name)
        message.add_string(self.signature)
        return message


def test_wrong_signature_is_refused_at_once_and_counts_as_a_guess(
        daemon, shared, keys, transport):
    ask_none(transport, shared.name)
    good = paramiko.Ed25519Key.from_private_key_file(keys.ed25519)
    bad = paramiko.Ed25519Key.from_private_key_file(keys.stranger)
    good.sign_ssh_data = bad.sign_ssh_data
    assert "failures" not in daemon.ctl("sources").text
    begun = time.monotonic()
    with pytest.raises(paramiko.AuthenticationException):
        transport.auth_publickey(shared.name, good)
    assert time.monotonic() - begun < QUICK * SLOW
    daemon.wait_audit("the signature is wrong", event="login-refused", login=shared.name,
                      method="publickey")
    assert re.search(r"^127\.0\.0\.1 +1 failures", daemon.ctl("sources").text, re.M)
    assert daemon.ctl("sources", "--clear", "127.0.0.1").status == DONE


def ed448_blob():
    name = b"ssh-ed448"
    return struct.pack(">I", len(name)) + name + struct.pack(">I", 57) + b"\1" * 57


def test_key_of_an_unknown_type_is_refused_at_once_and_counts_for_nothing(
        daemon, shared, keys, transport):
    """As PuTTY offers Ed448 keys."""
    ask_none(transport, shared.name)
    begun = time.monotonic()
    with pytest.raises(paramiko.AuthenticationException):
        transport.auth_publickey(shared.name, Liar("ssh-ed448", ed448_blob(), b"\1" * 114))
    assert time.monotonic() - begun < QUICK * SLOW
    daemon.wait_audit("keys of its type are not known here", event="login-refused",
                      login=shared.name)
    assert "failures" not in daemon.ctl("sources").text
    transport.auth_publickey(shared.name, paramiko.Ed25519Key.from_private_key_file(keys.ed25519))
    assert transport.is_authenticated()


def test_plink_goes_on_to_its_right_key_after_an_ed448_key(daemon, shared):
    """Only what is told about it: PuTTY takes one key from a file."""
    key = f"{daemon.keys.dir}/ed448.ppk"
    subprocess.run(["puttygen", "-q", "-t", "ed448", "-o", key, "--new-passphrase", "/dev/null",
                    "--random-device", "/dev/urandom"], check=True)
    begun = time.monotonic()
    done = subprocess.run(
        ["plink", "-ssh", "-batch", "-no-antispoof", "-noagent", "-P", str(daemon.port), "-i", key,
         "-hostkey", clients.host_key_fingerprint(daemon), f"{shared.name}@{clients.HOST}",
         "status"], capture_output=True, stdin=subprocess.DEVNULL, check=False,
        timeout=70 * SLOW, env=clients.home(daemon))
    assert time.monotonic() - begun < 2 * QUICK * SLOW
    assert done.returncode == 1 and b"refused our key" in done.stderr.lower(), done


def test_method_that_is_not_offered_is_recorded(daemon, shared, transport):
    ask_none(transport, shared.name)
    with pytest.raises(paramiko.BadAuthenticationType):
        transport.auth_interactive(shared.name, lambda *_: ["guess"])
    daemon.wait_audit("tickets are not in use", event="login-refused", login=shared.name)
