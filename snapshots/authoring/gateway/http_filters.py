"""What filters of a rule, or of one of its backends, do: as fields of an Envoy route, or of one of its shares. Pure.

Source: Gateway API, HTTPRouteFilter; Envoy's route components.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from snapshots.authoring.gateway.envoy import Messages
from snapshots.authoring.kinds.filters import CORS, Filter, HeaderModifier, PathModifier, RequestRedirect, URLRewrite

_CODES = {
    301: "MOVED_PERMANENTLY",
    302: "FOUND",
    303: "SEE_OTHER",
    307: "TEMPORARY_REDIRECT",
    308: "PERMANENT_REDIRECT",
}
_DEFAULT_PORTS = {"http": 80, "https": 443}
CORS_FILTER = "envoy.filters.http.cors"


def header_fields(filters: Iterable[Filter]) -> dict[str, Any]:
    """Header changes: fields that a Route and a WeightedCluster's share have alike."""
    fields: dict[str, Any] = {}
    for each in filters:
        for direction, modifier in (
            ("request", each.request_header_modifier),
            ("response", each.response_header_modifier),
        ):
            if modifier is not None:
                fields |= _modified(direction, modifier)
    return fields


def _modified(direction: str, modifier: HeaderModifier) -> dict[str, Any]:
    changes = [
        {"header": {"key": each.name, "value": each.value}, "append_action": action}
        for action, headers in (
            ("OVERWRITE_IF_EXISTS_OR_ADD", modifier.set),
            ("APPEND_IF_EXISTS_OR_ADD", modifier.add),
        )
        for each in headers
    ]
    return {f"{direction}_headers_to_add": changes, f"{direction}_headers_to_remove": list(modifier.remove)}


def redirect_fields(redirect: RequestRedirect, matched_prefix: str, listener_port: int, scheme: str) -> dict[str, Any]:
    """The fields of an envoy.config.route.v3.RedirectAction."""
    fields: dict[str, Any] = {"response_code": _CODES[redirect.status_code]}
    if redirect.scheme is not None:
        fields["scheme_redirect"] = redirect.scheme
    if redirect.hostname is not None:
        fields["host_redirect"] = redirect.hostname
    port = _redirect_port(redirect, listener_port, scheme)
    if port is not None:
        fields["port_redirect"] = port
    if redirect.path is not None:
        fields |= _redirected_path(redirect.path, matched_prefix)
    return fields


def _redirect_port(redirect: RequestRedirect, listener_port: int, scheme: str) -> int | None:
    """The port to name. A scheme's own port is left out, as the standard wants it."""
    if redirect.port is not None:
        port = redirect.port
    elif redirect.scheme is not None:
        port = _DEFAULT_PORTS[redirect.scheme]
    else:
        port = listener_port
    return port


def _redirected_path(path: PathModifier, matched_prefix: str) -> dict[str, Any]:
    if path.type == "ReplaceFullPath":
        return {"path_redirect": path.replace_full_path}
    replacement = path.replace_prefix_match or "/"
    if matched_prefix.rstrip("/") and not replacement.rstrip("/"):
        return {"regex_rewrite": _without_prefix(matched_prefix)}
    return {"prefix_rewrite": replacement.rstrip("/") if matched_prefix.rstrip("/") else replacement}


def rewrite_fields(rewrite: URLRewrite, matched_prefix: str) -> dict[str, Any]:
    """Fields of an envoy.config.route.v3.RouteAction."""
    fields: dict[str, Any] = {}
    if rewrite.hostname is not None:
        fields["host_rewrite_literal"] = rewrite.hostname
    if rewrite.path is None:
        return fields
    if rewrite.path.type == "ReplaceFullPath":
        whole = {"pattern": {"regex": "^/.*$"}, "substitution": rewrite.path.replace_full_path or "/"}
        return fields | {"regex_rewrite": whole}
    return fields | _redirected_path(rewrite.path, matched_prefix)


def _without_prefix(prefix: str) -> dict[str, Any]:
    """`/foo` replaced by nothing: `/foo/bar` becomes `/bar`, and `/foo` becomes `/`."""
    return {"pattern": {"regex": f"^{_escaped(prefix.rstrip('/'))}/*"}, "substitution": "/"}


def _escaped(text: str) -> str:
    """For RE2, which knows no escapes of letters."""
    return "".join(character if character.isalnum() or character in "/_-" else f"\\{character}" for character in text)


def cors_policy(messages: Messages, cors: CORS) -> dict[str, Any]:
    """A packed envoy.extensions.filters.http.cors.v3.CorsPolicy."""
    fields: dict[str, Any] = {
        "allow_origin_string_match": [_origin(each) for each in cors.allow_origins],
        "allow_methods": ",".join(cors.allow_methods),
        "allow_headers": ",".join(cors.allow_headers),
        "expose_headers": ",".join(cors.expose_headers),
        "max_age": str(cors.max_age),
        "allow_credentials": {"value": cors.allow_credentials},
        "forward_not_matching_preflights": {"value": False},
    }
    return messages.packed("envoy.extensions.filters.http.cors.v3.CorsPolicy", fields)


def _origin(origin: str) -> dict[str, Any]:
    if "*" not in origin:
        return {"exact": origin}
    return {"safe_regex": {"regex": ".*".join(_escaped(part) for part in origin.split("*"))}}
