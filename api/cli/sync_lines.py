"""Syncs as lines for people: what keeps one from its commit. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from api.cli.terminal import escape

if TYPE_CHECKING:
    from api.management.v1 import management_pb2 as pb


def state_of(sync: pb.Sync) -> str:
    """The state to show: one that nobody acts for is lost, whatever it said last."""
    if sync.lost:
        return "lost"
    return "suspended" if sync.orders.suspended_by else str(sync.report.state)


def trouble_lines(sync: pb.Sync) -> Iterator[str]:
    """What keeps a sync from its commit, and where; nothing when all is well."""
    report, orders = sync.report, sync.orders
    if sync.lost:
        yield _line(sync, "its follower has said nothing for too long; is `fairlead gitops` running?")
    if orders.suspended_by:
        why = f": {orders.suspended_why}" if orders.suspended_why else ""
        yield _line(sync, f"suspended by {orders.suspended_by}{why}")
    elif report.why:
        yield _line(sync, report.why)
    for finding in report.findings:
        yield escape(f"  {_place(finding)} {finding.code} {finding.message}")


def not_well(syncs: Sequence[pb.Sync]) -> Iterator[str]:
    """A line for each sync that is not at its commit."""
    for sync in syncs:
        if (state := state_of(sync)) not in ("synced", "syncing"):
            yield _line(sync, f"{state}; see `fairlead sync status {sync.workspace}`")


def _line(sync: pb.Sync, words: str) -> str:
    return escape(f"{sync.workspace}: {words}")


def _place(finding: Any) -> str:
    return ":".join(str(part) for part in (finding.path, finding.line, finding.column) if part)
