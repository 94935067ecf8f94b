"""Whether one Envoy can take over from another, and what they share for that.

Epochs of one Envoy share a base id: a name for their sockets, and for a few bytes of shared memory under /dev/shm.
"""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")
# What Envoy's shared memory holds in the version that is known here: its size, a version, two locks, and flags.
_KNOWN_VERSION = "11.104"
_HEAD = struct.Struct("=QQ")
_KNOWN_HEAD = (104, 11)
_FLAGS_OFFSET = 96


def shared_memory_file(base_id: int) -> Path:
    """Where epochs with this base id have theirs."""
    return SHARED_MEMORY / f"envoy_shared_memory_{base_id}0"


def available() -> bool:
    """Whether an Envoy can be started here such that another may take over from it later."""
    return os.access(SHARED_MEMORY, os.W_OK | os.X_OK)


def obstacle(base_id: int | None, running: str, coming: str) -> str:
    """Why no Envoy of version `coming` (`--hot-restart-version`) takes over from one of `running`; empty if it can."""
    if base_id is None:
        return "it was started without shared memory, for want of a writable /dev/shm"
    if not shared_memory_file(base_id).exists():
        return f"its shared memory {shared_memory_file(base_id)} is gone"
    if running != coming:
        return f"the versions cannot work together (hot restart version {running} runs, the new one has {coming})"
    return ""


def clear_leftovers(base_id: int, version: str) -> None:
    """An epoch that was killed while it initialized is still told to be doing so, and none could come after it.

    Only while no epoch initializes. Does nothing where the shared memory is not of a form that is known.
    """
    if version != _KNOWN_VERSION:
        return
    with suppress(OSError), shared_memory_file(base_id).open("r+b") as memory:
        if _HEAD.unpack(memory.read(_HEAD.size)) == _KNOWN_HEAD:
            memory.seek(_FLAGS_OFFSET)
            memory.write(bytes(8))


def forget(base_id: int) -> None:
    """Every epoch has ended: Envoy leaves its shared memory behind."""
    with suppress(OSError):
        shared_memory_file(base_id).unlink()
