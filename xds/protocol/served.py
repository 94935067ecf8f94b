"""The state of one type in one group: resources by name, their version as a whole, and what changed when.

The version is a sum of hashes, so a change costs what it changes, and equal content has an equal version on every
replica and after every restart (protocol.md, rule 8). It is opaque: compared for equality only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar, cast

from xds.protocol.aliases import AliasIndex
from xds.protocol.changelog import ChangeLog, Changes
from xds.protocol.in_order import InOrder
from xds.protocol.knowledge import Knowledge
from xds.protocol.resource import Resource
from xds.protocol.types import GroupName, TypeUrl

_MODULUS = 1 << 128
REMEMBERED_VERSIONS = 64
Answer = TypeVar("Answer")


def digest(resource: Resource) -> int:
    """128 bits for a name and its content; digests of several resources are added up, whatever their order."""
    told = f"{resource.name}\0{resource.version}" + ("\0on demand" if resource.on_demand else "")
    return int.from_bytes(hashlib.sha256(told.encode()).digest()[:16], "big")


def version_of(total: int) -> str:
    """The sum of digests as a version: 32 hex digits."""
    return f"{total % _MODULUS:032x}"


class ServedType:
    """Everything of one type that a group is served now. Shared by all of its sessions, which only read it."""

    def __init__(self, type_url: TypeUrl, group: GroupName, knowledge: Knowledge | None = None) -> None:
        """`knowledge`: of a type that mirrors an upstream; without it, what is not here does not exist."""
        self.type_url = type_url
        self.group = group
        self.knowledge = knowledge
        self.resources: dict[str, Resource] = {}
        self.departed: dict[str, Resource] = {}  # removed lately: a full state may have to name them once more
        self.aliases = AliasIndex()
        self.on_demand: set[str] = set()  # names of those that everything does not include
        self.timed: set[str] = set()  # names of those that have a time to live
        self.log = ChangeLog()
        self.version = version_of(0)
        self._total = 0
        self._positions: dict[str, int] = {}  # of earlier versions, oldest first
        self._in_order = InOrder(self.resources)
        self._shared: dict[Hashable, object] = {}

    @property
    def identity(self) -> tuple[str, str, str, int]:
        """Equal for equal states of this type: what share keys begin with."""
        return (self.group, self.type_url, self.version, self.log.newest)

    def awaits(self, name: str) -> bool:
        """Whether it is not known yet if there is anything of this name."""
        return self.knowledge is not None and name not in self.resources and self.knowledge.awaits(name)

    @property
    def awaits_everything(self) -> bool:
        """Whether it is not known yet what all there is."""
        return self.knowledge is not None and self.knowledge.awaits_everything

    def replace(self, position: int, name: str, after: Resource | None) -> None:
        """Put, change or remove one name. O(1)."""
        if position > self.log.newest:
            self._remember_version()
        before = self._swap(name, after)
        if before is None:
            self.departed.pop(name, None)
        elif after is None:
            self.departed[name] = before
        for forgotten in self.log.record(position, name, before, after):
            self.departed.pop(forgotten, None)

    def relate(self, resource: Resource) -> None:
        """The content that is served already, with newer knowledge of what it refers to. No change to anybody."""
        self.aliases.replace(self.resources.get(resource.name), resource)
        self._in_order.replaced(resource.name, resource, resource)
        self.resources[resource.name] = resource
        self._shared.clear()

    def fill(self, resources: Iterable[Resource]) -> None:
        """The first content, which is no change: no session is older."""
        for resource in resources:
            self._swap(resource.name, resource)

    def shared(self, key: Hashable, build: Callable[[], Answer]) -> Answer:
        """What `build` makes of this state, made once for all sessions that ask with an equal key."""
        if key not in self._shared:
            self._shared[key] = build()
        return cast(Answer, self._shared[key])

    def everything(self) -> tuple[Resource, ...]:
        """All resources but those on demand, in the order of their names."""
        return self.shared("everything", self._shown)

    def changes_since(self, position: int) -> Changes:
        """What is different from `position`; see `remembers` for removals long ago."""
        return self.log.since(position)

    def shown_since(self, position: int) -> Changes:
        """The same for those who want everything: what is on demand is not there for them."""
        return self.log.since(position, shown=True)

    def remembers(self, position: int) -> bool:
        """Whether removals since `position` are all known."""
        return position >= self.log.floor

    def position_of(self, version: str) -> int | None:
        """Where this version, of a whole state, was served lately; None when nobody remembers."""
        return self._positions.get(version)

    def updates_since(self, position: int) -> tuple[Resource, ...]:
        """The resources of `shown_since`, one tuple for all sessions that stand there."""
        return self.shared(position, lambda: self.select(self.shown_since(position).updated))

    def select(self, names: Iterable[str]) -> tuple[Resource, ...]:
        """Those of `names` that exist, in the order given."""
        resources = self.resources
        return tuple(resources[name] for name in names if name in resources)

    def version_with(self, extra: Iterable[Resource]) -> str:
        """The version of this state with `extra` resources next to it: an intermediate state on the way here."""
        return version_of(self._total + sum(digest(resource) for resource in extra))

    def _remember_version(self) -> None:
        self._positions.pop(self.version, None)
        self._positions[self.version] = self.log.newest
        if len(self._positions) > REMEMBERED_VERSIONS:
            del self._positions[next(iter(self._positions))]

    def _shown(self) -> tuple[Resource, ...]:
        found = self._in_order.all()
        return tuple(resource for resource in found if not resource.on_demand) if self.on_demand else found

    def _swap(self, name: str, after: Resource | None) -> Resource | None:
        before = self.resources.pop(name, None) if after is None else self.resources.get(name)
        if after is not None:
            self.resources[name] = after
            self._total += digest(after)
        if before is not None:
            self._total -= digest(before)
            self.on_demand.discard(name)
            self.timed.discard(name)
        if after is not None and after.on_demand:
            self.on_demand.add(name)
        if after is not None and after.ttl_ms:
            self.timed.add(name)
        self.aliases.replace(before, after)
        self._in_order.replaced(name, before, after)
        self.version = version_of(self._total)
        self._shared.clear()
        return before
