"""Which route serves which hostnames of which listener, and why others do not. Pure.

Source: Gateway API, "Attaching Routes to Gateways", "hostnames" of each route kind, and GRPCRoute on sharing hostnames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from snapshots.authoring.gateway.bound import BoundListener, ListenerId
from snapshots.authoring.gateway.complaints import Complaint
from snapshots.authoring.gateway.gateways import parent_missing
from snapshots.authoring.gateway.hostnames import HostSet, intersection
from snapshots.authoring.gateway.parents import Parent
from snapshots.authoring.gateway.world import World, selects
from snapshots.authoring.kinds.model import GATEWAY_GROUP
from snapshots.authoring.kinds.references import ParentReference
from snapshots.authoring.objects import AuthoredObject, ObjectKey
from snapshots.authoring.yaml_nodes import Path
from snapshots.codes import ROUTE_NOT_ATTACHED

ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
_PARENTS = ("Gateway", "ListenerSet")
# Of two that answer the same requests, each kind keeps the other out.
RIVALS = {"HTTPRoute": "GRPCRoute", "GRPCRoute": "HTTPRoute"}


# Listeners with the hostnames that a route serves there.
Accepted = tuple[tuple[BoundListener, tuple[str, ...]], ...]


class Why(NamedTuple):
    """Why a parent takes a route nowhere: the standard's reason, and what to say of the parent."""

    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Match:
    """A parent of a route that is ours, and the listeners there that would take it if no other route had its hostnames.

    `at`: where the route asks for it. `why`: of one without such listeners.
    """

    parent: ParentReference
    key: ObjectKey
    at: Path
    listeners: Accepted
    why: Why | None = None


@dataclass(frozen=True, slots=True)
class Matches:
    """All of one route, and what is wrong with its parents."""

    route: AuthoredObject
    found: tuple[Match, ...]
    complaints: tuple[Complaint, ...]


@dataclass(frozen=True, slots=True)
class Attachment:
    """One parent of a route: a parentRef, or a default Gateway.

    `accepted` holds the listeners it goes to, each with the hostnames it serves there (EVERY_HOST: all); without one,
    `refusal` says why.
    """

    route: AuthoredObject
    parent: ParentReference
    accepted: Accepted
    refusal: Complaint | None = None


# What a Gateway or ListenerSet of ours has for routes; None of any other.
ParentOf = Callable[[ObjectKey], Parent | None]


def matches(world: World, parent_of: ParentOf, defaults: Iterable[ObjectKey], route: AuthoredObject) -> Matches:
    """For each parent of a route that is ours. `defaults`: the Gateways for routes that ask for no particular one."""
    matching = _Matching(world, parent_of, route)
    found = (matching.parent(at, reference) for at, reference in _parents(route, defaults))
    return Matches(route, tuple(each for each in found if each is not None), tuple(matching.complaints))


def _parents(route: AuthoredObject, defaults: Iterable[ObjectKey]) -> Iterator[tuple[Path, ParentReference]]:
    """All that a route asks for, each with its place; the default Gateways after those that it names.  GEP-3793."""
    spec = route.model.spec
    for index, reference in enumerate(spec.parent_refs):
        yield ("spec", "parentRefs", index), reference
    if spec.use_default_gateways == "All":
        named = {_key(route, reference) for reference in spec.parent_refs}
        for key in defaults:
            if key not in named:
                yield ("spec", "useDefaultGateways"), ParentReference(name=key.name, namespace=key.namespace)


def _key(route: AuthoredObject, reference: ParentReference) -> ObjectKey:
    return ObjectKey(reference.kind, reference.namespace or route.namespace, reference.name)


