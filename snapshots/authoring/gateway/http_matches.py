"""What a rule matches, as Envoy says it, and which of several matches goes first. Pure.

Source: Gateway API, HTTPRouteRule "matches" and GRPCRouteRule "matches" with their precedence.
"""

from __future__ import annotations

import re
from typing import Any

from snapshots.authoring.kinds.grpc_route import GRPCRouteMatch
from snapshots.authoring.kinds.http_route import HTTPRouteMatch

# The greater goes first: kind of path match, its length, a method, the number of headers, of query parameters.
Specificity = tuple[int, int, int, int, int]
_PATH_ORDER = {"Exact": 2, "RegularExpression": 1, "PathPrefix": 0}


def http_match(match: HTTPRouteMatch) -> dict[str, Any]:
    """The fields of an envoy.config.route.v3.RouteMatch."""
    found = _path(match.path.type, match.path.value)
    headers = [_header(each.name, each.type, each.value) for each in match.headers]
    if match.method is not None:
        headers.append(_header(":method", "Exact", match.method))
    query = [{"name": each.name, "string_match": _text(each.type, each.value)} for each in match.query_params]
    return found | {"headers": headers, "query_parameters": query}


def http_specificity(match: HTTPRouteMatch) -> Specificity:
    path = match.path
    return (
        _PATH_ORDER[path.type],
        len(path.value),
        match.method is not None,
        len(match.headers),
        len(match.query_params),
    )


def grpc_match(match: GRPCRouteMatch) -> dict[str, Any]:
    """The fields of a RouteMatch: a call of service and method is a request of path `/service/method`."""
    headers = [_header(each.name, each.type, each.value) for each in match.headers]
    return _grpc_path(match) | {"headers": headers, "grpc": {}}


def grpc_specificity(match: GRPCRouteMatch) -> Specificity:
    method = match.method
    service, name = (method.service or "", method.method or "") if method else ("", "")
    exact = method is not None and method.type == "Exact"
    return (int(exact), len(service), len(name), len(match.headers), 0)


def _grpc_path(match: GRPCRouteMatch) -> dict[str, Any]:
    method = match.method
    if method is None:
        return {"prefix": "/"}
    if method.type == "Exact" and method.service and method.method:
        return {"path": f"/{method.service}/{method.method}"}
    if method.type == "Exact" and method.service:
        return {"path_separated_prefix": f"/{method.service}"}
    service = method.service or "[^/]+"
    name = method.method or "[^/]+"
    if method.type == "Exact":
        name = re.escape(name)
    return {"safe_regex": {"regex": f"/{service}/{name}"}}


def _path(kind: str, value: str) -> dict[str, Any]:
    if kind == "Exact":
        return {"path": value}
    if kind == "RegularExpression":
        return {"safe_regex": {"regex": value}}
    # Gateway API compares whole elements of a path: /foo takes /foo and /foo/bar, and not /foobar.
    trimmed = value.rstrip("/")
    return {"path_separated_prefix": trimmed} if trimmed else {"prefix": "/"}


def _header(name: str, kind: str, value: str) -> dict[str, Any]:
    return {"name": name, "string_match": _text(kind, value)}


def _text(kind: str, value: str) -> dict[str, Any]:
    return {"exact": value} if kind == "Exact" else {"safe_regex": {"regex": value}}
