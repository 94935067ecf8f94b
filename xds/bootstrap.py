"""A client's first configuration: who it is and where Fairlead is; it takes everything else from there.

For Envoy (`config.bootstrap.v3.Bootstrap`) and for gRPC clients (what GRPC_XDS_BOOTSTRAP names; gRFC A27, A65).
Documents in, documents out: no I/O, and the certificate files are those of the machine where the client runs.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xds.protocol.features import RESOURCE_IN_SOTW, RESOURCE_TTL
from xds.protocol.variant import Variant

CLUSTER_NAME = "fairlead"
KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT = "30s", "5s"  # a connection that died without a word is noticed within these
# What Envoy can do and does not say of itself: take resources for a time only, in either variant.
ENVOY_FEATURES = (RESOURCE_TTL, RESOURCE_IN_SOTW)
_API_TYPES = {Variant.DELTA: "DELTA_GRPC", Variant.STATE_OF_THE_WORLD: "GRPC"}
_TYPE = "type.googleapis.com/"
_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_TLS_CONTEXT = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: the CA that signed the server's certificate and, for mutual TLS, the client's certificate and key."""

    ca: str
    certificate: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the xDS server is. `host` is a name or an IP address, without brackets."""

    host: str
    port: int
    tls: TlsFiles | None = None

    @property
    def is_name(self) -> bool:
        """Whether the host has to be resolved."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return True
        return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def document(self) -> dict[str, Any]:
        """As Envoy writes an address (`config.core.v3.Address`)."""
        return {"socket_address": {"address": self.host, "port_value": self.port}}


@dataclass(frozen=True, slots=True)
class UnixPlace:
    """A Unix socket on the client's own machine. Who may use it is for its file's mode to say, not for TLS."""

    path: str

    @property
    def tls(self) -> None:
        """Never."""

    @property
    def is_name(self) -> bool:
        """Nothing has to be resolved."""
        return False

    def __str__(self) -> str:
        return f"unix:{self.path}"  # as gRPC writes it, too

    def document(self) -> dict[str, Any]:
        """As Envoy writes an address; a socket that Envoy makes there itself is for its own user."""
        return {"pipe": {"path": self.path, "mode": 0o600}}


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What a node says of itself beside who it is: its locality, and whatever its servers know how to read."""

    region: str = ""
    zone: str = ""
    sub_zone: str = ""
    metadata: Mapping[str, object] = field(default_factory=dict)
    features: tuple[str, ...] = ENVOY_FEATURES

    def document(self) -> dict[str, Any]:
        """The part of `config.core.v3.Node` that is known."""
        locality = {"region": self.region, "zone": self.zone, "sub_zone": self.sub_zone}
        parts = {
            "locality": {name: value for name, value in locality.items() if value},
            "metadata": dict(self.metadata),
            "client_features": list(self.features),
        }
        return {name: value for name, value in parts.items() if value}


ADMIN_ANYWHERE = Place("127.0.0.1", 0)
"""A free port of loopback: `--admin-address-path` tells which."""


def envoy_bootstrap(
    node: str,
    group: str,
    place: Place | UnixPlace,
    variant: Variant = Variant.DELTA,
    *,
    per_type: bool = False,
    facts: NodeFacts | None = None,
    admin: Place | UnixPlace = ADMIN_ANYWHERE,
) -> dict[str, Any]:
    """For `envoy -c`: ADS for everything, and the admin interface for this machine alone.

    The incremental variant is Envoy's best: a change costs what it changes. `per_type`: no ADS, but the service of each
    type on a stream of its own; the documents that are served then say `config_source(variant, per_type=True)` too.
    """
    return {
        "node": {**_node(node, group), **(facts or NodeFacts()).document()},
        "admin": {"address": admin.document()},
        "dynamic_resources": {
            **({} if per_type else {"ads_config": _api_config_source(variant)}),
            "lds_config": config_source(variant, per_type=per_type),
            "cds_config": config_source(variant, per_type=per_type),
        },
        "static_resources": {"clusters": [_server_cluster(place)]},
    }


def with_load_reports(bootstrap: dict[str, Any]) -> dict[str, Any]:
    """An Envoy's bootstrap, such that it also tells the server of its traffic (LRS)."""
    return {**bootstrap, "cluster_manager": {"load_stats_config": _api_config_source(Variant.STATE_OF_THE_WORLD)}}


