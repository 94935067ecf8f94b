"""Linux's inotify, as little of it as is needed: what happens to the entries of directories, told by a file descriptor.

See inotify(7). Knows nothing of documents, and nothing of time.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

_ATTRIB, _CLOSE_WRITE = 0x4, 0x8
_MOVED_FROM, _MOVED_TO = 0x40, 0x80
_CREATE, _DELETE, _DELETE_SELF, _MOVE_SELF = 0x100, 0x200, 0x400, 0x800
_OVERFLOW, _IGNORED, _IS_DIRECTORY = 0x4000, 0x8000, 0x40000000
_ONLY_DIRECTORIES = 0x01000000
_WANTED = _ATTRIB | _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _DELETE_SELF | _MOVE_SELF

_HEADER = struct.Struct("iIII")  # which watch, what, a cookie, the length of the name
_BUFFER_BYTES = 256 * 1024


class News(Enum):
    """What is told of a path."""

    WHOLE = "whole"  # written and closed, moved in, or with other attributes: as it is meant to be
    PASSING = "passing"  # gone, or only just begun: perhaps a step on the way to something else
    LOST = "lost"  # more happened than the kernel could remember, anywhere


@dataclass(frozen=True, slots=True)
class Event:
    """`path` is that of the entry; of the directory itself, when it is that which went; empty when news were lost."""

    path: str
    news: News
    is_directory: bool = False


class Inotify:
    """Directories that are watched. `descriptor` is readable when there are events. Raises OSError if there is none."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = self._checked(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        self._directories: dict[int, str] = {}

    def watch(self, directory: str) -> None:
        """Tell of what happens in it from now on; twice is once. For any thread. Raises OSError, also at a limit."""
        flags = _WANTED | _ONLY_DIRECTORIES
        number = self._checked(self._libc.inotify_add_watch(self.descriptor, os.fsencode(directory), flags))
        self._directories[number] = directory

    def events(self) -> Iterator[Event]:
        """What has happened and was not told yet. Does not block."""
        try:
            data = os.read(self.descriptor, _BUFFER_BYTES)
        except BlockingIOError:
            return
        position = 0
        while position < len(data):
            number, mask, _, length = _HEADER.unpack_from(data, position)
            position += _HEADER.size + length
            name = os.fsdecode(data[position - length : position].rstrip(b"\0"))
            if event := self._event(number, mask, name):
                yield event

    def close(self) -> None:
        os.close(self.descriptor)

    def _event(self, number: int, mask: int, name: str) -> Event | None:
        if mask & _IGNORED:
            self._directories.pop(number, None)
            return None
        directory = self._directories.get(number)
        if mask & _OVERFLOW or directory is None:  # None: watched by another thread a moment ago
            return Event("", News.LOST)
        begun = mask & _CREATE and not mask & _IS_DIRECTORY
        passing = begun or mask & (_MOVED_FROM | _DELETE | _MOVE_SELF | _DELETE_SELF)
        path, news = os.path.join(directory, name) if name else directory, News.PASSING if passing else News.WHOLE
        return Event(path, news, is_directory=bool(mask & _IS_DIRECTORY) or not name)

    @staticmethod
    def _checked(result: int) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result
