"""The clients people have: OpenSSH, PuTTY's plink, Dropbear's dbclient, paramiko, asyncssh."""

import base64
import hashlib
import os
import socket
import subprocess
import warnings

from . import proc
from .term import Pipes, Terminal

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import asyncssh
    import paramiko

HOST = "127.0.0.1"
TYPES = {"ed25519": ["-t", "ed25519"], "ecdsa": ["-t", "ecdsa", "-b", "256"],
         "rsa": ["-t", "rsa", "-b", "2048"]}


class Result:
    """How a client ended: .status, .out and .err (bytes), .text and .errors (str)."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    @property
    def text(self):
        return self.out.decode(errors="replace")

    @property
    def errors(self):
        return self.err.decode(errors="replace")

    def __repr__(self):
        return f"<status {self.status}, out {self.out[-3000:]!r}, err {self.err[-3000:]!r}>"


class Keys:
    """Key pairs, made when first asked for, in the formats of the clients."""

    def __init__(self, folder):
        self.dir = folder

    def make(self, name, options=None):
        path = f"{self.dir}/{name}"
        if not os.path.exists(path):
            subprocess.run(["ssh-keygen", "-q", "-N", "", "-C", f"{name}@test", "-f", path,
                            *(options or TYPES[name])], check=True)
        return path

    @property
    def ed25519(self):
        return self.make("ed25519")

    @property
    def ecdsa(self):
        return self.make("ecdsa")

    @property
    def rsa(self):
        return self.make("rsa")

    @property
    def other(self):
        """A second ed25519 key, authorized as well: another person."""
        return self.make("other", TYPES["ed25519"])

    @property
    def stranger(self):
        """A key nobody has authorized."""
        return self.make("stranger", TYPES["ed25519"])

    def line(self, path):
        with open(f"{path}.pub", encoding="ascii") as file:
            return file.read().strip()

    def all_lines(self):
        return [self.line(path) for path in (self.ed25519, self.ecdsa, self.rsa, self.other)]

    def fingerprint(self, path):
        """SHA256:... as ssh-keygen -l prints it and rules name it."""
        blob = base64.b64decode(self.line(path).split()[1])
        digest = base64.b64encode(hashlib.sha256(blob).digest()).decode()
        return "SHA256:" + digest.rstrip("=")

    def ppk(self, path):
        target = f"{path}.ppk"
        if not os.path.exists(target):
            subprocess.run(["puttygen", path, "-O", "private", "-o", target], check=True)
        return target

    def dropbear(self, path):
        target = f"{path}.dropbear"
        if not os.path.exists(target):
            subprocess.run(["dropbearconvert", "openssh", "dropbear", path, target], check=True,
                           capture_output=True)
        return target


# OpenSSH

# Of OpenSSH's clients: nothing of whoever runs them counts, and nothing is asked.
OPTIONS = ["-F", "none"]
for _setting in ("UserKnownHostsFile=/dev/null", "GlobalKnownHostsFile=/dev/null",
                 "StrictHostKeyChecking=no", "LogLevel=ERROR", "BatchMode=yes", "IdentitiesOnly=yes",
                 "IdentityAgent=none", "ConnectTimeout=20"):
    OPTIONS += ["-o", _setting]


def ssh_argv(daemon, login, *command, key=None, options=(), tty=None, port=None):
    flags = {None: [], True: ["-tt"], False: ["-T"]}[tty]
    return ["ssh", *OPTIONS, "-p", str(port or daemon.port), "-i", key or daemon.keys.ed25519, *flags,
            *options, f"{login}@{HOST}", *command]


def ssh(daemon, login, *command, stdin=None, seconds=20, **options):
    """Runs ssh to its end. stdin: bytes, or None for /dev/null."""
    done = subprocess.run(
        ssh_argv(daemon, login, *command, **options), capture_output=True, check=False,
        timeout=seconds * proc.SLOW,
        **({"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}))
    return Result(done.returncode, done.stdout, done.stderr)


def ssh_password(daemon, login, command, password, method="password", seconds=60, key=None,
                 source=None, options=()):
    """ssh that answers every question with this password, once."""
    asker = f"{daemon.keys.dir}/asker"
    if not os.path.exists(asker):
        with open(asker, "w", encoding="ascii") as file:
            file.write('#!/bin/sh\nprintf "%s\\n" "$VMC_TEST_PASSWORD"\n')
        os.chmod(asker, 0o755)
    methods = f"publickey,{method}" if key else method
    options = [*options, "-o", f"PreferredAuthentications={methods}",
               "-o", "NumberOfPasswordPrompts=1", *(["-b", source] if source else [])]
    if not key:
        options += ["-o", "PubkeyAuthentication=no"]
    argv = [word for word in ssh_argv(daemon, login, command, key=key, options=options)]
    argv[argv.index("BatchMode=yes")] = "BatchMode=no"
    done = subprocess.run(
        argv, capture_output=True, check=False, stdin=subprocess.DEVNULL, start_new_session=True,
        timeout=seconds * proc.SLOW,
        env=dict(os.environ, SSH_ASKPASS=asker, SSH_ASKPASS_REQUIRE="force",
                 VMC_TEST_PASSWORD=password))
    return Result(done.returncode, done.stdout, done.stderr)


def ssh_pipes(daemon, login, *command, **options):
    """ssh without a terminal, running, its input left open."""
    options.setdefault("tty", False)
    return Pipes(ssh_argv(daemon, login, *command, **options))


def ssh_terminal(daemon, login, *command, rows=24, columns=80, **options):
    """ssh on a pseudo terminal, as a person runs it."""
    if command:
        options.setdefault("tty", True)
    # OpenSSH's own escape is off, so that every byte typed goes out.
    options["options"] = ["-e", "none", *options.get("options", ())]
    return Terminal(ssh_argv(daemon, login, *command, **options), rows, columns)


def file_client_argv(daemon, program, *words):
    return [program, *OPTIONS, "-q", "-P", str(daemon.port), "-i", daemon.keys.ed25519, *words]


def _file_client(daemon, program, *words):
    done = subprocess.run(
        file_client_argv(daemon, program, *words), stdin=subprocess.DEVNULL, capture_output=True, timeout=40 * proc.SLOW, check=False)
    return Result(done.returncode, done.stdout, done.stderr)


def scp(daemon, source, target, *options):
    """source: LOGIN@127.0.0.1:PATH."""
    return _file_client(daemon, "scp", *options, source, target)


def sftp(daemon, login, commands, *options):
    """Gives it these commands, one a line."""
    batch = f"{daemon.dir}/batch-{os.urandom(4).hex()}"
    with open(batch, "w", encoding="ascii") as file:
        file.write("\n".join(commands) + "\n")
    return _file_client(daemon, "sftp", "-b", batch, *options, f"{login}@{HOST}")


# PuTTY and Dropbear

def host_key_fingerprint(daemon):
    """The server's ed25519 host key, as PuTTY wants to be told it."""
    scan = subprocess.run(["ssh-keyscan", "-t", "ed25519", "-p", str(daemon.port), HOST],
                          capture_output=True, check=True, timeout=20 * proc.SLOW)
    # OpenSSH 10 prints a comment beside the key: standard output has "HOST TYPE KEY" once.
    (line,) = (x for x in scan.stdout.splitlines() if not x.startswith(b"#"))
    blob = base64.b64decode(line.split()[2])
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def plink_argv(daemon, login, *command, key=None):
    return ["plink", "-ssh", "-batch", "-no-antispoof", "-noagent", "-P", str(daemon.port),
            "-i", daemon.keys.ppk(key or daemon.keys.ed25519),
            "-hostkey", host_key_fingerprint(daemon), f"{login}@{HOST}", *command]


