"""What a server costs: CPU seconds, memory, processes. One Group per server.

With a writable cpuacct (or cgroup 2) hierarchy a group is a cgroup: exact to the nanosecond, dead
children included. Else it is a process tree in /proc: ticks, plus schedstat for what still lives.
"""

import contextlib
import os
import re
import time

V1, V2 = "/sys/fs/cgroup/cpuacct", "/sys/fs/cgroup"
SHARES = "/sys/fs/cgroup/cpu"
KERNEL_STACK_KIB = 16  # x86-64, each thread
TICK = os.sysconf("SC_CLK_TCK")


def _read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


def _write(path, value):
    with open(path, "w", encoding="ascii") as file:
        file.write(str(value))


def _own(controller):
    """Where this process is in that hierarchy; cgroup 2 has no name."""
    match = re.search(rf"^\d+:{controller}:(/.*)$", _read("/proc/self/cgroup"), re.M)
    return match.group(1).rstrip("/") if match else None


def _places():
    """The folder in which groups are made, and the one that processes go back to."""
    if _own("cpuacct") is not None and os.access(f"{V1}{_own('cpuacct')}/cgroup.procs", os.W_OK):
        return f"{V1}{_own('cpuacct')}", f"{V1}{_own('cpuacct')}"
    if os.path.exists(f"{V2}/cgroup.controllers") and os.access(f"{V2}/cgroup.procs", os.W_OK):
        return V2, f"{V2}{_own('')}"
    return None, None


ROOT, HOME = _places()


def weigh(shares):
    """This process, and all that it starts from now on, count so much when the CPU is scarce (1024
    is one process of anybody else's). Returns what unweigh() wants."""
    home = f"{SHARES}{_own('cpu')}"
    folder = f"{home}/vmconsoled-bench-{os.getpid()}"
    os.makedirs(folder, exist_ok=True)
    _write(f"{folder}/cpu.shares", shares)
    _write(f"{folder}/cgroup.procs", os.getpid())
    return folder, home


def unweigh(weight):
    _disband(*weight)


def _disband(folder, home):
    for pid in _read(f"{folder}/cgroup.procs").split():
        with contextlib.suppress(OSError):
            _write(f"{home}/cgroup.procs", pid)
    deadline = time.monotonic() + 2
    while os.path.isdir(folder) and time.monotonic() < deadline:
        try:
            os.rmdir(folder)
        except OSError:
            time.sleep(0.05)


def release(pid):
    """Counted nowhere any more."""
    if HOME:
        _write(f"{HOME}/cgroup.procs", pid)


def _tree():
    """{parent: [children]} of all processes."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            stat = _read(f"/proc/{entry}/stat")
            if stat:
                parent = int(stat.rsplit(")", 1)[1].split()[1])
                found.setdefault(parent, []).append(int(entry))
    return found


def process_cpu(pid):
    """Seconds of a process and of its children that have ended."""
    fields = _read(f"/proc/{pid}/stat").rsplit(")", 1)[-1].split()
    if len(fields) < 15:
        return 0.0
    own = 0
    with contextlib.suppress(FileNotFoundError):
        for task in os.listdir(f"/proc/{pid}/task"):
            own += int((_read(f"/proc/{pid}/task/{task}/schedstat") or "0").split()[0])
    return own / 1e9 + (int(fields[13]) + int(fields[14])) / TICK


class Memory:
    """Of a set of processes, in KiB."""

    def __init__(self, pids):
        self.processes = len(pids)
        self.pss = self.kernel = 0
        for pid in pids:
            match = re.search(r"^Pss:\s+(\d+)", _read(f"/proc/{pid}/smaps_rollup"), re.M)
            self.pss += int(match.group(1)) if match else 0
            status = _read(f"/proc/{pid}/status")
            tables = re.search(r"^VmPTE:\s+(\d+)", status, re.M)
            threads = re.search(r"^Threads:\s+(\d+)", status, re.M)
            count = int(threads.group(1)) if threads else 0
            self.kernel += (int(tables.group(1)) if tables else 0) + count * KERNEL_STACK_KIB


class Group:
    def __init__(self, name):
        self.name = name
        self.roots = []  # pids, where there are no cgroups
        self.dir = f"{ROOT}/vmconsoled-bench-{os.getpid()}-{name}" if ROOT else None
        if self.dir:
            os.makedirs(self.dir, exist_ok=True)

    @property
    def procs(self):
        """The cgroup.procs file that a process enters by itself, or None."""
        return f"{self.dir}/cgroup.procs" if self.dir else None

    def adopt(self, pid):
        """From now on this process, and what it will start, is counted here."""
        if self.dir:
            _write(self.procs, pid)
        self.roots.append(pid)

    @contextlib.contextmanager
    def entered(self):
        """What is started inside belongs to the group from its first instruction on."""
        if self.dir:
            _write(self.procs, os.getpid())
        try:
            yield
        finally:
            release(os.getpid())

    def pids(self):
        if self.dir:
            return [int(pid) for pid in _read(self.procs).split()]
        tree, found, left = _tree(), [], [p for p in self.roots if os.path.exists(f"/proc/{p}")]
        while left:
            pid = left.pop()
            found.append(pid)
            left += tree.get(pid, [])
        return found

    def cpu(self):
        """Seconds so far."""
        if not self.dir:
            return sum(process_cpu(pid) for pid in self.pids())
        usage = _read(f"{self.dir}/cpuacct.usage")
        if usage:
            return int(usage) / 1e9
        return int(re.search(r"usage_usec (\d+)", _read(f"{self.dir}/cpu.stat"))
                   .group(1)) / 1e6

    def memory(self):
        return Memory(self.pids())

    def settle(self, seconds=5, quiet=0.15):
        """Waits until it has used no CPU worth a name for a while."""
        deadline, last, since = time.monotonic() + seconds, self.cpu(), time.monotonic()
        while time.monotonic() < deadline and time.monotonic() - since < quiet:
            time.sleep(0.03)
            now = self.cpu()
            if now - last > 0.0005:
                since = time.monotonic()
            last = now

    def finish(self):
        if self.dir:
            _disband(self.dir, HOME)


class Cpu:
    """CPU seconds that some groups use together between now and .used()."""

    def __init__(self, groups):
        self.groups = groups
        self.begun = [group.cpu() for group in groups]

    def used(self, name=None):
        """Of all groups, or of the one with this name (0 where it takes no part)."""
        return sum(group.cpu() - begun for group, begun in zip(self.groups, self.begun)
                   if name in (None, group.name))
