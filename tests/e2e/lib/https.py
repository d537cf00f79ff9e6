"""A daemon with https, the certificates around it, clients of it, and servers behind it."""

import contextlib
import re
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
import xmlrpc.client
import xmlrpc.server

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


# clients

def client_context(pki, who="host"):
    """Of a client with this certificate; who None: with none."""
    context = ssl.create_default_context(cafile=pki.path("ca.pem"))
    if who:
        context.load_cert_chain(pki.path(f"{who}.pem"), pki.path(f"{who}.key"))
    return context


def url(daemon, path, port=None):
    return f"https://127.0.0.1:{port or daemon.port_tls}{path}"


def curl_argv(daemon, path, *options, who="host", port=None):
    certificate = [] if who is None else ["--cert", daemon.pki.path(f"{who}.pem"),
                                          "--key", daemon.pki.path(f"{who}.key")]
    return ["curl", "-sS", "--cacert", daemon.pki.path("ca.pem"), *certificate, *options,
            url(daemon, path, port)]


def curl(daemon, path, *options, who="host", seconds=30, data=None, port=None):
    """The completed process; its last line of output is the status."""
    return subprocess.run(
        curl_argv(daemon, path, "-w", "\n%{http_code}", *options, who=who, port=port),
        capture_output=True, timeout=seconds * SLOW, input=data)


def curl_cut():
    """curl's status for an answer that is cut: a later one (8.14; not 7.88) says that TLS has ended
    without a word, before it counts bytes."""
    said = subprocess.run(["curl", "--version"], check=True, capture_output=True, text=True).stdout
    return 18 if said.startswith("curl 7.") else 56


def status(daemon, path, *options, **more):
    return curl(daemon, path, *options, **more).stdout.rpartition(b"\n")[2].decode()


@contextlib.contextmanager
def wget(daemon, path, port=None):
    """While it streams: a function that reads until this has come."""
    process = subprocess.Popen(
        ["wget", "-q", "-O", "-", f"--certificate={daemon.pki.path('host.pem')}",
         f"--private-key={daemon.pki.path('host.key')}",
         f"--ca-certificate={daemon.pki.path('ca.pem')}", url(daemon, path, port)],
        stdout=subprocess.PIPE)

    def until(wanted):
        got = b""
        while wanted not in got:
            data = process.stdout.read1(65536)
            assert data, got[-200:]
            got += data

    try:
        yield until
    finally:
        process.kill()
        process.wait()


class Raw:
    """A TLS connection with the host's certificate, to say anything. strict: an end of the
    connection that is not TLS's own raises SSLError."""

    def __init__(self, daemon, who="host", port=None, strict=False):
        context = client_context(daemon.pki, who)
        if strict:
            context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
        self.socket = context.wrap_socket(
            socket.create_connection(("127.0.0.1", port or daemon.port_tls), 20),
            server_hostname="127.0.0.1", suppress_ragged_eofs=not strict)
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
    came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_context(daemon.pki).wrap_bio(came, goes, server_hostname="127.0.0.1")
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


# servers

class OverTls:
    """Of a server: speaks TLS, as .tls says. A client that breaks off is none of its business."""

    def get_request(self):
        connection, address = super().get_request()
        # The handshake is done by the thread that serves it.
        return self.tls.wrap_socket(connection, server_side=True,
                                    do_handshake_on_connect=False), address

    def handle_error(self, request, client_address):
        pass


class XmlRpc(socketserver.ThreadingMixIn, xmlrpc.server.SimpleXMLRPCServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self):
        super().__init__(("127.0.0.1", 0), logRequests=False)
        self.register_function(lambda number: number * 2, "double")
        self.register_function(lambda data: xmlrpc.client.Binary(data.data[::-1]), "reverse")


class TlsXmlRpc(OverTls, XmlRpc):
    pass


def server_context(pki, name):
    """Of a server with this certificate, whose clients must have one of the same authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.path(f"{name}.pem"), pki.path(f"{name}.key"))
    context.load_verify_locations(pki.path("ca.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    return context


@contextlib.contextmanager
def serving(server, tls=None):
    """While it serves, over TLS if there is a context for it: its port."""
    server.tls = tls
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
