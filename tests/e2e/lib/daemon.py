"""vmconsoled as a process of its own: configuration, start, what it holds, orderly end."""

import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time

from . import clients, proc
from .proc import Usage, wait_until

STOP_SECONDS = 8
SANITIZER = re.compile(r"(ERROR: \w+Sanitizer|runtime error:|SUMMARY: \w+Sanitizer).*")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Daemon:
    """config: {"section": {"key": "value"}} over the defaults; None takes a key or section out.
    Its files lie in the folder parent, which must be the user's, as all above it."""

    count = 0

    def __init__(self, user, programs, virt, keys, config=None, authorized=None, parent=None):
        Daemon.count += 1
        self.name = f"daemon {Daemon.count}"
        self.user, self.programs, self.virt, self.keys = user, programs, virt, keys
        self.dir = user.own(tempfile.mkdtemp(prefix="d-", dir=parent or virt.dir), 0o755)
        self.port = free_port()
        self.file = f"{self.dir}/vmconsoled.conf"
        self.authorized_keys = f"{self.dir}/authorized_keys"
        self.log_file = f"{self.dir}/log"
        user.mkdir(f"{self.dir}/state")
        user.mkdir(f"{self.dir}/run", 0o755)
        self.config = {
            "daemon": {"state_dir": f"{self.dir}/state", "run_dir": f"{self.dir}/run",
                       "log_level": "debug"},
            "hypervisor test": {"uri": virt.uri},
            "ssh": {"listen": f"127.0.0.1:{self.port}", "host_keys": f"{self.dir}/state/hostkeys"},
            "auth": {"authorized_keys": self.authorized_keys},
            # Guests of other tests would be held open by this daemon too.
            "history": {"record": "attached"},
            "access all": {"who": "key:*", "vms": "*",
                           "allow": "view, type, force, control, log"}}
        self.configure(config or {})
        self.authorize(authorized if authorized is not None else keys.all_lines())
        self.process = None
        self.ended = False
        self.capabilities = ()  # that it is started with
        self.environment = {}   # the same, beside libvirt's

    # configuration

    def configure(self, changes):
        for section, values in changes.items():
            if values is None:
                self.config.pop(section, None)
                continue
            into = self.config.setdefault(section, {})
            for key, value in values.items():
                if value is None:
                    into.pop(key, None)
                else:
                    into[key] = value
        text = "".join(f"[{section}]\n" + "".join(f"{k} = {v}\n" for k, v in values.items()) + "\n"
                       for section, values in self.config.items())
        self.user.write(self.file, text)

    def authorize(self, lines):
        self.user.write(self.authorized_keys, "\n".join(lines) + "\n")

    # life

    def launch(self):
        """Starts the program without waiting for anything."""
        self.process = subprocess.Popen(
            self.user.argv([self.programs.vmconsoled, "--config", self.file], die_with_us=True,
                           capabilities=self.capabilities),
            env=dict(self.virt.env, ASAN_OPTIONS=os.environ.get(
                "ASAN_OPTIONS", "quarantine_size_mb=4:malloc_context_size=12"),
                **self.environment),
            cwd=self.dir, stdin=subprocess.DEVNULL, stdout=open(self.log_file, "ab"),
            stderr=subprocess.STDOUT)
        self.ended = False
        return self

    def start(self):
        """Until it greets, and knows the guests (unless libvirt is away)."""
        assert os.path.exists(self.programs.vmconsoled), "vmconsoled is not built"
        since = len(self.log()) if os.path.exists(self.log_file) else 0
        self.launch()
        wait_until(self._greets, 20, f"{self.name} answers on port {self.port}")
        if self.virt.pid():
            self.wait_log("hypervisor test: connected", since=since)
        return self

    def start_with(self, changes):
        """As start, with these changes of the configuration."""
        self.configure(changes)
        return self.start()

    def _greets(self):
        status = self.process.poll()
        assert status is None, f"{self.name} ended with {status}:\n{self.log_tail(30)}"
        return self.banner()

    def banner(self, seconds=2):
        """The server's first line, or nothing."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), seconds) as probe:
                probe.settimeout(seconds)
                return probe.recv(255).startswith(b"SSH-2.0-")
        except OSError:
            return False

    def raw(self, seconds=10):
        """A bare TCP connection to the ssh port."""
        return socket.create_connection(("127.0.0.1", self.port), seconds * proc.SLOW)

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait_end(self, seconds=STOP_SECONDS):
        """The exit status; fails if it does not end in time."""
        begun = time.monotonic()
        try:
            status = self.process.wait(seconds * proc.SLOW)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end within {seconds * proc.SLOW:g} s of "
                                 f"SIGTERM:\n{self.log_tail(40)}") from None
        self.ended = True
        self.stop_took = time.monotonic() - begun
        return status

    def stop(self):
        """Orderly end: status 0, in time, no process and no sanitizer report left behind."""
        pids = self.pids()
        self.terminate()
        status = self.wait_end()
        assert status == 0, f"{self.name} ended with {status}:\n{self.log_tail(40)}"
        wait_until(lambda: not any(proc.alive(pid) for pid in pids), 2, "its doors are gone")
        self.check_log()

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.ended = True

    def finish(self):
        """Teardown: stop, unless a test has ended it already."""
        if self.process is None:
            return
        try:
            if not self.ended:
                self.stop()
            self.check_log()
        finally:
            self.kill()

    def reload(self):
        """SIGHUP. What tells that it is done is up to the test: a log line, or the effect."""
        self.process.send_signal(signal.SIGHUP)

    def knows(self, *guests):
        """Waits until libvirt has told it of guests that were only just defined or started."""
        for guest in guests:
            wait_until(lambda: self._sees(guest), 10, f"{self.name} knows {guest.name}")

    def hears_of(self, guest):
        """The same of a guest that has just started: it is off for whoever asks before the daemon
        has heard of that. A daemon that has ended, or is another libvirt's, hears nothing."""
        if self.process and not self.ended and self.virt is guest.virt and self.virt.pid():
            wait_until(lambda: self._sees(guest, self.ctl), 20, f"{self.name} hears of {guest.name}")

    def _sees(self, guest, ask=None):
        status = (ask("status", guest.uuid, "--json") if ask else
                  self.ssh(guest.uuid, "status", "--json"))
        return status.status == 0 and not (
            guest.state == "running" and json.loads(status.out)["state"] == "off")

    # what it holds

    @property
    def pid(self):
        return self.process.pid

    def doors(self, kind=None):
        """Pids of the doors; kind: "ssh"."""
        return self._helpers("--door", kind)

    def workers(self, kind=None):
        """Pids of the workers; kind: "match", "dmesg"."""
        return self._helpers("--worker", kind)

    def _helpers(self, option, kind):
        found = []
        for child in proc.children(self.pid):
            words = proc.command_line(child)
            if option in words and (kind is None or kind in words):
                found.append(child)
        return found

    def pids(self):
        return [self.pid] + proc.children(self.pid)

    def usage(self):
        return Usage(self.pids())

    def settled(self, seconds=1.5):
        """What it holds once neither descriptors nor threads have changed for that long."""
        last, since = self.usage(), time.monotonic()
        deadline = since + 30 * proc.SLOW
        while time.monotonic() - since < seconds:
            assert time.monotonic() < deadline, f"{self.name} never settles: {last}"
            time.sleep(0.1)
            usage = self.usage()
            if (usage.fds, usage.threads) != (last.fds, last.threads):
                since = time.monotonic()
            last = usage
        return last

    def falls_back_to(self, before, seconds=20):
        """Waits until it holds no more descriptors and threads than before; returns its usage."""
        last = []

        def fallen():
            last[:] = [self.usage()]
            return last[0].fds <= before.fds and last[0].threads <= before.threads
        try:
            wait_until(fallen, seconds, "")
        except AssertionError:
            raise AssertionError(f"{self.name} leaks: {before}, now {last[0]}") from None
        return last[0]

    # what it says

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as file:
            return file.read()

    def log_tail(self, lines):
        return "\n".join(self.log().split("\n")[-lines:])

    def wait_log(self, pattern, seconds=10, since=0):
        return wait_until(lambda: re.search(pattern, self.log()[since:]), seconds,
                          f"{pattern!r} in the log of {self.name}")

    def audit(self, **wanted):
        """The audit's records that have these values, the oldest first."""
        try:
            with open(f"{self.dir}/state/audit.jsonl", encoding="utf-8") as file:
                records = [json.loads(line) for line in file if line.endswith("\n")]
        except FileNotFoundError:
            return []
        return [record for record in records
                if all(record.get(key) == value for key, value in wanted.items())]

    def wait_audit(self, reason=None, seconds=10, count=1, **wanted):
        """Waits for so many records with these values, and a reason like this; the last one."""
        def found():
            records = [record for record in self.audit(**wanted)
                       if reason is None or re.search(reason, record.get("reason", ""))]
            return records[-1] if len(records) >= count else None
        return wait_until(found, seconds, f"audit record {wanted} {reason!r} of {self.name}, in "
                          f"{self.audit()[-5:]}")

    def check_log(self):
        found = SANITIZER.search(self.log())
        assert not found, f"{self.name}: {found.group(0)}\n{self.log()[found.start():][:6000]}"

    # clients

    def ssh(self, login, *command, **options):
        return clients.ssh(self, login, *command, **options)

    def password(self, login, command, password, **options):
        return clients.ssh_password(self, login, command, password, **options)

    def terminal(self, login, *command, **options):
        return clients.ssh_terminal(self, login, *command, **options)

    def pipes(self, login, *command, **options):
        return clients.ssh_pipes(self, login, *command, **options)

    def ctl(self, *arguments, as_user=None, seconds=20, stdin=None):
        """vmconsolectl, as root (or whoever runs the test), or as_user=User of the daemon."""
        argv = self.ctl_argv(*arguments)
        if as_user is not None:
            argv = as_user.argv(argv)
        done = subprocess.run(argv, input=stdin if stdin is not None else b"",
                              capture_output=True, timeout=seconds * proc.SLOW, check=False)
        return clients.Result(done.returncode, done.stdout, done.stderr)

    def ctl_argv(self, *arguments):
        return [self.programs.vmconsolectl, "-S", f"{self.dir}/run/control", *arguments]

    def check_config(self, *options, user=None):
        """vmconsoled --check on the present file, as the daemon's user or another."""
        done = subprocess.run(
            (user or self.user).argv([self.programs.vmconsoled, "--check", "--config", self.file,
                                      *options]),
            env=self.virt.env, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=20 * proc.SLOW, check=False)
        return clients.Result(done.returncode, done.stdout, done.stderr)
