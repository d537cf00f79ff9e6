"""What conman and conserver have in common: a server that holds the console for clients of its own."""

import contextlib
import os
import pwd
import socket
import subprocess
import time

import pexpect

FOLDER, VM = os.environ["VMC_FOLDER"], os.environ["VMC_VM"]
SSH = ["/usr/bin/ssh", "-F", os.environ["VMC_CONFIG"]]
ATTACH = [*SSH, "-tt", f"{VM}@console", "attach", "--lines", "0"]
USER = pwd.getpwuid(os.geteuid()).pw_name
PATIENCE = 240

with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    PORT = str(probe.getsockname()[1])


def write(name, text):
    with open(f"{FOLDER}/{name}", "w", encoding="ascii") as file:
        file.write(text)
    return f"{FOLDER}/{name}"


def status(login, verb):
    return subprocess.run([*SSH, f"{login}@console", verb], capture_output=True,
                          stdin=subprocess.DEVNULL, check=False).returncode


@contextlib.contextmanager
def running(argv):
    """A server that listens."""
    with open(f"{FOLDER}/server.out", "wb") as out:
        server = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + PATIENCE
        while not listens() and server.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait(PATIENCE)


def listens():
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(PORT))) == 0


def keyboard_is_ours():
    """The server's session has begun: what is typed before that, ssh would lose."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        said = subprocess.run([*SSH, f"{VM}@console", "status"], capture_output=True, check=False).stdout
        if b"keyboard with key:" in said:
            return
        time.sleep(0.2)
    raise SystemExit(f"nobody has the keyboard: {said.decode()}")


def show(word, server, client, joined, leave):
    print("wait:", status(VM, "wait --timeout 1 'nothing like this'"))
    print("unknown VM:", status("nobody", "status"))
    with running(server):
        keyboard_is_ours()
        console = pexpect.spawn(client[0], client[1:], timeout=PATIENCE)
        console.expect(joined)
        console.send(f"say hello {word}\r")
        console.expect(rb"\n(hello \w+)\r\n")
        print("console:", console.match[1].decode())
        console.send(leave)
        console.expect(pexpect.EOF)
        console.close()
        print("end:", console.exitstatus)
    print("panic:", status(VM, "send --enter --wait never panic"))
