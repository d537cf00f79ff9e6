"""Tickets: passwords for one console; who guesses them; and logins that need two factors."""

import concurrent.futures
import re
import socket
import statistics
import subprocess
import time

import paramiko
import pytest

from lib import clients
from lib.proc import SANITIZED, SLOW, rounds, wait_until
from lib.session import BROKEN, DENIED, DONE, NO_SUCH, UNAVAILABLE, USAGE, ask, leave
from lib.term import Terminal

RULES = {"access tickets": {"who": "ticket", "vms": "*", "allow": "view, type"}}
QUICK = {"auth": {"penalty": "0"}}


@pytest.fixture(scope="module")
def shared(module_guests):
    return module_guests("ticket-1")


@pytest.fixture(scope="module")
def second(module_guests):
    return module_guests("ticket-2")


@pytest.fixture(scope="module")
def quick(module_daemons):
    """Nobody is slowed."""
    return module_daemons({**RULES, **QUICK})


def ticket(daemon, guest, *options):
    result = daemon.ctl("ticket", guest.name, *options)
    assert result.status == DONE, result
    assert re.fullmatch(r"[a-z2-7]{32}\n", result.text), result
    return result.text.strip()


@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
def test_ticket_logs_in_once(quick, shared, method):
    word = ticket(quick, shared)
    assert quick.password(shared.name, "status", word, method=method).status == DONE
    assert quick.password(shared.name, "status", word, method=method).status == BROKEN
    record = quick.wait_audit(event="login", login=shared.name, method=method)
    assert record["identity"] == "ticket:user:root", record
    assert word not in quick.log() and word not in str(quick.audit())


def test_ticket_by_uuid(quick, shared):
    assert quick.password(shared.uuid, "status", ticket(quick, shared)).status == DONE


def test_ticket_may_have_several_uses(quick, shared):
    word = ticket(quick, shared, "--uses", "3")
    results = [quick.password(shared.name, "status", word).status for _ in range(4)]
    assert results == [DONE, DONE, DONE, BROKEN]


def test_ticket_ends_at_its_time(quick, shared):
    word = ticket(quick, shared, "--ttl", "6s", "--uses", "9")
    assert quick.password(shared.name, "status", word).status == DONE
    time.sleep(6)
    assert quick.password(shared.name, "status", word).status == BROKEN


def test_ticket_of_another_guest_keeps_its_use(quick, shared, second):
    word = ticket(quick, shared)
    assert quick.password(second.name, "status", word).status == BROKEN
    assert quick.password(shared.name, "status", word).status == DONE


@pytest.mark.parametrize("login", ["vmconsole", "no-such-vm", "{prefix}"])
def test_ticket_names_its_guest_exactly(quick, shared, login):
    word = ticket(quick, shared)
    login = login.format(prefix=shared.uuid[:13])
    assert quick.password(login, "status", word).status == BROKEN


def test_ticket_that_no_rule_lets_in_keeps_its_use(daemons, shared, keys):
    """Rules want a key before it: tried alone it looks wrong, and is still there."""
    daemon = daemons(BOTH)
    word = ticket(daemon, shared)
    assert daemon.password(shared.name, "status", word).status == BROKEN
    assert daemon.password(shared.name, "status", word, key=keys.stranger).status == BROKEN
    assert daemon.password(shared.name, "status", word, key=keys.ed25519).status == DONE
    assert daemon.password(shared.name, "status", word, key=keys.ed25519).status == BROKEN


def test_ticket_of_a_login_that_never_got_in_keeps_its_use(daemons, shared, keys):
    daemon = daemons({**BOTH, "access all": {"who": "ticket", "vms": "*", "allow": "view",
                                             "require": "key+ticket"}})
    word = ticket(daemon, shared)
    for _ in range(2):
        transport = paramiko.Transport((clients.HOST, daemon.port))
        transport.start_client(timeout=20 * SLOW)
        assert transport.auth_password(shared.name, word, fallback=False) == ["publickey"]
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_publickey(
                shared.name, paramiko.Ed25519Key.from_private_key_file(keys.stranger))
        transport.close()
    both = [paramiko.Transport((clients.HOST, daemon.port)) for _ in range(2)]
    for transport in both:
        transport.start_client(timeout=20 * SLOW)
        assert transport.auth_password(shared.name, word, fallback=False) == ["publickey"]
    good = paramiko.Ed25519Key.from_private_key_file(keys.ed25519)
    assert both[1].auth_publickey(shared.name, good) == []
    with pytest.raises(paramiko.AuthenticationException):
        both[0].auth_publickey(shared.name, good)
    for transport in both:
        transport.close()
    daemon.wait_audit("used meanwhile", event="login-refused")


