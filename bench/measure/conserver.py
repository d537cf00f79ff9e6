"""The peer that lets several look at one console: conserver, with TLS as it is installed, or without."""

import os
import subprocess

from lib.daemon import free_port

from .servers import answers

PROGRAM = "/usr/sbin/conserver"
CONFIG = """
config * {{ sslrequired {tls}; }}
access * {{ trusted 127.0.0.1; }}
default * {{ master localhost; rw *; logfile {dir}/console.log; }}
console {name} {{ type uds; uds {socket}; }}
"""


def is_installed():
    return os.path.exists(PROGRAM)


class Conserver:
    """One that holds one guest's socket, as long as it runs."""

    def __init__(self, place, guest, tls):
        self.group, self.port = place.group("conserver"), free_port()
        self.dir = place.user.mkdir(f"{place.virt.dir}/conserver", 0o755)
        place.user.write(f"{self.dir}/conserver.cf", CONFIG.format(
            tls="yes" if tls else "no", dir=self.dir, name=guest.name, socket=guest.socket()))
        place.user.write(f"{self.dir}/passwd", "*any*:*any*\n")
        argv = [PROGRAM, "-M", "127.0.0.1", "-p", str(self.port), "-C",
                f"{self.dir}/conserver.cf", "-P", f"{self.dir}/passwd", *([] if tls else ["-E"])]
        with self.group.entered():
            self.process = subprocess.Popen(place.user.argv(argv, die_with_us=True),
                                            stdin=subprocess.DEVNULL,
                                            stdout=open(f"{self.dir}/log", "wb"),
                                            stderr=subprocess.STDOUT)
        self.group.roots.append(self.process.pid)
        self._wait()

    def _wait(self):
        if answers(self.process, self.port, b"ok"):
            return
        with open(f"{self.dir}/log", encoding="utf-8", errors="replace") as file:
            raise RuntimeError(f"conserver does not answer: {file.read()}")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
