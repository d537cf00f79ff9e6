"""What README.md shows of https, run as it is printed; and nginx in front, with the lines of its page."""

import base64
import os
import re
import signal
import subprocess

import pytest

from lib.https import make_https
from lib.nginx import nginx_before, nginx_program
from lib.pages import blocks
from lib.proc import wait_until
from lib.session import ask


@pytest.fixture(scope="module")
def https(module_daemons, user, pki, virt):
    return make_https(module_daemons, user, pki, virt)


@pytest.fixture(scope="module")
def guest(https, module_guests):
    made = module_guests()
    https.knows(made)
    return made


@pytest.fixture(scope="module")
def folder(https, tmp_path_factory):
    """Where the files are that the lines name."""
    made = str(tmp_path_factory.mktemp("lines"))
    for name, there in (("cert.pem", "host.pem"), ("key.pem", "host.key"), ("ca.pem", "ca.pem")):
        os.symlink(https.pki.path(there), f"{made}/{name}")
    return made


class Shell:
    """A command of a page, under way."""

    def __init__(self, text, folder, https, guest):
        for shown, real in (("host:54322", f"127.0.0.1:{https.port_tls}"), ("web-1", guest.name),
                            ("uptime", "id"), ('"load"', f'"guest {guest.name}"')):
            text = text.replace(shown, real)
        self.process = subprocess.Popen(["bash", "-c", text], cwd=folder, start_new_session=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.got = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def until(self, pattern):
        while not re.search(pattern, self.got):
            data = self.process.stdout.read1(65536)
            assert data, f"ended; had {self.got!r}"
            self.got += data


def test_the_readme_has_four_lines():
    programs = [re.search("wget|curl|python3", block)[0]
                for block in blocks("README.md", "Over HTTPS")]
    assert programs == ["wget", "curl", "curl", "python3"]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("number", [0, 3])
def test_a_stream_of_the_readme_shows_what_is_printed(https, guest, folder, number):
    with https.pipes(guest.name) as session, Shell(blocks("README.md", "Over HTTPS")[number],
                                                   folder, https, guest) as shell:
        wait_until(lambda: https.ctl("who", guest.name).out.count(b"cert:CN=host1") == 1, 20,
                   "it watches")
        shell.until(re.escape(ask(session).encode()))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("number, answer", [(1, rb"guest %s\r\n"), (2, rb'"text":"[^"]*guest %s"')])
def test_what_the_readme_types_is_answered(https, guest, folder, number, answer):
    with Shell(blocks("README.md", "Over HTTPS")[number], folder, https, guest) as shell:
        shell.until(answer % guest.name.encode())


@pytest.fixture
def nginx(https, tmp_path):
    """Its port, with the lines of docs/https.md."""
    if not nginx_program():
        pytest.skip("nginx is not installed")
    with nginx_before(https.port_tls, tmp_path) as port:
        yield port


@pytest.mark.timeout(120)
def test_nginx_in_front_holds_nothing_back_either_way(https, guest, folder, nginx):
    ticket = https.ctl("ticket", guest.name).out.split()[0].decode()
    basic = base64.b64encode(f"{guest.name}:{ticket}".encode()).decode()
    line = (f"(echo uptime; sleep 60) | curl -sN -X POST -T . "
            f"-H 'Authorization: Basic {basic}' http://127.0.0.1:{nginx}/consoleStream/web-1")
    with Shell(line, folder, https, guest) as shell:
        shell.until(rb"guest %s\r\n" % guest.name.encode())
