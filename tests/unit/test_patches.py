"""EnvoyPatch: what patches make of what is generated, by the object that was authored."""

from __future__ import annotations

from typing import Any

import pytest

from snapshots.authoring.gateway import slices
from tests.gateways import (
    Object,
    a_backend,
    a_gateway,
    a_route,
    an_object,
    compiled,
    conditions,
    made,
    names_made,
    status,
    to_backend,
)
from tests.listeners import a_listener, a_listener_set, a_pair, passthrough, terminating
from tests.patches import ANSWERS, BACKEND, FILTERS, GATEWAY, ROUTE, a_patch, a_site, hosts, op, routes, said

PORT_80, EVERYWHERE = "tcp/0.0.0.0:80", "tcp/0.0.0.0:443"
LUA = "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua"


def at(value: Any, *path: str | int) -> Any:
    for step in path:
        value = value[step]
    return value


HCM = ("filter_chains", 0, "filters", 0, "typed_config")
HTTPS_SITE = (
    a_gateway(
        "edge",
        terminating("shop", 443, "shop.example"),
        terminating("rest", 443),
        passthrough("raw", 443, "raw.example"),
    ),
    a_pair(),
    a_route("web", to_backend()),
    an_object(
        "TLSRoute",
        "raw",
        spec={
            "parentRefs": [{"name": "edge"}],
            "hostnames": ["raw.example"],
            "rules": [{"backendRefs": [to_backend()]}],
        },
    ),
    a_backend(),
)
TLS_POLICY = an_object(
    "BackendTLSPolicy",
    "trust",
    spec={
        "targetRefs": [{"group": "fairlead.dev", "kind": "Backend", "name": "carts"}],
        "validation": {"hostname": "carts.example", "wellKnownCACertificates": "System"},
    },
)
UDP_SITE = (
    a_gateway("edge", a_listener("dns", 53, "UDP"), a_listener("raw", 7, "TCP")),
    a_backend(),
    *(
        an_object(kind, "any", spec={"parentRefs": [{"name": "edge"}], "rules": [{"backendRefs": [to_backend()]}]})
        for kind in ("UDPRoute", "TCPRoute")
    ),
)
SERVICE = (
    an_object("Service", "carts", spec={"ports": [{"name": "web", "port": 80}, {"name": "admin", "port": 81}]}),
    a_gateway(),
    a_route("web", {"name": "carts", "port": 80}),
    a_route("admin", {"name": "carts", "port": 81}, hostnames=["admin.example"]),
)