def test_one_use_lets_one_in_however_many_come_at_once(quick, shared):
    word = ticket(quick, shared)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        results = list(pool.map(
            lambda _: quick.password(shared.name, "status", word).status, range(6)))
    assert sorted(results) == [DONE] + [BROKEN] * 5, results


def test_ticket_shows_no_other_guest(quick, shared, second):
    result = quick.password(shared.name, "list", ticket(quick, shared))
    assert result.status == DONE and shared.name in result.text, result
    assert second.name not in result.text, result


def test_console_by_ticket_in_a_terminal(quick, shared):
    """PuTTY, Dropbear and a person at OpenSSH's prompt do the same: one prompt, no echo."""
    word = ticket(quick, shared)
    argv = asking_argv(quick, shared.name, method="keyboard-interactive")
    with Terminal([argv[0], "-e", "none", *argv[1:]], 24, 80) as session:
        session.expect(r"Password \(ticket\): ")
        session.line(word)
        session.expect("serial0")
        ask(session)
        leave(session)
    assert word.encode() not in session.seen


def asking_argv(daemon, login, *command, method):
    """ssh that asks its user."""
    argv = clients.ssh_argv(daemon, login, *command, options=[
        "-o", f"PreferredAuthentications={method}", "-o", "PubkeyAuthentication=no"])
    argv[argv.index("BatchMode=yes")] = "BatchMode=no"
    return argv


@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
def test_sshpass_finds_the_prompt(quick, shared, method):
    """It, and Ansible by it, waits for "assword"; 5 is its word for a wrong one."""
    argv = ["sshpass", "-p", ticket(quick, shared),
            *asking_argv(quick, shared.name, "status", method=method)]
    for status in (DONE, 5):
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                              timeout=30 * SLOW)
        assert done.returncode == status, done


@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
def test_prompt_that_is_not_answered_ends_with_the_grace_time(daemons, shared, method):
    daemon = daemons({**RULES, "ssh": {"login_grace": "2s"}})
    with Terminal(asking_argv(daemon, shared.name, "status", method=method), 24, 80) as session:
        session.expect("assword")
        daemon.wait_log("connection ended: no login within 2 s")
        session.line("")  # ssh reads nothing else while it asks
        assert session.wait() == BROKEN


def test_ticket_wants_the_right_admin(quick, shared):
    result = quick.ssh(shared.name, "ticket")
    assert result.status == DENIED and "admin" in result.errors, result


def test_admin_of_a_guest_makes_tickets_over_ssh(daemons, shared, second):
    daemon = daemons({**RULES, **QUICK, "access admins": {
        "who": "key:*", "vms": shared.name, "allow": "view, admin"}, "access all": None})
    result = daemon.ssh(shared.name, "ticket --ttl 1m --uses 2")
    assert result.status == DONE, result
    assert daemon.password(shared.name, "status", result.text.strip()).status == DONE
    assert daemon.ssh(second.name, "ticket").status in (DENIED, NO_SUCH)
    record = daemon.wait_audit(event="ticket")
    assert record["vm"] == shared.name and "2 uses within 60 s" in record["reason"], record


@pytest.mark.parametrize("options", [
    ["--ttl", "0"], ["--ttl", "8d"], ["--ttl", "soon"], ["--uses", "0"], ["--uses", "1001"],
    ["--uses", "-1"], ["--frob"], ["more"]], ids=" ".join)
def test_bad_words_of_the_verb(quick, shared, options):
    result = quick.ctl("ticket", shared.name, *options)
    assert result.status == USAGE and options[-1].lstrip("-") in result.errors, result


def test_without_a_rule_for_tickets_there_are_none(daemon, shared):
    result = daemon.ctl("ticket", shared.name)
    assert result.status == UNAVAILABLE and "ticket" in result.errors, result
    assert daemon.password(shared.name, "status", "x").status == BROKEN


