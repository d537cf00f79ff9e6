"""VDSM's certificates as ssh keys, and VDSM's tickets."""

import os
import pty
import select
import shutil
import subprocess
import time
from xml.etree import ElementTree

import pytest

from lib.pki import AUTHORITY, CLIENT, Pki
from lib import clients
from lib.proc import SLOW, wait_until
from lib.session import BROKEN, DONE, parse_json, word


@pytest.fixture(scope="module")
def pki(user, tmp_path_factory):
    """An engine's authority, and hosts with certificates of every fate."""
    folder = str(tmp_path_factory.mktemp("pki"))
    made = Pki(folder)
    made.authority("ca")
    made.authority("other", "/O=other/CN=other")
    made.authority("middle", "/O=engine/CN=middle", issuer="ca")
    made.authority("noca", "/O=engine/CN=noca", issuer="ca", extensions=CLIENT)
    made.make("host", "ca", "/O=engine/CN=host1.example")
    made.make("p256", "ca", "/O=engine/CN=p256.example", kind="p256")
    made.make("p384", "ca", "/O=engine/CN=p384.example", kind="p384")
    made.make("p521", "ca", "/O=engine/CN=p521.example", kind="p521")
    made.make("stranger", "other", "/O=engine/CN=host1.example")
    made.make("expired", "ca", "/O=engine/CN=expired", since=-7200, until=-3600)
    made.make("future", "ca", "/O=engine/CN=future", since=3600, until=7200)
    made.make("small", "ca", "/O=engine/CN=small", kind="rsa1024")
    made.make("revoked", "ca", "/O=engine/CN=revoked")
    made.make("below", "noca", "/O=engine/CN=below")
    made.make("usage", "ca", "/O=engine/CN=usage", CLIENT.replace(
        "digitalSignature,keyEncipherment", "keyEncipherment"))
    made.make("server", "ca", "/O=engine/CN=server", CLIENT.replace(
        "serverAuth,clientAuth", "serverAuth"))
    made.authority("isca", "/O=engine/CN=isca", issuer="ca", extensions=AUTHORITY)
    # A look-alike: the same names, another key, signed by itself.
    made.authority("fake", "/O=engine/CN=engine.example.4711")
    made.make("lookalike", "fake", "/O=engine/CN=host1.example")
    made.authority("self", "/O=engine/CN=engine.example.4711",
                   extensions="basicConstraints=CA:FALSE\n")
    made.revoke("ca", "revoked")
    for issuer in ("ca", "noca", "other"):
        made.crl(issuer)
    return made


@pytest.fixture(scope="module")
def shared(module_guests):
    return module_guests("vdsm-1")


def serve(daemons, user, pki, *names, crl=True, ca=("ca",), **rules):
    """A daemon that knows these certificates, in a folder of their own."""
    daemon = daemons({"access all": {"who": "cert:CN=*", "vms": "*", "allow": "view, type",
                                     **rules}})
    daemon.certs = user.mkdir(f"{daemon.dir}/certs", 0o755)
    for name in (*names, *ca):
        put(user, daemon, pki, name, daemon.certs if name in names else daemon.dir)
    if crl:
        copy(user, pki.path("ca.crl"), f"{daemon.dir}/ca.crl")
    daemon.configure({"auth": {
        "authorized_keys": None, "vdsm_certificates": daemon.certs,
        "vdsm_ca": ", ".join(f"{daemon.dir}/{name}.pem" for name in ca),
        "vdsm_crl": f"{daemon.dir}/ca.crl" if crl else None}})
    assert daemon.ctl("reload").status == DONE, daemon.log_tail(10)
    return daemon


def copy(user, source, target):
    shutil.copy(source, target + ".new")
    user.own(target + ".new", 0o644)
    os.rename(target + ".new", target)


def put(user, daemon, pki, name, folder=None):
    copy(user, pki.path(f"{name}.pem"), f"{folder or daemon.certs}/{name}.pem")


def refused(daemon, shared, pki, name, reason):
    result = daemon.ssh(shared.name, "status", key=pki.path(f"{name}.key"),
                        options=["-o", "RequiredRSASize=1024"])
    assert result.status == BROKEN, result
    record = daemon.wait_audit(reason, event="login-refused", login=shared.name,
                               method="publickey")
    assert record["source"] == "127.0.0.1" and record["fingerprint"].startswith("SHA256:"), record
    return record


@pytest.mark.parametrize("name", ["host", "p256", "p384", "p521"])
def test_key_of_a_certificate_logs_in(daemons, user, pki, shared, name):
    daemon = serve(daemons, user, pki, "host", "p256", "p384", "p521")
    result = daemon.ssh(shared.name, "status", key=pki.path(f"{name}.key"))
    assert result.status == DONE, (result, daemon.log_tail(10))
    record = daemon.wait_audit(event="login", login=shared.name)
    cn = "host1" if name == "host" else name
    assert record["identity"] == f"cert:CN={cn}.example,O=engine", record


