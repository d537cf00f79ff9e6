"""Everything that is measured, started once: private libvirt, guests, the servers."""

import os
import shutil
import tempfile

from conftest import Programs
from lib.clients import Keys
from lib.daemon import Daemon
from lib.proc import BUILD, User
from lib.virt import Guest, Libvirt

from .account import Group, release
from .servers import Sshd
from .ways import Pty, Ssh, SshSocat, SshVirsh, Unix, Virsh

# The defaults let one address have 256 connections; here all come from one.
# Descriptors for all channels must be below the hard limit, 20,000 on many machines.
ROOMY = {"max_connections": "3200", "max_per_source": "3200", "max_unauthenticated": "2500",
         "max_channels": "2"}
FILES = {"who": "key:*", "vms": "*", "allow": "view, type, log, dump-get"}


class Place:
    def __init__(self):
        self.user, self.programs = User(), Programs()
        self.keys = Keys(tempfile.mkdtemp(prefix="vmc-keys-", dir="/tmp"))
        for make in (self.keys.ed25519, self.keys.ecdsa, self.keys.rsa, self.keys.other):
            assert make
        self.virt = Libvirt(self.user, self.programs)
        self.groups, self.guests, self.servers, self.ways = {}, [], [], {}
        self.probe = f"{BUILD}/bench/probe"
        assert os.path.exists(self.probe), f"{self.probe} is not built"

    def group(self, name):
        if name not in self.groups:
            self.groups[name] = Group(name)
        return self.groups[name]

    def start(self, guests):
        self.virt.start()
        self.add_guests(guests)
        sshd_virsh = self._sshd("sshd_virsh", (
            f'HOME={self.virt.dir} exec virsh -c {self.virt.uri} console --force'
            ' "$SSH_ORIGINAL_COMMAND"'))
        sshd_socat = self._sshd("sshd_socat", (
            f'exec socat -,raw,echo=0 "UNIX-CONNECT:{self.virt.dir}/files/'
            '$SSH_ORIGINAL_COMMAND.sock"'))
        libvirtd = self.group("libvirtd")
        login = self.user.name
        self._add(SshVirsh("sshd_virsh", [self.group("sshd_virsh"), libvirtd], sshd_virsh, login))
        self._add(SshSocat("sshd_socat", [self.group("sshd_socat")], sshd_socat, login))
        self._add(Virsh("virsh_local", [libvirtd], self.group("virsh_local"), self.virt.uri))
        self._add(Pty("direct_pty"))
        self._add(Unix("direct_unix"))
        return self

    def _add(self, way):
        self.ways[way.name] = way

    def file_server(self):
        """sshd with what comes with it for files."""
        return self._sshd("sshd_files", 'exec sh -c "exec $SSH_ORIGINAL_COMMAND"',
                          Subsystem="sftp /usr/lib/openssh/sftp-server")

    def sshd_of_keys(self):
        """sshd as it is everywhere: keys in a file, no command to ask."""
        return self._sshd("sshd_keys", "true", AuthorizedKeysCommand="none",
                          AuthorizedKeysFile=f"{self.virt.dir}/sshd_keys/authorized_keys")

    def _sshd(self, name, command, **more):
        sshd = Sshd(name, self.virt.dir, self.user, self.keys, self.group(name), command, **more)
        self.servers.append(sshd.start())
        return sshd

    def vmconsoled(self, name, history=None, dump=None, **console):
        """A daemon and the way through it; log and limits as in production."""
        group = self.group(name)
        daemon = Daemon(self.user, self.programs, self.virt, self.keys,
                        {"daemon": {"log_level": "info"}, "ssh": ROOMY, "console": console,
                         **({"history": history} if history else {}),
                         **({"dump": dump, "access all": FILES} if dump else {})})
        with group.entered():
            daemon.start()
        group.roots.append(daemon.pid)
        self.servers.append(daemon)
        way = Ssh("vmconsoled", [group, self.group("libvirtd")], daemon)
        way.daemon = daemon
        return way

    def drop(self, way):
        way.daemon.stop()
        self.servers.remove(way.daemon)

    def add_guests(self, count, progress=lambda done: None):
        """libvirtd starts QEMU, which would be counted with it: it is counted only afterwards."""
        libvirtd = self.group("libvirtd")
        for pid in libvirtd.pids():
            release(pid)
        while len(self.guests) < count:
            guest = Guest(self.virt, f"b{len(self.guests)}", serials=("pty", "unix"))
            self.guests.append(guest.start())
            progress(len(self.guests))
        libvirtd.roots.clear()
        libvirtd.adopt(self.virt.pid())

    def unix_guests(self, count):
        """Guests whose shell is on a unix socket; the caller removes them."""
        return [Guest(self.virt, f"u{number}", serials=("unix",)).start()
                for number in range(count)]

    def stop(self):
        for server in self.servers:
            try:
                server.stop()
            except AssertionError as error:
                print(f"# {error}")
        for guest in self.guests:
            guest.remove()
        self.virt.stop()
        for group in self.groups.values():
            group.finish()
        shutil.rmtree(self.keys.dir, ignore_errors=True)
        shutil.rmtree(self.programs.dir, ignore_errors=True)

