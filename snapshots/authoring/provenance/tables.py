"""Which field of a document says a field of what is generated, part by part: one table each. Pure data.

A row is a path in Envoy's JSON form and the paths in the document that may say it, from the frame's base; the first
that is written counts, and where none is, the value is a default of Fairlead's. `FROM_ROOT` begins at the document's
root. `EACH` stands for one step, taken over by its number; `REST` for all that follows.
"""

from __future__ import annotations

from typing import NamedTuple

from snapshots.authoring.yaml_nodes import Path


class Taken(NamedTuple):
    """The step that an EACH of the pattern stood for, from 0."""

    number: int


EACH, REST, FROM_ROOT = "*", "**", "^"
FIRST = Taken(0)

Pattern = tuple[str | int, ...]
Template = tuple[str | int | Taken, ...]
Table = dict[Pattern, tuple[Template, ...]]

_NAME: Template = (FROM_ROOT, "metadata", "name")
# What no document can say.
DEFAULT: tuple[Template, ...] = ()
ITSELF: Table = {(REST,): ((),)}
NAME_VALUE: Table = {("name",): (("name",),), ("string_match", REST): (("value",),)}

LISTENER: Table = {
    ("name",): (("port",),),
    ("address", "socket_address", "address"): DEFAULT,
    ("address", "socket_address", "port_value"): (("port",),),
    ("address", "socket_address", "protocol"): (("protocol",),),
    ("listener_filters", REST): (("protocol",),),
}
CHAIN: Table = {
    ("name",): (("hostname",), ("port",)),
    ("filter_chain_match", "server_names", EACH): (("hostname",),),
    ("filter_chain_match", "transport_protocol"): (("protocol",),),
    ("filters", EACH, "name"): (("protocol",),),
    ("filters", EACH, "typed_config", "stat_prefix"): (("hostname",), ("port",)),
    ("filters", EACH, "typed_config", "rds", "route_config_name"): (("hostname",), ("port",)),
    ("filters", EACH, "typed_config", REST): DEFAULT,
    ("transport_socket", "name"): (("protocol",),),
    ("transport_socket", "typed_config", REST): DEFAULT,
    (
        *("transport_socket", "typed_config", "common_tls_context", "tls_certificate_sds_secret_configs"),
        *(EACH, "name"),
    ): (("tls", "certificateRefs", FIRST, "name"),),
}
# Without TLS all listeners of a port are one, and called after it.
PLAIN_CHAIN: Table = CHAIN | {
    ("name",): (("port",),),
    ("filters", EACH, "typed_config", "stat_prefix"): (("port",),),
    ("filters", EACH, "typed_config", "rds", "route_config_name"): (("port",),),
}
_ASKED = ("backendRef", "name")
# A filter that asks a service; from the ExternalAuth of the rule that asks so first.
GUARD: Table = {
    ("name",): (_ASKED,),
    ("disabled",): DEFAULT,
    ("typed_config", REST): DEFAULT,
    ("typed_config", "grpc_service", "envoy_grpc", EACH): (_ASKED,),
    ("typed_config", "http_service", "server_uri", "uri"): (_ASKED,),
    ("typed_config", "http_service", "server_uri", "cluster"): (_ASKED,),
    ("typed_config", "http_service", "path_prefix"): (("http", "path"),),
    (*("typed_config", "http_service", "authorization_response", "allowed_upstream_headers"), REST): (
        ("http", "allowedResponseHeaders"),
    ),
    ("typed_config", "allowed_headers", REST): (("http", "allowedHeaders"), ("grpc", "allowedHeaders")),
    ("typed_config", "with_request_body", "max_request_bytes"): (("forwardBody", "maxSize"),),
}
CLIENT_CHECK: Table = {("name",): (("default", "validation"), ("perPort",)), (REST,): DEFAULT}
PROXY: Table = {
    ("name",): DEFAULT,
    ("typed_config", REST): DEFAULT,
    ("typed_config", "stat_prefix"): (_NAME,),
    ("typed_config", "cluster"): (("backendRefs", 0, "name"),),
    ("typed_config", "matcher", "on_no_match", "action", "typed_config", "cluster"): (("backendRefs", 0, "name"),),
}
# A proxy that no route stands behind.
CLOSED: Table = {(REST,): DEFAULT}
SHARE: Table = {("name",): (("name",),), ("weight",): (("weight",),), ("host_rewrite_literal",): DEFAULT}

