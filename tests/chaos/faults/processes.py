"""Processes of the daemon are killed, stopped for a while, or ended."""

import signal

from lib import proc
from lib.session import BROKEN, DONE, RESTARTING
from lib.term import Pipes

from . import everybody, fault

CURL_CUT = {18, 52, 56}  # of curl(1): less came than was promised, nothing, the connection broke
SCP_CUT = {1, BROKEN}    # of scp(1)


@fault(ends={**everybody({BROKEN}, CURL_CUT), "scp": SCP_CUT}, loses=True)
def broker_killed(world):
    world.daemon.kill()
    world.run(0, 1)
    world.daemon.start()


@fault(ends={**everybody({RESTARTING}, CURL_CUT | {DONE}), "scp": SCP_CUT}, loses=True)
def broker_ended(world):
    world.daemon.terminate()
    world.until(lambda: world.daemon.process.poll() is not None, "the daemon ends", 8)
    world.daemon.wait_end()
    world.daemon.start()


def _kill_door(world, kind):
    door, = world.daemon.doors(kind)
    proc.end(door, signal.SIGKILL)
    world.until(lambda: world.daemon.doors(kind) not in ([], [door]), f"another {kind} door", 15)


@fault(ends={**everybody({BROKEN}, ()), "scp": SCP_CUT}, loses=True)
def ssh_door_killed(world):
    _kill_door(world, "ssh")


@fault(ends={"https": CURL_CUT})
def https_door_killed(world):
    _kill_door(world, "https")


def _stop(world, pid):
    proc.end(pid, signal.SIGSTOP)
    world.run(0.3, 2.5)
    proc.end(pid, signal.SIGCONT)


@fault()
def broker_stopped(world):
    _stop(world, world.daemon.pid)


@fault()
def ssh_door_stopped(world):
    _stop(world, world.daemon.doors("ssh")[0])


@fault()
def https_door_stopped(world):
    _stop(world, world.daemon.doors("https")[0])


@fault()
def match_worker_killed(world):
    """A wait that is under way goes on in the next worker."""
    with Pipes(world.daemon.ctl_argv("wait", world.ticker.uuid, r"tick \d{8}00$", "--timeout",
                                     "60s")) as waiting:
        world.until(lambda: world.daemon.workers("match"), "a worker for matches", 10)
        world.run(0, 0.5)
        for worker in world.daemon.workers("match"):
            proc.end(worker, signal.SIGKILL)
        status = waiting.wait(30)
        assert status == DONE, f"wait ended with {status}: {waiting.errors()}"


@fault()
def screen_worker_killed(world):
    """Not at work: the next screen is drawn by another one."""
    for _ in range(2):
        result = world.daemon.ctl("screen", world.ticker.uuid)
        assert result.status == DONE and "tick" in result.text, result
        for worker in world.daemon.workers("screen"):
            proc.end(worker, signal.SIGKILL)
            world.until(lambda: worker not in world.daemon.workers("screen"), "it is gone", 10)
