"""ovirt-vmconsole's helper commands, and groups of guests."""

import json
import os
import time

import pytest

from lib.proc import wait_until
from lib.session import BROKEN, DENIED, DONE, NO_SUCH, ask


@pytest.fixture(scope="module")
def shared(module_guests):
    return module_guests("ext-1")


@pytest.fixture(scope="module")
def second(module_guests):
    return module_guests("ext-2")


def key_list(*entries):
    return json.dumps({"version": 1, "content": "key_list", "keys": [
        {"entityid": number, "entity": name, "key": line} for number, name, line in entries]})


def console_list(*guests):
    return json.dumps({"version": 1, "content": "console_list", "consoles": [
        {"vmid": guest.uuid, "vm": guest.name, "host": "h", "console": "default"}
        for guest in guests]})


class Helper:
    """A program that prints what stands in files, and notes how it was run."""

    def __init__(self, daemon, keys="", consoles="", body=""):
        self.daemon, self.dir = daemon, daemon.user.mkdir(f"{daemon.dir}/helper", 0o755)
        self.path = f"{self.dir}/helper"
        self.answer("keys", keys)
        self.answer("consoles", consoles)
        daemon.user.write(self.path, f"""#!/bin/sh
{{ echo "$@"; env; id -u; ls /proc/self/fd | wc -l; }} >>{self.dir}/runs.$$
mv {self.dir}/runs.$$ {self.dir}/run.$$.$(date +%s%N)
{body}
case "$*" in *consoles*) cat {self.dir}/consoles;; *) cat {self.dir}/keys;; esac
""", mode=0o755)

    def answer(self, name, text):
        self.daemon.user.write(f"{self.dir}/{name}", text)

    def runs(self):
        names = sorted(name for name in os.listdir(self.dir) if name.startswith("run."))
        return [open(f"{self.dir}/{name}", encoding="utf-8").read() for name in names]

    def use(self, consoles=False, **auth):
        self.daemon.configure({"auth": {
            "authorized_keys": None, "key_command": f"{self.path} --version={{version}} keys",
            "console_command": f"{self.path} --version={{version}} consoles "
                               "--entityid={entityid}" if consoles else None, **auth}})
        assert self.daemon.ctl("reload").status == DONE, self.daemon.log_tail(10)


def entity_daemon(daemons):
    return daemons({"access all": {"who": "entity:*", "vms": "*", "allow": "view, type"},
                    "auth": {"penalty": "0"}})


def test_key_command_says_whose_key_it_is(daemons, shared, keys):
    daemon = entity_daemon(daemons)
    helper = Helper(daemon, key_list(["id-1", "alice@internal", keys.line(keys.ed25519)]))
    helper.use()
    assert daemon.ssh(shared.name, "status").status == DONE, daemon.log_tail(10)
    assert daemon.ssh(shared.name, "status", key=keys.other).status == BROKEN
    assert daemon.wait_audit(event="login", login=shared.name)["identity"] == \
        "entity:alice@internal"
    run = helper.runs()[0].splitlines()
    assert run[0] == "--version=1 keys" and str(daemon.user.uid) in run, run
    names = {line.split("=")[0] for line in run[1:] if "=" in line}
    assert names <= {"PATH", "PWD", "SHLVL", "_", "OLDPWD"}, names


def test_answer_is_cached(daemons, shared, keys):
    daemon = entity_daemon(daemons)
    helper = Helper(daemon, key_list(["1", "alice", keys.line(keys.ed25519)]))
    helper.use(command_cache="1h")
    for _ in range(3):
        assert daemon.ssh(shared.name, "status").status == DONE
    assert len(helper.runs()) == 1


def test_cache_ends(daemons, shared, keys):
    daemon = entity_daemon(daemons)
    helper = Helper(daemon, key_list(["1", "alice", keys.line(keys.ed25519)]))
    helper.use(command_cache="1s")
    assert daemon.ssh(shared.name, "status").status == DONE
    helper.answer("keys", key_list())
    wait_until(lambda: daemon.ssh(shared.name, "status").status == BROKEN, 10, "the key is gone")


def test_console_command_limits_what_an_entity_sees(daemons, shared, second, keys):
    daemon = entity_daemon(daemons)
    helper = Helper(daemon, key_list(["id 7", "bob", keys.line(keys.ed25519)]),
                    console_list(shared))
    helper.use(consoles=True)
    assert daemon.ssh(shared.name, "status").status == DONE, daemon.log_tail(10)
    assert daemon.ssh(second.name, "status").status == NO_SUCH
    result = daemon.ssh("ovirt-vmconsole", "list")
    assert shared.name in result.text and second.name not in result.text, result
    assert any(run.splitlines()[0] == "--version=1 consoles --entityid=id 7"
               for run in helper.runs()), helper.runs()


