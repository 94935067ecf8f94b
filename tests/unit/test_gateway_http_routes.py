"""HTTPRoutes and GRPCRoutes as Envoy routes, and what they are told."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from tests.gateways import a_backend, a_gateway, a_route, compiled, conditions, findings, made, status, to_backend

Object = dict[str, Any]
CARTS, WEB, MISSING = to_backend("carts"), to_backend("web"), to_backend("missing")
SEEN = {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"add": [{"name": "a", "value": "b"}]}}
REWRITE = {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplaceFullPath", "replaceFullPath": "/x"}}}
UNKNOWN = {"type": "ExtensionRef", "extensionRef": {"group": "a", "kind": "B", "name": "c"}}
EDGE = (a_gateway(), a_backend("carts"), a_backend("web"))


def routes(*rules: Object, kind: str = "HTTPRoute", host: str = "*") -> list[Object]:
    """The Envoy routes that rules of one route come to."""
    found = made(compiled(*EDGE, a_route(kind=kind, rules=rules)), "RouteConfiguration", "tcp/0.0.0.0:80")
    (routes,) = (each.get("routes", []) for each in found["virtual_hosts"] if each["domains"] == [host])
    return list(routes)


def told(*rules: Object) -> dict[str, tuple[str, str]]:
    (parent,) = status(compiled(*EDGE, a_route(rules=rules)), "HTTPRoute", "web")["parents"]
    return conditions(parent)


def test_routes_are_named_after_their_rules() -> None:
    found = routes({"name": "cart", "backendRefs": [CARTS]})
    assert [each["name"] for each in found] == ["HTTPRoute/shop/web/cart"]
    found = routes({"matches": [{"path": {"value": "/a"}}, {"path": {"value": "/b"}}], "backendRefs": [CARTS]})
    assert [each["name"] for each in found] == ["HTTPRoute/shop/web/0", "HTTPRoute/shop/web/0"]


def test_a_rule_without_matches_takes_everything() -> None:
    assert [each["match"] for each in routes({"matches": [], "backendRefs": [CARTS]})] == [{"prefix": "/"}]


@pytest.mark.parametrize(
    ("refs", "kind", "action"),
    [
        ([CARTS], "HTTPRoute", {"cluster": "Backend/shop/carts"}),
        ([CARTS, {**WEB, "weight": 0}], "HTTPRoute", {"cluster": "Backend/shop/carts"}),
        ([], "HTTPRoute", 500),
        ([MISSING], "HTTPRoute", 500),
        ([{**CARTS, "weight": 0}], "HTTPRoute", 500),
        ([MISSING, {**CARTS, "weight": 0}], "HTTPRoute", 500),
        ([MISSING, MISSING | {"name": "other"}], "HTTPRoute", 500),
        ([MISSING], "GRPCRoute", 503),
        ([], "GRPCRoute", 503),
    ],
)
def test_where_a_rule_leads(refs: list[Object], kind: str, action: Object | int) -> None:
    (found,) = routes({"backendRefs": refs}, kind=kind)
    if isinstance(action, int):
        assert found["direct_response"] == {"status": action}
    else:
        assert {"cluster": found["route"].get("cluster")} == action


@pytest.mark.parametrize(
    ("kind", "code"),
    [("HTTPRoute", "INTERNAL_SERVER_ERROR"), ("GRPCRoute", None)],  # Envoy's own is 503
)
def test_a_wrong_share_is_answered_by_envoy(kind: str, code: str | None) -> None:
    (found,) = routes({"backendRefs": [{**CARTS, "weight": 3}, MISSING]}, kind=kind)
    shares = {each["name"]: each["weight"] for each in found["route"]["weighted_clusters"]["clusters"]}
    spoken = "" if kind == "HTTPRoute" else "/h2c"

    assert shares == {f"Backend/shop/carts{spoken}": 3, "fairlead/no-backend": 1}
    assert found["route"].get("cluster_not_found_response_code") == code


def test_header_changes_of_a_backend_stay_in_its_share() -> None:
    (found,) = routes({"backendRefs": [{**CARTS, "filters": [SEEN]}, WEB]})
    added = [bool(each.get("response_headers_to_add")) for each in found["route"]["weighted_clusters"]["clusters"]]
    assert added == [True, False]
    assert "response_headers_to_add" not in found


def test_a_backend_with_other_filters_gets_a_route_of_its_own_by_its_weight() -> None:
    first, second = routes({"backendRefs": [{**CARTS, "weight": 1, "filters": [REWRITE]}, {**WEB, "weight": 3}]})

    assert first["match"]["runtime_fraction"] == {"default_value": {"numerator": 250000, "denominator": "MILLION"}}
    assert first["route"]["cluster"] == "Backend/shop/carts"
    assert "regex_rewrite" in first["route"]
    assert "runtime_fraction" not in second["match"]
    assert "regex_rewrite" not in second["route"]


def test_an_unknown_filter_is_not_passed_over() -> None:
    (found,) = routes({"backendRefs": [CARTS], "filters": [UNKNOWN]})
    assert found["direct_response"] == {"status": 500}
    first, second = routes({"backendRefs": [{**CARTS, "filters": [UNKNOWN]}, WEB]})
    assert first["direct_response"] == {"status": 500}
    assert second["route"]["cluster"] == "Backend/shop/web"


def mirrored(ref: Object, **fraction: int) -> Object:
    return {"type": "RequestMirror", "requestMirror": {"backendRef": ref, "fraction": fraction}}


def test_a_mirror_that_leads_nowhere_is_left_out() -> None:
    filters = [mirrored(WEB, numerator=1, denominator=8), mirrored(MISSING, numerator=1)]
    (found,) = routes({"backendRefs": [CARTS], "filters": filters})
    (policy,) = found["route"]["request_mirror_policies"]

    assert policy["cluster"] == "Backend/shop/web"
    assert policy["runtime_fraction"]["default_value"] == {"numerator": 125000, "denominator": "MILLION"}


def test_a_session_over_several_backends_is_found_by_the_cookie_of_its_backend() -> None:
    refs = [CARTS, {**WEB, "weight": 0}]
    kept_carts, kept_web, first = routes({"backendRefs": refs, "sessionPersistence": {"sessionName": "seat"}})
    cookies = {each["match"]["headers"][0]["string_match"]["contains"] for each in (kept_carts, kept_web)}

    assert len(cookies) == 2
    assert all(each.startswith("seat-") for each in cookies)
    assert kept_web["route"]["cluster"] == "Backend/shop/web"
    assert first["route"]["cluster"] == "Backend/shop/carts"
    assert "headers" not in first["match"]


ACCEPTED, RESOLVED = ("True", "Accepted"), ("True", "ResolvedRefs")
BROKEN = {"matches": [{"path": {"type": "RegularExpression", "value": "("}}], "backendRefs": [CARTS]}
SOUND = {"matches": [{"path": {"value": "/sound"}}], "backendRefs": [CARTS]}


@pytest.mark.parametrize(
    ("rules", "conditions"),
    [
        ([SOUND], {"Accepted": ACCEPTED, "ResolvedRefs": RESOLVED}),
        (
            [SOUND, BROKEN],
            {"Accepted": ACCEPTED, "PartiallyInvalid": ("True", "UnsupportedValue"), "ResolvedRefs": RESOLVED},
        ),
        ([BROKEN], {"Accepted": ("False", "UnsupportedValue"), "ResolvedRefs": RESOLVED}),
        ([{"backendRefs": [MISSING]}], {"Accepted": ACCEPTED, "ResolvedRefs": ("False", "BackendNotFound")}),
    ],
)
def test_what_a_route_is_told(rules: list[Object], conditions: dict[str, tuple[str, str]]) -> None:
    assert told(*rules) == conditions


def test_an_expression_that_is_none_costs_its_own_rule_only() -> None:
    assert [each["match"] for each in routes(SOUND, BROKEN)] == [{"path_separated_prefix": "/sound"}]
    assert ("E1112", "spec.rules[1].matches[0].path.value") in findings(compiled(*EDGE, a_route(rules=[SOUND, BROKEN])))


@pytest.mark.parametrize(
    ("rule", "code", "field"),
    [
        ({"filters": [UNKNOWN]}, "E1106", "filters[0].extensionRef"),
        ({"backendRefs": [{**CARTS, "filters": [UNKNOWN]}]}, "E1106", "backendRefs[0].filters[0].extensionRef"),
        ({"sessionPersistence": {"sessionName": "a b"}}, "E1112", "sessionPersistence.sessionName"),
        (
            {"sessionPersistence": {"type": "Header", "absoluteTimeout": "1h"}},
            "W1113",
            "sessionPersistence.absoluteTimeout",
        ),
        (
            {"filters": [{"type": "CORS", "cors": {"allowOrigins": [f"https://*.{'a' * 120}.example"]}}]},
            "E1112",
            "filters[0].cors.allowOrigins[0]",
        ),
        (
            {"filters": [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["host"]}}]},
            "E1112",
            "filters[0].requestHeaderModifier.remove[0]",
        ),
    ],
)
def test_what_cannot_be_done_is_shown_where_it_is(rule: Object, code: str, field: str) -> None:
    found = compiled(*EDGE, a_route(rules=[{"backendRefs": [CARTS], **rule}]))
    assert findings(found) == [(code, f"spec.rules[0].{field}")]


def test_the_older_route_goes_first_and_then_the_first_by_name() -> None:
    def of(name: str, year: int) -> Object:
        route = a_route(name, rules=[SOUND])
        return route | {"metadata": route["metadata"] | {"creationTimestamp": f"{year}-01-01T00:00:00Z"}}

    def order(*objects: Object) -> tuple[str, ...]:
        (host,) = made(compiled(*EDGE, *objects), "RouteConfiguration", "tcp/0.0.0.0:80")["virtual_hosts"]
        return tuple(each["name"].split("/")[2] for each in host["routes"])

    orders = {order(*each) for each in permutations((of("c", 2025), of("b", 2026), of("a", 2026)))}
    assert orders == {("c", "a", "b")}
