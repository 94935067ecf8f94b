"""The resource types of xDS: their URLs and what the specification says of each, as one table.

Source: Envoy's xDS protocol, "Resource Types" and "Eventual consistency considerations".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

TypeUrl = NewType("TypeUrl", str)
Nonce = NewType("Nonce", str)
GroupName = NewType("GroupName", str)
NodeId = NewType("NodeId", str)

_PREFIX = "type.googleapis.com/envoy."
CLUSTER = TypeUrl(_PREFIX + "config.cluster.v3.Cluster")
ENDPOINT = TypeUrl(_PREFIX + "config.endpoint.v3.ClusterLoadAssignment")
LISTENER = TypeUrl(_PREFIX + "config.listener.v3.Listener")
ROUTE = TypeUrl(_PREFIX + "config.route.v3.RouteConfiguration")
SCOPED_ROUTE = TypeUrl(_PREFIX + "config.route.v3.ScopedRouteConfiguration")
VIRTUAL_HOST = TypeUrl(_PREFIX + "config.route.v3.VirtualHost")
SECRET = TypeUrl(_PREFIX + "extensions.transport_sockets.tls.v3.Secret")
RUNTIME = TypeUrl(_PREFIX + "service.runtime.v3.Runtime")
EXTENSION = TypeUrl(_PREFIX + "config.core.v3.TypedExtensionConfig")


@dataclass(frozen=True, slots=True)
class ResourceType:
    """One row: a type, its short name for people, its place in make-before-break order, and its quirks.

    `legacy_wildcard`: a first request without names means everything (LDS and CDS; as Envoy behaves, SRDS and VHDS).
    `full_state`: a state-of-the-world response without a name deletes it (LDS and CDS).
    `aliased`: a name that a client asks for may stand for a resource of another name, and is told beside it; one that
    stands for none is told as a resource without a body. What replaces another goes with its removal (VHDS).
    """

    url: TypeUrl
    short: str
    order: int
    legacy_wildcard: bool = False
    full_state: bool = False
    aliased: bool = False


RESOURCE_TYPES: tuple[ResourceType, ...] = (
    ResourceType(SECRET, "secret", 0),
    ResourceType(CLUSTER, "cluster", 1, legacy_wildcard=True, full_state=True),
    ResourceType(ENDPOINT, "endpoint", 2),
    ResourceType(EXTENSION, "extension", 3),
    ResourceType(LISTENER, "listener", 4, legacy_wildcard=True, full_state=True),
    ResourceType(SCOPED_ROUTE, "scoped-route", 5, legacy_wildcard=True),
    ResourceType(ROUTE, "route", 6),
    ResourceType(VIRTUAL_HOST, "virtual-host", 7, legacy_wildcard=True, aliased=True),
    ResourceType(RUNTIME, "runtime", 8),
)
BY_URL: dict[TypeUrl, ResourceType] = {row.url: row for row in RESOURCE_TYPES}


def short_type(type_url: str) -> str:
    """`cluster`; of a type that is no row of the table, the message's own name."""
    row = BY_URL.get(TypeUrl(type_url))
    return row.short if row else type_url.rpartition("/")[2].rpartition(".")[2]


def name_of(type_url: str, name: str) -> str:
    """`cluster/web`, as `fairlead why` takes it."""
    return f"{short_type(type_url)}/{name}"
