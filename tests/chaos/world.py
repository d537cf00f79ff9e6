"""What faults come to: libvirt, guests, the daemon with its state on a small disk, and the load."""

import contextlib
import hashlib
import os
import random
import signal
import subprocess
import sys
import time

import https_stage
import meddler
from lib import dumps, kept, proc
from lib.disk import Disk
from lib.proc import wait_until
from lib.session import DONE, skipped
from lib.virt import Guest
from load import Https, Numbers, Scp, Victim, Viewer, Writer, runs

DUMP_SIZE = 2 << 20
SETTLE = 30       # seconds until every client is live or has ended; libvirt is asked every ten
STATE_SIZE = "96M"


class World:
    """Guests: ticker and socket (a unix console) count, victim counts and is hurt, talker is typed
    into, spare is for what a fault does and for the look at the end."""

    def __init__(self, made, seed):
        self.made, self.virt, self.random = made, made.virt, random.Random(seed)
        self.meddler = meddler.Meddler(self.virt.dir)
        self.disk = Disk(f"{made.daemon.dir}/state", self.virt.user, STATE_SIZE)
        made.daemon.environment = self.meddler.environment
        self.guests = [Guest(self.virt, name, **options) for name, options in (
            ("ticker", {"boot": "tick,1"}), ("socket", {"serials": ("unix",), "boot": "tick,2"}),
            ("victim", {"boot": "tick,2"}), ("talker", {}), ("spare", {}))]
        self.ticker, self.socket, self.victim, self.talker, self.spare = self.guests
        for guest in self.guests:
            made.guests.append(guest)
            guest.define().start()
        self.dump_folder = self.virt.user.mkdir(f"{self.virt.dir}/dumps")
        self.daemon = https_stage.start(
            made, console={"unix_dirs": f"{self.virt.dir}/files", "history_memory": "64K"},
            history={"record": "all", "size": "4M"}, dump={"directories": self.dump_folder},
            access_all={"allow": "view, type, force, control, power, log, dump-get, admin"})
        self.dump = None
        self._revoke()
        self.clients = []
        self.numbers = {guest: Numbers(kept.offsets(self.daemon, guest, local=True)[1])
                        for guest in (self.ticker, self.socket)}
        self.marks = {guest: self._gaps(guest) for guest in self.numbers}

    def _revoke(self):
        """A list that has the certificate of the https client, for a fault."""
        pki = self.made.pki
        pki.revoke("ca", "host")
        self.strict_crl = pki.crl("ca")

    # time

    def turn(self):
        for client in self.clients:
            client.pump()
        time.sleep(0.01)

    def run(self, least, most=None):
        """Lets the load work for so long."""
        until = time.monotonic() + (self.random.uniform(least, most) if most else least)
        while time.monotonic() < until:
            self.turn()

    def until(self, condition, what, seconds=SETTLE):
        def met():
            self.turn()
            return condition()
        return wait_until(met, seconds, what)

    # the load

    def tend(self):
        """Makes again what has ended."""
        if self.victim.state != "running":
            with contextlib.suppress(Exception):
                self.victim.destroy()  # one that has panicked is there still
            self.victim.start()
        self.daemon.knows(self.victim)
        for client in [client for client in self.clients if client.status is not None]:
            self.drop(client)
        have = {(type(client), getattr(client, "guest", None)) for client in self.clients}
        for kind, guest, options in ((Viewer, self.ticker, ["--wait"]), (Https, self.ticker, []),
                                     (Viewer, self.socket, ["--wait"]),
                                     (Viewer, self.talker, ["--wait"]), (Victim, self.victim, [])):
            if (kind, guest) not in have:
                self.clients.append(kind(self, guest, *options))
        if (Writer, None) not in have:
            self.clients.append(Writer(self, self.talker))
        self.settle()

    def fetch(self):
        """One more client, which ends by itself. A fresh dump: whose one is that was made before a
        daemon was killed, nobody may know."""
        if self.dump:
            os.unlink(self.dump)
        data = self.random.randbytes(DUMP_SIZE)
        self.dump, _ = dumps.put(self.virt.user, self.dump_folder, self.talker,
                                 lambda file: file.write(data))
        self.clients.append(Scp(self, self.talker, hashlib.sha256(data).hexdigest()))

    def drop(self, client):
        self.clients.remove(client)
        client.close()

    def settle(self):
        """Until each client has got something new, or has ended."""
        self.run(0.2)
        before = {client: client.total for client in self.clients}

        def waiting():
            typed = any(c.kind == "writer" and c.status is None for c in self.clients)
            return [client for client, total in before.items()
                    if client.status is None and not client.is_fresh(total)
                    and (typed or getattr(client, "guest", None) is not self.talker)]
        try:
            self.until(lambda: not waiting(), "")
        except AssertionError:
            raise AssertionError(f"stuck: {waiting()}, neither live nor ended; they said "
                                 f"{[c.stream.errors()[-300:] for c in waiting()]}") from None

    def some(self, kind):
        """One of this kind that is there."""
        return self.random.choice([client for client in self.clients if client.kind == kind])

    # what the daemon has

    def journal(self, guest, start):
        result = self.daemon.ctl("log", guest.uuid, "--from", str(start))
        assert result.status == DONE, f"log of {guest.name} from {start}: {result}"
        return runs(start, result.out, skipped(result.errors))

    def _gaps(self, guest):
        return sum(mark[1] == "gap" for mark in kept.kept(self.daemon, guest).marks)

    def check_numbers(self):
        """Each break in what a guest counts has a hole or a mark in its journal."""
        for guest, numbers in self.numbers.items():
            numbers.feed(self.journal(guest, numbers.at))

            def marked(guest=guest, numbers=numbers):
                return numbers.breaks <= numbers.holes + self._gaps(guest) - self.marks[guest]
            wait_until(marked, 8, f"the count of {guest.name} breaks {numbers.breaks} times, its "
                       f"journal has {numbers.holes} holes and {self._gaps(guest)} marks")

    def hire(self):
        """Workers are made when there is work."""
        for words in (["screen", self.ticker.uuid],
                      ["wait", self.ticker.uuid, "tick", "--timeout", "20s"]):
            result = self.daemon.ctl(*words)
            assert result.status == DONE, result

    def pids(self):
        return {"broker": [self.daemon.pid], "ssh door": self.daemon.doors("ssh"),
                "https door": self.daemon.doors("https")}

    def processes(self):
        return {name: proc.Usage(pids) for name, pids in self.pids().items()}

    # the end of a fault

    def mend(self):
        """Whatever a fault that failed has left."""
        self.meddler.set()
        self.virt.mend()
        for client in list(self.clients):
            self.drop(client)
        for guest in self.guests:
            with contextlib.suppress(FileNotFoundError):
                proc.end(guest.qemu_pid, signal.SIGCONT)
        self.spare.boots = self.spare.count_boots()
        self.spare.domain.reset()
        self.spare.wait_boot()
        self.daemon.kill()
        self.daemon.start()

    def finish(self):
        self.meddler.set()
        for client in list(self.clients):
            self.drop(client)
        try:
            self.daemon.stop()
        finally:
            self.daemon.kill()
            self.disk.unmount()


@contextlib.contextmanager
def world(build, seed):
    with https_stage.https_stage(build, guests=0) as made:
        here = World(made, seed)
        try:
            yield here
        finally:
            here.finish()


def inside():
    """Goes on in a network and mounts of its own: nobody else is hurt."""
    assert os.getuid() == 0, "only root can make the namespaces that the faults are made in"
    if not os.environ.get("VMC_CHAOS"):
        os.environ["VMC_CHAOS"] = "inside"
        os.execvp("unshare", ["unshare", "--net", "--mount", "--propagation", "private", "--",
                              sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
