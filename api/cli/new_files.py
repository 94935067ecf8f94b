"""Files written where there were none: all of them or none, and nothing is overwritten."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from api.errors import InvalidConfig

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def write_new_files(directory: Path, files: Mapping[str, bytes], mode: int = 0o666) -> list[Path]:
    """Write `files`, by their paths below `directory`, which is made where it is missing. Returns their paths.

    Raises InvalidConfig, and leaves nothing behind, when one is there already or cannot be written.
    """
    paths = {directory / name: content for name, content in files.items()}
    taken = [path for path in paths if os.path.lexists(path)]
    if taken:
        others = f" (and {len(taken) - 1} more)" if len(taken) > 1 else ""
        raise InvalidConfig(f"{taken[0]} is there already{others}; nothing was written: name another directory")
    made = _Made()
    try:
        for path, content in paths.items():
            made.directory(path.parent)
            _stays_below(directory, path)
            made.file(path, content, mode)
    except BaseException as error:
        made.undo()
        if isinstance(error, OSError):
            where = error.filename or directory
            raise InvalidConfig(f"cannot write {where}: {error.strerror or error}; nothing was written") from error
        raise
    return list(paths)


def _stays_below(directory: Path, path: Path) -> None:
    """A directory that is a link could lead elsewhere."""
    top = os.path.realpath(directory)
    if os.path.commonpath([top, os.path.realpath(path.parent)]) != top:
        raise InvalidConfig(f"{path} would be written outside of {directory}; nothing was written")


class _Made:
    """What has been made so far."""

    def __init__(self) -> None:
        self._paths: list[Path] = []

    def directory(self, path: Path) -> None:
        if path.is_dir():
            return
        if path != path.parent:
            self.directory(path.parent)
        path.mkdir()
        self._paths.append(path)

    def file(self, path: Path, content: bytes, mode: int) -> None:
        descriptor = os.open(path, _NEW, mode)
        self._paths.append(path)
        with open(descriptor, "wb") as file:
            file.write(content)

    def undo(self) -> None:
        for path in reversed(self._paths):
            with contextlib.suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()
