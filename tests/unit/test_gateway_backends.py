"""What backendRefs lead to: clusters, endpoints, or the reason why they lead nowhere."""

from __future__ import annotations

from typing import Any

import pytest

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

REF = "spec.rules[0].backendRefs[0]"


def a_service(*ports: Object, **spec: Any) -> Object:
    return an_object("Service", "carts", spec={"ports": ports or ({"port": 80, "name": "web"},), **spec})


def a_slice(*endpoints: Object, ports: list[Object] | None = None, family: str = "IPv4", number: int = 1) -> Object:
    return an_object(
        "EndpointSlice",
        f"carts-{number}",
        metadata={"labels": {"kubernetes.io/service-name": "carts"}},
        addressType=family,
        endpoints=endpoints,
        ports=ports or [{"name": "web", "port": 8080}],
    )


def an_endpoint(address: str, **conditions: bool) -> Object:
    return {"addresses": [address], "conditions": conditions}


def resolved(*objects: Object, ref: Object | None = None, kind: str = "HTTPRoute") -> tuple[str, str]:
    """ResolvedRefs of a route to the Service `carts`, or to what `ref` says."""
    found = compiled(a_gateway(), a_route("web", ref or {"name": "carts", "port": 80}, kind=kind), *objects)
    return conditions(status(found, kind, "web")["parents"][0])["ResolvedRefs"]


def addresses(*objects: Object, port: int = 80) -> list[str]:
    """Where a route to the Service `carts` leads."""
    found = compiled(a_gateway(), a_route("web", {"name": "carts", "port": port}), *objects)
    assignment = made(found, "ClusterLoadAssignment", f"Service/shop/carts:{port}")
    return [each for locality in assignment.get("endpoints", []) for each in map(_place, locality["lb_endpoints"])]


def _place(endpoint: Object) -> str:
    place = endpoint["endpoint"]["address"]["socket_address"]
    return f"{place['address']} {place['port_value']}"


