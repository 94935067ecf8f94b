"""Listeners with all that hangs on them, as Envoy takes them: one for each address, port and transport. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from snapshots.authoring.gateway.bound import Bind, BoundListener
from snapshots.authoring.gateway.connections import HTTP_ALPN, Connections, tls_chain, transport_socket
from snapshots.authoring.gateway.envoy import Messages
from snapshots.authoring.gateway.http_serving import http_connection_manager, route_groups
from snapshots.authoring.gateway.routing import Routing
from xds.protocol.resource import Resource

_LISTENER = "envoy.config.listener.v3.Listener"
TLS_INSPECTOR = "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"


def envoy_listener(
    messages: Messages,
    connections: Connections,
    routing_of: Callable[[str], Routing],
    bind: Bind,
    found: Sequence[BoundListener],
) -> Resource:
    """The Envoy listener of a bind. Its listeners share a transport and, but for HTTPS, TLS or not.

    `routing_of`: how the requests of a group find their routes, by the group's name."""
    if bind.transport == "udp":
        packets = {"udp_listener_config": {}, "listener_filters": [connections.packets(found)]}
        return messages.resource(_LISTENER, _listener(bind) | packets)
    groups = ((group.name, first) for group, first in route_groups(bind, found))
    chains = [_chain(messages, bind, name, first, routing_of(name)) for name, first in groups]
    chains.extend(connections.chains(bind, found))
    fields = _listener(bind) | {"filter_chains": chains}
    if any(each.listener.protocol in ("HTTPS", "TLS") for each in found):
        fields["listener_filters"] = [messages.extension("envoy.filters.listener.tls_inspector", TLS_INSPECTOR)]
    return messages.resource(_LISTENER, fields)


def _chain(messages: Messages, bind: Bind, name: str, first: BoundListener, routing: Routing) -> dict[str, Any]:
    filters = {"filters": [http_connection_manager(messages, name, routing)]}
    if first.listener.protocol != "HTTPS":
        return {"name": name} | filters
    socket = transport_socket(messages, first, HTTP_ALPN)
    return tls_chain(bind, first.hostname) | filters | {"transport_socket": socket}


def by_bind(listeners: Iterable[BoundListener]) -> Mapping[Bind, Sequence[BoundListener]]:
    """The listeners that can be served, by where."""
    found: dict[Bind, list[BoundListener]] = {}
    for each in listeners:
        for bind in each.binds if each.usable else ():
            found.setdefault(bind, []).append(each)
    return found


def _listener(bind: Bind) -> dict[str, Any]:
    socket = {"address": bind.address, "port_value": bind.port, "protocol": bind.transport.upper()}
    return {"name": bind.name, "address": {"socket_address": socket}}
