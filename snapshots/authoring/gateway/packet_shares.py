"""Several backends of a UDPRoute as one cluster of weighted endpoints, for Envoy's UDP proxy knows one only. Pure.

Source: Gateway API, UDPRoute "backendRefs": packets to an invalid backend are dropped, as many as its weight says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd
from typing import Any

from snapshots.authoring.gateway.backends import BackendTarget
from snapshots.authoring.gateway.clusters import NO_LIMITS, addresses
from snapshots.authoring.gateway.complaints import Complaint
from snapshots.authoring.gateway.endpoints import Address, assignment
from snapshots.authoring.gateway.envoy import ADS, Messages
from snapshots.authoring.gateway.world import World
from snapshots.authoring.objects import AuthoredObject, ObjectKey
from snapshots.authoring.yaml_nodes import Path
from snapshots.codes import BACKEND_INVALID
from xds.protocol.resource import Resource

# Envoy adds the weights of a locality up in 32 bits.
_WEIGHT_LIMIT = 2**32 - 1
# The port of RFC 863, on which packets are thrown away, whether somebody listens there or not.
_DISCARD = Address("127.0.0.1", 9)


@dataclass(frozen=True, slots=True)
class PacketShare:
    """How much of the packets one backend takes; None: what is dropped."""

    target: BackendTarget | None
    weight: int


def unmixable(route: AuthoredObject, target: BackendTarget, at: Path) -> Complaint | None:
    """Why a backend cannot be one of several; None if it can."""
    if not target.backend.dynamic:
        return None
    text = f"{target.backend.key} has endpoints: dynamic, and packets cannot be shared between it and other backends"
    hint = "make it the only backend, or list its endpoints"
    return Complaint(route, (*at, "name"), BACKEND_INVALID, "UnsupportedProtocol", text, hint)


def packet_cluster_name(route: ObjectKey) -> str:
    """`UDPRoute/shop/names`."""
    return f"{route.kind}/{route.namespace}/{route.name}"


def packet_cluster(
    messages: Messages, world: World, route: ObjectKey, shares: Sequence[PacketShare]
) -> Iterator[Resource]:
    """The cluster of a route, and its endpoints where they are apart from it."""
    name = packet_cluster_name(route)
    endpoints = assignment(name, list(_weighted(world, shares)))
    by_name = any(each.target is not None and each.target.backend.by_name for each in shares)
    if not by_name:
        yield messages.resource("envoy.config.endpoint.v3.ClusterLoadAssignment", endpoints)
    fields = {"name": name, "circuit_breakers": NO_LIMITS} | _discovery(name, endpoints if by_name else None)
    yield messages.resource("envoy.config.cluster.v3.Cluster", fields)


def _discovery(name: str, endpoints: dict[str, Any] | None) -> dict[str, Any]:
    if endpoints is None:
        return {"type": "EDS", "eds_cluster_config": {"eds_config": ADS, "service_name": name}}
    return {"type": "STRICT_DNS", "dns_lookup_family": "V4_PREFERRED", "respect_dns_ttl": True} | {
        "load_assignment": endpoints
    }


def _weighted(world: World, shares: Iterable[PacketShare]) -> Iterator[Address]:
    """All endpoints, each with its part of its backend's weight; the share of a backend without any is dropped. Zones
    do not count here; priorities do: the endpoints of one level share what the backend has."""
    parts: list[tuple[Address, Fraction]] = []
    for share in shares:
        found = addresses(world, share.target) if share.target else []
        for level in sorted({each.priority for each in found}) or [0]:
            at_level = [each for each in found if each.priority == level] or [_DISCARD]
            whole = sum(each.weight for each in at_level)
            parts += [(each, Fraction(share.weight * each.weight, whole)) for each in at_level]
    for address, weight in zip((each for each, _ in parts), _integers([part for _, part in parts]), strict=True):
        yield replace(address, region="", zone="", weight=weight)


def _integers(parts: Sequence[Fraction]) -> list[int]:
    """Whole numbers in the same proportion, or as near to it as Envoy can count."""
    total = sum(parts)
    factor = 1
    for each in parts:
        factor = factor * each.denominator // gcd(factor, each.denominator)
    if total * factor > _WEIGHT_LIMIT // 2:
        return [max(1, round(each / total * (_WEIGHT_LIMIT // 2))) for each in parts]
    whole = [int(each * factor) for each in parts]
    common = gcd(*whole)
    return [each // common for each in whole]
