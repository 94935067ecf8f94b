"""Which routes serve which hostnames of which listeners, and what the others are told."""

from __future__ import annotations

from typing import Any

import pytest

from snapshots.authoring.gateway.hostnames import HostSet, covers, intersection, wildcards_above
from tests.gateways import Object, a_gateway, a_route, an_object, compiled, conditions, status, to_backend
from tests.listeners import a_listener, a_listener_set, aged, passthrough


@pytest.mark.parametrize(
    ("listener", "route", "common"),
    [
        (None, [], ("",)),
        ("a.example", [], ("a.example",)),
        (None, ["a.example", "b.example", "a.example"], ("a.example", "b.example")),
        ("a.example", ["a.example", "b.example"], ("a.example",)),
        ("*.example", ["a.example", "a.b.example", "example", "a.other"], ("a.example", "a.b.example")),
        ("a.b.example", ["*.example", "*.b.example"], ("a.b.example",)),
        ("*.b.example", ["*.example"], ("*.b.example",)),
        ("*.example", ["*.b.example"], ("*.b.example",)),
        ("*.example", ["*.example"], ("*.example",)),
        ("*.example", ["example", "badexample"], ()),
    ],
)
def test_what_the_hostnames_of_a_listener_and_a_route_have_in_common(
    listener: str | None, route: list[str], common: tuple[str, ...]
) -> None:
    assert intersection(listener, route) == common


@pytest.mark.parametrize(
    ("name", "above"),
    [
        ("a.b.c", ["*.b.c", "*.c", ""]),
        ("*.b.c", ["*.c", ""]),
        ("c", [""]),
        ("*.c", [""]),
        ("", []),
    ],
)
def test_wildcards_above_a_name_are_those_that_cover_it(name: str, above: list[str]) -> None:
    assert list(wildcards_above(name)) == above
    assert all(covers(each, name) for each in above if each)


@pytest.mark.parametrize(
    ("name", "whose"),
    [
        ("a.b.c", "exact"),
        ("x.a.b.c", None),
        ("*.b.c", "exact"),
        ("*.c", "exact"),
        ("", "exact"),
        ("a.wild.d", "wildcard"),
        ("*.wild.d", "wildcard"),
        ("wild.d", None),
        ("other", None),
    ],
)
def test_a_host_set_finds_whom_a_name_overlaps_with(name: str, whose: str | None) -> None:
    hosts = HostSet()
    hosts.add("a.b.c", "exact")
    hosts.add("*.wild.d", "wildcard")
    assert hosts.overlapping(name) == whose


def to(parent: Object, kind: str = "HTTPRoute", name: str = "web", namespace: str = "shop", **spec: Any) -> Object:
    """A route with one parent."""
    rules = [{"backendRefs": [to_backend("carts")]}]
    return an_object(kind, name, namespace, spec={"parentRefs": [parent], "rules": rules, **spec})


def parent_of(found: Any, kind: str = "HTTPRoute", name: str = "web") -> tuple[str, str]:
    return conditions(status(found, kind, name)["parents"][0])["Accepted"]


EDGE = {"name": "edge", "namespace": "shop"}
GATEWAY = a_gateway(
    "edge",
    a_listener("http", 80, hostname="*.example"),
    a_listener("same", 81, hostname="same.example", allowedRoutes={"namespaces": {"from": "Same"}}),
    a_listener(
        "chosen", 82, allowedRoutes={"namespaces": {"from": "Selector", "selector": {"matchLabels": {"team": "web"}}}}
    ),
    passthrough("tls", 443),
    a_listener("tcp", 90, "TCP"),
)


