"""Files that are there whole or not at all, whatever ends the process or the machine in between.

A new file comes under another name in the same directory, is on the disk before it gets its own name, and the name is
on the disk before anybody is told that it is done. What a crash leaves has a name of its own, and is swept.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

OWNER_ONLY = 0o600
_PREFIX, _SUFFIX = ".", ".writing"


def write_durably(path: Path, parts: Iterable[bytes], *, mode: int = OWNER_ONLY) -> None:
    """Put a file with these bytes at `path`, in one step. Raises OSError; then what was there is as it was, but where
    the directory itself could not be brought to the disk: then it is the new one, and a crash may undo that."""
    beside = path.with_name(f"{_PREFIX}{path.name}{_SUFFIX}")
    try:
        _write_new(beside, parts, mode)
        os.replace(beside, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise
    _sync_directory(path.parent)


def rename_durably(before: Path, after: Path) -> None:
    """Give a file another name in the same directory, in one step; a file of that name is replaced. Raises OSError."""
    os.replace(before, after)
    _sync_directory(before.parent)


def sweep(directory: Path) -> None:
    """Remove what a crash left of files being written here. Only for the one process that writes here. Raises
    OSError."""
    for name in os.listdir(directory):
        if name.startswith(_PREFIX) and name.endswith(_SUFFIX):
            os.unlink(directory / name)


def _write_new(path: Path, parts: Iterable[bytes], mode: int) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)
    # A new file, or none: whoever else may write here could have put a link in its place.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    with open(descriptor, "wb") as file:
        file.writelines(parts)
        file.flush()
        os.fsync(descriptor)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
