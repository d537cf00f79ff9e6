"""https beside nginx: the same file over the same TLS to the same client, one way at a time, and
small answers, many of them on a few connections. nginx reads the file into memory and encrypts it
there too; it has one worker process."""

import os
import re
import shutil
import subprocess
import time

from lib.daemon import Daemon, free_port
from lib.https import make_https, make_pki

from .account import Cpu
from .download import MIB, make_dump, wait_for_dump
from .place import ROOMY
from .report import Figures, Verdict
from .servers import answers

GUESTS = 1
CONNECTIONS = 8  # of small requests at once
NGINX = """
daemon off;
worker_processes 1;
pid {dir}/pid;
error_log {dir}/log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
    keepalive_requests 1000000;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {dir}/server.pem;
        ssl_certificate_key {dir}/server.key;
        ssl_client_certificate {dir}/ca.pem;
        ssl_verify_client optional;
        ssl_protocols TLSv1.2 TLSv1.3;
        location /healthz {{ default_type text/plain; return 200 "ok\\n"; }}
        location / {{ root {root}; }}
    }}
}}
"""


class Nginx:
    name = "nginx"

    def __init__(self, place, pki, root):
        self.group, self.port = place.group(self.name), free_port()
        self.dir = place.user.mkdir(f"{place.virt.dir}/nginx", 0o755)
        for name in ("server.pem", "server.key", "ca.pem"):
            shutil.copy(pki.path(name), f"{self.dir}/{name}")
            place.user.own(f"{self.dir}/{name}", 0o600)
        place.user.write(f"{self.dir}/conf", NGINX.format(dir=self.dir, port=self.port, root=root))
        with self.group.entered():
            self.process = subprocess.Popen(
                place.user.argv(["nginx", "-c", f"{self.dir}/conf", "-e", f"{self.dir}/log"],
                                die_with_us=True), stdin=subprocess.DEVNULL)
        self.group.roots.append(self.process.pid)
        if not answers(self.process, self.port):
            raise RuntimeError("nginx does not answer: bench/run wants nginx-light and wrk")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


class Way:
    def __init__(self, name, group, port, path):
        self.name, self.group, self.port, self.path = name, group, port, path

    def url(self, path):
        return f"https://127.0.0.1:{self.port}{path}"


def _download(way, pki, size):
    cpu, begun = Cpu([way.group]), time.monotonic()
    done = subprocess.run(
        ["curl", "-sSf", "--cacert", pki.path("ca.pem"), "--cert", pki.path("host.pem"), "--key",
         pki.path("host.key"), "-o", "/dev/null", "-w", "%{size_download}", way.url(way.path)],
        capture_output=True, check=True)
    seconds = time.monotonic() - begun
    if int(done.stdout) != size:
        raise RuntimeError(f"{way.name}: {done.stdout.decode()} bytes of {size}")
    way.group.settle()
    return size / 1e6 / seconds, cpu.used() * (1 << 30) / size


def _requests(way, seconds):
    cpu = Cpu([way.group])
    done = subprocess.run(["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds}s",
                           way.url("/healthz")], capture_output=True, text=True, check=True)
    way.group.settle()
    count = re.search(r"(\d+) requests in", done.stdout)
    if not count or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise RuntimeError(f"{way.name}: {done.stdout}")
    return float(re.search(r"Requests/sec: +([\d.]+)", done.stdout)[1]), \
        cpu.used() * 1e6 / int(count[1])


def _daemon(place, pki, folder):
    group = place.group("vmc_https")

    def start(config):
        daemon = Daemon(place.user, place.programs, place.virt, place.keys, config)
        with group.entered():
            daemon.start()
        group.roots.append(daemon.pid)
        place.servers.append(daemon)
        return daemon

    return group, make_https(
        start, place.user, pki, place.virt, ssh=ROOMY, daemon={"log_level": "info"},
        dump={"directories": folder}, **{"access hosts": {"allow": "view, log, dump-get"},
                                         "access all": {"who": "key:*", "vms": "*",
                                                        "allow": "view, log, dump-get"}})


def measure(place, rounds, mib=512, seconds=5):
    pki = make_pki(f"{place.virt.dir}/pki")
    guest, folder = place.guests[0], place.user.mkdir(f"{place.virt.dir}/dumps-https", 0o755)
    group, daemon = _daemon(place, pki, folder)
    daemon.knows(guest)
    path = make_dump(folder, place.user, guest, mib)
    file = os.path.basename(path)
    nginx = Nginx(place, pki, folder)
    ways = [Way("nginx", nginx.group, nginx.port, f"/{file}"),
            Way("vmc_https", group, daemon.port_tls,
                f"/crashDump/{guest.name}/{file.replace(':', '-')}")]
    figures = Figures("https", ["MB/s", "server CPU s/GiB", "requests/s", "server CPU us/request"])
    try:
        wait_for_dump(daemon, guest, file.replace(":", "-"))
        for number in range(rounds):
            for step in range(len(ways)):
                way = ways[(step + number) % len(ways)]
                figures.add(way.name, (*_download(way, pki, mib * MIB), *_requests(way, seconds)))
    finally:
        nginx.stop()
        daemon.stop()
        place.servers.remove(daemon)
        os.unlink(path)
    return figures


def verdicts(figures):
    ours, theirs = "vmc_https", "nginx"
    return [Verdict("https download rate, MB/s", 0.8, *figures.compare("MB/s", ours, theirs), theirs,
                    at_least=True),
            Verdict("https download server CPU, s/GiB", 1.25,
                    *figures.compare("server CPU s/GiB", ours, theirs), theirs),
            Verdict("https small requests, 1/s", 0.5, *figures.compare("requests/s", ours, theirs),
                    theirs, at_least=True)]
