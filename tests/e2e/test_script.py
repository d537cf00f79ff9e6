"""The script of README.md, as it stands there: a Linux guest from power off to a panic."""

import re
import subprocess

import pytest

from lib import clients
from lib.linux import LinuxGuest
from lib.proc import SLOW
from lib.readme import write_script

pytestmark = pytest.mark.timeout(400 * SLOW)


@pytest.fixture(scope="module")
def daemon(module_daemons):
    return module_daemons({"access all": {"allow": "view, type, power, log"}})


@pytest.fixture
def linux(virt):
    guest = LinuxGuest(virt, "scripted", demo=True)
    guest.define()
    yield guest
    virt.mend()
    guest.remove()


def test_script_of_the_readme_boots_logs_in_runs_and_sees_the_panic(daemon, linux, tmp_path):
    path = write_script(tmp_path / "smoke")
    daemon.knows(linux)
    done = subprocess.run([path, *clients.ssh_argv(daemon, linux.name)],
                          env=clients.home(daemon), stdin=subprocess.DEVNULL, capture_output=True,
                          check=False, timeout=380 * SLOW)
    said = done.stderr.decode()
    assert done.returncode == 0, (done, daemon.log_tail(20))
    assert re.search(r"(?m)^Linux \d+\.\S+$", done.stdout.decode()), done.stdout
    assert re.search(r"(?m)^hello$", done.stdout.decode()), done.stdout
    assert "the command ended with status 3" in said, said
    assert f"VM {linux.name} has panicked; the command had begun" in said, said
    assert linux.state == "shut off"
