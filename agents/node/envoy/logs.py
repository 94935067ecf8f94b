"""What Envoy says, in a file that it appends to by itself, so that the agent's end loses nothing; bounded in size.

A file that has grown is copied beside itself and cut: Envoy goes on in it, at its new end. What it writes in the moment
between the last look and the cut is lost.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LIMIT_BYTES = 16 * 1024 * 1024


@contextmanager
def opened(log: Path) -> Iterator[int]:
    """A descriptor to append to it; where the disk takes no file, what Envoy says is lost, and it runs all the same."""
    try:
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        descriptor = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def older(log: Path) -> Path:
    """Where the part before the last cut is."""
    return log.with_name(f"{log.name}.1")


def cut_if_large(log: Path, limit_bytes: int = LIMIT_BYTES) -> bool:
    """Keep both files below about `limit_bytes` each; whether it was cut. Blocks. Raises OSError."""
    if not log.exists() or log.stat().st_size < limit_bytes:
        return False
    with log.open("r+b") as source, older(log).open("wb") as sink:
        os.fchmod(sink.fileno(), 0o600)
        shutil.copyfileobj(source, sink)
        source.truncate(0)
    return True


def last_lines(log: Path, count: int = 5, most_bytes: int = 16 * 1024) -> str:
    """The end of it, each line indented below what is told of it; empty if there is nothing. Blocks."""
    try:
        with log.open("rb") as source:
            source.seek(max(0, source.seek(0, os.SEEK_END) - most_bytes))
            lines = source.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return "".join(f"\n  {line}" for line in [each for each in lines if each.strip()][-count:])
