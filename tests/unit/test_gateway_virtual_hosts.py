"""Which routes a hostname has, in which order, and whose requests are answered elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from snapshots.authoring.gateway.virtual_hosts import asked_hostname, owner_of
from tests.gateways import Object, a_backend, a_gateway, a_route, compiled, made, to_backend
from tests.listeners import a_listener, a_pair, terminating

PLAIN = "tcp/0.0.0.0:80"


def a_hosted_route(name: str, *hostnames: str, match: Object | None = None, **spec: Any) -> Object:
    """Of a path that is called like it, unless it asks for something else."""
    rule = {"matches": [match or {"path": {"value": f"/{name}"}}], "backendRefs": [to_backend()]}
    return a_route(name, hostnames=list(hostnames), rules=[rule], **spec)


def names(*objects: Object, gateway: Object | None = None, configuration: str = PLAIN) -> dict[str, list[str]]:
    """Domain -> the routes in their order."""
    found = compiled(gateway or a_gateway(), a_backend(), *objects)
    hosts = made(found, "RouteConfiguration", configuration)["virtual_hosts"]
    return {
        domain: [each["name"].split("/")[2] for each in host.get("routes", ()) if "name" in each]
        for host in hosts
        for domain in host["domains"]
    }


def test_routes_of_one_hostname_go_by_their_matches_and_then_by_age_and_name() -> None:
    found = names(*(a_hosted_route(name, "a.example") for name in ("b", "longer", "a")))
    assert found["a.example"] == ["longer", "a", "b"]


def test_the_more_specific_hostname_goes_first_and_the_others_follow() -> None:
    assert names(
        a_hosted_route("all-of-them"),
        a_hosted_route("wide-one", "*.example"),
        a_hosted_route("narrow", "*.b.example"),
        a_hosted_route("exact", "a.b.example"),
    ) == {
        "*": ["all-of-them"],
        "*.example": ["wide-one", "all-of-them"],
        "*.b.example": ["narrow", "wide-one", "all-of-them"],
        "a.b.example": ["exact", "narrow", "wide-one", "all-of-them"],
    }


def test_what_counts_is_the_hostname_that_a_route_asks_for_not_its_listeners() -> None:
    gateway = a_gateway("edge", a_listener("one", 80, hostname="a.example"))
    routes = (a_hosted_route("anything"), a_hosted_route("wilder", "*.example"), a_hosted_route("exact", "a.example"))
    assert names(*routes, gateway=gateway) == {"a.example": ["exact", "wilder", "anything"]}


def test_what_nothing_can_reach_is_left_out() -> None:
    everything = {"path": {"value": "/"}}
    found = names(
        a_hosted_route("all"),
        a_hosted_route("b", "a.example"),
        a_hosted_route("everything", "a.example", match=everything),
        a_hosted_route("post", "b.example", match=everything | {"method": "POST"}),
    )
    assert found["a.example"] == ["b", "everything"]
    assert found["b.example"] == ["post", "all"]


def test_a_route_that_reaches_a_listener_twice_is_there_once() -> None:
    parents = [{"name": "edge", "sectionName": "http"}, {"name": "edge", "sectionName": "http", "port": 80}]
    found = names(a_hosted_route("a", "a.example", "*.example", parentRefs=parents))
    assert found == {"*": [], "a.example": ["a"], "*.example": ["a"]}


def test_a_listener_sees_no_routes_of_a_less_specific_one() -> None:
    hostnames = {"all": {}, "wild": {"hostname": "*.example"}, "exact": {"hostname": "a.example"}}
    gateway = a_gateway("edge", *(a_listener(name, 80, **each) for name, each in hostnames.items()))
    of_all = {"parentRefs": [{"name": "edge", "sectionName": "all"}]}
    of_wild = {"parentRefs": [{"name": "edge", "sectionName": "wild"}]}
    routes = (
        a_hosted_route("all", **of_all),
        a_hosted_route("of-all", "b.example", **of_all),
        a_hosted_route("wild", **of_wild),
        a_hosted_route("of-wild", "a.example", **of_wild),
    )
    assert names(*routes, gateway=gateway) == {"*": ["all"], "*.example": ["wild"], "a.example": []}


def test_requests_of_other_listeners_are_misdirected() -> None:
    listeners = (terminating("a", 443, "a.example"), terminating("wild", 443, "*.example"), terminating("all", 443))
    objects = (a_gateway("edge", *listeners), a_pair(), a_backend(), a_hosted_route("b", "b.example"))
    hosts = made(compiled(*objects), "RouteConfiguration", "tcp/0.0.0.0:443/*.example")["virtual_hosts"]

    assert [host["domains"] for host in hosts] == [["*.example"], ["b.example"], ["*", "a.example"]]
    assert [route["direct_response"] for route in hosts[-1]["routes"]] == [{"status": 421}]


@pytest.mark.parametrize(
    ("hostname", "owner"),
    [("a.b.example", "a.b.example"), ("c.b.example", "*.b.example"), ("*.b.example", "*.b.example"), ("example", "")],
)
def test_the_owner_of_a_hostname(hostname: str, owner: str) -> None:
    assert owner_of(hostname, {"", "*.example", "*.b.example", "a.b.example"}) == owner


@pytest.mark.parametrize(
    ("hostname", "asked", "best"),
    [
        ("a.example", [], ""),
        ("a.example", ["*.example", "b.example"], "*.example"),
        ("a.b.example", ["*.example", "*.b.example"], "*.b.example"),
        ("a.example", ["*.example", "a.example"], "a.example"),
    ],
)
def test_the_hostname_that_a_route_asks_for(hostname: str, asked: list[str], best: str) -> None:
    assert asked_hostname(hostname, asked) == best
