"""A site for live changes: documents that make Envoy ask for every type, by whatever way it is connected.

The resources are Envoy's, as Python dictionaries. A change is the site with some of them replaced, added or left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from examples.demo.traffic import Upstream
from snapshots.model import Document
from snapshots.store.etcd.ports import free_port
from xds.bootstrap import config_source
from xds.protocol.variant import Variant

GROUP = "edge"
RUNTIME_LAYER = "switches"
CANARY = "site.canary_percent"
_TYPE = "type.googleapis.com/envoy."
_WORKSPACE = {
    "apiVersion": "fairlead.dev/v1", "kind": "Workspace", "metadata": {"name": "site"}, "spec": {"group": GROUP},
}  # fmt: skip

_OFTEN = {"base_interval": "0.1s", "max_interval": "0.5s"}

Resources = Mapping[str, dict[str, Any]]  # by the name of their document


@dataclass(frozen=True)
class Way:
    """How an Envoy is connected: the variant, and ADS or the service of each type."""

    variant: Variant
    per_type: bool = False

    def __str__(self) -> str:
        return f"{'per-type' if self.per_type else 'ads'}-{self.spoken}"

    @property
    def spoken(self) -> str:
        """The variant as the command line has it."""
        return "delta" if self.variant is Variant.DELTA else "sotw"

    @property
    def flags(self) -> tuple[str, ...]:
        """Those of `fairlead bootstrap envoy`."""
        return ("--variant", self.spoken, *(("--per-type",) if self.per_type else ()))

    @property
    def source(self) -> dict[str, Any]:
        return config_source(self.variant, per_type=self.per_type)


WAYS = tuple(Way(variant, per_type) for per_type in (False, True) for variant in Variant)


@dataclass(frozen=True)
class LiveSite:
    """Listeners `plain`, `secure` and `scoped`; what they serve comes by RDS, SDS, ECDS, SRDS and RTDS."""

    way: Way
    certificate: dict[str, Any]
    plain: int = field(default_factory=free_port)
    secure: int = field(default_factory=free_port)
    scoped: int = field(default_factory=free_port)
    extra: int = field(default_factory=free_port)

    def resources(self, *upstreams: Upstream) -> dict[str, dict[str, Any]]:
        """Everything, with a cluster for each upstream; the first gets the requests."""
        scoped = {"scoped_routes": _scoped_routes(self.way.source)}
        tls = {"transport_socket": _tls(self.way.source)}
        return {
            **self.listener("plain", self.plain, self._rds("web"), marked=True),
            **self.listener("secure", self.secure, self._rds("web"), **tls),
            **self.listener("scoped", self.scoped, scoped),
            **self.mark("first"),
            **self.secret(self.certificate),
            **self.scope("eu", "web"),
            **self.runtime(canary_percent=0),
            **self.routes("web", to=upstreams[0].name),
            **{name: body for each in upstreams for name, body in self.cluster(each).items()},
        }

    def cluster(self, upstream: Upstream, connect_timeout: str = "1s") -> dict[str, dict[str, Any]]:
        """A cluster of type EDS that is named after its upstream, and its endpoints."""
        body = {
            "@type": _TYPE + "config.cluster.v3.Cluster",
            "name": upstream.name, "type": "EDS", "connect_timeout": connect_timeout,
            "eds_cluster_config": {"eds_config": self.way.source},
        }  # fmt: skip
        return {upstream.name: body, **self.endpoints(upstream.name, upstream)}

    def endpoints(self, cluster: str, *upstreams: Upstream) -> dict[str, dict[str, Any]]:
        found = [{"endpoint": {"address": _address(upstream.port)}} for upstream in upstreams]
        body = {
            "@type": _TYPE + "config.endpoint.v3.ClusterLoadAssignment",
            "cluster_name": cluster, "endpoints": [{"lb_endpoints": found}],
        }  # fmt: skip
        return {f"{cluster}-endpoints": body}

    def routes(self, name: str, to: str, *first: dict[str, Any], canary: str = "") -> dict[str, dict[str, Any]]:
        """All requests go to one cluster, but for those that `first` takes, and the share of the canary."""
        share = {"default_value": {"numerator": 0}, "runtime_key": CANARY}
        canaries = [{"match": {"prefix": "/", "runtime_fraction": share}, "route": {"cluster": canary}}]
        rest = {"match": {"prefix": "/"}, "route": {"cluster": to}}
        routes = [*first, *(canaries if canary else ()), rest]
        body = {
            "@type": _TYPE + "config.route.v3.RouteConfiguration",
            "name": name, "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}],
        }  # fmt: skip
        return {f"{name}-routes": body}

    def scope(self, region: str, routes: str) -> dict[str, dict[str, Any]]:
        """Requests to `scoped` with this region in their header take these routes."""
        body = {
            "@type": _TYPE + "config.route.v3.ScopedRouteConfiguration",
            "name": region, "route_configuration_name": routes, "key": {"fragments": [{"string_key": region}]},
        }  # fmt: skip
        return {f"{region}-scope": body}

    def mark(self, text: str) -> dict[str, dict[str, Any]]:
        """The filter of `plain`, which writes this into the header `mark` of every response."""
        append = {"header": {"key": "mark", "value": text}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
        mutation = {
            "@type": _TYPE + "extensions.filters.http.header_mutation.v3.HeaderMutation",
            "mutations": {"response_mutations": [{"append": append}]},
        }
        return {
            "mark": {"@type": _TYPE + "config.core.v3.TypedExtensionConfig", "name": "mark", "typed_config": mutation}
        }

    def secret(self, tls_certificate: dict[str, Any]) -> dict[str, dict[str, Any]]:
        kind = _TYPE + "extensions.transport_sockets.tls.v3.Secret"
        return {"certificate": {"@type": kind, "name": "certificate", "tls_certificate": tls_certificate}}

    def runtime(self, canary_percent: int) -> dict[str, dict[str, Any]]:
        kind = _TYPE + "service.runtime.v3.Runtime"
        return {"runtime": {"@type": kind, "name": RUNTIME_LAYER, "layer": {CANARY: canary_percent}}}

    def listener(
        self, name: str, port: int, served: dict[str, Any], *, marked: bool = False, **chain: Any
    ) -> dict[str, dict[str, Any]]:
        extension = {"config_source": self.way.source, "type_urls": [_HEADER_MUTATION]}
        manager = {
            "@type": _TYPE + "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": name, **served,
            "http_filters": [*([{"name": "mark", "config_discovery": extension}] if marked else ()), _ROUTER],
        }  # fmt: skip
        filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
        body = {
            "@type": _TYPE + "config.listener.v3.Listener",
            "name": name, "address": _address(port), "filter_chains": [{"filters": filters, **chain}],
        }  # fmt: skip
        return {f"{name}-listener": body}

    def another_listener(self, routes: str) -> dict[str, dict[str, Any]]:
        """On the port `extra`."""
        return self.listener("extra", self.extra, self._rds(routes))

    def bootstrap(self, printed: dict[str, Any]) -> str:
        """What `fairlead bootstrap` printed, with the runtime layer that only a bootstrap can ask for.

        By ADS, a server that was away is looked for often: a test need not wait.
        """
        for service in printed["dynamic_resources"].get("ads_config", {}).get("grpc_services", ()):
            service["envoy_grpc"]["retry_policy"] = {"retry_back_off": _OFTEN}
        layer = {"name": RUNTIME_LAYER, "rtds_layer": {"name": RUNTIME_LAYER, "rtds_config": self.way.source}}
        return json.dumps({**printed, "layered_runtime": {"layers": [layer]}})

    def _rds(self, routes: str) -> dict[str, Any]:
        return {"rds": {"route_config_name": routes, "config_source": self.way.source}}


def documents(resources: Resources) -> list[Document]:
    """A workspace of these resources; JSON is YAML."""
    written = {"fairlead": _WORKSPACE, **{name: _document(name, spec) for name, spec in resources.items()}}
    return [Document(f"{name}.yaml", json.dumps(content).encode()) for name, content in sorted(written.items())]


def _document(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "fairlead.dev/v1", "kind": "EnvoyResource", "metadata": {"name": name}, "spec": spec}


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _scoped_routes(source: dict[str, Any]) -> dict[str, Any]:
    region = {"name": "region", "element_separator": ",", "index": 0}
    return {
        "name": "regions",
        "scope_key_builder": {"fragments": [{"header_value_extractor": region}]},
        "rds_config_source": source,
        "scoped_rds": {"scoped_rds_config_source": source},
    }


def _tls(source: dict[str, Any]) -> dict[str, Any]:
    secret = {"name": "certificate", "sds_config": source}
    context = {
        "@type": _TYPE + "extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {"tls_certificate_sds_secret_configs": [secret]},
    }
    return {"name": "envoy.transport_sockets.tls", "typed_config": context}


_HEADER_MUTATION = _TYPE + "extensions.filters.http.header_mutation.v3.HeaderMutation"
_ROUTER = {
    "name": "envoy.filters.http.router",
    "typed_config": {"@type": _TYPE + "extensions.filters.http.router.v3.Router"},
}
