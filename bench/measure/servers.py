"""The peers' sshd: a private one on loopback that forces one command."""

import os
import socket
import subprocess
import time

from lib.daemon import free_port

SHELL = "/bin/sh"


def _with_shell(path, name, home):
    """A copy of /etc/passwd or /etc/shadow in which the user can log in."""
    lines = []
    with open(path, encoding="utf-8") as file:
        for line in file.read().split("\n"):
            fields = line.split(":")
            if fields[0] == name and path.endswith("passwd"):
                fields[5:] = [home, SHELL]
            elif fields[0] == name:
                fields[1] = "*"  # no password, but not locked
            lines.append(":".join(fields))
    return "\n".join(lines)


def answers(process, port, greeting=b""):
    """Whether it does in time, with these first bytes, if any."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as probe:
                if not greeting or probe.recv(64).startswith(greeting):
                    return True
        except OSError:
            time.sleep(0.05)
    return False


class Sshd:
    """A gateway: asks a command for the keys (cat), forces a command. Kind to the peer otherwise: no
    PAM, an empty home, /bin/sh, a command that replaces its shell. It is told the guest's name as the
    client's own command.

    As root sshd is what it is everywhere: root, with a process of the user for each session. The user
    who may have no shell has one in sshd's own view of /etc."""

    def __init__(self, name, folder, user, keys, group, command, **more):
        self.name, self.user, self.keys, self.group = name, user, keys, group
        self.dir = f"{folder}/{name}"
        self.port = free_port()
        os.makedirs(f"{self.dir}/home", mode=0o755)
        os.chmod(self.dir, 0o755)
        keys.make(f"host-{name}", ["-t", "ed25519"])
        with open(f"{self.dir}/authorized_keys", "w", encoding="ascii") as file:
            file.write("\n".join(keys.all_lines()) + "\n")
        self._configure(command, more)
        self.process = None

    def _configure(self, command, more):
        settings = {
            "Port": self.port, "ListenAddress": "127.0.0.1", "UsePAM": "no", "UseDNS": "no",
            "HostKey": f"{self.keys.dir}/host-{self.name}", "PidFile": "none",
            "AuthorizedKeysFile": "none", "StrictModes": "no",
            "AuthorizedKeysCommand": f"/usr/bin/cat {self.dir}/authorized_keys",
            "AuthorizedKeysCommandUser": self.user.name,
            "AuthenticationMethods": "publickey", "PrintMotd": "no", "PrintLastLog": "no",
            "MaxStartups": 2000, "LogLevel": "ERROR", "ForceCommand": command, **more}
        with open(f"{self.dir}/config", "w", encoding="utf-8") as file:
            file.writelines(f"{key} {value}\n" for key, value in settings.items())

    def _own_etc(self):
        """The whole folder: a mount on a file ends when somebody replaces that file."""
        hidden = f"{self.dir}/hidden"
        os.mkdir(hidden, 0o700)
        subprocess.run(["cp", "-a", "/etc", f"{hidden}/etc"], check=True)
        for name in ("passwd", "shadow"):
            text = _with_shell(f"/etc/{name}", self.user.name, f"{self.dir}/home")
            with open(f"{hidden}/etc/{name}", "w", encoding="utf-8") as file:
                file.write(text)
        return f"{hidden}/etc"

    def start(self):
        sshd = ["setpriv", "--pdeathsig", "TERM", "--", "/usr/sbin/sshd", "-D", "-e", "-f",
                f"{self.dir}/config"]
        if self.user.switch:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
            etc = self._own_etc()
            sshd = ["unshare", "-m", "sh", "-c", f'mount --bind {etc} /etc && exec "$@"', "sh",
                    *sshd]
        with self.group.entered():
            self.process = subprocess.Popen(sshd, stdin=subprocess.DEVNULL,
                                            stdout=open(f"{self.dir}/log", "ab"),
                                            stderr=subprocess.STDOUT)
        self.group.roots.append(self.process.pid)
        self._wait()
        return self

    def _wait(self):
        if answers(self.process, self.port, b"SSH-2.0-"):
            return
        with open(f"{self.dir}/log", encoding="utf-8", errors="replace") as file:
            raise RuntimeError(f"{self.name} does not answer: {file.read()}")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)