# Objects; target, part, merge; type and name of what is changed, and where in it; what is there then.
PARTS: dict[str, tuple[tuple[Object, ...], Object, str, Object, str, str, tuple[str | int, ...], Any]] = {
    "listener": (
        a_site(),
        GATEWAY | {"sectionName": "http"},
        "Listener",
        {"perConnectionBufferLimitBytes": 4096},
        *("Listener", PORT_80, ("per_connection_buffer_limit_bytes",), 4096),
    ),
    "filter chain": (
        a_site(),
        GATEWAY,
        "FilterChain",
        {"transport_socket_connect_timeout": "3s"},
        *("Listener", PORT_80, ("filter_chains", 0, "transport_socket_connect_timeout"), "3s"),
    ),
    "filter chain of one hostname": (
        HTTPS_SITE,
        GATEWAY | {"sectionName": "rest"},
        "FilterChain",
        {"transport_socket_connect_timeout": "3s"},
        *("Listener", EVERYWHERE, ("filter_chains", 1, "transport_socket_connect_timeout"), "3s"),
    ),
    "connection manager": (
        a_site(),
        GATEWAY,
        "HttpConnectionManager",
        {"commonHttpProtocolOptions": {"idleTimeout": "7s"}},
        *("Listener", PORT_80, (*HCM, "common_http_protocol_options", "idle_timeout"), "7s"),
    ),
    "TLS of a listener": (
        HTTPS_SITE,
        GATEWAY | {"sectionName": "shop"},
        "DownstreamTls",
        {"commonTlsContext": {"tlsParams": {"tlsMinimumProtocolVersion": "TLSv1_3"}}},
        "Listener",
        EVERYWHERE,
        ("filter_chains", 0, "transport_socket", "typed_config", "common_tls_context", "tls_params"),
        {"tls_minimum_protocol_version": "TLSv1_3"},
    ),
    "proxy of a TLS listener": (
        HTTPS_SITE,
        GATEWAY | {"sectionName": "raw"},
        "TcpProxy",
        {"idle_timeout": "9s"},
        *("Listener", EVERYWHERE, ("filter_chains", 2, "filters", 0, "typed_config", "idle_timeout"), "9s"),
    ),
    "proxy of a TLSRoute": (
        HTTPS_SITE,
        {"kind": "TLSRoute", "name": "raw"},
        "TcpProxy",
        {"idle_timeout": "9s"},
        *("Listener", EVERYWHERE, ("filter_chains", 2, "filters", 0, "typed_config", "idle_timeout"), "9s"),
    ),
    "proxy of a TCPRoute": (
        UDP_SITE,
        {"kind": "TCPRoute", "name": "any"},
        "TcpProxy",
        {"idle_timeout": "9s"},
        *("Listener", "tcp/0.0.0.0:7", ("filter_chains", 0, "filters", 0, "typed_config", "idle_timeout"), "9s"),
    ),
    "proxy of a UDPRoute": (
        UDP_SITE,
        {"kind": "UDPRoute", "name": "any"},
        "UdpProxy",
        {"idle_timeout": "9s"},
        *("Listener", "udp/0.0.0.0:53", ("listener_filters", 0, "typed_config", "idle_timeout"), "9s"),
    ),
    "proxy of a UDP listener": (
        UDP_SITE,
        GATEWAY | {"sectionName": "dns"},
        "UdpProxy",
        {"idle_timeout": "9s"},
        *("Listener", "udp/0.0.0.0:53", ("listener_filters", 0, "typed_config", "idle_timeout"), "9s"),
    ),
    "route configuration": (
        a_site(),
        GATEWAY,
        "RouteConfiguration",
        {"max_direct_response_body_size_bytes": 99},
        *("RouteConfiguration", PORT_80, ("max_direct_response_body_size_bytes",), 99),
    ),
    "cluster": (
        a_site(),
        BACKEND,
        "Cluster",
        {"circuitBreakers": {"thresholds": [{"maxConnections": 3}]}},
        *("Cluster", "Backend/shop/carts", ("circuit_breakers", "thresholds"), [{"max_connections": 3}]),
    ),
    "cluster of a Service's port": (
        SERVICE,
        {"kind": "Service", "name": "carts", "sectionName": "admin"},
        "Cluster",
        {"connect_timeout": "1s"},
        *("Cluster", "Service/shop/carts:81", ("connect_timeout",), "1s"),
    ),
    "endpoints": (
        a_site(),
        BACKEND,
        "Endpoints",
        {"policy": {"overprovisioningFactor": 200}},
        *("ClusterLoadAssignment", "Backend/shop/carts", ("policy", "overprovisioning_factor"), 200),
    ),
    "endpoints found by name": (
        (a_gateway(), a_route("web", to_backend()), a_backend(hostname="carts.internal", port=80)),
        BACKEND,
        "Endpoints",
        {"policy": {"overprovisioningFactor": 200}},
        *("Cluster", "Backend/shop/carts", ("load_assignment", "policy", "overprovisioning_factor"), 200),
    ),
    "TLS of a backend": (
        a_site(TLS_POLICY),
        BACKEND,
        "UpstreamTls",
        {"allow_renegotiation": True},
        *("Cluster", "Backend/shop/carts", ("transport_socket", "typed_config", "allow_renegotiation"), True),
    ),
    "TLS of a policy": (
        a_site(TLS_POLICY),
        {"kind": "BackendTLSPolicy", "name": "trust"},
        "UpstreamTls",
        {"sni": "other.example"},
        *("Cluster", "Backend/shop/carts", ("transport_socket", "typed_config", "sni"), "other.example"),
    ),
}


@pytest.mark.parametrize("case", PARTS)
def test_part_of_an_authored_object_is_patched(case: str) -> None:
    objects, target, part, merge, kind, name, path, expected = PARTS[case]

    found = compiled(*objects, a_patch(target, part, merge=merge))

    assert said(found) == []
    assert at(made(found, kind, name), *path) == expected
    assert conditions(status(found, "EnvoyPatch", "patch")) == {
        "Accepted": ("True", "Accepted"),
        "Programmed": ("True", "Programmed"),
    }


