"""The round trip of a keystroke beside a download without an end, by sftp: on another ssh connection to
the same server, and on the console's own one (ControlMaster). OpenSSH's sshd beside vmconsoled, on the same
guest's unix socket and the same file."""

import contextlib
import os
import subprocess
import threading

from .download import CIPHER, MIB, Sftp, make_dump, wait_for_dump
from .echo import COLUMNS, keystrokes
from .report import Figures, Verdict, percentile
from .ways import Ssh, SshUnix, calm

GUESTS = 1


class Shared:
    """A console's ssh whose connection others may use."""

    def __init__(self, control, *rest):
        super().__init__(*rest)
        self.control = control

    def argv(self, guest):
        ssh, *rest = super().argv(guest)
        return [ssh, "-M", "-S", self.control, "-c", CIPHER, *rest]


class Ours(Shared, SshUnix):
    pass


class Socat(Shared, Ssh):
    """By the server that has the files."""

    shell = False

    def __init__(self, control, files, *rest):
        super().__init__(control, *rest)
        self.files = files

    def target(self, name):
        return f"socat -,raw,echo=0 UNIX-CONNECT:{self.files}/{name}-1.sock"


@contextlib.contextmanager
def _downloads(argv):
    """One after the other, until the end."""
    over, failed = threading.Event(), []

    def fetch():
        while not over.is_set() and not failed:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False)
            failed.extend([done.stderr.decode()] if done.returncode else [])

    thread = threading.Thread(target=fetch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if failed:
        raise RuntimeError(f"{argv[0]}: {failed[0]}")


def _add(figures, name, found):
    times, cpu = found
    figures.add(name, [*(percentile(times, part) for part in (50, 90, 99)), cpu * 1e6 / len(times)])


def _round(place, way, fetch, login, keys, figures):
    """Alone, beside a download of another connection, and of its own."""
    sftp, *rest = fetch.argv(login)
    stream = way.open(place.guests[0])
    try:
        _add(figures, way.name, keystrokes(place, way, stream, keys))
        with _downloads([sftp, *rest]):
            _add(figures, f"{way.name}, beside", keystrokes(place, way, stream, keys))
        with _downloads([sftp, "-o", f"ControlPath={way.control}", *rest]):
            _add(figures, f"{way.name}, in it", keystrokes(place, way, stream, keys))
    finally:
        way.close(stream)
    calm([way])


def measure(place, rounds, keys=800, mib=512):
    guest, folder = place.guests[0], place.user.mkdir(f"{place.virt.dir}/dumps")
    files, login = f"{place.virt.dir}/files", place.user.name
    through = place.vmconsoled("vmc-beside", dump={"directories": folder}, keep_open="0", unix_dirs=files)
    daemon, sshd = through.daemon, place.file_server()
    daemon.knows(guest)
    path = make_dump(folder, place.user, guest, mib)
    name = os.path.basename(path).replace(":", "-")
    theirs = [place.group("sshd_files")]
    ours = (Ours(f"{place.keys.dir}/ours", "vmconsoled", through.groups[:1], daemon),
            Sftp("ours", through.groups[0], daemon, f"dumps/{name}"), guest.name)
    peer = (Socat(f"{place.keys.dir}/theirs", files, "sshd", theirs, sshd, login),
            Sftp("theirs", theirs[0], sshd, path), login)
    figures = Figures(f"echo beside downloads of {mib * MIB // 10**6} MB", COLUMNS)
    try:
        wait_for_dump(daemon, guest, name)
        for number in range(rounds):
            for way, fetch, who in (ours, peer) if number % 2 else (peer, ours):
                _round(place, way, fetch, who, keys, figures)
    finally:
        place.drop(through)
        os.unlink(path)
    return figures


def _more(figures, beside):
    """What the download adds, in each round."""
    at = COLUMNS.index("p99 us")
    rows = zip(figures.rows[f"vmconsoled{beside}"], figures.rows["vmconsoled"])
    return percentile([with_it[at] - alone[at] for with_it, alone in rows], 50)


def verdicts(figures):
    return [Verdict(f"us more of p99{beside}", 10000, _more(figures, beside))
            for beside in (", beside", ", in it")]
