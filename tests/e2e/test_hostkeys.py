"""The host's public keys: what clients know before they come the first time."""

import glob
import os
import subprocess

import pytest

from lib.https import curl, make_https
from lib.proc import SLOW
from lib.session import DONE, UNAVAILABLE, USAGE, one_line_reason

HOST = "127.0.0.1"


def from_ssh_keygen(daemon, *options):
    """What OpenSSH makes of the files."""
    lines = []
    for path in glob.glob(f"{daemon.dir}/state/hostkeys/*.pub"):
        done = subprocess.run(["ssh-keygen", *options, "-f", path], capture_output=True, text=True,
                              check=True)
        lines += done.stdout.splitlines()
    return sorted(lines)


def strict_ssh(daemon, guest, known, kind):
    """OpenSSH as somebody has it who knows the host's keys: its exit status."""
    options = {"StrictHostKeyChecking": "yes", "UserKnownHostsFile": known,
               "GlobalKnownHostsFile": "/dev/null", "HostKeyAlgorithms": kind, "BatchMode": "yes",
               "IdentitiesOnly": "yes"}
    words = [f"-o{name}={value}" for name, value in options.items()]
    return subprocess.run(["ssh", "-F", "none", *words, "-i", daemon.keys.ed25519, "-p",
                           str(daemon.port), "-l", guest.name, HOST, "status"],
                          capture_output=True, timeout=30 * SLOW, check=False).returncode


def test_a_client_that_has_the_lines_asks_nothing(daemon, guest, tmp_path):
    known = tmp_path / "known_hosts"
    answer = daemon.ctl("hostkeys", "--host", HOST)
    assert answer.status == DONE, answer
    kinds = "ssh-ed25519", "ecdsa-sha2-nistp256"
    known.write_bytes(b"")
    assert [strict_ssh(daemon, guest, known, kind) for kind in kinds] == [255, 255]
    known.write_bytes(answer.out)
    assert [strict_ssh(daemon, guest, known, kind) for kind in kinds] == [DONE, DONE]


def test_each_port_of_ssh_is_named_once(daemons):
    daemon = daemons()
    lines = daemon.ctl("hostkeys", "--host", "a.example").text.splitlines()
    assert [line.split()[0] for line in lines] == [f"[a.example]:{daemon.port}"] * 2
    lines = daemon.ctl("hostkeys").text.splitlines()
    assert [line.split()[0] for line in lines] == [f"[{os.uname().nodename}]:{daemon.port}"] * 2


def test_records_for_dns_are_those_of_ssh_keygen(daemon):
    records = daemon.ssh("vmconsole", "hostkeys", "--sshfp", "--host", "a.example").text.splitlines()
    wanted = [line for line in from_ssh_keygen(daemon, "-r", "a.example") if line.split()[4] == "2"]
    assert sorted(records) == wanted and len(wanted) == 2


@pytest.mark.parametrize("host", ["a,b", "*", "a b", "", "@cert-authority", "x" * 256])
def test_what_is_no_host_is_64(daemon, host):
    result = daemon.ctl("hostkeys", "--host", host)
    assert result.status == USAGE, result
    one_line_reason(result.errors, "no host's name")


def test_a_key_without_its_public_half_is_told_with_the_cure(daemons):
    daemon = daemons()
    path = f"{daemon.dir}/state/hostkeys/ssh_host_ecdsa_key"
    os.remove(f"{path}.pub")
    result = daemon.ctl("hostkeys")
    assert result.status == DONE and result.text.count("\n") == 1, result
    one_line_reason(result.errors, f"make it by ssh-keygen -y -f {path}")
    for name in os.listdir(os.path.dirname(path)):
        os.remove(f"{os.path.dirname(path)}/{name}")
    assert daemon.ctl("hostkeys").status == UNAVAILABLE


def test_they_come_over_https_to_who_has_logged_in(module_daemons, user, pki, virt):
    https = make_https(module_daemons, user, pki, virt)
    for path, words in (("/ssh/known_hosts", []), ("/ssh/sshfp", ["--sshfp"])):
        body, _, code = curl(https, f"{path}?host={HOST}").stdout.rpartition(b"\n")
        assert code == b"200" and body
        assert body == https.ctl("hostkeys", *words, "--host", HOST).out
        assert curl(https, path, who=None).stdout.endswith(b"401")
    assert curl(https, "/ssh/known_hosts?host=*").stdout.endswith(b"400")