# Guessing


def guess(daemon, login, word="x" * 32, source=None):
    """One password on one connection: seconds until the answer, or None when cut off."""
    transport = None
    try:
        with socket.create_connection((clients.HOST, daemon.port), 20 * SLOW,
                                      (source, 0) if source else None) as connection:
            transport = paramiko.Transport(connection)
            transport.banner_timeout = transport.auth_timeout = 40 * SLOW
            transport.start_client(timeout=20 * SLOW)
            begun = time.monotonic()
            try:
                transport.auth_password(login, word, fallback=False)
            except paramiko.AuthenticationException:
                return time.monotonic() - begun
            raise AssertionError("the guess was right")
    except (OSError, EOFError, paramiko.SSHException):
        return None
    finally:
        if transport:
            transport.close()


def test_each_wrong_ticket_doubles_the_time_to_the_next_answer(daemons, shared):
    daemon = daemons({**RULES, "auth": {"penalty": "100ms", "penalty_max": "800ms"}})
    times = [guess(daemon, shared.name) for _ in range(6)]
    wanted = [0.25 + delay for delay in (0, 0.1, 0.2, 0.4, 0.8, 0.8)]
    assert all(time >= want - 0.01 for time, want in zip(times, wanted)), times


def test_guesses_at_once_wait_as_long_as_guesses_in_turn(daemons, shared):
    daemon = daemons({**RULES, "auth": {"penalty": "100ms", "penalty_max": "2s"}})
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        times = sorted(pool.map(lambda _: guess(daemon, shared.name), range(8)))
    assert times[-1] >= 2 and statistics.median(times) >= 0.5, times


def test_right_ticket_waits_as_well_so_that_quickness_tells_nothing(daemons, shared):
    daemon = daemons({**RULES, "auth": {"penalty": "1s", "penalty_max": "1s"}})
    guess(daemon, shared.name)
    word, begun = ticket(daemon, shared), time.monotonic()
    assert daemon.password(shared.name, "status", word).status == DONE
    assert time.monotonic() - begun >= 1.2


def test_a_thousand_guesses_are_slowed_and_others_are_not(daemons, shared, keys):
    daemon = daemons({**RULES, "auth": {"penalty": "100ms", "penalty_max": "2s",
                                        "penalty_refuse": "50"}})
    word = ticket(daemon, shared, "--uses", "99", "--ttl", "1h")
    blocks = rounds(4)
    answered, refused, begun = 0, 0, time.monotonic()
    slowest_key = slowest_ticket = 0.0
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for block in range(blocks):
            jobs = [pool.submit(guess, daemon, shared.name, f"{number:032d}")
                    for number in range(block * 250, (block + 1) * 250)]
            # Meanwhile, from elsewhere:
            start = time.monotonic()
            result = daemon.ssh(shared.name, "status", options=["-b", "127.0.0.2"])
            slowest_key = max(slowest_key, time.monotonic() - start)
            assert result.status == DONE, result
            start = time.monotonic()
            result = daemon.password(shared.name, "status", word, source="127.0.0.3")
            slowest_ticket = max(slowest_ticket, time.monotonic() - start)
            assert result.status == DONE, result
            for job in jobs:
                if job.result() is None:
                    refused += 1
                else:
                    answered += 1
    seconds = time.monotonic() - begun
    print(f"{250 * blocks} guesses: {answered} answered, {refused} turned away in {seconds:.0f} s; "
          f"others waited at most {slowest_key:.2f} s by key, {slowest_ticket:.2f} s by ticket")
    assert answered + refused == 250 * blocks
    assert answered <= 50 + 16 + seconds / 60, answered
    assert slowest_key < 5 * SLOW and slowest_ticket < 5 * SLOW
    daemon.wait_log("too many failed logins from there")


def test_failures_are_forgotten(daemons, shared):
    daemon = daemons({**RULES, "auth": {"penalty": "10ms", "penalty_refuse": "3",
                                        "penalty_forget": "5s"}})
    for _ in range(3):
        guess(daemon, shared.name)
    assert not daemon.banner()
    wait_until(daemon.banner, 10, "the source is let in again")


