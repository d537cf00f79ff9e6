"""Each option of each verb on a guest that is off, on, starting, crashed: the exit status and the
word, or that it stays."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib.proc import SANITIZED, SLOW, wait_until
from lib.session import BUSY, DONE, GUEST_CRASHED, NO_SUCH, UNAVAILABLE, USAGE, parse_json

STATES = ("off", "on", "starting", "crashed")
TIMEOUT = 124
STAYS = "stays"  # is there after so many seconds, longer than any --wait here
STAYS_SECONDS = 5

OFF = (UNAVAILABLE, "VM {name} is off")
STILL_OFF = (UNAVAILABLE, "VM {name} is still off")
QUIET = (DONE, "^$")


def runs(status, word, off=OFF):
    """The same whatever a guest that runs is doing."""
    return {"off": off, "on": (status, word), "starting": (status, word),
            "crashed": (status, word)}


def everywhere(status, word):
    return runs(status, word, off=(status, word))


PANICKED = {"crashed": (GUEST_CRASHED, "VM {name} has panicked")}
TIMES_OUT = runs(TIMEOUT, "timed out after 1s") | PANICKED

# Without a terminal and with nothing on standard input: words -> state -> (status, reason).
ATTACH = runs(*QUIET)
TABLE = {
    "attach": ATTACH,
    "attach --read-only": ATTACH,
    "attach --force": ATTACH,
    "attach --from start": ATTACH,
    "attach --from -10": ATTACH,
    "attach --from 0": ATTACH,
    "attach --lines 0": ATTACH,
    "attach --lines 5": ATTACH,
    "attach --device serial0": ATTACH,
    "attach --device ttyS0": ATTACH,
    "attach --no-wait": ATTACH,
    "attach --wait=2": runs(*QUIET, off=STILL_OFF),
    "attach --wait 2": everywhere(USAGE, "unexpected argument 2"),
    "attach --wait --no-wait": everywhere(USAGE, "--wait and --no-wait"),
    "attach --from 5 --lines 5": everywhere(USAGE, "--from and --lines"),
    "attach --device serial7": everywhere(NO_SUCH, "VM {name} has no device serial7; it has serial0$"),
    "attach --no-input": runs(STAYS, "^$"),
    "attach --no-input --read-only": runs(STAYS, "^$"),
    "attach --no-input --wait=2": runs(STAYS, "^$", off=STILL_OFF),
    "attach --no-input --wait": runs(STAYS, "^$", off=(STAYS, "VM {name} is off; waiting")),
    "attach --no-input --wait=30": runs(STAYS, "^$", off=(STAYS, "VM {name} is off; waiting")),
    "log": everywhere(*QUIET),
    "log --from start": everywhere(*QUIET),
    "log --from -10": everywhere(*QUIET),
    "log --from 0": everywhere(*QUIET),
    "log --lines 5": everywhere(*QUIET),
    "log --since 10m": everywhere(*QUIET),
    "log --boot 0": runs(*QUIET, off=(NO_SUCH, "does not go back so many boots")),
    "log --timestamps": everywhere(*QUIET),
    "log --device serial0": everywhere(*QUIET),
    "log --device serial7": everywhere(NO_SUCH, "VM {name} has no device serial7; it has serial0$"),
    "log --follow": everywhere(STAYS, "^$"),
    "log --follow --from start --timestamps": everywhere(STAYS, "^$"),
    "status": everywhere(*QUIET),
    "status --json": everywhere(*QUIET),
    "who": everywhere(*QUIET),
    "who --json": everywhere(*QUIET),
    "list": everywhere(*QUIET),
    "list --json": everywhere(*QUIET),
    "break": runs(DONE, "break sent to VM {name}"),
    "break --device serial0": runs(DONE, "break sent to VM {name}"),
    "nmi": runs(DONE, "nmi sent to VM {name}"),
    "help": everywhere(*QUIET),
    "wait --timeout 1 never": TIMES_OUT,
    "wait --timeout 1 --from start never": TIMES_OUT,
    "wait --timeout 1 --from -10 never": TIMES_OUT,
    "wait --timeout 1 --raw --multi never": TIMES_OUT,
    "wait --timeout 1 --json never": TIMES_OUT,
    "wait --timeout 1 --device serial0 never": TIMES_OUT,
    "wait --timeout 1 --ignore-panic never": runs(TIMEOUT, "timed out after 1s"),
    "wait --quiet 500ms --timeout 60": runs(DONE, "quiet; output ends at offset") | PANICKED,
    "wait": everywhere(USAGE, "what for"),
    "wait --device serial7 x": everywhere(NO_SUCH, "VM {name} has no device serial7; it has serial0$"),
    "send x": runs(DONE, "1 byte") | PANICKED,
    "send --enter x": runs(DONE, "2 bytes") | PANICKED,
    "send --escape --pace 100 \\r": runs(DONE, "1 byte") | PANICKED,
    "send --json x": runs(DONE, "1 byte") | PANICKED,
    "send --enter --timeout 1 --wait never x": TIMES_OUT,
    "send --device serial7 x": everywhere(NO_SUCH, "VM {name} has no device serial7; it has serial0$"),
    "run --timeout 1 x": TIMES_OUT,
    "run": everywhere(USAGE, "command"),
    "run --device serial7 x": everywhere(NO_SUCH, "VM {name} has no device serial7; it has serial0$"),
}


def is_alone(words):
    """One at a time, says the guest's keyboard."""
    return words.split()[0] in ("break", "nmi", "send", "run")


