"""The ways to a guest's console that are compared. A guest has a pty (its shell) as first serial
port and a unix socket (an echo) as second one."""

import time

from lib import clients
from lib.session import word
from lib.term import BarePty, Terminal, UnixConsole


def _ask_until_answered(stream):
    """virsh drops what is typed too early, and QEMU looks at an unheld pty once a second: only what
    the guest has said shows that the way is open."""
    deadline = time.monotonic() + 20
    while True:
        answer = word()
        stream.line(f"say {answer}")
        try:
            stream.expect(rf"(?<!say ){answer}\r\n", 2)
            break
        except AssertionError:
            if time.monotonic() > deadline:
                raise
    while stream.read_some(0.15):
        pass
    stream.taken = len(stream.seen)


class Way:
    """name; groups: whose CPU and memory it costs; shell: the port has the guest's shell."""

    shell = True
    mark = ""  # shown when input is no longer thrown away

    def __init__(self, name, groups=()):
        self.name, self.groups = name, list(groups)
        self.enters = None  # a group that the client itself belongs to

    def argv(self, guest):
        raise NotImplementedError

    def question(self):
        """What is typed, and the answer that only the guest can have given."""
        if not self.shell:
            return "\x01", "\x01"
        answer = word()
        return f"say {answer}\r", f"{answer}\r\n"

    def open(self, guest):
        """A session as a byte stream on which the guest has answered, and nothing is unread."""
        stream = self._stream(guest)
        if self.shell:
            _ask_until_answered(stream)
        else:
            guest.wake(stream, 20)
        return stream

    def _stream(self, guest):
        terminal = Terminal(self.argv(guest))
        if self.mark:
            terminal.expect(self.mark, 20)
        if self.enters:
            self.enters.adopt(terminal.pid)
        return terminal

    @staticmethod
    def close(stream):
        stream.__exit__(None, None, None)


class Ssh(Way):
    """ssh, the client, to whatever listens there."""

    def __init__(self, name, groups, server, login=None):
        super().__init__(name, groups)
        self.server, self.login = server, login

    def target(self, name):
        """What the server is asked for."""
        return name

    def argv(self, guest):
        login = [] if self.login is None else [self.login]
        return clients.ssh_argv(self.server, *login, self.target(guest.name), tty=True)


class SshVirsh(Ssh):
    mark = "Escape character"


class SshSocat(Ssh):
    shell = False

    def __init__(self, name, groups, server, login, port=1):
        super().__init__(name, groups, server, login)
        self.port = port

    def target(self, name):
        return f"{name}-{self.port}"


class SshUnix(Ssh):
    """vmconsoled on the second port, a unix socket: libvirt takes no part."""

    shell = False

    def target(self, name):
        return f"{name}+serial1"


class Ctl(Way):
    """vmconsoled through its control socket: no ssh, no door."""

    def __init__(self, name, groups, daemon):
        super().__init__(name, groups)
        self.daemon = daemon

    def argv(self, guest):
        return [self.daemon.programs.vmconsolectl, "-S", f"{self.daemon.dir}/run/control",
                "attach", guest.name]


class Virsh(Way):
    """virsh console on the host itself: no ssh. The client is part of the cost."""

    mark = "Escape character"

    def __init__(self, name, groups, group, uri):
        super().__init__(name, [group, *groups])
        self.enters, self.uri = group, uri

    def argv(self, guest):
        return ["virsh", "-c", self.uri, "console", "--force", guest.name]


class Pty(Way):
    """The guest's pty, opened by us: nothing in between, nothing charged."""

    def argv(self, guest):
        return [f"pty:{guest.pty()}"]

    def _stream(self, guest):
        return BarePty(guest.pty())


class Unix(Way):
    shell = False

    def __init__(self, name, port=1):
        super().__init__(name)
        self.port = port

    def argv(self, guest):
        return [f"unix:{guest.socket(self.port)}"]

    def _stream(self, guest):
        return UnixConsole(guest.socket(self.port))


def calm(ways, seconds=8):
    """Waits until the servers of these ways have cleaned up after the last session."""
    groups = {id(group): group for way in ways for group in way.groups}
    for group in groups.values():
        group.settle(seconds)
