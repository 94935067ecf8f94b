"""HTTPRoute: requests by host, path, method, headers and query to backends. Gateway API: "HTTPRoute"."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from msgspec import Meta

from snapshots.authoring.kinds.filters import Filter, Method, check_filters
from snapshots.authoring.kinds.model import (
    Duration,
    HeaderName,
    HeaderValue,
    Hostname,
    Model,
    SectionName,
    Wrong,
    Wrongs,
    duplicates,
)
from snapshots.authoring.kinds.references import BackendRef, ParentReference, check_backend, check_parents
from snapshots.authoring.yaml_nodes import Path

_MATCHES_LIMIT = 128
_FORBIDDEN_IN_PATHS = ("//", "/./", "/../", "%2f", "%2F", "#")
_FORBIDDEN_AT_THE_END = ("/..", "/.")
_PATH = re.compile(r"(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+")


class PathMatch(Model, frozen=True, kw_only=True):
    type: Literal["Exact", "PathPrefix", "RegularExpression"] = "PathPrefix"
    value: Annotated[str, Meta(max_length=1024)] = "/"


class HeaderMatch(Model, frozen=True, kw_only=True):
    type: Literal["Exact", "RegularExpression"] = "Exact"
    name: HeaderName
    value: HeaderValue


class QueryParamMatch(Model, frozen=True, kw_only=True):
    type: Literal["Exact", "RegularExpression"] = "Exact"
    name: HeaderName
    value: Annotated[str, Meta(min_length=1, max_length=1024)]


class HTTPRouteMatch(Model, frozen=True, kw_only=True):
    """All that it says must hold."""

    path: PathMatch = PathMatch()
    headers: Annotated[tuple[HeaderMatch, ...], Meta(max_length=16)] = ()
    query_params: Annotated[tuple[QueryParamMatch, ...], Meta(max_length=16)] = ()
    method: Method | None = None


class HTTPBackendRef(BackendRef, frozen=True, kw_only=True):
    filters: Annotated[tuple[Filter, ...], Meta(max_length=16)] = ()


class Timeouts(Model, frozen=True, kw_only=True):
    request: Duration | None = None
    backend_request: Duration | None = None


class Retry(Model, frozen=True, kw_only=True):
    codes: tuple[Annotated[int, Meta(ge=400, le=599)], ...] = ()
    attempts: Annotated[int, Meta(ge=1)] | None = None
    backoff: Duration | None = None


class CookieConfig(Model, frozen=True, kw_only=True):
    lifetime_type: Literal["Permanent", "Session"] = "Session"


class SessionPersistence(Model, frozen=True, kw_only=True):
    session_name: Annotated[str, Meta(max_length=128)] | None = None
    absolute_timeout: Duration | None = None
    type: Literal["Cookie", "Header"] = "Cookie"
    cookie_config: CookieConfig | None = None


class HTTPRouteRule(Model, frozen=True, kw_only=True):
    """Matches any of `matches`; the requests go to `backend_refs` by weight."""

    name: SectionName | None = None
    matches: Annotated[tuple[HTTPRouteMatch, ...], Meta(max_length=64)] = (HTTPRouteMatch(),)
    filters: Annotated[tuple[Filter, ...], Meta(max_length=16)] = ()
    backend_refs: Annotated[tuple[HTTPBackendRef, ...], Meta(max_length=16)] = ()
    timeouts: Timeouts | None = None
    retry: Retry | None = None
    session_persistence: SessionPersistence | None = None


class HTTPRouteSpec(Model, frozen=True, kw_only=True):
    parent_refs: Annotated[tuple[ParentReference, ...], Meta(max_length=32)] = ()
    hostnames: Annotated[tuple[Hostname, ...], Meta(max_length=16)] = ()
    rules: Annotated[tuple[HTTPRouteRule, ...], Meta(min_length=1, max_length=16)] = (HTTPRouteRule(),)
    use_default_gateways: Literal["All", "None"] | None = None


class HTTPRoute(Model, frozen=True, kw_only=True):
    spec: HTTPRouteSpec


def check_http_route(route: HTTPRoute) -> Wrongs:
    """What several fields must agree on."""
    spec, at = route.spec, ("spec",)
    yield from check_parents(spec.parent_refs, (*at, "parentRefs"))
    yield from check_rule_names([rule.name for rule in spec.rules], (*at, "rules"))
    yield from check_number_of_matches([len(rule.matches) for rule in spec.rules], (*at, "rules"))
    for index, rule in enumerate(spec.rules):
        yield from _rule(rule, (*at, "rules", index))


def check_rule_names(names: list[str | None], at: Path) -> Wrongs:
    """Names of rules are unique where there are any."""
    named = [(index, name) for index, name in enumerate(names) if name is not None]
    for index, before in duplicates([name for _, name in named]):
        wrong, first = named[index], named[before]
        yield Wrong((*at, wrong[0], "name"), f'the rule name "{wrong[1]}" is that of rules[{first[0]}]')


def check_number_of_matches(numbers: list[int], at: Path) -> Wrongs:
    """The matches of all rules of a route together."""
    if sum(numbers) > _MATCHES_LIMIT:
        yield Wrong(at, f"more than {_MATCHES_LIMIT} matches in one route", "split the route")


def check_persistence(persistence: SessionPersistence, at: Path) -> Wrongs:
    """A permanent cookie needs an end, and only cookies have a cookie's settings."""
    cookie = persistence.cookie_config
    if cookie is not None and persistence.type != "Cookie":
        yield Wrong((*at, "cookieConfig"), f"cookieConfig does not go with type {persistence.type}", "remove it")
    if cookie is not None and cookie.lifetime_type == "Permanent" and persistence.absolute_timeout is None:
        yield Wrong((*at, "cookieConfig", "lifetimeType"), "a permanent cookie needs absoluteTimeout")


