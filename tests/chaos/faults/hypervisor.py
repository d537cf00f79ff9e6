"""libvirtd and QEMU are stopped, hang, are killed, come back."""

import signal

from lib import proc
from lib.session import GUEST_CRASHED, GUEST_OFF, UNAVAILABLE

from . import fault

AWAY = {"victim": {UNAVAILABLE}, "https": {18, 0}}  # who does not wait for a console that is gone


@fault()
def libvirtd_stopped(world):
    """Not long enough to be noticed."""
    world.virt.freeze()
    world.run(0.3, 4)
    world.virt.thaw()


@fault(ends=AWAY, loses=True, dear=True)
def libvirtd_hangs(world):
    world.virt.freeze()
    world.run(24, 32)
    world.virt.thaw()


@fault(ends=AWAY, loses=True)
def libvirtd_killed(world):
    world.virt.kill9()
    world.run(0, 1.5)
    world.virt.restart()


@fault(ends=AWAY, loses=True)
def libvirtd_restarted(world):
    world.virt.restart()


@fault(ends={"victim": {GUEST_CRASHED}})
def qemu_killed(world):
    world.victim.kill_qemu()


@fault()
def qemu_stopped(world):
    pid = world.victim.qemu_pid
    proc.end(pid, signal.SIGSTOP)
    world.run(0.3, 4)
    proc.end(pid, signal.SIGCONT)


@fault(ends={"victim": {GUEST_OFF}})
def guest_destroyed(world):
    world.victim.destroy()


@fault()
def guest_reset(world):
    world.victim.domain.reset()
