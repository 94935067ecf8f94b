"""HTTPRoute and GRPCRoute -> Envoy routes, each with what decides which goes first. Pure.

A rule whose backends are wrong answers 500 for their share, as the standard says; so nothing else falls with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from snapshots.authoring.gateway.backends import Backends, BackendTarget
from snapshots.authoring.gateway.complaints import Complaints
from snapshots.authoring.gateway.envoy import Messages
from snapshots.authoring.gateway.guards import guard_filter
from snapshots.authoring.gateway.http_actions import rule_actions
from snapshots.authoring.gateway.http_matches import Specificity, specificity
from snapshots.authoring.gateway.http_rules import ResolvedRule, resolved_rules
from snapshots.authoring.gateway.paths import Entrance
from snapshots.authoring.gateway.world import precedence
from snapshots.authoring.objects import AuthoredObject, ObjectKey


@dataclass(frozen=True, slots=True)
class RouteEntry:
    """One Envoy route. The greatest `specificity` goes first, then the smallest `place` (age, name, rule, match)."""

    specificity: Specificity
    place: tuple[Any, ...]
    fields: dict[str, Any]

    @property
    def order(self) -> tuple[Any, ...]:
        return (tuple(-each for each in self.specificity), self.place)


@dataclass(frozen=True, slots=True)
class Where:
    """The listener that a route is made for, as far as routes depend on it: where requests come in, and the certificate
    that its Gateway shows to backends, if any."""

    entrance: Entrance
    client_certificate: str = ""


@dataclass(slots=True)
class HttpRoutes:
    """Makes the entries of routes, each once for every kind of listener. References are looked up, and complained of,
    once for each route."""

    messages: Messages
    backends: Backends
    complaints: Complaints
    _rules: dict[ObjectKey, tuple[ResolvedRule, ...]] = field(default_factory=dict)
    _entries: dict[tuple[ObjectKey, Where], tuple[RouteEntry, ...]] = field(default_factory=dict)

    def entries(self, route: AuthoredObject, where: Where) -> tuple[RouteEntry, ...]:
        """All Envoy routes of an HTTPRoute or GRPCRoute, as listener `where` serves it."""
        key = (route.key, where)
        if key not in self._entries:
            self._entries[key] = tuple(self._made(route, where))
        return self._entries[key]

    def resolve(self, route: AuthoredObject) -> tuple[ResolvedRule, ...]:
        """Look every reference of a route up, though no listener may serve it: its status tells of them even so."""
        if route.key not in self._rules:
            self._rules[route.key], wrong = resolved_rules(self.backends, route)
            self.complaints.found.extend(wrong)
        return self._rules[route.key]

    def guards(self, route: AuthoredObject, where: Where) -> Iterator[dict[str, Any]]:
        """The filters that the routes of `entries` rely on; a guard of several rules comes several times."""
        for resolved in self.resolve(route):
            for filters in (resolved.filters, *(each.filters for each in resolved.shares)):
                for guard in filters.guards:
                    shown = self.backends.presenting(guard.target, where.client_certificate)
                    yield guard_filter(self.messages, guard, shown.cluster)

    def _made(self, route: AuthoredObject, where: Where) -> Iterator[RouteEntry]:
        def cluster(target: BackendTarget) -> str:
            return self.backends.presenting(target, where.client_certificate).cluster

        for resolved in self.resolve(route):
            actions = rule_actions(self.messages, route, resolved, where.entrance, cluster)
            for index, match in resolved.matches:
                rank = specificity(match)
                for part, fields in enumerate(actions.routes(match)):
                    place = (*precedence(route), route.key.kind, resolved.number, index, part)
                    yield RouteEntry(rank, place, fields)
