"""Whatever the hostnames, and whatever is asked for: slices lead to the virtual host that the whole leads to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from api.envoy.registry import load_default
from snapshots.authoring.gateway.envoy import Messages
from snapshots.authoring.gateway.hostnames import wildcards_above
from snapshots.authoring.gateway.routing import Routing, ServedHost, whole
from snapshots.authoring.gateway.slices import routing
from snapshots.authoring.gateway.virtual_hosts import virtual_hosts
from xds.protocol.resource import Resource
from xds.protocol.types import ROUTE, SCOPED_ROUTE

API = load_default()
MESSAGES = Messages(API)
NAME = "tcp/0.0.0.0:80"
PREFIX = "tcp/0.0.0.0_80/"

labels = st.sampled_from(["a", "b", "c", "whole", "rest"])
names = st.lists(labels, min_size=1, max_size=3).map(".".join)
hostnames = st.one_of(names, names.map("*.{}".format), st.just(""))
asked = st.one_of(names, names.map(str.upper), st.sampled_from(["*", "(whole)", "[::1]", "A.b"]))


def served(own: Iterable[str], others: Iterable[str]) -> list[ServedHost]:
    made = (each | {"routes": []} for each in virtual_hosts(own, [], others))
    return [ServedHost(each["name"], MESSAGES.part("envoy.config.route.v3.VirtualHost", each)) for each in made]


def by_name(found: Routing, type_url: str) -> dict[str, Resource]:
    return {each.name: each for each in found.resources if each.type_url == type_url}


def chosen(route: Resource | None, host: str) -> str | None:
    """The virtual host that Envoy takes of a route configuration: the exact one, then the longest wildcard."""
    message: Any = API.parse(ROUTE, route.body) if route else None
    domains = {domain: each.name for each in (message.virtual_hosts if message else ()) for domain in each.domains}
    wanted = (host.lower(), *(each or "*" for each in wildcards_above(host.lower())))
    return next((domains[each] for each in wanted if each in domains), None)


def key_of(scope: Resource) -> str:
    message: Any = API.parse(SCOPED_ROUTE, scope.body)
    return str(message.key.fragments[0].string_key)


def chosen_by_scope(found: Routing, host: str) -> str | None:
    """By the scope of the host as it was written, in small letters, and of the rest, as the filter looks."""
    routes, scopes = by_name(found, ROUTE), by_name(found, SCOPED_ROUTE)
    keys = {key_of(each): each for each in scopes.values()}
    for key in (host, host.lower(), "*"):
        scope = keys.get(PREFIX + key.partition(":")[0])
        if name := chosen(routes[scope.references[0].name] if scope else None, host):
            return name
    return None


@given(st.lists(names, min_size=2, unique=True), st.lists(hostnames), st.lists(hostnames, max_size=3), asked)
def test_slices_lead_where_the_whole_leads(exact: list[str], more: list[str], others: list[str], host: str) -> None:
    hosts = served([*exact, *more], others)
    in_slices = routing(MESSAGES, NAME, hosts, whole_limit_bytes=0)
    assert f"{NAME}/hosts/*" in by_name(in_slices, ROUTE)
    (route,) = by_name(whole(MESSAGES, NAME, hosts), ROUTE).values()
    assert chosen_by_scope(in_slices, host) == chosen(route, host)
