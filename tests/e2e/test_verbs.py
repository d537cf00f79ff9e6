"""list, status, who, help; the login vmconsole; vmconsolectl."""

import copy
import json
import os
import re
import shutil
import subprocess

import pytest

from lib import schema
from lib.daemon import Daemon
from lib.proc import HERE, SLOW
from lib.session import (DENIED, DONE, NO_SUCH, UNAVAILABLE, USAGE, ask, leave, parse_json,
                         rows_of, see, walk)
from lib.term import Terminal

HOST = "vmconsole"


@pytest.fixture(scope="module")
def pair(module_guests):
    """One guest that runs, one that is off. No test here changes that."""
    return module_guests("verbs-on"), module_guests("verbs-off", start=False)


def test_list_shows_name_uuid_and_state(daemon, pair):
    text = daemon.ssh(HOST, "list").text
    for guest, state in zip(pair, ("running", "off")):
        row = next(line for line in text.split("\n") if guest.name in line)
        assert guest.uuid in row and state in row, row


def test_list_in_json(daemon, pair):
    data = parse_json(daemon.ssh(HOST, "list", "--json"))
    for guest, state in zip(pair, ("running", "off")):
        row, = rows_of(data, guest.name)
        assert guest.uuid in row.values(), row
        assert any(isinstance(value, str) and state in value for value in row.values()), row


def test_answers_in_json_are_as_documented(daemons, pair):
    """Those of dumps: tests/e2e/test_dump.py."""
    daemon = daemons({"access all": {"allow": "view, type, force, control, log, power, admin"},
                      "access tickets": {"who": "ticket", "vms": "*", "allow": "view"}})
    name = pair[0].name
    daemon.knows(*pair)

    def ask_for(title, *words):
        result = daemon.ctl(*words, "--json", seconds=40)
        assert result.status == (UNAVAILABLE if title == "doctor" else DONE), result
        return schema.check(title, json.loads(result.out))

    assert ask_for("status of the host", "status")["json"] == 1
    ask_for("status of a VM", "status", name)
    with daemon.terminal(name) as session:
        ask(session)
        ask_for("break, sysrq, nmi", "break", name)
        assert ask_for("wait", "wait", name, "guest> ", "--from", "start")["pattern"] == 0
        assert ask_for("wait", "wait", name, "--quiet", "200ms")["pattern"] is None
        ask_for("who", "who")
    ask_for("send", "send", name, "--enter", "say once")
    ask_for("send", "send", name, "--enter", "--wait", "more$", "say more")
    lease = ask_for("lease", "lease", name)
    assert {row["mode"] for row in ask_for("who", "who", name)} == {"leases"}
    assert ask_for("status of a VM", "status", name)["consoles"][0]["lease"]
    assert daemon.ctl("lease", name, "--release", lease["token"]).status == DONE
    assert ask_for("list", "list") and ask_for("status of a VM", "status", pair[1].name)
    ask_for("power", "power", name, "resume")
    ask_for("ticket", "ticket", name)
    daemon.password(name, "list", "a" * 32)
    assert ask_for("sources", "sources")["penalties"]
    with daemon.pipes(name) as session:
        ask(session)
        assert ask_for("top", "top")["sessions"]
    assert ask_for("doctor", "doctor", pair[1].name)["findings"]


def test_list_is_the_same_under_the_login_of_a_guest(daemon, pair):
    assert daemon.ssh(pair[0].name, "list").text == daemon.ssh(HOST, "list").text


def test_list_shows_only_what_one_may_see(daemons, pair, keys):
    daemon = daemons({"access all": {"vms": "*-on"}})
    text = daemon.ssh(HOST, "list").text
    assert pair[0].name in text and pair[1].name not in text


def test_status_tells_state_and_offset(daemon, pair):
    with daemon.terminal(pair[0].name) as session:
        ask(session)
        result = daemon.ssh(pair[0].name, "status")
        assert result.status == DONE and "running" in result.text, result
        assert re.search(r"\d+", result.text)
        before = next_offset(daemon, pair[0])
        ask(session)
        assert next_offset(daemon, pair[0]) - before == len("word00000\r\nguest> ")


def next_offset(daemon, guest):
    data = parse_json(daemon.ssh(guest.name, "status", "--json"))
    offset, = [item["next"] for item in walk(data) if isinstance(item, dict) and "next" in item]
    return offset


def test_status_of_a_guest_that_is_off(daemon, pair):
    result = daemon.ssh(pair[1].name, "status")
    assert result.status == DONE and "off" in result.text, result