@pytest.mark.parametrize("case", PARTS)
def test_only_that_part_is_changed(case: str) -> None:
    objects, target, part, merge, kind, name, *_ = PARTS[case]
    before = {(each.resource.type_url, each.resource.name): each.resource for each in compiled(*objects).resources}

    after = compiled(*objects, a_patch(target, part, merge=merge)).resources

    changed = [each.resource for each in after if before[each.resource.type_url, each.resource.name] != each.resource]
    assert [(each.type_url.rpartition(".")[2], each.name) for each in changed] == [(kind, name)]


def test_listener_of_a_listener_set_is_patched() -> None:
    extra = a_listener_set("extra", a_listener("more", 81))
    allowing = a_gateway("edge", allowedListeners={"namespaces": {"from": "Same"}})
    target = {"kind": "ListenerSet", "name": "extra", "sectionName": "more"}

    found = compiled(allowing, extra, a_patch(target, "HttpConnectionManager", merge={"server_name": "set"}))

    assert at(made(found, "Listener", "tcp/0.0.0.0:81"), *HCM)["server_name"] == "set"
    assert "server_name" not in at(made(found, "Listener", PORT_80), *HCM)


def test_every_address_of_a_listener_is_patched() -> None:
    two = a_gateway("edge", addresses=[{"value": "10.0.0.1"}, {"value": "10.0.0.2"}])

    found = compiled(two, a_patch(GATEWAY, "Listener", merge={"perConnectionBufferLimitBytes": 1}))

    for address in ("10.0.0.1", "10.0.0.2"):
        assert made(found, "Listener", f"tcp/{address}:80")["per_connection_buffer_limit_bytes"] == 1


RULES = a_route("web", hostnames=["a.example", "b.example"])
RULES["spec"]["rules"] = [
    {
        "name": "pay",
        "matches": [{"path": {"value": "/pay"}}, {"path": {"value": "/bill"}}],
        "backendRefs": [to_backend()],
    },
    {"backendRefs": [to_backend()]},
]


@pytest.mark.parametrize(
    ("section", "patched"),
    [
        ({"sectionName": "pay"}, {"HTTPRoute/shop/web/pay"}),
        ({"sectionName": "1"}, {"HTTPRoute/shop/web/1"}),
        ({}, {"HTTPRoute/shop/web/pay", "HTTPRoute/shop/web/1"}),
    ],
)
def test_routes_of_a_rule_are_patched_wherever_they_are_served(section: Object, patched: set[str]) -> None:
    patch = a_patch(ROUTE | section, "Route", merge={"route": {"timeout": "4s"}})

    found = compiled(a_gateway(), a_backend(), RULES, patch)

    every = routes(found)
    assert len(every["HTTPRoute/shop/web/pay"]) == 4, "two matches under two hostnames"
    assert {name for name, each in every.items() if {one["route"]["timeout"] for one in each} == {"4s"}} == patched


@pytest.mark.parametrize(
    ("hostname", "patched"), [({}, {"a.example", "b.example", "*"}), ({"hostname": "a.example"}, {"a.example"})]
)
def test_virtual_hosts_of_a_listener_are_patched(hostname: Object, patched: set[str]) -> None:
    patch = a_patch(GATEWAY | {"sectionName": "http"} | hostname, "VirtualHost", merge=ANSWERS)

    found = compiled(a_gateway(), a_backend(), RULES, patch)

    assert said(found) == []
    assert {each["domains"][0] for each in hosts(found) if "response_headers_to_add" in each} == patched


def test_hosts_that_are_spread_over_slices_are_all_patched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "WHOLE_LIMIT_BYTES", 300)
    site = (a_gateway(), a_backend(), RULES)

    every = compiled(*site, a_patch(GATEWAY, "VirtualHost", merge=ANSWERS))
    one = compiled(*site, a_patch(GATEWAY | {"hostname": "a.example"}, "VirtualHost", merge=ANSWERS))
    whole = compiled(*site, a_patch(GATEWAY, "RouteConfiguration", merge={"maxDirectResponseBodySizeBytes": 9}))

    assert len(names_made(every, "RouteConfiguration")) > 1
    assert {each["domains"][0] for each in hosts(every) if "response_headers_to_add" in each} == {
        *("a.example", "b.example", "*")
    }
    assert {each["domains"][0] for each in hosts(one) if "response_headers_to_add" in each} == {"a.example"}
    configurations = [made(whole, "RouteConfiguration", name) for name in names_made(whole, "RouteConfiguration")]
    assert {each["max_direct_response_body_size_bytes"] for each in configurations} == {9}


