"""Endpoints as they stand in Envoy's ClusterLoadAssignment: in localities, by (priority, region, zone, sub-zone).

Knows where the fields are, and no changes.  Envoy: config.endpoint.v3; gRPC: gRFC A27, which wants weights on
localities and nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from snapshots.endpoints.model import Endpoint, Health, Place

_HEALTHS = {health.value: health for health in Health} | {0: Health.HEALTHY, 4: Health.UNHEALTHY}


class Locality(NamedTuple):
    """Where a group of endpoints stands; a LocalityLbEndpoints for each."""

    priority: int
    region: str
    zone: str
    sub_zone: str


def locality_of(group: Any) -> Locality:
    """Of one LocalityLbEndpoints."""
    return Locality(group.priority, group.locality.region, group.locality.zone, group.locality.sub_zone)


def place_of(endpoint: Any) -> Place:
    """Of one LbEndpoint. One that is no socket address has port 0 and a name that says what it is."""
    if endpoint.WhichOneof("host_identifier") == "endpoint_name":
        return Place(f"name:{endpoint.endpoint_name}", 0)
    address = endpoint.endpoint.address
    kind = address.WhichOneof("address")
    if kind == "socket_address":
        return Place.of(address.socket_address.address, address.socket_address.port_value)
    return Place(f"pipe:{address.pipe.path}" if kind == "pipe" else f"{kind}:", 0)


def health_of(endpoint: Any) -> Health:
    """Of one LbEndpoint, as Envoy takes it: UNKNOWN is healthy, TIMEOUT is unhealthy."""
    return _HEALTHS.get(endpoint.health_status, Health.HEALTHY)


def weight_of(endpoint: Any) -> int:
    """Of one LbEndpoint; 1 where none is said."""
    return int(endpoint.load_balancing_weight.value) if endpoint.HasField("load_balancing_weight") else 1


def all_in(assignment: Any) -> Iterator[tuple[Any, Any]]:
    """Every (LocalityLbEndpoints, LbEndpoint) of an assignment."""
    for group in assignment.endpoints:
        for endpoint in group.lb_endpoints:
            yield group, endpoint


def endpoints_in(assignment: Any) -> tuple[Endpoint, ...]:
    """Every endpoint of an assignment, sorted by priority, locality and place."""
    found = [
        (at := locality_of(group), place_of(each).order, _endpoint(at, each)) for group, each in all_in(assignment)
    ]
    return tuple(endpoint for _, _, endpoint in sorted(found, key=lambda one: one[:2]))


def _endpoint(at: Locality, endpoint: Any) -> Endpoint:
    place, weight, health = place_of(endpoint), weight_of(endpoint), health_of(endpoint)
    return Endpoint(place, weight, at.region, at.zone, at.sub_zone, at.priority, health)
