"""Requests as the core takes them: the protos of Envoy's discovery service without protobuf."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from xds.protocol.types import TypeUrl


@dataclass(frozen=True, slots=True)
class Node:
    """Who the client says it is. `id` and `cluster` may not change on a stream (protocol.md, rule 7)."""

    id: str
    cluster: str
    user_agent: str = ""
    region: str = ""
    zone: str = ""
    client_features: tuple[str, ...] = ()
    metadata: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """google.rpc.Status of a NACK."""

    code: int
    message: str


@dataclass(frozen=True, slots=True)
class StateRequest:
    """envoy.service.discovery.v3.DiscoveryRequest: the state-of-the-world variant."""

    type_url: TypeUrl
    version_info: str = ""
    resource_names: tuple[str, ...] = ()
    response_nonce: str = ""
    error_detail: ErrorDetail | None = None
    node: Node | None = None


@dataclass(frozen=True, slots=True)
class DeltaRequest:
    """envoy.service.discovery.v3.DeltaDiscoveryRequest: the incremental variant."""

    type_url: TypeUrl
    subscribe: tuple[str, ...] = ()
    unsubscribe: tuple[str, ...] = ()
    initial_resource_versions: Mapping[str, str] = field(default_factory=dict)
    response_nonce: str = ""
    error_detail: ErrorDetail | None = None
    node: Node | None = None