def test_stand_alone_vdsm_with_one_key_for_both(daemons, user, pki, shared):
    """vdsm-gencerts.sh: authority and certificate share their key."""
    pki.authority("alone-ca", "/CN=VDSM Certificate Authority")
    pki.make("alone", "alone-ca", "/O=VDSM Certificate/CN=host.example",
             key=pki.key("alone-ca"))
    daemon = serve(daemons, user, pki, "alone", crl=False, ca=("alone-ca",))
    result = daemon.ssh(shared.name, "status", key=pki.path("alone-ca.key"))
    assert result.status == DONE, (result, daemon.log_tail(10))


@pytest.mark.parametrize("name, reason", [
    ("stranger", "unable to get local issuer|self.signed certificate"),
    ("expired", "expired"),
    ("future", "not yet valid"),
    ("revoked", "revoked"),
    ("below", "invalid CA|unable to get|not trusted|issuer"),
    ("lookalike", "unable to get local issuer|signature"),
    ("self", "self.signed|signature|issuer"),
    ("small", "RSA|too (small|short|weak)|2048|weak"),
    ("usage", "usage"), ("server", "usage"), ("isca", "not known|no login")])
def test_certificates_that_are_refused_say_why_in_the_audit(
        daemons, user, pki, shared, name, reason):
    daemon = serve(daemons, user, pki, "host", name)
    if name == "below":
        # The one without the CA flag, at hand for building the chain.
        put(user, daemon, pki, "noca")
    refused(daemon, shared, pki, name, reason)
    assert daemon.ssh(shared.name, "status", key=pki.path("host.key")).status == DONE


def test_chain_through_one_without_the_ca_flag(daemons, user, pki, shared):
    """Even where the administrator has put it among the authorities."""
    daemon = serve(daemons, user, pki, "host", "below", crl=False, ca=("ca", "noca"))
    refused(daemon, shared, pki, "below", "invalid CA|CA certificate|issuer")


def test_certificate_that_was_removed_is_refused(daemons, user, pki, shared):
    """The folder is watched: no reload, and other changes count as well."""
    daemon = serve(daemons, user, pki, "host")
    key = pki.path("host.key")
    assert daemon.ssh(shared.name, "status", key=key).status == DONE
    os.unlink(f"{daemon.certs}/host.pem")
    wait_until(lambda: daemon.ssh(shared.name, "status", key=key).status == BROKEN, 5,
               "the certificate is seen to be gone")
    refused(daemon, shared, pki, "host", "not known")
    put(user, daemon, pki, "host")
    wait_until(lambda: daemon.ssh(shared.name, "status", key=key).status == DONE, 5,
               "the certificate is seen again")


def test_certificate_ends_at_its_second(daemons, user, pki, shared):
    daemon = serve(daemons, user, pki)
    pki.make("short", "ca", "/O=engine/CN=short", until=8)
    ends = time.time() + 8  # or a little sooner
    put(user, daemon, pki, "short")
    key = pki.path("short.key")
    wait_until(lambda: daemon.ssh(shared.name, "status", key=key).status == DONE, 7,
               "the certificate is good at first")
    time.sleep(max(0, ends + 1.1 - time.time()))
    refused(daemon, shared, pki, "short", "expired")


def test_foreign_and_broken_files_are_told_once_and_harm_nobody(daemons, user, pki, shared):
    daemon = serve(daemons, user, pki, "host")
    user.write(f"{daemon.certs}/junk.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n")
    user.write(f"{daemon.certs}/notes.txt", "nothing")
    os.symlink("/nonexistent", f"{daemon.certs}/dangling.pem")
    daemon.wait_log("junk.pem")
    for number in range(3):
        user.write(f"{daemon.certs}/more{number}.pem", "none")
        daemon.wait_log(f"more{number}.pem")
    assert daemon.log().count("junk.pem") == 1, daemon.log_tail(20)
    assert daemon.ssh(shared.name, "status", key=pki.path("host.key")).status == DONE


@pytest.mark.parametrize("who, status", [
    ("cert:CN=host1.example", DONE), ("cert:O=engine", DONE), ("cert:CN=host?.example,O=*", DONE),
    ("cert:CN=host2*", BROKEN), ("cert:engine", BROKEN)])
def test_rules_match_the_subject_and_its_parts(daemons, user, pki, shared, who, status):
    daemon = serve(daemons, user, pki, "host", who=who.replace(",", "%2C"))
    assert daemon.ssh(shared.name, "status", key=pki.path("host.key")).status == status


def test_revocation_after_a_login_ends_the_session_at_reload(daemons, user, pki, shared):
    pki.make("leaver", "ca", "/O=engine/CN=leaver")
    daemon = serve(daemons, user, pki, "leaver", "host")
    key = pki.path("leaver.key")
    with daemon.terminal(shared.name, key=key) as session:
        session.expect("serial0")
        pki.revoke("ca", "leaver")
        pki.crl("ca")
        copy(user, pki.path("ca.crl"), f"{daemon.dir}/ca.crl")
        assert daemon.ctl("reload").status == DONE
        session.expect("no longer accepted")
        assert session.wait(10) == 77
    record = daemon.wait_audit(event="session-end", login=shared.name)
    assert record["status"] == 77 and "no longer accepted" in record["reason"], record


# setVmTicket