def _rule(rule: HTTPRouteRule, at: Path) -> Wrongs:
    for index, match in enumerate(rule.matches):
        yield from _match(match, (*at, "matches", index))
    yield from check_filters(rule.filters, (*at, "filters"))
    yield from _prefix_replacement(rule, rule.filters, (*at, "filters"))
    redirects = any(each.type == "RequestRedirect" for each in rule.filters)
    if redirects and rule.backend_refs:
        yield Wrong((*at, "backendRefs"), "a rule that redirects has no backends", "remove backendRefs or the redirect")
    for index, backend in enumerate(rule.backend_refs):
        here = (*at, "backendRefs", index)
        yield from check_backend(backend, here)
        yield from check_filters(backend.filters, (*here, "filters"))
        yield from _prefix_replacement(rule, backend.filters, (*here, "filters"))
    if rule.timeouts is not None:
        yield from _timeouts(rule.timeouts, (*at, "timeouts"))
    if rule.session_persistence is not None:
        yield from check_persistence(rule.session_persistence, (*at, "sessionPersistence"))


def _match(match: HTTPRouteMatch, at: Path) -> Wrongs:
    path = match.path
    if path.type != "RegularExpression":
        why = _path_problem(path.value)
        if why:
            yield Wrong((*at, "path", "value"), f'the path "{path.value}" {why}')
    for field, values in (("headers", match.headers), ("queryParams", match.query_params)):
        # Of headers whose names differ in case only the first counts, says the standard; they are no mistake.
        names = [each.name for each in values]
        for index, before in duplicates(list(names)):
            yield Wrong((*at, field, index, "name"), f'"{names[index]}" is matched in {field}[{before}] already')


def _path_problem(value: str) -> str:
    if not value.startswith("/"):
        return 'must begin with "/"'
    for part in _FORBIDDEN_IN_PATHS:
        if part in value:
            return f'must not contain "{part}"'
    for end in _FORBIDDEN_AT_THE_END:
        if value.endswith(end):
            return f'must not end with "{end}"'
    return "" if _PATH.fullmatch(value) else "has a character that a path cannot have; percent-encode it"


def _prefix_replacement(rule: HTTPRouteRule, filters: tuple[Filter, ...], at: Path) -> Wrongs:
    """A prefix can be replaced only where one is matched."""
    alone = len(rule.matches) == 1 and rule.matches[0].path.type == "PathPrefix"
    for index, each in enumerate(filters):
        for field, modifier in (("requestRedirect", each.request_redirect), ("urlRewrite", each.url_rewrite)):
            if modifier and modifier.path and modifier.path.type == "ReplacePrefixMatch" and not alone:
                text = "ReplacePrefixMatch needs exactly one match, of a path prefix"
                yield Wrong((*at, index, field, "path"), text, "split the rule, or use ReplaceFullPath")


def _timeouts(timeouts: Timeouts, at: Path) -> Wrongs:
    if timeouts.request is None or timeouts.backend_request is None:
        return
    whole, part = duration_s(timeouts.request), duration_s(timeouts.backend_request)
    if whole and part > whole:
        text = f"backendRequest ({timeouts.backend_request}) is longer than request ({timeouts.request})"
        yield Wrong((*at, "backendRequest"), text, "make it shorter")


_UNITS_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def duration_s(text: str) -> float:
    """`1h30m` -> 5400.0; the text follows the pattern of `Duration`.  Gateway API: GEP-2257."""
    return sum(int(count) * _UNITS_S[unit] for count, unit in re.findall(r"([0-9]+)(ms|h|m|s)", text))
