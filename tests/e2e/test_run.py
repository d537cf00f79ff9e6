"""run: a command at a real shell's prompt: its output and its exit status, and never a wrong 0."""

import re
import shutil
import subprocess
import sys

import pytest

from lib import clients
from lib.linux import PASSWORD, LinuxGuest
from lib.proc import HERE, SLOW, wait_until
from lib.session import (BUSY, DENIED, DONE, GUEST_OFF, UNAVAILABLE, USAGE, ask, one_line_reason,
                         parse_json)
from lib.term import Terminal

SHELLS = ["sh", "busybox", "dash", "bash", "bash-paste", "bash-osc", "fish"]
PROMPTS = {"fish": "root@[^ ]+ ~# "}  # its own; what it draws behind that is no text
COMPLAINTS = {"fish": b"fish: if: "}  # about an if alone, to which fish shows its manual page
HAS_FISH = shutil.which("fish") is not None
BOOT = int(80 * SLOW)
TIMED_OUT = 124

pytestmark = pytest.mark.timeout(200 * SLOW)


def send(daemon, guest, pattern, text):
    result = daemon.ssh(guest.name, f"send --enter --timeout {int(30 * SLOW)} --wait '{pattern}' "
                                    f"{text}", seconds=40)
    assert result.status == DONE, result


@pytest.fixture(scope="module")
def linux(daemon, virt):
    guest = LinuxGuest(virt, "linux", fish=HAS_FISH)
    guest.define()
    guest.start()
    wait_until(lambda: daemon.ssh(guest.name, "status").status == DONE, 20, "it is known")
    result = daemon.ssh(guest.name, f"wait --from start --timeout {BOOT} 'shell[?] $'",
                        seconds=90)
    assert result.status == DONE, result
    yield guest
    virt.mend()
    guest.remove()


@pytest.fixture(params=SHELLS)
def shell(request, daemon, linux):
    """The guest, at the prompt of one shell; .complaint: what that says of an error."""
    if request.param == "fish" and not HAS_FISH:
        pytest.skip("no fish here")
    linux.complaint = COMPLAINTS.get(request.param, b"yntax error")
    send(daemon, linux, PROMPTS.get(request.param, "ready# $"), request.param)
    yield linux
    send(daemon, linux, "shell[?] $", "exit")


@pytest.fixture
def bash(daemon, linux):
    send(daemon, linux, "ready# $", "bash-paste")
    yield linux
    send(daemon, linux, "shell[?] $", "exit")


def run(daemon, guest, command, *options, seconds=40, **more):
    quoted = "'" + command.replace("'", "'\\''") + "'"
    return daemon.ssh(guest.name, "run", *options, "--", quoted, seconds=seconds, **more)


def test_output_and_status_are_those_of_the_command(daemon, shell):
    """A long line wraps at 80 columns where the shell edits lines; that is its echo only."""
    results = [run(daemon, shell, command) for command in (
        "echo one; echo two >&2; exit 3", "true", "false", "printf 'no newline'",
        f"echo {'x' * 300} 'a  b' \"!\" \\\\ | wc -c", "cat", "no_such_command_here",
        "if")]
    assert results[0].out == b"one\ntwo\n" and results[0].status == 3, results[0]
    one_line_reason(results[0].errors, "the command ended with status 3$")
    assert results[1].out == b"" and results[1].status == 0, results[1]
    assert results[2].out == b"" and results[2].status == 1, results[2]
    assert results[3].out == b"no newline" and results[3].status == 0, results[3]
    assert results[4].out.strip() == b"310" and results[4].status == 0, results[4]
    assert results[5].out == b"" and results[5].status == 0, results[5]
    assert results[6].status == 127 and b"no_such_command_here" in results[6].out, results[6]
    assert results[7].status in (1, 2) and shell.complaint in results[7].out, results[7]


def test_output_on_a_terminal_is_filtered(daemon, linux):
    """Else what a guest asks of it would be answered into the caller's shell."""
    send(daemon, linux, "ready# $", "sh")
    command = r"printf '<\033[6n\033[31m>\n'"
    with Terminal(daemon.ctl_argv("run", linux.name, command)) as reader:
        assert reader.wait() == DONE, reader.seen
        assert b"<\x1b[31m>" in reader.seen, reader.seen
    result = daemon.ctl("run", linux.name, command)
    assert result.status == DONE and b"<\x1b[6n\x1b[31m>" in result.out, result
    send(daemon, linux, "shell[?] $", "exit")


def test_kernel_messages_never_make_a_wrong_status(daemon, bash):
    """A message of the kernel's, with its newline, into whatever is printed just now."""
    started = run(daemon, bash, "(while :; do echo '<1>the kernel talks' >/dev/kmsg; "
                                "usleep 30000; done) >/dev/null 2>&1 & echo $! >/tmp/pid")
    assert started.status == 0, started
    try:
        for number in range(8):
            result = run(daemon, bash, f"echo word{number}; exit 7")
            assert result.status == 7 and f"word{number}" in result.text, result
    finally:
        assert run(daemon, bash, "kill $(cat /tmp/pid)").status == 0


