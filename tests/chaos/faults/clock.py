"""The real-time clock jumps, for the broker and nobody else (meddler.c): the kernel has namespaces
for the other clocks only. Doors have the real one."""

from . import fault

YEAR = 365 * 86400


def _jump(world, seconds):
    world.meddler.set(clock_ahead=seconds)
    world.run(0.3, 3)
    world.meddler.set()


@fault()
def clock_forward(world):
    _jump(world, world.random.choice([2, 3600, 30 * 86400, 10 * YEAR]))


@fault()
def clock_back(world):
    _jump(world, -world.random.choice([2, 3600, 30 * 86400, 10 * YEAR]))
