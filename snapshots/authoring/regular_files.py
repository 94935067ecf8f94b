"""One path -> the document in it, if it is a regular file in its place and within the limit; else why not.

Nothing here blocks on a FIFO, follows a link out of its directory, or reads more than a limit.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from api.errors import Finding, InvalidConfig
from snapshots.authoring.limits import FILE_LIMIT_BYTES, MIB
from snapshots.authoring.printable import printable
from snapshots.codes import (
    FILE_IRREGULAR,
    FILE_MISSING,
    FILE_NAME_UNPRINTABLE,
    FILE_TOO_LARGE,
    FILE_UNREADABLE,
    LINK_LEADS_OUT,
)
from snapshots.model import Document

_PIECE_BYTES = 64 * 1024


class Unreadable(Exception):
    """Why one path is not read."""

    def __init__(self, code: str, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.suggestion = code, message, suggestion

    @classmethod
    def too_large(cls) -> Unreadable:
        return cls(FILE_TOO_LARGE, f"the file is larger than {FILE_LIMIT_BYTES // MIB} MiB", "split it")

    @classmethod
    def of(cls, error: OSError) -> Unreadable:
        if isinstance(error, FileNotFoundError):
            return cls(FILE_MISSING, "no such file or directory", "check the path")
        return cls(FILE_UNREADABLE, f"cannot be read: {error.strerror or error}", "check its permissions")

    def finding(self, name: str) -> Finding:
        return Finding(self.code, self.message, path=printable(name), suggestion=self.suggestion)


def document_at(absolute: str, name: str, within: str) -> Document | Finding:
    """The document in the file `absolute`, called `name`, or why there is none.

    `within`: the real path of the directory that the target of a link must be below; empty if it may be anywhere.
    """
    try:
        if not name.isprintable():
            words = "the name holds characters that cannot be printed"
            raise Unreadable(FILE_NAME_UNPRINTABLE, words, "rename it")
        return Document(name, _content(absolute, within))
    except Unreadable as error:
        return error.finding(name)
    except OSError as error:  # it may vanish, or change its kind, at any moment
        return Unreadable.of(error).finding(name)


def refusal(findings: Iterable[Finding]) -> InvalidConfig:
    """What to raise for files that cannot be read."""
    told = tuple(sorted(findings, key=str))
    what = "a file" if len(told) == 1 else f"{len(told)} files"
    return InvalidConfig(f"{what} cannot be read", findings=told)


def _content(absolute: str, within: str) -> bytes:
    """The bytes of the regular file at `absolute`, whose target must be below `within`, if that is given."""
    target = _target(absolute, within) if os.path.islink(absolute) else absolute
    # O_NONBLOCK: opening a FIFO that nobody writes to must not wait. O_NOFOLLOW: the target is no link any more.
    descriptor = os.open(target, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise Unreadable(FILE_IRREGULAR, "this is not a regular file", "name a file or a directory, or - for stdin")
        return _all_of(descriptor, about.st_size)
    finally:
        os.close(descriptor)


def _target(link: str, within: str) -> str:
    target = os.path.realpath(link)
    if within:
        if os.path.isdir(target):
            raise Unreadable(LINK_LEADS_OUT, "a symbolic link to a directory is not followed", "name the directory")
        if os.path.commonpath([target, within]) != within:
            raise Unreadable(LINK_LEADS_OUT, "the symbolic link leads out of the directory", "copy the file here")
    return target


def _all_of(descriptor: int, size: int) -> bytes:
    """The whole file, which may be larger by now than it was said to be."""
    content = os.read(descriptor, min(size, FILE_LIMIT_BYTES) + 1)
    while len(content) <= FILE_LIMIT_BYTES and (more := os.read(descriptor, _PIECE_BYTES)):
        content += more
    if len(content) > FILE_LIMIT_BYTES:
        raise Unreadable.too_large()
    return content