def test_max_auth_tries(daemons, shared):
    daemon = daemons({**RULES, **QUICK, "ssh": {"max_auth_tries": "2"}})
    with socket.create_connection((clients.HOST, daemon.port), 20) as connection:
        transport = paramiko.Transport(connection)
        transport.start_client(timeout=20 * SLOW)
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_password(shared.name, "one", fallback=False)
        with pytest.raises((paramiko.SSHException, EOFError)):
            transport.auth_password(shared.name, "two", fallback=False)
        wait_until(lambda: not transport.is_active(), 5, "the connection is ended")
        transport.close()


def spread(samples):
    return statistics.median(samples), statistics.quantiles(samples, n=4)


def unlike(one, other):
    """Mann-Whitney: how many standard deviations the ranks of one are off the middle."""
    ranks = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    rank_sum = sum(rank for rank, (_, which) in enumerate(ranks, 1) if which == 0)
    n, m = len(one), len(other)
    u = rank_sum - n * (n + 1) / 2
    return (u - n * m / 2) / (n * m * (n + m + 1) / 12) ** 0.5


def guesses(daemon, login, count):
    """So many on one connection: the seconds to each answer."""
    transport = paramiko.Transport((clients.HOST, daemon.port))
    transport.auth_timeout = 40 * SLOW
    transport.start_client(timeout=20 * SLOW)
    times = []
    for _ in range(count):
        begun = time.monotonic()
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_password(login, "x" * 32, fallback=False)
        times.append(time.monotonic() - begun)
    transport.close()
    return times


def compare(daemon, known, unknown, connections, each):
    """Wrong tickets for both, so many on each of so many connections, in parallel: the seconds to
    each answer."""
    times = {known: [], unknown: []}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        jobs = [(login, pool.submit(guesses, daemon, login, each)) for _ in range(connections)
                for login in times]
        for login, job in jobs:
            times[login] += job.result()
    return times[known], times[unknown]


# A sanitizer's own work hides what these measure; what they run is run by others as well.
compares_times = pytest.mark.skipif(SANITIZED, reason="compares times")


@compares_times
@pytest.mark.parametrize("vdsm", ["no", "yes"])
def test_unknown_guest_and_wrong_ticket_take_the_same_time(daemons, shared, vdsm):
    daemon = daemons({**RULES, "ssh": {"max_auth_tries": "20"},
                      "auth": {"penalty": "0", "penalty_refuse": "0", "vdsm_tickets": vdsm}})
    known, unknown = compare(daemon, shared.name, "no-such-vm", 4, 10)
    difference = abs(statistics.median(known) - statistics.median(unknown))
    print("known", spread(known), "unknown", spread(unknown), "z", unlike(known, unknown))
    assert difference < 0.005 or abs(unlike(known, unknown)) < 3.3


def test_libvirt_that_is_slow_does_not_tell_which_guests_there_are(daemons, shared, virt):
    """Whoever is refused is refused at the same time, though libvirt was asked about one of them
    and has not answered yet."""
    daemon = daemons({**RULES, "auth": {"penalty": "0", "penalty_refuse": "0",
                                        "vdsm_tickets": "yes"}})
    daemon.knows(shared)
    virt.freeze()
    try:
        known, unknown = compare(daemon, shared.name, "no-such-vm", 4, 1)
    finally:
        virt.thaw()
    print("known", spread(known), "unknown", spread(unknown))
    assert all(2 <= time < 2 + SLOW for time in known + unknown), (known, unknown)


def test_guesses_at_once_wait_in_turn_though_libvirt_is_slow(daemons, shared, virt):
    """None of them has been judged when the others come."""
    daemon = daemons({**RULES, "auth": {"penalty": "500ms", "penalty_max": "4s",
                                        "vdsm_tickets": "yes"}})
    daemon.knows(shared)
    virt.freeze()
    try:
        with concurrent.futures.ThreadPoolExecutor(5) as pool:
            jobs = [pool.submit(guess, daemon, shared.name) for _ in range(5)]
            time.sleep(1)
            virt.thaw()
            times = sorted(job.result() for job in jobs)
    finally:
        virt.thaw()
    wanted = [2 + delay for delay in (0, 0.5, 1, 2, 4)]
    assert all(time >= want - 0.01 for time, want in zip(times, wanted)), times


