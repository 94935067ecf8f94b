"""Which routes a hostname has, in which order, and whose requests are answered elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from snapshots.authoring.gateway.http_routes import RouteEntry
from snapshots.authoring.gateway.virtual_hosts import HostedRoutes, asked_hostname, owner_of, virtual_hosts

EVERYTHING: dict[str, Any] = {"prefix": "/", "headers": []}


def entry(name: str, length: int = 0, match: dict[str, Any] | None = None) -> RouteEntry:
    """An Envoy route called `name`, of a path as long as that."""
    fields = {"name": name, "match": match or {"path_separated_prefix": f"/{name}"}}
    return RouteEntry((0, length, 0, 0, 0), (name,), fields)


def hosted(hostname: str, *entries: RouteEntry, listener: str = "", asked: str | None = None) -> HostedRoutes:
    return HostedRoutes(listener, hostname, hostname if asked is None else asked, entries)


def names(hosts: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    """Domain -> the routes in their order."""
    return {name: [route["name"] for route in host["routes"]] for host in hosts for name in host["domains"]}


def test_routes_of_one_hostname_go_by_their_matches_and_then_by_age_and_name() -> None:
    found = virtual_hosts([""], [hosted("a.example", entry("b", 1), entry("c", 3)), hosted("a.example", entry("a", 1))])
    assert names(found)["a.example"] == ["c", "a", "b"]


def test_the_more_specific_hostname_goes_first_and_the_others_follow() -> None:
    found = virtual_hosts(
        [""],
        [
            hosted("", entry("all", 9)),
            hosted("*.example", entry("wide", 8)),
            hosted("*.b.example", entry("narrow", 7)),
            hosted("a.b.example", entry("exact", 1)),
        ],
    )
    assert names(found) == {
        "*": ["all"],
        "*.example": ["wide", "all"],
        "*.b.example": ["narrow", "wide", "all"],
        "a.b.example": ["exact", "narrow", "wide", "all"],
    }


def test_what_counts_is_the_hostname_that_a_route_asks_for_not_its_listeners() -> None:
    routes = [
        hosted("a.example", entry("any", 9), listener="a.example", asked=""),
        hosted("a.example", entry("wild", 5), listener="a.example", asked="*.example"),
        hosted("a.example", entry("exact", 1), listener="a.example", asked="a.example"),
    ]
    assert names(virtual_hosts(["a.example"], routes)) == {"a.example": ["exact", "wild", "any"]}


def test_what_nothing_can_reach_is_left_out() -> None:
    found = virtual_hosts(
        [""],
        [
            hosted("", entry("all")),
            hosted("a.example", entry("b", 2), entry("everything", 0, EVERYTHING)),
            hosted("b.example", entry("post", 1, EVERYTHING | {"headers": [{"name": ":method"}]})),
        ],
    )
    assert names(found)["a.example"] == ["b", "everything"]
    assert names(found)["b.example"] == ["post", "all"]


def test_a_route_that_reaches_a_listener_twice_is_there_once() -> None:
    found = virtual_hosts([""], [hosted("a.example", entry("a")), hosted("*.example", entry("a"))])
    assert names(found)["a.example"] == ["a"]


def test_a_listener_sees_no_routes_of_a_less_specific_one() -> None:
    found = virtual_hosts(
        ["", "*.example", "a.example"],
        [
            hosted("", entry("all")),
            hosted("b.example", entry("of-all")),
            hosted("*.example", entry("wild"), listener="*.example"),
            hosted("a.example", entry("of-wild"), listener="*.example"),
        ],
    )
    assert names(found) == {"*": ["all"], "*.example": ["wild"], "a.example": []}


def test_requests_of_other_listeners_are_misdirected() -> None:
    found = virtual_hosts(["*.example"], [hosted("b.example", entry("b"), listener="*.example")], ["", "a.example"])
    misdirected = found[-1]

    assert misdirected["domains"] == ["*", "a.example"]
    assert [route["direct_response"] for route in misdirected["routes"]] == [{"status": 421}]
    assert names(found[:-1]) == {"*.example": [], "b.example": ["b"]}


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
