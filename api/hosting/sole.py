"""One process at a time in a directory: a lock that the system lets go of, however the process ends."""

from __future__ import annotations

import errno
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from api.errors import InvalidConfig

OWNER_ONLY = 0o700


@contextmanager
def sole(directory: Path, *, taken: str, unwritable: str) -> Iterator[None]:
    """Within the block nobody else has `directory`, which is made if it is not there.

    Raises InvalidConfig: `taken` when another process has it, `unwritable` with the system's reason.
    """
    try:
        directory.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
        lock = _opened(directory / "lock")
    except OSError as error:
        raise InvalidConfig(f"{directory} cannot be written ({error.strerror}); {unwritable}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidConfig(taken) from None
        yield


def _opened(lock: Path) -> TextIO:
    """One that is there can be taken on a disk that has become read-only, too. Raises OSError."""
    try:
        return lock.open("a")
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        return lock.open("r")
