"""What resources are called, and which others they name."""

from __future__ import annotations

from typing import Any

import pytest

from api.envoy import reference_fields
from api.envoy.json_form import from_json
from api.envoy.registry import load_default
from api.envoy.resources import references, resource_name
from api.errors import InvalidConfig
from xds.protocol import types

ENVOY = "type.googleapis.com/envoy."
TLS = ENVOY + "extensions.transport_sockets.tls.v3."
HCM = ENVOY + "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ADS = {"ads": {}, "resource_api_version": "V3"}
FILE = {"path_config_source": {"path": "/etc/envoy/rds.yaml"}}
NAMES = {row.url: row.short for row in types.RESOURCE_TYPES}


def named(data: dict[str, Any]) -> list[str]:
    """`route:web` for each reference, in the order they are given."""
    parsed = from_json(load_default(), data)
    assert parsed.problems == ()
    assert parsed.message is not None
    found = references(load_default(), parsed.message)
    return [f"{NAMES[types.TypeUrl(reference.type_url)]}:{reference.name}" for reference in found]


def sds(name: str, source: object = ADS) -> dict[str, Any]:
    return {"name": name, "sds_config": source}


def a_listener(*network_filters: object, **fields: object) -> dict[str, Any]:
    return {"@type": ENVOY + "config.listener.v3.Listener", "filter_chains": [{"filters": network_filters, **fields}]}


def network_filter(type_name: str, **config: object) -> dict[str, Any]:
    return {"name": "x", "typed_config": {"@type": ENVOY + "extensions.filters." + type_name, **config}}


def http(**config: object) -> dict[str, Any]:
    return {"name": "http", "typed_config": {"@type": HCM, **config}}


