"""What a daemon has kept of a console, read from its files by the rules of docs/journal.md."""

import os
import re
import subprocess

from .session import parse_json, walk

_NAME = re.compile(r"(\d{20})(?:\.log|-(\d{20})\.zst)$")


class Kept:
    """.runs: [(offset, bytes)], .marks: [(offset, kind, length, duration, text)], by offset."""

    def __init__(self, folder):
        self.folder, self.runs, self.marks = folder, [], []
        packed = {}
        for name in sorted(os.listdir(folder)):
            match = _NAME.match(name)
            if match and (int(match.group(1)) not in packed or match.group(2)):
                packed[int(match.group(1))] = name
            elif name.endswith(".idx"):
                self._read_marks(f"{folder}/{name}")
        for start, name in sorted(packed.items()):
            self.runs.append((start, self._content(f"{folder}/{name}")))

    @staticmethod
    def _content(path):
        if path.endswith(".zst"):
            return subprocess.run(["zstdcat", path], capture_output=True, check=True).stdout
        with open(path, "rb") as file:
            return file.read()

    def _read_marks(self, path):
        with open(path, encoding="utf-8") as file:
            for line in file.read().split("\n")[:-1]:
                if line.startswith("m "):
                    _, offset, _, kind, length, duration, text = line.split(" ", 6)
                    self.marks.append((int(offset), kind, int(length), int(duration), text))

    @property
    def bytes(self):
        """All that is kept, holes closed up."""
        return b"".join(data for _, data in self.runs)

    @property
    def end(self):
        return self.runs[-1][0] + len(self.runs[-1][1]) if self.runs else 0

    def overlaps(self):
        """Offsets that were given twice."""
        return [second[0] for first, second in zip(self.runs, self.runs[1:])
                if first[0] + len(first[1]) > second[0]]

    def from_offset(self, offset):
        """All that is kept from there on."""
        return b"".join(data[max(offset - start, 0):] for start, data in self.runs
                        if start + len(data) > offset)


def folder(daemon, guest, slot="serial:0"):
    return f"{daemon.dir}/state/journal/{guest.uuid}/{slot}"


def kept(daemon, guest, slot="serial:0"):
    return Kept(folder(daemon, guest, slot))


def offsets(daemon, guest, local=False):
    """(first, next) of the guest's only console, as status says, over ssh or by vmconsolectl."""
    data = parse_json(daemon.ctl("status", guest.uuid, "--json") if local else
                      daemon.ssh(guest.uuid, "status", "--json"))
    console, = [item for item in walk(data) if isinstance(item, dict) and "next" in item]
    return console["first"], console["next"]
