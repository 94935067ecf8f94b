"""Syncs between the store's nouns and the messages of the management API. Pure."""

from __future__ import annotations

from dataclasses import replace

from google.protobuf.timestamp_pb2 import Timestamp

from api.errors import Finding, LimitExceeded
from api.management.conversion import timestamp
from api.management.details import finding_from, finding_message
from api.management.v1 import management_pb2 as pb
from snapshots.authoring.printable import printable
from snapshots.store.syncs import Sync, SyncOrders, SyncReport

FINDINGS_KEPT = 20
TEXT_LIMIT_CHARACTERS = 1024


def report_from(message: pb.SyncReport) -> SyncReport:
    """What a follower says, cut to what is kept of it. Raises LimitExceeded for a text that is no text of ours."""
    return SyncReport(
        source=_text(message.source),
        url=_text(message.url),
        reference=_text(message.reference),
        path=_text(message.path),
        mode=_text(message.mode),
        state=_text(message.state),
        why=printable(message.why, TEXT_LIMIT_CHARACTERS),
        commit=_text(message.commit),
        author=printable(message.author, TEXT_LIMIT_CHARACTERS),
        message=printable(message.message, TEXT_LIMIT_CHARACTERS),
        committed_at_s=message.committed.seconds,
        served=_text(message.served_commit),
        revision=message.revision,
        rewritten=_text(message.rewritten),
        since_s=message.since.ToNanoseconds() / 1e9,
        nodes_acked=message.nodes_acked,
        nodes_total=message.nodes_total,
        nodes_rejected=message.nodes_rejected,
        findings=tuple(_short(finding_from(each)) for each in message.findings[:FINDINGS_KEPT]),
    )


def report_message(report: SyncReport) -> pb.SyncReport:
    return pb.SyncReport(
        source=report.source,
        url=report.url,
        reference=report.reference,
        path=report.path,
        mode=report.mode,
        state=report.state,
        why=report.why,
        commit=report.commit,
        author=report.author,
        message=report.message,
        committed=_time(report.committed_at_s),
        served_commit=report.served,
        revision=report.revision,
        rewritten=report.rewritten,
        since=_time(report.since_s),
        nodes_acked=report.nodes_acked,
        nodes_total=report.nodes_total,
        nodes_rejected=report.nodes_rejected,
        findings=map(finding_message, report.findings),
    )


def orders_message(orders: SyncOrders) -> pb.SyncOrders:
    return pb.SyncOrders(
        looks=orders.looks,
        suspended_by=orders.suspended_by,
        suspended_why=orders.suspended_why,
        resumed_revision=orders.resumed_revision,
    )


def sync_message(sync: Sync, now_s: float) -> pb.Sync:
    return pb.Sync(
        group=sync.group,
        workspace=sync.workspace,
        report=report_message(sync.report),
        orders=orders_message(sync.orders),
        lost=sync.until_s < now_s,
        heard=_time(sync.until_s),
    )


def _time(seconds: float) -> Timestamp | None:
    return timestamp(seconds) if seconds else None


def _text(given: str) -> str:
    if len(given) > TEXT_LIMIT_CHARACTERS:
        raise LimitExceeded(f"a text of a sync's report is longer than {TEXT_LIMIT_CHARACTERS} characters")
    return printable(given, TEXT_LIMIT_CHARACTERS)


def _short(finding: Finding) -> Finding:
    """A finding quotes a line of a document; here it is kept for months, and its place is enough."""
    return replace(finding, message=printable(finding.message), excerpt="")
