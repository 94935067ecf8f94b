"""Connections and packets: filter chains by name, shares that lead nowhere, and UDP backends as one cluster."""

from __future__ import annotations

from itertools import permutations
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
from tests.listeners import a_listener, a_pair, aged, passthrough, terminating

LISTENER = "tcp/0.0.0.0:443"
NOBODY = "fairlead/no-backend"


def a_tls_route(name: str, *hostnames: str, section: str = "", **more: Any) -> Object:
    parent = {"name": "edge"} | ({"sectionName": section} if section else {})
    spec = {"parentRefs": [parent], "hostnames": hostnames, "rules": [{"backendRefs": [to_backend(name)]}]}
    return an_object("TLSRoute", name, spec=spec, **more)


def a_plain_route(kind: str, *refs: Object, name: str = "web") -> Object:
    return an_object(kind, name, spec={"parentRefs": [{"name": "edge"}], "rules": [{"backendRefs": refs}]})


def chains(listener: Object) -> dict[str, str]:
    """Name asked for (`*`: any) -> the cluster that its connections go to, and `ends` where TLS ends before."""
    found = {}
    for chain in listener["filter_chains"]:
        name = ",".join(chain.get("filter_chain_match", {}).get("server_names", ["*"]))
        config = chain["filters"][0]["typed_config"]
        to = config.get("cluster") or config.get("rds", {}).get("route_config_name")
        found[name] = f"{to} ends" if "transport_socket" in chain else to
    return found


def test_tls_is_passed_on_or_ended_by_the_most_specific_name() -> None:
    gateway = a_gateway(
        "edge",
        passthrough("any", 443),
        passthrough("wild", 443, "*.example"),
        terminating("ended", 443, "ended.example", protocol="TLS"),
        terminating("web", 443, "web.example"),
    )
    found = compiled(
        gateway,
        a_pair(),
        # Listeners with a more specific name have theirs, whatever routes of others say.
        a_tls_route("a", "a.example", "ended.example", "web.example", "*.b.example", section="wild"),
        a_tls_route("e", "*.example", section="ended"),
        *(a_backend(each) for each in "ae"),
    )
    assert chains(made(found, "Listener", LISTENER)) == {
        "*": NOBODY,
        "*.example": NOBODY,
        "a.example": "Backend/shop/a/tcp",
        "*.b.example": "Backend/shop/a/tcp",
        "ended.example": "Backend/shop/e/tcp ends",
        "web.example": f"{LISTENER}/web.example ends",
    }


def test_of_two_routes_of_one_name_the_older_has_it_and_both_are_attached() -> None:
    older, younger = aged(a_tls_route("z", "a.example"), 1), aged(a_tls_route("a", "a.example", "b.example"), 2)
    gateway = a_gateway("edge", passthrough("tls", 443))
    for order in permutations((gateway, older, younger, a_backend("a"), a_backend("z"))):
        found = compiled(*order)
        assert chains(made(found, "Listener", LISTENER)) == {
            "*": NOBODY,
            "a.example": "Backend/shop/z/tcp",
            "b.example": "Backend/shop/a/tcp",
        }
    assert status(found, "Gateway", "edge")["listeners"][0]["attachedRoutes"] == 2


@pytest.mark.parametrize(
    ("refs", "proxy"),
    [
        ([to_backend("a")], {"cluster": "Backend/shop/a/tcp"}),
        ([to_backend("missing")], {"cluster": NOBODY}),
        ([to_backend("a", weight=0)], {"cluster": NOBODY}),
        ([to_backend("a"), to_backend("b", weight=0)], {"cluster": "Backend/shop/a/tcp"}),
        (
            [to_backend("a", weight=3), to_backend("missing", weight=2)],
            {
                "weighted_clusters": {
                    "clusters": [{"name": "Backend/shop/a/tcp", "weight": 3}, {"name": NOBODY, "weight": 2}]
                }
            },
        ),
    ],
)
def test_shares_of_tcp_connections(refs: list[Object], proxy: Object) -> None:
    route = a_plain_route("TCPRoute", *refs)
    found = compiled(a_gateway("edge", a_listener("tcp", 90, "TCP")), route, a_backend("a"), a_backend("b"))
    config = made(found, "Listener", "tcp/0.0.0.0:90")["filter_chains"][0]["filters"][0]["typed_config"]
    assert {key: value for key, value in config.items() if key not in ("@type", "stat_prefix")} == proxy
    missing = [each["name"] == "missing" for each in refs]
    resolved = ("False", "BackendNotFound") if any(missing) else ("True", "ResolvedRefs")
    assert conditions(status(found, "TCPRoute", "web")["parents"][0])["ResolvedRefs"] == resolved


