"""Logins a second, and what one costs the server: connect, exchange keys, log in with a key, leave. The
client is a program of some threads on libssh; key exchange, cipher, host key and user's key are the
same for all. `sshd` reads the keys from a file, `sshd_socat` asks a command, as a gateway does."""

import subprocess

from .account import Cpu
from .report import Figures, Verdict
from .ways import Ssh, calm

GUESTS = 1
THREADS = 4


def _login(place, way, seconds):
    """One row of figures."""
    calm([way])
    user = way.login or place.guests[0].name
    cpu = Cpu(way.groups)
    done = subprocess.run([place.probe, "handshakes", str(way.server.port), user, place.keys.ed25519,
                           str(THREADS), str(seconds)], capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{way.name}: {done.stderr.decode()}")
    calm([way])
    count, nanoseconds, client = done.stdout.split()
    return (int(count) * 1e9 / int(nanoseconds), cpu.used() * 1000 / int(count),
            float(client) * 1000 / int(count))


def measure(place, rounds, seconds=5):
    ours = place.vmconsoled("vmc-handshake")
    ours.groups = ours.groups[:1]  # nobody opens a console
    plain = place.sshd_of_keys()
    ways = [Ssh("sshd", [plain.group], plain, place.user.name), place.ways["sshd_socat"], ours]
    figures = Figures("handshakes", ["logins/s", "server CPU ms", "client CPU ms"])
    try:
        for number in range(rounds):
            for step in range(len(ways)):
                way = ways[(step + number) % len(ways)]
                figures.add(way.name, _login(place, way, seconds))
    finally:
        place.drop(ours)
    return figures


def verdicts(figures):
    return [Verdict("logins a second", 3, *figures.compare("logins/s", "vmconsoled", "sshd"), "sshd",
                    at_least=True),
            Verdict("server CPU of a login, ms", 1 / 15,
                    *figures.compare("server CPU ms", "vmconsoled", "sshd"), "sshd")]
