"""Matches of HTTPRoutes and GRPCRoutes that no request ever comes to: others of the same hostname go first. Pure.

One hostname of one listener is judged by itself (`host_shadows`), from nothing but the routes that serve it. Hostnames
that another takes in are not held against each other: that the more specific one goes first is what they are for.
Source: Gateway API, HTTPRouteRule "matches" and GRPCRouteRule "matches" (precedence).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from snapshots.authoring.gateway.bound import ListenerId
from snapshots.authoring.gateway.complaints import Beside, Complaint
from snapshots.authoring.gateway.http_matches import RouteMatch, demand_of, specificity
from snapshots.authoring.gateway.http_rules import ResolvedRule
from snapshots.authoring.gateway.virtual_hosts import hostname_length
from snapshots.authoring.gateway.world import precedence
from snapshots.authoring.objects import AuthoredObject
from snapshots.authoring.yaml_nodes import Path
from snapshots.checks.shadowing import Demand, shadowed, takes_every_path
from snapshots.codes import HOSTNAME_CLAIMED, ROUTE_SHADOWED


@dataclass(frozen=True, slots=True)
class Claim:
    """One match of a rule: what it demands, and what decides whether it goes first (the smallest `order`)."""

    route: AuthoredObject
    rule: int
    match: int
    demand: Demand
    order: tuple[Any, ...]

    @property
    def path(self) -> Path:
        return ("spec", "rules", self.rule, "matches", self.match)

    def __str__(self) -> str:
        return f"rules[{self.rule}].matches[{self.match}] of {self.route.key}"


class Hosted(NamedTuple):
    """The claims of one route under a hostname; `asked` is the hostname of its own that takes it in."""

    asked: str
    claims: tuple[Claim, ...]


class Shadow(NamedTuple):
    """`claim` is never asked for, because `by` is. `alike`: both ask for the very same, hostname and all."""

    claim: Claim
    by: Claim
    alike: bool


def claims_of(route: AuthoredObject, rules: Iterable[ResolvedRule]) -> tuple[Claim, ...]:
    """The matches of a route that Envoy can make. Depends on the route alone."""
    return tuple(_claim(route, rule.number, index, match) for rule in rules for index, match in rule.matches)


def _claim(route: AuthoredObject, rule: int, index: int, match: RouteMatch) -> Claim:
    rank = tuple(-each for each in specificity(match))
    return Claim(route, rule, index, demand_of(match), (rank, *precedence(route), route.key.kind, rule, index))


def host_shadows(hosted: Sequence[Hosted]) -> tuple[Shadow, ...]:
    """What can never match under one hostname of one listener, of all routes that serve it."""
    alone = len({each.asked for each in hosted}) == 1
    if alone and not any(takes_every_path(claim.demand) for each in hosted for claim in each.claims):
        return tuple(_alike(hosted))
    return tuple(_behind(hosted))


def _alike(hosted: Iterable[Hosted]) -> Iterator[Shadow]:
    """Of one hostname, what demands more goes first: only what demands the same can be in the way."""
    same: dict[Demand, list[Claim]] = {}
    for each in hosted:
        for claim in each.claims:
            same.setdefault(claim.demand, []).append(claim)
    for claims in same.values():
        if len(claims) > 1:
            first, *others = sorted(claims, key=_order)
            yield from (Shadow(each, first, alike=True) for each in others)


def _order(claim: Claim) -> tuple[Any, ...]:
    return claim.order


def _behind(hosted: Iterable[Hosted]) -> Iterator[Shadow]:
    """What stands behind anything that takes it in, in the order in which Envoy asks."""
    ranked = [(tuple(-each for each in hostname_length(one.asked)), one.asked, claim)
              for one in hosted for claim in one.claims]  # fmt: skip
    ranked.sort(key=lambda each: (each[0], each[2].order))
    for number, before in shadowed(claim.demand for _, _, claim in ranked):
        (_, asked, claim), (_, asked_before, by) = ranked[number], ranked[before]
        yield Shadow(claim, by, alike=asked == asked_before and claim.demand == by.demand)


# A listener and a hostname.
_Host = tuple[ListenerId, str]


def shadow_complaints(hosts: Sequence[_Host], shadows: Mapping[_Host, Iterable[Shadow]]) -> Iterator[Complaint]:
    """A warning for every match of a route that is never asked for: wherever it is served, or under some hostnames
    because another route asks for the very same there. `hosts`: where it is served; `shadows`: what never is."""
    found: dict[tuple[int, int], list[tuple[str, Shadow]]] = {}
    for host in hosts:
        for each in shadows.get(host, ()):
            found.setdefault((each.claim.rule, each.claim.match), []).append((host[1], each))
    for _, behind in sorted(found.items(), key=lambda each: each[0]):
        everywhere = len(behind) == len(hosts)
        claimed = [(hostname, shadow) for hostname, shadow in behind if everywhere or shadow.alike]
        if claimed:
            yield _complaint(claimed, everywhere)


def _complaint(found: Sequence[tuple[str, Shadow]], everywhere: bool) -> Complaint:
    """About one match; `found` says under which hostnames, and behind whom."""
    hostname, (claim, by, _) = found[0]
    foreign = claim.route.namespace != by.route.namespace
    where = "" if everywhere else f" under {' and '.join(dict.fromkeys(name or 'any hostname' for name, _ in found))}"
    never = "can never match" if everywhere else "never matches"
    shared = (
        f' of namespace "{by.route.namespace}", which claims {hostname or "every hostname"} too,' if foreign else ""
    )
    text = f"this match {never}{where}: {by}{shared} takes all of its requests first"
    if foreign:
        hint = "agree on who has the hostname, or ask for something else"
    else:
        hint = "remove one of the two, or tell them apart"
    code = HOSTNAME_CLAIMED if foreign else ROUTE_SHADOWED
    beside = Beside(by.route, by.path)
    return Complaint(claim.route, claim.path, code, "", text, hint, "warning", beside)
