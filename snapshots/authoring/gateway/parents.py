"""The listeners of one Gateway or ListenerSet, found by what a route says of them. Pure.

Thousands of routes look for theirs among tens of listeners: each asks a table, and not every listener.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from snapshots.authoring.gateway.bound import BoundListener
from snapshots.authoring.gateway.hostnames import EVERY_HOST, wildcards_above
from snapshots.authoring.kinds.references import ParentReference


class Parent:
    """All listeners of one owner, in their order."""

    def __init__(self, listeners: Iterable[BoundListener]) -> None:
        self.listeners = tuple(listeners)
        self._by_name = {each.listener.name: each for each in self.listeners}
        self._by_host: dict[str, list[BoundListener]] = {}
        self._under: dict[str, list[BoundListener]] = {}
        for each in self.listeners:
            self._by_host.setdefault(each.hostname, []).append(each)
            for wildcard in wildcards_above(each.hostname):
                self._under.setdefault(wildcard, []).append(each)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Parent) and self.listeners == other.listeners

    __hash__ = None  # type: ignore[assignment]  # like any value that is compared by what it holds

    def named(self, reference: ParentReference) -> tuple[BoundListener, ...]:
        """Those that a parentRef names by sectionName, port or both; all, if by neither."""
        found: Sequence[BoundListener] = self.listeners
        if reference.section_name is not None:
            one = self._by_name.get(reference.section_name)
            found = () if one is None else (one,)
        return tuple(each for each in found if reference.port in (None, each.listener.port))

    def likely(self, reference: ParentReference, hostnames: Sequence[str]) -> tuple[BoundListener, ...]:
        """Those of `named` that have one of the hostnames in common; without hostnames, all of them."""
        named = self.named(reference)
        if not hostnames or len(named) < 2:
            return named
        found = {each.index: each for name in hostnames for each in self._with(name)}
        return tuple(found[index] for index in sorted(found) if reference.port in (None, found[index].listener.port))

    def _with(self, name: str) -> Iterable[BoundListener]:
        for each in (name, *wildcards_above(name)):
            yield from self._by_host.get(each, ())
        if name.startswith("*.") or name == EVERY_HOST:
            yield from self._under.get(name, ())