@pytest.mark.parametrize("answer", [
    "", "no json", "[]", '{"version":2,"content":"key_list","keys":[]}',
    '{"version":1,"content":"console_list","consoles":[]}', '{"version":1,"content":"key_list"}',
    '{"version":1,"content":"key_list","keys":[{"entity":"x"}]}'])
def test_wrong_answers_are_refused_as_a_whole(daemons, shared, keys, answer):
    daemon = entity_daemon(daemons)
    Helper(daemon, answer).use()
    assert daemon.ssh(shared.name, "status").status == BROKEN
    daemon.wait_log("key_command: ")


@pytest.mark.parametrize("body, reason", [
    ("exit 3", "status 3"), ("kill -9 $$", "signal 9"), ("sleep 60", "too long"),
    ("sleep 60 & exec sleep 60", "too long"), ("yes | head -c 20000000", "too much")])
def test_failing_commands_are_ended_and_told(daemons, shared, keys, body, reason):
    daemon = entity_daemon(daemons)
    helper = Helper(daemon, key_list(["1", "alice", keys.line(keys.ed25519)]), body=body)
    helper.use(command_timeout="1s")
    began = time.monotonic()
    assert daemon.ssh(shared.name, "status").status == BROKEN
    assert time.monotonic() - began < 20
    daemon.wait_log(f"key_command: .*{reason}")
    assert daemon.ctl("list").status == DONE


@pytest.mark.parametrize("what, mode, reason", [
    ("helper/helper", 0o775, "others may write to it"),
    ("helper", 0o777, "others may write to the folder")])
def test_command_that_others_may_change_is_not_run(daemons, shared, keys, what, mode, reason):
    """Whoever writes its answer says who may log in."""
    daemon = entity_daemon(daemons)
    helper = Helper(daemon, key_list(["1", "alice", keys.line(keys.ed25519)]))
    os.chmod(f"{daemon.dir}/{what}", mode)
    helper.use()
    assert daemon.ssh(shared.name, "status").status == BROKEN
    daemon.wait_log(f"key_command: .*{reason}")
    assert not helper.runs()


def test_other_sources_do_not_wait_for_a_command_that_hangs(daemons, shared, keys):
    daemon = entity_daemon(daemons)
    helper = Helper(daemon, key_list(), body="sleep 60")
    helper.use(command_timeout="20s")
    with daemon.pipes(shared.name, "status"):
        began = time.monotonic()
        assert daemon.ctl("list").status == DONE
        assert time.monotonic() - began < 5


def test_shell_signs_are_words(daemons, shared, keys):
    daemon = entity_daemon(daemons)
    helper = Helper(daemon, key_list(["1", "alice", keys.line(keys.ed25519)]))
    helper.use(key_command=f"{helper.path} $(touch {helper.dir}/owned) %3B id | >x")
    assert daemon.ssh(shared.name, "status").status == DONE
    assert helper.runs()[0].splitlines()[0] == f"$(touch {helper.dir}/owned) ; id | >x"
    assert not os.path.exists(f"{helper.dir}/owned")


# Groups


def test_rules_name_groups_of_the_metadata(daemons, guests):
    guest = guests()
    guest.set_groups("web", "test")
    daemon = daemons({"access all": {"vms": "group:web"}})
    wait_until(lambda: daemon.ssh(guest.name, "status").status == DONE, 10, "the group is seen")
    daemon.configure({"access all": {"vms": "group:we"}})
    assert daemon.ctl("reload").status == DONE
    assert daemon.ssh(guest.name, "status").status == NO_SUCH


def test_change_of_the_metadata_counts_for_live_sessions(daemons, guests):
    guest = guests()
    daemon = daemons({"access all": {"vms": "group:w*"}})
    assert daemon.ssh(guest.name, "status").status == NO_SUCH
    guest.set_groups("web")
    wait_until(lambda: daemon.ssh(guest.name, "status").status == DONE, 10, "the group is seen")
    with daemon.terminal(guest.name) as session:
        session.expect("serial0")
        ask(session)
        guest.set_groups("db")
        session.expect("the right to view VM .* was withdrawn")
        assert session.wait(10) == DENIED


def test_rules_name_hypervisors(daemons, shared):
    daemon = daemons({"access all": {"vms": "hypervisor:te*"}})
    wait_until(lambda: daemon.ssh(shared.name, "status").status == DONE, 10, "it is seen")
    daemon.configure({"access all": {"vms": "hypervisor:other"}})
    assert daemon.ctl("reload").status == DONE
    assert daemon.ssh(shared.name, "status").status == NO_SUCH


def test_explain_knows_groups(daemons, guests):
    guest = guests()
    guest.set_groups("web")
    daemon = daemons({"access all": {"vms": "group:web", "who": "user:alice"}})
    wait_until(lambda: "all" in daemon.ctl("explain", "user:alice", guest.name).text, 10,
               "the section is named")
    text = daemon.ctl("explain", "user:alice", guest.name).text
    assert "view" in text and "group:web" in text, text
