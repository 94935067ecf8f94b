"""What Linux knows of a process: whose it is, since when, what it was called with. Reads /proc, changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
# Of the words after the name, which may itself hold spaces and brackets (proc(5)): state is the first.
_STATE, _PARENT, _START_TICKS = 0, 1, 19


@dataclass(frozen=True, slots=True)
class Seen:
    """A process at one moment. `pid` and `start_ticks` together are nobody else's until the machine starts anew."""

    pid: int
    parent: int
    start_ticks: int
    arguments: tuple[str, ...]


def see(pid: int) -> Seen | None:
    """A live process of this user; None when there is none, or only what is left of one."""
    directory = _PROC / str(pid)
    try:
        if directory.stat().st_uid != os.geteuid():
            return None
        words = _words(pid)
        arguments = (directory / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    except OSError:
        return None
    if words[_STATE] in "ZX":
        return None
    written = tuple(os.fsdecode(each) for each in arguments)
    return Seen(pid, int(words[_PARENT]), int(words[_START_TICKS]), written)


def all_seen() -> Iterator[Seen]:
    """Every live process of this user, other than this one."""
    for pid in _pids():
        if pid != os.getpid() and (seen := see(pid)) is not None:
            yield seen


def zombies_of(parent: int) -> set[int]:
    """The children of `parent` that have ended and were not fetched."""
    found = set()
    for pid in _pids():
        with suppress(OSError):
            words = _words(pid)
            if words[_STATE] == "Z" and int(words[_PARENT]) == parent:
                found.add(pid)
    return found


def age_s(start_ticks: int) -> float:
    """How long ago a process started that did so at `start_ticks`."""
    up_s = float((_PROC / "uptime").read_text().split()[0])
    return max(0.0, up_s - start_ticks / os.sysconf("SC_CLK_TCK"))


def _pids() -> list[int]:
    return [int(name) for name in os.listdir(_PROC) if name.isdecimal()]


def _words(pid: int) -> list[str]:
    return (_PROC / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
