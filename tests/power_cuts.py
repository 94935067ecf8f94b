"""A disk that may lose power: which files can be there afterwards, after each system call that something makes.

What is written is there for sure once the file was synced, and a name once its directory was. Of the names that were
not, any may have come or gone: nothing says in which order a disk takes them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

Files = dict[str, bytes]


@dataclass(eq=False)
class Inode:
    """One file's bytes: as they are, and as they are on the disk for sure; None: nothing is known of them."""

    path: Path
    synced: bytes | None = None

    def may_hold(self) -> list[bytes]:
        if self.synced is not None:
            return [self.synced]
        now = self.path.read_bytes() if self.path.exists() else b""
        return list(dict.fromkeys((b"", now[: len(now) // 2])))


Names = dict[str, Inode]
Change = Callable[[Names], None]


@dataclass(eq=False)
class PowerCuts:
    """Stands in for `os` in the modules that write; other directories are left alone. `look` is called after each
    change, with all that could be left."""

    directory: Path
    look: Callable[[list[Files]], None]
    names: Names = field(default_factory=dict)
    synced: Names = field(default_factory=dict)
    pending: list[Change] = field(default_factory=list)
    opened: dict[int, Inode | None] = field(default_factory=dict)  # None: the directory

    def __post_init__(self) -> None:
        for path in self.directory.iterdir():
            self.names[path.name] = self.synced[path.name] = Inode(path, path.read_bytes())

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, path: Path, flags: int, mode: int = 0o777) -> int:
        descriptor = os.open(path, flags, mode)
        if not self._is_here(path):
            return descriptor
        if flags & os.O_CREAT:
            inode = Inode(path)
            self._change(lambda names: names.__setitem__(path.name, inode))
            self.opened[descriptor] = inode
        else:
            self.opened[descriptor] = None
        return descriptor

    def fsync(self, descriptor: int) -> None:
        os.fsync(descriptor)
        if descriptor not in self.opened:
            return
        inode = self.opened.pop(descriptor)
        if inode is not None:
            inode.synced = inode.path.read_bytes()
        else:
            self.synced, self.pending = dict(self.names), []
        self.look(list(self.left()))

    def replace(self, before: Path, after: Path) -> None:
        os.replace(before, after)
        if not self._is_here(before):
            return

        def renamed(names: Names) -> None:
            if before.name in names:
                names[after.name] = names.pop(before.name)

        self.names[before.name].path = after
        self._change(renamed)

    def unlink(self, path: Path) -> None:
        os.unlink(path)
        if self._is_here(path):
            self._change(lambda names: names.pop(path.name, None) and None)

    def _is_here(self, path: Path) -> bool:
        return self.directory in (path, path.parent)

    def _change(self, change: Change) -> None:
        change(self.names)
        self.pending.append(change)
        self.look(list(self.left()))

    def left(self) -> Iterator[Files]:
        """Everything that could be there if the power failed now."""
        for taken in product((False, True), repeat=len(self.pending)):
            names = dict(self.synced)
            for change, is_taken in zip(self.pending, taken, strict=True):
                if is_taken:
                    change(names)
            for bodies in product(*(inode.may_hold() for inode in names.values())):
                yield dict(zip(names, bodies, strict=True))


def fail_under(monkeypatch: Any, cuts: PowerCuts, *modules: ModuleType) -> None:
    """These modules write to the disk that may lose power."""
    for module in modules:
        monkeypatch.setattr(module, "os", cuts)
