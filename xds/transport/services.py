"""The discovery services as a table: each row is a service, its methods, and the one type it serves (ADS: all)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc

from xds.protocol.types import (
    CLUSTER,
    ENDPOINT,
    EXTENSION,
    LISTENER,
    ROUTE,
    RUNTIME,
    SCOPED_ROUTE,
    SECRET,
    VIRTUAL_HOST,
    TypeUrl,
)
from xds.protocol.variant import Variant
from xds.transport.polling import Poller, fetch_method
from xds.transport.streams import Edge, stream_method


@dataclass(frozen=True, slots=True)
class DiscoveryService:
    """`state` and `delta` name the methods of the two variants; `only_type` None: every type on one stream.

    `fetch` is the unary method and `path` its form over HTTP (REST polling). What Envoy's API does not have is empty:
    virtual hosts come incrementally only.
    """

    name: str
    state: str
    delta: str
    only_type: TypeUrl | None = None
    fetch: str = ""
    path: str = ""


def _service(package: str, name: str, noun: str, only_type: TypeUrl, path: str) -> DiscoveryService:
    methods = (f"Stream{noun}", f"Delta{noun}")
    rest = (f"Fetch{noun}", f"/v3/discovery:{path}")
    return DiscoveryService(f"envoy.service.{package}.v3.{name}", *methods, only_type, *rest)


_AGGREGATED = "envoy.service.discovery.v3.AggregatedDiscoveryService"
_VIRTUAL_HOSTS = "envoy.service.route.v3.VirtualHostDiscoveryService"


DISCOVERY_SERVICES = (
    DiscoveryService(_AGGREGATED, "StreamAggregatedResources", "DeltaAggregatedResources"),
    _service("cluster", "ClusterDiscoveryService", "Clusters", CLUSTER, "clusters"),
    _service("endpoint", "EndpointDiscoveryService", "Endpoints", ENDPOINT, "endpoints"),
    _service("listener", "ListenerDiscoveryService", "Listeners", LISTENER, "listeners"),
    _service("route", "RouteDiscoveryService", "Routes", ROUTE, "routes"),
    _service("route", "ScopedRoutesDiscoveryService", "ScopedRoutes", SCOPED_ROUTE, "scoped-routes"),
    DiscoveryService(_VIRTUAL_HOSTS, "", "DeltaVirtualHosts", VIRTUAL_HOST),
    _service("secret", "SecretDiscoveryService", "Secrets", SECRET, "secrets"),
    _service("extension", "ExtensionConfigDiscoveryService", "ExtensionConfigs", EXTENSION, "extension_configs"),
    _service("runtime", "RuntimeDiscoveryService", "Runtime", RUNTIME, "runtime"),
)


def discovery_handlers(edge: Edge, poller: Poller) -> tuple[grpc.GenericRpcHandler[Any, Any], ...]:
    """One generic handler a row; streams differ in variant and type, polls in type."""
    return tuple(
        grpc.method_handlers_generic_handler(row.name, _methods(edge, poller, row)) for row in DISCOVERY_SERVICES
    )


def _methods(edge: Edge, poller: Poller, row: DiscoveryService) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
    named = ((row.state, Variant.STATE_OF_THE_WORLD), (row.delta, Variant.DELTA))
    methods = {method: stream_method(edge, variant, row.only_type) for method, variant in named if method}
    if row.fetch and row.only_type is not None:
        methods[row.fetch] = fetch_method(poller, row.only_type)
    return methods
