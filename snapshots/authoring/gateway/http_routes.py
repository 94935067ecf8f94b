"""HTTPRoute and GRPCRoute -> Envoy routes, each with what decides which goes first. Pure.

A rule whose backends are wrong answers 500 for their share, as the standard says; so nothing else falls with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from snapshots.authoring.gateway.backends import BackendTarget
from snapshots.authoring.gateway.clusters import among
from snapshots.authoring.gateway.envoy import Messages, Part
from snapshots.authoring.gateway.guards import guard_filter
from snapshots.authoring.gateway.http_actions import rule_actions
from snapshots.authoring.gateway.http_matches import specificity
from snapshots.authoring.gateway.http_rules import ResolvedRule
from snapshots.authoring.gateway.paths import Entrance
from snapshots.authoring.gateway.world import precedence
from snapshots.authoring.objects import AuthoredObject

ROUTE = "envoy.config.route.v3.Route"


@dataclass(frozen=True, slots=True)
class RouteEntry:
    """One Envoy route. The smallest `order` goes first: by what the match asks for, then by age, name, rule
    and match; no two have the same. `targets`: where it leads. `takes_all`: nothing comes by it."""

    order: tuple[Any, ...]
    part: Part
    targets: tuple[BackendTarget, ...] = ()
    takes_all: bool = False


@dataclass(frozen=True, slots=True)
class Where:
    """The listener that a route is made for, as far as routes depend on it: where requests come in, and the certificate
    that its Gateway shows to backends, if any."""

    entrance: Entrance
    client_certificate: str = ""


def route_entries(
    messages: Messages, route: AuthoredObject, rules: tuple[ResolvedRule, ...], where: Where
) -> Iterator[RouteEntry]:
    """All Envoy routes of an HTTPRoute or GRPCRoute, as listener `where` serves it."""
    targets: list[BackendTarget] = []

    def cluster(target: BackendTarget) -> str:
        targets.append(target.presenting(where.client_certificate))
        return targets[-1].cluster

    for resolved in rules:
        actions = rule_actions(messages, route, resolved, where.entrance, cluster)
        for index, match in resolved.matches:
            rank = tuple(-each for each in specificity(match))
            for part, fields in enumerate(actions.routes(match)):
                place = (*precedence(route), route.key.kind, resolved.number, index, part)
                made = messages.part(ROUTE, fields)
                led_to = among(made.references, targets)
                yield RouteEntry((rank, place), made, led_to, _takes_everything(fields["match"]))


def guarded_by(
    messages: Messages, rules: tuple[ResolvedRule, ...], where: Where
) -> Iterator[tuple[dict[str, Any], BackendTarget]]:
    """The filters that the routes of `route_entries` rely on, each with whom it asks; a guard of several rules comes
    several times."""
    for resolved in rules:
        for filters in (resolved.filters, *(each.filters for each in resolved.shares)):
            for guard in filters.guards:
                target = guard.target.presenting(where.client_certificate)
                yield guard_filter(messages, guard, target.cluster), target


def _takes_everything(match: Mapping[str, Any]) -> bool:
    return match.get("prefix") == "/" and not any(value for key, value in match.items() if key != "prefix")
