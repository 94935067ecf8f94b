"""What a client wants of one type: everything, some names, or (by an old habit) everything by naming nothing.

xDS: "How the client specifies what resources to return". No versions and no nonces here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

WILDCARD = "*"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks to be told now: `names`, `everything`, or (both empty) nothing."""

    names: frozenset[str] = frozenset()
    everything: bool = False


@dataclass(slots=True)
class Interest:
    """The subscription proper. `legacy` until the first name of the stream and type was sent (rule 11)."""

    legacy: bool
    wildcard: bool = False
    names: set[str] = field(default_factory=set)
    opened: bool = False

    def __contains__(self, name: str) -> bool:
        return self.wildcard or name in self.names

    def of(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Those of `names` that are wanted, in their order; O(the smaller side) for a few names of many."""
        if self.wildcard:
            return names
        if len(self.names) < len(names):
            return tuple(sorted(self.names.intersection(names)))
        return tuple(name for name in names if name in self.names)

    def change(self, subscribe: Iterable[str], unsubscribe: Iterable[str]) -> Wanted:
        """The incremental variant: names come and go one by one (rules 11 to 14). Naming something keeps `*`."""
        added, dropped = set(subscribe), set(unsubscribe)
        everything = WILDCARD in added or (self.legacy and not self.opened and not added)
        self.opened = True
        dropped -= added
        self.wildcard = everything or (self.wildcard and WILDCARD not in dropped)
        added.discard(WILDCARD)
        dropped.discard(WILDCARD)
        self.names -= dropped
        self.names |= added
        # A name dropped while everything is held is told as it is: the client may have let go of it (rule 13).
        return Wanted(frozenset(added | dropped if self.wildcard else added), everything)

    def replace(self, resource_names: Iterable[str]) -> Wanted:
        """The state of the world: every request names everything it wants (rules 11 and 16)."""
        names = set(resource_names)
        if names:
            self.legacy = False
        wildcard = WILDCARD in names or (not names and self.legacy)
        names.discard(WILDCARD)
        wanted = Wanted(frozenset(names - self.names), wildcard and not self.wildcard)
        self.opened, self.wildcard, self.names = True, wildcard, names
        return wanted
