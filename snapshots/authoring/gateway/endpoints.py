"""Where a backend's endpoints are: its own addresses, or those of a Service's EndpointSlices. Pure.

Source: Kubernetes, "EndpointSlices"; Envoy, ClusterLoadAssignment.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from snapshots.authoring.kinds.kubernetes import EndpointConditions, ServicePort
from snapshots.authoring.objects import AuthoredObject, ObjectKey


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """One endpoint: where it is, and how much of the traffic it takes."""

    address: str
    port: int
    region: str = ""
    zone: str = ""
    weight: int = 1
    priority: int = 0


def endpoints_name(backend: ObjectKey) -> str:
    """What EDS calls the endpoints of a backend, but for a Service's port: `Backend/shop/carts`."""
    return f"{backend.kind}/{backend.namespace}/{backend.name}"


def left_to_the_api(each: AuthoredObject) -> bool:
    """Whether no document says where the endpoints of a backend are: they are set through the endpoints API."""
    return each.key.kind == "Backend" and each.model.spec.endpoints == "dynamic"


def backend_addresses(backend: AuthoredObject) -> list[Address]:
    """What a Backend lists, in a fixed order."""
    return sorted(
        Address(_canonical(each.address), each.port, each.region or "", each.zone or "", each.weight, each.priority)
        for each in backend.model.spec.endpoints or ()
    )


def service_addresses(slices: Iterable[AuthoredObject], port: ServicePort) -> list[Address]:
    """The ready addresses under a Service's port. Where none is ready, those that still serve while they end:
    better than no answer, and what Kubernetes' own proxy does."""
    found = [each for one in slices for each in _in_slice(one, port)]
    ready = {address for address, conditions in found if conditions.ready is not False}
    ending = {address for address, conditions in found if conditions.serving and conditions.terminating}
    return sorted(ready or ending)


def _in_slice(endpoint_slice: AuthoredObject, port: ServicePort) -> Iterator[tuple[Address, EndpointConditions]]:
    """Slices know a Service's port by its name; what each pod listens on is theirs."""
    model = endpoint_slice.model
    if model.address_type == "FQDN":
        return
    numbers = [
        each.port
        for each in model.ports or ()
        if (each.name or "") == port.name and each.protocol == port.protocol and each.port
    ]
    for endpoint in model.endpoints or ():
        for number in numbers:
            # The addresses of one endpoint are the same one to Kubernetes, which asks for the first to be used.
            address = Address(_canonical(endpoint.addresses[0]), number, zone=endpoint.zone or "")
            yield address, endpoint.conditions


def _canonical(address: str) -> str:
    """One spelling for each IP address: it is compared and sorted."""
    return str(ipaddress.ip_address(address))


def assignment(name: str, addresses: Sequence[Address]) -> dict[str, Any]:
    """The fields of a ClusterLoadAssignment: localities in a fixed order, each as heavy as its endpoints together."""
    localities: dict[tuple[int, str, str], list[Address]] = {}
    for each in addresses:
        localities.setdefault((each.priority, each.region, each.zone), []).append(each)
    return {"cluster_name": name, "endpoints": [_locality(*key, found) for key, found in sorted(localities.items())]}


def _locality(priority: int, region: str, zone: str, addresses: list[Address]) -> dict[str, Any]:
    return {
        "locality": {"region": region, "zone": zone},
        "priority": priority,
        "load_balancing_weight": {"value": sum(each.weight for each in addresses)},
        "lb_endpoints": [_endpoint(each) for each in addresses],
    }


def _endpoint(each: Address) -> dict[str, Any]:
    socket = {"address": each.address, "port_value": each.port}
    return {
        "endpoint": {"address": {"socket_address": socket}},
        "load_balancing_weight": {"value": each.weight},
    }
