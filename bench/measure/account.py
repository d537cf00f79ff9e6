"""What a server costs: CPU seconds, memory, processes. One Group per server.

With a writable cpuacct (or cgroup 2) hierarchy a group is a cgroup: exact to the nanosecond, dead
children included. Else it is a process tree in /proc: ticks, plus schedstat for what still lives.
"""

import contextlib
import os
import re
import time

V1, V2 = "/sys/fs/cgroup/cpuacct", "/sys/fs/cgroup"
MEMORY = "/sys/fs/cgroup/memory"
KERNEL_STACK_KB = 16  # x86-64, each thread
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


def _hierarchies():
    """{kind: root} of the hierarchies in which groups can be made."""
    if os.access(f"{V1}/cgroup.procs", os.W_OK):
        found = {"cpu": V1}
        if os.access(f"{MEMORY}/cgroup.procs", os.W_OK):
            found["memory"] = MEMORY
        return found
    if os.access(f"{V2}/cgroup.procs", os.W_OK) and os.path.exists(f"{V2}/cgroup.controllers"):
        return {"cpu": V2}
    return {}


def release(pid):
    """Back to the root of the hierarchies: counted nowhere."""
    for root in _hierarchies().values():
        _write(f"{root}/cgroup.procs", pid)


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


class Memory:
    """Of a set of processes, in KiB."""

    def __init__(self, pids):
        self.processes = len(pids)
        self.pss = self.kernel = self.threads = self.fds = 0
        for pid in pids:
            match = re.search(r"^Pss:\s+(\d+)", _read(f"/proc/{pid}/smaps_rollup"), re.M)
            self.pss += int(match.group(1)) if match else 0
            status = _read(f"/proc/{pid}/status")
            tables = re.search(r"^VmPTE:\s+(\d+)", status, re.M)
            threads = re.search(r"^Threads:\s+(\d+)", status, re.M)
            count = int(threads.group(1)) if threads else 0
            self.threads += count
            self.kernel += (int(tables.group(1)) if tables else 0) + count * KERNEL_STACK_KB

    @property
    def all(self):
        return self.pss + self.kernel


class Group:
    def __init__(self, name):
        self.name = name
        self.roots = []  # pids, where there are no cgroups
        self.dirs = {}
        for kind, root in _hierarchies().items():
            self.dirs[kind] = f"{root}/vmconsoled-bench-{os.getpid()}-{name}"
            os.makedirs(self.dirs[kind], exist_ok=True)

    @property
    def procs(self):
        """The cgroup.procs file that a process enters by itself, or nothing."""
        return f"{self.dirs['cpu']}/cgroup.procs" if self.dirs else None

    def adopt(self, pid):
        """From now on this process, and what it will start, is counted here."""
        for folder in self.dirs.values():
            _write(f"{folder}/cgroup.procs", pid)
        self.roots.append(pid)

    @contextlib.contextmanager
    def entered(self):
        """What is started inside belongs to the group from its first instruction on."""
        for folder in self.dirs.values():
            _write(f"{folder}/cgroup.procs", os.getpid())
        try:
            yield
        finally:
            release(os.getpid())

    def pids(self):
        if self.dirs:
            return [int(pid) for pid in _read(self.procs).split()]
        tree, found, left = _tree(), [], [p for p in self.roots if os.path.exists(f"/proc/{p}")]
        while left:
            pid = left.pop()
            found.append(pid)
            left += tree.get(pid, [])
        return found

    def cpu(self):
        """Seconds so far."""
        if not self.dirs:
            return sum(self._ticks(pid) for pid in self.pids())
        usage = _read(f"{self.dirs['cpu']}/cpuacct.usage")
        if usage:
            return int(usage) / 1e9
        return int(re.search(r"usage_usec (\d+)", _read(f"{self.dirs['cpu']}/cpu.stat"))
                   .group(1)) / 1e6

    @staticmethod
    def _ticks(pid):
        fields = _read(f"/proc/{pid}/stat").rsplit(")", 1)[-1].split()
        if len(fields) < 15:
            return 0.0
        own = 0
        with contextlib.suppress(FileNotFoundError):
            for task in os.listdir(f"/proc/{pid}/task"):
                own += int((_read(f"/proc/{pid}/task/{task}/schedstat") or "0").split()[0])
        return own / 1e9 + (int(fields[13]) + int(fields[14])) / TICK

    def memory(self):
        return Memory(self.pids())

    def kernel_charged(self):
        """KiB of kernel memory that the memory cgroup charges (slab, sockets, stacks, tables); None
        where it cannot be told."""
        used = _read(f"{self.dirs.get('memory')}/memory.kmem.usage_in_bytes")
        return int(used) // 1024 if used else None

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
        for kind, folder in self.dirs.items():
            root = _hierarchies()[kind]
            for pid in _read(f"{folder}/cgroup.procs").split():
                with contextlib.suppress(OSError):
                    _write(f"{root}/cgroup.procs", pid)
            deadline = time.monotonic() + 2
            while time.monotonic() < deadline:
                try:
                    os.rmdir(folder)
                    break
                except OSError:
                    time.sleep(0.05)


class Cpu:
    """CPU seconds that some groups use together between now and .used()."""

    def __init__(self, groups):
        self.groups = groups
        self.begun = [group.cpu() for group in groups]

    def used(self, name=None):
        """Of all groups, or of the one with this name (0 where it takes no part)."""
        return sum(group.cpu() - begun for group, begun in zip(self.groups, self.begun)
                   if name in (None, group.name))
