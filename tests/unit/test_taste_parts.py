"""What a taste is made of, without an Envoy: the candidate that harms nobody, and Envoy's words taken apart."""

from __future__ import annotations

from typing import Any

from api.envoy.json_form import from_json, to_json
from api.envoy.registry import load_default, type_url_of
from snapshots.authoring.provenance.words import values_mentioned
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, ROUTE, TypeUrl
from xds.server.taste.candidate import tastable
from xds.server.taste.words import Refusal, refusals


def as_tasted(type_name: str, **fields: Any) -> dict[str, Any]:
    """What becomes of a message, in Envoy's JSON form."""
    api = load_default()
    parsed = from_json(api, {"@type": f"type.googleapis.com/{type_name}", **fields})
    assert parsed.message is not None, parsed.problems
    type_url = TypeUrl(type_url_of(parsed.message))
    (found,) = tastable(api, [Resource.of(type_url, "it", parsed.message.SerializeToString())])
    assert found.name == "it"
    return to_json(api, api.parse(type_url, found.body))


def at(address: str, port: int = 80, **more: Any) -> dict[str, Any]:
    return {"socket_address": {"address": address, "port_value": port, **more}}


def assigned(*addresses: dict[str, Any]) -> dict[str, Any]:
    return {
        "cluster_name": "w",
        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": each}} for each in addresses]}],
    }


def places(assignment: dict[str, Any]) -> list[tuple[str, int]]:
    found = [each["endpoint"]["address"]["socket_address"] for each in assignment["endpoints"][0]["lb_endpoints"]]
    return [(each["address"], each["port_value"]) for each in found]


def test_a_listener_keeps_its_address_and_binds_nothing() -> None:
    found = as_tasted("envoy.config.listener.v3.Listener", address=at("10.0.0.1"), bind_to_port=True)
    assert (found["address"], found["bind_to_port"]) == (at("10.0.0.1"), False)


def test_a_udp_listener_binds_any_port_of_loopback() -> None:
    listener = "envoy.config.listener.v3.Listener"
    assert as_tasted(listener, address=at("10.0.0.1", protocol="UDP"))["address"] == at("127.0.0.1", 0, protocol="UDP")
    assert as_tasted(listener, address=at("nonsense", protocol="UDP"))["address"] == at("nonsense", protocol="UDP")


def test_endpoints_that_differ_still_do_and_lead_nowhere() -> None:
    written = assigned(at("10.0.0.7"), at("10.0.0.8"), at("10.0.0.7"), at("2001:db8::7"), at("carts.internal", 81))
    found = places(as_tasted("envoy.config.endpoint.v3.ClusterLoadAssignment", **written))
    assert found == [
        ("127.0.0.1", 1),
        ("127.0.0.2", 1),
        ("127.0.0.1", 1),
        ("127.0.0.3", 1),
        ("carts.internal", 81),  # that is no address, and for Envoy to say
    ]


def test_a_cluster_that_is_found_by_name_asks_nobody_else() -> None:
    resolver = {"resolvers": [at("10.0.0.53", 53)]}
    written = {"name": "w", "type": "STRICT_DNS", "dns_resolution_config": resolver}
    found = as_tasted(
        "envoy.config.cluster.v3.Cluster", **written, load_assignment=assigned(at("carts.internal"), at("10.0.0.7"))
    )
    assert "dns_resolution_config" not in found
    assert places(found["load_assignment"]) == [("carts.internal", 80), ("127.0.0.1", 1)]


def test_health_checks_reach_nobody() -> None:
    endpoint = {"address": at("10.0.0.7"), "health_check_config": {"port_value": 9000, "address": at("10.0.0.9")}}
    written = {"cluster_name": "w", "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}]}
    found = as_tasted("envoy.config.endpoint.v3.ClusterLoadAssignment", **written)
    check = found["endpoints"][0]["lb_endpoints"][0]["endpoint"]["health_check_config"]
    assert (check["port_value"], check["address"]) == (1, at("127.0.0.2", 1))


def test_no_file_is_written_however_deep_it_is_named() -> None:
    log = {"@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": "/var/log/a"}
    proxy = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": "a",
        "cluster": "a",
        "access_log": [{"name": "file", "typed_config": log}],
    }
    chains = [{"filters": [{"name": "tcp", "typed_config": proxy}]}]
    found = as_tasted("envoy.config.listener.v3.Listener", filter_chains=chains)
    assert (
        found["filter_chains"][0]["filters"][0]["typed_config"]["access_log"][0]["typed_config"]["path"] == "/dev/null"
    )


def test_routes_are_served_as_they_are() -> None:
    resource = Resource.of(ROUTE, "web", b"\x0a\x03web")
    assert list(tastable(load_default(), [resource])) == [resource]


def test_words_about_several_clusters_are_those_of_each() -> None:
    message = "Error adding/updating cluster(s) web: bad address: a, b, web-2: no such thing\n"
    assert list(refusals(CLUSTER, ["web", "web-2", "fine"], message)) == [
        Refusal(CLUSTER, "web", "bad address: a, b"),
        Refusal(CLUSTER, "web-2", "no such thing"),
    ]


def test_words_that_name_one_resource_are_about_it_and_others_about_nobody() -> None:
    assert [each.name for each in refusals(ENDPOINT, ["web", "carts"], "carts: malformed")] == ["carts"]
    assert [each.name for each in refusals(ENDPOINT, ["web", "carts"], "malformed IP address")] == [""]
    assert [each.name for each in refusals(LISTENER, ["web"], "malformed IP address")] == ["web"]


def test_what_is_quoted_is_likelier_meant_than_long_words() -> None:
    assert values_mentioned("the filter 'cors' at /dev/null is not known: cors")[:3] == ("cors", "/dev/null", "filter")
