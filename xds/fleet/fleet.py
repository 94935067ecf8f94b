"""The fleet itself: what the edge reports goes in, what people and rollouts ask comes out.  No I/O, no clock."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from api.nodes.printable import printable
from xds.fleet.members import Census, Member, Stream
from xds.fleet.notes import note
from xds.fleet.status import GroupCounts, NodeState, NodeStatus, Progress, Rejection, TypeStatus, together
from xds.protocol import plan
from xds.protocol.requests import Node
from xds.protocol.types import GroupName, NodeId, TypeUrl


class Fleet:
    """Every connected node, and the last ones that left: at most `offline_limit`, for at most `offline_kept_s`."""

    def __init__(self, *, offline_limit: int = 1_000, offline_kept_s: float = 24 * 3600.0) -> None:
        self._offline_limit = offline_limit
        self._offline_kept_s = offline_kept_s
        self._members: dict[NodeId, Member] = {}
        self._streams: dict[int, Member] = {}
        self._groups: dict[GroupName, Census] = {}
        self._offline: OrderedDict[NodeId, None] = OrderedDict()

    # What the edge reports

    def published(self, group: GroupName, revision: int) -> None:
        """The group serves `revision` from now on: whoever has less is behind."""
        self._census(group).head = revision

    def connected(
        self,
        stream_id: int,
        node: Node,
        group: GroupName,
        variant: str,
        address: str,
        now_s: float,
        *,
        aggregated: bool = True,
    ) -> None:
        """A stream has named its node. `aggregated` is False for a stream of one type (CDS, EDS …)."""
        stream = Stream(stream_id, node, group, variant, address, aggregated, now_s)
        member = self._members.get(NodeId(node.id))
        if member is None:
            member = self._members[NodeId(node.id)] = Member(NodeId(node.id), stream)
        else:
            self._uncount(member)
        member.join(stream)
        self._streams[stream_id] = member
        self._count(member)

    def observe(self, stream_id: int, observation: plan.Observation, now_s: float) -> None:
        """What a session saw. An unknown stream is ignored: it has been reported as gone."""
        member = self._streams.get(stream_id)
        if member is None:
            return
        stream = member.streams[stream_id]
        note(stream, observation, now_s)
        sums = stream.summed_up()
        if sums == (stream.acked, stream.rejected):
            return  # most observations: what is counted has not changed
        if not member.counts(stream):
            stream.acked, stream.rejected = sums
            return
        self._uncount(member)
        member.exclude(stream)
        stream.acked, stream.rejected = sums
        member.include(stream)
        self._count(member)

    def disconnected(self, stream_id: int, now_s: float) -> None:
        """A stream ended. The node is offline when it was the last one."""
        member = self._streams.pop(stream_id, None)
        if member is None:
            return
        self._uncount(member)
        member.leave(stream_id)
        if not member.streams:
            member.offline_since_s = now_s
        self._count(member)
        self.forget_offline(now_s)

    def forget_offline(self, now_s: float) -> None:
        """Let go of nodes that have been gone for too long, or are too many."""
        while self._offline:
            member = self._members[next(iter(self._offline))]
            expired = now_s - member.offline_since_s > self._offline_kept_s
            if not expired and len(self._offline) <= self._offline_limit:
                return
            self._uncount(member)
            del self._members[member.id]

    # What people and rollouts ask

    def nodes(self, group: str = "") -> tuple[NodeStatus, ...]:
        """All nodes, or a group's, sorted by id."""
        members = (m for m in self._members.values() if not group or m.main.group == group)
        return tuple(self._told(member) for member in sorted(members, key=lambda member: member.id))

    def node(self, node_id: str) -> NodeStatus | None:
        member = self._members.get(NodeId(node_id))
        return self._told(member) if member else None

    def streams(self, node_id: str) -> tuple[int, ...]:
        """A node's streams that count, by the numbers they were reported with, oldest first."""
        member = self._members.get(NodeId(node_id))
        return tuple(one.id for one in member.streams.values() if member.counts(one)) if member else ()

    def counts(self, group: str) -> GroupCounts:
        """A group's nodes by state; independent of how many there are."""
        census = self._groups.get(GroupName(group), Census())
        total = census.healthy.total + census.rejecting.total
        if not census.head:
            return GroupCounts(total=total, unassigned=total, offline=census.offline)
        current = census.healthy.at_least(census.head)
        behind = census.healthy.total - current
        return GroupCounts(total, 0, current, behind, census.rejecting.total, census.offline)

    def progress(self, group: str, revision: int) -> Progress:
        """Who has `revision` or newer, who rejected it (or newer), and who is left."""
        census = self._groups.get(GroupName(group), Census())
        return Progress(
            GroupName(group),
            revision,
            census.head,
            census.healthy.total + census.rejecting.total,
            census.healthy.at_least(revision),
            census.rejecting.at_least(revision),
            census.offline,
        )

    def rejections(self, group: str) -> tuple[Rejection, ...]:
        """All standing rejections of a group's connected nodes, by node and type."""
        census = self._groups.get(GroupName(group), Census())
        found = (r for node_id in census.rejectors for r in _rejections(self._members[node_id]))
        return tuple(sorted(found, key=lambda rejection: (rejection.node, rejection.type_url)))

    def groups(self) -> tuple[GroupName, ...]:
        """Groups that are served, or that a node asked for, sorted."""
        return tuple(sorted(self._groups))

    # Keeping count

    def _census(self, group: GroupName) -> Census:
        return self._groups.setdefault(group, Census())

    def _count(self, member: Member) -> None:
        census = self._census(member.main.group)
        if not member.streams:
            census.offline += 1
            self._offline[member.id] = None
        elif member.rejected.total:
            census.rejecting.add(member.rejected.greatest())
            census.rejectors[member.id] = None
        else:
            census.healthy.add(member.acked.least())

    def _uncount(self, member: Member) -> None:
        group = member.main.group
        census = self._groups[group]
        if not member.streams:
            census.offline -= 1
            del self._offline[member.id]
        elif member.rejected.total:
            census.rejecting.remove(member.rejected.greatest())
            del census.rejectors[member.id]
        else:
            census.healthy.remove(member.acked.least())
        if census.empty:
            del self._groups[group]

    def _told(self, member: Member) -> NodeStatus:
        return _status(member, self._groups[member.main.group].head)


def _status(member: Member, head: int) -> NodeStatus:
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
        streams=len(member.streams),
        types=tuple(_types(member)),
    )


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


def _rejections(member: Member) -> Iterator[Rejection]:
    return (status.rejection for status in _types(member) if status.rejection)
