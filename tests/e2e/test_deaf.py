"""A guest that reads nothing must harm nobody but itself: libvirt 11.3 does not survive its end
with input that stands in it. 9.0 does, and is given what it takes."""

import re
import threading

import libvirt
import pytest

from lib import pattern
from lib.paste import (is_fragile, paste_until_stuck, spinning, wait_until_deaf,
                       wait_until_taken_back)
from lib.proc import SLOW, wait_until
from lib.session import GUEST_CRASHED, GUEST_OFF, ask

KIB = 1024
MORE_THAN_FITS = b"x" * (64 * KIB)
MORE_THAN_ANYTHING_TAKES = b"x" * (2048 * KIB)


def answers(virt, seconds=15):
    """Whether libvirtd still answers somebody new, in time."""
    answered = threading.Event()

    def question():
        libvirt.open(virt.uri).listAllDomains()
        answered.set()
    if virt.pid():
        threading.Thread(target=question, daemon=True).start()
    return answered.wait(seconds * SLOW if virt.pid() else 0)


@pytest.fixture
def survivor(virt):
    """The libvirtd that was there before; whatever becomes of it, what comes after this test finds
    one that works."""
    before = virt.pid()
    yield virt
    if virt.pid() != before or not answers(virt):
        if virt.pid():
            virt.kill9()
        virt.restart()
        pytest.fail("libvirtd has died, or answers nobody any more")


def end(daemon, guest, way):
    if way == "power off":
        daemon.ssh(guest.name, "power off")
    elif way == "destroy":  # not by a call of our own: it might never return
        guest.virt.virsh("destroy", guest.name, check=False, seconds=15)
    else:
        guest.kill_qemu()


@pytest.mark.parametrize("way, status", [
    ("destroy", GUEST_OFF), ("power off", GUEST_OFF), ("kill QEMU", GUEST_CRASHED)])
def test_libvirtd_survives_the_end_of_a_guest_that_read_nothing(
        daemons, guest, survivor, way, status):
    daemon = daemons({"access all": {"allow": "view, type, power"}})
    with spinning(daemon, guest) as session:
        since = len(daemon.log())
        paste_until_stuck(session, MORE_THAN_ANYTHING_TAKES)
        wait_until_taken_back(daemon, survivor, since)
        end(daemon, guest, way)
        assert session.wait(15) == status, session.errors()
        assert re.search(r"\d+ typed bytes were not delivered", session.errors())
    assert answers(survivor)


def test_what_was_held_back_arrives_once_when_the_guest_reads_again(daemon, virt, guest):
    with daemon.pipes(guest.name) as session:
        since = len(daemon.log())
        session.send(b"spin 6\r")
        session.expect("spinning", 15)
        count = 24 * KIB
        session.send(f"sum {count}\r".encode() + b"z" * count, 30)
        wait_until_deaf(daemon, virt, since)
        session.expect("back\r\n", 20)
        got = session.expect(rf"sum {count} fnv=(\w{{16}})", 90)
        assert int(got.group(1), 16) == pattern.fnv1a(b"z" * count)
        ask(session)


def test_a_viewer_is_told_when_output_may_be_missing(daemon, virt, guest):
    if not is_fragile(virt):
        pytest.skip("nothing is taken back from this libvirt")
    with daemon.pipes(guest.name) as session:
        session.send(b"babble 30\r")
        session.expect(rb"0000000000 \w+\r\n", 15)
        session.send(MORE_THAN_FITS, 30)
        wait_until(lambda: "may be missing" in session.errors(), 30, "a word on standard error")
