"""Listeners with all that hangs on them, as Envoy takes them: one for each address, port and transport. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from snapshots.authoring.gateway.attachments import Attachment, by_listener
from snapshots.authoring.gateway.bound import Bind, BoundListener
from snapshots.authoring.gateway.connections import HTTP_ALPN, Connections, RoutesOf, tls_chain, transport_socket
from snapshots.authoring.gateway.envoy import ADS, ROUTER, Messages
from snapshots.authoring.gateway.http_filters import CORS_FILTER
from snapshots.authoring.gateway.http_routes import HttpRoutes, Where
from snapshots.authoring.gateway.layer4 import Layer4Routes
from snapshots.authoring.gateway.virtual_hosts import HostedRoutes, virtual_hosts
from snapshots.authoring.objects import AuthoredObject, ObjectKey
from xds.protocol.resource import Resource

TLS_INSPECTOR = "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"
HTTP_CONNECTION_MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"


@dataclass(frozen=True, slots=True)
class Serving:
    """One translation's: what is attached to which listener, how routes are made, and which certificate
    each Gateway shows to backends."""

    messages: Messages
    routes: HttpRoutes
    connections: Connections
    routes_of: RoutesOf
    shown: Mapping[ObjectKey, str]

    def bind(self, bind: Bind, listeners: Sequence[BoundListener]) -> Iterator[tuple[AuthoredObject, Resource]]:
        """All that one Envoy listener needs. Listeners of one bind share a transport and, but for HTTPS, TLS or not."""
        if bind.transport == "udp":
            fields = _listener(bind) | {"udp_listener_config": {}}
            fields["listener_filters"] = [self.connections.packets(listeners)]
            yield listeners[0].gateway, self.messages.resource("envoy.config.listener.v3.Listener", fields)
            return
        chains: list[dict[str, Any]] = []
        for name, group in _route_groups(bind, listeners):
            yield group[0].gateway, self._routes(name, bind, group)
            chains.append(self._chain(bind, name, group[0]))
        chains.extend(self.connections.chains(bind, listeners))
        fields = _listener(bind) | {"filter_chains": chains}
        if any(each.listener.protocol in ("HTTPS", "TLS") for each in listeners):
            fields["listener_filters"] = [
                self.messages.extension("envoy.filters.listener.tls_inspector", TLS_INSPECTOR)
            ]
        yield listeners[0].gateway, self.messages.resource("envoy.config.listener.v3.Listener", fields)

    def _routes(self, name: str, bind: Bind, listeners: Sequence[BoundListener]) -> Resource:
        scheme = "https" if listeners[0].listener.protocol == "HTTPS" else "http"
        hosted = [
            HostedRoutes(
                each.hostname,
                hostname,
                self.routes.entries(route, self._where(bind, scheme, each)),
            )
            for each in listeners
            for route, hostnames in self.routes_of.get(each.id, ())
            for hostname in hostnames
        ]
        hosts = virtual_hosts((each.hostname for each in listeners), hosted)
        return route_configuration(self.messages, name, hosts)

    def _where(self, bind: Bind, scheme: str, listener: BoundListener) -> Where:
        return Where(bind.port, scheme, self.shown.get(listener.gateway.key, ""))

    def _chain(self, bind: Bind, name: str, first: BoundListener) -> dict[str, Any]:
        filters = {"filters": [http_connection_manager(self.messages, name)]}
        if first.listener.protocol != "HTTPS":
            return {"name": name} | filters
        socket = transport_socket(self.messages, first, HTTP_ALPN)
        return tls_chain(bind, first.hostname) | filters | {"transport_socket": socket}


def serving(
    messages: Messages,
    listeners: Sequence[BoundListener],
    attached: Sequence[Attachment],
    routes: HttpRoutes,
    layer4: Layer4Routes,
    shown: Mapping[ObjectKey, str],
) -> Iterator[tuple[AuthoredObject, Resource]]:
    """Listeners and route configurations, each with the object that it stands for."""
    routes_of = by_listener(attached)
    each = Serving(messages, routes, Connections(messages, layer4, routes_of), routes_of, shown)
    for bind, found in sorted(_by_bind(listeners).items()):
        yield from each.bind(bind, found)


def _by_bind(listeners: Iterable[BoundListener]) -> dict[Bind, list[BoundListener]]:
    found: dict[Bind, list[BoundListener]] = {}
    for each in listeners:
        for bind in each.binds if each.usable else ():
            found.setdefault(bind, []).append(each)
    return found


def _route_groups(bind: Bind, listeners: Sequence[BoundListener]) -> Iterator[tuple[str, Sequence[BoundListener]]]:
    """Which listeners share a route configuration, and its name: all plain ones; one by one those behind TLS, which
    Envoy tells apart by the name that the client asks for before it sends a request."""
    plain = [each for each in listeners if each.listener.protocol == "HTTP"]
    if plain:
        yield bind.name, plain
    for each in listeners:
        if each.listener.protocol == "HTTPS":
            yield f"{bind.name}/{each.listener.hostname or '*'}", [each]


def _listener(bind: Bind) -> dict[str, Any]:
    socket = {"address": bind.address, "port_value": bind.port, "protocol": bind.transport.upper()}
    return {"name": bind.name, "address": {"socket_address": socket}}


def route_configuration(messages: Messages, name: str, hosts: list[dict[str, Any]]) -> Resource:
    """A RouteConfiguration. A Host header with a port is compared without it, and reaches the backend as it came."""
    fields = {"name": name, "virtual_hosts": hosts, "ignore_port_in_host_matching": True}
    return messages.resource("envoy.config.route.v3.RouteConfiguration", fields)


def http_connection_manager(messages: Messages, route_name: str) -> dict[str, Any]:
    """The network filter that serves HTTP/1 and HTTP/2 by the route configuration `route_name`."""
    fields = {
        "stat_prefix": route_name,
        "rds": {"config_source": ADS, "route_config_name": route_name},
        "http_filters": [
            messages.extension(CORS_FILTER, "envoy.extensions.filters.http.cors.v3.Cors"),
            messages.extension("envoy.filters.http.router", ROUTER),
        ],
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "use_remote_address": {"value": True},
        "normalize_path": {"value": True},
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "UNESCAPE_AND_REDIRECT",
    }
    return messages.extension("envoy.filters.network.http_connection_manager", HTTP_CONNECTION_MANAGER, fields)
