"""The end of a log that somebody else writes, and what comes to it, by lines.

The log may be cut to nothing while it is read (`agents.node.envoy.logs`): then it is read on from its new beginning.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

from agents.node.envoy.logs import older

MOST_BYTES: Final = 4 * 1024 * 1024
LINE_BYTES: Final = 64 * 1024
LOOK_S: Final = 0.25
_READ_BYTES: Final = 256 * 1024


def last_of(log: Path, count: int) -> tuple[list[bytes], int]:
    """The last lines of the log and the part before it, and where the log ended. Blocks. Raises OSError."""
    recent, ended_at = _tail(log)
    lines = recent.splitlines()
    if len(lines) < count and older(log).exists():
        lines = _tail(older(log))[0].splitlines() + lines
    return (lines[-count:] if count else []), ended_at


def _tail(file: Path) -> tuple[bytes, int]:
    with file.open("rb") as source:
        size = source.seek(0, os.SEEK_END)
        source.seek(max(0, size - MOST_BYTES))
        return source.read(size - source.tell()), size


async def lines_from(log: Path, offset: int) -> AsyncGenerator[list[bytes], None]:
    """What comes to the log after `offset`, some lines at a time, without end. A line without an end is waited for."""
    rest = b""
    while True:
        data, offset = await asyncio.to_thread(_read_from, log, offset)
        if not data:
            await asyncio.sleep(LOOK_S)
            continue
        *lines, rest = (rest + data).split(b"\n")
        if len(rest) > LINE_BYTES:
            lines.append(rest)
            rest = b""
        if lines:
            yield lines


def _read_from(log: Path, offset: int) -> tuple[bytes, int]:
    """What is there, and where it ends; a log that is away for a moment is read later."""
    try:
        with log.open("rb") as source:
            if source.seek(0, os.SEEK_END) < offset:
                offset = 0
            source.seek(offset)
            data = source.read(_READ_BYTES)
    except OSError:
        return b"", offset
    return data, offset + len(data)
