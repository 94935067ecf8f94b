"""Which group is served what, and which streams wait for it.  Nothing of gRPC and nothing of the store here.

A group is known from the first of two events: a node asks for it, or the store has it. Streams of a group that does not
exist (yet) wait here and are answered nothing. When a group moves, its streams are woken in small batches, so that the
event loop stays open to everybody else; a stream that is busy is told once, whatever happened meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from xds.protocol.catalogue import Catalogue
from xds.protocol.resource import Resource
from xds.protocol.types import GroupName
from xds.transport.encoding import ResponseEncoder
from xds.transport.households import Household

WAKE_BATCH = 64


class Wakeable(Protocol):
    """A stream, as seen from here."""

    id: int

    def wake(self) -> None:
        """The group has moved. Returns at once."""


@dataclass(slots=True)
class ServedGroup:
    """One group: its state, its encoded responses, the streams that follow it, and clients without ADS by node id."""

    catalogue: Catalogue
    encoder: ResponseEncoder
    streams: dict[int, Wakeable] = field(default_factory=dict)
    households: dict[str, Household] = field(default_factory=dict)
    is_adopted: bool = False

    @property
    def loaded(self) -> bool:
        return self.catalogue.revision > 0

    def household(self, node: str) -> Household:
        """What the streams of one client without ADS share."""
        return self.households.setdefault(node, Household())

    def forget_household(self, node: str) -> None:
        """Unless a stream of it is still open."""
        if node in self.households and self.households[node].is_empty:
            del self.households[node]


class Catalogues:
    """All groups by name. `response_cache_bytes` bounds the encoded responses of each; 0: nothing is kept."""

    def __init__(self, response_cache_bytes: int, identifier: str = "") -> None:
        self._response_cache_bytes = response_cache_bytes
        self._identifier = identifier
        self._groups: dict[GroupName, ServedGroup] = {}
        self._moved: dict[GroupName, None] = {}
        self._any_moved = asyncio.Event()

    @property
    def loaded(self) -> Mapping[GroupName, Catalogue]:
        """The catalogues of the groups that are served now."""
        return {name: group.catalogue for name, group in self._groups.items() if group.loaded}

    def revision(self, name: GroupName) -> int:
        """What the group serves; 0 before its first load."""
        group = self._groups.get(name)
        return group.catalogue.revision if group else 0

    def served(self, name: GroupName) -> ServedGroup | None:
        """The group, if it is served now."""
        group = self._groups.get(name)
        return group if group is not None and group.loaded else None

    def streams(self, name: GroupName) -> int:
        """How many streams follow the group."""
        group = self._groups.get(name)
        return len(group.streams) if group else 0

    def load(self, name: GroupName, revision: int, resources: Iterable[Resource]) -> None:
        """Serve a whole state from now on."""
        self._group(name).catalogue.load(revision, resources)
        self._wake_later(name)

    def advance(
        self, name: GroupName, revision: int, changes: Iterable[tuple[Resource | None, Resource | None]]
    ) -> None:
        """Serve `revision`, which differs by `changes` (before, after) from what is served."""
        self._group(name).catalogue.advance(revision, changes)
        self._wake_later(name)

    def set_endpoints(self, name: GroupName, sets: Iterable[tuple[str, Resource | None]]) -> tuple[str, ...]:
        """Let endpoint sets stand, or clear them (None). Returns the names that something else is served under now."""
        changed = self._group(name).catalogue.set_endpoints(sets)
        if changed:
            self._wake_later(name)
        self._forget_if_blank(name)
        return changed

    def adopt(self, catalogue: Catalogue) -> None:
        """Serve a catalogue of somebody else, who says `moved` whenever it has changed."""
        group = self._group(catalogue.group)
        group.catalogue, group.is_adopted = catalogue, True

    def moved(self, name: GroupName) -> None:
        """An adopted catalogue has changed."""
        self._wake_later(name)

    def join(self, name: GroupName, stream: Wakeable) -> ServedGroup:
        """Follow a group, whether it exists or not."""
        group = self._group(name)
        group.streams[stream.id] = stream
        return group

    def leave(self, name: GroupName, stream: Wakeable) -> None:
        """Follow no more. A group that never was is forgotten with its last stream."""
        self._groups[name].streams.pop(stream.id, None)
        self._forget_if_blank(name)

    async def wake_streams(self) -> None:
        """Wake the streams of groups that move, until cancelled. Groups take turns: a large one delays no other."""
        while True:
            await self._any_moved.wait()
            self._any_moved.clear()
            await self._wake_all_moved()

    async def _wake_all_moved(self) -> None:
        waking: dict[GroupName, Iterator[Wakeable]] = {}
        while self._moved or waking:
            # A group that moved again while its streams are being woken gets a second round after this one.
            for name in [name for name in self._moved if name not in waking]:
                del self._moved[name]
                waking[name] = iter(list(self._groups[name].streams.values()))
            for name, waiting in list(waking.items()):
                if not _wake_some(waiting):
                    del waking[name]
            await asyncio.sleep(0)

    def _forget_if_blank(self, name: GroupName) -> None:
        group = self._groups[name]
        if not group.streams and group.catalogue.is_blank and not group.is_adopted:
            del self._groups[name]

    def _wake_later(self, name: GroupName) -> None:
        self._moved[name] = None
        self._any_moved.set()

    def _group(self, name: GroupName) -> ServedGroup:
        group = self._groups.get(name)
        if group is None:
            limit_bytes = self._response_cache_bytes
            encoder = ResponseEncoder(limit_bytes, self._identifier, keeps_frames=limit_bytes > 0)
            group = self._groups[name] = ServedGroup(Catalogue(name), encoder)
        return group


def _wake_some(waiting: Iterator[Wakeable]) -> bool:
    batch = list(islice(waiting, WAKE_BATCH))
    for stream in batch:
        stream.wake()
    return len(batch) == WAKE_BATCH