ROUTE_CONFIGURATION: Table = {
    ("name",): (("hostname",), ("port",)),
    ("ignore_port_in_host_matching",): DEFAULT,
    ("request_headers_to_remove", REST): DEFAULT,
    ("typed_per_filter_config", REST): DEFAULT,
}
PLAIN_ROUTE_CONFIGURATION: Table = ROUTE_CONFIGURATION | {("name",): (("port",),)}
SCOPE: Table = {(REST,): (("hostname",), ("port",))}
HOST: Table = {
    ("name",): (("hostname",),),
    ("domains", EACH): (("hostname",),),
    ("routes", EACH, "direct_response", "status"): DEFAULT,
    ("routes", EACH, "match", REST): DEFAULT,
    ("metadata", REST): DEFAULT,
}
_REQUEST, _BACKEND_REQUEST = ("timeouts", "request"), ("timeouts", "backendRequest")
_SESSION = ("sessionPersistence",)
ROUTE: Table = {
    ("name",): (("name",), _NAME),
    ("match", REST): DEFAULT,
    ("match", "runtime_fraction", "default_value", "numerator"): (("backendRefs",),),
    ("route", "cluster"): (("backendRefs", 0, "name"), ("backendRefs",)),
    ("route", "cluster_not_found_response_code"): DEFAULT,
    ("route", "timeout"): (_REQUEST, _BACKEND_REQUEST),
    ("route", "idle_timeout"): (_REQUEST, _BACKEND_REQUEST),
    ("route", "retry_policy", "retry_on"): (("retry", "codes"), ("retry",)),
    ("route", "retry_policy", "num_retries"): (("retry", "attempts"),),
    ("route", "retry_policy", "retriable_status_codes", EACH): (("retry", "codes", FIRST),),
    ("route", "retry_policy", "per_try_timeout"): (_BACKEND_REQUEST,),
    ("route", "retry_policy", "retry_back_off", REST): (("retry", "backoff"),),
    # Answered by Envoy itself: nothing leads to a backend, or a filter cannot be done.
    ("direct_response", "status"): DEFAULT,
    ("typed_per_filter_config", "envoy.filters.http.stateful_session", REST): (_SESSION,),
}
COOKIE: Table = {("name",): DEFAULT, ("string_match", REST): (("sessionName",), ())}
# What of a session the packed configuration says where.
SESSION: Table = {
    (*("stateful_session", "session_state", "typed_config", "cookie", "name"),): (("sessionName",), ()),
    (*("stateful_session", "session_state", "typed_config", "cookie", "ttl"),): (("absoluteTimeout",),),
    (*("stateful_session", "session_state", "typed_config", "name"),): (("sessionName",), ()),
    (*("stateful_session", "session_state", "name"),): (("type",),),
    (REST,): DEFAULT,
}
_PATH = ("path", "value")
METHOD: Table = {("name",): DEFAULT, ("string_match", REST): (("method",),)}
MATCH: Table = {
    ("path",): (_PATH,),
    ("prefix",): (_PATH,),
    ("path_separated_prefix",): (_PATH,),
    ("safe_regex", "regex"): (_PATH,),
}
CALL: Table = {
    ("path",): (("method", "service"), ("method", "method")),
    ("path_separated_prefix",): (("method", "service"),),
    ("safe_regex", "regex"): (("method", "service"), ("method", "method")),
    ("prefix",): DEFAULT,
}
HEADER: Table = {
    ("header", "key"): (("name",),),
    ("header", "value"): (("value",),),
    ("append_action",): ((),),
}
REWRITE: Table = {
    ("host_rewrite_literal",): (("hostname",),),
    ("prefix_rewrite",): (("path", "replacePrefixMatch"), ("path",)),
    ("regex_rewrite", "pattern", REST): DEFAULT,
    ("regex_rewrite", "substitution"): (("path", "replaceFullPath"),),
}
REDIRECT: Table = {
    ("scheme_redirect",): (("scheme",),),
    ("host_redirect",): (("hostname",),),
    ("port_redirect",): (("port",), ("scheme",)),
    ("path_redirect",): (("path", "replaceFullPath"),),
    ("prefix_rewrite",): (("path", "replacePrefixMatch"), ("path",)),
    ("response_code",): (("statusCode",),),
}
MIRROR: Table = {
    ("cluster",): (("backendRef", "name"),),
    ("runtime_fraction", "default_value", "numerator"): (("fraction",), ("percent",)),
    ("runtime_fraction", "default_value", "denominator"): DEFAULT,
    ("disable_shadow_host_suffix_append",): DEFAULT,
}
CORS: Table = {
    ("@type",): DEFAULT,
    ("allow_origin_string_match", EACH, REST): (("allowOrigins", FIRST),),
    ("allow_methods",): (("allowMethods",),),
    ("allow_headers",): (("allowHeaders",),),
    ("expose_headers",): (("exposeHeaders",),),
    ("max_age",): (("maxAge",),),
    ("allow_credentials",): (("allowCredentials",),),
    ("forward_not_matching_preflights",): DEFAULT,
}

