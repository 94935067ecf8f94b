"""Where in Envoy's JSON form of a resource a part is. Pure; whose part it is, `targets` knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from snapshots.authoring.gateway.backend_tls import UPSTREAM_TLS
from snapshots.authoring.gateway.connections import DOWNSTREAM_TLS
from snapshots.authoring.gateway.http_serving import HTTP_CONNECTION_MANAGER
from snapshots.authoring.gateway.layer4 import TCP_PROXY, UDP_PROXY
from snapshots.authoring.kinds.patch import PartName
from snapshots.authoring.yaml_nodes import Path

Json = Mapping[str, Any]
Find = Callable[[Json], Iterator[Path]]
# Whether a filter chain, a virtual host, a route, … is the one that is meant.
Chosen = Callable[[Json], bool]

_LISTENERS: tuple[PartName, ...] = (
    *("Listener", "FilterChain", "HttpConnectionManager", "TcpProxy", "UdpProxy", "DownstreamTls"),
    *("RouteConfiguration", "VirtualHost"),
)
_BACKENDS: tuple[PartName, ...] = ("Cluster", "Endpoints", "UpstreamTls")
# The parts that an object of a kind has.
PARTS_OF: Mapping[str, tuple[PartName, ...]] = {
    "Gateway": _LISTENERS,
    "ListenerSet": _LISTENERS,
    "HTTPRoute": ("Route",),
    "GRPCRoute": ("Route",),
    "TLSRoute": ("TcpProxy",),
    "TCPRoute": ("TcpProxy",),
    "UDPRoute": ("UdpProxy",),
    "Service": _BACKENDS,
    "Backend": _BACKENDS,
    "BackendTLSPolicy": ("UpstreamTls",),
}
# The field of a part that has its name, which is Fairlead's to give.
NAMES: Mapping[PartName, str] = {
    **dict.fromkeys(("Listener", "FilterChain", "RouteConfiguration", "VirtualHost", "Route", "Cluster"), "name"),
    "Endpoints": "cluster_name",
}
_FILTERS = {"HttpConnectionManager": HTTP_CONNECTION_MANAGER, "TcpProxy": TCP_PROXY}


def whole(resource: Json) -> Iterator[Path]:
    """The resource itself."""
    yield ()


def chains(chosen: Chosen) -> Find:
    """Filter chains of a listener."""
    return lambda listener: _items(listener, ("filter_chains",), chosen)


def in_chains(part: PartName, chosen: Chosen) -> Find:
    """A network filter of the chains, or their transport socket, as far as they have one of the part's type."""

    def find(listener: Json) -> Iterator[Path]:
        for path in chains(chosen)(listener):
            chain = listener["filter_chains"][path[-1]]
            if part == "DownstreamTls":
                yield from _socket(chain, DOWNSTREAM_TLS, path)
            else:
                yield from filters_of(chain, _FILTERS[part], path)

    return find


def filters_of(chain: Json, full_name: str, path: Path) -> Iterator[Path]:
    """The configurations of the network filters of one type."""
    for each in _items(chain, ("filters",), lambda one: _is(one, full_name)):
        yield (*path, *each, "typed_config")


def proxies(stat_prefix: str) -> Find:
    """The proxies of a route, by what their statistics are called."""

    def find(listener: Json) -> Iterator[Path]:
        for index, chain in enumerate(listener.get("filter_chains", ())):
            for path in filters_of(chain, TCP_PROXY, ()):
                if chain["filters"][path[1]]["typed_config"].get("stat_prefix") == stat_prefix:
                    yield ("filter_chains", index, *path)
        yield from packet_proxies(stat_prefix)(listener)

    return find


def packet_proxies(stat_prefix: str = "") -> Find:
    """UDP proxies; of any route without a name."""

    def chosen(each: Json) -> bool:
        return _is(each, UDP_PROXY) and stat_prefix in ("", each["typed_config"].get("stat_prefix"))

    return lambda listener: ((*path, "typed_config") for path in _items(listener, ("listener_filters",), chosen))


def virtual_hosts(chosen: Chosen) -> Find:
    """Virtual hosts of a route configuration."""
    return lambda configuration: _items(configuration, ("virtual_hosts",), chosen)


def routes(chosen: Chosen) -> Find:
    """Routes of all virtual hosts of a route configuration."""

    def find(configuration: Json) -> Iterator[Path]:
        for index, host in enumerate(configuration.get("virtual_hosts", ())):
            for path in _items(host, ("routes",), chosen):
                yield ("virtual_hosts", index, *path)

    return find


def endpoints(resource: Json) -> Iterator[Path]:
    """An assignment, or that inside a cluster whose endpoints are found by name."""
    if "load_assignment" in resource:
        yield ("load_assignment",)
    elif "cluster_name" in resource:
        yield ()


def upstream_tls(secret: str = "") -> Find:
    """The TLS of a cluster; if `secret` is given, only where that says whom to trust."""

    def find(cluster: Json) -> Iterator[Path]:
        for path in _socket(cluster, UPSTREAM_TLS, ()):
            if not secret or _trusts(cluster["transport_socket"]["typed_config"], secret):
                yield path

    return find


def _trusts(context: Json, secret: str) -> bool:
    combined = context.get("common_tls_context", {}).get("combined_validation_context", {})
    return bool(combined.get("validation_context_sds_secret_config", {}).get("name") == secret)


def _socket(holder: Json, full_name: str, path: Path) -> Iterator[Path]:
    if _is(holder.get("transport_socket", {}), full_name):
        yield (*path, "transport_socket", "typed_config")


def _items(holder: Json, path: Path, chosen: Chosen) -> Iterator[Path]:
    for index, each in enumerate(holder.get(str(path[-1]), ())):
        if chosen(each):
            yield (*path, index)


def _is(extension: Json, full_name: str) -> bool:
    return str(extension.get("typed_config", {}).get("@type", "")).endswith(f"/{full_name}")
