"""The clusters and endpoints of the backends that are used. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from snapshots.authoring.gateway.backend_tls import authorities_resource, upstream_tls
from snapshots.authoring.gateway.backends import BackendTarget
from snapshots.authoring.gateway.complaints import Complaint
from snapshots.authoring.gateway.endpoints import Address, assignment, backend_addresses, service_addresses
from snapshots.authoring.gateway.envoy import ADS, HTTP_OPTIONS, Messages, duration
from snapshots.authoring.gateway.world import World
from snapshots.authoring.objects import AuthoredObject
from snapshots.codes import SERVICE_EMPTY
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER

CONNECT_TIMEOUT_S = 5.0
# The standard knows no limits, and Envoy's own (1,024 requests, 3 retries at a time) would answer 503 without a word
# in anybody's document.
_NO_LIMIT = {"value": 2**32 - 1}
_LIMITS = ("max_connections", "max_pending_requests", "max_requests", "max_retries")
NO_LIMITS: dict[str, Any] = {"thresholds": [dict.fromkeys(_LIMITS, _NO_LIMIT)]}

Made = Iterator[tuple[AuthoredObject, Resource]]


def in_use(found: Mapping[str, BackendTarget], served: Iterable[Resource]) -> list[BackendTarget]:
    """Of all targets found, those whose cluster is named by something that is served; by the clusters' names."""
    named = {each.name for resource in served for each in resource.references if each.type_url == CLUSTER}
    return [found[name] for name in sorted(named & found.keys())]


def without_slices(world: World, targets: Iterable[BackendTarget]) -> Iterator[Complaint]:
    """A warning for each Service in use that nothing says the addresses of: outside Kubernetes nobody writes them."""
    services = {each.backend.key: each.backend for each in targets if each.port is not None}
    for _, service in sorted(services.items()):
        if not world.endpoint_slices(service):
            text = f'no EndpointSlice belongs to Service "{service.name}": requests get 503'
            hint = "add one with the label kubernetes.io/service-name, or write a Backend"
            yield Complaint(service, ("metadata", "name"), SERVICE_EMPTY, "", text, hint, "warning")


def clusters(messages: Messages, world: World, targets: Iterable[BackendTarget]) -> Made:
    """A Cluster for each target, a ClusterLoadAssignment for each set of endpoints, a Secret for each set of
    authorities; each with the object that it stands for."""
    made: set[str] = set()
    for target in targets:
        yield target.backend, _cluster(messages, target)
        if target.tls is not None and target.tls.name not in made:
            made.add(target.tls.name)
            yield target.tls.policy, authorities_resource(messages, target.tls)
        if is_dns(target) or is_dynamic(target) or target.assignment in made:
            continue
        made.add(target.assignment)
        yield (
            target.backend,
            messages.resource("envoy.config.endpoint.v3.ClusterLoadAssignment", _endpoints(world, target)),
        )


def _cluster(messages: Messages, target: BackendTarget) -> Resource:
    fields: dict[str, Any] = {"name": target.cluster, "connect_timeout": duration(CONNECT_TIMEOUT_S)}
    fields |= {"circuit_breakers": NO_LIMITS} | _discovery(target)
    if target.protocol == "h2c":
        options = messages.packed(HTTP_OPTIONS, {"explicit_http_config": {"http2_protocol_options": {}}})
        fields["typed_extension_protocol_options"] = {HTTP_OPTIONS: options}
    if target.tls is not None:
        alpn = {"h2c": "h2", "http": "http/1.1"}.get(target.protocol, "")
        fields["transport_socket"] = upstream_tls(messages, target.tls, alpn, target.client_certificate)
    return messages.resource("envoy.config.cluster.v3.Cluster", fields)


def _discovery(target: BackendTarget) -> dict[str, Any]:
    """Where the endpoints come from: a name, or EDS."""
    if not is_dns(target):
        return {"type": "EDS", "eds_cluster_config": {"eds_config": ADS, "service_name": target.assignment}}
    spec = target.backend.model.spec
    return {
        "type": "STRICT_DNS",
        "dns_lookup_family": "V4_PREFERRED",
        "respect_dns_ttl": True,
        "load_assignment": assignment(target.cluster, [Address(spec.hostname, spec.port)]),
    }


def is_dns(target: BackendTarget) -> bool:
    """Whether its endpoints are found by a name."""
    return target.backend.key.kind == "Backend" and target.backend.model.spec.hostname is not None


def is_dynamic(target: BackendTarget) -> bool:
    """Whether its endpoints are set through the endpoints API: then documents say nothing about them."""
    return target.backend.key.kind == "Backend" and target.backend.model.spec.endpoints == "dynamic"


def _endpoints(world: World, target: BackendTarget) -> dict[str, Any]:
    if target.port is None:
        return assignment(target.assignment, backend_addresses(target.backend))
    slices = world.endpoint_slices(target.backend)
    return assignment(target.assignment, service_addresses(slices, target.port))
