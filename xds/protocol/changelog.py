"""What changed since a position, for one type: a recency order of names, each with a short trail of what it was.

Names only, never bodies, and only names that changed since the state was loaded. A session keeps one number, its
cursor, and asks `since(cursor)`; a thousand sessions at the same place share one answer. No session is known here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xds.protocol.resource import Reference, Resource

ABSENT = ""  # the version of a name that does not exist
_TRAIL_LENGTH = 4  # enough to see through a change and its rollback; older is told as "changed"
REMOVED_NAMES_LIMIT = 100_000  # names that no longer exist, kept so that late sessions learn of it


@dataclass(frozen=True, slots=True)
class Mark:
    """From `position` on, the name had this version (`ABSENT`: it did not exist) and referred to these.

    `shown`: who wants everything had it too; what is on demand only those had who named it.
    """

    position: int
    version: str
    references: tuple[Reference, ...] = ()
    shown: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """Names, sorted: those with other content than they had, and those removed (some may never have been held)."""

    updated: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def cut(self, wanted: Callable[[tuple[str, ...]], tuple[str, ...]]) -> Changes:
        """What `wanted` leaves of either."""
        return Changes(wanted(self.updated), wanted(self.removed))


NO_CHANGES = Changes()


class ChangeLog:
    """The names of one type in the order of their last change, newest last."""

    def __init__(self, removed_names_limit: int = REMOVED_NAMES_LIMIT) -> None:
        self.newest = 0  # the position of the last change
        self.floor = 0  # removals are all known from this position on
        self._trails: dict[str, tuple[Mark, ...]] = {}
        self._removed: dict[str, int] = {}  # name -> position, oldest first
        self._removed_names_limit = removed_names_limit
        self._answers: dict[tuple[int, bool], Changes] = {}
        self._hides = False  # whether anything was ever on demand

    def record(self, position: int, name: str, before: Resource | None, after: Resource | None) -> tuple[str, ...]:
        """Note one change. Returns the names that are forgotten for it, removed so long ago that the log is full."""
        trail = self._trails.pop(name, None) or (_mark(0, before),)
        self._trails[name] = (*trail[-_TRAIL_LENGTH + 1 :], _mark(position, after))
        self.newest = position
        self._hides |= any(resource is not None and resource.on_demand for resource in (before, after))
        self._answers.clear()
        self._removed.pop(name, None)
        if after is None:
            self._removed[name] = position
        return self._forget_oldest()

    def since(self, position: int, *, shown: bool = False) -> Changes:
        """What is different now from what it was at `position`; before the floor, without the oldest removals.

        `shown`: as those see it who want everything and to whom what is on demand does not exist.
        """
        if position >= self.newest:
            return NO_CHANGES
        key = (position, shown and self._hides)
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = self._compare_shown(position) if key[1] else self._compare(position)
        return answer

    def held_at(self, name: str, position: int) -> Mark | None:
        """What `name` was at `position`; None when it has not changed since then, or nobody remembers."""
        trail = self._trails.get(name, ())
        if not trail or trail[-1].position <= position:
            return None
        return next((mark for mark in reversed(trail) if mark.position <= position), None)

    def existed(self, name: str, position: int) -> bool:
        """Whether `name`, absent now, was there at `position`, as far as anybody remembers."""
        mark = self.held_at(name, position)
        return mark is not None and mark.version != ABSENT

    def _compare(self, position: int) -> Changes:
        updated: list[str] = []
        removed: list[str] = []
        for name, trail in reversed(self._trails.items()):
            now = trail[-1]
            if now.position <= position:
                break
            before = self.held_at(name, position)
            if now.version == ABSENT:
                removed.append(name)  # even if it was absent then: it may have been sent in between
            elif before is None or before.version != now.version:
                updated.append(name)
        return Changes(tuple(sorted(updated)), tuple(sorted(removed)))

    def _compare_shown(self, position: int) -> Changes:
        updated: list[str] = []
        removed: list[str] = []
        for name, trail in reversed(self._trails.items()):
            if trail[-1].position <= position:
                break
            before = self.held_at(name, position)
            since = [before, *(mark for mark in trail if mark.position > position)]
            if not trail[-1].shown:
                if any(mark is None or mark.shown for mark in since):
                    removed.append(name)
            elif before is None or not before.shown or before.version != trail[-1].version:
                updated.append(name)
        return Changes(tuple(sorted(updated)), tuple(sorted(removed)))

    def _forget_oldest(self) -> tuple[str, ...]:
        forgotten = []
        while len(self._removed) > self._removed_names_limit:
            name = next(iter(self._removed))
            self.floor = self._removed.pop(name)
            del self._trails[name]
            forgotten.append(name)
        return tuple(forgotten)


def _mark(position: int, resource: Resource | None) -> Mark:
    if resource is None:
        return Mark(position, ABSENT)
    return Mark(position, resource.version, resource.references, not resource.on_demand)