def test_unknown_and_forbidden_guest_take_the_same_path_and_time(daemons, shared, second):
    """By a key that may see another guest: same text, same status, and times that cannot be told
    apart with 100 tries of each on one connection."""
    daemon = daemons({"access all": {"vms": second.name}})
    client = clients.paramiko_connect(daemon, "vmconsole")
    answers, times = {}, {shared.name: [], "ticket-9": []}
    for _ in range(10 if SANITIZED else 100):
        for name, samples in times.items():
            channel = client.get_transport().open_session()
            begun = time.perf_counter()
            channel.exec_command(f"status {name}")
            status = channel.recv_exit_status()
            samples.append(time.perf_counter() - begun)
            text = channel.recv_stderr(4096).decode().replace(name, "NAME")
            answers.setdefault(name, set()).add((status, text))
            channel.close()
    client.close()
    forbidden, unknown = times.values()
    assert answers[shared.name] == answers["ticket-9"] and len(answers[shared.name]) == 1, answers
    z = unlike(forbidden, unknown)
    difference = abs(statistics.median(forbidden) - statistics.median(unknown))
    print("forbidden", spread(forbidden), "unknown", spread(unknown), "z", z)
    assert SANITIZED or abs(z) < 3.3 or difference < 0.05 * statistics.median(unknown), (
        z, difference)


# Two factors

OFFERS_MAX = 64  # wire/msg.h

BOTH = {"access all": {"who": "key:*", "vms": "*", "allow": "view, type",
                       "require": "key+ticket"}, **QUICK}


@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
def test_key_and_ticket_together(daemons, shared, keys, method):
    daemon = daemons(BOTH)
    result = daemon.password(shared.name, "status", ticket(daemon, shared), key=keys.ed25519,
                             method=method)
    assert result.status == DONE, (result, daemon.log_tail(10))
    record = daemon.wait_audit(event="login", login=shared.name)
    assert "key:SHA256:" in record["identity"] and "ticket:" in record["identity"], record
    assert daemon.audit(event="login-partial")


def test_ticket_after_all_the_keys_an_agent_may_offer(daemons, shared, keys):
    """Asking what there is, the key that would do and the first factor take no refused one's place."""
    daemon = daemons(BOTH)
    wrong = [keys.make(f"refused{number}", ["-t", "ed25519"]) for number in range(OFFERS_MAX)]
    options = [word for path in [*wrong[1:], keys.ed25519] for word in ("-i", path)]
    result = daemon.password(shared.name, "status", ticket(daemon, shared), key=wrong[0],
                             options=options)
    assert result.status == DONE, (result, daemon.log_tail(10))


def test_neither_factor_alone_is_enough(daemons, shared, keys):
    daemon = daemons(BOTH)
    assert daemon.ssh(shared.name, "status").status == BROKEN
    assert daemon.password(shared.name, "status", ticket(daemon, shared)).status == BROKEN
    result = daemon.password(shared.name, "status", "wrong", key=keys.ed25519)
    assert result.status == BROKEN
    result = daemon.password(shared.name, "status", ticket(daemon, shared), key=keys.stranger)
    assert result.status == BROKEN


def test_ticket_before_the_key_of_its_owner_tells_nothing(daemons, shared):
    """A rule whose `who` is a key is asked for a key first: a right ticket alone looks wrong."""
    daemon = daemons(BOTH)
    transport = paramiko.Transport((clients.HOST, daemon.port))
    transport.start_client(timeout=20 * SLOW)
    with pytest.raises(paramiko.AuthenticationException):
        transport.auth_password(shared.name, ticket(daemon, shared), fallback=False)
    transport.close()


def test_rule_for_tickets_may_want_a_key_behind_it(daemons, shared, keys):
    daemon = daemons({**BOTH, "access all": {"who": "ticket", "vms": "*", "allow": "view",
                                             "require": "key+ticket"}})
    transport = paramiko.Transport((clients.HOST, daemon.port))
    transport.start_client(timeout=20 * SLOW)
    left = transport.auth_password(shared.name, ticket(daemon, shared), fallback=False)
    assert left == ["publickey"], left
    left = transport.auth_publickey(
        shared.name, paramiko.Ed25519Key.from_private_key_file(keys.ed25519))
    assert left == [] and transport.is_authenticated()
    transport.close()
