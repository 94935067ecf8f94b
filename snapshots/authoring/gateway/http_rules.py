"""Rules of HTTPRoute and GRPCRoute with their references looked up, and what in them cannot be done. Pure.

What a rule comes to does not depend on the listeners that serve it; `http_actions` makes Envoy routes of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from snapshots.authoring.gateway.backends import Backends, BackendTarget, Protocol
from snapshots.authoring.gateway.complaints import Complaint
from snapshots.authoring.gateway.cors import origin_problems
from snapshots.authoring.gateway.envoy import NO_BACKEND
from snapshots.authoring.gateway.guards import Guard, guard_problems
from snapshots.authoring.gateway.header_changes import modifier_problems
from snapshots.authoring.gateway.http_matches import RouteMatch, match_problems
from snapshots.authoring.gateway.paths import path_problems
from snapshots.authoring.gateway.sessions import session_losses, session_problems
from snapshots.authoring.kinds.filters import Filter, RequestMirror
from snapshots.authoring.kinds.grpc_route import GRPCRouteMatch, GRPCRouteRule
from snapshots.authoring.kinds.http_route import HTTPBackendRef, HTTPRouteMatch, HTTPRouteRule, SessionPersistence
from snapshots.authoring.objects import AuthoredObject, ObjectKey
from snapshots.authoring.yaml_nodes import Path
from snapshots.codes import FILTER_UNSUPPORTED, RULE_UNSERVABLE, SESSION_IN_PART

RouteRule = HTTPRouteRule | GRPCRouteRule
_EVERYTHING: dict[str, RouteMatch] = {"HTTPRoute": HTTPRouteMatch(), "GRPCRoute": GRPCRouteMatch()}


@dataclass(frozen=True, slots=True)
class Mirror:
    """Where a copy of requests goes, and of how many in a million."""

    target: BackendTarget
    parts: int


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of a rule, or of one backend. `refused`: one of them cannot be done, and must not be left out."""

    all: tuple[Filter, ...] = ()
    mirrors: tuple[Mirror, ...] = ()
    refused: bool = False
    guards: tuple[Guard, ...] = ()


@dataclass(frozen=True, slots=True)
class Share:
    """One backendRef: its weight, what it leads to (None: nowhere), and what is done on the way there."""

    ref: HTTPBackendRef
    target: BackendTarget | None
    filters: Filters


@dataclass(frozen=True, slots=True)
class ResolvedRule:
    """One rule. `matches` are those that Envoy can make, each with its number in the rule."""

    number: int
    rule: RouteRule
    matches: tuple[tuple[int, RouteMatch], ...]
    filters: Filters
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class HttpRoute:
    """All rules of a route, what is wrong with them, and the policies that they have to do with."""

    rules: tuple[ResolvedRule, ...]
    complaints: tuple[Complaint, ...]
    policies: frozenset[ObjectKey]


def http_route(backends: Backends, route: AuthoredObject) -> HttpRoute:
    """An HTTPRoute or GRPCRoute with its references looked up."""
    resolving = _Resolving(backends, route)
    rules = tuple(resolving.rule(number, rule) for number, rule in enumerate(route.model.spec.rules))
    return HttpRoute(rules, tuple(resolving.found), frozenset(resolving.concerned))


