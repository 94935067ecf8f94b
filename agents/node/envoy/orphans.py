"""What PID 1 of a container owes to processes whose parent went away: to fetch their exit, or they stay as zombies.

Its own children are fetched by those who started them, at once. So only what is still there at the next look is taken
for nobody's, and a process that is named is never taken.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
from collections.abc import Callable, Set
from contextlib import suppress

from agents.node.envoy.processes import zombies_of

LOOK_S = 2.0
_GET_CHILD_SUBREAPER = 37  # prctl(2)


def adopts_orphans() -> bool:
    """Whether orphans become this process's children: it is PID 1, or asked for them (a subreaper)."""
    flag = ctypes.c_int(0)
    asked = ctypes.CDLL(None, use_errno=True).prctl(_GET_CHILD_SUBREAPER, ctypes.byref(flag), 0, 0, 0) == 0
    return os.getpid() == 1 or (asked and flag.value == 1)


class Orphans:
    """`ours`: processes whose exit somebody here waits for."""

    def __init__(self, ours: Callable[[], Set[int]]) -> None:
        self._ours = ours
        self._before: Set[int] = frozenset()

    async def reap(self) -> None:
        """For as long as the agent lives; returns at once where orphans go to somebody else."""
        while adopts_orphans():
            self.look()
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """Fetch those that were there at the last look already."""
        there = zombies_of(os.getpid()) if _any() else set()
        for pid in (there & self._before) - self._ours():
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        self._before = there


def _any() -> bool:
    """Whether any child has ended and was not fetched; it stays where it is."""
    try:
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return False
