"""A stage with https: guests, certificates as VDSM has them, and an upstream that speaks TLS and
wants a certificate."""

import argparse
import contextlib
import os
import shutil
import socket

from stage import add_build, stage


def arguments(text, **numbers):
    """Those of a show: --build, and a number for each name; before lib is imported."""
    parser = argparse.ArgumentParser(description=text,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_build(parser)
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    found = parser.parse_args()
    os.environ["VMC_BUILD"] = os.path.abspath(found.build)
    return found


def _upstream(made, port):
    folder = made.virt.user.mkdir(f"{made.virt.dir}/upstream", 0o755)
    for name in ("ca.pem", "vdsm.pem", "vdsm.key"):
        shutil.copy(made.pki.path(name), f"{folder}/{name}")
        made.virt.user.own(f"{folder}/{name}", 0o600)
    return {"upstream": f"https://127.0.0.1:{port}", "upstream_ca": f"{folder}/ca.pem",
            "upstream_certificate": f"{folder}/vdsm.pem", "upstream_key": f"{folder}/vdsm.key",
            "upstream_name": "vdsm.example"}


def start(made, upstream=None, **config):
    """Its daemon, with https in front of the guests; upstream: a port."""
    from lib.https import make_https  # noqa: PLC0415
    if upstream:
        config["https"] = _upstream(made, upstream)
    daemon = make_https(
        made.daemon.start_with, made.virt.user, made.pki, made.virt,
        ssh={"max_connections": "800", "max_per_source": "800", "max_channels": "4",
             "max_unauthenticated": "800", "max_unauthenticated_per_source": "800",
             "max_unauthenticated_per_net": "800", "early_drop": "800"},
        daemon={"log_level": "info"},
        **{"access hosts": {"allow": "view, type, force, log, dump-get"},
           "access engine": {"who": "cert:CN=host*", "vms": "*", "allow": "forward"}}, **config)
    daemon.knows(*made.guests)
    return daemon


@contextlib.contextmanager
def https_stage(build, guests=1):
    """.pki besides, and guests that run."""
    with stage(build) as made:
        from lib.https import make_pki  # noqa: PLC0415
        from lib.virt import Guest  # noqa: PLC0415
        made.pki = make_pki(f"{made.virt.dir}/pki")
        made.pki.make("vdsm", "ca", "/O=engine/CN=vdsm.example")
        for number in range(guests):
            made.guests.append(Guest(made.virt, f"s{number}"))
            made.guests[-1].define()
            made.guests[-1].start()
        yield made


def connect(daemon, port=None):
    """A connection with a client's certificate."""
    from lib.https import client_context  # noqa: PLC0415
    tls = client_context(daemon.pki).wrap_socket(
        socket.create_connection(("127.0.0.1", port or daemon.port_tls), 60),
        server_hostname="127.0.0.1")
    tls.settimeout(300)
    return tls
