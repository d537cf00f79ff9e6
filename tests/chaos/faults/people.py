"""Clients that are stopped or killed, and those that were never any."""

import contextlib
import os
import signal
import socket

from . import fault


@fault()
def client_stopped(world):
    client = world.some(world.random.choice(["viewer", "https", "writer"]))
    client.stream.kill(signal.SIGSTOP)
    world.run(0.5, 4)
    client.stream.kill(signal.SIGCONT)


@fault(ends={kind: {-signal.SIGKILL} for kind in ("viewer", "https", "writer", "victim", "scp")})
def client_killed(world):
    for client in world.random.sample(world.clients, 2):
        client.stream.kill()
        world.run(0, 0.3)


@fault()
def strangers(world):
    """Connections that say nothing, or anything, and go."""
    with contextlib.ExitStack() as stack:
        for _ in range(12):
            stranger = stack.enter_context(socket.create_connection(
                ("127.0.0.1", world.random.choice([world.daemon.port, world.daemon.port_tls]))))
            with contextlib.suppress(ConnectionError):
                if world.random.random() < 0.7:
                    stranger.sendall(os.urandom(world.random.randrange(1, 4000)))
            world.run(0, 0.2)
