"""The resources of one type in the order of their names, kept so: a change costs a search, not a sort."""

from __future__ import annotations

from bisect import bisect_left

from xds.protocol.resource import Resource


class InOrder:
    """Sorted when it is first asked for; a state that nobody wants all of is never sorted."""

    def __init__(self, resources: dict[str, Resource]) -> None:
        """`resources` by name stay the owner's, who tells of every change to them."""
        self._resources = resources
        self._names: list[str] | None = None
        self._sorted: list[Resource] = []

    def all(self) -> tuple[Resource, ...]:
        if self._names is None:
            self._names = sorted(self._resources)
            self._sorted = [self._resources[name] for name in self._names]
        return tuple(self._sorted)

    def replaced(self, name: str, before: Resource | None, after: Resource | None) -> None:
        """A name came, changed or went."""
        if self._names is None:
            return
        place = bisect_left(self._names, name)
        there = slice(place, place if before is None else place + 1)
        self._names[there] = [] if after is None else [name]
        self._sorted[there] = [] if after is None else [after]
