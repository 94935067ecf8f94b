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
from xds.server.streams import Edge, stream_method


@dataclass(frozen=True, slots=True)
class DiscoveryService:
    """`state` and `delta` name the methods of the two variants; `only_type` None: every type on one stream.

    `state` is empty where Envoy's API has no such method (virtual hosts come incrementally only).
    """

    name: str
    state: str
    delta: str
    only_type: TypeUrl | None = None


def _service(package: str, name: str, noun: str, only_type: TypeUrl | None = None) -> DiscoveryService:
    return DiscoveryService(f"envoy.service.{package}.v3.{name}", f"Stream{noun}", f"Delta{noun}", only_type)


DISCOVERY_SERVICES = (
    _service("discovery", "AggregatedDiscoveryService", "AggregatedResources"),
    _service("cluster", "ClusterDiscoveryService", "Clusters", CLUSTER),
    _service("endpoint", "EndpointDiscoveryService", "Endpoints", ENDPOINT),
    _service("listener", "ListenerDiscoveryService", "Listeners", LISTENER),
    _service("route", "RouteDiscoveryService", "Routes", ROUTE),
    _service("route", "ScopedRoutesDiscoveryService", "ScopedRoutes", SCOPED_ROUTE),
    DiscoveryService("envoy.service.route.v3.VirtualHostDiscoveryService", "", "DeltaVirtualHosts", VIRTUAL_HOST),
    _service("secret", "SecretDiscoveryService", "Secrets", SECRET),
    _service("extension", "ExtensionConfigDiscoveryService", "ExtensionConfigs", EXTENSION),
    _service("runtime", "RuntimeDiscoveryService", "Runtime", RUNTIME),
)


def discovery_handlers(edge: Edge) -> tuple[grpc.GenericRpcHandler[Any, Any], ...]:
    """One generic handler a row; every method is the same stream with another variant and type."""
    return tuple(grpc.method_handlers_generic_handler(row.name, _methods(edge, row)) for row in DISCOVERY_SERVICES)


def _methods(edge: Edge, row: DiscoveryService) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
    named = ((row.state, Variant.STATE_OF_THE_WORLD), (row.delta, Variant.DELTA))
    return {method: stream_method(edge, variant, row.only_type) for method, variant in named if method}
