"""An assignment taken apart by locality and place, changed, and put together again. Pure.

The messages themselves are kept, so that what this API does not know of an endpoint or a locality stays with it. Put
together, localities and endpoints are sorted, and every locality has a weight: gRPC ignores one that has none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from snapshots.endpoints.model import Health, Place, Wanted
from snapshots.endpoints.shape import Locality, health_of, locality_of, place_of, weight_of


@dataclass(slots=True)
class _Group:
    """One locality. `automatic`: its weight is the sum of its endpoints', and not what somebody wrote."""

    header: Any
    endpoints: dict[Place, Any] = field(default_factory=dict)
    automatic: bool = True
    was_filled: bool = False

    def sum_of_weights(self) -> int:
        return sum(map(weight_of, self.endpoints.values()))


class Groups:
    """The endpoints of `assignment`, which is changed by `put_together` and not before."""

    def __init__(self, assignment: Any) -> None:
        self._assignment = assignment
        self._groups: dict[Locality, _Group] = {}
        for each in assignment.endpoints:
            self._take(each)
        for group in self._groups.values():
            weight = group.header.load_balancing_weight.value
            group.automatic = not weight or weight == group.sum_of_weights()
            group.was_filled = bool(group.endpoints)

    def _take(self, found: Any) -> None:
        """A locality or a place that is there twice counts once, as for Envoy."""
        group = self._group(locality_of(found), found)
        for endpoint in found.lb_endpoints:
            group.endpoints.setdefault(place_of(endpoint), endpoint)

    def _group(self, at: Locality, like: Any = None) -> _Group:
        if at not in self._groups:
            header = type(self._assignment)().endpoints.add()
            if like is not None:
                header.CopyFrom(like)
                header.ClearField("lb_endpoints")
            else:
                header.priority = at.priority
                header.locality.region, header.locality.zone, header.locality.sub_zone = at[1:]
            self._groups[at] = _Group(header)
        return self._groups[at]

    def places(self) -> tuple[Place, ...]:
        return tuple(place for group in self._groups.values() for place in group.endpoints)

    def empty(self) -> None:
        """No localities either: what replaces all begins anew."""
        self._groups.clear()

    def remove(self, places: Iterable[Place]) -> None:
        for group in self._groups.values():
            for place in places:
                group.endpoints.pop(place, None)

    def put(self, wanted: Wanted) -> None:
        """Add an endpoint, or change what is given of it."""
        at, endpoint = self._found(wanted.place)
        given = {name: value for name in Locality._fields if (value := getattr(wanted, name)) is not None}
        to = (at or Locality(0, "", "", ""))._replace(**given)
        if at is not None and at != to:
            del self._groups[at].endpoints[wanted.place]
        if at != to:
            self._group(to).endpoints[wanted.place] = endpoint
        if wanted.weight is not None:
            endpoint.load_balancing_weight.value = wanted.weight
        if wanted.health is not None:
            set_health(endpoint, wanted.health)

    def set_health(self, place: Place, health: Health) -> None:
        """`place` must be there."""
        set_health(self._found(place)[1], health)

    def _found(self, place: Place) -> tuple[Locality | None, Any]:
        """Where an endpoint stands, and its message; a new one when it is not there."""
        for at, group in self._groups.items():
            if place in group.endpoints:
                return at, group.endpoints[place]
        endpoint = type(self._assignment)().endpoints.add().lb_endpoints.add()
        socket_address = endpoint.endpoint.address.socket_address
        socket_address.address, socket_address.port_value = place
        return None, endpoint

    def put_together(self) -> None:
        """Write all into the assignment. A locality that has lost its last endpoint goes."""
        whole = type(self._assignment)()
        for _, group in sorted(self._groups.items(), key=lambda item: item[0]):
            if group.endpoints or not group.was_filled:
                self._write(whole.endpoints.add(), group)
        self._assignment.ClearField("endpoints")
        self._assignment.endpoints.extend(whole.endpoints)

    @staticmethod
    def _write(target: Any, group: _Group) -> None:
        target.CopyFrom(group.header)
        for _, endpoint in sorted(group.endpoints.items(), key=lambda item: item[0].order):
            target.lb_endpoints.add().CopyFrom(endpoint)
        if group.automatic and group.endpoints:
            # More than the field can hold is found by the checks of the whole.
            target.load_balancing_weight.value = min(group.sum_of_weights(), 2**32 - 1)


def set_health(endpoint: Any, health: Health) -> None:
    """What counts as that already stays as it is written: UNKNOWN is healthy."""
    if health_of(endpoint) is not health:
        endpoint.health_status = health.value
