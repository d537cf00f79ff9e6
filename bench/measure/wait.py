"""One line of a flood, looked for: `send --wait` in the service, and grep behind the same console's
output. The guest prints the same bytes for each; client CPU counts as well."""

import resource
import subprocess
import time

from lib import clients

from .account import Cpu
from .flood import LINE
from .report import Figures, Verdict
from .ways import calm


def _service(daemon, guest, pattern, order):
    done = subprocess.run(
        clients.ssh_argv(daemon, guest.name, f"send --enter --wait '{pattern}' '{order}'"),
        stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.returncode, done.stdout


def _grep(daemon, guest, pattern, order):
    """Until grep has it; ssh is ended then, as the next byte would end it."""
    ssh = subprocess.Popen(clients.ssh_argv(daemon, guest.name), stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    grep = subprocess.Popen(["grep", "-m1", pattern], stdin=ssh.stdout, stdout=subprocess.PIPE)
    ssh.stdout.close()
    ssh.stdin.write(f"{order}\r".encode())
    ssh.stdin.flush()
    found, _ = grep.communicate()
    ssh.kill()
    ssh.stdin.close()
    ssh.wait()
    return grep.returncode, found


def _children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _once(way, look, guest, kib):
    """One row, each figure for a megabyte."""
    calm([way])
    count = kib * 1024
    pattern = f"^{count // LINE - 1:010d} "
    cpu, client, begun = Cpu(way.groups), _children(), time.monotonic()
    status, found = look(way.daemon, guest, pattern, f"bytes {count}")
    seconds = time.monotonic() - begun
    client = _children() - client
    calm([way])
    if status or not found:
        raise RuntimeError(f"{look.__name__}: {status}, {found}")
    server, megabytes = cpu.used(), count / 1e6
    return [value / megabytes for value in (seconds, server, client, server + client)]


def measure(place, rounds, kib=102400):
    way = place.vmconsoled("vmc-wait")
    figures = Figures(f"wait, {kib / 1024:.0f} MiB", ["s/MB", "server CPU s/MB", "client CPU s/MB",
                                                     "both s/MB"])
    try:
        for number in range(rounds):
            guest = place.guests[number % len(place.guests)]
            way.daemon.knows(guest)
            looks = [("wait", _service), ("grep -m1", _grep)]
            for name, look in looks if number % 2 else reversed(looks):
                figures.add(name, _once(way, look, guest, kib))
    finally:
        place.drop(way)
    return figures


def verdicts(figures):
    return [Verdict("CPU of server and client, s/MB", 1.0,
                    *figures.compare("both s/MB", "wait", "grep -m1"), "grep -m1")]
