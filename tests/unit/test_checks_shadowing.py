"""Which route takes all that another asks for: what is found, and that nothing is found that is not so."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.envoy.registry import load_default
from snapshots.authoring.contents import read_contents
from snapshots.authoring.gateway.http_rules import Filters, ResolvedRule
from snapshots.authoring.gateway.shadows import Hosted, claims_of, host_shadows
from snapshots.authoring.kinds.http_route import HeaderMatch, HTTPRouteMatch, PathMatch
from snapshots.checks import shadowing
from snapshots.checks.shadowing import Condition, Demand, PathKind, shadowed
from snapshots.model import Document
from tests.gateways import Object, a_backend, a_gateway, a_route, compiled, to_backend


def asks(kind: PathKind, path: str, *conditions: str, ignores_case: bool = False) -> Demand:
    return Demand(kind, path, frozenset(("header", each) for each in conditions), ignores_case)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (asks("prefix", "/"), asks("exact", "/carts")),
        (asks("prefix", "/"), asks("regex", "/carts/[0-9]+")),
        (asks("prefix", "/ca"), asks("segments", "/carts")),
        (asks("segments", "/carts"), asks("exact", "/carts")),
        (asks("segments", "/carts"), asks("prefix", "/carts/7")),
        (asks("regex", "/.*"), asks("prefix", "/carts")),
        (asks("regex", "/[a-z]+"), asks("regex", "/[a-z]+")),
        (asks("other", "connect_matcher"), asks("other", "connect_matcher", "x")),
        (asks("prefix", "/", "x"), asks("prefix", "/", "x", "y")),
        (asks("prefix", "/A", ignores_case=True), asks("exact", "/ab")),
        (asks("prefix", "/A", ignores_case=True), asks("exact", "/aB", ignores_case=True)),
    ],
)
def test_what_takes_in_another_and_goes_first_leaves_it_nothing(before: Demand, after: Demand) -> None:
    assert list(shadowed([before, after])) == [(1, 0)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (asks("exact", "/carts"), asks("prefix", "/")),
        (asks("segments", "/carts"), asks("prefix", "/carts")),
        (asks("segments", "/carts"), asks("exact", "/cartsandmore")),
        (asks("prefix", "/carts"), asks("regex", "/cart.*")),
        (asks("prefix", "/carts"), asks("regex", "/cartss*|/")),
        (asks("prefix", "/carts"), asks("regex", "/carts?")),
        (asks("prefix", "/"), asks("other", "connect_matcher")),
        (asks("prefix", "/", "x"), asks("prefix", "/", "y")),
        (asks("prefix", "/", "x", "y"), asks("prefix", "/", "x")),
        (asks("prefix", "/a"), asks("exact", "/ab", ignores_case=True)),
    ],
)
def test_what_may_leave_something_is_not_said_to_take_all(before: Demand, after: Demand) -> None:
    assert list(shadowed([before, after])) == []


PATHS = ["/", "/a", "/A", "/a/", "/ab", "/a/b", "/a/b/c", "/b", "/b/a"]
HEADERS: tuple[Condition, ...] = (("header", "x"), ("header", "y"), ("header", "z"))
REQUESTS = [
    (path, frozenset(header for header, has in zip(HEADERS, which, strict=True) if has))
    for path in PATHS
    for which in product((False, True), repeat=len(HEADERS))
]


def takes(demand: Demand, path: str) -> bool:
    """As Envoy compares a path."""
    wanted = demand.path.lower() if demand.ignores_case else demand.path
    given_path = path.lower() if demand.ignores_case else path
    return {
        "exact": given_path == wanted,
        "prefix": given_path.startswith(wanted),
        "segments": given_path == wanted or given_path.startswith(f"{wanted}/"),
        "regex": re.fullmatch(demand.path, path) is not None,
    }[demand.kind]


def asking(demand: Demand) -> set[tuple[str, frozenset[Condition]]]:
    return {(path, held) for path, held in REQUESTS if takes(demand, path) and demand.conditions <= held}


PATTERNS = st.sampled_from(["/.*", "/a.*", "/a+", "/a/b?", "/[ab]", "/a|/b"])
WRITTEN = st.one_of(
    st.tuples(st.sampled_from(["exact", "prefix", "segments"]), st.sampled_from(PATHS), st.booleans()),
    st.tuples(st.just("regex"), PATTERNS, st.just(False)),
)
DEMANDS = st.builds(
    lambda written, conditions: Demand(written[0], written[1], frozenset(conditions), written[2]),
    WRITTEN,
    st.sets(st.sampled_from(HEADERS)),
)


@given(st.lists(DEMANDS, max_size=12))
def test_no_request_comes_to_what_is_said_to_be_taken(demands: Sequence[Demand]) -> None:
    for number, before in shadowed(demands):
        assert before < number
        assert asking(demands[number]) <= asking(demands[before])


def test_a_long_list_that_would_cost_its_square_is_looked_through_for_equals_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shadowing, "COMPARISONS_LIMIT", 5)
    many = [asks("prefix", "/", "x", str(number)) for number in range(10)]
    late = [asks("exact", "/a", "x", "3"), asks("prefix", "/", "x", "3")]
    assert (11, 3) in list(shadowed([*many, *late]))


def rules(name: str, *paths: str, namespace: str = "shop", **spec: object) -> Object:
    route = a_route(name, **spec)
    route["metadata"]["namespace"] = namespace
    route["spec"]["parentRefs"] = [{"name": "edge", "namespace": "shop"}]
    redirect = [{"type": "RequestRedirect", "requestRedirect": {"hostname": "other.example"}}]
    route["spec"]["rules"] = [{"matches": [{"path": {"value": path}}], "filters": redirect} for path in paths]
    return route


def warned(*routes: Object, hostname: str | None = None) -> list[tuple[str, str, str]]:
    shown = {"name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "All"}}}
    listener = shown | ({"hostname": hostname} if hostname else {})
    found = compiled(a_gateway("edge", listener), a_backend(), *routes)
    return [(each.code, each.resource, each.field) for each in found.findings]


def test_the_more_specific_hostname_goes_first_and_that_is_no_mistake() -> None:
    wide, narrow = rules("wide", "/", hostnames=["*.example"]), rules("narrow", "/", hostnames=["a.example"])
    assert warned(wide, narrow, rules("every", "/")) == []


def test_behind_a_listener_of_one_hostname_the_route_that_names_it_leaves_the_others_nothing() -> None:
    named, every = rules("named", "/", hostnames=["a.example"]), rules("every", "/carts")
    assert warned(named, every) == []
    assert warned(named, every, hostname="a.example") == [("W0505", "HTTPRoute shop/every", "spec.rules[0].matches[0]")]


def test_a_route_that_is_first_under_one_of_its_hostnames_is_told_of_the_other() -> None:
    first = rules("first", "/", "/carts", hostnames=["a.example"])
    second = rules("second", "/carts", hostnames=["a.example", "b.example"])
    assert warned(first, second) == [("W0505", "HTTPRoute shop/second", "spec.rules[0].matches[0]")]


PATH_MATCHES = st.builds(
    PathMatch,
    type=st.sampled_from(["Exact", "PathPrefix", "RegularExpression"]),
    value=st.sampled_from(["/", "/a", "/a/"]),
)
HEADER_MATCHES = st.builds(HeaderMatch, name=st.sampled_from(["x", "X", "y"]), value=st.sampled_from(["1", "2"]))
MATCHES = st.builds(
    HTTPRouteMatch,
    path=PATH_MATCHES,
    headers=st.lists(HEADER_MATCHES, max_size=2).map(tuple),
    method=st.sampled_from([None, "GET"]),
)


@given(st.lists(MATCHES, min_size=1, max_size=8))
def test_of_one_hostname_only_equals_are_in_each_others_way(matches: list[HTTPRouteMatch]) -> None:
    """So that these alone need to be looked for, which costs less: both ways find the same."""
    object_ = read_contents(load_default(), Document("a.yaml", json.dumps(a_route()).encode())).objects[0]
    rule = ResolvedRule(0, object_.model.spec.rules[0], tuple(enumerate(matches)), Filters(), ())
    hosted = Hosted("a.example", claims_of(object_, [rule]))
    quick, thorough = host_shadows([hosted]), host_shadows([hosted, Hosted("*.example", ())])
    assert {each.claim.match for each in quick} == {each.claim.match for each in thorough}


def test_two_namespaces_that_claim_one_hostname_are_told_apart() -> None:
    assert warned(rules("web", "/"), rules("web", "/", namespace="billing")) == [
        ("W0506", "HTTPRoute shop/web", "spec.rules[0].matches[0]")
    ]


def test_a_hostname_that_another_listener_has_is_not_served_and_not_compared() -> None:
    shown = {"port": 80, "protocol": "HTTP"}
    gateway = a_gateway("edge", {"name": "any", **shown}, {"name": "a", "hostname": "a.example", **shown})
    on_any = {"parentRefs": [{"name": "edge", "sectionName": "any"}], "hostnames": ["a.example"]}
    found = compiled(
        gateway, a_backend(), a_route("one", to_backend(), **on_any), a_route("two", to_backend(), **on_any)
    )
    assert found.findings == ()
