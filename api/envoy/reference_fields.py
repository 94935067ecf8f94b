"""Which fields of Envoy's API name another resource: one table, by the message that has the field.

Only names that we may be asked for: what a file, or a static secret of a gateway's own bootstrap, provides is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from google.protobuf.descriptor import Descriptor

_PREFIX = "type.googleapis.com/envoy."
CLUSTER = _PREFIX + "config.cluster.v3.Cluster"
ENDPOINT = _PREFIX + "config.endpoint.v3.ClusterLoadAssignment"
EXTENSION = _PREFIX + "config.core.v3.TypedExtensionConfig"
LISTENER = _PREFIX + "config.listener.v3.Listener"
ROUTE = _PREFIX + "config.route.v3.RouteConfiguration"
RUNTIME = _PREFIX + "service.runtime.v3.Runtime"
SCOPED_ROUTE = _PREFIX + "config.route.v3.ScopedRouteConfiguration"
SECRET = _PREFIX + "extensions.transport_sockets.tls.v3.Secret"
VIRTUAL_HOST = _PREFIX + "config.route.v3.VirtualHost"

CONFIG_SOURCE = "envoy.config.core.v3.ConfigSource"
_EXTENSION_CONFIG_SOURCE = "envoy.config.core.v3.ExtensionConfigSource"


class ResourceReference(NamedTuple):
    """A resource that another one names."""

    type_url: str
    name: str


Extract = Callable[[Any], Iterator[ResourceReference]]


def extracts(descriptor: Descriptor) -> tuple[Extract, ...]:
    """How to take references out of a message of this type; empty for a type that has none."""
    found: list[Extract] = []
    if descriptor.full_name in CLUSTER_FIELDS:
        found.append(_clusters_in(CLUSTER_FIELDS[descriptor.full_name]))
    if descriptor.full_name in OTHER_FIELDS:
        found.append(OTHER_FIELDS[descriptor.full_name])
    discovery = descriptor.fields_by_name.get("config_discovery")
    source = None if discovery is None else discovery.message_type
    if source is not None and source.full_name == _EXTENSION_CONFIG_SOURCE and "name" in descriptor.fields_by_name:
        found.append(_extension)
    return tuple(found)


def _asked_of_us(source: Any) -> bool:
    """Whether a ConfigSource is a management server and no file."""
    return source.WhichOneof("config_source_specifier") in ("ads", "api_config_source", "self")


def _clusters_in(field_name: str) -> Extract:
    def extract(message: Any) -> Iterator[ResourceReference]:
        value = getattr(message, field_name)
        for name in (value,) if isinstance(value, str) else value:
            yield ResourceReference(CLUSTER, name)

    return extract


def _endpoints(cluster: Any) -> Iterator[ResourceReference]:
    eds = cluster.DESCRIPTOR.enum_types_by_name["DiscoveryType"].values_by_name["EDS"].number
    by_eds = cluster.WhichOneof("cluster_discovery_type") == "type" and cluster.type == eds
    if by_eds and _asked_of_us(cluster.eds_cluster_config.eds_config):
        yield ResourceReference(ENDPOINT, cluster.eds_cluster_config.service_name or cluster.name)


def _routes(rds: Any) -> Iterator[ResourceReference]:
    if _asked_of_us(rds.config_source):
        yield ResourceReference(ROUTE, rds.route_config_name)


def _scope_route(scope: Any) -> Iterator[ResourceReference]:
    yield ResourceReference(ROUTE, scope.route_configuration_name)


def _secret(secret: Any) -> Iterator[ResourceReference]:
    if _asked_of_us(secret.sds_config):
        yield ResourceReference(SECRET, secret.name)


def _extension(filter_: Any) -> Iterator[ResourceReference]:
    if filter_.HasField("config_discovery") and _asked_of_us(filter_.config_discovery.config_source):
        yield ResourceReference(EXTENSION, filter_.name)


_ROUTE_PACKAGE = "envoy.config.route.v3."
_NETWORK = "envoy.extensions.filters.network."
_REDIS_ROUTE = _NETWORK + "redis_proxy.v3.RedisProxy.PrefixRoutes.Route"
OTHER_FIELDS: dict[str, Extract] = {
    "envoy.config.cluster.v3.Cluster": _endpoints,
    _ROUTE_PACKAGE + "ScopedRouteConfiguration": _scope_route,
    _NETWORK + "http_connection_manager.v3.Rds": _routes,
    "envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig": _secret,
}
# Fields that hold the name of a cluster, or several.
CLUSTER_FIELDS: dict[str, str] = {
    _ROUTE_PACKAGE + "RouteAction": "cluster",
    _ROUTE_PACKAGE + "RouteAction.RequestMirrorPolicy": "cluster",
    _ROUTE_PACKAGE + "WeightedCluster.ClusterWeight": "name",
    "envoy.config.core.v3.GrpcService.EnvoyGrpc": "cluster_name",
    "envoy.config.core.v3.HttpUri": "cluster",
    "envoy.config.trace.v3.DatadogConfig": "collector_cluster",
    "envoy.config.trace.v3.LightstepConfig": "collector_cluster",
    "envoy.config.trace.v3.ZipkinConfig": "collector_cluster",
    "envoy.extensions.access_loggers.fluentd.v3.FluentdAccessLogConfig": "cluster",
    "envoy.extensions.clusters.aggregate.v3.ClusterConfig": "clusters",
    "envoy.extensions.filters.http.cache_v2.v3.CacheV2Config": "override_upstream_cluster",
    "envoy.extensions.filters.http.fault.v3.HTTPFault": "upstream_cluster",
    "envoy.extensions.filters.http.gcp_authn.v3.GcpAuthnFilterConfig": "cluster",
    "envoy.extensions.filters.http.mcp_router.v3.McpRouter.McpCluster": "cluster",
    "envoy.extensions.filters.udp.udp_proxy.v3.Route": "cluster",
    "envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig": "cluster",
    "envoy.extensions.router.cluster_specifiers.lua.v3.LuaConfig": "default_cluster",
    "envoy.extensions.router.cluster_specifiers.matcher.v3.ClusterAction": "cluster",
    "envoy.extensions.tracers.fluentd.v3.FluentdConfig": "cluster",
    _NETWORK + "dubbo_proxy.v3.RouteAction": "cluster",
    _NETWORK + "generic_proxy.action.v3.RouteAction": "cluster",
    _NETWORK + "tcp_proxy.v3.TcpProxy": "cluster",
    _NETWORK + "tcp_proxy.v3.TcpProxy.WeightedCluster.ClusterWeight": "name",
    _NETWORK + "thrift_proxy.v3.RouteAction": "cluster",
    _NETWORK + "thrift_proxy.v3.RouteAction.RequestMirrorPolicy": "cluster",
    _NETWORK + "thrift_proxy.v3.WeightedCluster.ClusterWeight": "name",
    _REDIS_ROUTE: "cluster",
    _REDIS_ROUTE + ".RequestMirrorPolicy": "cluster",
    _REDIS_ROUTE + ".ReadCommandPolicy": "cluster",
}
