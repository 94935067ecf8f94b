"""Guards: services that are asked whether a request may pass, each a filter that the rules it guards turn on. Pure.

Source: Gateway API, HTTPExternalAuthFilter (GEP-1494); Envoy's ext_authz filter. A route cannot say whom to ask, so
each guard is a filter of its connection manager. One that lacks it would let everything pass: hence `guarded_name`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from snapshots.authoring.gateway.backends import BackendTarget
from snapshots.authoring.gateway.envoy import Messages, duration
from snapshots.authoring.kinds.filters import ExternalAuth, GRPCAuth, HTTPAuth

Fields = dict[str, Any]
# What the filters of guards are called.
GUARD_PREFIX = "fairlead/guard/"
_EXT_AUTHZ = "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz"
_PER_ROUTE = "envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute"
# The standard sets no limit, and Envoy one of 0.2 s. A service that takes longer than this has said no.
TIMEOUT_S = 10.0
# What is said of a message and its connection, and not of who sends it. Envoy itself keeps Host and its own headers.
_NOT_COPIED = (
    "content-length|content-type|content-encoding|transfer-encoding|connection|keep-alive|upgrade|te|date|server"
)


@dataclass(frozen=True, slots=True)
class Guard:
    """Who is asked, and what of a request is shown."""

    target: BackendTarget
    auth: ExternalAuth


def guard_filter(messages: Messages, guard: Guard, cluster: str) -> Fields:
    """The HTTP filter of a guard that `cluster` leads to: `fairlead/guard/Backend/shop/auth/1b4f0e98`. Guards that ask
    alike are one filter. It is off where no route turns it on."""
    packed = messages.packed(_EXT_AUTHZ, _service(guard, cluster) | _body(guard.auth))
    return {"name": f"{GUARD_PREFIX}{cluster}/{_short(packed['value'])}", "typed_config": packed, "disabled": True}


def turned_on(messages: Messages) -> Fields:
    """What a Route's typed_per_filter_config needs, under the filter's name."""
    return messages.packed(_PER_ROUTE, {"check_settings": {}})


def guarded_name(name: str, filters: Sequence[Fields]) -> str:
    """The name of the route configuration `name` for connection managers with these guards.

    Connections that are open when a listener changes go on with the filters that they have, and with whatever its route
    configuration says by then. So guards and the routes that rely on them come under a new name together.
    """
    return f"{name}/guarded/{_short(repr([each['name'] for each in filters]).encode())}" if filters else name


def guard_problems(auth: ExternalAuth) -> Iterator[tuple[str, str]]:
    """Why a service cannot be asked in this way: the field below `http`, and a sentence."""
    if auth.http is not None and auth.http.path is not None and not auth.http.path.startswith("/"):
        yield "path", f'"{auth.http.path}" cannot stand before a path: it must begin with "/"'


def _service(guard: Guard, cluster: str) -> Fields:
    host = f"{guard.target.backend.key.name}.{guard.target.backend.key.namespace}"
    if guard.auth.protocol == "GRPC":
        settings = guard.auth.grpc or GRPCAuth()
        # The name of a cluster is no authority.
        service = {"envoy_grpc": {"cluster_name": cluster, "authority": host}, "timeout": duration(TIMEOUT_S)}
        shown = {"allowed_headers": _named(settings.allowed_headers)} if settings.allowed_headers else {}
        return {"grpc_service": service, "transport_api_version": "V3"} | shown
    return _http(guard.auth.http or HTTPAuth(), cluster, host)


def _http(settings: HTTPAuth, cluster: str, host: str) -> Fields:
    """Envoy shows Host, method, path and Authorization by itself."""
    copied = settings.allowed_response_headers
    everything = {"patterns": [{"safe_regex": {"regex": ".*"}}]}
    service = {
        "server_uri": {"uri": f"http://{host}", "cluster": cluster, "timeout": duration(TIMEOUT_S)},
        "path_prefix": (settings.path or "").rstrip("/"),
        "authorization_response": {"allowed_upstream_headers": _named(copied) if copied else everything},
    }
    rules = {"disallow_system": {"value": True}, "disallow_expression": {"regex": _NOT_COPIED}}
    shown = {"allowed_headers": _named(settings.allowed_headers)} if settings.allowed_headers else {}
    return {"http_service": service, "decoder_header_mutation_rules": rules, "transport_api_version": "V3"} | shown


def _body(auth: ExternalAuth) -> Fields:
    """A body that is larger is answered 413: who has seen a part of it only cannot say yes."""
    size = auth.forward_body.max_size if auth.forward_body is not None else 0
    return {"with_request_body": {"max_request_bytes": size}} if size else {}


def _named(headers: Iterable[str]) -> Fields:
    """A ListStringMatcher of these headers, in any case."""
    return {"patterns": [{"exact": each, "ignore_case": True} for each in sorted(headers, key=str.lower)]}


def _short(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:8]
