"""Connections that say nothing, from one address: others log in all the same."""

import json
import os
import re
import subprocess
import sys
import time

import pytest

from lib import clients, local_caller
from lib.proc import SLOW, wait_until
from lib.session import BROKEN, DENIED, DONE, USAGE

ELSEWHERE = ["-b", "127.0.0.2"]  # ssh's own address, in the same /24 as everybody's


@pytest.fixture
def crowd():
    """crowd(daemon, count): so many connections from 127.0.0.1 that say nothing."""
    held = []

    def gather(daemon, count):
        for _ in range(count):
            held.append(daemon.raw())
        return held
    yield gather
    for connection in held:
        connection.close()


def is_open(connection):
    """Whether the server keeps it; its greeting may lie there."""
    connection.settimeout(0.05)
    try:
        while True:
            if not connection.recv(255):
                return False
    except TimeoutError:
        return True
    except ConnectionResetError:
        return False


def held_by_server(connections):
    return sum(is_open(connection) for connection in connections)


def words_before_the_end(daemon):
    """What a new connection is told, until it is closed."""
    with daemon.raw() as connection:
        connection.settimeout(10 * SLOW)
        return connection.makefile("rb").read()


def test_five_of_five_logins_from_a_second_address_beside_120_silent_connections(
        daemons, guest, crowd):
    daemon = daemons()
    silent = crowd(daemon, 120)
    wait_until(lambda: held_by_server(silent) == 64, 60, "the rest of them is sent away")
    results = [daemon.ssh(guest.name, "status", options=ELSEWHERE) for _ in range(5)]
    assert [result.status for result in results] == [DONE] * 5, results
    assert held_by_server(silent) == 64
    daemon.wait_log("from 127.0.0.1:.* refused: max_unauthenticated_per_source is reached")
    assert words_before_the_end(daemon) == b"Too many connections. Try again later.\r\n"


def test_silence_until_the_grace_time_is_over_is_a_failure(daemons, guest, crowd):
    daemon = daemons({"ssh": {"login_grace": "2s"}, "auth": {"penalty_refuse": "10"}})
    silent = crowd(daemon, 12)
    wait_until(lambda: held_by_server(silent) == 0, 20, "the grace time has run out")
    daemon.wait_log("connections from 127.0.0.1 are refused from now on")
    assert words_before_the_end(daemon) == b"Too many failed logins from your address.\r\n"
    assert daemon.ssh(guest.name, "status").status == BROKEN
    result = daemon.ssh(guest.name, "status", options=ELSEWHERE)
    assert result.status == DONE, result


def test_client_is_told_why_it_is_ended(daemons, guest):
    """Key exchange done, then nothing: the reason arrives in the protocol's own words."""
    daemon = daemons({"ssh": {"login_grace": "2s"}})
    transport = clients.paramiko.Transport((clients.HOST, daemon.port))
    transport.start_client(timeout=20 * SLOW)
    wait_until(lambda: not transport.is_active(), 20, "it is ended")
    transport.close()
    daemon.wait_audit("asked nothing until its time to log in was over", event="login-refused",
                      source="127.0.0.1")
    daemon.wait_log("connection ended: no login within 2 s")
    assert daemon.ssh(guest.name, "status").status == DONE


def probe_bare(daemon):
    daemon.raw().close()


def probe_greeting(daemon):
    """As monitoring does it: takes the greeting, says its own, goes."""
    with daemon.raw() as connection:
        connection.settimeout(20 * SLOW)
        assert connection.recv(255).startswith(b"SSH-2.0-")
        connection.sendall(b"SSH-2.0-check_ssh_2.4\r\n")


def probe_keyscan(daemon):
    done = subprocess.run(["ssh-keyscan", "-p", str(daemon.port), clients.HOST],
                          capture_output=True, check=True, timeout=60 * SLOW)
    assert done.stdout.count(clients.HOST.encode()) >= 2, done


@pytest.mark.parametrize("probe, count", [(probe_bare, 300), (probe_greeting, 150),
                                          (probe_keyscan, 25)])
def test_bare_probes_are_no_failures(daemons, guest, probe, count):
    """Far more of them than failures after which a source is refused."""
    daemon = daemons({"auth": {"penalty_refuse": "5"}})
    for _ in range(count):
        probe(daemon)
        time.sleep(0.005)
    for options in ([], ELSEWHERE):
        result = daemon.ssh(guest.name, "status", options=options)
        assert result.status == DONE, result
    assert "are refused from now on" not in daemon.log()


# vmconsolectl sources