@dataclass(slots=True)
class _Resolving:
    """One route's, while it is looked through."""

    backends: Backends
    route: AuthoredObject
    found: list[Complaint] = field(default_factory=list)
    concerned: set[ObjectKey] = field(default_factory=set)

    def rule(self, number: int, rule: RouteRule) -> ResolvedRule:
        at: Path = ("spec", "rules", number)
        filters = self._filters(rule.filters, (*at, "filters"))
        matches = tuple(self._matches(rule, (*at, "matches")))
        refs = enumerate(rule.backend_refs)
        shares = tuple(self._share(ref, (*at, "backendRefs", index)) for index, ref in refs)
        if rule.session_persistence is not None:
            usable = self._session(rule.session_persistence, len(shares), (*at, "sessionPersistence"))
            matches = matches if usable else ()
        return ResolvedRule(number, rule, matches, filters, shares)

    def _session(self, persistence: SessionPersistence, backends: int, at: Path) -> bool:
        """Whether it can be kept at all."""
        problems = list(session_problems(persistence))
        for text in problems:
            self._unservable((*at, "sessionName"), text)
        for name, text in session_losses(persistence, backends):
            self.found.append(Complaint(self.route, (*at, name), SESSION_IN_PART, "", text, severity="warning"))
        return not problems

    def _matches(self, rule: RouteRule, at: Path) -> Iterator[tuple[int, RouteMatch]]:
        matches: Sequence[RouteMatch] = rule.matches or (_EVERYTHING[self.route.key.kind],)
        for index, match in enumerate(matches):
            problems = list(match_problems(match))
            for where, text in problems:
                self._unservable((*at, index, *where), text)
            if not problems:
                yield index, match

    def _share(self, ref: HTTPBackendRef, at: Path) -> Share:
        target = self._target(ref, at)
        return Share(ref, target, self._filters(ref.filters, (*at, "filters")))

    def _filters(self, filters: tuple[Filter, ...], at: Path) -> Filters:
        before = len(self.found)
        for index, each in enumerate(filters):
            self._check(each, (*at, index))
        guards = tuple(self._guards(filters, at))
        asked = sum(each.external_auth is not None for each in filters)
        refused = len(self.found) > before or len(guards) < asked
        return Filters(filters, tuple(self._mirrors(filters, at)), refused, () if refused else guards)

    def _check(self, each: Filter, at: Path) -> None:
        if each.type == "ExtensionRef":
            text, hint = "no extension filters are known", "say it with the standard's own filters"
            complaint = Complaint(self.route, (*at, "extensionRef"), FILTER_UNSUPPORTED, "UnsupportedValue", text, hint)
            self.found.append(complaint)
        if each.request_header_modifier is not None:
            for where, text in modifier_problems("request", each.request_header_modifier):
                self._unservable((*at, "requestHeaderModifier", *where), text)
        if each.response_header_modifier is not None:
            for where, text in modifier_problems("response", each.response_header_modifier):
                self._unservable((*at, "responseHeaderModifier", *where), text)
        for index, origin in enumerate(each.cors.allow_origins if each.cors is not None else ()):
            for text in origin_problems(origin):
                self._unservable((*at, "cors", "allowOrigins", index), text)
        for name, text in guard_problems(each.external_auth) if each.external_auth is not None else ():
            self._unservable((*at, "externalAuth", "http", name), text)
        for name, changed in (("requestRedirect", each.request_redirect), ("urlRewrite", each.url_rewrite)):
            path = changed.path if changed is not None else None
            for field_name, text in path_problems(path) if path is not None else ():
                self._unservable((*at, name, "path", field_name), text)

    def _mirrors(self, filters: tuple[Filter, ...], at: Path) -> Iterator[Mirror]:
        for index, each in enumerate(filters):
            if each.request_mirror is not None:
                target = self._target(each.request_mirror.backend_ref, (*at, index, "requestMirror", "backendRef"))
                if target is not None:
                    yield Mirror(target, _parts(each.request_mirror))

    def _guards(self, filters: tuple[Filter, ...], at: Path) -> Iterator[Guard]:
        """Those that can be asked. One whose certificate nobody is trusted for can not."""
        for index, each in enumerate(filters):
            auth = each.external_auth
            if auth is not None:
                here = (*at, index, "externalAuth", "backendRef")
                target = self._target(auth.backend_ref, here, "h2c" if auth.protocol == "GRPC" else "http")
                if target is not None and target.cluster != NO_BACKEND:
                    yield Guard(target, auth)

    def _target(self, ref: Any, at: Path, protocol: Protocol | None = None) -> BackendTarget | None:
        """`protocol`: what is spoken, if not what the route speaks."""
        spoken: Protocol = "h2c" if self.route.key.kind == "GRPCRoute" else "http"
        found = self.backends.resolve(self.route, ref, at, protocol or spoken, self.concerned)
        if isinstance(found, BackendTarget):
            return found
        self.found.append(found)
        return None

    def _unservable(self, at: Path, text: str) -> None:
        self.found.append(Complaint(self.route, at, RULE_UNSERVABLE, "UnsupportedValue", text))


def _parts(mirror: RequestMirror) -> int:
    if mirror.fraction is not None:
        return round(mirror.fraction.numerator / mirror.fraction.denominator * 1_000_000)
    return 1_000_000 if mirror.percent is None else mirror.percent * 10_000
