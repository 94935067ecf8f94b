"""Choosing a loopback port for a server that must be found there again after a restart."""

from __future__ import annotations

import errno
import random
import socket
from collections.abc import Iterator
from threading import Lock

# Below what Linux gives to outgoing connections (32768 and up by default): a port of theirs can be taken by any
# client's connection while the server that had it restarts.
PORTS = range(20_000, 32_768)
BLOCK = 128
_one_at_a_time = Lock()


def free_port() -> int:
    """A loopback TCP port that nobody holds at this moment, and that was given neither here nor to another process.

    Raises OSError (EADDRINUSE) when there is none.
    """
    with _one_at_a_time:
        for port in _untaken:
            if _is_free(port):
                return port
    raise OSError(errno.EADDRINUSE, f"no loopback port between {PORTS.start} and {PORTS.stop - 1} is free")


def _ports_of_our_own() -> Iterator[int]:
    """Block after block that no other process has claimed."""
    starts = PORTS[::BLOCK]
    for start in random.sample(starts, len(starts)):
        if _claim(start):
            yield from range(start, min(start + BLOCK, PORTS.stop))


def _claim(start: int) -> bool:
    """Whether the block is ours, for as long as this process lives: its name is taken where Linux keeps ports, too."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0fairlead-ports-{start}")
    except OSError as error:
        claim.close()
        return error.errno != errno.EADDRINUSE  # where such names cannot be had, nobody has them
    claim.detach()  # open until the process ends
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


_untaken = _ports_of_our_own()