def test_status_names_people_only_to_those_who_may_view(daemons, guest, keys):
    """`log` alone shows what was printed, not who is there."""
    mark = keys.fingerprint(keys.other)
    daemon = daemons({"access all": {"who": f"key:{keys.fingerprint(keys.ed25519)}"},
                      "access readers": {"who": f"key:{mark}", "vms": "*", "allow": "log"}})
    with daemon.terminal(guest.name) as session:
        ask(session)
        name = keys.fingerprint(keys.ed25519)
        for words in (["status"], ["status", "--json"]):
            assert name in daemon.ssh(guest.name, *words).text
            result = daemon.ssh(guest.name, *words, key=keys.other)
            assert result.status == DONE and guest.uuid in result.text, result
            assert name not in result.text and "keyboard" not in result.text, result


def test_verb_that_finds_no_memory_does_not_leave_the_client_waiting(
        user, programs, virt, keys, guests, tmp_path):
    """Copying a string with this name in it fails, as it does when memory is full."""
    daemon = NoMemory(user, programs, virt, keys).preload(tmp_path)
    guest = guests("no-memory", start=False)
    try:
        daemon.start()
        daemon.knows(guest)
        result = daemon.ssh(guest.name, "status")
        assert result.status == DONE and guest.uuid in result.text, result
    finally:
        daemon.finish()


class NoMemory(Daemon):
    SOURCE = """
        #include <errno.h>
        #include <stdlib.h>
        #include <string.h>
        char *strdup(const char *from)
        {
            size_t len = strlen(from) + 1;
            char *to = strncmp(from, "no-memory", 9) == 0 ? NULL : malloc(len);
            if (!to)
                errno = ENOMEM;
            return to ? memcpy(to, from, len) : NULL;
        }
        """

    def preload(self, folder):
        """The library that fails, where the daemon's user can read it."""
        source, library = folder / "strdup.c", f"{self.dir}/strdup.so"
        source.write_text(self.SOURCE)
        subprocess.run(["cc", "-shared", "-fPIC", "-fno-builtin", "-o", library, source],
                       check=True)
        self.virt = copy.copy(self.virt)
        self.virt.env = dict(self.virt.env, LD_PRELOAD=library,
                             ASAN_OPTIONS="verify_asan_link_order=0")
        return self


def test_who_lists_sessions_with_identity_and_mode(daemon, pair, keys):
    with daemon.terminal(pair[0].name) as first:
        ask(first)
        with daemon.terminal(pair[0].name, key=keys.other) as second:
            see(second, first)
            text = daemon.ssh(pair[0].name, "who").text
            data = parse_json(daemon.ssh(pair[0].name, "who", "--json"))
    values = [value for value in walk(data) if isinstance(value, str)]
    for key, mode in ((keys.ed25519, "writes"), (keys.other, "waits")):
        row = next(line for line in text.split("\n") if keys.fingerprint(key) in line)
        assert mode in row, text
        assert any(keys.fingerprint(key) in value for value in values), data


def test_help_names_every_verb_and_each_has_its_own(daemon, pair):
    text = daemon.ssh(pair[0].name, "help").text
    for verb in ("attach", "list", "status", "who", "help"):
        assert re.search(rf"\b{verb}\b", text), text
        own = daemon.ssh(pair[0].name, "help", verb)
        assert own.status == DONE and verb in own.text, own
    assert "--read-only" in daemon.ssh(pair[0].name, "help", "attach").text
    assert '    example: ssh -p 2222 web-1@host "power reset"\n' in \
        daemon.ssh(pair[0].name, "help", "power").text
    assert "    example: vmconsolectl log web-1 --since 10m\n" in daemon.ctl("help", "log").text
    assert '    example: ssh -p 2222 vmconsole@host "list --json"\n' in \
        daemon.ssh(pair[0].name, "help", "list").text
    assert daemon.ssh(pair[0].name, "help", "nonsense").status == USAGE


@pytest.mark.parametrize("verb", ["list", "status", "who"])
def test_json_is_one_document_on_standard_output(daemon, pair, verb):
    result = daemon.ssh(pair[0].name, verb, "--json")
    json.loads(result.out)
    assert result.err == b""


# The login vmconsole


@pytest.mark.parametrize("login", [HOST, "ovirt-vmconsole"])
def test_menu_shows_guests_and_connects(daemon, pair, login):
    with daemon.terminal(login) as session:
        shown = session.expect(rf"\n *(\d+) [^\r\n]*{pair[0].name}\r\n")
        assert pair[1].name.encode() in session.seen
        session.line(shown.group(1))
        session.expect("serial0")
        ask(session)


