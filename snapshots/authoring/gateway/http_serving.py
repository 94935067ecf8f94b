"""The HTTP part of a listener: its virtual hosts, and the network filters that serve by them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from snapshots.authoring.gateway.bound import Bind, BoundListener, ListenerId
from snapshots.authoring.gateway.cors import CORS_FILTER
from snapshots.authoring.gateway.envoy import ROUTER, Messages
from snapshots.authoring.gateway.hostnames import EVERY_HOST
from snapshots.authoring.gateway.routing import Routing
from snapshots.authoring.gateway.sessions import SESSION_FILTER, STATEFUL_SESSION
from snapshots.authoring.gateway.virtual_hosts import MISDIRECTED, owner_of
from snapshots.authoring.objects import ObjectKey

HTTP_CONNECTION_MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_CORS = "envoy.extensions.filters.http.cors.v3.Cors"


@dataclass(frozen=True)
class RouteGroup:
    """Listeners of one bind that share a route configuration, its `name`: by their hostnames. `others`: hostnames of
    listeners that share the port and the protocol but not the configuration. `gateway`: whose it is."""

    name: str
    gateway: ObjectKey
    listeners: Mapping[str, ListenerId]
    others: frozenset[str] = frozenset()

    def serving(self, hostname: str) -> ListenerId | None:
        """The listener whose hostname is the most specific for `hostname`; None: it is not of this configuration."""
        return self.listeners.get(owner_of(hostname, self._hostnames))

    @cached_property
    def _hostnames(self) -> frozenset[str]:
        return self.others | self.listeners.keys()


def route_groups(bind: Bind, listeners: Sequence[BoundListener]) -> Iterator[tuple[RouteGroup, BoundListener]]:
    """All plain ones together; one by one those behind TLS, which Envoy tells apart by the name that the client asks
    for before it sends a request. With the first listener of each."""
    plain = [each for each in listeners if each.listener.protocol == "HTTP"]
    if plain:
        yield _group(bind.name, plain, frozenset()), plain[0]
    secure = [each for each in listeners if each.listener.protocol == "HTTPS"]
    hostnames = frozenset(each.hostname for each in secure)
    for each in secure:
        yield _group(f"{bind.name}/{each.hostname or '*'}", [each], hostnames - {each.hostname}), each


def _group(name: str, listeners: Sequence[BoundListener], others: frozenset[str]) -> RouteGroup:
    return RouteGroup(name, listeners[0].gateway.key, {each.hostname: each.id for each in listeners}, others)


def domains(group: RouteGroup, hostnames: Iterable[tuple[ListenerId, str]]) -> frozenset[str]:
    """What a configuration has virtual hosts for: what its listeners serve, but for what a more specific one has. A
    listener's own hostname is there without routes too: 404. All hostnames of `others` are MISDIRECTED."""
    if not group.others and group.listeners.keys() == {EVERY_HOST}:
        return frozenset((EVERY_HOST, *(name for _, name in hostnames)))
    found = (name for each, name in hostnames if group.serving(name) == each)
    return frozenset((*group.listeners, *found, *((MISDIRECTED,) if group.others else ())))


def http_connection_manager(messages: Messages, name: str, routing: Routing) -> dict[str, Any]:
    """The network filter that serves HTTP/1 and HTTP/2; `name` is that of its statistics."""
    fields = {
        "stat_prefix": name,
        **routing.fields,
        "http_filters": [
            *routing.filters,
            messages.extension(CORS_FILTER, _CORS),
            *routing.guards,
            # Keeps no session by itself: routes say whether they have one.
            messages.extension(SESSION_FILTER, STATEFUL_SESSION),
            messages.extension("envoy.filters.http.router", ROUTER),
        ],
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "use_remote_address": {"value": True},
        "normalize_path": {"value": True},
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "UNESCAPE_AND_REDIRECT",
    }
    return messages.extension("envoy.filters.network.http_connection_manager", HTTP_CONNECTION_MANAGER, fields)
