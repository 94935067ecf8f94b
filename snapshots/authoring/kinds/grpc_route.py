"""GRPCRoute: calls by host, service, method and headers to backends. Gateway API: "GRPCRoute"."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from msgspec import Meta

from snapshots.authoring.kinds.filters import Filter, check_filters
from snapshots.authoring.kinds.http_route import (
    HTTPBackendRef,
    SessionPersistence,
    check_number_of_matches,
    check_persistence,
    check_rule_names,
)
from snapshots.authoring.kinds.model import HeaderName, Hostname, Model, SectionName, Wrong, Wrongs
from snapshots.authoring.kinds.references import ParentReference, check_backend, check_parents
from snapshots.authoring.yaml_nodes import Path

_SERVICE = re.compile(r"\.?[A-Za-z_][A-Za-z_0-9]*(\.[A-Za-z_][A-Za-z_0-9]*)*")
_METHOD = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_FILTERS = frozenset({"RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror", "ExtensionRef"})


class GRPCMethodMatch(Model, frozen=True, kw_only=True):
    type: Literal["Exact", "RegularExpression"] = "Exact"
    service: Annotated[str, Meta(max_length=1024)] | None = None
    method: Annotated[str, Meta(max_length=1024)] | None = None


class GRPCHeaderMatch(Model, frozen=True, kw_only=True):
    type: Literal["Exact", "RegularExpression"] = "Exact"
    name: HeaderName
    value: Annotated[str, Meta(min_length=1, max_length=4096)]


class GRPCRouteMatch(Model, frozen=True, kw_only=True):
    """All that it says must hold."""

    method: GRPCMethodMatch | None = None
    headers: Annotated[tuple[GRPCHeaderMatch, ...], Meta(max_length=16)] = ()


class GRPCRouteRule(Model, frozen=True, kw_only=True):
    """Matches any of `matches`, or everything without one; the calls go to `backend_refs` by weight."""

    name: SectionName | None = None
    matches: Annotated[tuple[GRPCRouteMatch, ...], Meta(max_length=64)] = ()
    filters: Annotated[tuple[Filter, ...], Meta(max_length=16)] = ()
    backend_refs: Annotated[tuple[HTTPBackendRef, ...], Meta(max_length=16)] = ()
    session_persistence: SessionPersistence | None = None


class GRPCRouteSpec(Model, frozen=True, kw_only=True):
    parent_refs: Annotated[tuple[ParentReference, ...], Meta(max_length=32)] = ()
    hostnames: Annotated[tuple[Hostname, ...], Meta(max_length=16)] = ()
    rules: Annotated[tuple[GRPCRouteRule, ...], Meta(max_length=16)] = ()
    use_default_gateways: Literal["All", "None"] | None = None


class GRPCRoute(Model, frozen=True, kw_only=True):
    spec: GRPCRouteSpec


def check_grpc_route(route: GRPCRoute) -> Wrongs:
    """What several fields must agree on."""
    spec, at = route.spec, ("spec",)
    yield from check_parents(spec.parent_refs, (*at, "parentRefs"))
    yield from check_rule_names([rule.name for rule in spec.rules], (*at, "rules"))
    yield from check_number_of_matches([len(rule.matches) for rule in spec.rules], (*at, "rules"))
    for index, rule in enumerate(spec.rules):
        yield from _rule(rule, (*at, "rules", index))


def _rule(rule: GRPCRouteRule, at: Path) -> Wrongs:
    for index, match in enumerate(rule.matches):
        method = match.method
        if method is not None:
            yield from _method(method, (*at, "matches", index, "method"))
    yield from _filters(rule.filters, (*at, "filters"))
    for index, backend in enumerate(rule.backend_refs):
        yield from check_backend(backend, (*at, "backendRefs", index))
        yield from _filters(backend.filters, (*at, "backendRefs", index, "filters"))
    if rule.session_persistence is not None:
        yield from check_persistence(rule.session_persistence, (*at, "sessionPersistence"))


def _method(method: GRPCMethodMatch, at: Path) -> Wrongs:
    """Something must be matched, and what is matched exactly must be something that a call can name."""
    if not method.service and not method.method:
        yield Wrong(at, "a method match needs a service or a method")
        return
    for field, value, names in (("service", method.service, _SERVICE), ("method", method.method, _METHOD)):
        if method.type == "Exact" and value is not None and not names.fullmatch(value):
            yield Wrong((*at, field), f'"{value}" is not the name of a {field}')


def _filters(filters: tuple[Filter, ...], at: Path) -> Wrongs:
    for index, each in enumerate(filters):
        if each.type not in _FILTERS:
            yield Wrong((*at, index, "type"), f"a GRPCRoute has no filter of type {each.type}")
    yield from check_filters(filters, at)
