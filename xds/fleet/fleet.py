"""The fleet itself: what the edge reports goes in, what people and rollouts ask comes out.  No I/O, no clock."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator
from itertools import count

from api.nodes.limits import ReportLimits
from api.nodes.report import NodeReport
from xds.fleet.members import Census, Member, Stream
from xds.fleet.notes import note
from xds.fleet.reports import Entry, Reporter, Reports
from xds.fleet.standing import level_of, node_of, records, reported_stream, stands_at
from xds.fleet.status import GroupCounts, NodeStatus, Progress, Rejection
from xds.fleet.telling import mark, node_status, rejections_of
from xds.protocol import plan
from xds.protocol.requests import Node
from xds.protocol.types import GroupName, NodeId


class Fleet:
    """Every connected node, and the last ones that left: at most `offline_limit`, for at most `offline_kept_s`.

    What agents report is kept beside it (`reports`). It says where a node stands only for nodes below a relay, which
    have no stream of their own here, and for a relay's own Envoy: a relay takes what it verified, whatever that says.
    """

    def __init__(
        self,
        *,
        offline_limit: int = 1_000,
        offline_kept_s: float = 24 * 3600.0,
        report_limits: ReportLimits | None = None,
        in_steps: bool = False,
    ) -> None:
        """`in_steps`: what is served mirrors an upstream, so that a revision may come in several steps."""
        self.reports = Reports(report_limits or ReportLimits(), offline_limit)
        self._in_steps = in_steps
        self._reported_ids = count(-1, -1)
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
        self._join(Stream(stream_id, node, group, variant, address, aggregated, now_s))

    def observe(self, stream_id: int, observation: plan.Observation, now_s: float) -> None:
        """What a session saw. An unknown stream is ignored: it has been reported as gone."""
        member = self._streams.get(stream_id)
        if member is None:
            return
        stream = member.streams[stream_id]
        note(stream, observation, now_s)
        self._sum_up(member, stream, stream.summed_up(in_steps=self._in_steps))
        self._lift(member, now_s)

    def _sum_up(self, member: Member, stream: Stream, sums: tuple[int, int]) -> None:
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
            if expired and self.reports.is_told_of(member.id):  # its agent is there, though it takes nothing from here
                member.offline_since_s, expired = now_s, False
                self._offline.move_to_end(member.id)
            if not expired and len(self._offline) <= self._offline_limit:
                return
            self._uncount(member)
            del self._members[member.id]

    # What agents report

    def reporting(self, reporter: Reporter) -> None:
        """An agent has opened a report stream. A node that takes nothing from here is known from now on, as offline."""
        self.reports.opened(reporter)
        self._know(Node(reporter.node, reporter.group), "", reporter.heard_s)

    def reported(
        self, reporter_id: int, differences: Iterable[NodeReport], gone: Iterable[str], now_s: float
    ) -> set[GroupName]:
        """What changed of the nodes of a report stream, and those that a relay no longer has.

        Returns the groups where it changed what a node has.
        """
        moved = {self._stand(entry, now_s) for entry in self.reports.said(reporter_id, differences, now_s)}
        moved |= {self._fall(entry, now_s) for entry in self.reports.left(reporter_id, gone, now_s)}
        return {group for group in moved if group is not None}

    def reports_ended(self, reporter_id: int, now_s: float) -> set[GroupName]:
        """A report stream is over: nodes that are known by it alone are offline. Returns their groups."""
        moved = {self._fall(entry, now_s) for entry in self.reports.closed(reporter_id, now_s)}
        return {group for group in moved if group is not None}

    # What people and rollouts ask

    def nodes(self, group: str = "") -> tuple[NodeStatus, ...]:
        """All nodes, or a group's, sorted by id."""
        members = (m for m in self._members.values() if not group or m.main.group == group)
        return tuple(self._told(member) for member in sorted(members, key=lambda member: member.id))

    def node(self, node_id: str) -> NodeStatus | None:
        member = self._members.get(NodeId(node_id))
        return self._told(member) if member else None

    def marks(self) -> Iterator[tuple[NodeId, Hashable]]:
        """Every node, for those who look again and again: the mark is another when what `node` tells is, but for the
        revision that the group serves."""
        for member in self._members.values():
            yield member.id, mark(member, self.reports.of(member.id))

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
        found = (r for node_id in census.rejectors for r in rejections_of(self._members[node_id]))
        return tuple(sorted(found, key=lambda rejection: (rejection.node, rejection.type_url)))

    def groups(self) -> tuple[GroupName, ...]:
        """Groups that are served, or that a node asked for, sorted."""
        return tuple(sorted(self._groups))

    # What is known by reports alone

    def _stand(self, entry: Entry, now_s: float) -> GroupName | None:
        """A node below a relay stands where the relay says, and so does the Envoy of the relay itself. The group if
        that has changed anything."""
        report, standing = entry.report, entry.report.standing
        if standing is None or not entry.reporter.relay:
            self._know(node_of(report), report.via, now_s)
            return None
        if not entry.stream_id:
            entry.stream_id = next(self._reported_ids)
            self._join(reported_stream(entry.stream_id, entry, now_s))
        member = self._streams[entry.stream_id]
        stream = member.streams[entry.stream_id]
        level = level_of(self._members.get(entry.reporter.node))
        entry.stood = stands_at(standing, level, entry.stood)
        stream.node, stream.types = node_of(report), records(stream, report, entry.stood)
        rejected = max((refusal.revision for refusal in standing.refusals), default=0)
        self._sum_up(member, stream, (entry.stood, rejected))
        return stream.group

    def _lift(self, relay: Member, now_s: float) -> None:
        """A relay has come further: so have those below it that have all of what it was sent."""
        for reporter in self.reports.of_relay(relay.id):
            level = level_of(relay)
            if level != reporter.level:
                reporter.level = level
                for entry in reporter.entries.values():
                    self._stand(entry, now_s)

    def _fall(self, entry: Entry, now_s: float) -> GroupName | None:
        """Nobody tells of the node any more."""
        if not entry.stream_id:
            return None
        self.disconnected(entry.stream_id, now_s)
        entry.stream_id = 0
        return GroupName(entry.report.group)

    # Keeping count

    def _know(self, node: Node, via: str, now_s: float) -> None:
        """One that takes nothing from anywhere, and has an agent that says so, is offline."""
        node_id = NodeId(node.id)
        if node_id in self._members:
            return
        told = Stream(0, node, GroupName(node.cluster), "", "", True, now_s, via=via)
        member = self._members[node_id] = Member(node_id, told, offline_since_s=now_s)
        self._count(member)
        self.forget_offline(now_s)

    def _join(self, stream: Stream) -> None:
        node_id = NodeId(stream.node.id)
        member = self._members.get(node_id)
        if member is None:
            member = self._members[node_id] = Member(node_id, stream)
        else:
            self._uncount(member)
        member.join(stream)
        self._streams[stream.id] = member
        self._count(member)

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
        return node_status(member, self._groups[member.main.group].head, self.reports.of(member.id))
