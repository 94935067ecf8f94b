"""Choosing a loopback port for a server that must be found there again after a restart."""

from __future__ import annotations

import errno
import random
import socket

# Below what Linux gives to outgoing connections (32768 and up by default): a port of theirs can be taken by any
# client's connection while the server that had it restarts.
PORTS = range(20_000, 32_768)
_ATTEMPTS = 1_000
_given: set[int] = set()


def free_port() -> int:
    """A loopback TCP port that nobody holds at this moment, and that this process was not given before.

    Raises OSError (EADDRINUSE) when there is none.
    """
    for port in random.sample(PORTS, _ATTEMPTS):
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise OSError(
        errno.EADDRINUSE, f"none of {_ATTEMPTS} loopback ports between {PORTS.start} and {PORTS.stop - 1} is free"
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
