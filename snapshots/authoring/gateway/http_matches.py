"""What a rule matches, as Envoy says it, and which of several matches goes first. Pure.

Source: Gateway API, HTTPRouteRule "matches" and GRPCRouteRule "matches" with their precedence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from snapshots.authoring.gateway.regexes import regex_problem
from snapshots.authoring.kinds.grpc_route import GRPCHeaderMatch, GRPCMethodMatch, GRPCRouteMatch
from snapshots.authoring.kinds.http_route import HeaderMatch, HTTPRouteMatch, QueryParamMatch
from snapshots.authoring.yaml_nodes import Path
from snapshots.checks.shadowing import Demand, PathKind

RouteMatch = HTTPRouteMatch | GRPCRouteMatch

# The greater goes first. Of HTTP: kind of path match, its length, a method, the number of headers, of query parameters;
# of gRPC: length of the service, of the method, the number of headers. The two never stand in one virtual host.
Specificity = tuple[int, int, int, int, int]
_PATH_ORDER = {"Exact": 2, "RegularExpression": 1, "PathPrefix": 0}
# How Envoy compares a path -> what that demands.
_DEMANDS: dict[str, PathKind] = {
    "path_separated_prefix": "segments",
    "prefix": "prefix",
    "path": "exact",
    "safe_regex": "regex",
}
# The whole of a service or method, where only the other is matched.
_ANY_SEGMENT = "[^/]+"


def match_fields(match: RouteMatch) -> dict[str, Any]:
    """The fields of an envoy.config.route.v3.RouteMatch."""
    return _http(match) if isinstance(match, HTTPRouteMatch) else _grpc(match)


def specificity(match: RouteMatch) -> Specificity:
    """How much a match asks for."""
    if isinstance(match, HTTPRouteMatch):
        length = len(match.path.value if match.path.type == "RegularExpression" else trimmed(match.path.value))
        counts = (match.method is not None, len(_first_of_each(match.headers)), len(match.query_params))
        return (_PATH_ORDER[match.path.type], length, *counts)
    service, method = _names(match.method)
    return (len(service), len(method), len(_first_of_each(match.headers)), 0, 0)


def demand_of(match: RouteMatch) -> Demand:
    """What a match asks for, to be held against others; made of the same as `match_fields`."""
    fields = match_fields(match)
    conditions = [("header", each["name"].lower(), _compared(each["string_match"])) for each in fields["headers"]]
    query = fields.get("query_parameters", ())
    conditions += [("query", each["name"], _compared(each["string_match"])) for each in query]
    kind, path = next((kind, _path_text(fields[name])) for name, kind in _DEMANDS.items() if name in fields)
    return Demand(kind, path, frozenset(conditions))


def match_problems(match: RouteMatch) -> Iterator[tuple[Path, str]]:
    """What Envoy would not take: where in the match, and why."""
    wrong = False
    for at, pattern in _expressions(match):
        why = regex_problem(pattern)
        wrong = wrong or bool(why)
        if why:
            yield at, f'the expression "{pattern}" cannot be used: {why}'
    if isinstance(match, GRPCRouteMatch) and match.method is not None and not wrong:
        # Each may be small enough, and the two together too large.
        why = regex_problem(_call_expression(match.method)) if match.method.type == "RegularExpression" else ""
        if why:
            yield ("method",), f"service and method cannot be used together: {why}"


def trimmed(prefix: str) -> str:
    """A path prefix without the slash at its end, which the standard ignores; empty for `/`."""
    return prefix.rstrip("/")


def _http(match: HTTPRouteMatch) -> dict[str, Any]:
    headers = [_header(each.name, each.type, each.value) for each in _first_of_each(match.headers)]
    if match.method is not None:
        headers.append(_header(":method", "Exact", match.method))
    query = [{"name": each.name, "string_match": _text(each.type, each.value)} for each in match.query_params]
    return _path(match.path.type, match.path.value) | {"headers": headers, "query_parameters": query}


def _grpc(match: GRPCRouteMatch) -> dict[str, Any]:
    """A call of service and method is a request of path `/service/method`."""
    headers = [_header(each.name, each.type, each.value) for each in _first_of_each(match.headers)]
    service, method = _names(match.method)
    if match.method is not None and match.method.type == "RegularExpression":
        found: dict[str, Any] = {"safe_regex": {"regex": _call_expression(match.method)}}
    elif service and method:
        found = {"path": f"/{service}/{method}"}
    elif service:
        found = {"path_separated_prefix": f"/{service}"}
    else:
        found = {"prefix": "/"}
    if found == {"prefix": "/"} and method:
        headers.append({"name": ":path", "string_match": {"suffix": f"/{method}"}})
    return found | {"headers": headers, "grpc": {}}


def _names(method: GRPCMethodMatch | None) -> tuple[str, str]:
    return ((method.service or "", method.method or "")) if method is not None else ("", "")


def _call_expression(method: GRPCMethodMatch) -> str:
    service, name = (f"(?:{each})" if each else _ANY_SEGMENT for each in _names(method))
    return f"/{service}/{name}"


def _expressions(match: RouteMatch) -> Iterator[tuple[Path, str]]:
    lists: dict[str, Iterable[HeaderMatch | GRPCHeaderMatch | QueryParamMatch]] = {"headers": match.headers}
    if isinstance(match, HTTPRouteMatch):
        lists["queryParams"] = match.query_params
        if match.path.type == "RegularExpression":
            yield ("path", "value"), match.path.value
    elif match.method is not None and match.method.type == "RegularExpression":
        names = zip(("service", "method"), _names(match.method), strict=True)
        yield from ((("method", name), text) for name, text in names if text)
    for field, values in lists.items():
        for index, each in enumerate(values):
            if each.type == "RegularExpression":
                yield (field, index, "value"), each.value


def _path(kind: str, value: str) -> dict[str, Any]:
    if kind == "Exact":
        return {"path": value}
    if kind == "RegularExpression":
        return {"safe_regex": {"regex": value}}
    # Gateway API compares whole elements of a path: /foo takes /foo and /foo/bar, and not /foobar.
    prefix = trimmed(value)
    return {"path_separated_prefix": prefix} if prefix else {"prefix": "/"}


def _first_of_each(headers: Iterable[Any]) -> tuple[Any, ...]:
    """Of headers whose names differ in case only, the first counts."""
    found: dict[str, Any] = {}
    for each in headers:
        found.setdefault(each.name.lower(), each)
    return tuple(found.values())


def _header(name: str, kind: str, value: str) -> dict[str, Any]:
    return {"name": name, "string_match": _text(kind, value)}


def _text(kind: str, value: str) -> dict[str, Any]:
    return {"exact": value} if kind == "Exact" else {"safe_regex": {"regex": value}}


def _compared(how: Mapping[str, Any]) -> str:
    """A StringMatcher as text: the same for equal ones."""
    ((kind, value),) = how.items()
    return f"{kind} {_path_text(value)}"


def _path_text(value: str | Mapping[str, str]) -> str:
    return value if isinstance(value, str) else value["regex"]


def literal_prefix(expression: str) -> str:
    """The directory that all paths of an expression lie in, as far as it is plain text: `/a/b` of `/a/b/[0-9]+`."""
    plain = re.match(r"\^?([A-Za-z0-9/_~-]*)", expression)
    text = plain.group(1) if plain else ""
    return text[: text.rfind("/")] or "/"
