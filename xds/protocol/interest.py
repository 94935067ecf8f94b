"""What a client wants of one type: everything, some names, or (by an old habit) everything by naming nothing.

xDS: "How the client specifies what resources to return". No versions and no nonces here.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, field

from xds.protocol.standing import Standing

WILDCARD = "*"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks to be told now: `names`, `everything`, or (both empty) nothing."""

    names: frozenset[str] = frozenset()
    everything: bool = False


@dataclass(slots=True)
class Interest:
    """The subscription proper. `legacy` until the first name of the stream and type was sent (rule 11).

    `standing`: what the names stand for. `hidden`: resources that everything does not include, only their names do.
    """

    legacy: bool
    wildcard: bool = False
    names: set[str] = field(default_factory=set)
    opened: bool = False
    standing: Standing = field(default_factory=Standing)
    hidden: Set[str] = frozenset()

    def __contains__(self, name: str) -> bool:
        return name in self.names or name in self.standing or (self.wildcard and name not in self.hidden)

    @property
    def own(self) -> Set[str]:
        """Resources by their names, or by names that stand for them."""
        return self.names | self.standing.resource_names if self.standing else self.names

    def of(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Those of `names` that are wanted, in their order; O(the smaller side) for a few names of many."""
        return names if self.wildcard else self.named(names)

    def named(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Those of `names` that are wanted by name, whatever is wanted beside them."""
        if len(self.names) + len(self.standing) < len(names):
            return tuple(sorted(self.own & set(names)))
        return tuple(name for name in names if self.owns(name))

    def owns(self, name: str) -> bool:
        """Whether a resource is wanted by its name, or by one that stands for it."""
        return name in self.names or name in self.standing

    def change(self, subscribe: Iterable[str], unsubscribe: Iterable[str]) -> Wanted:
        """The incremental variant: names come and go one by one (rules 11 to 14). Naming something keeps `*`."""
        added, dropped = set(subscribe), set(unsubscribe)
        everything = WILDCARD in added or (self.legacy and not self.opened and not added)
        self.opened = True
        dropped -= added
        self.wildcard = everything or (self.wildcard and WILDCARD not in dropped)
        added.discard(WILDCARD)
        dropped.discard(WILDCARD)
        self._drop(dropped & self.names)
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
        self._drop(self.names - names)
        self.opened, self.wildcard, self.names = True, wildcard, names
        return wanted

    def _drop(self, names: set[str]) -> None:
        self.names -= names
        for name in names:
            self.standing.put(name, frozenset())