@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
def test_a_listener_without_routes_is_served_all_the_same(protocol: str) -> None:
    found = compiled(a_gateway("edge", a_listener("own", 90, protocol)))
    assert names_made(found, "Listener") == [f"{protocol.lower()}/0.0.0.0:90"]
    assert conditions(status(found, "Gateway", "edge"))["Programmed"] == ("True", "Programmed")
    assert NOBODY in str(made(found, "Listener", f"{protocol.lower()}/0.0.0.0:90"))


def packets_to(*objects: Object) -> tuple[str, dict[str, int]]:
    """The cluster that a UDP listener's packets go to, and its endpoints with their weights."""
    found = compiled(a_gateway("edge", a_listener("udp", 53, "UDP")), *objects)
    proxy = made(found, "Listener", "udp/0.0.0.0:53")["listener_filters"][0]["typed_config"]
    cluster = proxy["matcher"]["on_no_match"]["action"]["typed_config"]["cluster"]
    if cluster not in names_made(found, "Cluster"):
        return cluster, {}
    whole = made(found, "Cluster", cluster)
    assignment = whole.get("load_assignment") or made(
        found, "ClusterLoadAssignment", whole["eds_cluster_config"]["service_name"]
    )
    sockets = {
        f"{place['address']}:{place['port_value']}": each["load_balancing_weight"]
        for locality in assignment["endpoints"]
        for each in locality["lb_endpoints"]
        for place in [each["endpoint"]["address"]["socket_address"]]
    }
    return cluster, sockets


def at(*addresses: str, **more: Any) -> Object:
    return {"endpoints": [{"address": each, "port": 53, **more} for each in addresses]}


ONE, TWO = a_backend("one", **at("10.0.0.1")), a_backend("two", **at("10.0.0.2", "10.0.0.3", zone="z"))


@pytest.mark.parametrize(
    ("refs", "backends", "weights"),
    [
        # An even share of each backend is parted among its endpoints.
        ([to_backend("one"), to_backend("two")], [ONE, TWO], {"10.0.0.1:53": 2, "10.0.0.2:53": 1, "10.0.0.3:53": 1}),
        (
            [to_backend("one", weight=70), to_backend("two", weight=30)],
            [ONE, TWO],
            {"10.0.0.1:53": 14, "10.0.0.2:53": 3, "10.0.0.3:53": 3},
        ),
        # What leads nowhere is dropped, as much as its weight says.
        ([to_backend("one", weight=1), to_backend("gone", weight=4)], [ONE], {"10.0.0.1:53": 1, "127.0.0.1:9": 4}),
        (
            [to_backend("one"), to_backend("empty")],
            [ONE, a_backend("empty", endpoints=[])],
            {"10.0.0.1:53": 1, "127.0.0.1:9": 1},
        ),
        (
            [to_backend("one"), to_backend("named")],
            [ONE, a_backend("named", hostname="names.example", port=53)],
            {"10.0.0.1:53": 1, "names.example:53": 1},
        ),
        # No more than Envoy can count.
        (
            [to_backend("one", weight=1_000_000), to_backend("odd", weight=999_999)],
            [ONE, a_backend("odd", endpoints=[{"address": "10.0.0.9", "port": 53, "weight": 999_983}])],
            {"10.0.0.1:53": 1_000_000, "10.0.0.9:53": 999_999},
        ),
    ],
)
def test_several_backends_of_packets_are_one_cluster_of_weighted_endpoints(
    refs: list[Object], backends: list[Object], weights: dict[str, int]
) -> None:
    assert packets_to(a_plain_route("UDPRoute", *refs), *backends) == ("UDPRoute/shop/web", weights)


def test_weights_that_envoy_cannot_count_are_rounded() -> None:
    primes = (999_983, 999_979, 999_961, 999_959)
    spread = [{"address": f"10.0.1.{index}", "port": 53, "weight": prime} for index, prime in enumerate(primes)]
    spread_more = [{**each, "address": f"10.0.2.{index}", "weight": 999_953} for index, each in enumerate(spread[:3])]
    backends = [a_backend("a", endpoints=spread), a_backend("b", endpoints=spread_more)]
    _, weights = packets_to(a_plain_route("UDPRoute", to_backend("a", weight=999_917), to_backend("b")), *backends)
    assert sum(weights.values()) < 2**32
    assert min(weights.values()) > 0


