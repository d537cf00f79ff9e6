"""What a program of this folder runs on: a private libvirt and a daemon of the build that --build
names. The harness looks at VMC_BUILD when it is imported: after the arguments have been read."""

import contextlib
import os
import re
import shutil
import sys
import threading

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))


def add_build(parser):
    parser.add_argument("--build", metavar="DIR", default=os.path.join(TOP, "build"))


class Stage:
    """.virt, .daemon (everything allowed to every key); .guests are removed at the end."""

    def __init__(self, config=None):
        from conftest import Programs  # noqa: PLC0415
        from lib.clients import Keys  # noqa: PLC0415
        from lib.daemon import Daemon  # noqa: PLC0415
        from lib.proc import User  # noqa: PLC0415
        from lib.virt import Libvirt  # noqa: PLC0415
        user, self.programs = User(), Programs()
        self.guests = []
        self.virt = Libvirt(user, self.programs).start()
        keys = f"{self.virt.dir}/keys"
        os.makedirs(keys)
        self.daemon = Daemon(user, self.programs, self.virt, Keys(keys), {
            "access all": {"allow": "view, type, force, control, power, log, admin"},
            **(config or {})})


@contextlib.contextmanager
def stage(build, config=None):
    os.environ["VMC_BUILD"] = os.path.abspath(build)
    made = Stage(config)
    try:
        yield made
        made.daemon.finish()
    finally:
        made.daemon.kill()
        made.virt.mend()
        for guest in made.guests:
            guest.remove()
        made.virt.stop()
        shutil.rmtree(made.programs.dir)


class Sampler(threading.Thread):
    """What processes hold (PSS, KiB): .first, and .most since; ends with .over."""

    def __init__(self, pids):
        super().__init__(daemon=True)
        self.pids, self.most, self.over = pids, 0, threading.Event()
        self.first = self.look()
        self.start()

    def look(self):
        def pss(pid):
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                return int(re.search(r"^Pss: +(\d+)", file.read(), re.M)[1])
        return sum(pss(pid) for pid in self.pids())

    def run(self):
        while not self.over.wait(0.5):
            self.most = max(self.most, self.look())