def test_every_listener_of_a_port_is_patched_where_none_is_named() -> None:
    plain = a_gateway("edge", a_listener("a", 80, hostname="a.example"), a_listener("b", 80, hostname="b.example"))

    secure = compiled(*HTTPS_SITE, a_patch(GATEWAY, "FilterChain", merge={"transportSocketConnectTimeout": "3s"}))
    shared = compiled(plain, a_patch(GATEWAY, "VirtualHost", merge=ANSWERS))

    chains = made(secure, "Listener", EVERYWHERE)["filter_chains"]
    assert [each.get("transport_socket_connect_timeout") for each in chains] == ["3s"] * 3
    assert [each["domains"] for each in hosts(shared) if "response_headers_to_add" in each] == [
        ["a.example"],
        ["b.example"],
    ]


def test_virtual_host_of_the_listener_that_shares_a_port_is_not_patched() -> None:
    edge = a_gateway("edge", a_listener("http", 80), a_listener("a", 80, hostname="a.example"))

    found = compiled(edge, a_patch(GATEWAY | {"sectionName": "a"}, "VirtualHost", merge=ANSWERS))

    assert [each["domains"] for each in hosts(found) if "response_headers_to_add" in each] == [["a.example"]]


ROUTER = "envoy.filters.http.router"
LUA_FILTER = {"name": "lua", "typedConfig": {"@type": LUA, "inlineCode": "x"}}


def operated(*operations: Object, part: str = "HttpConnectionManager") -> Object:
    """The connection manager after a JSON patch."""
    found = compiled(*a_site(a_patch(GATEWAY, part, json=operations)))
    assert said(found) == []
    listener = made(found, "Listener", PORT_80)
    return at(listener, *HCM) if part == "HttpConnectionManager" else listener


def filters(manager: Object) -> list[str]:
    return [each["name"].rpartition(".")[2] for each in manager["http_filters"]]


OPERATIONS: dict[str, tuple[list[Object], list[str]]] = {
    "before an item by number": (
        [op("add", f"{FILTERS}/0", value=LUA_FILTER)],
        ["lua", "cors", "stateful_session", "router"],
    ),
    "before an item by name": (
        [op("add", f"{FILTERS}/name={ROUTER}", value=LUA_FILTER)],
        ["cors", "stateful_session", "lua", "router"],
    ),
    "removed by name": ([op("remove", f"{FILTERS}/name=envoy.filters.http.cors")], ["stateful_session", "router"]),
    "name in camel case": ([op("remove", "/httpFilters/0")], ["stateful_session", "router"]),
    "moved": ([op("move", f"{FILTERS}/0", **{"from": f"{FILTERS}/1"})], ["stateful_session", "cors", "router"]),
    "at the end, and the old end away": (
        [op("copy", f"{FILTERS}/-", **{"from": f"{FILTERS}/2"}), op("remove", f"{FILTERS}/2")],
        ["cors", "stateful_session", "router"],
    ),
    "replaced": (
        [op("replace", f"{FILTERS}/0", value=LUA_FILTER), op("test", f"{FILTERS}/0/name", value="lua")],
        ["lua", "stateful_session", "router"],
    ),
    "test of a whole item": (
        [
            op(
                "test",
                f"{FILTERS}/0",
                value={
                    "name": "envoy.filters.http.cors",
                    "typedConfig": {"@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors"},
                },
            ),
            op("remove", f"{FILTERS}/0"),
        ],
        ["stateful_session", "router"],
    ),
}


@pytest.mark.parametrize("case", OPERATIONS)
def test_json_patch_is_done(case: str) -> None:
    operations, expected = OPERATIONS[case]

    assert filters(operated(*operations)) == expected


def test_inside_of_a_typed_configuration_is_patched() -> None:
    path = f"{FILTERS}/name={ROUTER}/typedConfig/suppressEnvoyHeaders"

    router = operated(op("add", path, value=True))["http_filters"][2]

    assert router["typed_config"]["suppress_envoy_headers"] is True


