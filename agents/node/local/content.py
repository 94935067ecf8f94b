"""What local clients are served: what upstream says, unless that is unknown yet, away, or has been fallen back from.

It moves the catalogue, and decides when; it wakes nobody. Pure: no I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from agents.node.generations.generation import Contents, ResourceName
from xds.client.answers import Asked, Received
from xds.client.mirror import Mirror
from xds.protocol.catalogue import Catalogue, Change
from xds.protocol.knowledge import Learned
from xds.protocol.resource import Resource
from xds.protocol.types import TypeUrl


class Source(StrEnum):
    """Where what is served comes from."""

    UPSTREAM = "upstream"
    NOTHING = "nothing yet"  # what is on the disk waits for the word of upstream
    DISK = "disk"  # upstream is away
    FALLBACK = "fallback"  # Envoy does not live with what upstream says


@dataclass(frozen=True, slots=True)
class Fallback:
    """What was gone back from: at which revision, and what differed then, with its versions (None: it was gone)."""

    why: str
    revision: int
    differing: Mapping[tuple[TypeUrl, str], str | None]

    def ends_with(self, received: Received) -> bool:
        """Whether upstream says something else than what was bad."""
        if received.changes and received.revision > self.revision:
            return True
        told: dict[str, str | None] = {**dict(received.brought), **dict.fromkeys(received.gone)}
        keys = {(received.type_url, name): version for name, version in told.items()}
        return any(key in self.differing and self.differing[key] != version for key, version in keys.items())

    def concerns(self, received: Received) -> bool:
        """Whether an answer brings some of what is not served for now."""
        keys = {(received.type_url, name) for name in (*(name for name, _ in received.brought), *received.gone)}
        return not keys.isdisjoint(self.differing)


class Content:
    """Of one catalogue. `seed` at the start if there is something on the disk; then `take` what upstream says.

    `left_out`: resources that belong to what is served now, and are not: the disk does not keep them.
    """

    def __init__(self, catalogue: Catalogue, mirror: Mirror) -> None:
        self.source = Source.UPSTREAM
        self.fallback: Fallback | None = None
        self.left_out: tuple[ResourceName, ...] = ()
        self._catalogue = catalogue
        self._mirror = mirror
        self._kept: Contents | None = None

    def seed(self, kept: Contents) -> None:
        """What is on the disk: upstream is told of it, and nobody else before it has spoken, or is given up."""
        self._kept, self.source = kept, Source.NOTHING
        self._mirror.seed(kept.resources)

    def take(self, received: Received) -> None:
        """Upstream has spoken. Before `show` nothing moves."""
        if self.fallback is not None and self.fallback.ends_with(received):
            self.fallback = None
            self.show(received.revision)
        elif self.source is Source.DISK:
            self.show(received.revision)
        elif self.source is Source.UPSTREAM:
            self._catalogue.change(received.revision, received.changes, received.learned)
        elif self.source is Source.FALLBACK:
            self._learn(received.learned, self._over(received.changes))
        if self.source is not Source.NOTHING:
            self._catalogue.renew(received.type_url, received.renewed)

    def carry_out(self, asked: Asked) -> None:
        """Something is followed no more, or anew, or its time is over."""
        if self.source is Source.UPSTREAM:
            self._catalogue.change(self._catalogue.revision, asked.changes, asked.learned)
        elif self.source is not Source.NOTHING:
            self._learn(asked.learned, self._over(asked.changes))

    def show(self, revision: int) -> None:
        """Serve what upstream says, from now on."""
        self.source, self._kept, self.left_out = Source.UPSTREAM, None, ()
        self._catalogue.replace(revision, self._mirror.everything_held())
        self._catalogue.change(revision, (), self._mirror.known())

    def agrees_with(self, type_url: TypeUrl, brought: Mapping[str, str]) -> bool:
        """Whether a client that has these versions would be told nothing by what is on the disk.

        What was left out is awaited. Where the disk is all there is of a type it would be told to be gone.
        """
        if self._kept is None:
            return False
        lasting = (one for one in self._kept.resources if one.type_url == type_url and not one.ttl_ms)
        versions = {one.name: one.version for one in lasting}
        if type_url not in self._kept.whole:
            versions |= {one.name: brought.get(one.name, "") for one in self._kept.left_out if one.type_url == type_url}
        return all(versions.get(name) == version for name, version in brought.items() if version)

    def show_disk(self) -> None:
        """Upstream is away: serve what is on the disk."""
        if self._kept is not None:
            self.source = Source.DISK
            self._serve(self._kept)

    def fall_back(self, kept: Contents, why: str) -> None:
        """Serve this again, until upstream says something else than it does now."""
        before = {(one.type_url, one.name): one.version for one in self._mirror.everything_held()}
        after = {(one.type_url, one.name): one.version for one in self._serve(kept)}
        differing = {key: before.get(key) for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        self.source, self.fallback = Source.FALLBACK, Fallback(why, self._mirror.floor, differing)

    def _serve(self, kept: Contents) -> tuple[Resource, ...]:
        """What was left out of it stays as it is held. What lives for a time only is served while upstream renews just
        that: an experiment that was to end with the control plane does not begin anew with a restart."""
        held = [(name, self._mirror.held(name.type_url).get(name.name)) for name in kept.left_out]
        self.left_out = tuple(name for name, one in held if one is None)
        over = [one for one in kept.resources if one.ttl_ms and not self._is_held(one)]
        lasting = (one for one in kept.resources if not one.ttl_ms or self._is_held(one))
        resources = (*lasting, *(one for _, one in held if one is not None))
        self._catalogue.replace(max(kept.revision, 1), resources)
        self._learn((*_known_from(kept), *(Learned(one.type_url, frozenset((one.name,))) for one in over)))
        return resources

    def _is_held(self, resource: Resource) -> bool:
        held = self._mirror.held(resource.type_url).get(resource.name)
        return held is not None and held.version == resource.version

    def _over(self, changes: Iterable[Change]) -> list[Change]:
        """What of the state that is served instead has lived for as long as upstream renewed it."""
        served = self._catalogue.served
        timed = (before for before, _ in changes if before is not None and before.ttl_ms)
        return [(one, None) for one in timed if one.name in served(one.type_url).timed]

    def _learn(self, learned: Iterable[Learned], changes: Iterable[Change] = ()) -> None:
        self._catalogue.change(self._catalogue.revision, list(changes), learned)


def _known_from(kept: Contents) -> tuple[Learned, ...]:
    whole = tuple(Learned(type_url, everything=True) for type_url in kept.whole)
    absent: dict[TypeUrl, set[str]] = {}
    for one in kept.absent:
        absent.setdefault(one.type_url, set()).add(one.name)
    return (*whole, *(Learned(type_url, answered=frozenset(names)) for type_url, names in absent.items()))