@pytest.mark.parametrize(
    ("ref", "others", "code", "field", "reason"),
    [
        (to_backend("cart"), [a_backend()], "E0203", ".name", "BackendNotFound"),
        (to_backend(namespace="stock"), [a_backend()], "E1102", ".namespace", "RefNotPermitted"),
        ({"group": "apps", "kind": "Deployment", "name": "carts"}, [], "E1101", ".kind", "InvalidKind"),
        ({"name": "carts", "port": 81}, [a_service()], "E0203", ".port", "BackendNotFound"),
        ({"name": "carts", "port": 80}, [a_service(type="ExternalName")], "E1101", ".name", "InvalidKind"),
        (
            {"name": "carts", "port": 80},
            [a_service({"port": 80, "protocol": "UDP"})],
            "E1101",
            ".port",
            "UnsupportedProtocol",
        ),
        (to_backend(), [a_backend(endpoints=[], appProtocol="redis")], "E1101", ".name", "UnsupportedProtocol"),
        (to_backend(), [a_backend(endpoints=[], appProtocol="https")], "E1101", ".name", "UnsupportedProtocol"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_reference_that_leads_nowhere_says_why(
    ref: Object, others: list[Object], code: str, field: str, reason: str
) -> None:
    found = compiled(a_gateway(), a_route("web", ref), *others)

    assert findings(found) == [(code, REF + field)]
    assert conditions(status(found, "HTTPRoute", "web")["parents"][0])["ResolvedRefs"] == ("False", reason)
    assert names_made(found, "Cluster") == []
    assert names_made(found, "RouteConfiguration") != [], "the rest is served"


def a_grant(**to: str) -> Object:
    source = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "shop"}
    return an_object("ReferenceGrant", "carts", namespace="stock", spec={"from": [source], "to": [to]})


@pytest.mark.parametrize(
    ("grant", "answer"),
    [
        (a_grant(group="fairlead.dev", kind="Backend"), "True"),
        (a_grant(group="fairlead.dev", kind="Backend", name="carts"), "True"),
        (a_grant(group="fairlead.dev", kind="Backend", name="other"), "False"),
        (a_grant(group="", kind="Service"), "False"),
    ],
)
def test_a_grant_opens_what_it_names_and_nothing_else(grant: Object, answer: str) -> None:
    backend = a_backend()
    backend["metadata"]["namespace"] = "stock"
    assert resolved(grant, backend, ref=to_backend(namespace="stock"))[0] == answer


@pytest.mark.parametrize(
    ("app_protocol", "is_http2"),
    [
        (None, False),
        ("HTTP", False),
        ("kubernetes.io/ws", False),
        ("kubernetes.io/h2c", True),
        ("grpc", True),
    ],
)
def test_a_backend_is_spoken_to_as_its_app_protocol_says(app_protocol: str | None, is_http2: bool) -> None:
    endpoints = [{"address": "10.0.0.7", "port": 8080}]
    found = compiled(
        a_gateway(), a_route("web", to_backend()), a_backend(endpoints=endpoints, appProtocol=app_protocol)
    )

    assert findings(found) == []
    assert names_made(found, "Cluster") == ["Backend/shop/carts/h2c" if is_http2 else "Backend/shop/carts"]
    assert names_made(found, "ClusterLoadAssignment") == ["Backend/shop/carts"]


def test_a_grpc_route_speaks_http2_whatever_the_backend_calls_it() -> None:
    found = compiled(a_gateway(), a_route("web", to_backend(), kind="GRPCRoute"), a_backend())
    assert names_made(found, "Cluster") == ["Backend/shop/carts/h2c"]


def test_the_port_of_the_routes_transport_counts() -> None:
    ports = ({"port": 53, "name": "tcp"}, {"port": 53, "name": "udp", "protocol": "UDP"})
    slice_ports = [{"name": "tcp", "port": 5300}, {"name": "udp", "port": 5301, "protocol": "UDP"}]
    listeners = [
        {"name": "tcp", "port": 53, "protocol": "TCP"},
        {"name": "udp", "port": 53, "protocol": "UDP"},
    ]
    ref = {"name": "carts", "port": 53}
    found = compiled(
        a_gateway("edge", *listeners),
        a_route("tcp", ref, kind="TCPRoute"),
        a_route("udp", ref, kind="UDPRoute"),
        a_service(*ports),
        a_slice(an_endpoint("10.0.0.7"), ports=slice_ports),
    )

    tcp, udp = (made(found, "ClusterLoadAssignment", f"Service/shop/carts:53{each}") for each in ("", "/udp"))
    assert _place(tcp["endpoints"][0]["lb_endpoints"][0]) == "10.0.0.7 5300"
    assert _place(udp["endpoints"][0]["lb_endpoints"][0]) == "10.0.0.7 5301"


@pytest.mark.parametrize(
    ("endpoints", "expected"),
    [
        ([an_endpoint("10.0.0.7"), an_endpoint("10.0.0.8", ready=True)], ["10.0.0.7 8080", "10.0.0.8 8080"]),
        ([an_endpoint("10.0.0.7", ready=False), an_endpoint("10.0.0.8", ready=True)], ["10.0.0.8 8080"]),
        ([an_endpoint("10.0.0.7", ready=False, serving=True, terminating=True)], ["10.0.0.7 8080"]),
        ([an_endpoint("10.0.0.7", ready=False, serving=False, terminating=True)], []),
        (
            [an_endpoint("10.0.0.7", ready=False, serving=True, terminating=True), an_endpoint("10.0.0.8", ready=True)],
            ["10.0.0.8 8080"],
        ),
    ],
)
def test_ready_endpoints_are_used_and_ending_ones_where_none_is_ready(
    endpoints: list[Object], expected: list[str]
) -> None:
    assert addresses(a_service(), a_slice(*endpoints)) == expected


def test_slices_of_both_families_add_up_and_each_address_stands_once() -> None:
    four = [an_endpoint("10.0.0.8"), an_endpoint("10.0.0.7")]
    six = a_slice(an_endpoint("2001:DB8::0:1"), family="IPv6", number=2)
    again = a_slice(an_endpoint("10.0.0.7"), number=3)
    expected = ["10.0.0.7 8080", "10.0.0.8 8080", "2001:db8::1 8080"]
    assert addresses(a_service(), a_slice(*four), six, again) == expected


def test_a_service_that_nobody_says_the_addresses_of_is_warned_of() -> None:
    found = compiled(a_gateway(), a_route("web", {"name": "carts", "port": 80}), a_service())
    assert findings(found) == [("W1114", "metadata.name")]
    assert found.ok


def test_slices_are_read_under_the_name_of_the_services_port() -> None:
    ports = [{"name": "web", "port": 8080}, {"name": "metrics", "port": 9090}]
    service = a_service({"port": 80, "name": "web"}, {"port": 81, "name": "metrics"})
    assert addresses(service, a_slice(an_endpoint("10.0.0.7"), ports=ports), port=81) == ["10.0.0.7 9090"]


def test_addresses_stand_by_priority_and_zone_with_their_weights() -> None:
    endpoints = [
        {"address": "10.0.0.9", "port": 80, "priority": 1, "zone": "b"},
        {"address": "10.0.0.8", "port": 80, "zone": "b", "region": "eu", "weight": 3},
        {"address": "10.0.0.7", "port": 80, "zone": "b", "region": "eu", "weight": 2},
    ]
    found = compiled(a_gateway(), a_route("web", to_backend()), a_backend(endpoints=endpoints))

    localities = made(found, "ClusterLoadAssignment", "Backend/shop/carts")["endpoints"]
    assert [each["locality"] for each in localities] == [{"region": "eu", "zone": "b"}, {"zone": "b"}]
    assert [each.get("priority", 0) for each in localities] == [0, 1]
    assert [each["load_balancing_weight"] for each in localities] == [5, 1]
    assert [each["load_balancing_weight"] for each in localities[0]["lb_endpoints"]] == [2, 3]


def test_a_backend_of_a_name_is_resolved_by_envoy() -> None:
    backend = a_backend(hostname="carts.internal", port=8080)
    cluster = made(compiled(a_gateway(), a_route("web", to_backend()), backend), "Cluster", "Backend/shop/carts")

    assert cluster["type"] == "STRICT_DNS"
    assert _place(cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]) == "carts.internal 8080"


def test_a_dynamic_backend_leaves_its_endpoints_to_the_endpoints_api() -> None:
    found = compiled(a_gateway(), a_route("web", to_backend()), a_backend(endpoints="dynamic"))

    assert findings(found) == []
    assert made(found, "Cluster", "Backend/shop/carts")["eds_cluster_config"]["service_name"] == "Backend/shop/carts"
    assert names_made(found, "ClusterLoadAssignment") == []


def test_only_backends_that_something_refers_to_become_clusters() -> None:
    refs = [to_backend(), to_backend("unweighted", weight=0)]
    found = compiled(
        a_gateway(),
        a_route("web", *refs),
        a_route("elsewhere", to_backend("hidden"), parentRefs=[{"name": "edge", "port": 81}]),
        *(a_backend(name) for name in ("carts", "unweighted", "hidden", "unnamed")),
    )
    assert names_made(found, "Cluster") == ["Backend/shop/carts"]
