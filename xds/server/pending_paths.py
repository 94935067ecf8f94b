"""Paths that something was told of, and when they are to be looked at. Pure: time is given.

A file that was written and closed is looked at after a moment, in which the rest of the same save may come. One that
went, or was begun, is given longer: editors replace a file in several steps, and between two of them it is not there.
"""

from __future__ import annotations

QUIET_S = 0.01
PASSING_S = 0.1
# However much goes on: after this what has been told is looked at.
LONGEST_S = 0.3


class PendingPaths:
    """Empty at first, and after each `take`."""

    def __init__(self) -> None:
        self._due_s: dict[str, float] = {}
        self._first_s = 0.0

    def __len__(self) -> int:
        return len(self._due_s)

    def tell(self, path: str, now_s: float, *, passing: bool) -> None:
        """What is told last of a path counts."""
        if not self._due_s:
            self._first_s = now_s
        self._due_s[path] = now_s + (PASSING_S if passing else QUIET_S)

    @property
    def due_s(self) -> float:
        """When to take them, as it looks now. There is one at least."""
        return min(max(self._due_s.values()), self._first_s + LONGEST_S)

    def take(self) -> frozenset[str]:
        taken = frozenset(self._due_s)
        self._due_s.clear()
        return taken
