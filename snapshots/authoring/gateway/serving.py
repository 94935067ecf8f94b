"""Listeners with all that hangs on them, as Envoy takes them: one for each address, port and transport. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from snapshots.authoring.gateway.attachments import Attachment, by_listener
from snapshots.authoring.gateway.bound import Bind, BoundListener
from snapshots.authoring.gateway.connections import HTTP_ALPN, Connections, tls_chain, transport_socket
from snapshots.authoring.gateway.envoy import Messages
from snapshots.authoring.gateway.http_routes import HttpRoutes
from snapshots.authoring.gateway.http_serving import HttpServing, http_connection_manager, route_groups
from snapshots.authoring.gateway.layer4 import Layer4Routes
from snapshots.authoring.gateway.routing import Routing
from snapshots.authoring.objects import AuthoredObject, ObjectKey
from xds.protocol.resource import Resource

TLS_INSPECTOR = "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"


@dataclass(frozen=True, slots=True)
class Serving:
    """One translation's: what serves requests, and what passes connections on."""

    messages: Messages
    http: HttpServing
    connections: Connections

    def bind(self, bind: Bind, listeners: Sequence[BoundListener]) -> Iterator[tuple[AuthoredObject, Resource]]:
        """All that one Envoy listener needs. Listeners of one bind share a transport and, but for HTTPS, TLS or not."""
        if bind.transport == "udp":
            fields = _listener(bind) | {"udp_listener_config": {}}
            fields["listener_filters"] = [self.connections.packets(listeners)]
            yield listeners[0].gateway, self.messages.resource("envoy.config.listener.v3.Listener", fields)
            return
        chains: list[dict[str, Any]] = []
        for group in route_groups(bind, listeners):
            routing = self.http.routing(bind, group)
            for each in routing.resources:
                yield group.listeners[0].gateway, each
            chains.append(self._chain(bind, group.name, group.listeners[0], routing))
        chains.extend(self.connections.chains(bind, listeners))
        fields = _listener(bind) | {"filter_chains": chains}
        if any(each.listener.protocol in ("HTTPS", "TLS") for each in listeners):
            fields["listener_filters"] = [
                self.messages.extension("envoy.filters.listener.tls_inspector", TLS_INSPECTOR)
            ]
        yield listeners[0].gateway, self.messages.resource("envoy.config.listener.v3.Listener", fields)

    def _chain(self, bind: Bind, name: str, first: BoundListener, routing: Routing) -> dict[str, Any]:
        filters = {"filters": [http_connection_manager(self.messages, name, routing)]}
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
    http = HttpServing(messages, routes, routes_of, shown)
    each = Serving(messages, http, Connections(messages, layer4, routes_of, shown))
    for bind, found in sorted(_by_bind(listeners).items()):
        yield from each.bind(bind, found)


def _by_bind(listeners: Iterable[BoundListener]) -> dict[Bind, list[BoundListener]]:
    found: dict[Bind, list[BoundListener]] = {}
    for each in listeners:
        for bind in each.binds if each.usable else ():
            found.setdefault(bind, []).append(each)
    return found


def _listener(bind: Bind) -> dict[str, Any]:
    socket = {"address": bind.address, "port_value": bind.port, "protocol": bind.transport.upper()}
    return {"name": bind.name, "address": {"socket_address": socket}}
