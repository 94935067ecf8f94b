"""Endpoints as they stand in Envoy's ClusterLoadAssignment, in localities by (priority, region, zone, sub-zone).

Knows where the fields are, and no changes.  Envoy: config.endpoint.v3.
"""

from __future__ import annotations

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


def locality_for(endpoint: Endpoint) -> Locality:
    """The one that an endpoint belongs to."""
    return Locality(endpoint.priority, endpoint.region, endpoint.zone, endpoint.sub_zone)


def endpoint_of(at: Locality, written: Any) -> Endpoint:
    """Of one LbEndpoint. Envoy takes UNKNOWN as healthy, TIMEOUT as unhealthy, and no weight as 1."""
    weight = int(written.load_balancing_weight.value) if written.HasField("load_balancing_weight") else 1
    health = _HEALTHS.get(written.health_status, Health.HEALTHY)
    return Endpoint(_place_of(written), weight, at.region, at.zone, at.sub_zone, at.priority, health)


def _place_of(written: Any) -> Place:
    """One that is no socket address has port 0 and a name that says what it is."""
    if written.WhichOneof("host_identifier") == "endpoint_name":
        return Place(f"name:{written.endpoint_name}", 0)
    address = written.endpoint.address
    kind = address.WhichOneof("address")
    if kind == "socket_address":
        return Place.of(address.socket_address.address, address.socket_address.port_value)
    return Place(f"pipe:{address.pipe.path}" if kind == "pipe" else f"{kind}:", 0)
