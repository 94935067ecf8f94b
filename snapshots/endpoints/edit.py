"""Changes of one cluster's endpoints, applied and judged. Pure: what was there is given, what comes of it is returned.

What comes out is checked as a whole for what gRPC and Envoy refuse beyond the fields' own rules, and for whether enough
is left to take the traffic.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from api.envoy.deterministic import serialize
from api.envoy.problem import did_you_mean, path_text
from api.envoy.registry import EnvoyApi
from api.envoy.rules import violations
from api.errors import Finding, InvalidConfig, NotFound
from snapshots import codes
from snapshots.endpoints.model import (
    Change,
    Clear,
    Endpoint,
    Place,
    Remove,
    Replace,
    SetHealth,
    Upsert,
    Wanted,
)
from snapshots.endpoints.state import HIGHEST_WEIGHT, Entry, State, Tally, empty_like, read
from snapshots.endpoints.wanted import check_changes

_GIVEN: Final = ("weight", "region", "zone", "sub_zone", "priority", "health")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """One cluster's endpoints, read: what counts now, and what the configuration says of them. `name` is what EDS calls
    them; `is_set`: a set counts in place of the configuration."""

    name: str
    now: State
    configured: State
    is_set: bool

    @classmethod
    def read(cls, api: EnvoyApi, name: str, configured: bytes, set_body: bytes = b"") -> Endpoints:
        """From serialised ClusterLoadAssignments, each empty when there is none."""
        authored = read(api, configured, name)
        return cls(name, read(api, set_body, name) if set_body else authored, authored, bool(set_body))

    def set_body(self, api: EnvoyApi) -> bytes:
        """The set as it is stored; empty when the configuration counts.

        Raises InvalidConfig for what Envoy's own field rules refuse.
        """
        if not self.is_set:
            return b""
        message = self.now.message()
        findings = tuple(
            Finding(problem.code, f"the assignment's {path_text(problem.path)}: {problem.message}", resource=self.name)
            for problem in violations(api, message)
        )
        if findings:
            raise InvalidConfig(f'endpoints "{self.name}": {findings[0].message}', findings=findings)
        return serialize(api, message)


def edited(before: Endpoints, changes: Sequence[Change], *, confirmed: bool = False) -> Endpoints:
    """`before` with the changes applied in order; `before` itself when they change nothing.

    Raises InvalidConfig with a finding for each thing that is wrong; NotFound for an endpoint whose health is to change
    and that is not there. Unless `confirmed`, fewer than half of the healthy endpoints left is wrong, too.
    """
    check_changes(changes)
    after = before
    for change in changes:
        after = _changed(after, change)
    if after is not before:
        _check(before, after, confirmed=confirmed)
    return after


def _changed(endpoints: Endpoints, change: Change) -> Endpoints:
    if isinstance(change, Clear):
        return replace(endpoints, now=endpoints.configured, is_set=False) if endpoints.is_set else endpoints
    after = _applied(endpoints.now, change, endpoints.name)
    # A whole set holds from now on, whatever becomes of the configuration, also if it says the same today.
    if endpoints.now.differences(after) or (isinstance(change, Replace) and not endpoints.is_set):
        return replace(endpoints, now=after, is_set=True)
    return endpoints


def _applied(state: State, change: Change, name: str) -> State:
    match change:
        case Replace(wanted):
            return _with(empty_like(state), wanted)
        case Upsert(wanted):
            return _with(state, wanted)
        case Remove(places):
            gone = frozenset(places)
            return state.having({place: entry for place, entry in state.entries.items() if place not in gone})
        case SetHealth(places, health):
            _require(state, places, name)
            return _with(state, [Wanted(place, health=health) for place in places])
        case Clear():
            raise AssertionError("clearing is no change of a state but the end of it")


def _with(state: State, wanted: Sequence[Wanted]) -> State:
    entries = dict(state.entries)
    for each in wanted:
        entry = entries.get(each.place) or Entry(Endpoint(each.place))
        given = {name: value for name in _GIVEN if (value := getattr(each, name)) is not None}
        entries[each.place] = replace(entry, endpoint=replace(entry.endpoint, **given))
    return state.having(entries)


def _require(state: State, places: Sequence[Place], name: str) -> None:
    missing = [place for place in places if place not in state.entries]
    if not missing:
        return
    known = [str(place) for place in state.entries]
    hint = did_you_mean(str(missing[0]), known) or (f"it has {', '.join(known[:5])}" if known else "it has none")
    raise NotFound(f'"{name}" has no endpoint {", ".join(map(str, missing))}; {hint}')


def _check(before: Endpoints, after: Endpoints, *, confirmed: bool) -> None:
    was, now = before.now.tally, after.now.tally
    wrong = [(codes.ENDPOINT_INVALID, words) for words in _wrong(was, now)] if after.is_set else []
    if not wrong and not confirmed:
        wrong = [(codes.ENDPOINTS_FEW, words) for words in _too_few(was, now)]
    if wrong:
        findings = tuple(Finding(code, words, resource=after.name) for code, words in wrong)
        raise InvalidConfig(f'endpoints "{after.name}": {wrong[0][1]}', findings=findings)


def _wrong(was: Tally, now: Tally) -> Iterator[str]:
    """What gRPC and Envoy refuse of a whole assignment. What the configuration did already is let be."""
    if now.first_gap is not None and was.first_gap is None:
        yield (
            f"no endpoint would be left of priority {now.first_gap} and there are some behind it, which gRPC refuses: "
            "priorities count from 0 without gaps; drain those of it instead of removing them, or give others its "
            "priority"
        )
    if now.weight > HIGHEST_WEIGHT:
        yield f"the weights come to more than {HIGHEST_WEIGHT} together, which Envoy refuses"


def _too_few(was: Tally, now: Tally) -> Iterator[str]:
    """Fewer than half of those that take traffic: the others may not stand it."""
    if 2 * now.healthy < was.healthy:
        left = f"{now.healthy} of {was.healthy} healthy endpoints" if now.healthy else "no healthy endpoint"
        yield f"{left} would be left; confirm it if it is meant"