@pytest.mark.parametrize(
    ("route", "told"),
    [
        (to(EDGE), ("True", "Accepted")),
        (to(EDGE | {"sectionName": "http"}), ("True", "Accepted")),
        (to(EDGE | {"port": 80}), ("True", "Accepted")),
        (to(EDGE | {"port": 80, "sectionName": "same"}), ("False", "NoMatchingParent")),
        (to(EDGE | {"sectionName": "missing"}), ("False", "NoMatchingParent")),
        (to(EDGE | {"sectionName": "tcp"}), ("False", "NotAllowedByListeners")),
        (to(EDGE | {"sectionName": "tls"}, "TCPRoute"), ("False", "NotAllowedByListeners")),
        (to(EDGE | {"sectionName": "tcp"}, "TCPRoute"), ("True", "Accepted")),
        (to(EDGE | {"sectionName": "tls"}, "TLSRoute", hostnames=["a.example"]), ("True", "Accepted")),
        (to(EDGE, "UDPRoute"), ("False", "NotAllowedByListeners")),
        (to(EDGE | {"sectionName": "http"}, hostnames=["a.other"]), ("False", "NoMatchingListenerHostname")),
        (to(EDGE | {"sectionName": "http"}, hostnames=["a.other", "a.example"]), ("True", "Accepted")),
        (to(EDGE | {"sectionName": "same"}, namespace="other"), ("False", "NotAllowedByListeners")),
        (to(EDGE | {"sectionName": "chosen"}, namespace="other"), ("True", "Accepted")),
        (to(EDGE | {"sectionName": "chosen"}), ("False", "NotAllowedByListeners")),
    ],
)
def test_what_a_route_is_told(route: Object, told: tuple[str, str]) -> None:
    found = compiled(GATEWAY, an_object("Namespace", "other", metadata={"labels": {"team": "web"}}), route)
    assert parent_of(found, route["kind"]) == told
    counts = [each["attachedRoutes"] for each in status(found, "Gateway", "edge")["listeners"]]
    assert (sum(counts) > 0) is (told[0] == "True")


def test_a_route_of_a_gateway_serves_none_of_its_listener_sets_and_the_other_way_round() -> None:
    gateway = a_gateway("edge", a_listener("own", 80), allowedListeners={"namespaces": {"from": "All"}})
    more = a_listener_set("more", a_listener("theirs", 81, allowedRoutes={}), namespace="team")
    of_set = {"kind": "ListenerSet", "name": "more", "namespace": "team"}
    found = compiled(
        gateway,
        more,
        to({"name": "edge"}, name="of-gateway"),
        to(of_set, name="of-set", namespace="team"),
        to(of_set, name="not-same"),
        to({"name": "edge", "sectionName": "theirs"}, name="lost"),
    )
    told = {name: parent_of(found, name=name)[1] for name in ("of-gateway", "of-set", "not-same", "lost")}
    assert told == {
        "of-gateway": "Accepted",
        "of-set": "Accepted",
        "not-same": "NotAllowedByListeners",
        "lost": "NoMatchingParent",
    }
    assert [each["attachedRoutes"] for each in status(found, "Gateway", "edge")["listeners"]] == [1]
    assert [each["attachedRoutes"] for each in status(found, "ListenerSet", "more")["listeners"]] == [1]


def test_a_route_of_a_set_that_no_gateway_takes_is_told_so() -> None:
    more = a_listener_set("more", a_listener("theirs", 81))
    found = compiled(a_gateway("edge", a_listener("own", 80)), more, to({"kind": "ListenerSet", "name": "more"}))
    assert parent_of(found) == ("False", "NoMatchingParent")


def test_each_parent_is_told_its_own_and_a_listener_counts_a_route_once() -> None:
    gateway = a_gateway("edge", a_listener("a", 80), a_listener("b", 81))
    parents = [{"name": "edge", "sectionName": "a", "port": 80}, {"name": "edge", "sectionName": "c", "port": 81}]
    spec = {"parentRefs": parents, "rules": [{}]}
    found = compiled(gateway, an_object("HTTPRoute", "web", spec=spec))
    told = [conditions(each)["Accepted"] for each in status(found, "HTTPRoute", "web")["parents"]]
    assert told == [("True", "Accepted"), ("False", "NoMatchingParent")]
    assert [each["attachedRoutes"] for each in status(found, "Gateway", "edge")["listeners"]] == [1, 0]


def test_a_missing_parent_is_a_warning_and_a_foreign_one_is_nothing() -> None:
    foreign = an_object("GatewayClass", "foreign", spec={"controllerName": "example.com/other"})
    theirs = a_gateway("theirs", a_listener("http", 80), gatewayClassName="foreign")
    found = compiled(foreign, theirs, to({"name": "theirs"}, name="a"), to({"name": "their"}, name="b"))
    assert [(each.code, each.field, each.suggestion) for each in found.findings] == [
        ("W1111", "spec.parentRefs[0].name", 'did you mean "theirs"?')
    ]
    assert found.statuses == ()


