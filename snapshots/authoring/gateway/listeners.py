"""The listeners of Gateways and ListenerSets: where they bind, whom they take, what is wrong with them. Pure.

Source: Gateway API, "Gateway" (listeners and conflicts) and "ListenerSet" (GEP-1713).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from snapshots.authoring.gateway.certificates import Certificates
from snapshots.authoring.gateway.complaints import Complaint, Complaints
from snapshots.authoring.gateway.world import World, selects
from snapshots.authoring.kinds.gateway import Listener
from snapshots.authoring.kinds.model import GATEWAY_GROUP
from snapshots.authoring.objects import AuthoredObject
from snapshots.authoring.yaml_nodes import Path
from snapshots.codes import LISTENER_CONFLICT, LISTENER_UNSUPPORTED

ANY_ADDRESS = "0.0.0.0"

# Protocol -> the kinds of routes that it can serve, and Envoy's transport.
ROUTE_KINDS: dict[str, tuple[str, ...]] = {
    "HTTP": ("HTTPRoute", "GRPCRoute"),
    "HTTPS": ("HTTPRoute", "GRPCRoute"),
    "TLS": ("TLSRoute",),
    "TCP": ("TCPRoute",),
    "UDP": ("UDPRoute",),
}


@dataclass(frozen=True, slots=True)
class ListenerId:
    """Which listener: its owner (a Gateway or ListenerSet) and its name there."""

    owner: AuthoredObject
    name: str

    def __hash__(self) -> int:
        return hash((self.owner.key, self.name))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ListenerId) and (self.owner.key, self.name) == (other.owner.key, other.name)


@dataclass(frozen=True, slots=True)
class BoundListener:
    """One listener of a Gateway that is ours. `addresses` are IPs; `problems` keep it from being served.

    `kinds` are the route kinds that it takes, `certificates` the xDS secrets that it shows.
    """

    gateway: AuthoredObject
    owner: AuthoredObject
    index: int
    listener: Listener
    addresses: tuple[str, ...]
    kinds: tuple[str, ...]
    problems: tuple[Complaint, ...] = ()
    certificates: tuple[str, ...] = ()

    @property
    def id(self) -> ListenerId:
        return ListenerId(self.owner, self.listener.name)

    @property
    def path(self) -> Path:
        return ("spec", "listeners", self.index)

    @property
    def usable(self) -> bool:
        return not self.problems


def bound_listeners(world: World, certificates: Certificates, complaints: Complaints) -> tuple[BoundListener, ...]:
    """Every listener of every Gateway that is ours, in order of precedence."""
    found: list[BoundListener] = []
    for gateway in world.of("Gateway"):
        if world.is_ours(gateway.model.spec.gateway_class_name):
            for owner in (gateway, *_sets_of(world, gateway)):
                found.extend(_bound(gateway, owner, complaints))
    distinct = _without_conflicts(found, complaints)
    return tuple(_with_certificates(each, certificates, complaints) for each in distinct)


def _sets_of(world: World, gateway: AuthoredObject) -> Iterator[AuthoredObject]:
    for each in world.of("ListenerSet"):
        parent = each.model.spec.parent_ref
        if (parent.group, parent.kind, parent.name) != (GATEWAY_GROUP, "Gateway", gateway.name):
            continue
        if (parent.namespace or each.namespace) == gateway.namespace and admits_set(world, gateway, each):
            yield each


def admits_set(world: World, gateway: AuthoredObject, listener_set: AuthoredObject) -> bool:
    """Whether a Gateway takes listeners from this ListenerSet.  GEP-1713, "allowedListeners"."""
    namespaces = gateway.model.spec.allowed_listeners.namespaces
    return {
        "All": True,
        "Same": listener_set.namespace == gateway.namespace,
        "Selector": selects(namespaces.selector, world.namespace_labels(listener_set.namespace)),
        "None": False,
    }[namespaces.from_]


def _bound(gateway: AuthoredObject, owner: AuthoredObject, complaints: Complaints) -> Iterator[BoundListener]:
    addresses = tuple(each.value for each in gateway.model.spec.addresses if each.type == "IPAddress" and each.value)
    for index, listener in enumerate(owner.model.spec.listeners):
        problems = []
        if listener.protocol not in ROUTE_KINDS:
            text = f'the protocol "{listener.protocol}" is not supported'
            hint = f"one of {', '.join(ROUTE_KINDS)}"
            path = ("spec", "listeners", index, "protocol")
            problems.append(
                complaints.add(Complaint(owner, path, LISTENER_UNSUPPORTED, "UnsupportedProtocol", text, hint))
            )
        kinds = _kinds(listener)
        yield BoundListener(gateway, owner, index, listener, addresses or (ANY_ADDRESS,), kinds, tuple(problems))


def _kinds(listener: Listener) -> tuple[str, ...]:
    """What of the routes that it allows it can serve."""
    possible = ROUTE_KINDS.get(listener.protocol, ())
    if not listener.allowed_routes.kinds:
        return possible
    wanted = [each.kind for each in listener.allowed_routes.kinds if each.group == GATEWAY_GROUP]
    return tuple(kind for kind in wanted if kind in possible)


def _with_certificates(each: BoundListener, certificates: Certificates, complaints: Complaints) -> BoundListener:
    tls = each.listener.tls
    if tls is None or tls.mode != "Terminate":
        return each
    found = [
        certificates.resolve(each.owner, reference, (*each.path, "tls", "certificateRefs", index))
        for index, reference in enumerate(tls.certificate_refs)
    ]
    problems = tuple(complaints.add(one) for one in found if isinstance(one, Complaint))
    names = tuple(one for one in found if isinstance(one, str))
    return replace(each, problems=(*each.problems, *problems), certificates=names)


_SHARING = {"HTTP": "http", "HTTPS": "tls", "TLS": "tls", "TCP": "tcp", "UDP": "udp"}


def _without_conflicts(listeners: list[BoundListener], complaints: Complaints) -> Iterator[BoundListener]:
    """The first of two that want the same place keeps it.  Gateway API: "Distinct Listeners"."""
    taken: dict[tuple[str, str, int], BoundListener] = {}
    hosts: dict[tuple[str, int, str, str], BoundListener] = {}
    for each in listeners:
        conflict = None
        sharing = _SHARING.get(each.listener.protocol, "")
        transport = "udp" if sharing == "udp" else "tcp"
        for address in each.addresses if each.usable else ():
            first = taken.setdefault((address, transport, each.listener.port), each)
            host = hosts.setdefault((address, each.listener.port, sharing, each.listener.hostname or ""), each)
            if _SHARING[first.listener.protocol] != sharing:
                conflict = _conflict(each, first, "ProtocolConflict", complaints)
            elif host is not each:
                conflict = _conflict(each, host, "HostnameConflict", complaints)
            if conflict is not None:
                break
        yield each if conflict is None else _with(each, conflict)


def _conflict(each: BoundListener, first: BoundListener, reason: str, complaints: Complaints) -> Complaint:
    at = f"port {each.listener.port}"
    what = f"speaks {first.listener.protocol}" if reason == "ProtocolConflict" else "has the same hostname"
    text = f'{at} is taken by listener "{first.listener.name}" of {first.owner.key}, which {what}'
    return complaints.add(Complaint(each.owner, each.path, LISTENER_CONFLICT, reason, text, "choose another port"))


def _with(each: BoundListener, problem: Complaint) -> BoundListener:
    return replace(each, problems=(*each.problems, problem))
