"""The clusters and endpoints of the backends that routes use. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from snapshots.authoring.gateway.backends import BackendTarget
from snapshots.authoring.gateway.envoy import ADS, HTTP_OPTIONS, Messages, duration
from snapshots.authoring.gateway.world import World
from snapshots.authoring.objects import AuthoredObject
from xds.protocol.resource import Resource

CONNECT_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class _Address:
    """One endpoint: where it is, and how much of the traffic it takes."""

    address: str
    port: int
    region: str = ""
    zone: str = ""
    weight: int = 1
    priority: int = 0


def clusters(
    messages: Messages, world: World, targets: Iterable[BackendTarget]
) -> Iterator[tuple[AuthoredObject, Resource]]:
    """A Cluster for each target, a ClusterLoadAssignment for each set of endpoints; with the backend they stand for."""
    assigned: set[str] = set()
    for target in targets:
        yield target.backend, _cluster(messages, target)
        if _is_dns(target) or _is_dynamic(target) or target.assignment in assigned:
            continue
        assigned.add(target.assignment)
        found = _assignment(target.assignment, _addresses(world, target))
        yield target.backend, messages.resource("envoy.config.endpoint.v3.ClusterLoadAssignment", found)


def _cluster(messages: Messages, target: BackendTarget) -> Resource:
    fields: dict[str, Any] = {"name": target.cluster, "connect_timeout": duration(CONNECT_TIMEOUT_S)}
    if _is_dns(target):
        spec = target.backend.model.spec
        fields |= {
            "type": "STRICT_DNS",
            "load_assignment": _assignment(target.cluster, [_Address(spec.hostname, spec.port)]),
        }
    else:
        fields |= {"type": "EDS", "eds_cluster_config": {"eds_config": ADS, "service_name": target.assignment}}
    if target.protocol == "h2c":
        options = messages.packed(HTTP_OPTIONS, {"explicit_http_config": {"http2_protocol_options": {}}})
        fields["typed_extension_protocol_options"] = {HTTP_OPTIONS: options}
    return messages.resource("envoy.config.cluster.v3.Cluster", fields)


def _is_dns(target: BackendTarget) -> bool:
    return target.backend.key.kind == "Backend" and target.backend.model.spec.hostname is not None


def _is_dynamic(target: BackendTarget) -> bool:
    return target.backend.key.kind == "Backend" and target.backend.model.spec.endpoints == "dynamic"


def _addresses(world: World, target: BackendTarget) -> list[_Address]:
    if target.backend.key.kind == "Backend":
        return [
            _Address(each.address, each.port, each.region or "", each.zone or "", each.weight, each.priority)
            for each in target.backend.model.spec.endpoints or ()
        ]
    found = {address for each in world.endpoint_slices(target.backend) for address in _in_slice(each, target)}
    return sorted(found, key=lambda each: (each.zone, each.address, each.port))


def _in_slice(endpoint_slice: AuthoredObject, target: BackendTarget) -> Iterator[_Address]:
    """The ready addresses of a slice under the Service's port, which slices know by its name."""
    assert target.port is not None
    model = endpoint_slice.model
    if model.address_type == "FQDN":
        return
    numbers = [each.port for each in model.ports or () if (each.name or "") == target.port.name and each.port]
    for endpoint in model.endpoints or ():
        if endpoint.conditions.ready is not False:
            for number in numbers:
                yield _Address(str(ipaddress.ip_address(endpoint.addresses[0])), number, zone=endpoint.zone or "")


def _assignment(name: str, addresses: Iterable[_Address]) -> dict[str, Any]:
    """Localities in a fixed order, each as heavy as its endpoints together."""
    localities: dict[tuple[int, str, str], list[_Address]] = {}
    for each in addresses:
        localities.setdefault((each.priority, each.region, each.zone), []).append(each)
    return {"cluster_name": name, "endpoints": [_locality(*key, found) for key, found in sorted(localities.items())]}


def _locality(priority: int, region: str, zone: str, addresses: list[_Address]) -> dict[str, Any]:
    return {
        "locality": {"region": region, "zone": zone},
        "priority": priority,
        "load_balancing_weight": {"value": sum(each.weight for each in addresses)},
        "lb_endpoints": [_endpoint(each) for each in addresses],
    }


def _endpoint(each: _Address) -> dict[str, Any]:
    socket = {"address": each.address, "port_value": each.port}
    return {
        "endpoint": {"address": {"socket_address": socket}},
        "load_balancing_weight": {"value": each.weight},
    }