_SOCKET = ("load_assignment", "endpoints", EACH, "lb_endpoints", EACH, "endpoint", "address", "socket_address")
CLUSTER: Table = {
    ("name",): (_NAME,),
    ("type",): (("hostname",),),
    ("connect_timeout",): DEFAULT,
    ("circuit_breakers", REST): DEFAULT,
    ("eds_cluster_config", "service_name"): (_NAME,),
    ("eds_cluster_config", "eds_config", REST): DEFAULT,
    ("dns_lookup_family",): DEFAULT,
    ("respect_dns_ttl",): DEFAULT,
    ("typed_extension_protocol_options", REST): (("appProtocol",),),
    ("load_assignment", "cluster_name"): (_NAME,),
    ("load_assignment", "endpoints", REST): DEFAULT,
    (*_SOCKET, "address"): (("hostname",),),
    (*_SOCKET, "port_value"): (("port",),),
}
ASSIGNMENT: Table = {("cluster_name",): (_NAME,), ("endpoints", REST): DEFAULT}
LOCALITY: Table = {
    ("locality", "region"): (("region",),),
    ("locality", "zone"): (("zone",),),
    ("priority",): (("priority",),),
    ("load_balancing_weight",): (("weight",),),
}
_ENDPOINT = ("endpoint", "address", "socket_address")
ENDPOINT: Table = {
    (*_ENDPOINT, "address"): (("address",), ("addresses", 0)),
    (*_ENDPOINT, "port_value"): (("port",),),
    ("load_balancing_weight",): (("weight",),),
}
# Of several backends as one cluster: how much one endpoint takes is worked out from all weights.
SHARED_ENDPOINT: Table = ENDPOINT | {("load_balancing_weight",): DEFAULT}
_CONTEXT = ("typed_config", "common_tls_context")
_COMBINED = (*_CONTEXT, "combined_validation_context")
_NAMES = (*_COMBINED, "default_validation_context", "match_typed_subject_alt_names", EACH)
UPSTREAM_TLS: Table = {
    ("name",): DEFAULT,
    ("typed_config", REST): DEFAULT,
    ("typed_config", "sni"): (("hostname",),),
    (*_NAMES, "san_type"): (("subjectAltNames", FIRST, "type"),),
    (*_NAMES, "matcher", REST): (
        ("subjectAltNames", FIRST, "hostname"),
        ("subjectAltNames", FIRST, "uri"),
        ("hostname",),
    ),
    (*_COMBINED, "validation_context_sds_secret_config", "name"): (_NAME,),
}
CERTIFICATE: Table = {
    ("name",): (_NAME,),
    ("tls_certificate", "certificate_chain", REST): (("data", "tls.crt"), ("stringData", "tls.crt")),
    ("tls_certificate", "private_key", REST): (("data", "tls.key"), ("stringData", "tls.key")),
}
AUTHORITIES: Table = {
    ("name",): (_NAME,),
    ("validation_context", REST): (
        ("spec", "validation", "caCertificateRefs", 0, "name"),
        ("spec", "validation", "wellKnownCACertificates"),
        ("spec", "tls", "frontend"),
    ),
}


def taken(pattern: Pattern, path: Path) -> tuple[str | int, ...] | None:
    """The steps that the EACHes of `pattern` stand for in `path`; None if it is not its pattern."""
    found: list[str | int] = []
    for index, step in enumerate(pattern):
        if step == REST:
            return tuple(found)
        if index >= len(path) or step not in (EACH, path[index]):
            return None
        if step == EACH:
            found.append(path[index])
    return tuple(found) if len(path) == len(pattern) else None


def candidates(table: Table, path: Path, base: Path) -> tuple[Path, ...] | None:
    """The paths in the document that may say what stands at `path`, by the most exact row; None: the table has none."""
    rows = ((pattern, found) for pattern in table if (found := taken(pattern, path)) is not None)
    best = max(rows, key=lambda row: (sum(step not in (EACH, REST) for step in row[0]), len(row[0])), default=None)
    if best is None:
        return None
    pattern, steps = best
    return tuple(_filled(template, steps, base) for template in table[pattern])


def _filled(template: Template, steps: tuple[str | int, ...], base: Path) -> Path:
    path: Path = tuple(steps[step.number] if isinstance(step, Taken) else step for step in template)
    return path[1:] if path[:1] == (FROM_ROOT,) else (*base, *path)