@pytest.fixture
def headed(guests, virt):
    """A guest with graphics whose password can be set, as VDSM's hosts have them."""
    made = guests(start=False)
    xml = virt.virsh("dumpxml", made.name, "--inactive")
    xml = xml.replace("</devices>", "<graphics type='vnc' port='-1' autoport='yes' passwd='x' "
                      "passwdValidTo='1970-01-01T00:00:01'/></devices>")
    virt.connection.defineXML(xml)
    return made.start()


def set_ticket(guest, password, valid_to=None):
    """What VDSM does: updateDeviceFlags on the first graphics device."""
    graphics = ElementTree.fromstring(guest.domain.XMLDesc()).find("devices/graphics")
    graphics.set("passwd", password)
    if valid_to:
        graphics.set("passwdValidTo", valid_to)
    guest.domain.updateDeviceFlags(ElementTree.tostring(graphics, encoding="unicode"))


def utc(offset):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + offset))


def vdsm_daemon(daemons, **auth):
    return daemons({"access tickets": {"who": "ticket", "vms": "*", "allow": "view, type"},
                    "auth": {"vdsm_tickets": "yes", "penalty": "0", **auth}})


def test_ticket_of_setvmticket_opens_the_console(daemons, headed):
    daemon = vdsm_daemon(daemons)
    set_ticket(headed, "sesame12", utc(60))
    assert daemon.password(headed.name, "status", "sesame12").status == DONE
    assert daemon.password(headed.uuid, "status", "sesame12").status == DONE
    assert daemon.password(headed.name, "status", "sesame13").status == BROKEN
    assert daemon.password(headed.name, "status", "").status == BROKEN
    daemon.wait_audit(event="login", identity="ticket:vdsm")


def test_ticket_of_setvmticket_expires_in_utc(daemons, headed):
    daemon = vdsm_daemon(daemons)
    set_ticket(headed, "sesame12", utc(-1))
    assert daemon.password(headed.name, "status", "sesame12").status == BROKEN
    set_ticket(headed, "sesame34", utc(60))
    assert daemon.password(headed.name, "status", "sesame34").status == DONE


def test_guest_without_graphics_has_no_ticket(daemons, shared):
    daemon = vdsm_daemon(daemons)
    for word in ("", "x", "vdsm"):
        assert daemon.password(shared.name, "status", word).status == BROKEN


def test_vdsm_tickets_are_off_by_default(daemons, headed):
    daemon = vdsm_daemon(daemons, vdsm_tickets="no")
    set_ticket(headed, "sesame12", utc(60))
    assert daemon.password(headed.name, "status", "sesame12").status == BROKEN


def test_ticket_is_for_its_own_guest(daemons, headed, shared):
    daemon = vdsm_daemon(daemons)
    set_ticket(headed, "sesame12", utc(60))
    assert daemon.password(shared.name, "status", "sesame12").status == BROKEN
    result = daemon.password(headed.name, "list", "sesame12")
    assert shared.name not in result.text, result


# oVirt's system tests


class OvirtConsole:
    """Drives a console as the serial console of oVirt's system tests is driven: stock ssh on a
    pseudo terminal of its own, `connect --vm-id` of ovirt-vmconsole, a byte at a time, LF for Enter, an
    empty line again and again until something appears; it ends by killing ssh."""

    def __init__(self, daemon, vm_id):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            ["ssh", "-t", "-F", "none", "-o", "StrictHostKeyChecking=no", "-o",
             "UserKnownHostsFile=/dev/null", "-i", daemon.keys.ed25519, "-p", str(daemon.port),
             "ovirt-vmconsole@127.0.0.1", "connect", f"--vm-id={vm_id}"],
            stdin=slave, stdout=slave, stderr=slave, env=clients.home(daemon))
        os.close(slave)
        self.seen = ""

    def write(self, text):
        os.write(self.master, text.encode())

    def read_until(self, wanted, seconds):
        deadline = time.monotonic() + seconds * SLOW
        while not self.seen.endswith(wanted):
            if not select.select([self.master], [], [], max(deadline - time.monotonic(), 0))[0]:
                return False
            self.seen += os.read(self.master, 1).decode(errors="replace")
        return True

    def connect(self, prompt):
        for _ in range(15):
            self.write("\n")
            if self.read_until(prompt, 2):
                return
        raise AssertionError(f"no prompt: {self.seen!r}")

    def shell(self, command, prompt):
        self.seen = ""
        self.write(f"{command}\n")
        assert self.read_until(prompt, 15), self.seen
        return self.seen[:-len(prompt)].strip()

    def disconnect(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)


def test_console_of_ovirts_system_tests_works_unchanged(daemons, shared):
    daemon = daemons()
    daemon.knows(shared)
    console = OvirtConsole(daemon, shared.uuid)
    try:
        console.connect("guest> ")
        answer = word()
        # An empty line that was typed too early is answered too.
        assert console.shell(f"say {answer}", f"{answer}\r\nguest> ") is not None
        assert answer in console.seen
    finally:
        console.disconnect()
    wait_until(lambda: not parse_json(daemon.ctl("who", shared.name, "--json")), 15,
               "nobody is left there")