def test_sources_lists_penalties_and_lifts_them(daemons, guest, crowd):
    daemon = daemons({"ssh": {"login_grace": "2s"}, "auth": {"penalty_refuse": "10"}})
    assert re.fullmatch(r"uid \d+ +1 connected, 0 of them not logged in\n",
                        daemon.ctl("sources").text)
    silent = crowd(daemon, 12)
    listed = json.loads(daemon.ctl("sources", "--json").text)
    assert {"source": "127.0.0.1", "connections": 12, "unauthenticated": 12} in \
        listed["connected"] and listed["penalties"] == []
    wait_until(lambda: held_by_server(silent) == 0, 20, "the grace time has run out")
    wait_until(lambda: len(json.loads(daemon.ctl("sources", "--json").text)["penalties"]) == 2, 10,
               "the address and its net are listed")
    own, net = json.loads(daemon.ctl("sources", "--json").text)["penalties"]
    assert (own["source"], own["net"], own["failures"]) == ("127.0.0.1", False, 12)
    assert 120 < own["refused_for"] <= 180 and own["delay"] == 10
    assert (net["source"], net["net"], net["failures"]) == ("127.0.0.0/24", True, 12)
    assert net["refused_for"] == 0
    assert re.match(r"127\.0\.0\.1 +12 failures, answers delayed by 10\.000 s, refused for 1\d\d s\n"
                    r"127\.0\.0\.0/24 +12 failures, answers delayed by 0\.500 s\n",
                    daemon.ctl("sources").text)
    assert daemon.ssh(guest.name, "status").status == BROKEN
    assert daemon.ctl("sources", "--clear", "127.0.0.1").status == DONE
    daemon.wait_log("user:.* lifts the penalty of 127.0.0.1")
    result = daemon.ssh(guest.name, "status")
    assert result.status == DONE, result
    assert json.loads(daemon.ctl("sources", "--json").text)["penalties"] == []


def test_sources_is_for_administrators_and_wants_an_address(daemons):
    daemon = daemons({"access all": {"allow": "view, admin"}})
    assert daemon.ssh("vmconsole", "sources").status == DENIED
    result = daemon.ctl("sources", "--clear", "somewhere")
    assert result.status == USAGE and "invalid address somewhere" in result.errors


# local users

LOCAL = r"""
import os, socket, struct, sys, time
path, what, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
message = bytes([int(sys.argv[4])]) + struct.pack("=BH", int(sys.argv[5]), 200) + bytes([1]) * 200
held = []
for _ in range(count):
    line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        line.connect(path)
        if what == "try":
            line.send(message)
            while line.recv(4096):
                pass
    except OSError:
        pass
    held.append(line)
    if what == "try":
        line.close()
print("done", flush=True)
sys.stdin.read()
"""


def as_local(daemon, uid, what, count):
    """A program of another user: count times it tries to log in, or connects and says nothing."""
    argv = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--", sys.executable,
            "-c", LOCAL, f"{daemon.dir}/run/control", what, str(count),
            str(local_caller.TYPES["AUTH"]), str(local_caller.METHODS["PEER"])]
    program = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/")
    return program


needs_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root, for other users")


@needs_root
def test_flood_of_refused_local_logins_is_a_few_records_and_lines(daemons):
    daemon = daemons({"daemon": {"log_level": "info"}})
    since = len(daemon.log())
    with as_local(daemon, 65534, "try", 3000) as program:
        assert program.stdout.readline() == b"done\n"
        program.stdin.close()
    daemon.stop()
    records = daemon.audit(event="login-refused", source="local")
    assert len(records) <= 20 + 2 * 5, "a few of a window's own, and two of each later one"
    assert sum(record.get("count", 1) for record in records) == 3000
    assert all(len(json.dumps(record)) < 1500 for record in records)
    assert len(daemon.log()) - since < 40000


@needs_root
def test_crowds_of_local_users_keep_out_neither_root_nor_the_daemons_own(daemons, user):
    daemon = daemons({"access all": {"who": "user:*"}})
    crowds = [as_local(daemon, 65000 + number, "hold", 64) for number in range(6)]
    try:
        for program in crowds:
            assert program.stdout.readline() == b"done\n"
        # One more of a user who has taken all his slots: he is told.
        assert local_caller.call(daemon, local_caller.wait(20), uid=65000) == ["BYE"]
        for as_user in (None, user):
            results = [daemon.ctl("list", as_user=as_user) for _ in range(5)]
            assert [result.status for result in results] == [DONE] * 5, results
        # and a third one, who has done nothing, finds a slot too
        wait_until(lambda: local_caller.call(daemon, local_caller.auth("PEER"), uid=64000)
                   == ["accepted"], 10, "a slot for another user")
    finally:
        for program in crowds:
            program.kill()
            program.communicate()