@dataclass(frozen=True, slots=True)
class _Matching:
    """One route's."""

    world: World
    parent_of: ParentOf
    route: AuthoredObject
    complaints: list[Complaint] = field(default_factory=list)

    def parent(self, at: Path, reference: ParentReference) -> Match | None:
        """None: the parent is not ours."""
        key = _key(self.route, reference)
        if reference.group != GATEWAY_GROUP or reference.kind not in _PARENTS:
            return None
        parent = self.parent_of(key)
        if parent is None:
            if self.world.at(key) is None:
                self.complaints.append(parent_missing(self.world, self.route, at, *key))
            return None
        listeners = self._listeners(reference, parent)
        return Match(reference, key, at, listeners, None if listeners else self._why(reference, parent))

    def _listeners(self, reference: ParentReference, parent: Parent) -> Accepted:
        hostnames = _hostnames(self.route)
        likely = (each for each in parent.likely(reference, hostnames) if self._allows(each))
        hosts = ((each, intersection(each.listener.hostname, hostnames)) for each in likely)
        return tuple((each, names) for each, names in hosts if names)

    def _why(self, reference: ParentReference, parent: Parent) -> Why:
        """Why no listener of a parent takes a route."""
        if not parent.listeners:
            return Why("NoMatchingParent", "is not taken by its Gateway")
        named = parent.named(reference)
        if not named:
            return Why("NoMatchingParent", "has no listener of that sectionName or port")
        if not any(self._allows(each) for each in named):
            kind = self.route.key.kind
            return Why("NotAllowedByListeners", f"has no listener that takes this {kind} (allowedRoutes)")
        return Why("NoMatchingListenerHostname", "has no listener with a hostname in common with this route")

    def _allows(self, each: BoundListener) -> bool:
        if self.route.key.kind not in each.kinds:
            return False
        namespaces = each.listener.allowed_routes.namespaces
        if namespaces.from_ == "Selector":
            return selects(namespaces.selector, self.world.namespace_labels(self.route.namespace))
        return namespaces.from_ == "All" or self.route.namespace == each.owner.namespace


# The older route of the other kind that keeps a route from a listener.
RivalAt = Callable[[ListenerId], ObjectKey | None]


def attachments(route: AuthoredObject, found: Iterable[Match], rival_at: RivalAt) -> tuple[Attachment, ...]:
    """For each parent of a route that is ours."""
    return tuple(_attachment(route, each, rival_at) for each in found)


def _attachment(route: AuthoredObject, match: Match, rival_at: RivalAt) -> Attachment:
    rivals = {listener.id: rival_at(listener.id) for listener, _ in match.listeners}
    free = tuple((listener, names) for listener, names in match.listeners if rivals[listener.id] is None)
    if free:
        return Attachment(route, match.parent, free)
    rival = next((each for each in rivals.values() if each is not None), None)
    why = match.why or Why("HostnameConflict", f"serves {rival} under the same hostname")
    return Attachment(
        route, match.parent, (), Complaint(route, match.at, ROUTE_NOT_ATTACHED, why.reason, f"{match.key} {why.text}")
    )


class Claimant(NamedTuple):
    """A route that a listener would take, and the hostnames it would serve there."""

    route: ObjectKey
    hostnames: tuple[str, ...]


def rivals(claimants: Iterable[Claimant]) -> dict[ObjectKey, ObjectKey]:
    """The routes that a listener does not take since an older one of the other kind has a hostname of theirs, with that
    one. `claimants` in order of precedence.  Gateway API: GRPCRoute "hostnames"."""
    hosts = {kind: HostSet() for kind in RIVALS}
    found: dict[ObjectKey, ObjectKey] = {}
    for route, hostnames in claimants:
        overlapping = (hosts[RIVALS[route.kind]].overlapping(name) for name in hostnames)
        rival = next((each for each in overlapping if isinstance(each, ObjectKey)), None)
        if rival is not None:
            found[route] = rival
            continue
        for name in hostnames:
            hosts[route.kind].add(name, route)
    return found


def _hostnames(route: AuthoredObject) -> tuple[str, ...]:
    return getattr(route.model.spec, "hostnames", ())


def reached(attached: Iterable[Attachment]) -> dict[ListenerId, tuple[BoundListener, tuple[str, ...]]]:
    """The listeners that serve a route, each once, with the hostnames that it serves there."""
    found: dict[ListenerId, tuple[BoundListener, tuple[str, ...]]] = {}
    for attachment in attached:
        for listener, names in attachment.accepted:
            found.setdefault(listener.id, (listener, names))
    return found
