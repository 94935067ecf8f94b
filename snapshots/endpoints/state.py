"""The endpoints of one cluster while they change: read from an assignment once, written once, copied for each change.

The messages themselves are kept, so that what this API does not know of an endpoint, a locality or the assignment stays
with it. Written, localities and endpoints are sorted, and every locality has a weight: gRPC ignores one without.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from api.envoy.registry import EnvoyApi
from snapshots.endpoints.model import Endpoint, Health, Place
from snapshots.endpoints.shape import Locality, endpoint_of, locality_for, locality_of
from xds.protocol.types import ENDPOINT

HIGHEST_WEIGHT: Final = 2**32 - 1
_TAKES_TRAFFIC: Final = (Health.HEALTHY, Health.DEGRADED)


@dataclass(frozen=True, slots=True)
class Entry:
    """One endpoint; and the LbEndpoint that it was read from, with what that says, unless it came with a change."""

    endpoint: Endpoint
    written: Any = None
    as_written: Endpoint | None = None


class Difference(NamedTuple):
    """One endpoint before and after; None where it is not there."""

    before: Endpoint | None
    after: Endpoint | None


@dataclass(frozen=True, slots=True)
class Tally:
    """What is counted of all endpoints: those that take traffic, their weights together, and those of each priority."""

    healthy: int = 0
    weight: int = 0
    priorities: Mapping[int, int] = None  # type: ignore[assignment]  # see `of`

    @classmethod
    def of(cls, endpoints: Iterable[Endpoint]) -> Tally:
        return cls(0, 0, {}).after(Difference(None, endpoint) for endpoint in endpoints)

    def after(self, differences: Iterable[Difference]) -> Tally:
        """At the cost of what is different."""
        healthy, weight, priorities = self.healthy, self.weight, dict(self.priorities)
        for endpoint, sign in _signed(differences):
            healthy += sign * (endpoint.health in _TAKES_TRAFFIC)
            weight += sign * endpoint.weight
            priorities[endpoint.priority] = priorities.get(endpoint.priority, 0) + sign
        return Tally(healthy, weight, {priority: count for priority, count in priorities.items() if count})

    @property
    def first_gap(self) -> int | None:
        """The first priority without endpoints that has some behind it."""
        return next((priority for priority in range(len(self.priorities)) if priority not in self.priorities), None)


def _signed(differences: Iterable[Difference]) -> Iterator[tuple[Endpoint, int]]:
    for before, after in differences:
        if before is not None:
            yield before, -1
        if after is not None:
            yield after, 1


@dataclass(frozen=True, slots=True)
class Header:
    """A locality as it was read, without endpoints. `automatic`: its weight is the sum of its endpoints', and not what
    somebody wrote; `filled`: it had some, and goes with the last."""

    written: Any
    automatic: bool
    filled: bool


@dataclass(frozen=True, slots=True)
class State:
    """`entries` are never changed in place. `frame`: the assignment without endpoints; `headers`: its localities."""

    frame: Any
    headers: Mapping[Locality, Header]
    entries: Mapping[Place, Entry]
    tally: Tally

    def differences(self, after: State) -> tuple[Difference, ...]:
        """What is not the same in `after`, by place."""
        old, new = self.entries, after.entries
        places = [place for place, entry in old.items() if new.get(place) is not entry]
        places += [place for place in new if place not in old]
        pairs = (
            Difference(_endpoint(old.get(place)), _endpoint(new.get(place))) for place in sorted(places, key=_order)
        )
        return tuple(pair for pair in pairs if pair.before != pair.after)

    def having(self, entries: Mapping[Place, Entry]) -> State:
        """The same with other entries."""
        bare = replace(self, entries=entries)
        return replace(bare, tally=self.tally.after(self.differences(bare)))

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Sorted by priority, locality and place."""
        found = [entry.endpoint for entry in self.entries.values()]
        return tuple(sorted(found, key=lambda each: (locality_for(each), each.place.order)))

    def message(self) -> Any:
        """The ClusterLoadAssignment. A locality that had endpoints and has none now is left out."""
        groups: dict[Locality, list[Entry]] = {at: [] for at, header in self.headers.items() if not header.filled}
        for entry in self.entries.values():
            groups.setdefault(locality_for(entry.endpoint), []).append(entry)
        whole = type(self.frame)()
        whole.CopyFrom(self.frame)
        for at, entries in sorted(groups.items(), key=lambda group: group[0]):
            self._write(whole.endpoints.add(), at, entries)
        return whole

    def _write(self, target: Any, at: Locality, entries: list[Entry]) -> None:
        header = self.headers.get(at)
        if header is not None:
            target.CopyFrom(header.written)
        else:
            target.priority = at.priority
            target.locality.region, target.locality.zone, target.locality.sub_zone = at[1:]
        for entry in sorted(entries, key=lambda entry: entry.endpoint.place.order):
            _write_endpoint(target.lb_endpoints.add(), entry)
        if entries and (header is None or header.automatic):
            total = sum(entry.endpoint.weight for entry in entries)
            target.load_balancing_weight.value = min(total, HIGHEST_WEIGHT)


def _write_endpoint(target: Any, entry: Entry) -> None:
    """What is as it was stays as it was written: no weight is 1, UNKNOWN is healthy."""
    endpoint, before = entry.endpoint, entry.as_written or Endpoint(entry.endpoint.place)
    if entry.written is not None:
        target.CopyFrom(entry.written)
    else:
        socket_address = target.endpoint.address.socket_address
        socket_address.address, socket_address.port_value = endpoint.place
    if before.weight != endpoint.weight:
        target.load_balancing_weight.value = endpoint.weight
    if before.health is not endpoint.health:
        target.health_status = endpoint.health.value


def read(api: EnvoyApi, body: bytes, name: str) -> State:
    """The state in an assignment; `name` is what EDS calls it. What is there twice counts once, as for Envoy."""
    message: Any = api.parse(ENDPOINT, body)
    entries: dict[Place, Entry] = {}
    headers: dict[Locality, Header] = {}
    for group in message.endpoints:
        at = locality_of(group)
        found = [_read(at, written) for written in group.lb_endpoints]
        for entry in found:
            entries.setdefault(entry.endpoint.place, entry)
        headers.setdefault(at, Header(_bare(group), _is_sum(group, found), bool(found)))
    return State(_frame(message, name), headers, entries, Tally.of(entry.endpoint for entry in entries.values()))


def _read(at: Locality, written: Any) -> Entry:
    endpoint = endpoint_of(at, written)
    return Entry(endpoint, written, endpoint)


def empty_like(state: State) -> State:
    """No endpoints and no localities; the assignment's own policy stays."""
    return State(state.frame, {}, {}, Tally.of(()))


def _frame(message: Any, name: str) -> Any:
    frame = type(message)()
    frame.CopyFrom(message)
    frame.ClearField("endpoints")
    frame.cluster_name = frame.cluster_name or name
    return frame


def _bare(group: Any) -> Any:
    header = type(group)()
    header.CopyFrom(group)
    header.ClearField("lb_endpoints")
    return header


def _is_sum(group: Any, entries: Iterable[Entry]) -> bool:
    weight = group.load_balancing_weight.value
    return not weight or weight == sum(entry.endpoint.weight for entry in entries)


def _endpoint(entry: Entry | None) -> Endpoint | None:
    return entry.endpoint if entry else None


def _order(place: Place) -> tuple[int, int, str, int]:
    return place.order
