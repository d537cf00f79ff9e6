"""The disk with the daemon's state is full, read-only, broken, slow."""

import errno
import os

from . import fault
from .guests import guest_floods

FULL_LONG = 5  # seconds: a page of 4 KiB is there still for each file
BLOCK = 1 << 16


def _fill(disk, path):
    with open(path, "wb", buffering=0) as file:
        try:
            while file.write(bytes(min(BLOCK, max(disk.free(), 1)))):
                pass
        except OSError as error:
            assert error.errno == errno.ENOSPC, error


@fault(loses=True)
def disk_full(world):
    ballast = f"{world.disk.path}/ballast"
    _fill(world.disk, ballast)
    try:
        guest_floods.act(world)
        world.run(0, FULL_LONG)
    finally:
        os.unlink(ballast)


def _fails(world, error):
    world.meddler.set(disk_error=error)
    world.run(0.3, 4)
    world.meddler.set()


@fault(loses=True)
def disk_read_only(world):
    _fails(world, errno.EROFS)


@fault(loses=True)
def disk_broken(world):
    _fails(world, errno.EIO)


@fault()
def disk_slow(world):
    """3 ms for each write, 30 for an fsync."""
    world.meddler.set(disk_delay=0.003)
    world.run(1, 4)
    world.meddler.set()