def test_much_output_comes_whole(daemon, bash):
    result = run(daemon, bash, "seq 1 20000", seconds=80)
    assert result.status == 0, result
    assert result.text == "".join(f"{number}\n" for number in range(1, 20001))


def test_timeout_is_124_and_the_next_command_is_not_taken_for_it(daemon, bash):
    result = run(daemon, bash, "echo begun; sleep 5", "--timeout", "3")
    assert result.status == TIMED_OUT and result.out == b"begun\n", result
    one_line_reason(result.errors, "timed out after 3s; the command had begun and has not ended")
    result = run(daemon, bash, "echo next")
    assert result.status == 0 and result.out == b"next\n", result


def test_where_no_shell_is_it_is_124_and_never_0(daemon, linux):
    result = run(daemon, linux, "true", "--timeout", "3")
    assert result.status == TIMED_OUT and result.out == b"", result
    one_line_reason(result.errors, "timed out after 3s; the command was typed, and no shell has")


def test_other_clients_get_the_same(daemon, bash):
    done = subprocess.run(clients.plink_argv(daemon, bash.name, "run 'echo plink; exit 5'"),
                          env=clients.home(daemon), stdin=subprocess.DEVNULL, capture_output=True,
                          check=False, timeout=60 * SLOW)
    assert done.returncode == 5 and done.stdout == b"plink\n", done
    with clients.paramiko_connect(daemon, bash.name) as client:
        _, out, _ = client.exec_command("run echo paramiko && exit 6", timeout=40 * SLOW)
        assert out.read() == b"paramiko\n" and out.channel.recv_exit_status() == 6
    result = daemon.ctl("run", bash.name, "echo 'a  b'; exit 4")
    assert result.status == 4 and result.out == b"a  b\n", result


def program_of_the_page(first, login, port, key):
    """The block of docs/automation.md that begins so, for this guest here."""
    with open(f"{HERE}/../../../docs/automation.md", encoding="utf-8") as page:
        text = re.search(rf"(?m)^    # {first}:.*\n(?:    .*\n|\n(?=\n?    ))+", page.read()).group(0)
    text = re.sub("(?m)^    ", "", text)
    for stands, here in (
            ('client.load_system_host_keys()',
             'client.set_missing_host_key_policy(paramiko.AutoAddPolicy())'),
            ('"host", 2222, "vm"', f'"127.0.0.1", {port}, "{login}", key_filename="{key}"'),
            ('"host", 2222, username="vm"', f'"127.0.0.1", {port}, username="{login}", '
                                            f'client_keys=["{key}"], known_hosts=None')):
        text = text.replace(stands, here)
    assert '"host"' not in text, text
    return text


@pytest.mark.parametrize("first, printed", [("paramiko", b"Linux\n"), ("asyncssh", b"42\n")])
def test_programs_of_the_page_about_automation(daemon, bash, first, printed):
    program = program_of_the_page(first, bash.name, daemon.port, daemon.keys.ed25519)
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], stdin=subprocess.DEVNULL,
                          capture_output=True, check=False, timeout=60 * SLOW)
    assert done.returncode == 0 and done.stdout == printed, done


def test_keyboard_of_somebody_else_is_75_and_nothing_is_typed(daemon, bash, keys):
    with daemon.terminal(bash.name, key=keys.other) as person:
        person.send(b"\r")
        person.expect("ready# ")
        result = run(daemon, bash, "true")
        assert result.status == BUSY and result.out == b"", result
        one_line_reason(result.errors, "the keyboard is with key:", "nothing was typed$")


@pytest.fixture(params=["getty", "agetty"])
def getty(request, daemon, linux):
    """The guest, where it asks who one is; busybox's login asks for the password in both."""
    send(daemon, linux, "login: $", request.param)
    yield linux
    send(daemon, linux, "shell[?] $", "exit")


def test_login_goes_first_where_the_guest_asks_for_it(daemon, getty):
    result = run(daemon, getty, "echo in as $(id -un); exit 3", "--login", "root",
                 "--password-file", "-", stdin=f"{PASSWORD}\nno part of it\n".encode())
    assert result.status == 3 and result.out == b"in as root\n", result
    # Who is in is not asked again, and no password is needed.
    result = run(daemon, getty, "echo again", "--login", "root")
    assert result.status == 0 and result.out == b"again\n", result
    seen = daemon.ssh(getty.name, "log").out
    assert b"assword: " in seen and PASSWORD.encode() not in seen, seen
    assert PASSWORD not in daemon.log() + str(daemon.audit())


