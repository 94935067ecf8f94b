"""How one observation of a session changes what is known of a type on a stream.  No I/O and no clock here."""

from __future__ import annotations

from dataclasses import replace

from api.nodes.printable import printable
from xds.fleet.members import Stream, TypeRecord
from xds.fleet.status import Rejection
from xds.protocol import plan
from xds.protocol.types import NodeId

MESSAGE_LIMIT = 2_000
NAMES_LIMIT = 1_000


def note(stream: Stream, observation: plan.Observation, now_s: float) -> None:
    """Write it into the stream's records; the stream's sums are the caller's to keep."""
    url = observation.type_url
    if isinstance(observation, plan.Stale):
        return
    record = stream.types.get(url)
    if record is None:
        record = stream.types[url] = TypeRecord()
    match observation:
        case plan.Subscribed(wildcard=False, names=0):
            # Nothing is wanted of this type any more, so it holds no revision back.
            del stream.types[url]
        case plan.Subscribed():
            record.wildcard, record.names, record.changed_at_s = observation.wildcard, observation.names, now_s
        case plan.Sent():
            record.sent_revision, record.changed_at_s = observation.revision, now_s
            record.sent_position = observation.position
        case plan.Settled(revision=revision, position=position):
            _acknowledge(record, revision, position, now_s)
        case plan.Acked(revision=revision, position=position, whole=True):
            _acknowledge(record, revision, position, now_s)
        case plan.Acked():
            _still_refuses(record, observation.revision)
        case plan.Rejected():
            record.rejection, record.changed_at_s = _rejection(stream, observation, now_s), now_s
            record.rejected_position = observation.position


def _still_refuses(record: TypeRecord, revision: int) -> None:
    """Something else was taken: what the newer revision still has of what was refused, is refused there as well."""
    if record.rejection and revision > record.rejection.revision:
        record.rejection = replace(record.rejection, revision=revision)


def _acknowledge(record: TypeRecord, revision: int, position: int, now_s: float) -> None:
    """What is newer than what was rejected, taken whole, ends the rejection; also within one revision."""
    if record.rejection and (revision, position) > (record.rejection.revision, record.rejected_position):
        record.rejection, record.changed_at_s = None, now_s
    record.acked_position = max(record.acked_position, position)
    if revision > record.acked_revision:
        record.acked_revision, record.changed_at_s = revision, now_s


def _rejection(stream: Stream, rejected: plan.Rejected, now_s: float) -> Rejection:
    return Rejection(
        node=NodeId(stream.node.id),
        group=stream.group,
        type_url=rejected.type_url,
        names=rejected.names[:NAMES_LIMIT],
        names_omitted=max(0, len(rejected.names) - NAMES_LIMIT),
        revision=rejected.revision,
        code=rejected.code,
        message=printable(rejected.message, MESSAGE_LIMIT),
        since_s=now_s,
    )
