"""The documents of one directory, kept: when something in it changes, only that is read again.

What did not change stays the same object, so that those who come later can tell by identity. Documents, findings and
limits are those of `files.read_documents`. Blocks while it reads; not for two threads at once.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from api.errors import Finding
from snapshots.authoring.ordered import Ordered
from snapshots.authoring.regular_files import Unreadable, document_at, refusal
from snapshots.authoring.walking import SUFFIXES, Walk, name_below, walk
from snapshots.model import Document

# Of two writes within a tick of the kernel's clock the second may leave no trace but the content.
_CLOCK_TICK_NS = 20_000_000

_Identity = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    """What reading a path came to. `identity`: a file that has it still is as it was read; None: nobody can tell."""

    identity: _Identity | None
    found: Document | Finding


class KeptDirectory:
    """`entering` is called with each directory below `top`, and `top`, whenever it is about to be listed."""

    def __init__(self, top: Path, entering: Callable[[str], None] = lambda _: None) -> None:
        self.top = os.path.abspath(top)
        self._entering = entering
        self._kept: dict[str, _Kept] = {}
        self._links: set[str] = set()
        self._directories: set[str] = set()
        self._documents: Ordered[Document] = Ordered()
        self._refused: dict[str, Finding] = {}

    def documents(self) -> tuple[Document, ...]:
        """All of them, by path, as of the last look. Raises InvalidConfig: a finding for each unreadable one."""
        if self._refused:
            raise refusal(self._refused.values())
        return self._documents.all()

    def readable(self) -> tuple[Document, ...]:
        """Those that can be read, whatever the others are."""
        return self._documents.all()

    def holds(self, path: str) -> bool:
        """Whether a document was read from this path."""
        return self._documents.get(path) is not None

    def look(self, paths: Iterable[str]) -> bool:
        """Read what has changed at `paths` (absolute, in `top`) and below. Returns whether anything has.

        Of directories, files that look as they did are not read. Links are looked at whatever the paths are, since
        what they lead to may have changed without them.
        """
        within = os.path.realpath(self.top)
        changes = sum(self._look(path, within) for path in paths if not self._is_hidden(path))
        changes += sum(self._look(path, within, trusting=True) for path in tuple(self._links))
        return changes > 0

    def _is_hidden(self, path: str) -> bool:
        return path != self.top and any(part.startswith(".") for part in name_below(self.top, path).split("/"))

    def _look(self, path: str, within: str, *, trusting: bool = False) -> bool:
        try:
            mode = os.stat(path, follow_symlinks=path == self.top).st_mode
        except OSError as error:
            return self._found(path, Walk(refused={path: Unreadable.of(error)} if path == self.top else {}))
        if stat.S_ISDIR(mode):
            walked = walk(path, self._entering)
            changed = self._found(path, walked)
            return sum(self._examine(each, within, trusting=True) for each in walked.files) > 0 or changed
        changed = path in self._directories and self._found(path, Walk())
        if path.endswith(SUFFIXES) or os.path.isdir(path):
            return self._examine(path, within, trusting=trusting) or changed
        return changed

    def _examine(self, path: str, within: str, *, trusting: bool) -> bool:
        """Read a file, unless its looks are trusted and as they were. Returns whether something else was found."""
        before, identity = self._kept.get(path), self._identity(path)
        if trusting and before is not None and before.identity is not None and before.identity == identity:
            return False
        found = document_at(path, name_below(self.top, path), within)
        if before is not None and before.found == found:
            self._keep(path, _Kept(identity, before.found))
            return False
        self._keep(path, _Kept(identity, found))
        return True

    def _identity(self, path: str) -> _Identity | None:
        """Taken before the file is read: what changes meanwhile has another one."""
        try:
            own = os.lstat(path)
            linked = stat.S_ISLNK(own.st_mode)
            (self._links.add if linked else self._links.discard)(path)
            about = os.stat(path) if linked else own
        except OSError:
            return None
        if time.time_ns() - about.st_ctime_ns < _CLOCK_TICK_NS:
            return None
        return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns, own.st_ino

    def _keep(self, path: str, kept: _Kept) -> None:
        self._kept[path] = kept
        if isinstance(kept.found, Document):
            self._documents.put(path, kept.found)
            self._refused.pop(path, None)
        else:
            self._documents.put(path, None)
            self._refused[path] = kept.found

    def _drop(self, path: str) -> None:
        del self._kept[path]
        self._documents.put(path, None)
        self._refused.pop(path, None)
        self._links.discard(path)

    def _found(self, path: str, walked: Walk) -> bool:
        """`path` and all below it are what was walked now. Returns whether something went, or is newly refused."""
        told = {each: _Kept(None, why.finding(name_below(self.top, each))) for each, why in walked.refused.items()}
        gone = self._below(path) - told.keys() - set(walked.files)
        for each in gone:
            self._drop(each)
        self._directories.update(walked.directories)
        new = [each for each, kept in told.items() if self._kept.get(each) != kept]
        for each in new:
            self._keep(each, told[each])
        return bool(gone or new)

    def _below(self, path: str) -> set[str]:
        """What is kept of `path` and of all below it, which only a directory has."""
        if path not in self._directories:
            return {path} & self._kept.keys()
        below = path + os.sep
        self._directories = {each for each in self._directories if each != path and not each.startswith(below)}
        return {each for each in self._kept if each == path or each.startswith(below)}
