"""Our nouns as messages of the management API. One function a noun, no decisions. No I/O here."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from api.management.v1 import management_pb2 as pb
from api.nodes.conversion import report_message
from snapshots.model import Origin
from snapshots.store.protocol import ResourceChange, Revision, StoreStatus
from xds.fleet import GroupCounts, NodeState, NodeStatus, Rejection, TypeStatus
from xds.fleet.reports import Reported
from xds.protocol.resource import Resource

STALE_INTERVALS = 3
_NODE_STATES: dict[NodeState, pb.Node.State] = {
    NodeState.UNASSIGNED: pb.Node.UNASSIGNED,
    NodeState.CURRENT: pb.Node.CURRENT,
    NodeState.BEHIND: pb.Node.BEHIND,
    NodeState.REJECTED: pb.Node.REJECTED,
    NodeState.OFFLINE: pb.Node.OFFLINE,
}


def timestamp(unix_s: float) -> Timestamp:
    return Timestamp(seconds=int(unix_s), nanos=int(unix_s % 1 * 1e9))


def revision_message(revision: Revision) -> pb.Revision:
    return pb.Revision(
        group=revision.group,
        number=revision.number,
        parent=revision.parent,
        snapshot=revision.snapshot,
        workspace=revision.workspace,
        workspaces={str(name): number for name, number in revision.workspaces.items()},
        author=revision.author,
        message=revision.message,
        source=revision.source,
        created=timestamp(revision.created_at_s),
        rolled_back_to=revision.rolled_back_to,
        added=revision.added,
        changed=revision.changed,
        removed=revision.removed,
    )


def origin_message(origin: Origin | None) -> pb.Origin | None:
    if origin is None:
        return None
    return pb.Origin(
        workspace=origin.workspace,
        path=origin.path,
        line=origin.line,
        column=origin.column,
        kind=origin.kind,
        name=origin.name,
    )


def resource_message(resource: Resource, origin: Origin | None = None) -> pb.Resource:
    return pb.Resource(
        type_url=resource.type_url,
        name=resource.name,
        version=resource.version,
        body=resource.body,
        origin=origin_message(origin),
        ttl_ms=resource.ttl_ms,
    )


def change_message(change: ResourceChange, origin: Origin | None = None) -> pb.Change:
    """`before` and `after` are serialised messages of the type, without Any; empty where there is none."""
    before, after = change.before, change.after
    kind = pb.Change.CHANGED if before and after else pb.Change.ADDED if after else pb.Change.REMOVED
    return pb.Change(
        kind=kind,
        type_url=change.type_url,
        name=change.name,
        before=before.body if before else b"",
        after=after.body if after else b"",
        before_version=before.version if before else "",
        after_version=after.version if after else "",
        origin=origin_message(origin),
        before_ttl_ms=before.ttl_ms if before else 0,
        after_ttl_ms=after.ttl_ms if after else 0,
    )


def rejection_message(rejection: Rejection) -> pb.Rejection:
    return pb.Rejection(
        node=rejection.node,
        type_url=rejection.type_url,
        names=rejection.names,
        revision=rejection.revision,
        message=rejection.message,
        since=timestamp(rejection.since_s),
    )


def node_message(node: NodeStatus, now_s: float, interval_s: float) -> pb.Node:
    """`interval_s`: how often agents report at least; who has missed three is stale."""
    return pb.Node(
        id=node.id,
        group=node.group,
        state=_NODE_STATES[node.state],
        revision=node.revision,
        address=node.address,
        user_agent=node.user_agent,
        region=node.region,
        zone=node.zone,
        since=timestamp(node.since_s),
        types=[_type_message(status) for status in node.types],
        variant=node.variant,
        via=node.via,
        agent=_agent_report(node.reported, now_s, interval_s) if node.reported else None,
    )


def _agent_report(reported: Reported, now_s: float, interval_s: float) -> pb.AgentReport:
    return pb.AgentReport(
        report=report_message(reported.report),
        heard=timestamp(reported.heard_s),
        connected=reported.connected,
        stale=now_s - reported.heard_s > STALE_INTERVALS * interval_s,
    )


def _type_message(status: TypeStatus) -> pb.NodeType:
    return pb.NodeType(
        type_url=status.type_url,
        wildcard=status.wildcard,
        names=status.names,
        sent_revision=status.sent_revision,
        acked_revision=status.acked_revision,
        changed=timestamp(status.changed_at_s),
        rejection=rejection_message(status.rejection) if status.rejection else None,
    )


def store_message(status: StoreStatus) -> pb.StoreStatus:
    return pb.StoreStatus(
        kind=status.kind,
        reachable=status.reachable,
        detail=status.detail,
        version=status.version,
        endpoints=status.endpoints,
        leader=status.leader,
        db_size_bytes=status.db_size_bytes,
        quota_bytes=status.quota_bytes,
        alarms=status.alarms,
    )


def group_message(head: Revision, counts: GroupCounts) -> pb.GroupStatus:
    return pb.GroupStatus(
        head=revision_message(head),
        nodes_total=counts.total,
        nodes_current=counts.current,
        nodes_behind=counts.behind,
        nodes_rejected=counts.rejected,
    )