def test_menu_can_be_left(daemon, pair):
    with daemon.terminal(HOST) as session:
        session.expect(pair[0].name)
        session.line("q")
        assert session.wait() == DONE


def test_menu_finds_guests_by_a_part_of_their_name(daemon, pair):
    with daemon.terminal(HOST) as session:
        session.expect("q to leave: ")
        session.line("ERBS-O")
        found = session.expect(r"(.*)q to leave: ").group(1)
        assert all(guest.name.encode() in found for guest in pair), found
        session.line("rbs-on")
        found = session.expect(r"(.*)q to leave: ").group(1)
        assert re.search(rf"\n +1  running +{pair[0].name}\r\n".encode(), found), found
        assert pair[1].name.encode() not in found
        session.line("1")
        session.expect("serial0")
        ask(session)


def test_menu_is_shown_in_pages(daemon, pair):
    """Of a row each; guests of other tests may be among them."""
    page = rb" +(\d+) +(\S+) +(\S+)\r\n([^\n]*)q to leave: "
    shown, numbers, prompt = {}, [], b"Enter goes on"
    with daemon.terminal(HOST, rows=3) as session:
        while b"Enter goes on" in prompt:
            number, state, name, prompt = session.expect(page).groups()
            shown[name.decode()] = number.decode(), state
            numbers.append(int(number))
            session.line("")
        assert b"Enter for the list" in prompt
        assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) >= 2
        assert shown[pair[0].name][1] == b"running" and shown[pair[1].name][1] == b"off"
        assert session.expect(page).group(1) == b"1"
        session.line(shown[pair[0].name][0])
        session.expect("serial0")


def test_menu_survives_nonsense(daemon, pair):
    with daemon.terminal(HOST) as session:
        session.expect(pair[1].name)
        for nonsense in (b"99999999999999999999999", b"-1", b"nosuchvm", b"\xff\x1b[A\x00" * 50):
            session.line(nonsense)
        session.line(b"q")
        assert session.wait() == DONE


@pytest.mark.parametrize("option", ["--vm-id", "--vm-name"])
def test_connect_verb_of_the_host_login(daemon, pair, option):
    value = pair[0].uuid if option == "--vm-id" else pair[0].name
    with daemon.terminal(HOST, "connect", f"{option}={value}") as session:
        ask(session)
        leave(session)
    result = daemon.ssh(HOST, "connect", f"{option}=nosuchvm")
    assert result.status == NO_SUCH, result


def test_list_in_the_shapes_of_ovirt_vmconsole(daemon, pair):
    on, off = pair
    plain = daemon.ssh("ovirt-vmconsole", "list", "--format", "plain")
    assert f"{on.uuid}\t{on.name}\n" in plain.text and off.name not in plain.text, plain
    shown = daemon.ssh("ovirt-vmconsole", "list", "--format=json")
    data = parse_json(shown)
    assert data["content"] == "console_list" and data["version"] == 1, data
    row, = rows_of(data["consoles"], on.name)
    assert row == {"console": f"{on.uuid}.sock", "host": "test", "vm": on.name, "vmid": on.uuid}
    assert shown.text == json.dumps(data, indent=4, sort_keys=True) + "\n"
    assert daemon.ssh("ovirt-vmconsole", "list --format xml").status == USAGE


def test_info_says_which_program_it_is(daemon):
    plain = daemon.ssh("ovirt-vmconsole", "info")
    data = schema.check("info", parse_json(daemon.ctl("info", "--json")))
    assert plain.text == f"package=vmconsoled\nversion={data['version']}\n"


def test_connect_without_a_guest_is_the_menu(daemon, pair):
    with daemon.terminal("ovirt-vmconsole", "connect") as session:
        shown = session.expect(rf"\n *(\d+) [^\r\n]*{pair[0].name}\r\n")
        session.line(shown.group(1))
        session.expect("serial0")
        ask(session)
    assert daemon.ssh("ovirt-vmconsole", "connect").status == USAGE


def test_host_login_without_terminal_and_command_explains_itself(daemon, pair):
    result = daemon.ssh(HOST)
    assert result.status in (DONE, USAGE), result
    assert result.out + result.err


# vmconsolectl


