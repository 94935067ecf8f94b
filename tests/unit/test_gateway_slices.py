"""Virtual hosts of a listener in one route configuration or in slices, and what a change of one of them changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from api.envoy.registry import load_default
from api.envoy.resources import references
from snapshots.authoring.compile import Compilation
from snapshots.authoring.gateway.slices import OTHER_HOSTS_FILTER, SLICES, WHOLE_LIMIT_BYTES, slice_of
from tests.gateways import a_backend, a_gateway, a_route, compiled, made, names_made, to_backend
from xds.protocol.resource import Resource

Object = dict[str, Any]
NAME = "tcp/0.0.0.0:80"
FEW, SOME, MANY = 3, 100, 800


def host(number: int) -> str:
    return f"host-{number}.example.com"


def a_site(*hostnames: str, also: Sequence[Object] = (), gateway: Object | None = None) -> Compilation:
    """A route for each hostname, all of one Gateway."""
    routes = (a_route(f"r{number}", to_backend(), hostnames=[name]) for number, name in enumerate(hostnames))
    found = compiled(gateway or a_gateway(), a_backend(), *routes, *also)
    assert found.ok, found.findings
    return found


def hosts(count: int) -> list[str]:
    return [host(number) for number in range(count)]


def by_name(site: Compilation) -> dict[tuple[str, str], Resource]:
    return {(each.resource.type_url, each.resource.name): each.resource for each in site.resources}


def manager(site: Compilation) -> Object:
    (chain,) = made(site, "Listener", NAME)["filter_chains"]
    return dict(chain["filters"][0]["typed_config"])


def domains(site: Compilation, route: str) -> set[str]:
    return {
        name for each in made(site, "RouteConfiguration", route).get("virtual_hosts", ()) for name in each["domains"]
    }


def test_a_few_hosts_are_one_route_configuration() -> None:
    site = a_site(*hosts(FEW))
    assert names_made(site, "RouteConfiguration") == [NAME]
    assert names_made(site, "ScopedRouteConfiguration") == []
    assert manager(site)["rds"]["route_config_name"] == NAME
    assert domains(site, NAME) == {"*", *hosts(FEW)}


@pytest.mark.parametrize("count", [FEW, MANY])
def test_bytes_are_those_of_the_messages(count: int) -> None:
    for each in by_name(a_site(*hosts(count), "*.example.com")).values():
        message = load_default().parse(each.type_url, each.body)
        assert message.SerializeToString(deterministic=True) == each.body
        found = references(load_default(), message)
        assert [(one.type_url, one.name) for one in each.references] == [(one.type_url, one.name) for one in found]


def test_many_hosts_have_scopes_that_lead_to_slices() -> None:
    site = a_site(*hosts(MANY))
    assert names_made(site, "Listener") == [NAME]
    assert manager(site)["scoped_routes"]["name"] == NAME
    for number in range(0, MANY, 97):
        scope = made(site, "ScopedRouteConfiguration", f"{NAME}/{host(number)}")
        assert scope["route_configuration_name"] == f"{NAME}/hosts/{slice_of(host(number))}"
        assert scope["key"]["fragments"] == [{"string_key": f"tcp/0.0.0.0_80/{host(number)}"}]
        assert host(number) in domains(site, scope["route_configuration_name"])
    served = [domains(site, each) for each in names_made(site, "RouteConfiguration")]
    assert sum(map(len, served)) == MANY + 1
    assert len(served) <= SLICES + 1


def test_what_is_no_single_host_has_a_slice_that_the_filter_looks_into() -> None:
    site = a_site(*hosts(MANY), "*.example.com")
    assert domains(site, f"{NAME}/hosts/*") == {"*", "*.example.com"}
    assert made(site, "ScopedRouteConfiguration", f"{NAME}/*")["route_configuration_name"] == f"{NAME}/hosts/*"
    assert manager(site)["http_filters"][0]["name"] == OTHER_HOSTS_FILTER


def test_backends_are_not_told_of_the_scope() -> None:
    site = a_site(*hosts(MANY))
    for each in names_made(site, "RouteConfiguration"):
        assert made(site, "RouteConfiguration", each)["request_headers_to_remove"] == ["x-fairlead-scope"]


def test_a_change_of_one_host_changes_one_slice() -> None:
    before = by_name(a_site(*hosts(MANY)))
    other = {"requestHeaderModifier": {"remove": ["x-old"]}, "type": "RequestHeaderModifier"}
    rules = [{"backendRefs": [to_backend()], "filters": [other]}]
    after = by_name(a_site(*hosts(MANY - 1), also=[a_route("last", hostnames=[host(MANY - 1)], rules=rules)]))
    assert before.keys() == after.keys()
    changed = [name for (kind, name), each in after.items() if before[kind, name] != each]
    assert changed == [f"{NAME}/hosts/{slice_of(host(MANY - 1))}"]


def test_a_new_host_changes_no_listener_and_one_slice() -> None:
    before, after = by_name(a_site(*hosts(MANY))), by_name(a_site(*hosts(MANY), "new.example.com"))
    changed = {name for (kind, name), each in after.items() if before.get((kind, name)) != each}
    assert changed == {f"{NAME}/new.example.com", f"{NAME}/hosts/{slice_of('new.example.com')}"}


def test_the_order_of_documents_does_not_matter() -> None:
    objects = [a_gateway(), a_backend(), *(a_route(name, to_backend(), hostnames=[name]) for name in hosts(MANY))]
    assert by_name(compiled(*objects)) == by_name(compiled(*reversed(objects)))


def test_between_few_and_many_there_is_a_way_back_for_connections_that_stay() -> None:
    site = a_site(*hosts(SOME))
    assert names_made(site, "RouteConfiguration") == [NAME]
    assert names_made(site, "ScopedRouteConfiguration") == [f"{NAME}/(whole)"]
    assert made(site, "ScopedRouteConfiguration", f"{NAME}/(whole)")["route_configuration_name"] == NAME


def test_one_host_with_many_routes_is_one_route_configuration() -> None:
    rules = [{"matches": [{"path": {"value": f"/{number}"}}], "backendRefs": [to_backend()]} for number in range(16)]
    routes = [a_route(f"w{number}", hostnames=["one.example.com"], rules=rules) for number in range(SOME)]
    site = compiled(a_gateway(), a_backend(), *routes)
    (whole,) = (each.resource for each in site.resources if each.resource.type_url.endswith(".RouteConfiguration"))
    assert (whole.name, len(whole.body) > WHOLE_LIMIT_BYTES) == (NAME, True)


def test_each_port_has_scopes_of_its_own() -> None:
    listeners = [{"name": name, "port": 80 + number, "protocol": "HTTP"} for number, name in enumerate(("a", "b"))]
    site = a_site(*hosts(MANY), gateway=a_gateway("edge", *listeners))
    keys = {
        made(site, "ScopedRouteConfiguration", f"tcp/0.0.0.0:{port}/{host(1)}")["key"]["fragments"][0]["string_key"]
        for port in (80, 81)
    }
    assert len(keys) == 2
