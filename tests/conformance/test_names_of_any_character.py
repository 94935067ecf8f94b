"""A name is a name, whatever stands in it: `xdstp://` names are served as names, and only `*` alone is everything."""

from __future__ import annotations

import pytest

from tests.builders import cluster, route, shop_host
from tests.transcripts import DELTA, an_edge
from xds.protocol.types import CLUSTER, ROUTE, VIRTUAL_HOST
from xds.protocol.variant import Variant

NAMES = [
    "xdstp://authority/envoy.config.route.v3.RouteConfiguration/a/b?c=d&e=f#g",
    "xdstp:///envoy.config.route.v3.RouteConfiguration/folder/*",
    "with spaces and\ttabs",
    "a/b/c//d/",
    "*.example.com",
    "a*b",
    "**",
    "größe-名前-🚀",
    "quotes \"'` and \\ and %2F and \x00",
    "x" * 20_000,
]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: repr(name[:24]))
def test_it_is_asked_for_changed_and_removed_like_any_other(variant: Variant, name: str) -> None:
    edge = an_edge(variant, [route(name), route("other")])
    answer = edge.asks(ROUTE, name)
    assert (answer.names, answer.only.errors) == ({name}, ())
    edge.acks_all(answer)
    answer = edge.is_served(route(name, "b"), route("other", "b"))
    assert answer.names == {name}
    edge.acks_all(answer)
    assert edge.is_served(route("other", "b")).removed == ({name} if variant is DELTA else set())


@pytest.mark.parametrize("name", NAMES, ids=lambda name: repr(name[:24]))
def test_one_that_does_not_exist_is_told_by_that_name(variant: Variant, name: str) -> None:
    answer = an_edge(variant, [route("other")]).asks(ROUTE, name)
    assert [error.name for error in answer.only.errors] == [name]
    assert answer.removed == ({name} if variant is DELTA else set())


def test_no_name_but_a_star_alone_is_everything(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")])
    assert edge.asks(CLUSTER, *(name for name in NAMES if "*" in name)).names == set()


def test_the_empty_name_is_a_name_that_nothing_has(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")])
    answer = edge.asks(CLUSTER, "")
    assert (answer.names, [error.name for error in answer.only.errors]) == (set(), [""])


def test_names_that_look_alike_are_told_apart(variant: Variant) -> None:
    looks = (
        "xdstp://a/b?c=d&e=f",
        "xdstp://a/b?e=f&c=d",
        "xdstp://a/b",
        "XDSTP://a/b",
        "xdstp://a/b/",
        "\u00e9",
        "e\u0301",
    )
    edge = an_edge(variant, [route(name) for name in looks])
    for name in looks:
        answer = edge.asks(ROUTE, name)
        assert answer.names == {name}
        edge.acks_all(answer)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "**"], ids=lambda name: repr(name[:24]))
def test_a_virtual_host_too_can_be_called_so(variant: Variant, name: str) -> None:
    edge = an_edge(variant, [shop_host(name, "www.example.com")])
    assert edge.asks(VIRTUAL_HOST, f"shop/{name}").names == {f"shop/{name}"}
    assert edge.asks(VIRTUAL_HOST, "shop/www.example.com").names == {f"shop/{name}"}