def test_ctl_lists_and_tells_status(daemon, pair):
    result = daemon.ctl("list")
    assert result.status == DONE and pair[0].name in result.text, result
    assert rows_of(parse_json(daemon.ctl("list", "--json")), pair[0].name)
    result = daemon.ctl("status", pair[0].name)
    assert result.status == DONE and "running" in result.text, result
    assert daemon.ctl("status", "nosuchvm").status == NO_SUCH


def test_ctl_shows_who_is_connected(daemon, pair, keys):
    with daemon.terminal(pair[0].name) as session:
        ask(session)
        result = daemon.ctl("who", pair[0].name)
        assert keys.fingerprint(keys.ed25519) in result.text, result


def test_ctl_attach_is_a_console_session(daemon, pair):
    with Terminal(daemon.ctl_argv("attach", pair[0].name)) as session:
        ask(session)
        leave(session)


def test_ctl_attach_in_a_pipe(daemon, pair):
    result = daemon.ctl("attach", pair[0].name, stdin=b"say by-ctl\n")
    assert result.status == DONE, result
    assert result.out == b"by-ctl\r\nguest> ", result


COMPLETION = f"{HERE}/../../../packaging/completion"
# What each shell does when Tab is pressed behind these words.
PRESS_TAB = {
    "bash": 'source "$0/vmconsolectl.bash"; COMP_WORDS=(vmconsolectl "$@" ""); '
            'COMP_CWORD=$(($# + 1)); _vmconsolectl; printf "%s\\n" "${COMPREPLY[@]}"',
    "zsh": 'compadd() { print -l $found }; words=(vmconsolectl "$@" ""); CURRENT=$(($# + 2)); '
           'source "$0/_vmconsolectl"'}


@pytest.fixture
def press_tab(daemon, programs, tmp_path):
    """press_tab(shell, words): what it offers behind them, word by word."""
    def press(shell, *words):
        if not shutil.which(shell):
            pytest.skip(f"{shell} is not installed")
        done = subprocess.run(
            [shell, "-c", PRESS_TAB[shell], COMPLETION, "-S", f"{daemon.dir}/run/control", *words],
            env={"PATH": f"{programs.dir}:/usr/bin:/bin"}, cwd=tmp_path, capture_output=True,
            check=True, timeout=60 * SLOW)
        return set(done.stdout.decode().split())
    return press


@pytest.mark.parametrize("shell", PRESS_TAB)
def test_completion_knows_verbs_and_guests(pair, press_tab, shell):
    assert {"attach", "wait", "top"} <= press_tab(shell)
    assert {guest.name for guest in pair} <= press_tab(shell, "attach")


HARM = "$(touch${IFS}harm);exit"


@pytest.mark.parametrize("shell, offered", [
    ("bash", r"\$\(touch\$\{IFS\}harm\)\;exit"),
    ("zsh", HARM)])  # whose compadd quotes what it is given
def test_completion_runs_nothing_that_a_name_says(daemon, guests, press_tab, tmp_path, shell, offered):
    daemon.knows(guests(HARM, start=False))
    assert offered in press_tab(shell, "attach")
    assert os.listdir(tmp_path) == []


def test_ctl_explains_which_rule_allows_what(daemons, pair, keys):
    mark = keys.fingerprint(keys.ed25519)
    daemon = daemons({"access all": None,
                      "access lookers": {"who": f"key:{mark}", "vms": "verbs-*", "allow": "view"},
                      "access typists": {"who": "key:*", "vms": "verbs-on", "allow": "type"}})
    result = daemon.ctl("explain", f"key:{mark}", "verbs-on")
    assert result.status == DONE, result
    for word in ("lookers", "typists", "view", "type"):
        assert word in result.text, result
    result = daemon.ctl("explain", f"key:{mark}", "verbs-off")
    assert result.text.split("\n")[1].endswith(": view"), result
    data = schema.check("explain", parse_json(daemon.ctl("explain", f"key:{mark}", "verbs-off", "--json")))
    assert data["rights"] == ["view"] and data["key"].startswith(daemon.authorized_keys), data
    found = {section["section"]: section for section in data["sections"]}
    assert found["lookers"]["allows"] and not found["typists"]["allows"], data
    assert (found["typists"]["rights"], found["typists"]["vms"]) == (["type"], None)