@pytest.mark.parametrize(
    ("http", "grpc", "is_shared"),
    [
        ([], [], False),
        (["a.example"], ["b.example"], True),
        (["a.example"], ["a.example"], False),
        (["*.example"], ["a.example"], False),
        (["a.example"], ["*.example"], False),
        (["a.example"], [], False),
    ],
)
def test_of_http_and_grpc_routes_of_one_hostname_the_older_is_taken(
    http: list[str], grpc: list[str], is_shared: bool
) -> None:
    older = aged(to(EDGE, "GRPCRoute", "calls", hostnames=grpc), 1)
    younger = aged(to(EDGE, "HTTPRoute", "web", hostnames=http), 2)
    found = compiled(a_gateway("edge", a_listener("http", 80)), younger, older)
    assert parent_of(found, "GRPCRoute", "calls") == ("True", "Accepted")
    assert parent_of(found) == (("True", "Accepted") if is_shared else ("False", "HostnameConflict"))


def test_a_route_of_a_listener_that_is_not_served_is_counted_and_told_of_its_backends() -> None:
    broken = a_listener("https", 443, "HTTPS", tls={"certificateRefs": [{"name": "missing"}]})
    found = compiled(a_gateway("edge", broken), a_route("web", to_backend("missing")))
    told = conditions(status(found, "HTTPRoute", "web")["parents"][0])
    assert told["Accepted"] == ("True", "Accepted")
    assert told["ResolvedRefs"] == ("False", "BackendNotFound")
    assert status(found, "Gateway", "edge")["listeners"][0]["attachedRoutes"] == 1
    assert found.resources == ()


@pytest.mark.parametrize(
    ("hostnames", "taken"),
    [
        (["a.one.example"], {"exact", "wild", "any"}),
        (["b.one.example"], {"wild", "any"}),
        (["*.one.example"], {"exact", "wild", "any"}),
        (["*.example"], {"exact", "wild", "other", "any"}),
        (["other.example", "b.one.example"], {"wild", "other", "any"}),
        (["elsewhere"], {"any"}),
        ([], {"exact", "wild", "other", "any"}),
    ],
)
def test_a_route_reaches_every_listener_that_has_a_hostname_in_common(hostnames: list[str], taken: set[str]) -> None:
    names = {"exact": "a.one.example", "wild": "*.one.example", "other": "other.example"}
    listeners = [a_listener(key, 80, hostname=name) for key, name in names.items()]
    found = compiled(a_gateway("edge", *listeners, a_listener("any", 80)), to(EDGE, hostnames=hostnames))
    counts = {each["name"]: each["attachedRoutes"] for each in status(found, "Gateway", "edge")["listeners"]}
    assert {name for name, count in counts.items() if count} == taken


def test_a_route_goes_to_default_gateways_as_if_it_named_them() -> None:
    gateways = [
        a_gateway("edge", a_listener("http", 80), defaultScope="All"),
        a_gateway("named", a_listener("http", 81), defaultScope="All"),
        a_gateway("closed", a_listener("http", 82, hostname="b.example"), defaultScope="All"),
        a_gateway("other", a_listener("http", 83)),
    ]
    spec = {"hostnames": ["a.example"], "parentRefs": [{"name": "named"}], "rules": [{}]}
    asking = an_object("HTTPRoute", "asking", spec=spec | {"useDefaultGateways": "All"})
    silent = spec | {"useDefaultGateways": "None", "hostnames": ["c.example"]}
    found = compiled(*gateways, asking, an_object("HTTPRoute", "silent", spec=silent))
    told = [
        (each["parentRef"]["name"], conditions(each)["Accepted"])
        for each in status(found, "HTTPRoute", "asking")["parents"]
    ]
    assert told == [
        ("named", ("True", "Accepted")),
        ("closed", ("False", "NoMatchingListenerHostname")),
        ("edge", ("True", "Accepted")),
    ]
    assert [(each.code, each.field) for each in found.findings] == [("E1103", "spec.useDefaultGateways")]
    assert [each["parentRef"]["name"] for each in status(found, "HTTPRoute", "silent")["parents"]] == ["named"]
    assert conditions(status(found, "Gateway", "edge"))["DefaultGateway"][0] == "True"
    assert "DefaultGateway" not in conditions(status(found, "Gateway", "other"))
