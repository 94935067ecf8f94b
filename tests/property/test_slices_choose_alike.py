"""Whatever the hostnames, and whatever is asked for: slices lead to the virtual host that the whole leads to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from api.envoy.registry import load_default
from snapshots.authoring.gateway.bound import ListenerId
from snapshots.authoring.gateway.envoy import Messages
from snapshots.authoring.gateway.hostnames import wildcards_above
from snapshots.authoring.gateway.http_serving import RouteGroup, domains
from snapshots.authoring.gateway.routing import ServedHost, other_fields, route_configuration
from snapshots.authoring.gateway.slices import hosts_slice, other_hosts, scope_of, slice_of
from snapshots.authoring.gateway.virtual_hosts import MISDIRECTED, misdirected, virtual_host
from snapshots.authoring.objects import ObjectKey
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
    """The virtual hosts of listeners without routes, the misdirected one last."""
    gateway = ObjectKey("Gateway", "shop", "edge")
    listeners = {name: ListenerId(gateway, name) for name in own}
    group = RouteGroup(NAME, gateway, listeners, frozenset(others) - listeners.keys())
    plain = sorted(domains(group, ()) - {MISDIRECTED})
    found = [virtual_host(MESSAGES, each, ()) for each in plain]
    return [*found, *([misdirected(MESSAGES, group.others)] if group.others else [])]


def in_slices(hosts: Iterable[ServedHost]) -> tuple[Resource, ...]:
    exact, rest = [each for each in hosts if each.is_exact], [each for each in hosts if not each.is_exact]
    spread: dict[int, list[ServedHost]] = {}
    for each in exact:
        spread.setdefault(slice_of(each.name), []).append(each)
    found = (hosts_slice(MESSAGES, NAME, number, each) for number, each in spread.items())
    return (*(scope_of(NAME, each.name) for each in exact), *found, *other_hosts(MESSAGES, NAME, rest))


def by_name(found: Iterable[Resource], type_url: str) -> dict[str, Resource]:
    return {each.name: each for each in found if each.type_url == type_url}


def chosen(route: Resource | None, host: str) -> str | None:
    """The virtual host that Envoy takes of a route configuration: the exact one, then the longest wildcard."""
    message: Any = API.parse(ROUTE, route.body) if route else None
    domains = {domain: each.name for each in (message.virtual_hosts if message else ()) for domain in each.domains}
    wanted = (host.lower(), *(each or "*" for each in wildcards_above(host.lower())))
    return next((domains[each] for each in wanted if each in domains), None)


def key_of(scope: Resource) -> str:
    message: Any = API.parse(SCOPED_ROUTE, scope.body)
    return str(message.key.fragments[0].string_key)


def chosen_by_scope(found: Iterable[Resource], host: str) -> str | None:
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
    sliced = in_slices(hosts)
    assert f"{NAME}/hosts/*" in by_name(sliced, ROUTE)
    whole = route_configuration(NAME, hosts, other_fields(MESSAGES))
    assert chosen_by_scope(sliced, host) == chosen(whole, host)