def a_route(*actions: object, **fields: object) -> dict[str, Any]:
    hosts = [{"name": "a", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": act} for act in actions]}]
    return {"name": "shop", "virtual_hosts": hosts, **fields}


def a_route_configuration(*actions: object, **fields: object) -> dict[str, Any]:
    return {"@type": ENVOY + "config.route.v3.RouteConfiguration", **a_route(*actions, **fields)}


def a_cluster(**fields: object) -> dict[str, Any]:
    return {"@type": ENVOY + "config.cluster.v3.Cluster", "name": "web", **fields}


WEIGHTED = {"weighted_clusters": {"clusters": [{"name": "b", "weight": 1}, {"name": "a", "weight": 2}]}}
MIRRORED = {"cluster": "a", "request_mirror_policies": [{"cluster": "shadow"}, {"cluster_header": "x"}]}
RDS = {"rds": {"config_source": ADS, "route_config_name": "shop"}}
DOWNSTREAM = {
    "@type": TLS + "DownstreamTlsContext",
    "session_ticket_keys_sds_secret_config": sds("tickets"),
    "common_tls_context": {
        "tls_certificate_sds_secret_configs": [sds("cert"), {"name": "static"}, sds("from-file", FILE)],
        "combined_validation_context": {
            "default_validation_context": {},
            "validation_context_sds_secret_config": sds("ca"),
        },
    },
}
UPSTREAM = {
    "@type": TLS + "UpstreamTlsContext",
    "common_tls_context": {"validation_context_sds_secret_config": sds("ca")},
}
HTTP_DISCOVERY = {"name": "waf", "config_discovery": {"config_source": ADS, "type_urls": ["x"]}}
AUTHORIZATION = {
    "name": "authorization",
    "typed_config": {
        "@type": ENVOY + "extensions.filters.http.ext_authz.v3.ExtAuthz",
        "grpc_service": {"envoy_grpc": {"cluster_name": "authz"}},
    },
}
HEALTH = {"health_checks": [{"timeout": "1s", "interval": "1s", "grpc_health_check": {}}]}

REFERENCES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "routes by discovery": (a_listener(http(**RDS)), ["route:shop"]),
    "routes from a file": (a_listener(http(rds={"config_source": FILE, "route_config_name": "shop"})), []),
    "routes inline": (
        a_listener(http(route_config=a_route({"cluster": "a"}, MIRRORED))),
        ["cluster:a", "cluster:shadow"],
    ),
    "secrets of a listener": (
        a_listener(transport_socket={"name": "tls", "typed_config": DOWNSTREAM}),
        ["secret:ca", "secret:cert", "secret:tickets"],
    ),
    "filters by discovery": (a_listener(http(http_filters=[HTTP_DISCOVERY], **RDS)), ["extension:waf", "route:shop"]),
    "network filters by discovery": (
        a_listener({"name": "waf", "config_discovery": {"config_source": ADS, "type_urls": ["x"]}}),
        ["extension:waf"],
    ),
    "a default filter chain": (
        {"@type": ENVOY + "config.listener.v3.Listener", "default_filter_chain": {"filters": [http(**RDS)]}},
        ["route:shop"],
    ),
    "an API listener": (
        {
            "@type": ENVOY + "config.listener.v3.Listener",
            "api_listener": {"api_listener": {"@type": HCM, **RDS}},
        },
        ["route:shop"],
    ),
    "TCP": (a_listener(network_filter("network.tcp_proxy.v3.TcpProxy", cluster="a")), ["cluster:a"]),
    "TCP, weighted": (
        a_listener(network_filter("network.tcp_proxy.v3.TcpProxy", **WEIGHTED)),
        ["cluster:a", "cluster:b"],
    ),
    "UDP": (
        {
            "@type": ENVOY + "config.listener.v3.Listener",
            "listener_filters": [network_filter("udp.udp_proxy.v3.UdpProxyConfig", cluster="dns")],
        },
        ["cluster:dns"],
    ),
    "a service that a filter asks": (a_listener(http(http_filters=[AUTHORIZATION])), ["cluster:authz"]),
    "scoped routes are asked for as a whole": (
        a_listener(http(scoped_routes={"name": "s", "scoped_rds": {"scoped_rds_config_source": ADS}})),
        [],
    ),
    "scoped routes inline": (
        a_listener(
            http(
                scoped_routes={
                    "name": "s",
                    "scoped_route_configurations_list": {
                        "scoped_route_configurations": [{"name": "one", "route_configuration_name": "shop"}]
                    },
                }
            )
        ),
        ["route:shop"],
    ),
    "a scope": (
        {"@type": ENVOY + "config.route.v3.ScopedRouteConfiguration", "name": "s", "route_configuration_name": "shop"},
        ["route:shop"],
    ),
    "a route": (a_route_configuration({"cluster": "a"}), ["cluster:a"]),
    "a route by header": (a_route_configuration({"cluster_header": "x-cluster"}), []),
    "weighted": (a_route_configuration(WEIGHTED), ["cluster:a", "cluster:b"]),
    "mirrors": (a_route_configuration(MIRRORED), ["cluster:a", "cluster:shadow"]),
    "mirrors for all": (
        a_route_configuration({"cluster": "a"}, request_mirror_policies=[{"cluster": "shadow"}]),
        ["cluster:a", "cluster:shadow"],
    ),
    "virtual hosts by discovery": (a_route_configuration(vhds={"config_source": ADS}), []),
    "a virtual host": (
        {"@type": ENVOY + "config.route.v3.VirtualHost", **a_route({"cluster": "a"})["virtual_hosts"][0]},
        ["cluster:a"],
    ),
    "endpoints": (a_cluster(type="EDS", eds_cluster_config={"eds_config": ADS}), ["endpoint:web"]),
    "endpoints by another name": (
        a_cluster(type="EDS", eds_cluster_config={"eds_config": ADS, "service_name": "shop/web"}),
        ["endpoint:shop/web"],
    ),
    "endpoints from a file": (a_cluster(type="EDS", eds_cluster_config={"eds_config": FILE}), []),
    "no endpoints": (a_cluster(type="STATIC", eds_cluster_config={"eds_config": ADS}, **HEALTH), []),
    "secrets of a cluster": (
        a_cluster(type="STATIC", transport_socket={"name": "tls", "typed_config": UPSTREAM}),
        ["secret:ca"],
    ),
    "an aggregate of clusters": (
        a_cluster(
            cluster_type={
                "name": "envoy.clusters.aggregate",
                "typed_config": {
                    "@type": ENVOY + "extensions.clusters.aggregate.v3.ClusterConfig",
                    "clusters": ["a", "b"],
                },
            }
        ),
        ["cluster:a", "cluster:b"],
    ),
    "the server that is asked is no reference": (
        a_cluster(
            type="EDS",
            eds_cluster_config={
                "eds_config": {
                    "api_config_source": {
                        "api_type": "GRPC",
                        "grpc_services": [{"envoy_grpc": {"cluster_name": "control-plane"}}],
                    }
                }
            },
        ),
        ["endpoint:web"],
    ),
    "an extension": (
        {
            "@type": ENVOY + "config.core.v3.TypedExtensionConfig",
            "name": "authorization",
            "typed_config": AUTHORIZATION["typed_config"],
        },
        ["cluster:authz"],
    ),
}


@pytest.mark.parametrize(("data", "expected"), REFERENCES.values(), ids=REFERENCES.keys())
def test_references(data: dict[str, Any], expected: list[str]) -> None:
    assert named(data) == expected


def test_every_field_of_the_table_is_a_name_in_envoys_api() -> None:
    for message_name, field_name in reference_fields.CLUSTER_FIELDS.items():
        field = load_default().message_class(message_name).DESCRIPTOR.fields_by_name[field_name]
        assert field.type == field.TYPE_STRING
    for message_name in reference_fields.OTHER_FIELDS:
        assert load_default().message_class(message_name)


def test_type_urls_are_those_of_the_protocol() -> None:
    mine = {value for name, value in vars(reference_fields).items() if name.isupper() and str(value).startswith(ENVOY)}
    assert mine - {ENVOY} == set(types.BY_URL)


@pytest.mark.parametrize("url", sorted(types.BY_URL))
def test_every_resource_has_a_name(url: str) -> None:
    field = "cluster_name" if url == types.ENDPOINT else "name"
    message = from_json(load_default(), {"@type": url, field: "shop"}).message
    assert message is not None
    assert resource_name(message) == "shop"


def test_what_is_no_resource_is_refused_with_what_would_be() -> None:
    with pytest.raises(
        InvalidConfig, match=r"Address is no resource that Envoy asks for; it asks for Cluster, .*Secret"
    ):
        resource_name(load_default().new("envoy.config.core.v3.Address"))


def test_an_any_nested_without_end_is_looked_into_down_to_the_limit() -> None:
    message: Any = load_default().new("google.protobuf.Any")
    for _ in range(300):
        outer: Any = load_default().new("google.protobuf.Any")
        outer.type_url, outer.value = "type.googleapis.com/google.protobuf.Any", message.SerializeToString()
        message = outer
    assert references(load_default(), message) == ()
