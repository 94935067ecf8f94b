"""Which route serves which hostnames of which listener, and why others do not. Pure.

Source: Gateway API, "Attaching Routes to Gateways", and "hostnames" of each route kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from snapshots.authoring.gateway.complaints import Complaint, Complaints
from snapshots.authoring.gateway.listeners import BoundListener
from snapshots.authoring.gateway.world import World, selects
from snapshots.authoring.kinds.model import GATEWAY_GROUP
from snapshots.authoring.kinds.references import ParentReference
from snapshots.authoring.objects import AuthoredObject
from snapshots.codes import ROUTE_NOT_ATTACHED

ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
EVERY_HOST = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """One parentRef of a route. `accepted` holds the listeners it goes to, each with the hostnames it serves there
    (EVERY_HOST: all); without one, `refusal` says why."""

    route: AuthoredObject
    index: int
    parent: ParentReference
    accepted: tuple[tuple[BoundListener, tuple[str, ...]], ...]
    refusal: Complaint | None = None


def attachments(world: World, listeners: Sequence[BoundListener], complaints: Complaints) -> tuple[Attachment, ...]:
    """For every route and each of its parents that is ours; routes in order of precedence."""
    by_parent: dict[tuple[str, str, str], list[BoundListener]] = {}
    for each in listeners:
        by_parent.setdefault((each.owner.key.kind, each.owner.namespace, each.owner.name), []).append(each)
    found = []
    for route in world.of(*ROUTES):
        for index, parent in enumerate(route.model.spec.parent_refs):
            key = (parent.kind, parent.namespace or route.namespace, parent.name)
            if parent.group == GATEWAY_GROUP and key in by_parent:
                found.append(_attach(world, route, index, parent, by_parent[key], complaints))
    return tuple(found)


def _attach(
    world: World,
    route: AuthoredObject,
    index: int,
    parent: ParentReference,
    listeners: Sequence[BoundListener],
    complaints: Complaints,
) -> Attachment:
    named = [each for each in listeners if _is_named(parent, each)]
    allowed = [each for each in named if _allows(world, each, route)]
    hosts = ((each, intersection(each.listener.hostname, _hostnames(route))) for each in allowed)
    accepted = tuple((each, names) for each, names in hosts if names)
    if accepted:
        return Attachment(route, index, parent, accepted)
    refusal = _refusal(route, index, parent, bool(named), bool(allowed))
    return Attachment(route, index, parent, (), complaints.add(refusal))


def _refusal(route: AuthoredObject, index: int, parent: ParentReference, named: bool, allowed: bool) -> Complaint:
    where = f"{parent.kind} {parent.namespace or route.namespace}/{parent.name}"
    if not named:
        reason, text = "NoMatchingParent", f"{where} has no listener of that sectionName or port"
    elif not allowed:
        reason, text = "NotAllowedByListeners", f"no listener of {where} takes this {route.key.kind} (allowedRoutes)"
    else:
        reason, text = "NoMatchingListenerHostname", f"no listener of {where} has a hostname in common with this route"
    return Complaint(route, ("spec", "parentRefs", index), ROUTE_NOT_ATTACHED, reason, text)


def _is_named(parent: ParentReference, each: BoundListener) -> bool:
    if parent.section_name is not None and parent.section_name != each.listener.name:
        return False
    return parent.port is None or parent.port == each.listener.port


def _allows(world: World, each: BoundListener, route: AuthoredObject) -> bool:
    if route.key.kind not in each.kinds:
        return False
    namespaces = each.listener.allowed_routes.namespaces
    if namespaces.from_ == "Selector":
        return selects(namespaces.selector, world.namespace_labels(route.namespace))
    return namespaces.from_ == "All" or route.namespace == each.owner.namespace


def _hostnames(route: AuthoredObject) -> tuple[str, ...]:
    return getattr(route.model.spec, "hostnames", ())


def intersection(listener: str | None, route: Sequence[str]) -> tuple[str, ...]:
    """The hostnames that both mean; none when they have nothing in common.  Gateway API: HTTPRoute "hostnames"."""
    if not route:
        return (listener or EVERY_HOST,)
    if not listener:
        return tuple(dict.fromkeys(route))
    return tuple(dict.fromkeys(_common(listener, route)))


def _common(listener: str, route: Sequence[str]) -> Iterator[str]:
    for name in route:
        if name == listener or covers(listener, name):
            yield name
        elif covers(name, listener):
            yield listener


def covers(wildcard: str, name: str) -> bool:
    """Whether `*.example.com` takes in `name`: one or more labels more, itself perhaps a wildcard."""
    return wildcard.startswith("*.") and name.endswith(wildcard[1:]) and name != wildcard
