"""doctor: what makes a console stay blank, and what to do about it."""

import contextlib
import json
import os
import subprocess
import time

import pytest

from lib.proc import SLOW, wait_until
from lib.session import BUSY, DENIED, DONE, UNAVAILABLE, ask, one_line_reason
from lib.virt import Guest


class Complete(Guest):
    """Nothing is missing."""

    def _describe(self, *options):
        return super()._describe(*options).replace("<acpi/>", "<acpi/><vmcoreinfo state='on'/>")


@pytest.fixture(scope="module")
def complete(virt):
    guest = Complete(virt, "doctor-1")
    guest.start()
    yield guest
    virt.mend()
    guest.remove()


def look(daemon, *words):
    """{check: finding}; none is 0, and any is 69."""
    result = daemon.ctl("doctor", *words, "--json", seconds=40)
    found = json.loads(result.out)
    assert found["vm"] == (words[0] if words else None), found
    assert result.status == (UNAVAILABLE if found["findings"] else DONE), result
    assert all(set(one) == {"check", "text", "cure"} for one in found["findings"]), found
    return {one["check"]: one for one in found["findings"]}


def test_a_console_that_is_silent_and_one_that_is_well(daemon, complete):
    daemon.knows(complete)
    assert set(look(daemon, complete.name)) == {"not-open"}
    # What it has printed at its boot nobody has seen.
    assert daemon.ssh(complete.name).status == DONE
    silent = look(daemon, complete.name)
    assert set(silent) == {"nothing-printed"}, silent
    assert "console=ttyS0" in silent["nothing-printed"]["cure"]
    assert "serial-getty@ttyS0" in silent["nothing-printed"]["cure"]
    with daemon.pipes(complete.name) as session:
        ask(session)
    assert not look(daemon, complete.name)
    result = daemon.ctl("doctor", complete.name)
    assert result.status == DONE and result.out == b"", result
    one_line_reason(result.errors, "nothing was found$")


def test_a_console_that_is_held(daemon, complete, virt):
    with daemon.pipes(complete.name) as session:
        ask(session)
        with virt.virsh_console(complete.name, "--force") as other:
            other.expect("Connected to domain")
            found = wait_until(lambda: look(daemon, complete.name).get("console-held"), 20,
                               "it is held")
            assert "virsh console" in found["cure"], found


def test_a_guest_that_does_not_run(daemon, complete):
    complete.domain.suspend()
    wait_until(lambda: look(daemon, complete.name).get("paused"), 15, "it is paused")
    complete.domain.resume()
    wait_until(lambda: "paused" not in look(daemon, complete.name), 15, "it runs")


def test_what_a_guest_lacks_is_listed_for_people(daemon, guests):
    guest = guests(serials=(), start=False)
    daemon.knows(guest)
    result = daemon.ctl("doctor", guest.name)
    assert result.status == UNAVAILABLE, result
    assert result.text == (
        f"1. VM {guest.name} is off: it prints nothing\n"
        "   cure: power on\n"
        f"2. VM {guest.name} has no serial device that is a console\n"
        "   cure: virsh edit: <serial type='pty'/> among the devices, then stop and start it\n"
        f"3. VM {guest.name} has no vmcoreinfo: what reads a dump must guess at its kernel\n"
        "   cure: virsh edit: <vmcoreinfo state='on'/> among the features\n"), result
    one_line_reason(result.errors, "3 findings$")
    other = guests(serials=("file",), start=False)
    daemon.knows(other)
    assert "of type file" in look(daemon, other.name)["console-type"]["text"]


def test_the_host(daemons, complete):
    daemon = daemons()
    assert not look(daemon)
    assert daemon.ssh(complete.name, "doctor").status == DENIED  # it is vmconsolectl's
    daemon.configure({"auth": {"ssh_user_ca": "/nonexistent/*.pub"},
                      "hypervisor away": {"uri": "qemu:///session?socket=/nonexistent"}})
    found = look(daemon)["configuration"]
    assert "no file matches /nonexistent/*.pub" in found["text"], found
    os.utime(daemon.file, (time.time() + 86400,) * 2)
    assert daemon.file in look(daemon)["clock"]["text"]


def test_its_answer_ends_with_the_right_to_it(daemons, virt, user):
    if not user.switch:
        pytest.skip("needs a second uid")
    daemon = daemons({"access nobody": {"who": "user:nobody", "vms": "*", "allow": "view, admin"}})
    virt.freeze()  # the look at the configuration takes its time
    try:
        with subprocess.Popen(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--",
                               *daemon.ctl_argv("doctor")], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as asked:
            daemon.wait_log("asks doctor")
            daemon.configure({"access nobody": {"allow": "view"}})
            daemon.reload()
            out, errors = asked.communicate(timeout=40 * SLOW)
    finally:
        virt.thaw()
    assert asked.returncode == DENIED and out == b"", (asked.returncode, out, errors)
    one_line_reason(errors.decode(), "the right to admin on this host was withdrawn$")


def test_so_many_look_at_the_configuration_at_once(daemons, virt):
    daemon = daemons()
    virt.freeze()
    try:
        with contextlib.ExitStack() as stack:
            asked = [stack.enter_context(subprocess.Popen(
                daemon.ctl_argv("doctor"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE)) for _ in range(2)]
            wait_until(lambda: daemon.log().count("asks doctor") == 2, 20, "both look")
            refused = daemon.ctl("doctor")
            assert refused.status == BUSY and "looks for you already" in refused.errors, refused
            virt.thaw()
            for one in asked:
                one.communicate(timeout=40 * SLOW)
                assert one.returncode == DONE
            assert daemon.ctl("doctor", seconds=40).status == DONE
    finally:
        virt.thaw()


def test_a_hypervisor_that_cannot_be_reached(daemons):
    daemon = daemons({"hypervisor away": {"uri": "qemu:///session?socket=/nonexistent/sock"}})
    found = wait_until(lambda: look(daemon).get("hypervisor"), 15, "it is away")
    assert "hypervisor away cannot be reached" in found["text"], found
    assert "no libvirt listens on /nonexistent/sock" in found["cure"], found
