"""A cluster's assignment with changes applied. Pure: what was there is given, what comes of it is returned.

What comes out is checked as a whole: by Envoy's own field rules, for what gRPC refuses beyond them, and for whether
enough is left to take the traffic.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from api.envoy.deterministic import serialize
from api.envoy.problem import did_you_mean, path_text
from api.envoy.registry import EnvoyApi
from api.envoy.rules import violations
from api.errors import Finding, InvalidConfig, NotFound
from snapshots import codes
from snapshots.endpoints.groups import Groups
from snapshots.endpoints.model import Change, Clear, Endpoint, Health, Place, Remove, Replace, SetHealth, Upsert
from snapshots.endpoints.shape import endpoints_in
from snapshots.endpoints.wanted import check_changes
from xds.protocol.types import ENDPOINT

_TAKES_TRAFFIC: Final = (Health.HEALTHY, Health.DEGRADED)
_HIGHEST_SUM: Final = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Endpoints:
    """One cluster's endpoints: what the configuration says of them, and the set that counts instead. Serialised
    ClusterLoadAssignments, each empty when there is none. `name` is what EDS calls them."""

    name: str
    configured: bytes
    set: bytes = b""

    @property
    def served(self) -> bytes:
        return self.set or self.configured


def listed(api: EnvoyApi, endpoints: Endpoints) -> tuple[Endpoint, ...]:
    """What is served, sorted by priority, locality and place."""
    return endpoints_in(_assignment(api, endpoints.served, endpoints.name))


def edited(api: EnvoyApi, before: Endpoints, changes: Sequence[Change], *, confirmed: bool = False) -> Endpoints:
    """`before` with the changes applied in order; `before` itself when they change nothing.

    Raises InvalidConfig with a finding for each thing that is wrong; NotFound for an endpoint whose health is to change
    and that is not there. Unless `confirmed`, fewer than half of the healthy endpoints left is wrong, too.
    """
    check_changes(changes)
    after = before
    for change in changes:
        after = _changed(api, after, change)
    if after != before:
        _check(api, before, after, confirmed=confirmed)
    return after


def _changed(api: EnvoyApi, endpoints: Endpoints, change: Change) -> Endpoints:
    if isinstance(change, Clear):
        return Endpoints(endpoints.name, endpoints.configured)
    message = _assignment(api, endpoints.served, endpoints.name)
    before = endpoints_in(message)
    _apply(message, change, endpoints.name)
    # A whole set holds from now on, whatever becomes of the configuration, also if it says the same today.
    if endpoints_in(message) == before and (endpoints.set or not isinstance(change, Replace)):
        return endpoints
    return Endpoints(endpoints.name, endpoints.configured, serialize(api, message))


def _apply(message: Any, change: Change, name: str) -> None:
    groups = Groups(message)
    match change:
        case Replace(wanted):
            groups.empty()
            for each in wanted:
                groups.put(each)
        case Upsert(wanted):
            for each in wanted:
                groups.put(each)
        case Remove(places):
            groups.remove(places)
        case SetHealth(places, health):
            _require(groups.places(), places, name)
            for place in places:
                groups.set_health(place, health)
    groups.put_together()


def _assignment(api: EnvoyApi, body: bytes, name: str) -> Any:
    message: Any = api.parse(ENDPOINT, body)
    message.cluster_name = message.cluster_name or name
    return message


def _require(there: Sequence[Place], places: Sequence[Place], name: str) -> None:
    missing = [place for place in places if place not in there]
    if not missing:
        return
    known = [str(place) for place in there]
    hint = did_you_mean(str(missing[0]), known) or (f"it has {', '.join(known[:5])}" if known else "it has none")
    raise NotFound(f'"{name}" has no endpoint {", ".join(map(str, missing))}; {hint}')


def _check(api: EnvoyApi, before: Endpoints, after: Endpoints, *, confirmed: bool) -> None:
    message = _assignment(api, after.served, after.name)
    was, now = listed(api, before), endpoints_in(message)
    findings = [
        Finding(problem.code, f"the assignment's {path_text(problem.path)}: {problem.message}", resource=after.name)
        for problem in violations(api, message)
    ]
    if not findings and after.set:
        findings += (Finding(codes.ENDPOINT_INVALID, words, resource=after.name) for words in _wrong(was, now))
    if not findings and not confirmed:
        findings += (Finding(codes.ENDPOINTS_FEW, words, resource=after.name) for words in _too_few(was, now))
    if findings:
        raise InvalidConfig(f'endpoints "{after.name}": {findings[0].message}', findings=tuple(findings))


def _wrong(was: Sequence[Endpoint], now: Sequence[Endpoint]) -> Iterator[str]:
    """What gRPC and Envoy refuse of a whole assignment. What the configuration did already is let be."""
    gap = _first_gap(now)
    if gap is not None and _first_gap(was) is None:
        yield (
            f"no endpoint would be left of priority {gap} and there are some behind it, which gRPC refuses: priorities "
            "count from 0 without gaps; drain those of it instead of removing them, or give others its priority"
        )
    if sum(endpoint.weight for endpoint in now) > _HIGHEST_SUM:
        yield f"the weights come to more than {_HIGHEST_SUM} together, which Envoy refuses"


def _first_gap(endpoints: Sequence[Endpoint]) -> int | None:
    used = {endpoint.priority for endpoint in endpoints}
    return next((priority for priority in range(len(used)) if priority not in used), None)


def _too_few(was: Sequence[Endpoint], now: Sequence[Endpoint]) -> Iterator[str]:
    """Fewer than half of those that take traffic: the others may not stand it."""
    before, after = (sum(each.health in _TAKES_TRAFFIC for each in endpoints) for endpoints in (was, now))
    if 2 * after < before:
        left = "no healthy endpoint" if not after else f"{after} of {before} healthy endpoints"
        yield f"{left} would be left; confirm it if it is meant"