def test_list_and_map_that_nobody_has_set_are_there_and_empty() -> None:
    manager = operated(op("add", "/access_log/-", value={"name": "log"}), part="Listener")
    host = {"key": "x", "value": "y"}
    found = compiled(
        *a_site(a_patch(GATEWAY, "VirtualHost", json=[op("add", "/response_headers_to_add/-", value={"header": host})]))
    )

    assert manager["access_log"] == [{"name": "log"}]
    assert hosts(found)[0]["response_headers_to_add"] == [{"header": host}]


def test_patches_go_by_priority_and_then_by_name_and_the_last_has_the_last_word() -> None:
    late = a_patch(BACKEND, "Cluster", "a", merge={"connect_timeout": "1s"}, priority=1)
    first = a_patch(BACKEND, "Cluster", "b", merge={"connect_timeout": "2s"})
    second = a_patch(
        BACKEND,
        "Cluster",
        "c",
        json=[op("test", "/connect_timeout", value="2s"), op("replace", "/connectTimeout", value="3s")],
    )

    found = compiled(*a_site(late, second, first))

    assert made(found, "Cluster", "Backend/shop/carts")["connect_timeout"] == "1s"
    assert said(found) == [("W1207", "spec.merge.connect_timeout"), ("W1207", "spec.json[1].value")]


def test_patches_that_write_side_by_side_are_no_overlap() -> None:
    one = a_patch(GATEWAY, "HttpConnectionManager", "a", json=[op("add", f"{FILTERS}/0", value=LUA_FILTER)])
    two = a_patch(
        GATEWAY, "HttpConnectionManager", "b", json=[op("add", f"{FILTERS}/0", value={**LUA_FILTER, "name": "two"})]
    )
    three = a_patch(GATEWAY, "HttpConnectionManager", "c", merge={"server_name": "x"})

    found = compiled(*a_site(one, two, three))

    assert said(found) == []
    assert filters(at(made(found, "Listener", PORT_80), *HCM))[:2] == ["two", "lua"]


def test_patched_bytes_do_not_depend_on_the_order_of_documents() -> None:
    patches = [
        a_patch(BACKEND, "Cluster", name, merge={"connect_timeout": f"{number}s"})
        for number, name in enumerate("abc", 1)
    ]
    site = a_site(*patches)

    assert [each.resource for each in compiled(*site).resources] == [
        each.resource for each in compiled(*reversed(site)).resources
    ]


def test_names_are_taken_in_both_forms_and_keys_that_are_no_fields_as_they_are() -> None:
    options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    merge = {
        "metadata": {"filterMetadata": {"someKey": {"innerKey": {"deepKey": 1}}}},
        "lbPolicy": "LEAST_REQUEST",
        "maxRequestsPerConnection": 5,
        "upstreamConnectionOptions": {"tcpKeepalive": {"keepaliveTime": 7}},
        "typedExtensionProtocolOptions": {
            options: {
                "@type": f"type.googleapis.com/{options}",
                "commonHttpProtocolOptions": {"idleTimeout": "9s"},
                "explicitHttpConfig": {"httpProtocolOptions": {}},
            }
        },
    }

    found = compiled(*a_site(a_patch(BACKEND, "Cluster", merge=merge)))

    assert said(found) == []
    cluster = made(found, "Cluster", "Backend/shop/carts")
    assert cluster["metadata"] == {"filter_metadata": {"someKey": {"innerKey": {"deepKey": 1}}}}
    assert (cluster["lb_policy"], cluster["max_requests_per_connection"]) == ("LEAST_REQUEST", 5)
    assert cluster["upstream_connection_options"] == {"tcp_keepalive": {"keepalive_time": 7}}
    assert at(cluster, "typed_extension_protocol_options", options, "common_http_protocol_options") == {
        "idle_timeout": "9s"
    }


def test_field_in_one_form_removes_and_merges_what_stands_in_the_other() -> None:
    merge = {"connectTimeout": None, "edsClusterConfig": {"edsConfig": {"initialFetchTimeout": "3s"}}}

    cluster = made(compiled(*a_site(a_patch(BACKEND, "Cluster", merge=merge))), "Cluster", "Backend/shop/carts")

    assert "connect_timeout" not in cluster
    assert at(cluster, "eds_cluster_config", "service_name") == "Backend/shop/carts"
    assert at(cluster, "eds_cluster_config", "eds_config", "initial_fetch_timeout") == "3s"