def config_source(variant: Variant = Variant.DELTA, *, per_type: bool = False) -> dict[str, Any]:
    """What a resource says of where Envoy finds those that it names (`config.core.v3.ConfigSource`).

    Over ADS it is the same whatever the variant. Envoy has no words for "where this resource came from": it refuses
    `self`. So without ADS every resource repeats what the bootstrap says of its server.
    """
    if per_type:
        return {"resource_api_version": "V3", "api_config_source": _api_config_source(variant)}
    return {"resource_api_version": "V3", "ads": {}}


def grpc_bootstrap(node: str, group: str, place: Place | UnixPlace) -> dict[str, Any]:
    """For GRPC_XDS_BOOTSTRAP. gRPC clients speak the state of the world over ADS and nothing else.

    `xds_v3` is for clients from before 2022, which speak v2 without it. No other server feature is claimed: they decide
    whether a client that is told that a resource is gone goes on with it, which is for the client's own side to choose.
    """
    return {
        "xds_servers": [
            {"server_uri": str(place), "channel_creds": [_credentials(place.tls)], "server_features": ["xds_v3"]}
        ],
        "node": {**_node(node, group), "locality": {}},  # gRPC for Node.js refuses a node without one
    }


def _node(node: str, group: str) -> dict[str, str]:
    return {"id": node, "cluster": group}


def _api_config_source(variant: Variant) -> dict[str, Any]:
    return {
        "api_type": _API_TYPES[variant],
        "transport_api_version": "V3",
        "set_node_on_first_message_only": True,
        "grpc_services": [{"envoy_grpc": {"cluster_name": CLUSTER_NAME}}],
    }


def _server_cluster(place: Place | UnixPlace) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": place.document()}}
    keepalive = {"interval": KEEPALIVE_INTERVAL, "timeout": KEEPALIVE_TIMEOUT}
    http2 = {"http2_protocol_options": {"connection_keepalive": keepalive}}
    cluster = {
        "name": CLUSTER_NAME,
        "type": "STRICT_DNS" if place.is_name else "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {
            _HTTP_OPTIONS: {"@type": _TYPE + _HTTP_OPTIONS, "explicit_http_config": http2}
        },
        "load_assignment": {"cluster_name": CLUSTER_NAME, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
    if isinstance(place, UnixPlace) or place.tls is None:
        return cluster
    return {**cluster, "transport_socket": _transport_socket(place, place.tls)}


def _transport_socket(place: Place, tls: TlsFiles) -> dict[str, Any]:
    # A CA alone would let any server with a certificate of it pass for this one: the name is checked too.
    name = {"san_type": "DNS" if place.is_name else "IP_ADDRESS", "matcher": {"exact": place.host}}
    validation = {"trusted_ca": {"filename": tls.ca}, "match_typed_subject_alt_names": [name]}
    common: dict[str, Any] = {"validation_context": validation}
    if tls.certificate:
        files = {"certificate_chain": {"filename": tls.certificate}, "private_key": {"filename": tls.key}}
        common["tls_certificates"] = [files]
    context: dict[str, Any] = {"@type": _TYPE + _TLS_CONTEXT, "common_tls_context": common}
    if place.is_name:  # an address is no server name (RFC 6066, 3)
        context["sni"] = place.host
    return {"name": "envoy.transport_sockets.tls", "typed_config": context}


def _credentials(tls: TlsFiles | None) -> dict[str, Any]:
    if tls is None:
        return {"type": "insecure"}
    files = {"ca_certificate_file": tls.ca, "certificate_file": tls.certificate, "private_key_file": tls.key}
    return {"type": "tls", "config": {name: file for name, file in files.items() if file}}
