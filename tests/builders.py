"""One factory per noun. Bodies are opaque to the protocol core, so a revision letter is content enough."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from xds.fleet.load import ClusterReport, Locality, LocalityReport
from xds.protocol.requests import Node
from xds.protocol.resource import Reference, Resource
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
)


def a_node(node_id: str = "edge-1", cluster: str = "edges", **known: object) -> Node:
    return Node(node_id, cluster, metadata=known)


def cluster(name: str, content: str = "a", *, endpoints: str = "", secret: str = "") -> Resource:
    """A cluster of type EDS when `endpoints` names its assignment."""
    needs = [Reference(ENDPOINT, endpoints)] if endpoints else []
    needs += [Reference(SECRET, secret)] if secret else []
    return Resource.of(CLUSTER, name, f"cluster {name} {content}".encode(), tuple(needs))


def assignment(name: str, content: str = "a") -> Resource:
    """A ClusterLoadAssignment."""
    return Resource.of(ENDPOINT, name, f"assignment {name} {content}".encode())


def listener(name: str, content: str = "a", *, route: str = "", secret: str = "", extension: str = "") -> Resource:
    needs = [(ROUTE, route), (SECRET, secret), (EXTENSION, extension)]
    references = tuple(Reference(type_url, needed) for type_url, needed in needs if needed)
    return Resource.of(LISTENER, name, f"listener {name} {content}".encode(), references)


def route(name: str, content: str = "a", *, to: tuple[str, ...] = ()) -> Resource:
    """A RouteConfiguration that sends to these clusters."""
    references = tuple(Reference(CLUSTER, needed) for needed in to)
    return Resource.of(ROUTE, name, f"route {name} {content} {' '.join(to)}".encode(), references)


def for_a_time(resource: Resource, ttl_s: float = 10.0) -> Resource:
    """The same with a time to live."""
    return Resource.of(resource.type_url, resource.name, resource.body, resource.references, ttl_ms=round(ttl_s * 1000))


def secret(name: str, content: str = "a") -> Resource:
    return Resource.of(SECRET, name, f"secret {name} {content}".encode())


def a_locality_report(locality: Locality | None = None, **counts: Any) -> LocalityReport:
    return LocalityReport(locality or Locality(), **counts)


def a_cluster_report(*localities: LocalityReport, cluster: str = "web", **facts: Any) -> ClusterReport:
    """Of the last ten seconds, unless an `interval_s` says otherwise."""
    return ClusterReport(cluster, f"{cluster}-endpoints", **{"interval_s": 10, "localities": localities, **facts})


def extension(name: str, content: str = "a") -> Resource:
    """A TypedExtensionConfig."""
    return Resource.of(EXTENSION, name, f"extension {name} {content}".encode())


def runtime(name: str, content: str = "a") -> Resource:
    """A runtime layer."""
    return Resource.of(RUNTIME, name, f"runtime {name} {content}".encode())


def scoped_route(name: str, content: str = "a", *, route: str = "") -> Resource:
    """A ScopedRouteConfiguration."""
    references = (Reference(ROUTE, route),) if route else ()
    return Resource.of(SCOPED_ROUTE, name, f"scoped route {name} {content} {route}".encode(), references)


def shop_host(name: str, *domains: str, content: str = "a", on_demand: bool = False) -> Resource:
    """A VirtualHost that `shop/<host>` stands for: one of the route configuration `shop`."""
    aliases = tuple(f"shop/{domain}" for domain in domains)
    body = f"virtual host {name} {content} {' '.join(domains)}".encode()
    return Resource.of(VIRTUAL_HOST, f"shop/{name}", body, aliases=aliases, on_demand=on_demand)


def on_demand(resource: Resource) -> Resource:
    """The same, but not part of everything."""
    return replace(resource, on_demand=True)
