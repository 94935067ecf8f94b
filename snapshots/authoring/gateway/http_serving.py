"""The HTTP part of a listener: its virtual hosts, and the network filters that serve by them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from snapshots.authoring.gateway.bound import Bind, BoundListener
from snapshots.authoring.gateway.connections import RoutesOf
from snapshots.authoring.gateway.cors import CORS_FILTER
from snapshots.authoring.gateway.envoy import ROUTER, Messages
from snapshots.authoring.gateway.guards import Fields, guarded_name
from snapshots.authoring.gateway.http_routes import HttpRoutes, Where
from snapshots.authoring.gateway.paths import Entrance
from snapshots.authoring.gateway.routing import Routing, ServedHost, whole
from snapshots.authoring.gateway.sessions import SESSION_FILTER, STATEFUL_SESSION
from snapshots.authoring.gateway.slices import routing
from snapshots.authoring.gateway.virtual_hosts import HostedRoutes, asked_hostname, virtual_hosts
from snapshots.authoring.objects import ObjectKey

HTTP_CONNECTION_MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_CORS = "envoy.extensions.filters.http.cors.v3.Cors"


@dataclass(frozen=True, slots=True)
class RouteGroup:
    """Listeners of one bind that share a route configuration, its `name`, and the hostnames of `others` that share
    the port and the protocol but not the configuration."""

    name: str
    listeners: Sequence[BoundListener]
    others: frozenset[str] = frozenset()


def route_groups(bind: Bind, listeners: Sequence[BoundListener]) -> Iterator[RouteGroup]:
    """All plain ones together; one by one those behind TLS, which Envoy tells apart by the name that the client asks
    for before it sends a request."""
    plain = [each for each in listeners if each.listener.protocol == "HTTP"]
    if plain:
        yield RouteGroup(bind.name, plain)
    secure = [each for each in listeners if each.listener.protocol == "HTTPS"]
    hostnames = frozenset(each.hostname for each in secure)
    for each in secure:
        yield RouteGroup(f"{bind.name}/{each.hostname or '*'}", [each], hostnames - {each.hostname})


@dataclass(frozen=True, slots=True)
class HttpServing:
    """One translation's: what is attached to which listener, how routes are made, and which certificate each Gateway
    shows to backends."""

    messages: Messages
    routes: HttpRoutes
    routes_of: RoutesOf
    shown: Mapping[ObjectKey, str]

    def routing(self, bind: Bind, group: RouteGroup) -> Routing:
        """How the requests of a group find their routes."""
        hosted = (one for each in group.listeners for one in self._hosted(bind, each))
        hosts = virtual_hosts((each.hostname for each in group.listeners), hosted, group.others)
        served = [self._served(each) for each in hosts]
        guards = self._guards(bind, group)
        if guards:
            # In one: what looks for routes anew, as slices do, cannot turn on a filter any more.
            found = whole(self.messages, guarded_name(group.name, guards), served)
            return replace(found, guards=guards)
        return routing(self.messages, group.name, served)

    def _guards(self, bind: Bind, group: RouteGroup) -> tuple[Fields, ...]:
        """The filters of all guards that routes of the group rely on, by name."""
        found: dict[str, Fields] = {}
        for listener in group.listeners:
            where = self._where(bind, listener)
            for route, _ in self.routes_of.get(listener.id, ()):
                found |= {each["name"]: each for each in self.routes.guards(route, where)}
        return tuple(found[name] for name in sorted(found))

    def _where(self, bind: Bind, each: BoundListener) -> Where:
        scheme = "https" if each.listener.protocol == "HTTPS" else "http"
        return Where(Entrance(bind.port, scheme), self.shown.get(each.gateway.key, ""))

    def _served(self, host: Mapping[str, Any]) -> ServedHost:
        return ServedHost(host["name"], self.messages.part("envoy.config.route.v3.VirtualHost", host))

    def _hosted(self, bind: Bind, each: BoundListener) -> Iterator[HostedRoutes]:
        where = self._where(bind, each)
        for route, hostnames in self.routes_of.get(each.id, ()):
            entries = self.routes.entries(route, where)
            for hostname in hostnames:
                asked = asked_hostname(hostname, route.model.spec.hostnames)
                yield HostedRoutes(each.hostname, hostname, asked, entries)


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
