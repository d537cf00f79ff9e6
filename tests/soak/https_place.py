"""What the shows of https have in common: a daemon with https, a guest, certificates as VDSM has
them, an upstream that speaks TLS and wants a certificate."""

import argparse
import os
import shutil
import socketserver
import ssl
import sys
import tempfile
import threading
import xmlrpc.server

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))


def arguments(text, **numbers):
    """Those of a show: --build, and a number for each name; before lib is imported."""
    parser = argparse.ArgumentParser(description=text,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(TOP, "build"))
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    found = parser.parse_args()
    os.environ["VMC_BUILD"] = found.build
    return found


class OverTls:
    """Of a server: clients speak TLS and have a certificate of ours."""

    def get_request(self):
        connection, address = super().get_request()
        return self.tls.wrap_socket(connection, server_side=True,
                                    do_handshake_on_connect=False), address


class XmlRpc(OverTls, socketserver.ThreadingMixIn, xmlrpc.server.SimpleXMLRPCServer):
    daemon_threads = True
    request_queue_size = 64


class Upstream(OverTls, socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


class HttpsPlace:
    def __init__(self, guests=1):
        from conftest import Programs
        from lib.clients import Keys
        from lib.https import make_pki
        from lib.proc import User
        from lib.virt import Guest, Libvirt
        self.user, self.programs = User(), Programs()
        self.keys = Keys(tempfile.mkdtemp(prefix="vmc-keys-", dir="/tmp"))
        self.virt = Libvirt(self.user, self.programs).start()
        self.pki = make_pki(tempfile.mkdtemp(prefix="vmc-pki-", dir="/tmp"))
        self.pki.make("vdsm", "ca", "/O=engine/CN=vdsm.example")
        self.guests = [Guest(self.virt, f"s{number}") for number in range(guests)]
        self.daemons = []

    def __enter__(self):
        for guest in self.guests:
            guest.define()
            guest.start()
        return self

    def daemon(self, upstream=None, **config):
        from lib.daemon import Daemon
        from lib.https import make_https

        def start(made):
            daemon = Daemon(self.user, self.programs, self.virt, self.keys, made)
            self.daemons.append(daemon)
            return daemon.start()

        config.setdefault("ssh", {}).update(max_connections="800", max_per_source="800", max_channels="4",
                                            max_unauthenticated="800",
                                            max_unauthenticated_per_source="800",
                                            max_unauthenticated_per_net="800", early_drop="800")
        if upstream:
            config["https"] = self._upstream(upstream)
        daemon = make_https(start, self.user, self.pki, self.virt, **config, **{
            "daemon": {"log_level": "info"},
            "access hosts": {"allow": "view, type, force, log, dump-get"},
            "access engine": {"who": "cert:CN=host*", "vms": "*", "allow": "forward"}})
        daemon.knows(*self.guests)
        return daemon

    def _upstream(self, port):
        folder = self.user.mkdir(f"{self.virt.dir}/upstream", 0o755)
        for name in ("ca.pem", "vdsm.pem", "vdsm.key"):
            shutil.copy(self.pki.path(name), f"{folder}/{name}")
            self.user.own(f"{folder}/{name}", 0o600)
        return {"upstream": f"https://127.0.0.1:{port}", "upstream_ca": f"{folder}/ca.pem",
                "upstream_certificate": f"{folder}/vdsm.pem",
                "upstream_key": f"{folder}/vdsm.key", "upstream_name": "vdsm.example"}

    def serve(self, server):
        """Over TLS, to who has a certificate; returns its port."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.pki.path("vdsm.pem"), self.pki.path("vdsm.key"))
        context.load_verify_locations(self.pki.path("ca.pem"))
        context.verify_mode = ssl.CERT_REQUIRED
        server.tls = context
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_address[1]

    def client(self):
        context = ssl.create_default_context(cafile=self.pki.path("ca.pem"))
        context.load_cert_chain(self.pki.path("host.pem"), self.pki.path("host.key"))
        return context

    def __exit__(self, *problem):
        for daemon in self.daemons:
            daemon.stop()
        for guest in self.guests:
            guest.remove()
        self.virt.stop()
        for folder in (self.keys.dir, self.pki.dir, self.programs.dir):
            shutil.rmtree(folder, ignore_errors=True)
