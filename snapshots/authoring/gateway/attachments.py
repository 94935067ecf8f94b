"""Which route serves which hostnames of which listener, and why others do not. Pure.

Source: Gateway API, "Attaching Routes to Gateways", "hostnames" of each route kind, and GRPCRoute on sharing hostnames.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from snapshots.authoring.gateway.bound import BoundListener, ListenerId
from snapshots.authoring.gateway.complaints import Complaint, Complaints
from snapshots.authoring.gateway.gateways import Gateways, parent_missing
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
_RIVALS = {"HTTPRoute": "GRPCRoute", "GRPCRoute": "HTTPRoute"}


# Listeners with the hostnames that a route serves there.
Accepted = tuple[tuple[BoundListener, tuple[str, ...]], ...]


class _Why(NamedTuple):
    """Why a parent takes a route nowhere: the standard's reason, and what to say of the parent."""

    reason: str
    text: str


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


def attachments(
    world: World, found: Gateways, listeners: Sequence[BoundListener], complaints: Complaints
) -> tuple[Attachment, ...]:
    """For every route and each of its parents that is ours; routes in order of precedence."""
    by_owner: dict[ObjectKey, list[BoundListener]] = {each.subject.key: [] for each in found.refused_sets}
    for each in listeners:
        by_owner.setdefault(each.owner.key, []).append(each)
    attach = _Attaching(world, complaints, {key: Parent(each) for key, each in by_owner.items()})
    defaults = tuple(each.gateway.key for each in found.own if each.gateway.model.spec.default_scope == "All")
    every = ((route, *each) for route in world.of(*ROUTES) for each in _parents(route, defaults))
    made = (attach.parent(*each) for each in every)
    return tuple(each for each in made if each is not None)


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


@dataclass(slots=True)
class _Attaching:
    """Attaches one route after the other. `_hosts`: who has which hostnames of a listener, by the kind of route."""

    world: World
    complaints: Complaints
    by_parent: dict[ObjectKey, Parent]
    _hosts: dict[tuple[ListenerId, str], HostSet] = field(default_factory=dict)

    def parent(self, route: AuthoredObject, at: Path, reference: ParentReference) -> Attachment | None:
        """None: the parent is not ours. `at`: where the route asks for it."""
        key = _key(route, reference)
        if reference.group != GATEWAY_GROUP or reference.kind not in _PARENTS:
            return None
        if key not in self.by_parent:
            if self.world.get(key.kind, key.namespace, key.name) is None:
                self.complaints.add(parent_missing(self.world, route, at, key.kind, key.namespace, key.name))
            return None
        accepted, why = self._accepted(route, reference, self.by_parent[key])
        if accepted:
            return Attachment(route, reference, accepted)
        refusal = Complaint(route, at, ROUTE_NOT_ATTACHED, why.reason, f"{key} {why.text}")
        return Attachment(route, reference, (), self.complaints.add(refusal))

    def _accepted(self, route: AuthoredObject, reference: ParentReference, parent: Parent) -> tuple[Accepted, _Why]:
        """The listeners that take the route; and if none does, the reason and what to say of the parent."""
        hostnames = _hostnames(route)
        likely = (each for each in parent.likely(reference, hostnames) if self._allows(each, route))
        hosts = ((each, intersection(each.listener.hostname, hostnames)) for each in likely)
        matching = [(each, names) for each, names in hosts if names]
        if not matching:
            return (), self._why(route, reference, parent)
        rivals = [self._rival(route, each, names) for each, names in matching]
        free = tuple(match for match, rival in zip(matching, rivals, strict=True) if rival is None)
        for each, names in free:
            self._take(route, each, names)
        rival = next((each for each in rivals if each is not None), None)
        return free, _Why("HostnameConflict", f"serves {rival.key} under the same hostname" if rival else "")

    def _why(self, route: AuthoredObject, reference: ParentReference, parent: Parent) -> _Why:
        """Why no listener of a parent takes a route."""
        if not parent.listeners:
            return _Why("NoMatchingParent", "is not taken by its Gateway")
        named = parent.named(reference)
        if not named:
            return _Why("NoMatchingParent", "has no listener of that sectionName or port")
        if not any(self._allows(each, route) for each in named):
            return _Why("NotAllowedByListeners", f"has no listener that takes this {route.key.kind} (allowedRoutes)")
        return _Why("NoMatchingListenerHostname", "has no listener with a hostname in common with this route")

    def _allows(self, each: BoundListener, route: AuthoredObject) -> bool:
        if route.key.kind not in each.kinds:
            return False
        namespaces = each.listener.allowed_routes.namespaces
        if namespaces.from_ == "Selector":
            return selects(namespaces.selector, self.world.namespace_labels(route.namespace))
        return namespaces.from_ == "All" or route.namespace == each.owner.namespace

    def _rival(self, route: AuthoredObject, each: BoundListener, names: Iterable[str]) -> AuthoredObject | None:
        """The older route of the other kind that has one of the hostnames.  Gateway API: GRPCRoute "hostnames"."""
        hosts = self._hosts.get((each.id, _RIVALS.get(route.key.kind, "")))
        found = (hosts.overlapping(name) for name in names) if hosts else iter(())
        return next((rival for rival in found if isinstance(rival, AuthoredObject)), None)

    def _take(self, route: AuthoredObject, each: BoundListener, names: Iterable[str]) -> None:
        if route.key.kind in _RIVALS:
            hosts = self._hosts.setdefault((each.id, route.key.kind), HostSet())
            for name in names:
                hosts.add(name, route)


def _hostnames(route: AuthoredObject) -> tuple[str, ...]:
    return getattr(route.model.spec, "hostnames", ())


def by_listener(attached: Iterable[Attachment]) -> dict[ListenerId, list[tuple[AuthoredObject, tuple[str, ...]]]]:
    """The routes of each listener, each once, in order of precedence, with the hostnames that they serve there."""
    found: dict[ListenerId, list[tuple[AuthoredObject, tuple[str, ...]]]] = {}
    for listener, route, names in _reached(attached):
        routes = found.setdefault(listener.id, [])
        if not routes or routes[-1][0] is not route:
            routes.append((route, names))
    return found


def _reached(attached: Iterable[Attachment]) -> Iterator[tuple[BoundListener, AuthoredObject, tuple[str, ...]]]:
    for attachment in attached:
        for listener, names in attachment.accepted:
            yield listener, attachment.route, names