def pscp_argv(daemon, mode, source, target):
    """PuTTY's pscp; mode: -sftp or -scp."""
    return ["pscp", mode, "-batch", "-q", "-noagent", "-P", str(daemon.port),
            "-i", daemon.keys.ppk(daemon.keys.ed25519),
            "-hostkey", host_key_fingerprint(daemon), source, target]


def dbclient_argv(daemon, login, *command, key=None):
    return ["dbclient", "-y", "-y", "-p", str(daemon.port),
            "-i", daemon.keys.dropbear(key or daemon.keys.ed25519), f"{login}@{HOST}", *command]


def home(daemon):
    """An environment in which no client finds settings of the person who runs the tests."""
    folder = f"{daemon.keys.dir}/home"
    os.makedirs(folder, exist_ok=True)
    return {"HOME": folder}


# Python

def paramiko_connect(daemon, login, key=None, seconds=20, sock=None):
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect(HOST, daemon.port, login, key_filename=key or daemon.keys.ed25519,
                   look_for_keys=False, allow_agent=False, timeout=seconds * proc.SLOW, sock=sock,
                   banner_timeout=seconds * proc.SLOW, auth_timeout=seconds * proc.SLOW)
    return client


def paramiko_signal(client, channel, name):
    """paramiko has no call for it."""
    request = paramiko.Message()
    request.add_byte(b"\x62")  # SSH_MSG_CHANNEL_REQUEST, RFC 4254, section 6.9
    request.add_int(channel.remote_chanid)
    request.add_string("signal")
    request.add_boolean(False)
    request.add_string(name)
    client.get_transport()._send_user_message(request)


def asyncssh_connect(daemon, login, key=None, **options):
    """To be awaited or used with async with."""
    return asyncssh.connect(HOST, daemon.port, username=login, known_hosts=None, config=None,
                            client_keys=[key or daemon.keys.ed25519], agent_path=None, **options)


def closed_by_server(connection, seconds=10):
    """Reads a socket to its end; False if the server keeps it open that long."""
    connection.settimeout(seconds * proc.SLOW)
    try:
        while connection.recv(65536):
            pass
        return True
    except (ConnectionResetError, BrokenPipeError):
        return True
    except socket.timeout:
        return False
