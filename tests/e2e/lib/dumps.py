"""Dump folders as libvirt's auto_dump_path is one; what the daemon says of dumps; fetching one."""

import hashlib
import json
import os
import time

from . import clients, schema
from .proc import wait_until


def stamp(seconds_ago=0):
    return time.strftime("%Y-%m-%d-%H:%M:%S", time.localtime(time.time() - seconds_ago))


def put(user, folder, guest, write, when=None):
    """A file with the name libvirt would give a dump of this guest, filled by write(file): its
    path, and its name in the tree."""
    name = f"{guest.domain.ID()}-{guest.name[:20]}-{when or stamp()}"
    path = f"{folder}/{name}"
    with open(path, "wb") as file:
        write(file)
    user.own(path, 0o600)
    return path, name.replace(":", "-")


class Folder:
    """A dump folder, and the daemon that looks into it. daemons(config) starts one."""

    RIGHTS = "view, type, log, dump-get"

    def __init__(self, virt, daemons, config=None):
        self.virt = virt
        self.dir = virt.user.mkdir(f"{virt.dir}/dump-{os.urandom(4).hex()}")
        settings = {"dump": {"directories": self.dir},
                    "access all": {"who": "key:*", "vms": "*", "allow": self.RIGHTS}}
        settings.update(config or {})
        self.daemon = daemons(settings)

    def path(self, name):
        return f"{self.dir}/{name}"

    def put(self, guest, data, when=None):
        """A dump with these bytes: its name in the tree."""
        return put(self.virt.user, self.dir, guest, lambda file: file.write(data), when)[1]

    def names(self, guest):
        """What the daemon shows of the guest's dumps."""
        return self.daemon.ssh(guest.uuid, "dumps").text


def listed(daemon, login):
    got = daemon.ssh(login, "dumps --json")
    assert got.status == 0, got
    return schema.check("dumps", json.loads(got.text))


def known(daemon, guest, name):
    """What dumps says of it, when its checksum is known."""
    def found():
        return next((entry for entry in listed(daemon, guest.uuid)
                     if entry["name"] == name and entry["sha256"]), None)
    return wait_until(found, 20, "its checksum is known")


def fetch(daemon, guest, name, target):
    return clients.scp(daemon, f"{guest.uuid}@{clients.HOST}:dumps/{name}", target)


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
