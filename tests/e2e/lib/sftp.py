"""SFTP packets by hand, for what no client would send (draft-ietf-secsh-filexfer-02)."""

import struct

from . import clients

OPEN, CLOSE, READ, LSTAT, FSTAT, OPENDIR, READDIR = 3, 4, 5, 7, 8, 11, 12
REMOVE, REALPATH, STAT, READLINK, EXTENDED = 13, 16, 17, 19, 200
STATUS, HANDLE, DATA, NAME, ATTRS = 101, 102, 103, 104, 105
EOF, NO_SUCH_FILE, PERMISSION_DENIED, FAILURE, BAD_MESSAGE, OP_UNSUPPORTED = 1, 2, 3, 4, 5, 8


def string(text):
    return struct.pack(">I", len(text)) + text


def packet(kind, body):
    return string(bytes([kind]) + body)


def number(value):
    return struct.pack(">I", value)


def open_body(path):
    """What OPEN for reading has behind its id."""
    return string(path) + number(1) + number(0)


def read_body(handle, offset, length):
    return string(handle) + struct.pack(">QI", offset, length)


class Reply:
    def __init__(self, payload):
        self.kind = payload[0]
        self.id, = struct.unpack_from(">I", payload, 1)
        self.body = payload[5:]

    @property
    def status(self):
        """None when it is no STATUS."""
        return struct.unpack_from(">I", self.body)[0] if self.kind == STATUS else None

    @property
    def text(self):
        """The handle, the data, or the first name."""
        at = 4 if self.kind == NAME else 0
        length, = struct.unpack_from(">I", self.body, at)
        return self.body[at + 4:at + 4 + length]

    def __repr__(self):
        return f"<{self.kind} {self.body[:80]!r}>"


class Raw:
    """A connection with one sftp channel. It may be used as a block."""

    def __init__(self, daemon, login, **window):
        self.client = clients.paramiko_connect(daemon, login)
        self.channel = self.client.get_transport().open_session(**window)
        self.channel.settimeout(60)
        self.channel.invoke_subsystem("sftp")
        self.channel.sendall(packet(1, number(3)))
        self.last = 0
        assert self._packet()[0] == 2

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def _bytes(self, count):
        got = b""
        while len(got) < count:
            more = self.channel.recv(count - len(got))
            if not more:
                raise EOFError("the server has closed the channel")
            got += more
        return got

    def _packet(self):
        return self._bytes(*struct.unpack(">I", self._bytes(4)))

    def request(self, kind, body):
        """A packet with the next id, to be sent."""
        self.last += 1
        return packet(kind, number(self.last) + body)

    def reply(self):
        return Reply(self._packet())

    def ask(self, kind, body):
        self.channel.sendall(self.request(kind, body))
        reply = self.reply()
        assert reply.id == self.last, reply
        return reply

    def open(self, path):
        return self.ask(OPEN, open_body(path))

    def read(self, handle, offset, length):
        return self.ask(READ, read_body(handle, offset, length))
