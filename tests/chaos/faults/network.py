"""The network loses, delays, cuts and breaks. It is loopback in a namespace of our own: nft drops
what comes in, ip makes packets small."""

import contextlib
import socket
import subprocess
import threading

from lib import clients
from lib.https import curl
from lib.session import BROKEN, DONE, ask

from . import everybody, fault
from .processes import CURL_CUT, SCP_CUT

TABLE = "vmc-chaos"
TIMED_OUT = 150  # seconds after which a peer that is gone is noticed: 120, and some


def _run(*words):
    subprocess.run(words, check=True)


@contextlib.contextmanager
def _dropping(rule):
    """rule: what comes in and is hit by it."""
    _run("nft", "add", "table", "ip", TABLE)
    try:
        _run("nft", "add", "chain", "ip", TABLE, "in", "{ type filter hook input priority 0; }")
        _run("nft", "add", "rule", "ip", TABLE, "in", rule)
        yield
    finally:
        _run("nft", "delete", "table", "ip", TABLE)


@fault()
def loss_of_a_fifth(world):
    with _dropping("meta l4proto tcp numgen random mod 100 < 20 drop"):
        world.run(1, 4)


@fault()
def black_hole(world):
    with _dropping("meta l4proto tcp drop"):
        world.run(0.3, 4)


@fault(ends={**everybody({BROKEN}, CURL_CUT), "scp": SCP_CUT}, loses=True)
def connections_reset(world):
    """By the kernel: one side is told that the connection is broken, the other gets a reset."""
    side = world.random.choice(["dport", "sport"])
    for port in (world.daemon.port, world.daemon.port_tls):
        subprocess.run(["ss", "-tnK", side, "=", f":{port}"], check=True, capture_output=True)


@contextlib.contextmanager
def _link(*options):
    """Of loopback: MTU 65536, and segments that the kernel puts together, are what it had."""
    _run("ip", "link", "set", "lo", *options)
    try:
        yield
    finally:
        _run("ip", "link", "set", "lo", "mtu", "65536", "gso_max_segs", "65535")


def _all_ways(world, port=None, https_port=None):
    with world.daemon.pipes(world.spare.uuid, "attach", "--lines", "0", port=port) as session:
        ask(session, 30)
    done = curl(world.daemon, f"/vm/{world.ticker.uuid}/status", port=https_port)
    assert done.stdout.endswith(b"\n200"), done


@fault()
def mtu_576(world):
    """With connections from before, and fresh ones."""
    with _link("mtu", "576", "gso_max_segs", "1"):
        world.run(0.3, 1)
        _all_ways(world)


class Dripper(threading.Thread):
    """Lets one connection through, a byte at a time, each in a segment of its own."""

    def __init__(self, to):
        super().__init__(daemon=True)
        self.to, self.listener = to, socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        with self.listener, self.listener.accept()[0] as client, \
                socket.create_connection(("127.0.0.1", self.to)) as server:
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=self._copy, args=(server, client), daemon=True)
            back.start()
            self._copy(client, server)
            back.join()

    @staticmethod
    def _copy(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                for at in range(len(data)):
                    target.send(data[at:at + 1])
            target.shutdown(socket.SHUT_WR)


@fault()
def segments_of_one_byte(world):
    _all_ways(world, Dripper(world.daemon.port).port, Dripper(world.daemon.port_tls).port)


@fault(dear=True)
def half_open(world):
    """A client goes without a word: its session ends when TCP says so."""
    argv = clients.ssh_argv(world.daemon, world.ticker.uuid, "attach", "--no-input", tty=False,
                            options=["-b", "127.0.0.9"])

    def sessions():
        result = world.daemon.ctl("who")
        assert result.status == DONE, result
        return result.text.count("127.0.0.9")

    gone = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        world.until(sessions, "it is there", 20)
        with _dropping("ip saddr 127.0.0.9 drop"):
            gone.kill()
            world.until(lambda: not sessions(), "its session ends", TIMED_OUT)
    finally:
        gone.kill()
        gone.wait()
