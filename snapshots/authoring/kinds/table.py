"""All kinds besides our Workspace and EnvoyResource, as one table: what is added here is read everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from snapshots.authoring.kinds.backend import Backend, check_backend_document
from snapshots.authoring.kinds.gateway import (
    Gateway,
    GatewayClass,
    ListenerSet,
    check_gateway,
    check_listener_set,
)
from snapshots.authoring.kinds.grpc_route import GRPCRoute, check_grpc_route
from snapshots.authoring.kinds.http_route import HTTPRoute, check_http_route
from snapshots.authoring.kinds.kubernetes import (
    ConfigMap,
    EndpointSlice,
    Namespace,
    Secret,
    Service,
    check_endpoint_slice,
    check_secret,
)
from snapshots.authoring.kinds.layer4_routes import TCPRoute, TLSRoute, UDPRoute, check_layer4_route, check_tls_route
from snapshots.authoring.kinds.model import GATEWAY_GROUP, Wrongs
from snapshots.authoring.kinds.patch import EnvoyPatch, check_envoy_patch
from snapshots.authoring.kinds.policies import BackendTLSPolicy, ReferenceGrant, check_backend_tls_policy

FAIRLEAD_GROUP = "fairlead.dev"

# Any model: each check takes the model of its own row.
Check = Callable[[Any], Wrongs]


@dataclass(frozen=True, slots=True)
class Kind:
    """One row. `versions`: what may follow the group in apiVersion. `namespaced`: whether its objects have one.
    `confidential`: no value of a document is ever shown."""

    group: str
    name: str
    versions: tuple[str, ...]
    model: type[Struct]
    check: Check | None = None
    namespaced: bool = True
    confidential: bool = False

    @property
    def api_versions(self) -> tuple[str, ...]:
        """As a document says it: `gateway.networking.k8s.io/v1`, or `v1` in Kubernetes' core group."""
        return tuple(f"{self.group}/{version}" if self.group else version for version in self.versions)


def _gateway_api(model: type[Struct], check: Check | None, *older: str, namespaced: bool = True) -> Kind:
    return Kind(GATEWAY_GROUP, model.__name__, ("v1", *older), model, check, namespaced)


KINDS: tuple[Kind, ...] = (
    _gateway_api(GatewayClass, None, "v1beta1", namespaced=False),
    _gateway_api(Gateway, check_gateway, "v1beta1"),
    _gateway_api(ListenerSet, check_listener_set),
    _gateway_api(HTTPRoute, check_http_route, "v1beta1"),
    _gateway_api(GRPCRoute, check_grpc_route),
    _gateway_api(TLSRoute, check_tls_route, "v1alpha3", "v1alpha2"),
    _gateway_api(TCPRoute, check_layer4_route, "v1alpha2"),
    _gateway_api(UDPRoute, check_layer4_route, "v1alpha2"),
    _gateway_api(BackendTLSPolicy, check_backend_tls_policy, "v1alpha3"),
    _gateway_api(ReferenceGrant, None, "v1beta1"),
    Kind("", "Service", ("v1",), Service),
    Kind("discovery.k8s.io", "EndpointSlice", ("v1",), EndpointSlice, check_endpoint_slice),
    Kind("", "Secret", ("v1",), Secret, check_secret, confidential=True),
    Kind("", "ConfigMap", ("v1",), ConfigMap),
    Kind("", "Namespace", ("v1",), Namespace, namespaced=False),
    Kind(FAIRLEAD_GROUP, "Backend", ("v1",), Backend, check_backend_document),
    Kind(FAIRLEAD_GROUP, "EnvoyPatch", ("v1",), EnvoyPatch, check_envoy_patch),
)
BY_NAME: dict[str, Kind] = {row.name: row for row in KINDS}
