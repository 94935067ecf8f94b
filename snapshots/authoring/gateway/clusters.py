"""The clusters and endpoints of the backends that are used. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from snapshots.authoring.gateway.backend_tls import upstream_tls
from snapshots.authoring.gateway.backends import BackendTarget
from snapshots.authoring.gateway.complaints import Complaint
from snapshots.authoring.gateway.endpoints import Address, assignment, backend_addresses, service_addresses
from snapshots.authoring.gateway.envoy import ADS, HTTP_OPTIONS, Messages, duration
from snapshots.authoring.gateway.world import World
from snapshots.authoring.objects import AuthoredObject
from snapshots.codes import SERVICE_EMPTY
from xds.protocol.resource import Reference, Resource
from xds.protocol.types import CLUSTER

CONNECT_TIMEOUT_S = 5.0
# The standard knows no limits, and Envoy's own (1,024 requests, 3 retries at a time) would answer 503 without a word
# in anybody's document.
_NO_LIMIT = {"value": 2**32 - 1}
_LIMITS = ("max_connections", "max_pending_requests", "max_requests", "max_retries")
NO_LIMITS: dict[str, Any] = {"thresholds": [dict.fromkeys(_LIMITS, _NO_LIMIT)]}


def among(named: Iterable[Reference], targets: Iterable[BackendTarget]) -> tuple[BackendTarget, ...]:
    """Of some targets, those whose cluster is named, each once."""
    clusters = {each.name for each in named if each.type_url == CLUSTER}
    found = ((each.cluster, each) for each in targets)
    return tuple({name: each for name, each in found if name in clusters}.values())


def without_slices(world: World, service: AuthoredObject) -> Complaint | None:
    """A warning for a Service in use that nothing says the addresses of: outside Kubernetes nobody writes them."""
    if world.endpoint_slices(service.key):
        return None
    text = f'no EndpointSlice belongs to Service "{service.name}": requests get 503'
    hint = "add one with the label kubernetes.io/service-name, or write a Backend"
    return Complaint(service, ("metadata", "name"), SERVICE_EMPTY, "", text, hint, "warning")


def cluster(messages: Messages, world: World, target: BackendTarget) -> Resource:
    """The Cluster of a target."""
    fields: dict[str, Any] = {"name": target.cluster, "connect_timeout": duration(CONNECT_TIMEOUT_S)}
    fields |= {"circuit_breakers": NO_LIMITS} | _discovery(world, target)
    if target.protocol == "h2c":
        options = messages.packed(HTTP_OPTIONS, {"explicit_http_config": {"http2_protocol_options": {}}})
        fields["typed_extension_protocol_options"] = {HTTP_OPTIONS: options}
    if target.tls is not None:
        alpn = {"h2c": "h2", "http": "http/1.1"}.get(target.protocol, "")
        fields["transport_socket"] = upstream_tls(messages, target.tls, alpn, target.client_certificate)
    return messages.resource("envoy.config.cluster.v3.Cluster", fields)


def _discovery(world: World, target: BackendTarget) -> dict[str, Any]:
    """Where the endpoints come from: a name, or EDS."""
    if not target.backend.by_name:
        return {"type": "EDS", "eds_cluster_config": {"eds_config": ADS, "service_name": target.assignment}}
    return {
        "type": "STRICT_DNS",
        "dns_lookup_family": "V4_PREFERRED",
        "respect_dns_ttl": True,
        "load_assignment": assignment(target.cluster, addresses(world, target)),
    }


def has_assignment(target: BackendTarget) -> bool:
    """Whether documents say the endpoints of a target, apart from its cluster."""
    return not (target.backend.by_name or target.backend.dynamic)


def endpoints(messages: Messages, world: World, target: BackendTarget) -> Resource:
    """The ClusterLoadAssignment of a target."""
    fields = assignment(target.assignment, addresses(world, target))
    return messages.resource("envoy.config.endpoint.v3.ClusterLoadAssignment", fields)


def addresses(world: World, target: BackendTarget) -> list[Address]:
    """Where a target is; nowhere, if that is not said in documents."""
    found = world.at(target.backend.key)
    if found is None:
        return []
    if target.port is not None:
        return service_addresses(world.endpoint_slices(target.backend.key), target.port)
    spec = found.model.spec
    return [Address(spec.hostname, spec.port)] if target.backend.by_name else backend_addresses(found)
