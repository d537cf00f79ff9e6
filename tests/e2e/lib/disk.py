"""A small file system in memory, for a daemon's state."""

import os
import subprocess


class CannotMount(Exception):
    pass


class Disk:
    """Mounted at path; made for files of this user. Only root can."""

    def __init__(self, path, user, size):
        self.path = path
        user.mkdir(path)
        self._mount("-t", "tmpfs", "-o", f"size={size},mode=700,uid={user.uid},gid={user.gid}",
                    "none", path)

    @staticmethod
    def _mount(*arguments):
        done = subprocess.run(["mount", *arguments], capture_output=True, check=False)
        if done.returncode:
            raise CannotMount(f"cannot mount: {done.stderr.decode()}")

    def remount(self, options):
        self._mount("-o", f"remount,{options}", self.path)

    def free(self):
        info = os.statvfs(self.path)
        return info.f_bavail * info.f_frsize

    def unmount(self):
        subprocess.run(["umount", "-l", self.path], check=False)
