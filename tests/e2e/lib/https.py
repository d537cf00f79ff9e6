"""A daemon with https, the certificates around it, and clients of it."""

import re
import shutil
import socket
import ssl
import subprocess

from .daemon import free_port
from .pki import CLIENT, Pki
from .proc import SLOW

SERVER = CLIENT + "subjectAltName=IP:127.0.0.1,DNS:localhost\n"


def make_pki(folder):
    """An authority with a server's, clients' and all kinds of bad certificates."""
    made = Pki(folder)
    made.authority("ca")
    made.authority("other", "/O=other/CN=other")
    made.make("server", "ca", "/O=engine/CN=127.0.0.1", SERVER, kind="p256")
    made.make("host", "ca", "/O=engine/CN=host1.example")
    made.make("guestless", "ca", "/O=engine/CN=guestless")
    made.make("stranger", "other", "/O=engine/CN=host1.example")
    made.make("expired", "ca", "/O=engine/CN=host1.example", since=-7200, until=-3600)
    made.make("usage", "ca", "/O=engine/CN=host1.example",
              CLIENT.replace("serverAuth,clientAuth", "serverAuth"))
    made.make("revoked", "ca", "/O=engine/CN=host1.example")
    made.revoke("ca", "revoked")
    made.crl("ca")
    return made


def make_https(daemons, user, pki, virt, **more):
    """A daemon with https on port_tls; more: sections of its configuration."""
    folder = user.mkdir(f"{virt.dir}/https-{free_port()}", 0o755)
    for name, source in (("ca.pem", "ca.pem"), ("server.pem", "server.pem"),
                         ("server.key", "server.key"), ("ca.crl", "ca.crl")):
        shutil.copy(pki.path(source), f"{folder}/{name}")
        user.own(f"{folder}/{name}", 0o600)
    port = free_port()
    config = {
        "https": {"listen": f"127.0.0.1:{port}", "certificate": f"{folder}/server.pem",
                  "key": f"{folder}/server.key"},
        "auth": {"vdsm_ca": f"{folder}/ca.pem", "vdsm_crl": f"{folder}/ca.crl"},
        "access hosts": {"who": "cert:CN=host*", "vms": "*",
                         "allow": "view, type, force, control, log, admin"},
        "access tickets": {"who": "ticket", "vms": "*", "allow": "view, type, log"}}
    for section, values in more.items():
        config.setdefault(section.replace("_", " "), {}).update(values)
    daemon = daemons(config)
    daemon.port_tls, daemon.folder, daemon.pki = port, folder, pki
    return daemon


def url(daemon, path, port=None):
    return f"https://127.0.0.1:{port or daemon.port_tls}{path}"


def curl(daemon, path, *options, who="host", seconds=30, data=None, port=None):
    """The completed process; its last line of output is the status."""
    certificate = [] if who is None else ["--cert", daemon.pki.path(f"{who}.pem"),
                                          "--key", daemon.pki.path(f"{who}.key")]
    return subprocess.run(
        ["curl", "-sS", "--cacert", daemon.pki.path("ca.pem"), *certificate,
         "-w", "\n%{http_code}", *options, url(daemon, path, port)],
        capture_output=True, timeout=seconds * SLOW, input=data)


def status(daemon, path, *options, **more):
    return curl(daemon, path, *options, **more).stdout.rpartition(b"\n")[2].decode()


class Raw:
    """A TLS connection with the host's certificate, to say anything."""

    def __init__(self, daemon, who="host", port=None):
        context = ssl.create_default_context(cafile=daemon.pki.path("ca.pem"))
        if who:
            context.load_cert_chain(daemon.pki.path(f"{who}.pem"), daemon.pki.path(f"{who}.key"))
        self.socket = context.wrap_socket(
            socket.create_connection(("127.0.0.1", port or daemon.port_tls), 20),
            server_hostname="127.0.0.1")
        self.socket.settimeout(20 * SLOW)
        self.got = b""

    def send(self, data):
        self.socket.sendall(data)
        return self

    def until(self, pattern):
        """What has come up to the end of pattern."""
        while True:
            found = re.search(pattern, self.got, re.S)
            if found:
                taken, self.got = self.got[:found.end()], self.got[found.end():]
                return taken
            data = self.socket.recv(65536)
            assert data, f"closed; had {self.got[-300:]!r}"
            self.got += data

    def rest(self):
        while True:
            data = self.socket.recv(65536)
            if not data:
                return self.got
            self.got += data


def say_and_close(daemon, request):
    """The answer to a request that comes in one piece with the end of the client's side."""
    context = ssl.create_default_context(cafile=daemon.pki.path("ca.pem"))
    context.load_cert_chain(daemon.pki.path("host.pem"), daemon.pki.path("host.key"))
    came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(came, goes, server_hostname="127.0.0.1")
    with socket.create_connection(("127.0.0.1", daemon.port_tls), 20 * SLOW) as plain:
        def do(step, *args):
            while True:
                try:
                    return step(*args)
                except ssl.SSLWantReadError:
                    plain.sendall(goes.read())
                    data = plain.recv(65536)
                    assert data, "closed without the end of TLS"
                    came.write(data)

        do(tls.do_handshake)
        plain.sendall(goes.read())
        tls.write(request)
        try:
            tls.unwrap()
        except ssl.SSLWantReadError:  # the other side's end comes behind the answer
            plain.sendall(goes.read())
        answer = b""
        while True:
            try:
                data = do(tls.read, 65536)
            except ssl.SSLZeroReturnError:
                data = b""
            if not data:
                return answer
            answer += data
