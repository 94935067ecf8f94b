"""A file's content replaced in one step, or not at all: its mode is kept, no link followed, nothing left over."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from pathlib import Path

from api.errors import InvalidConfig


def replace_file(path: Path, before: bytes, after: bytes) -> None:
    """Put `after` where `before` was. Raises InvalidConfig when it cannot be written, or is not what it was."""
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) or path.read_bytes() != before:
            raise InvalidConfig(f"{path} has changed meanwhile, and was left as it is; run the command again")
        if not os.access(path, os.W_OK):  # a new file in its place would need no leave
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        _replace(path, after, status)
    except OSError as error:
        raise InvalidConfig(f"cannot write {path}: {error.strerror or error}; it was left as it is") from error


def _replace(path: Path, content: bytes, status: os.stat_result) -> None:
    """By a new file in the same directory, with the mode of the old one."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), stat.S_IMODE(status.st_mode))
            with contextlib.suppress(OSError):  # only root may give a file away
                os.fchown(file.fileno(), status.st_uid, status.st_gid)
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
