"""QEMU's gdb stub: a guest's processor is halted while a Gdb is open, and can be changed.
https://sourceware.org/gdb/current/onlinedocs/gdb.html/Remote-Protocol.html"""

import socket

from . import proc


RIP, FLAGS, CS = 16, 17, 18  # on x86-64
INTERRUPTS = 1 << 9  # in FLAGS


class Gdb:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 20 * proc.SLOW)
        self.seen = b""
        # Only who asks for that is told single registers.
        self.ask("qXfer:features:read:target.xml:0,1000")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """The processor goes on."""
        self.ask("D")
        self.socket.close()

    def _read_to(self, end):
        while end not in self.seen:
            more = self.socket.recv(65536)
            assert more, "the stub has closed the connection"
            self.seen += more
        found, _, self.seen = self.seen.partition(end)
        return found

    def _read_answer(self):
        self._read_to(b"$")
        answer = self._read_to(b"#").decode()
        self.socket.sendall(b"+")
        return answer

    def ask(self, text):
        """That the processor has been halted is told in between."""
        self.socket.sendall(f"${text}#{sum(text.encode()) % 256:02x}".encode())
        answer = self._read_answer()
        while answer.startswith("T"):
            answer = self._read_answer()
        return answer

    def register(self, number, size=8):
        return int.from_bytes(self._bytes(f"p{number:x}")[:size], "little")

    def set_register(self, number, value, size=8):
        self._order(f"P{number:x}={value.to_bytes(size, 'little').hex()}")

    def read(self, address, size):
        return self._bytes(f"m{address:x},{size:x}")

    def write(self, address, data):
        self._order(f"M{address:x},{len(data):x}:{data.hex()}")

    def _bytes(self, question):
        return bytes.fromhex(self.ask(question))

    def _order(self, text):
        assert self.ask(text) == "OK"
