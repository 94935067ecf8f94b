"""What local clients are served: what upstream says, unless that is unknown yet, away, or has been fallen back from.

It moves the catalogue, and decides when; it wakes nobody. Pure: no I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from enum import StrEnum

from agents.node.generations.generation import Contents, ResourceName
from agents.node.generations.pin import Pin, Versions, suspects_of
from xds.client.answers import Asked, Received
from xds.client.mirror import Mirror
from xds.protocol.catalogue import Catalogue, Change
from xds.protocol.knowledge import Learned
from xds.protocol.resource import Resource
from xds.protocol.types import RESOURCE_TYPES, TypeUrl


class Source(StrEnum):
    """Where what is served comes from."""

    UPSTREAM = "upstream"
    NOTHING = "nothing yet"  # what is on the disk waits for the word of upstream
    DISK = "disk"  # upstream is away
    FALLBACK = "fallback"  # Envoy does not live with what upstream says


class Content:
    """Of one catalogue. `seed` at the start if there is something on the disk; then `take` what upstream says.

    `left_out`: resources that belong to what is served now, and are not: the disk does not keep them. `pin`: what holds
    it to the last good content, from when Envoy did not live with what upstream said.
    """

    def __init__(self, catalogue: Catalogue, mirror: Mirror) -> None:
        self.source = Source.UPSTREAM
        self.pin: Pin | None = None
        self.left_out: tuple[ResourceName, ...] = ()
        self._catalogue = catalogue
        self._mirror = mirror
        self._kept: Contents | None = None

    def seed(self, kept: Contents, pin: Pin | None = None) -> None:
        """What is on the disk: upstream is told of it, and nobody else before it has spoken, or is given up. `pin`: one
        of an earlier life, for upstream to end."""
        self._kept, self.source, self.pin = kept, Source.NOTHING, pin
        self._mirror.seed(kept.resources)

    def take(self, received: Received, *, is_hearsay: bool = False) -> None:
        """Upstream has spoken. Before `show` nothing moves. `is_hearsay`: others may know better, so it ends no pin."""
        if not is_hearsay:
            self._look_at_pin(received)
        if self.source is Source.DISK:
            self.show(received.revision)
        elif self.source is Source.UPSTREAM:
            self._catalogue.change(received.revision, received.changes, received.learned)
        elif self.source is Source.FALLBACK:
            self._learn(received.learned, [*self._over(received.changes), *self._found(received.changes)])
        if self.source is not Source.NOTHING:
            self._catalogue.renew(received.type_url, received.renewed)

    @property
    def is_due(self) -> bool:
        """Whether upstream's word is to be shown once it is whole: nothing is yet, or a pin is over. A part of that may
        be what was bad."""
        return self.source is Source.NOTHING or (self.source is Source.FALLBACK and self.pin is None)

    def suspects(self, received: Received) -> bool:
        """Whether an answer tells of anything that is suspected."""
        told = (*(name for name, _ in received.brought), *received.gone)
        return self.pin is not None and any(ResourceName(received.type_url, name) in self.pin.suspects for name in told)

    def withholds(self, received: Received) -> bool:
        """Whether some of an answer is not served for now: Envoy has to do with something else."""
        if self.pin is None:
            return False
        served = self._catalogue.served(received.type_url).resources
        return not served.keys().isdisjoint(received.gone) or any(
            name not in served or served[name].version != version for name, version in received.brought
        )

    def carry_out(self, asked: Asked) -> None:
        """Something is followed no more, or anew, or its time is over."""
        if self.source is Source.UPSTREAM:
            self._catalogue.change(self._catalogue.revision, asked.changes, asked.learned)
        elif self.source is not Source.NOTHING:
            self._learn(asked.learned, self._over(asked.changes))

    def show(self, revision: int) -> None:
        """Serve what upstream says, from now on; while there is a pin, what that holds to."""
        if self.pin is not None and self._kept is not None:
            self._hold(self._kept)
            return
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

    def is_spanned_by(self, types: Set[TypeUrl]) -> bool:
        """Whether there is nothing on the disk but of these types."""
        return self._kept is not None and all(one.type_url in types for one in self._kept.resources)

    def show_disk(self) -> None:
        """Upstream is away: serve what is on the disk."""
        if self._kept is not None:
            self.source = Source.DISK
            self._serve(self._kept)

    @property
    def versions(self) -> dict[ResourceName, str | None]:
        """Of all that is served."""
        served = [self._catalogue.served(row.url) for row in RESOURCE_TYPES]
        return {
            ResourceName(one.type_url, name): each.version for one in served for name, each in one.resources.items()
        }

    def fall_back(self, kept: Contents, bad: Versions, why: str) -> bool:
        """Serve this again, until upstream has something of `bad` otherwise, which was served before and is not lived
        with. Returns whether that is any use: not where nothing differs, or upstream is further already."""
        good = {ResourceName(one.type_url, one.name): one.version for one in self._of(kept)}
        pin = Pin(why, suspects_of(bad, good))
        if not pin.suspects or pin.ended_by(self._held(pin.suspects)):
            return False
        self.pin, self._kept = pin, kept
        self._hold(kept)
        return True

    def end_pin(self) -> None:
        """Serve what upstream says, whatever it is."""
        self.pin = None
        if self.source is Source.FALLBACK:
            self.show(self._mirror.floor)

    def _look_at_pin(self, received: Received) -> None:
        told: dict[str, str | None] = {**dict(received.brought), **dict.fromkeys(received.gone)}
        versions = {ResourceName(received.type_url, name): version for name, version in told.items()}
        if self.pin is not None:
            self.pin = None if self.pin.ended_by(versions) else self.pin.knowing(versions)

    def _held(self, names: Iterable[ResourceName]) -> Versions:
        """Of those that upstream has, as far as that is known."""
        found = ((name, self._mirror.held(name.type_url).get(name.name)) for name in names)
        return {name: one.version for name, one in found if one is not None}

    def _hold(self, kept: Contents) -> None:
        self.source = Source.FALLBACK
        self._serve(kept)
        self._learn(self._mirror.known())

    def _found(self, changes: Iterable[Change]) -> list[Change]:
        """What of the state that is served instead was left out on the disk, and upstream has told now."""
        told = {ResourceName(after.type_url, after.name): after for _, after in changes if after is not None}
        found = {name: told[name] for name in self.left_out if name in told}
        self.left_out = tuple(name for name in self.left_out if name not in found)
        return [(None, after) for after in found.values()]

    def _serve(self, kept: Contents) -> None:
        """What lives for a time only is served while upstream renews just that: an experiment that was to end with the
        control plane does not begin anew with a restart."""
        resources = self._of(kept)
        served = {ResourceName(one.type_url, one.name) for one in resources}
        self.left_out = tuple(name for name in kept.left_out if name not in served)
        over = [one for one in kept.resources if ResourceName(one.type_url, one.name) not in served]
        self._catalogue.replace(max(kept.revision, 1), resources)
        self._learn((*_known_from(kept), *(Learned(one.type_url, frozenset((one.name,))) for one in over)))

    def _of(self, kept: Contents) -> tuple[Resource, ...]:
        """What is there of it. What was left out of it stays as it is held."""
        held = (self._mirror.held(name.type_url).get(name.name) for name in kept.left_out)
        lasting = (one for one in kept.resources if not one.ttl_ms or self._is_held(one))
        return (*lasting, *(one for one in held if one is not None))

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
