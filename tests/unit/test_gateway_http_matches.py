"""What rules match, and which match goes first."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from snapshots.authoring.gateway.http_matches import literal_prefix, match_fields, match_problems, specificity
from snapshots.authoring.kinds.grpc_route import GRPCRouteMatch
from snapshots.authoring.kinds.http_route import HTTPRouteMatch

NOTHING_ELSE = {"headers": [], "query_parameters": []}


def http(path: str = "/", kind: str = "PathPrefix", **more: Any) -> HTTPRouteMatch:
    return msgspec.convert({"path": {"type": kind, "value": path}, **more}, HTTPRouteMatch)


def grpc(headers: list[dict[str, str]] | None = None, **method: str) -> GRPCRouteMatch:
    return msgspec.convert({"headers": headers or [], **({"method": method} if method else {})}, GRPCRouteMatch)


def headers(*names: str, kind: str = "Exact", value: str = "1") -> list[dict[str, str]]:
    return [{"name": name, "value": value, "type": kind} for name in names]


@pytest.mark.parametrize(
    ("match", "path"),
    [
        (http("/"), {"prefix": "/"}),
        (http("/a"), {"path_separated_prefix": "/a"}),
        (http("/a/b/"), {"path_separated_prefix": "/a/b"}),
        (http("/a/", "Exact"), {"path": "/a/"}),
        (http("/a/[0-9]+", "RegularExpression"), {"safe_regex": {"regex": "/a/[0-9]+"}}),
    ],
)
def test_paths(match: HTTPRouteMatch, path: dict[str, Any]) -> None:
    assert match_fields(match) == path | NOTHING_ELSE


def test_all_conditions_of_a_match_must_hold() -> None:
    query = [{"name": "q", "value": "a+", "type": "RegularExpression"}]
    found = match_fields(http(method="POST", headers=headers("X-A"), queryParams=query))

    assert found["headers"] == [
        {"name": "X-A", "string_match": {"exact": "1"}},
        {"name": ":method", "string_match": {"exact": "POST"}},
    ]
    assert found["query_parameters"] == [{"name": "q", "string_match": {"safe_regex": {"regex": "a+"}}}]


def test_of_headers_that_differ_in_case_the_first_counts() -> None:
    both = [*headers("X-A", value="1"), *headers("x-a", value="2")]
    assert match_fields(http(headers=both)) == match_fields(http(headers=both[:1]))
    assert specificity(http(headers=both)) == specificity(http(headers=both[:1]))


@pytest.mark.parametrize(
    ("match", "fields"),
    [
        (grpc(), {"prefix": "/"}),
        (grpc(service="shop.Carts", method="Add"), {"path": "/shop.Carts/Add"}),
        (grpc(service="shop.Carts"), {"path_separated_prefix": "/shop.Carts"}),
        (grpc(service="a|b", method="c", type="RegularExpression"), {"safe_regex": {"regex": "/(?:a|b)/(?:c)"}}),
        (grpc(method="c|d", type="RegularExpression"), {"safe_regex": {"regex": "/[^/]+/(?:c|d)"}}),
    ],
)
def test_calls(match: GRPCRouteMatch, fields: dict[str, Any]) -> None:
    assert match_fields(match) == {**fields, "headers": [], "grpc": {}}


def test_a_method_of_any_service_is_the_end_of_a_path() -> None:
    found = match_fields(grpc(method="Add"))

    assert found["prefix"] == "/"
    assert found["headers"] == [{"name": ":path", "string_match": {"suffix": "/Add"}}]


# Each goes before all that follow.  HTTPRouteRule "matches".
HTTP_ORDER = [
    http("/a", "Exact"),
    http("/aaa", "RegularExpression"),
    http("/aaaa", method="GET", headers=headers("a", "b")),
    http("/aaaa", method="GET", headers=headers("a"), queryParams=headers("q")),
    http("/aaaa", method="GET", headers=headers("a")),
    http("/aaaa", method="GET"),
    http("/aaaa", headers=headers("a", "b")),
    http("/aaaa", queryParams=headers("p", "q")),
    http("/aaaa/", queryParams=headers("q")),
    http("/aaaa"),
    http("/a", method="GET"),
    http("/"),
]
# GRPCRouteRule "matches".
GRPC_ORDER = [
    grpc(service="shop.Carts", method="AddAll"),
    grpc(headers("a"), service="shop.Carts", method="Add"),
    grpc(service="shop.Carts", method="Add"),
    grpc(headers("a", "b"), service="shop.Carts"),
    grpc(service="shop.Carts"),
    grpc(service="shop", method="AddAllOfThem"),
    grpc(method="Add"),
    grpc(headers("a")),
    grpc(),
]


@pytest.mark.parametrize("order", [HTTP_ORDER, GRPC_ORDER], ids=["http", "grpc"])
def test_the_more_specific_match_goes_first(order: list[HTTPRouteMatch | GRPCRouteMatch]) -> None:
    ranks = [specificity(match) for match in order]
    assert ranks == sorted(ranks, reverse=True)
    assert len(set(ranks)) == len(ranks)


def test_a_slash_at_the_end_makes_no_prefix_longer() -> None:
    assert specificity(http("/a/")) == specificity(http("/a"))


@pytest.mark.parametrize(
    ("match", "places"),
    [
        (http("/a(", "RegularExpression"), [("path", "value")]),
        (http(headers=headers("a", kind="RegularExpression", value="(?=a)")), [("headers", 0, "value")]),
        (http(queryParams=headers("a", kind="RegularExpression", value="[a-z]{200}")), [("queryParams", 0, "value")]),
        (grpc(service="(", type="RegularExpression"), [("method", "service")]),
        (grpc(service="a{60}", method="b{60}", type="RegularExpression"), [("method",)]),
        (http("/a(?!b", "Exact"), []),
        (http("/[a-z]{20}/.*", "RegularExpression"), []),
    ],
)
def test_expressions_that_envoy_would_not_take(
    match: HTTPRouteMatch | GRPCRouteMatch, places: list[tuple[str | int, ...]]
) -> None:
    assert [at for at, _ in match_problems(match)] == places


@pytest.mark.parametrize(
    ("expression", "prefix"),
    [("/a/b/[0-9]+", "/a/b"), ("^/a/b.*", "/a"), ("/[ab]", "/"), (".*", "/"), ("/a/(b|c)/d", "/a")],
)
def test_the_plain_part_of_an_expression(expression: str, prefix: str) -> None:
    assert literal_prefix(expression) == prefix
