"""Gateways that are ours: the addresses they bind, the ListenerSets they take, why nothing of one is served. Pure.

Source: Gateway API, "Gateway" (addresses, infrastructure, allowedListeners) and "ListenerSet" (GEP-1713).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from api.envoy.problem import did_you_mean
from snapshots.authoring.gateway.complaints import Complaint, Complaints
from snapshots.authoring.gateway.world import World, selects
from snapshots.authoring.kinds.gateway import GatewayAddress
from snapshots.authoring.kinds.model import GATEWAY_GROUP
from snapshots.authoring.objects import AuthoredObject, ObjectKey
from snapshots.authoring.yaml_nodes import Path
from snapshots.codes import ADDRESS_UNUSABLE, LISTENER_UNSUPPORTED, LISTENERS_NOT_ALLOWED, PARENT_MISSING

ANY_ADDRESS = "0.0.0.0"


@dataclass(frozen=True, slots=True)
class OwnGateway:
    """A Gateway of a class that is ours.

    `addresses`: the IPs to bind. `unusable`: why other addresses are not bound. `rejection`: why nothing of it is
    served. `sets`: the ListenerSets whose listeners it takes, in order of precedence.
    """

    gateway: AuthoredObject
    addresses: tuple[str, ...]
    unusable: Complaint | None = None
    rejection: Complaint | None = None
    sets: tuple[AuthoredObject, ...] = ()


@dataclass(frozen=True, slots=True)
class Gateways:
    """All that are ours, in order of precedence; and the ListenerSets that they do not take, with the reason."""

    own: tuple[OwnGateway, ...]
    refused_sets: tuple[Complaint, ...] = ()


def gateways(world: World, complaints: Complaints) -> Gateways:
    """What all Gateways and ListenerSets of the world come to."""
    sets, refused = _sets(world, complaints)
    ours = (each for each in world.of("Gateway") if world.is_ours(each.model.spec.gateway_class_name))
    return Gateways(tuple(_own(each, sets.get(each.key, ()), complaints) for each in ours), refused)


def _own(gateway: AuthoredObject, sets: Iterable[AuthoredObject], complaints: Complaints) -> OwnGateway:
    rejection = _unknown_parameters(gateway, complaints) or _unsupported_address(gateway, complaints)
    asked = [_address(each) for each in gateway.model.spec.addresses] or [ANY_ADDRESS]
    unusable = [_unusable(gateway, index, complaints) for index, each in enumerate(asked) if each is None]
    bound = tuple(dict.fromkeys(each for each in asked if each is not None))
    return OwnGateway(gateway, bound, unusable[0] if unusable else None, rejection, tuple(sets))


def _unknown_parameters(gateway: AuthoredObject, complaints: Complaints) -> Complaint | None:
    """No kind of parameters is known here, so that every parametersRef leads nowhere.  Gateway API: "parametersRef"."""
    infrastructure = gateway.model.spec.infrastructure
    reference = infrastructure.parameters_ref if infrastructure else None
    if reference is None:
        return None
    return complaints.add(parameters_unknown(gateway, ("spec", "infrastructure", "parametersRef"), reference.kind))


def parameters_unknown(owner: AuthoredObject, at: Path, kind: str) -> Complaint:
    """Of a Gateway or a GatewayClass."""
    text = f'parameters of kind "{kind}" are not known, nor any others'
    return Complaint(owner, at, LISTENER_UNSUPPORTED, "InvalidParameters", text, "remove parametersRef")


def _unsupported_address(gateway: AuthoredObject, complaints: Complaints) -> Complaint | None:
    for index, each in enumerate(gateway.model.spec.addresses):
        if each.type != "IPAddress":
            at = ("spec", "addresses", index, "type")
            text = f'an address of type "{each.type}" cannot be bound'
            hint = "write type: IPAddress"
            return complaints.add(Complaint(gateway, at, ADDRESS_UNUSABLE, "UnsupportedAddress", text, hint))
    return None


def _address(address: GatewayAddress) -> str | None:
    """The IP to bind; None if no gateway could. Whether this one has it, only its Envoy knows."""
    if not address.value or address.type != "IPAddress":
        return ANY_ADDRESS
    try:
        found = ipaddress.ip_address(address.value)
    except ValueError:
        return None
    return None if found.is_multicast or str(found) == "255.255.255.255" else str(found)


def _unusable(gateway: AuthoredObject, index: int, complaints: Complaints) -> Complaint:
    value = gateway.model.spec.addresses[index].value
    text = f'"{value}" is no address that a gateway can bind'
    at = ("spec", "addresses", index, "value")
    hint = "write an IP address of the gateway's host"
    return complaints.add(Complaint(gateway, at, ADDRESS_UNUSABLE, "AddressNotUsable", text, hint))


def _sets(world: World, complaints: Complaints) -> tuple[dict[ObjectKey, list[AuthoredObject]], tuple[Complaint, ...]]:
    """The ListenerSets by the Gateway that takes them, and those refused. One of a foreign Gateway is in neither."""
    taken: dict[ObjectKey, list[AuthoredObject]] = {}
    refused = []
    for each in world.of("ListenerSet"):
        gateway = _gateway_of(world, each, complaints)
        if gateway is None or not world.is_ours(gateway.model.spec.gateway_class_name):
            continue
        if admits_set(world, gateway, each):
            taken.setdefault(gateway.key, []).append(each)
        else:
            refused.append(complaints.add(_not_allowed(gateway, each)))
    return taken, tuple(refused)


def _gateway_of(world: World, listener_set: AuthoredObject, complaints: Complaints) -> AuthoredObject | None:
    parent = listener_set.model.spec.parent_ref
    if (parent.group, parent.kind) != (GATEWAY_GROUP, "Gateway"):
        return None
    namespace = parent.namespace or listener_set.namespace
    found = world.get("Gateway", namespace, parent.name)
    if found is None:
        complaints.add(parent_missing(world, listener_set, ("spec", "parentRef"), "Gateway", namespace, parent.name))
    return found


def parent_missing(world: World, owner: AuthoredObject, at: Path, kind: str, namespace: str, name: str) -> Complaint:
    """A warning: the parent may be somewhere else, and then it is not for us to say."""
    hint = did_you_mean(name, world.names(kind, namespace)) or "add it, or correct the reference"
    text = f"{kind} {namespace}/{name} is not here, so nothing is served for it"
    return Complaint(owner, (*at, "name"), PARENT_MISSING, "NoMatchingParent", text, hint, severity="warning")


def admits_set(world: World, gateway: AuthoredObject, listener_set: AuthoredObject) -> bool:
    """Whether a Gateway takes listeners from this ListenerSet.  GEP-1713, "allowedListeners"."""
    namespaces = gateway.model.spec.allowed_listeners.namespaces
    return {
        "All": True,
        "Same": listener_set.namespace == gateway.namespace,
        "Selector": selects(namespaces.selector, world.namespace_labels(listener_set.namespace)),
        "None": False,
    }[namespaces.from_]


def _not_allowed(gateway: AuthoredObject, listener_set: AuthoredObject) -> Complaint:
    text = f"{gateway.key} takes no listeners from namespace {listener_set.namespace}"
    hint = "its allowedListeners says from where it does"
    return Complaint(listener_set, ("spec", "parentRef"), LISTENERS_NOT_ALLOWED, "NotAllowed", text, hint)
