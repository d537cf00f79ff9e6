"""nginx in front of a daemon's https, with the lines of docs/https.md."""

import contextlib
import os
import shutil
import socket
import subprocess

from .daemon import free_port
from .pages import blocks
from .proc import wait_until


def nginx_program():
    return shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")


def _is_listening(port):
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def _write_config(folder, port, port_behind):
    (lines,) = blocks("docs/https.md", "Behind nginx")
    with open(f"{folder}/nginx.conf", "w", encoding="utf-8") as file:
        file.write(
            f"daemon off;\nmaster_process off;\npid {folder}/pid;\nevents {{}}\n"
            f"http {{\n access_log off;\n"
            + "".join(f" {name}_temp_path {folder}/{name};\n"
                      for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
            + f" server {{\n listen 127.0.0.1:{port};\n"
            + lines.replace("54322", str(port_behind)) + "\n}\n}\n")


@contextlib.contextmanager
def nginx_before(port_behind, folder):
    """While it runs: its port."""
    port = free_port()
    _write_config(folder, port, port_behind)
    process = subprocess.Popen([nginx_program(), "-e", f"{folder}/log", "-p", str(folder), "-c",
                                f"{folder}/nginx.conf"], stderr=subprocess.PIPE)
    try:
        wait_until(lambda: _is_listening(port), 20, "nginx listens")
        yield port
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
