"""The control socket: anybody on the host may write anything to it, and is who the kernel says."""

import base64
import os
import subprocess

import pytest

from lib import local_caller as local
from lib.session import DENIED, DONE

ROOT = os.getuid() == 0


@pytest.fixture(scope="module")
def daemon(module_daemons):
    """Every key may do everything; of local users, nobody may look at one guest."""
    return module_daemons({
        "access all": {"allow": "view, type, force, control, log, admin"},
        "auth": {"penalty": "0"}})


@pytest.fixture(scope="module")
def shared(module_guests):
    return module_guests("local-1")


def blob(keys, path):
    return base64.b64decode(keys.line(path).split()[1])


@pytest.mark.parametrize("method", [name for name in local.METHODS if name != "PEER"])
def test_local_user_with_an_admins_public_key_is_nobody(daemon, keys, method):
    """Public keys are public. No word of a local program stands for a signature or a password."""
    answers = local.call(daemon, local.auth(method, proof=blob(keys, keys.ed25519)),
                         local.run("reload"))
    assert answers == ["closed", {"end": "closed"}]
    assert daemon.wait_audit("does not belong there", event="login-refused", source="local")


def test_local_user_with_an_admins_certificate_is_nobody(daemons, keys, tmp_path):
    authority = keys.make("local-ca", ["-t", "ed25519"])
    key = keys.make("certified", ["-t", "ed25519"])
    subprocess.run(["ssh-keygen", "-q", "-s", authority, "-I", "boss", "-n", "boss", f"{key}.pub"],
                   check=True)
    daemon = daemons({"access all": {"who": "principal:boss", "allow": "view, admin"}},
                     authorized=[f"cert-authority {keys.line(authority)}"])
    with open(f"{key}-cert.pub", encoding="ascii") as file:
        certificate = base64.b64decode(file.read().split()[1])
    for method in ("PROBE", "PUBLICKEY"):
        answers = local.call(daemon, local.auth(method, proof=certificate), local.run("audit"))
        assert answers == ["closed", {"end": "closed"}]


@pytest.mark.skipif(not ROOT, reason="needs root, to call as somebody else")
def test_local_user_is_who_the_kernel_says(daemons, shared):
    refused = daemons()
    verdict, result = local.call(refused, local.auth("PEER"), local.run("list"))
    assert verdict == "denied" and result["end"] == "closed"
    record = refused.wait_audit(event="login-refused", method="peer")
    assert record["identity"] == "user:nobody", record
    daemon = daemons({"access locals": {"who": "user:nobody", "vms": shared.name,
                                        "allow": "view"}})
    accepted, listed, denied = local.call(daemon, local.auth("PEER"), local.run("list"),
                                          local.run("reload"))
    assert accepted == "accepted" and listed["status"] == DONE, (accepted, listed)
    assert shared.name in listed["out"]
    assert denied["status"] == DENIED, denied


@pytest.mark.skipif(not ROOT, reason="needs root, to call as somebody else")
def test_local_line_ends_with_its_one_refusal(daemon):
    assert local.call(daemon, local.auth("PEER"), local.wait(10)) == ["denied", "closed"]


def test_local_user_cannot_say_who_he_is_in_the_message(daemon):
    assert local.call(daemon, local.auth("PEER", proof=b"root")) == ["closed"]


def test_silent_local_line_ends_with_the_grace_time(daemons):
    daemon = daemons({"ssh": {"login_grace": "1s"}})
    assert local.call(daemon, local.wait(20), local.wait(20)) == ["BYE", "closed"]


@pytest.fixture(scope="module")
def open_to_locals(module_daemons):
    return module_daemons({"access locals": {"who": "user:*", "vms": "*", "allow": "view"}})


@pytest.mark.parametrize("kind", [
    "file", "pipe", "tcp", "stream", "datagram", "epoll", "itself"])
def test_descriptor_that_is_no_channel_harms_nobody(open_to_locals, shared, kind):
    daemon = open_to_locals
    before = daemon.settled()
    accepted, _, listed = local.call(daemon, local.auth("PEER"), local.give(kind),
                                     local.run("list"))
    assert accepted == "accepted" and listed["status"] == DONE, (accepted, listed)
    assert shared.name in listed["out"]
    daemon.falls_back_to(before)