@pytest.fixture
def brought(daemon, guests):
    """brought(state): a guest in that state, as the daemon sees it too."""
    def bring(state):
        guest = guests(start=state in ("on", "crashed"))
        daemon.knows(guest)
        if state == "on":
            daemon.ssh(guest.name)  # its console has been opened before
        if state == "starting":
            guest.start(wait=False)
            wait_until(lambda: seen(daemon, guest) == "running", 20, "it is seen to run")
        if state == "crashed":
            with daemon.terminal(guest.name) as person:
                person.line("panic")
                person.expect("has panicked", 20)
            wait_until(lambda: seen(daemon, guest) in ("crashed", "paused"), 20, "it has crashed")
        return guest
    return bring


def seen(daemon, guest):
    return parse_json(daemon.ssh(guest.name, "status", "--json"))["state"]


def check(daemon, guest, words, wanted):
    """None, or what is wrong."""
    status, word = wanted
    with daemon.pipes(guest.name, *words.split()) as session:
        session.end_input()
        begun = time.monotonic()
        while session.process.poll() is None and \
                time.monotonic() - begun < (STAYS_SECONDS if status == STAYS else 60 * SLOW):
            if not session.read_some(0.1):
                time.sleep(0.05)
        got, said = session.process.poll(), session.errors().strip()
    if got != (None if status == STAYS else status):
        return f"{words}: {got} {said!r}, wanted {wanted}"
    if not re.search(word.format(name=guest.name), said):
        return f"{words}: said {said!r}, wanted {wanted}"
    return None


@pytest.mark.timeout(400)
@pytest.mark.parametrize("state", STATES)
def test_every_option_of_every_verb(daemon, brought, state):
    guest = brought(state)
    beside = [words for words in TABLE if not is_alone(words)]
    with ThreadPoolExecutor(6) as pool:
        wrong = list(pool.map(lambda words: check(daemon, guest, words, TABLE[words][state]), beside))
    wrong += [check(daemon, guest, words, TABLE[words][state]) 
              for words in TABLE if is_alone(words)]
    wrong = [found for found in wrong if found]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("words", [(), ("--wait",), ("--wait=20",)], ids=" ".join)
@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipe"])
def test_session_that_waits_is_there_when_the_guest_starts(daemon, guests, terminal, words):
    if not terminal and not words:
        pytest.skip("a pipe does not wait by itself")
    guest = guests(start=False, boot="tick,50")
    daemon.knows(guest)
    open_session = daemon.terminal if terminal else daemon.pipes
    with open_session(guest.name, "attach", *words) as session:
        wait_until(lambda: parse_json(daemon.ssh(guest.name, "who", "--json")), 15, "it waits")
        guest.start(wait=False)
        session.expect("tick ", 30)
        if words == ("--wait=20",):
            return
        guest.destroy()
        wait_until(lambda: seen(daemon, guest) == "off", 15, "it is off")
        assert session.process.poll() is None


def test_wait_that_was_long_enough_is_over(daemon, guests):
    """Neither it, nor the time a console has to open, ends the session later; nor one begun since."""
    wait, opening = 30 if SANITIZED else 15, 10
    guest = guests(start=False, boot="tick,50")  # two a second
    daemon.knows(guest)
    with daemon.pipes(guest.name, "attach", f"--wait={wait}") as session:
        wait_until(lambda: parse_json(daemon.ssh(guest.name, "who", "--json")), 15, "it waits")
        guest.start(wait=False)
        session.expect("tick 0000000001", 30)
        with daemon.pipes(guest.name, "attach", "--wait=2") as late:
            for each in session, late:
                each.expect(f"tick {2 * (wait + opening + 1):010}", 2 * (wait + opening))


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipe"])
def test_wait_ends_no_session_of_a_guest_that_runs(daemon, guest, terminal):
    open_session = daemon.terminal if terminal else daemon.pipes
    with open_session(guest.name, "attach", "--wait=2") as session:
        session.line("tick 20")
        session.expect("tick 0000000015", 30)  # three seconds
        session.send("x")
        session.expect("guest> ")  # it has read it: libvirt 11.3 may not survive its end else
        assert session.process.poll() is None
        guest.destroy()
        assert session.wait(20) == UNAVAILABLE, "off again: it waits for 2 s"


def test_waiting_for_a_console_that_is_held_is_busy(daemon, virt, guest):
    with virt.virsh_console(guest.name) as other:
        other.expect("Connected to domain")
        result = daemon.ssh(guest.name, "attach", "--wait=2", "--no-input")
        assert result.status == BUSY and "held by" in result.errors, result
