"""What any local program can send to the control socket: raw messages of wire/msg.h, as any user."""

import json
import os
import re
import subprocess
import sys

from . import proc

HEADER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../wire/msg.h")
NOBODY = 65534  # neither root nor the daemon's user

# Runs by itself, without this package, as somebody who may not read it.
PROGRAM = r"""
import array, json, os, select, socket, struct, sys

order = json.loads(sys.stdin.readline())
types, structs, kept = order["types"], order["structs"], []

def pack(name, **values):
    # A type byte and its struct; what is not said is 0.
    fields = structs[name]
    return struct.pack("=B" + "".join(code for _, code in fields), types[name],
                       *(values.get(field, 0) for field, _ in fields))
line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
line.connect(order["path"])

def receive(s, seconds):
    if not select.select([s], [], [], seconds)[0]:
        return "silence", b""
    try:
        message = s.recv(65536)
    except ConnectionResetError:
        message = b""
    if not message:
        return "closed", b""
    return {n: name for name, n in types.items()}[message[0]], message[1:]

def said(seconds):
    name, body = receive(line, seconds)
    if name != "VERDICT":
        return name
    return {1: "denied", 2: "accepted", 3: "partial"}[body[0]]

def authenticate(step):
    login, proof = step["login"].encode(), bytes.fromhex(step["proof"])
    message = pack("AUTH", method=step["method"], login_len=len(login)) + login + proof
    try:
        line.send(message)
    except OSError:
        return "closed"
    return said(step["seconds"])

def give(step):
    kinds = {"file": lambda: os.open("/dev/null", os.O_RDWR),
             "pipe": lambda: os.pipe()[1],
             "tcp": lambda: socket.socket().detach(),
             "stream": lambda: socket.socketpair()[0].detach(),
             "datagram": lambda: socket.socketpair(type=socket.SOCK_DGRAM)[0].detach(),
             "epoll": lambda: kept.append(select.epoll()) or kept[0].fileno(),
             "itself": lambda: os.dup(line.fileno())}
    socket.send_fds(line, [bytes([types["OPEN"]])], [kinds[step["kind"]]()])
    return "given"

def run(step):
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    try:
        socket.send_fds(line, [bytes([types["OPEN"]])], [theirs.fileno()])
        theirs.close()
        request = pack("EXEC", pty=step["pty"], columns=80, rows=24)
        ours.send(request + step["command"].encode())
    except OSError:
        return {"end": "closed"}
    text = {"OUT": b"", "ERR": b""}
    while True:
        name, body = receive(ours, step["seconds"])
        if name in text:
            text[name] += body
            continue
        status = struct.unpack("=i", body[:4])[0] if name == "EXIT" else None
        return {"end": name, "status": status, "out": text["OUT"].decode(errors="replace"),
                "errors": text["ERR"].decode(errors="replace")}

def wait(step):
    return said(step["seconds"])

def leave(step):
    # Says each word when what it answers is there, and is gone with the last one.
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    socket.send_fds(line, [bytes([types["OPEN"]])], [theirs.fileno()])
    theirs.close()
    ours.send(pack("EXEC", pty=1, columns=80, rows=24) + step["command"].encode())
    for awaited, word in step["words"]:
        text = b""
        while awaited.encode() not in text:
            name, body = receive(ours, step["seconds"])
            if name not in ("OUT", "ERR"):
                return [name, text.decode(errors="replace")]
            text += body
        if [awaited, word] == step["words"][-1]:
            ours.shutdown(socket.SHUT_RD)
        ours.send(bytes([types["DATA"]]) + word.encode())
    ours.close()
    return "left"

def deaf(step):
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    ours.shutdown(socket.SHUT_RD)
    ours.send(pack("EXEC", pty=1, columns=80, rows=24) + step["command"].encode())
    socket.send_fds(line, [bytes([types["OPEN"]])], [theirs.fileno()])
    theirs.close()
    poll = select.poll()
    poll.register(ours, 0)
    return "ended" if poll.poll(step["seconds"] * 1000) else "silence"

steps = {"auth": authenticate, "give": give, "run": run, "wait": wait, "leave": leave,
         "deaf": deaf}
print(json.dumps([steps[step["do"]](step) for step in order["steps"]]))
"""


def _enumeration(name):
    """{"AUTH": 8, ...} of an enum in wire/msg.h."""
    with open(HEADER, encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    words = re.search(rf"enum {name} {{(.*?)}};", text, re.S).group(1).split(",")
    found, number = {}, 0
    for word in filter(None, (part.strip() for part in words)):
        name, _, value = (part.strip() for part in word.partition("="))
        number = int(value) if value else number + 1
        found[name.removeprefix("WIRE_").removeprefix("AUTH_")] = number
    return found


def _structure(name):
    """[["method", "B"], ...] of a struct in wire/msg.h, in the letters of Python's struct."""
    letters = {"uint8_t": "B", "uint16_t": "H", "uint32_t": "I", "uint64_t": "Q", "int32_t": "i"}
    with open(HEADER, encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    body = re.search(rf"struct {name} {{(.*?)}}", text, re.S).group(1)
    return [[field.strip(), letters[kind]]
            for kind, names in re.findall(r"(\w+)\s+([^;]+);", body)
            for field in names.split(",")]


TYPES = _enumeration("wire_type")
STRUCTS = {"AUTH": _structure("wire_auth"), "EXEC": _structure("wire_request")}
METHODS = _enumeration("wire_method")


def auth(method, login="vmconsole", proof=b"", seconds=10):
    return {"do": "auth", "method": METHODS.get(method, method), "login": login,
            "proof": proof.hex(), "seconds": seconds * proc.SLOW}


def give(kind):
    return {"do": "give", "kind": kind}


def run(command, pty=0, seconds=20):
    return {"do": "run", "command": command, "pty": pty, "seconds": seconds * proc.SLOW}


def wait(seconds):
    return {"do": "wait", "seconds": seconds * proc.SLOW}


def leave(command, *words, seconds=20):
    """On a pty; words: (text to wait for, what to type then). When the last one is typed the channel
    takes no answers any more, and is closed at once."""
    return {"do": "leave", "command": command, "words": [list(pair) for pair in words],
            "seconds": seconds * proc.SLOW}


def deaf(command, seconds=20):
    """On a pty that takes no word from the beginning: "ended" when the broker has let go of it."""
    return {"do": "deaf", "command": command, "seconds": seconds * proc.SLOW}


def call(daemon, *steps, uid=NOBODY):
    """Does the steps over one connection, as this user where the tests are root; a list of what
    each came to."""
    argv = [sys.executable, "-c", PROGRAM]
    if os.getuid() == 0:
        argv = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--", *argv]
    order = {"path": f"{daemon.dir}/run/control", "types": TYPES, "structs": STRUCTS,
             "steps": steps}
    done = subprocess.run(argv, input=json.dumps(order) + "\n", capture_output=True, text=True,
                          check=False, cwd="/", timeout=120 * proc.SLOW)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
