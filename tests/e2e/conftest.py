"""Fixtures: programs of the build under test, private libvirt, guests, daemons, keys."""

import os
import shutil
import sys
import tempfile

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from lib.clients import Keys  # noqa: E402
from lib.daemon import Daemon  # noqa: E402
from lib.https import make_pki  # noqa: E402
from lib.proc import BUILD, SLOW, User  # noqa: E402
from lib.session import ask  # noqa: E402
from lib.virt import Guest, Libvirt  # noqa: E402

TEST_SECONDS = 90  # as in pytest.ini
_daemons = []


class Programs:
    """Copies of what was built, where the test user can reach them."""

    FILES = {"vmconsoled": "vmconsoled", "vmconsolectl": "vmconsolectl",
             "reaper": "tools/reaper", "guest": "tests/guest/guest.elf"}

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="vmc-bin-", dir="/tmp")
        os.chmod(self.dir, 0o755)
        for name, path in self.FILES.items():
            source = os.path.join(BUILD, path)
            setattr(self, name, os.path.join(self.dir, name))
            if os.path.exists(source):
                shutil.copy(source, getattr(self, name))
                os.chmod(getattr(self, name), 0o755)


@pytest.fixture(scope="session")
def programs():
    found = Programs()
    yield found
    shutil.rmtree(found.dir)


@pytest.fixture(scope="session")
def user():
    return User()


@pytest.fixture(scope="session")
def keys():
    folder = tempfile.mkdtemp(prefix="vmc-keys-", dir="/tmp")
    yield Keys(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return make_pki(str(tmp_path_factory.mktemp("pki")))


@pytest.fixture(scope="session")
def virt(user, programs):
    instance = Libvirt(user, programs)
    try:
        yield instance.start()
    finally:
        instance.stop()


@pytest.fixture(scope="session")
def virt2(user, programs):
    """A second, independent libvirt: where guests migrate to."""
    instance = Libvirt(user, programs)
    try:
        yield instance.start()
    finally:
        instance.stop()


def _guest_maker(virt):
    made = []

    def make(name=None, start=True, **options):
        guest = Guest(virt, name or f"g{next(_numbers)}", **options)
        made.append(guest)
        guest.define()
        if start:
            guest.start()
            for daemon in _daemons:
                daemon.hears_of(guest)
        return guest

    return make, made


def _numbered():
    number = 0
    while True:
        number += 1
        yield number


_numbers = _numbered()


@pytest.fixture
def guests(virt):
    """guests(name=None, start=True, **options of Guest): fresh ones, removed after the test."""
    make, made = _guest_maker(virt)
    yield make
    virt.mend()
    for guest in made:
        guest.remove()


@pytest.fixture
def guest(guests):
    return guests()


@pytest.fixture(scope="module")
def module_guests(virt):
    make, made = _guest_maker(virt)
    yield make
    virt.mend()
    for guest in made:
        guest.remove()


@pytest.fixture(scope="module")
def module_guest(module_guests):
    return module_guests()


@pytest.fixture
def shared(daemon, module_guest):
    """One guest for tests that leave it as it was: at its prompt. Its console is known, and open,
    since somebody has talked to it."""
    with daemon.pipes(module_guest.name) as session:
        ask(session)
    return module_guest


def _daemon_maker(user, programs, virt, keys):
    made = []

    def make(config=None, **options):
        daemon = Daemon(user, programs, virt, keys, config, **options)
        made.append(daemon)
        _daemons.append(daemon)
        return daemon.start()

    def finish():
        errors = []
        for daemon in made:
            try:
                daemon.finish()
            except AssertionError as error:
                errors.append(str(error))
            _daemons.remove(daemon)
        assert not errors, "\n".join(errors)

    return make, finish


@pytest.fixture(scope="module")
def module_daemons(user, programs, virt, keys):
    """daemons() for fixtures that live as long as a file."""
    make, finish = _daemon_maker(user, programs, virt, keys)
    yield make
    finish()


@pytest.fixture(scope="module")
def daemon(module_daemons):
    """One daemon for a whole file, everything allowed to every key."""
    return module_daemons()


@pytest.fixture
def daemons(user, programs, virt, keys):
    """daemons({"section": {"key": "value"}}): daemons of one test's own."""
    make, finish = _daemon_maker(user, programs, virt, keys)
    yield make
    finish()


def pytest_collection_modifyitems(items):
    for item in items:
        marker = item.get_closest_marker("timeout")
        seconds = marker.args[0] if marker else TEST_SECONDS
        item.add_marker(pytest.mark.timeout(seconds * SLOW), append=False)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for daemon in _daemons:
            report.sections.append((f"log of {daemon.name}", daemon.log_tail(40)))
