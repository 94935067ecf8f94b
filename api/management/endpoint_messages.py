"""Endpoints as messages of the management API, both ways. No decisions and no I/O here."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from api.errors import InvalidConfig
from api.management.conversion import timestamp
from api.management.v1 import management_pb2 as pb
from snapshots.endpoints.batch import Request
from snapshots.endpoints.model import (
    Change,
    Clear,
    Endpoint,
    Health,
    Place,
    Remove,
    Replace,
    SetHealth,
    Upsert,
    Wanted,
)
from snapshots.endpoints.state import Difference
from snapshots.store.endpoint_sets import EndpointAudit

_TO_MESSAGE: dict[Health, pb.Endpoint.Health] = {
    Health.HEALTHY: pb.Endpoint.HEALTHY,
    Health.UNHEALTHY: pb.Endpoint.UNHEALTHY,
    Health.DRAINING: pb.Endpoint.DRAINING,
    Health.DEGRADED: pb.Endpoint.DEGRADED,
}
_FROM_MESSAGE = {number: health for health, number in _TO_MESSAGE.items()}
_OPTIONAL = ("weight", "region", "zone", "sub_zone", "priority")


def endpoint_message(endpoint: Endpoint) -> pb.Endpoint:
    fields = {name: getattr(endpoint, name) for name in _OPTIONAL}
    address, port = endpoint.place
    return pb.Endpoint(address=address, port=port, health=_TO_MESSAGE[endpoint.health], **fields)


def difference_message(difference: Difference) -> pb.EndpointDifference:
    was, now = difference
    kind = pb.Change.CHANGED if was and now else pb.Change.ADDED if now else pb.Change.REMOVED
    return pb.EndpointDifference(
        kind=kind,
        before=endpoint_message(was) if was else None,
        after=endpoint_message(now) if now else None,
    )


def version_message(record: EndpointAudit) -> pb.EndpointVersion:
    changes = [pb.EndpointAuthor(author=one.author, message=one.message, what=one.what) for one in record.changes]
    created = timestamp(record.created_at_s)
    return pb.EndpointVersion(version=record.number, created=created, cleared=record.cleared, changes=changes)


def request_from(message: pb.ChangeEndpointsRequest) -> Request:
    """Raises InvalidConfig for a change of a kind that this version does not know."""
    return Request(
        changes=tuple(map(_change, message.changes)),
        base=message.base if message.HasField("base") else None,
        author=message.author,
        message=message.message,
        confirmed=message.confirmed,
    )


def _change(message: pb.EndpointChange) -> Change:
    kind = message.WhichOneof("change")
    if kind is None:
        raise InvalidConfig("a change says nothing: set replace, upsert, remove, set_health or clear")
    return _KINDS[kind](message)


_KINDS: dict[str, Callable[[pb.EndpointChange], Change]] = {
    "replace": lambda message: Replace(tuple(map(_wanted, message.replace.endpoints))),
    "upsert": lambda message: Upsert(tuple(map(_wanted, message.upsert.endpoints))),
    "remove": lambda message: Remove(_places(message.remove.places)),
    "set_health": lambda message: SetHealth(_places(message.set_health.places), _health(message.set_health.health)),
    "clear": lambda message: Clear(),
}


def _wanted(message: pb.Endpoint) -> Wanted:
    given = {name: getattr(message, name) for name in _OPTIONAL if message.HasField(name)}
    health = _health(message.health) if message.health else None
    return Wanted(Place.of(message.address, message.port), health=health, **given)


def _places(messages: Iterable[pb.EndpointPlace]) -> tuple[Place, ...]:
    return tuple(Place.of(message.address, message.port) for message in messages)


def _health(number: pb.Endpoint.Health) -> Health:
    health = _FROM_MESSAGE.get(number)
    if health is None:
        known = ", ".join(health.name for health in Health)
        raise InvalidConfig(f"a change says no health that this version knows: {known}")
    return health
