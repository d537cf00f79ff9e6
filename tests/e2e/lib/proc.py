"""Processes: waiting with a deadline, running as somebody else, counting what they hold."""

import os
import pwd
import re
import shutil
import signal
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ.get("VMC_BUILD", f"{HERE}/../../../build"))


def _sanitized():
    try:
        with open(f"{BUILD}/vmconsoled", "rb") as file:
            return b"__asan_init" in file.read()
    except FileNotFoundError:
        return False


# Memory figures of a sanitizer build mean nothing.
SANITIZED = _sanitized()


def _slow():
    """As the machine is when a file of tests begins: two running processes a processor count as
    quiet, and more than eight as eight."""
    given = os.environ.get("VMC_SLOW")
    if given:
        return float(given)
    crowd = os.getloadavg()[0] / os.cpu_count() / 2
    return (4 if SANITIZED else 2) * min(max(crowd, 1), 4)


# Sanitizer builds and loaded machines: every deadline is multiplied, no expectation changes.
SLOW = _slow()

TEST_USER = "vmconsoled-test"


def rounds(default):
    """How often something is repeated that must leave nothing behind."""
    return int(os.environ.get("VMC_ROUNDS", str(default)))


def wait_until(condition, seconds=10, what="condition", interval=0.02):
    """Calls condition() until it is true, returns what it returned. Fails after the deadline."""
    deadline = time.monotonic() + seconds * SLOW
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds * SLOW:g} s: {what}")
        time.sleep(interval)


class User:
    """Who runs libvirt, QEMU and the daemon: never root, for root's libvirt is the system's."""

    def __init__(self):
        self.switch = os.getuid() == 0
        entry = self._unprivileged() if self.switch else pwd.getpwuid(os.getuid())
        self.uid, self.gid, self.name = entry.pw_uid, entry.pw_gid, entry.pw_name

    @staticmethod
    def _unprivileged():
        try:
            return pwd.getpwnam(TEST_USER)
        except KeyError:
            subprocess.run(
                ["useradd", "--system", "--user-group", "--no-create-home",
                 "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", TEST_USER],
                check=True)
            return pwd.getpwnam(TEST_USER)

    def argv(self, argv, die_with_us=False, capabilities=()):
        """The command line that runs argv as this user, in the same process; die_with_us: it gets
        SIGTERM when the tests are killed; capabilities: what it may beyond that, as a service
        manager's AmbientCapabilities."""
        words = []
        if self.switch:
            words = [f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups"]
        for capability in capabilities:
            words += [f"--inh-caps=+{capability}", f"--ambient-caps=+{capability}"]
        if die_with_us:
            words += ["--pdeathsig", "TERM"]
        return (["setpriv", *words, "--"] if words else []) + [str(word) for word in argv]

    def own(self, path, mode=None):
        if self.switch:
            os.chown(path, self.uid, self.gid)
        if mode is not None:
            os.chmod(path, mode)
        return path

    def mkdir(self, path, mode=0o700):
        os.makedirs(path, exist_ok=True)
        return self.own(path, mode)

    def write(self, path, text, mode=0o600):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return self.own(path, mode)

    def limit_files(self, pid, files):
        """Sets how many files a process of this user may open; returns how many it could."""
        with open(f"/proc/{pid}/limits", encoding="ascii") as file:
            before = re.search(r"^Max open files +(\d+)", file.read(), re.M)[1]
        subprocess.run(self.argv(["prlimit", "--pid", pid, f"--nofile={files}:"]), check=True)
        return int(before)

    def copytree(self, source, target):
        if not os.path.isdir(source):
            return
        shutil.copytree(source, target, dirs_exist_ok=True)
        for folder, _, names in os.walk(target):
            self.own(folder)
            for name in names:
                self.own(os.path.join(folder, name))


def _read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def children(pid):
    """Its child processes; the kernel keeps a list for each of its threads."""
    found = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            found += map(int, _read(f"/proc/{pid}/task/{thread}/children").split())
    except FileNotFoundError:
        pass  # it has just ended
    return sorted(found)


def command_line(pid):
    return _read(f"/proc/{pid}/cmdline").split("\0")[:-1]


def comm(pid):
    return _read(f"/proc/{pid}/comm").strip()


def state(pid):
    """R, S, D, Z, T ...; empty once it is gone."""
    stat = _read(f"/proc/{pid}/stat")
    return stat.rsplit(")", 1)[1].split()[0] if stat else ""


def alive(pid):
    return state(pid) not in ("", "Z", "X")


def next_file(pid):
    """The number beyond all that it has open."""
    return max(map(int, os.listdir(f"/proc/{pid}/fd"))) + 1


def end(pid, number=signal.SIGTERM):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def memory_holds(pid, data):
    """Whether these bytes stand in what it may write to; only root may look."""
    with open(f"/proc/{pid}/mem", "rb") as memory:
        for line in _read(f"/proc/{pid}/maps").splitlines():
            found = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if found and not line.endswith("[vvar]"):
                begin, end_ = (int(number, 16) for number in found.groups())
                memory.seek(begin)
                if data in memory.read(end_ - begin):
                    return True
    return False


class Usage:
    """What a set of processes holds: memory of their own in KiB, descriptors, threads, CPU seconds.
    Not the proportional set size: that grows when another process with the same libraries ends."""

    def __init__(self, pids):
        ticks = os.sysconf("SC_CLK_TCK")
        self.memory = self.fds = self.threads = 0
        self.cpu = 0.0
        for pid in pids:
            own = re.findall(r"^(?:Anonymous|Swap):\s+(\d+)", _read(f"/proc/{pid}/smaps_rollup"),
                             re.M)
            self.memory += sum(map(int, own))
            self.fds += len(os.listdir(f"/proc/{pid}/fd"))
            self.threads += len(os.listdir(f"/proc/{pid}/task"))
            fields = _read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()
            self.cpu += (int(fields[11]) + int(fields[12])) / ticks

    def __repr__(self):
        return f"<{self.memory} KiB, {self.fds} descriptors, {self.threads} threads>"
