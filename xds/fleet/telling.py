"""A member of the fleet as it is told to whoever asks.  No I/O and no clock here."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from api.nodes.printable import printable
from xds.fleet.members import Member
from xds.fleet.reports import Reported
from xds.fleet.status import NodeState, NodeStatus, Rejection, TypeStatus, together
from xds.protocol.types import TypeUrl


def node_status(member: Member, head: int, reported: Reported | None) -> NodeStatus:
    stream, node = member.main, member.main.node
    return NodeStatus(
        id=member.id,
        group=stream.group,
        state=_state(member, head),
        revision=member.acked.least() if member.streams else stream.acked,
        address=stream.address,
        user_agent=printable(node.user_agent),
        region=printable(node.region),
        zone=printable(node.zone),
        variant=stream.variant,
        since_s=stream.since_s if member.streams else member.offline_since_s,
        streams=max(sum(number > 0 for number in member.streams), min(len(member.streams), 1)),
        types=tuple(_types(member)),
        via=stream.via,
        reported=reported,
    )


def mark(member: Member, reported: Reported | None) -> Hashable:
    """Another whenever it is told otherwise where the node stands, what it refuses, or what is reported of it."""
    streams = member.streams.values()
    refused = tuple(record.rejection for stream in streams for record in stream.types.values() if record.rejection)
    revision = member.acked.least() if streams else member.main.acked
    said = (reported.report, reported.connected) if reported is not None else None
    return (bool(streams), revision, refused, member.main.via, said)


def _state(member: Member, head: int) -> NodeState:
    if not member.streams:
        return NodeState.OFFLINE
    if not head:
        return NodeState.UNASSIGNED
    if member.rejected.total:
        return NodeState.REJECTED
    return NodeState.CURRENT if member.acked.least() >= head else NodeState.BEHIND


def _types(member: Member) -> Iterator[TypeStatus]:
    """What the streams that count know of each type; a type on several streams is told as all of them together."""
    streams = [stream for stream in member.streams.values() if member.counts(stream)] or [member.main]
    merged: dict[TypeUrl, TypeStatus] = {}
    for stream in streams:
        for url, record in stream.types.items():
            told = record.told(url)
            merged[url] = together(merged[url], told) if url in merged else told
    return (merged[url] for url in sorted(merged))


def rejections_of(member: Member) -> Iterator[Rejection]:
    return (status.rejection for status in _types(member) if status.rejection)
