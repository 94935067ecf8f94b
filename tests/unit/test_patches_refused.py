"""EnvoyPatches that are wrong: each holds back itself alone, and says so at its very line and in its status."""

from __future__ import annotations

import pytest

from tests.gateways import Object, a_backend, a_gateway, a_route, an_object, compiled, conditions, status, to_backend
from tests.listeners import a_listener
from tests.patches import ANSWERS, BACKEND, FILTERS, GATEWAY, ROUTE, a_patch, a_site, hosts, op, routes, said

# Target, part, merge or json; code, field; the reason in the status.
WRONG: dict[str, tuple[Object, str, Object, str, str, str]] = {
    "no such object": (ROUTE | {"name": "wbe"}, "Route", {"merge": {}}, "E1201", "spec.target.name", "TargetNotFound"),
    "no such listener": (
        GATEWAY | {"sectionName": "htp"},
        "Listener",
        {"merge": {}},
        "E1201",
        "spec.target.sectionName",
        "TargetNotFound",
    ),
    "no such rule": (
        ROUTE | {"sectionName": "1"},
        "Route",
        {"merge": {}},
        "E1201",
        "spec.target.sectionName",
        "TargetNotFound",
    ),
    "section of what has none": (
        BACKEND | {"sectionName": "a"},
        "Cluster",
        {"merge": {}},
        "E1201",
        "spec.target.sectionName",
        "TargetNotFound",
    ),
    "a kind without parts": (
        {"kind": "Secret", "name": "a"},
        "Cluster",
        {"merge": {}},
        "E1201",
        "spec.target.kind",
        "TargetNotFound",
    ),
    "wrong group": (
        BACKEND | {"group": "shop"},
        "Cluster",
        {"merge": {}},
        "E1201",
        "spec.target.group",
        "TargetNotFound",
    ),
    "a part of another kind": (BACKEND, "Route", {"merge": {}}, "E1202", "spec.part", "PartNotFound"),
    "nothing generated": (GATEWAY, "UdpProxy", {"merge": {}}, "W1208", "spec.part", "NothingToPatch"),
    "no such field": (
        BACKEND,
        "Cluster",
        {"merge": {"conect_timeout": "1s"}},
        "E0301",
        "spec.merge.conect_timeout",
        "Invalid",
    ),
    "a value of another type": (
        BACKEND,
        "Cluster",
        {"merge": {"upstream_connection_options": {"tcp_keepalive": {"keepalive_time": "x"}}}},
        "E0302",
        "spec.merge.upstream_connection_options.tcp_keepalive.keepalive_time",
        "Invalid",
    ),
    "a broken rule": (
        BACKEND,
        "Cluster",
        {"merge": {"connect_timeout": "-1s"}},
        "E0401",
        "spec.merge.connect_timeout",
        "Invalid",
    ),
    "what Envoy requires removed": (
        GATEWAY,
        "HttpConnectionManager",
        {"merge": {"stat_prefix": None}},
        "E0401",
        "spec.merge.stat_prefix",
        "Invalid",
    ),
    "two alternatives": (
        GATEWAY,
        "HttpConnectionManager",
        {"merge": {"routeConfig": {"name": "x"}}},
        "E0308",
        "spec.merge.route_config",
        "Invalid",
    ),
    "an unknown type": (
        GATEWAY,
        "HttpConnectionManager",
        {"json": [op("add", f"{FILTERS}/0", value={"name": "x", "typed_config": {"@type": "nobody/knows.It"}})]},
        "E0304",
        "spec.json[0].value.typed_config.@type",
        "Invalid",
    ),
    "a domain twice": (
        GATEWAY,
        "VirtualHost",
        {"json": [op("add", "/domains/-", value="a.example"), op("add", "/domains/-", value="A.example")]},
        "E0503",
        "spec.json[1].value",
        "Invalid",
    ),
    "a path that is not set": (
        BACKEND,
        "Cluster",
        {"json": [op("replace", "/health_checks/0/interval", value="1s")]},
        "E1204",
        "spec.json[0].path",
        "PathNotFound",
    ),
    "a path into a scalar": (
        BACKEND,
        "Cluster",
        {"json": [op("add", "/connect_timeout/seconds", value=1)]},
        "E1204",
        "spec.json[0].path",
        "PathNotFound",
    ),
    "a path of no field": (
        BACKEND,
        "Cluster",
        {"json": [op("add", "/conect_timeout", value="1s")]},
        "E1204",
        "spec.json[0].path",
        "PathNotFound",
    ),
    "no item of this name": (
        GATEWAY,
        "HttpConnectionManager",
        {"json": [op("remove", f"{FILTERS}/name=lua")]},
        "E1204",
        "spec.json[0].path",
        "PathNotFound",
    ),
    "a from that is not set": (
        BACKEND,
        "Cluster",
        {"json": [op("move", "/alt_stat_name", **{"from": "/metadata"})]},
        "E1204",
        "spec.json[0].from",
        "PathNotFound",
    ),
    "a test that does not hold": (
        BACKEND,
        "Cluster",
        {"json": [op("test", "/connect_timeout", value="1s")]},
        "E1205",
        "spec.json[0].value",
        "TestFailed",
    ),
    "a new name": (BACKEND, "Cluster", {"merge": {"name": "mine"}}, "E1206", "spec.merge.name", "Invalid"),
    "a name taken away": (ROUTE, "Route", {"json": [op("remove", "/name")]}, "E1206", "spec.json[0].path", "Invalid"),
    "endpoints of another cluster": (
        BACKEND,
        "Endpoints",
        {"merge": {"clusterName": "mine"}},
        "E1206",
        "spec.merge.cluster_name",
        "Invalid",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_patch_holds_back_itself_alone(case: str) -> None:
    target, part, change, code, field, reason = WRONG[case]
    good = a_patch(BACKEND, "Cluster", "good", merge={"per_connection_buffer_limit_bytes": 77}, priority=1)
    without = compiled(*a_site(good))

    found = compiled(*a_site(a_patch(target, part, **change), good))

    assert said(found) == [(code, field)]
    assert [each.resource for each in found.resources] == [each.resource for each in without.resources]
    told = conditions(status(found, "EnvoyPatch", "patch"))
    assert ("False", reason) in told.values()
    assert told["Programmed"][0] == "False"
    assert conditions(status(found, "EnvoyPatch", "good"))["Programmed"] == ("True", "Programmed")


def test_patch_that_fails_in_one_place_is_done_in_none() -> None:
    split = a_route("web", to_backend(), hostnames=["a.example"])
    split["spec"]["rules"].insert(
        0,
        {
            "matches": [{"path": {"value": "/old"}}],
            "filters": [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https"}}],
        },
    )
    patch = a_patch(ROUTE, "Route", json=[op("replace", "/route/timeout", value="4s")])

    found = compiled(a_gateway(), a_backend(), split, patch)

    assert said(found) == [("E1204", "spec.json[0].path")]
    assert routes(found)["HTTPRoute/shop/web/1"][0]["route"]["timeout"] == "0s"


def test_listener_that_serves_another_namespace_too_is_not_patched() -> None:
    theirs = an_object(
        "Gateway", "theirs", namespace="other", spec=a_gateway("x", a_listener("t", 80, hostname="t.example"))["spec"]
    )
    shared = a_site(theirs)

    for part in ("Listener", "FilterChain", "HttpConnectionManager", "RouteConfiguration"):
        found = compiled(*shared, a_patch(GATEWAY, part, merge={}))
        assert said(found) == [("E1203", "spec.part")]
        assert conditions(status(found, "EnvoyPatch", "patch"))["Accepted"] == ("False", "NotPermitted")
    own_host = compiled(*shared, a_patch(GATEWAY, "VirtualHost", merge=ANSWERS))
    assert said(own_host) == []
    assert [each["domains"] for each in hosts(own_host) if "response_headers_to_add" in each] == [["*"]]


def test_patch_reaches_its_own_namespace_only() -> None:
    foreign = an_object(
        "EnvoyPatch", "patch", namespace="other", spec={"target": BACKEND, "part": "Cluster", "merge": {}}
    )

    assert said(compiled(*a_site(foreign))) == [("E1201", "spec.target.name")]


def test_references_of_what_was_patched_are_its_own() -> None:
    found = compiled(*a_site(a_patch(ROUTE, "Route", merge={"route": {"cluster": "elsewhere"}})))

    assert [each.code for each in found.findings] == ["W0504"]
    assert [each.resource.name for each in found.resources if each.resource.type_url.endswith(".Cluster")] == [
        "Backend/shop/carts"
    ]
