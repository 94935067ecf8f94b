"""What a report says of a node below a relay, as the stream that the fleet counts it by.  No I/O and no clock here."""

from __future__ import annotations

from api.nodes.report import NodeReport, Refusal, Standing
from xds.fleet.members import Member, Stream, TypeRecord
from xds.fleet.reports import Entry
from xds.fleet.status import Rejection
from xds.protocol.requests import Node
from xds.protocol.types import GroupName, NodeId, TypeUrl


def node_of(report: NodeReport) -> Node:
    """Who it is, in the words of a discovery stream."""
    agent = report.agent
    user_agent = f"fairlead-agent {agent.version}" if agent else ""
    return Node(report.node, report.group, user_agent, agent.region if agent else "", agent.zone if agent else "")


def reported_stream(stream_id: int, entry: Entry, now_s: float) -> Stream:
    """A stream for a node that has none of its own; of a relay's own node, one more that counts beside its own."""
    report, reporter = entry.report, entry.reporter
    if report.node == reporter.node:
        return Stream(stream_id, node_of(report), GroupName(report.group), "delta", reporter.address, False, now_s)
    via = report.via or reporter.node
    return Stream(stream_id, node_of(report), GroupName(report.group), "delta", "", True, now_s, via=via)


def level_of(relay: Member | None) -> tuple[int, int]:
    """What a relay was last sent anything of, and what it has acknowledged all of: revisions; 0 where there is none."""
    if relay is None or not relay.streams or relay.main.via:
        return 0, 0
    sent = max((record.sent_revision for record in relay.main.types.values()), default=0)
    return sent, relay.main.acked


def stands_at(standing: Standing, level: tuple[int, int], before: int) -> int:
    """The revision that a node below a relay has all of.

    A revision that brought the relay nothing is never heard of below it: who has all that the relay was sent has what
    the relay has. Of a revision that comes to the relay in several steps, nobody below has all before the relay has.
    Revisions never go back, so neither does this.
    """
    sent, acknowledged = level
    stands = acknowledged if standing.revision >= sent else standing.revision
    return max(before, min(stands, acknowledged) if acknowledged else standing.revision)


def records(stream: Stream, report: NodeReport, revision: int) -> dict[TypeUrl, TypeRecord]:
    """Each type that the node runs or refuses something of."""
    found: dict[TypeUrl, TypeRecord] = {}
    for running in report.running.types if report.running else ():
        names = (running.resources or 0) if stream.via else 0  # the node's own stream has counted them
        found[TypeUrl(running.type_url)] = TypeRecord(False, names, revision, revision, stream.since_s)
    for refusal in report.standing.refusals if report.standing else ():
        record = found.setdefault(TypeUrl(refusal.type_url), TypeRecord(acked_revision=revision))
        record.rejection = _rejection(stream, refusal)
    return found


def _rejection(stream: Stream, refusal: Refusal) -> Rejection:
    url, names = TypeUrl(refusal.type_url), refusal.names
    whose = (NodeId(stream.node.id), stream.group)
    return Rejection(*whose, url, names, 0, refusal.revision, refusal.code, refusal.message, stream.since_s)