def test_ctl_explains_whether_a_key_could_log_in(daemons, pair, keys):
    daemon = daemons({"access batch": {"who": "key:*", "vms": "verbs-*", "allow": "view"}})
    known, limited, unknown = (keys.fingerprint(key)
                               for key in (keys.ed25519, keys.other, keys.stranger))
    daemon.authorize([keys.line(keys.ed25519), f'access="batch" {keys.line(keys.other)}'])
    assert daemon.ctl("reload").status == DONE

    def lines(user):
        result = daemon.ctl("explain", user, "verbs-on")
        assert result.status == DONE, result
        return result.text.split("\n")
    first, second = lines(f"key:{known}")[:2]
    assert first.startswith(f"{daemon.authorized_keys}:1 has this key"), first
    assert second.endswith(": view, type, force, control, log"), second
    # What its line says holds: one section only.
    first, second = lines(f"key:{limited}")[:2]
    assert first.startswith(f"{daemon.authorized_keys}:2 has this key"), first
    assert second.endswith(": view"), second
    assert lines(f"key:{unknown}")[0] == ("no file of authorized_keys has this key: it cannot log "
                                          "in until one has")
    for impossible in ("key:SHA256:tooshort", "key:MD5:16:27:ac:a5:76:28:2d:36", "key:SHA256:*"):
        result = daemon.ctl("explain", impossible, "verbs-on")
        assert result.status == USAGE and not result.text, result
        assert (f"explain: {impossible}: no key has such a fingerprint: it is SHA256: and 43 "
                "characters") in result.errors, result


def test_ctl_rights_of_an_ordinary_user_come_from_the_rules(daemons, pair, user):
    if not user.switch:
        pytest.skip("needs a second uid")
    stranger = type("Stranger", (), {"argv": staticmethod(lambda argv: [
        "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--", *argv])})
    daemon = daemons({"access local": {"who": "user:nobody", "vms": "verbs-on", "allow": "view"}})
    user.own(daemon.file, 0o644)
    result = daemon.ctl("list", as_user=stranger)
    assert result.status == DONE, result
    assert "verbs-on" in result.text and "verbs-off" not in result.text, result
    assert daemon.ctl("status", "verbs-off", as_user=stranger).status == NO_SUCH
    assert daemon.ctl("attach", "verbs-on", as_user=stranger,
                      stdin=b"say x\n").status == DENIED
    assert daemon.ctl("reload", as_user=stranger).status == DENIED


def test_ctl_without_a_daemon_says_so(daemons):
    daemon = daemons()
    daemon.stop()
    result = daemon.ctl("list")
    assert result.status == 69, result
    assert result.err


def test_ctl_bad_verb_is_named(daemon):
    result = daemon.ctl("frobnicate")
    assert result.status == USAGE and "frobnicate" in result.errors, result


def test_ordinary_use_logs_no_warning(daemons, guest):
    """An end of input that crosses the answer on its way is nobody's mistake."""
    daemon = daemons()
    for _ in range(10):
        assert daemon.ctl("status", guest.name).status == DONE
        assert daemon.ssh(guest.name, "status", stdin=b"nobody reads this").status == DONE
    assert daemon.ssh(guest.name).status == DONE
    daemon.stop()
    assert not re.search(r"vmconsoled: (warning|error): ", daemon.log()), daemon.log()


def test_guest_whose_name_begins_with_a_dash_is_given_by_its_uuid(daemon, guests):
    guest = guests("-dash")
    daemon.knows(guest)
    says = f"-dash: a VM whose name begins with a dash is given by its UUID: {guest.uuid}"
    for words in (["attach", "-dash"], ["status", "-dash"], ["who", "-dash"],
                  ["journal", "export", "-dash"], ["status", "--json", "-dash"]):
        result = daemon.ctl(*words)
        assert result.status == USAGE and says in result.errors, (words, result)
    result = daemon.ctl("status", "-dash+hvc0")
    assert f"{guest.uuid}+hvc0" in result.errors, result
    result = daemon.ssh(HOST, "attach", "-dash")
    assert result.status == USAGE and says in result.errors, result
    result = daemon.ctl("attach", "--read-only", "web")
    assert result.status == USAGE and "the VM comes before --read-only" in result.errors, result
    assert daemon.ctl("status", guest.uuid).status == DONE
    assert b"by-uuid" in daemon.ssh(guest.uuid, stdin=b"say by-uuid\n").out


def test_dashed_guest_that_one_may_not_see_is_no_vm(daemons, guests):
    guest = guests("-hidden", start=False)
    daemon = daemons({"access all": {"vms": "verbs-*"}})
    result = daemon.ssh(HOST, "attach", guest.name)
    assert result.status == USAGE and guest.uuid not in result.errors, result
