"""What rules that ask a service first come to: filters of the connection manager, and routes that turn them on."""

from __future__ import annotations

from typing import Any

from tests.gateways import (
    Object,
    a_backend,
    a_gateway,
    a_route,
    an_object,
    compiled,
    conditions,
    findings,
    made,
    names_made,
    status,
    to_backend,
)
from tests.listeners import a_listener, a_pair, terminating

BIND = "tcp/0.0.0.0:80"


def asks(backend: str = "auth", **http: Any) -> Object:
    auth = {"protocol": "HTTP", "backendRef": to_backend(backend), "http": http}
    return {"type": "ExternalAuth", "externalAuth": auth}


def a_rule(path: str, *filters: Object) -> Object:
    return {"matches": [{"path": {"value": path}}], "filters": filters, "backendRefs": [to_backend()]}


def served(*rules: Object, gateway: Object | None = None) -> Any:
    return compiled(gateway or a_gateway(), a_route("web", rules=rules), a_backend(), a_backend("auth"))


def guards(found: Any, chain: int = 0) -> list[Object]:
    listener = made(found, "Listener", names_made(found, "Listener")[0])
    manager = listener["filter_chains"][chain]["filters"][0]["typed_config"]
    return [each for each in manager["http_filters"] if each["name"].startswith("fairlead/guard/")]


def test_rules_that_ask_alike_turn_one_filter_on_and_the_others_none() -> None:
    found = served(a_rule("/a", asks()), a_rule("/b", asks()), a_rule("/c"))

    (guard,) = guards(found)
    assert guard["name"].startswith("fairlead/guard/Backend/shop/auth/")
    assert guard["disabled"] is True
    (name,) = names_made(found, "RouteConfiguration")
    routes = made(found, "RouteConfiguration", name)["virtual_hosts"][0]["routes"]
    assert [list(each.get("typed_per_filter_config", {})) for each in routes] == [[guard["name"]], [guard["name"]], []]


def test_what_is_asked_in_another_way_is_another_filter() -> None:
    found = served(a_rule("/a", asks()), a_rule("/b", asks(path="/check")), a_rule("/c", asks(path="/check/")))
    assert len(guards(found)) == 2


def test_routes_get_a_new_name_with_their_guards_and_keep_it_while_these_stay() -> None:
    names = [
        names_made(served(*rules), "RouteConfiguration")
        for rules in (
            [a_rule("/a")],
            [a_rule("/a", asks())],
            [a_rule("/b", asks()), a_rule("/c")],
            [a_rule("/a", asks(path="/check"))],
        )
    ]
    assert names[0] == [BIND]
    assert names[1] == names[2]
    assert names[1][0].startswith(f"{BIND}/guarded/")
    assert names[3] not in (names[0], names[1])


def test_hosts_with_guards_are_one_route_configuration_however_many_they_are() -> None:
    """Where slices look for routes again, a filter that is off stays off."""
    hosts = [f"a-host-with-a-long-name-{number}.shop.example" for number in range(16 * 40)]
    routes = [a_route(f"r{at}", to_backend(), hostnames=hosts[at : at + 16]) for at in range(0, len(hosts), 16)]
    plain = compiled(a_gateway(), a_backend(), *routes)
    guarded = a_route("guarded", hostnames=["guarded.example"], rules=[a_rule("/", asks())])
    found = compiled(a_gateway(), a_backend(), a_backend("auth"), guarded, *routes)

    assert len(names_made(plain, "ScopedRouteConfiguration")) > len(hosts)
    # Connections from before find back to all hosts but those that a guard is to be asked about.
    assert names_made(found, "ScopedRouteConfiguration") == [f"{BIND}/(whole)"]
    open_to_all, guarded = sorted(names_made(found, "RouteConfiguration"))
    assert open_to_all == BIND
    answers = {}
    for name in (open_to_all, guarded):
        served = {each["name"]: each for each in made(found, "RouteConfiguration", name)["virtual_hosts"]}
        answers[name] = [served[each]["routes"][0].get("direct_response") for each in ("guarded.example", hosts[0])]
    assert answers == {open_to_all: [{"status": 403}, None], guarded: [None, None]}


def test_only_the_connection_manager_that_needs_a_guard_has_it() -> None:
    gateway = a_gateway("edge", terminating("a", 443, "a.example"), terminating("b", 443, "b.example"))
    parents = [{"name": "edge", "sectionName": "a"}]
    guarded = a_route("web", rules=[a_rule("/", asks())]) | {}
    guarded["spec"] |= {"parentRefs": parents}
    found = compiled(gateway, a_pair(), guarded, a_backend(), a_backend("auth"))
    assert [len(guards(found, chain)) for chain in (0, 1)] == [1, 0]


def test_a_service_that_is_asked_is_spoken_to_as_its_policy_says() -> None:
    validation = {"hostname": "auth.internal", "wellKnownCACertificates": "System"}
    policy = an_object("BackendTLSPolicy", "auth", spec={"targetRefs": [to_backend("auth")], "validation": validation})
    found = compiled(a_gateway(), a_route("web", rules=[a_rule("/", asks())]), a_backend(), a_backend("auth"), policy)
    assert made(found, "Cluster", "Backend/shop/auth")["transport_socket"]["name"] == "envoy.transport_sockets.tls"


def test_a_rule_whose_service_is_not_there_answers_500_and_says_so() -> None:
    found = served(a_rule("/a", asks("missing")), a_rule("/b"))

    assert findings(found) == [("E0203", "spec.rules[0].filters[0].externalAuth.backendRef.name")]
    (parent,) = status(found, "HTTPRoute", "web")["parents"]
    assert conditions(parent)["ResolvedRefs"] == ("False", "BackendNotFound")
    routes = made(found, "RouteConfiguration", BIND)["virtual_hosts"][0]["routes"]
    assert [each.get("direct_response") for each in routes] == [{"status": 500}, None]


def test_a_service_of_another_namespace_needs_a_grant() -> None:
    filters = asks()
    filters["externalAuth"]["backendRef"]["namespace"] = "identity"
    auth = a_backend("auth") | {"metadata": {"name": "auth", "namespace": "identity"}}
    source = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "shop"}
    to = {"group": "fairlead.dev", "kind": "Backend"}
    grant = an_object("ReferenceGrant", "shop", "identity", spec={"from": [source], "to": [to]})
    objects = (a_gateway(), a_route("web", rules=[a_rule("/", filters)]), a_backend(), auth)

    assert [code for code, _ in findings(compiled(*objects))] == ["E1102"]
    assert findings(compiled(*objects, grant)) == []


def test_a_backend_can_have_a_guard_of_its_own() -> None:
    refs = [to_backend(weight=1) | {"filters": [asks()]}, to_backend("other", weight=1)]
    route = a_route("web", rules=[{"backendRefs": refs}])
    found = compiled(
        a_gateway("edge", a_listener("http", 80)), route, a_backend(), a_backend("other"), a_backend("auth")
    )
    (name,) = names_made(found, "RouteConfiguration")
    routes = made(found, "RouteConfiguration", name)["virtual_hosts"][0]["routes"]
    assert ["typed_per_filter_config" in each for each in routes] == [True, False]
