"""Every stock client can log in, type, read the guest's answer and leave."""

import asyncio
import subprocess
import time

import pytest

from lib import clients, pattern
from lib.proc import SLOW, wait_until
from lib.session import ESCAPE, ask, leave, see, word
from lib.term import Terminal


@pytest.fixture(scope="module")
def shared(module_guests):
    """One guest for the whole file: no test here leaves it changed."""
    return module_guests("clients")


def test_openssh_logs_in_types_reads_and_leaves(daemon, shared):
    with daemon.terminal(shared.name) as session:
        ask(session)
        leave(session)


def test_plink_logs_in_types_reads_and_leaves(daemon, shared):
    with Terminal(clients.plink_argv(daemon, shared.name), env=clients.home(daemon)) as session:
        ask(session)
        leave(session)


def test_dbclient_logs_in_types_reads_and_leaves(daemon, shared):
    with Terminal(clients.dbclient_argv(daemon, shared.name), env=clients.home(daemon)) as session:
        ask(session)
        leave(session)


def test_paramiko_logs_in_types_reads_and_leaves(daemon, shared):
    client = clients.paramiko_connect(daemon, shared.name)
    channel = client.invoke_shell()
    channel.settimeout(15 * SLOW)
    answer = word().encode()
    channel.sendall(b"say " + answer + b"\r")
    got = b""
    while answer + b"\r\n" not in got:
        data = channel.recv(4096)
        assert data, f"ended after {got!r}"
        got += data
    channel.sendall(ESCAPE + b".")
    assert channel.recv_exit_status() == 0
    client.close()


def test_asyncssh_logs_in_types_reads_and_leaves(daemon, shared):
    async def session():
        async with clients.asyncssh_connect(daemon, shared.name) as connection:
            process = await connection.create_process(term_type="xterm", encoding=None)
            answer = word().encode()
            process.stdin.write(b"say " + answer + b"\r")
            await process.stdout.readuntil(answer + b"\r\n")
            process.stdin.write(ESCAPE + b".")
            return (await process.wait()).exit_status
    assert asyncio.run(asyncio.wait_for(session(), 20 * SLOW)) == 0


@pytest.mark.parametrize("argv", [clients.plink_argv, clients.dbclient_argv],
                         ids=["plink", "dbclient"])
def test_other_clients_pipe_a_command_and_read_the_answer(daemon, shared, argv):
    answer = word()
    words = argv(daemon, shared.name)
    words.insert(1, "-T")  # both ask for a terminal even when they have none
    done = subprocess.run(words, input=f"say {answer}\n".encode(),
                          env={"PATH": "/usr/bin:/bin", **clients.home(daemon)},
                          capture_output=True, timeout=30 * SLOW, check=False)
    assert done.returncode == 0, done
    assert f"{answer}\r\n".encode() in done.stdout, done


def test_control_master_carries_ten_channels_at_once(daemon, shared, tmp_path):
    path = tmp_path / "mux"
    master = daemon.pipes(shared.name, options=["-M", "-N", "-S", str(path)])
    with master:
        wait_until(path.exists, 15, "the master connection")
        mux = {"options": ["-S", str(path)]}
        sessions = [daemon.terminal(shared.name, **mux)]
        try:
            # The master writes to this terminal, and may do so before its client has made it raw.
            wait_until(sessions[0].is_raw, 15, "a raw terminal")
            ask(sessions[0])
            sessions += [daemon.terminal(shared.name, **mux) for _ in range(9)]
            for session in sessions[1:]:
                session.expect("you are watching")
            answer = ask(sessions[0])
            for session in sessions[1:]:
                session.expect(answer)
            results = [daemon.ssh(shared.name, "status", **mux) for _ in range(3)]
            assert [result.status for result in results] == [0, 0, 0]
            leave(sessions[0])
            for session in sessions[2:]:
                leave(session)
            ask(sessions[1])
            leave(sessions[1])
        finally:
            for session in sessions:
                session.close()


def test_pipe_prints_the_answer_and_nothing_else(daemon, shared):
    answer = word()
    result = daemon.ssh(shared.name, stdin=f"say {answer}\n".encode())
    assert result.status == 0, result
    assert result.out == f"{answer}\r\nguest> ".encode(), result


def test_pipe_waits_for_output_that_keeps_coming(daemon, shared):
    """Lingering counts from the last byte: an answer of several seconds is not cut."""
    result = daemon.ssh(shared.name, stdin=b"pat 3000\n", seconds=40)
    assert result.status == 0, result
    pattern.assert_same(result.out, pattern.lines(0, 3000) + b"guest> ")


def test_pipe_is_transparent_for_all_byte_values(daemon, shared):
    result = daemon.ssh(shared.name, stdin=b"bin 5000\n")
    assert result.status == 0, result
    pattern.assert_same(result.out, pattern.binary(5000) + b"\r\nguest> ")


def test_no_input_ends_by_itself(daemon, shared):
    begun = time.monotonic()
    result = daemon.ssh(shared.name)
    assert result.status == 0, result
    assert result.out == b"", result
    assert time.monotonic() - begun < 6 * SLOW


def test_no_input_option_stays_and_does_not_type(daemon, guest):
    with daemon.pipes(guest.name, "attach", "--no-input") as watcher, \
            daemon.terminal(guest.name) as writer:
        watcher.send(b"say never-typed\n")
        watcher.end_input()
        see(watcher, writer)
        time.sleep(2)  # longer than linger: it must not end
        see(watcher, writer)
        assert b"never-typed" not in watcher.seen


def test_rekeying_in_both_directions_loses_nothing(daemon, guest):
    with daemon.pipes(guest.name, options=["-o", "RekeyLimit=32K"]) as session:
        session.send(b"pat 4000\r")
        pattern.assert_same(session.expect_bytes(256000, 60), pattern.lines(0, 4000))
        data = pattern.exactly(65536)
        session.expect("guest> ")
        session.send(b"sum 65536\r")
        session.expect("sum ready\r\n")
        session.send(data)
        got = session.expect(r"fnv=(\w{16})", 60)
        assert int(got.group(1), 16) == pattern.fnv1a(data)


def test_keepalive_questions_of_the_client_are_answered(daemon, shared):
    with daemon.terminal(shared.name, options=["-o", "ServerAliveInterval=1", "-o",
                                               "ServerAliveCountMax=1"]) as session:
        ask(session)
        time.sleep(3.5)
        ask(session)
        leave(session)


def test_window_changes_and_environment_are_taken_quietly(daemon, shared):
    with daemon.terminal(shared.name, options=["-o", "SetEnv=LANG=C EDITOR=vi"]) as session:
        ask(session)
        for rows, columns in ((50, 132), (1, 1), (0, 0), (500, 1000)):
            session.resize(rows, columns)
        ask(session)
        leave(session)
