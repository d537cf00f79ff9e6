"""The configuration is read again: often, broken, with other authorities and keys."""

import os

from lib.session import DENIED

from . import fault
from .processes import CURL_CUT


@fault()
def reload_storm(world):
    for _ in range(world.random.randrange(20, 60)):
        world.daemon.reload()
        world.run(0, 0.06)


@fault()
def broken_configuration(world):
    """The old one stays in force."""
    daemon = world.daemon
    with open(daemon.file, encoding="utf-8") as file:
        text = file.read()
    cut = world.random.randrange(len(text))
    broken = world.random.choice(["[access all]\nallow = nonsense\n", "\0\0\0", "[", "x" * 5000])
    since = len(daemon.log())
    daemon.user.write(daemon.file, text[:cut] + "\n" + broken + "\n" + text[cut:])
    daemon.reload()
    world.until(lambda: "vmconsoled.conf" in daemon.log()[since:], "it says what is wrong", 10)
    world.run(0, 1)
    daemon.user.write(daemon.file, text)
    daemon.reload()


def _swap(world, target, source):
    """Puts a file in another's place, whole, for a while."""
    daemon = world.daemon
    with open(target, encoding="utf-8") as file:
        text = file.read()
    with open(source, encoding="utf-8") as file:
        daemon.user.write(f"{target}.new", file.read())
    os.rename(f"{target}.new", target)
    daemon.reload()
    world.until(lambda: world.some("https").status is not None, "its right is gone", 15)
    daemon.user.write(f"{target}.new", text)
    os.rename(f"{target}.new", target)
    daemon.reload()


@fault(ends={"https": CURL_CUT | {0}})
def authority_swapped(world):
    _swap(world, f"{world.daemon.folder}/ca.pem", world.made.pki.path("other.pem"))


@fault(ends={"https": CURL_CUT | {0}})
def certificate_revoked(world):
    _swap(world, f"{world.daemon.folder}/ca.crl", world.strict_crl)


@fault(ends={kind: {DENIED, 1} for kind in ("viewer", "victim", "writer", "scp")}, loses=True)
def keys_taken_away(world):
    daemon = world.daemon
    daemon.authorize([daemon.keys.line(daemon.keys.other)])
    daemon.reload()
    world.until(lambda: all(client.status is not None for client in world.clients
                            if client.kind in ("viewer", "victim", "writer")), "they end", 15)
    daemon.authorize(daemon.keys.all_lines())
    daemon.reload()
