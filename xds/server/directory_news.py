"""Waits for something to happen in directories, and says where: by inotify, and every now and then whether or not.

inotify tells at once and costs nothing while nothing happens. But it forgets what is too much for it, knows nothing of
what other machines do on a shared disk, of links that lead elsewhere now, and of directories beyond its limits. So the
whole is looked at from time to time as well: seldom where inotify works, often where it does not.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from snapshots.authoring.walking import SUFFIXES
from xds.server.inotify import Inotify, News
from xds.server.pending_paths import PendingPaths


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the whole is looked at: so seldom that it takes this share of a core, but within bounds."""

    share: float
    least_s: float
    most_s: float

    def patience_s(self, look_s: float) -> float:
        """`look_s`: what one look takes."""
        return min(max(self.least_s, look_s / self.share), self.most_s)


WATCHED = Pace(share=0.005, least_s=2.0, most_s=20.0)
UNWATCHED = Pace(share=0.05, least_s=0.3, most_s=5.0)

Look = Callable[[Set[str]], bool]


class DirectoryNews:
    """News of `top` and of every directory that `watch` is called with. On a running event loop; `close` it."""

    def __init__(self, top: Path) -> None:
        self.top = os.path.abspath(top)
        self.problem = ""
        self._loop = asyncio.get_running_loop()
        self._pending = PendingPaths()
        self._told = asyncio.Event()
        self._look_s = 0.0
        self._inotify: Inotify | None = None
        try:
            self._inotify = Inotify()
        except OSError as error:
            self.problem = error.strerror or str(error)
        else:
            self._loop.add_reader(self._inotify.descriptor, self._read)

    def watch(self, directory: str) -> None:
        """From now on. For any thread. Where that cannot be, `problem` says why. Raises OSError if it is not there."""
        if self._inotify is None:
            return
        try:
            self._inotify.watch(directory)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            raise
        except OSError as error:
            self.problem = error.strerror or str(error)

    def looking(self, look: Look, paths: Set[str]) -> bool:
        """`look` at these paths. How long that takes says how often the whole can be looked at. For any thread."""
        began_s = time.monotonic()
        changed = look(paths)
        if paths == {self.top}:
            self._look_s = time.monotonic() - began_s
        return changed

    async def next(self, patience_s: float | None = None) -> frozenset[str]:
        """The paths that something was told of; `top` alone when it is time to look at the whole.

        That is after `patience_s`, if it is given, and otherwise by what such a look takes.
        """
        bored_s = self._loop.time() + (self._patience_s() if patience_s is None else patience_s)
        while self._loop.time() < (due_s := self._pending.due_s if self._pending else bored_s):
            self._told.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due_s):
                    await self._told.wait()
        return self._pending.take() or frozenset((self.top,))

    def close(self) -> None:
        if self._inotify is not None:
            self._loop.remove_reader(self._inotify.descriptor)
            self._inotify.close()

    def _patience_s(self) -> float:
        return (UNWATCHED if self.problem else WATCHED).patience_s(self._look_s)

    def _read(self) -> None:
        assert self._inotify is not None
        now_s = self._loop.time()
        for event in self._inotify.events():
            if event.news is News.LOST:
                self._tell(self.top, now_s, passing=False)
            elif event.is_directory or event.path.endswith(SUFFIXES):  # not what editors write beside it
                self._tell(event.path, now_s, passing=event.news is News.PASSING)

    def _tell(self, path: str, now_s: float, *, passing: bool) -> None:
        self._pending.tell(path, now_s, passing=passing)
        self._told.set()