def test_a_wrong_password_is_77_and_vmconsolectl_reads_the_file(daemon, linux, tmp_path):
    send(daemon, linux, "login: $", "getty")
    result = run(daemon, linux, "true", "--login=root", "--password-file=-", stdin=b"wrong\n")
    assert result.status == DENIED and result.out == b"", result
    one_line_reason(result.errors, "the guest does not let root in: wrong password[?]; nobody is "
                                   "logged in, and the command was not typed$")
    result = run(daemon, linux, "true", "--login", "root")
    assert result.status == DENIED, result
    one_line_reason(result.errors, "asks for a password: give it with --password-file")
    (tmp_path / "password").write_text(f"{PASSWORD}\r\n", encoding="ascii")
    result = daemon.ctl("run", linux.name, "--login", "root", "--password-file",
                        tmp_path / "password", "echo", "in", seconds=40)
    assert result.status == 0 and result.out == b"in\n", result
    result = daemon.ctl("run", linux.name, "--password-file", tmp_path / "nothing", "true")
    assert result.status == USAGE and "cannot read the password file" in result.errors, result
    send(daemon, linux, "shell[?] $", "exit")


def test_where_no_login_and_no_prompt_is_it_is_124(daemon, linux):
    result = run(daemon, linux, "true", "--login", "root", "--timeout", "3")
    assert result.status == TIMED_OUT and result.out == b"", result
    one_line_reason(result.errors, "timed out after 3s; nobody is logged in, and the command was")


def test_rights_to_type_and_to_view_are_needed(daemons, linux):
    daemon = daemons({"access all": {"allow": "view"}})
    assert run(daemon, linux, "true").status == DENIED
    daemon.configure({"access all": {"allow": "type"}})
    assert daemon.ctl("reload").status == DONE
    assert run(daemon, linux, "true").status == DENIED


@pytest.mark.parametrize("words, reason", [
    ("run", "which command?"),
    ("run --timeout soon x", "invalid value soon of --timeout"),
    ("run --nonsense x", "--nonsense"),
    ("run --password-file - x", "is for --login"),
    ("run --login root --password-file /etc/shadow x", "takes - here"),
    ("run --login '' x", "a name of 1 to 64 characters"),
    ("run --login root --password-file - x", "is empty; nothing was typed"),
    ("run 'a\tb'", "control character at byte 1"),
    ("run " + "x" * 4096, "too long"),
])
def test_bad_words_are_64_and_named(daemon, shared, words, reason):
    result = daemon.ssh(shared.name, words)
    assert result.status == USAGE, result
    assert reason in one_line_reason(result.errors), result


def test_a_guest_that_is_off_is_69(daemon, guests):
    guest = guests(start=False)
    daemon.knows(guest)
    result = run(daemon, guest, "true")
    assert result.status == UNAVAILABLE, result
    one_line_reason(result.errors, "is off; nothing was typed$")


def test_a_guest_that_goes_under_way_is_80(daemon, guest):
    """The test guest is no shell: what is typed does nothing there."""
    with daemon.pipes(guest.name) as typist:
        ask(typist)
    with daemon.pipes(guest.name, "run", "true") as process:
        wait_until(lambda: "writes" in {row["mode"] for row in parse_json(
            daemon.ssh(guest.name, "who", "--json"))}, 15, "it types")
        guest.destroy()
        assert process.wait(20) == GUEST_OFF, process.errors()


# The kernel's log. The last of these ends the guest.


@pytest.fixture(scope="module")
def keeper(module_daemons, virt, linux):
    made = module_daemons({
        "access all": {"who": "key:*", "vms": "*", "allow": "view, type, dump-make, dump-get"},
        "dump": {"store": f"{virt.dir}/linux-dumps"}})
    made.knows(linux)
    return made


def own_dmesg(daemon, linux):
    """What the guest prints of its log itself."""
    send(daemon, linux, "ready# $", "bash-paste")
    result = run(daemon, linux, "dmesg -r | sed 's/^<[0-9]*>//'")
    send(daemon, linux, "shell[?] $", "exit")
    assert result.status == 0 and "Linux version" in result.text, result
    return result.text.splitlines()


def test_dmesg_of_a_dump_is_the_guests_own(daemon, keeper, linux):
    own = own_dmesg(daemon, linux)
    made = keeper.ssh(linux.name, "dump", seconds=60)
    assert made.status == 0, made
    name = made.text.strip()
    for words in ("dmesg", "dmesg latest", f"dmesg {name}"):
        result = keeper.ssh(linux.name, words, seconds=60)
        assert result.status == 0 and result.errors == "", result
        assert result.text.splitlines() == own
    record = keeper.wait_audit(event="file", verb="dmesg", vm_uuid=linux.uuid)
    assert record["file"] == f"/dumps/{name}"
    missing = keeper.ssh(linux.name, "dmesg none.elf")
    assert missing.status == 66, missing
    one_line_reason(missing.errors, "VM linux has no dump none.elf; see: dumps")


def test_dmesg_of_a_guest_that_has_stopped_with_interrupts_off(daemon, keeper, linux):
    own = own_dmesg(daemon, linux)
    result = keeper.ssh(linux.name, "dmesg --live", seconds=60)
    assert result.status == 0 and result.errors == "", result
    assert result.text.splitlines() == own
    send(daemon, linux, "System halted", "halt")
    result = keeper.ctl("dmesg", linux.name, "--live", seconds=60)
    assert result.status == 0, result
    assert result.text.splitlines()[:len(own)] == own
    assert result.text.endswith("reboot: System halted\n")
