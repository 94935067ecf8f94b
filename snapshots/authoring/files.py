"""The I/O edge of authoring: directories, files and standard input -> documents, and nothing else a path may lead to.

Nothing here blocks on a FIFO, follows a link out of its directory, or reads more than a limit. What cannot be read is
a finding each; they come together in one InvalidConfig.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from api.errors import Finding, InvalidConfig
from snapshots.authoring.limits import FILE_LIMIT_BYTES, FILES_LIMIT, MIB
from snapshots.authoring.printable import printable
from snapshots.authoring.workspace import STDIN_PATH
from snapshots.codes import (
    FILE_IRREGULAR,
    FILE_MISSING,
    FILE_NAME_UNPRINTABLE,
    FILE_TOO_LARGE,
    FILE_UNREADABLE,
    LINK_LEADS_OUT,
    TOO_MANY_FILES,
)
from snapshots.model import Document

SUFFIXES = (".yaml", ".yml")
STDIN = Path("-")


def read_documents(paths: Sequence[Path], *, stdin: BinaryIO | None = None) -> tuple[Document, ...]:
    """The documents under `paths`, each once, by path: files, `*.yaml` and `*.yml` of directories, `-` for stdin.

    A document's path is relative to what all `paths` have in common: for one directory, the directory itself. Files
    and directories whose names begin with a dot are left out. Raises InvalidConfig: a finding for each unreadable one.
    """
    reading = _Reading(_common_directory([path for path in paths if path != STDIN]))
    for path in paths:
        if path == STDIN:
            reading.stdin(stdin or sys.stdin.buffer)
        else:
            reading.path(path)
    if reading.findings:
        count = len(reading.findings)
        what = "a file" if count == 1 else f"{count} files"
        raise InvalidConfig(f"{what} cannot be read", findings=tuple(sorted(reading.findings, key=str)))
    return tuple(reading.documents[name] for name in sorted(reading.documents))


class _Unreadable(Exception):
    """Why one path is not read."""

    def __init__(self, code: str, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.suggestion = code, message, suggestion


class _Reading:
    """What has been read so far, and what could not be."""

    def __init__(self, top: str) -> None:
        self._top = top
        self.documents: dict[str, Document] = {}
        self.findings: list[Finding] = []

    def stdin(self, stream: BinaryIO) -> None:
        content = stream.read(FILE_LIMIT_BYTES + 1)
        if len(content) > FILE_LIMIT_BYTES:
            self._refuse(STDIN_PATH, _too_large())
        self.documents[STDIN_PATH] = Document(STDIN_PATH, content)

    def path(self, path: Path) -> None:
        """One path that was asked for by name: it may be a link, and its name may end in anything."""
        absolute = os.path.abspath(path)
        try:
            mode = os.stat(absolute).st_mode
        except OSError as error:
            self._refuse(str(path), _unreadable(error))
            return
        if stat.S_ISDIR(mode):
            for name in self._walk(absolute):
                self._read(name, within=os.path.realpath(absolute))
        else:
            self._read(absolute, within="")

    def _walk(self, directory: str) -> Iterator[str]:
        """Every file of interest below `directory`; a stack, not recursion, so that no depth is too deep."""
        waiting, count = [directory], 0
        while waiting:
            directories, files = self._entries(waiting.pop())
            waiting += directories
            count += len(files)
            if count > FILES_LIMIT:
                text = f"more than {FILES_LIMIT:,} files below this directory"
                self._refuse(self._shown(directory), _Unreadable(TOO_MANY_FILES, text, "name a smaller one"))
                return
            yield from files

    def _entries(self, directory: str) -> tuple[list[str], list[str]]:
        """The directories and the files of interest in `directory`."""
        directories, files = [], []
        try:
            with os.scandir(directory) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        directories.append(entry.path)
                    elif entry.name.endswith(SUFFIXES) or _is_linked_directory(entry):
                        files.append(entry.path)
        except OSError as error:
            self._refuse(self._shown(directory), _unreadable(error))
        return directories, files

    def _read(self, absolute: str, *, within: str) -> None:
        name = self._shown(absolute)
        try:
            if not name.isprintable():
                raise _Unreadable(
                    FILE_NAME_UNPRINTABLE, "the name holds characters that cannot be printed", "rename it"
                )
            if name not in self.documents:
                self.documents[name] = Document(name, _content(absolute, within))
        except _Unreadable as error:
            self._refuse(name, error)
        except OSError as error:  # it may vanish, or change its kind, at any moment
            self._refuse(name, _unreadable(error))

    def _shown(self, absolute: str) -> str:
        return os.path.relpath(absolute, self._top).replace(os.sep, "/")

    def _refuse(self, name: str, why: _Unreadable) -> None:
        self.findings.append(Finding(why.code, why.message, path=printable(name), suggestion=why.suggestion))


def _content(absolute: str, within: str) -> bytes:
    """The bytes of the regular file at `absolute`, whose target must be below `within`, if that is given."""
    target = os.path.realpath(absolute)
    if within and os.path.islink(absolute):
        if os.path.isdir(target):
            raise _Unreadable(LINK_LEADS_OUT, "a symbolic link to a directory is not followed", "name the directory")
        if os.path.commonpath([target, within]) != within:
            raise _Unreadable(LINK_LEADS_OUT, "the symbolic link leads out of the directory", "copy the file here")
    # O_NONBLOCK: opening a FIFO that nobody writes to must not wait. O_NOFOLLOW: the target is no link any more.
    descriptor = os.open(target, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _Unreadable(
                FILE_IRREGULAR, "this is not a regular file", "name a file or a directory, or - for stdin"
            )
        content = file.read(FILE_LIMIT_BYTES + 1)
    if len(content) > FILE_LIMIT_BYTES:
        raise _too_large()
    return content


def _common_directory(paths: Sequence[Path]) -> str:
    """What document paths are relative to: the nearest directory that holds them all."""
    directories = [os.path.abspath(path if path.is_dir() else path.parent) for path in paths]
    return os.path.commonpath(directories) if directories else os.getcwd()


def _is_linked_directory(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() and os.path.isdir(entry.path)


def _too_large() -> _Unreadable:
    return _Unreadable(FILE_TOO_LARGE, f"the file is larger than {FILE_LIMIT_BYTES // MIB} MiB", "split it")


def _unreadable(error: OSError) -> _Unreadable:
    if isinstance(error, FileNotFoundError):
        return _Unreadable(FILE_MISSING, "no such file or directory", "check the path")
    return _Unreadable(FILE_UNREADABLE, f"cannot be read: {error.strerror or error}", "check its permissions")