def test_a_backend_alone_keeps_its_own_cluster() -> None:
    assert packets_to(a_plain_route("UDPRoute", to_backend("one"), to_backend("two", weight=0)), ONE, TWO) == (
        "Backend/shop/one",
        {"10.0.0.1:53": 1},
    )
    assert packets_to(a_plain_route("UDPRoute", to_backend("missing"))) == (NOBODY, {})


def test_endpoints_that_are_set_from_outside_cannot_be_mixed_with_others() -> None:
    dynamic = a_backend("one", endpoints="dynamic")
    route = a_plain_route("UDPRoute", to_backend("one"), to_backend("two"))
    found = compiled(a_gateway("edge", a_listener("udp", 53, "UDP")), route, dynamic, TWO)
    assert findings(found) == [("E1101", "spec.rules[0].backendRefs[0].name")]
    told = conditions(status(found, "UDPRoute", "web")["parents"][0])
    assert (told["Accepted"], told["ResolvedRefs"]) == (("True", "Accepted"), ("False", "UnsupportedProtocol"))


def trust(**validation: Any) -> Object:
    """A policy for the Backend `a`."""
    target = {"group": "fairlead.dev", "kind": "Backend", "name": "a"}
    spec = {"targetRefs": [target], "validation": {"hostname": "a.example", **validation}}
    return an_object("BackendTLSPolicy", "trust", spec=spec)


def test_tls_that_ended_begins_again_where_a_policy_asks_for_it() -> None:
    ended = terminating("ended", 443, "a.example", protocol="TLS")
    gateway = a_gateway("edge", ended, passthrough("through", 444))
    objects = (gateway, a_pair(), a_tls_route("a", "a.example"), a_backend("a"))
    found = compiled(trust(wellKnownCACertificates="System"), *objects)
    assert chains(made(found, "Listener", LISTENER)) == {"a.example": "Backend/shop/a/tls ends"}
    assert chains(made(found, "Listener", "tcp/0.0.0.0:444"))["a.example"] == "Backend/shop/a/tcp"
    context = made(found, "Cluster", "Backend/shop/a/tls")["transport_socket"]["typed_config"]
    assert "alpn_protocols" not in context["common_tls_context"]
    assert "transport_socket" not in made(found, "Cluster", "Backend/shop/a/tcp")
    # Whom nobody can trust gets nothing, least of all in the clear.
    lost = trust(caCertificateRefs=[{"group": "", "kind": "ConfigMap", "name": "missing"}])
    assert chains(made(compiled(lost, *objects), "Listener", LISTENER)) == {"a.example": f"{NOBODY} ends"}


def test_where_tls_begins_again_the_gateways_certificate_is_shown() -> None:
    ended = terminating("ended", 443, "a.example", protocol="TLS")
    shown = {"backend": {"clientCertificateRef": {"name": "pair"}}}
    gateway = a_gateway("edge", ended, a_listener("raw", 444, "TCP"), tls=shown)
    routes = (a_tls_route("a", "a.example", section="ended"), a_plain_route("TCPRoute", to_backend("a")))
    found = compiled(gateway, a_pair(), *routes, a_backend("a"), trust(wellKnownCACertificates="System"))

    name = "Backend/shop/a/tls/as/Secret/shop/pair"
    assert chains(made(found, "Listener", LISTENER)) == {"a.example": f"{name} ends"}
    context = made(found, "Cluster", name)["transport_socket"]["typed_config"]["common_tls_context"]
    assert context["tls_certificate_sds_secret_configs"][0]["name"] == "Secret/shop/pair"
    # What is passed on as it came is nobody's TLS but the client's.
    assert list(chains(made(found, "Listener", "tcp/0.0.0.0:444")).values()) == ["Backend/shop/a/tcp"]


def test_tls_of_a_policy_is_for_requests_and_not_for_what_is_passed_through() -> None:
    policy = trust(wellKnownCACertificates="System")
    gateway = a_gateway("edge", a_listener("http", 80), passthrough("tls", 443))
    routes = (a_route("web", to_backend("a")), a_tls_route("a", "a.example"))
    for order in permutations((*routes, a_backend("a"))):
        found = compiled(gateway, policy, *order)
        in_tls = {name: "transport_socket" in made(found, "Cluster", name) for name in names_made(found, "Cluster")}
        assert in_tls == {"Backend/shop/a": True, "Backend/shop/a/tcp": False}
