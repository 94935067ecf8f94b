"""Listeners with all that hangs on them, as Envoy takes them: one for each address, port and transport. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from snapshots.authoring.gateway.attachments import EVERY_HOST, Attachment
from snapshots.authoring.gateway.envoy import ADS, ROUTER, Messages
from snapshots.authoring.gateway.http_filters import CORS_FILTER
from snapshots.authoring.gateway.http_routes import HttpRoutes, Where
from snapshots.authoring.gateway.listeners import BoundListener, ListenerId
from snapshots.authoring.gateway.virtual_hosts import HostedRoutes, virtual_hosts
from snapshots.authoring.objects import AuthoredObject
from xds.protocol.resource import Resource

HTTP_CONNECTION_MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"


@dataclass(frozen=True, slots=True, order=True)
class Bind:
    """A place that one Envoy listener binds."""

    address: str
    port: int
    transport: str  # "tcp" or "udp"

    @property
    def name(self) -> str:
        """`tcp/10.0.0.1:80`."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.transport}/{host}:{self.port}"


def serving(
    messages: Messages, listeners: Sequence[BoundListener], attached: Sequence[Attachment], routes: HttpRoutes
) -> Iterator[tuple[AuthoredObject, Resource]]:
    """Listeners and route configurations, each with the object that it stands for."""
    by_listener: dict[ListenerId, list[tuple[AuthoredObject, tuple[str, ...]]]] = {}
    for attachment in attached:
        for listener, hostnames in attachment.accepted:
            by_listener.setdefault(listener.id, []).append((attachment.route, hostnames))
    for bind, found in sorted(_by_bind(listeners).items()):
        plain = [each for each in found if each.listener.protocol == "HTTP"]
        if plain:
            yield from _plain_http(messages, bind, plain, by_listener, routes)


def _by_bind(listeners: Iterable[BoundListener]) -> dict[Bind, list[BoundListener]]:
    found: dict[Bind, list[BoundListener]] = {}
    for each in listeners:
        transport = "udp" if each.listener.protocol == "UDP" else "tcp"
        for address in each.addresses if each.usable else ():
            found.setdefault(Bind(address, each.listener.port, transport), []).append(each)
    return found


def _plain_http(
    messages: Messages,
    bind: Bind,
    listeners: Sequence[BoundListener],
    by_listener: dict[ListenerId, list[tuple[AuthoredObject, tuple[str, ...]]]],
    routes: HttpRoutes,
) -> Iterator[tuple[AuthoredObject, Resource]]:
    where = Where(bind.port, "http")
    hosted = [
        HostedRoutes(each.listener.hostname or EVERY_HOST, hostname, routes.entries(route, where))
        for each in listeners
        for route, hostnames in by_listener.get(each.id, ())
        for hostname in hostnames
    ]
    owner = listeners[0].gateway
    hosts = virtual_hosts((each.listener.hostname or EVERY_HOST for each in listeners), hosted)
    yield owner, route_configuration(messages, bind.name, hosts)
    chain = {"filters": [http_connection_manager(messages, bind.name)]}
    yield owner, messages.resource("envoy.config.listener.v3.Listener", _listener(bind) | {"filter_chains": [chain]})


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
