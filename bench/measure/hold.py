"""Many sessions held: memory and idle CPU of each, and what is left when all have gone."""

import json
import os
import subprocess
import sys
import time

from .account import Cpu
from .report import Table, Verdict
from .ways import calm

TRAFFIC_KIB = 4
CLIENT = f"{os.path.dirname(os.path.abspath(__file__))}/client.py"
COLUMNS = ["sessions", "answered", "processes", "PSS KiB", "kernel KiB", "both KiB",
           "idle us/s", "+ libvirtd"]


class Client:
    def __init__(self, place, way, names):
        asked = {"port": way.server.port, "key": place.keys.ed25519, "login": way.login,
                 "names": [way.target(name) for name in names], "mark": way.mark, "shell": way.shell}
        self.process = subprocess.Popen([sys.executable, CLIENT, json.dumps(asked)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def order(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if answer.get("errors"):
            print(f"# {answer['errors']}", flush=True)
        return answer["up"]

    def stop(self):
        self.process.stdin.close()
        self.process.wait(20)


class Look:
    """What all groups of a way hold at one moment. own: without libvirtd."""

    def __init__(self, way):
        calm([way])
        found = [group.memory() for group in way.groups]
        self.own = sum(one.pss + one.kernel for one, group in zip(found, way.groups)
                       if group.name != "libvirtd")
        self.processes = sum(one.processes for one in found)
        self.pss = sum(one.pss for one in found)
        self.kernel = sum(one.kernel for one in found)


def _idle(way, seconds):
    """CPU us a second of all groups of the way but libvirtd, and of libvirtd."""
    calm([way])
    cpu, begun = Cpu(way.groups), time.monotonic()
    time.sleep(seconds)
    per_second = 1e6 / (time.monotonic() - begun)
    libvirtd = cpu.used("libvirtd") * per_second
    return cpu.used() * per_second - libvirtd, libvirtd


def _row(way, base, base_idle, count, up, seconds):
    look = Look(way)
    return [count, up, (look.processes - base.processes) / count,
            (look.pss - base.pss) / count, (look.kernel - base.kernel) / count,
            (look.pss + look.kernel - base.pss - base.kernel) / count,
            *((now - before) / count for now, before in zip(_idle(way, seconds), base_idle))]


def _hold(place, way, label, names, counts, seconds, table):
    base, base_idle = Look(way), _idle(way, seconds)
    client, answered = Client(place, way, names), 0
    try:
        for count in counts:
            answered += client.order("open", count)
            up = min(client.order("traffic", TRAFFIC_KIB), answered)
            table.add(label, _row(way, base, base_idle, count, up, seconds))
        held = Look(way)
        client.order("close")
    finally:
        client.stop()
    time.sleep(3)  # keep_open, and a moment for the heap to be trimmed
    left = Look(way)
    table.note(f"{label}: {base.own} KiB before, {held.own} KiB with {counts[-1]}, {left.own} KiB "
               f"after the last has left (libvirtd not counted); idle without sessions "
               f"{base_idle[0]:.0f} + {base_idle[1]:.0f} us/s")


def _own_daemon(place, label, names, counts, seconds, table):
    way = place.vmconsoled(label.replace(" ", "-"), keep_open="1s")
    time.sleep(6)  # what a start costs is no part of idleness
    try:
        _hold(place, way, label, names, counts, seconds, table)
    finally:
        place.drop(way)


def measure(place, counts, alone, seconds):
    """counts: sessions on as many guests; alone: sessions on one guest, vmconsoled only."""
    place.add_guests(counts[-1])
    names = [guest.name for guest in place.guests[:counts[-1]]]
    table = Table("hold: per session, all processes of the way (libvirtd's growth included)",
                  COLUMNS)
    _own_daemon(place, "vmconsoled", names, counts, seconds, table)
    for name in ("sshd_socat", "sshd_virsh"):
        _hold(place, place.ways[name], name, names, counts, seconds, table)
    for count in alone:
        _own_daemon(place, f"one guest {count}", names[:1], [count], seconds, table)
    return table


def _of_all(row):
    """Idle CPU of all sessions together, percent of a core, libvirtd's growth included."""
    idle, libvirtd = map(COLUMNS.index, ("idle us/s", "+ libvirtd"))
    return (row[idle] + row[libvirtd]) * row[0] / 1e4


def verdicts(table):
    both, idle, libvirtd = map(COLUMNS.index, ("both KiB", "idle us/s", "+ libvirtd"))
    few, many = table.rows["vmconsoled"][0], table.rows["vmconsoled"][-1]
    peer, crowd = table.rows["sshd_socat"][-1], list(table.rows.values())[-1][-1]
    count = many[0]
    return [Verdict(f"memory per session at {count}, KiB", 1 / 50, many[both], peer[both],
                    peer="sshd_socat"),
            Verdict(f"memory per session at {crowd[0]}, KiB", 1 / 50, crowd[both], peer[both],
                    peer="sshd_socat"),
            Verdict(f"idle CPU per session at {count}, us/s", 5, many[idle]),
            Verdict(f"idle CPU per session at {few[0]}, us/s", 5, few[idle]),
            Verdict(f"the same with libvirtd's at {count}", 5, many[idle] + many[libvirtd]),
            Verdict(f"idle CPU of {crowd[0]}, % of a core", 1, _of_all(crowd))]
