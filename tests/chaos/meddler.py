"""The page through which meddler.c is told what to do, and the library itself, built by cc."""

import mmap
import os
import struct
import subprocess

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "meddler.c")
PAGE = struct.Struct("=qqq")  # struct meddling


class Meddler:
    def __init__(self, folder):
        library, path = f"{folder}/meddler.so", f"{folder}/meddling"
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, SOURCE], check=True)
        with open(path, "w+b") as file:
            file.truncate(mmap.PAGESIZE)
            self.page = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        os.chmod(path, 0o644)
        self.environment = {"LD_PRELOAD": library, "VMC_MEDDLER": path}

    def set(self, clock_ahead=0, disk_delay=0.0, disk_error=0):
        """Seconds, seconds of a call that writes, an errno; all else is as it should be again."""
        PAGE.pack_into(self.page, 0, int(clock_ahead), int(disk_delay * 1e6), disk_error)
