"""What of a report is still to be told on a stream: what differs from what was told on it before. Pure.

Memory goes up and down by itself: it is told again when it has moved by more than a little.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from api.nodes.conversion import report_message
from api.nodes.report import NodeReport, Statistics
from api.nodes.v1 import nodes_pb2 as pb

MEMORY_SHARE: Final = 0.05
MEMORY: Final = ("memory_allocated_bytes", "memory_heap_bytes")


@dataclass(slots=True)
class Told:
    """What was told on one stream, by node. `own`: whose stream it is; its node need not be named."""

    own: str
    _told: dict[str, NodeReport] = field(default_factory=dict)
    _seen: Mapping[str, NodeReport] = field(default_factory=dict)

    def differences(self, reports: Mapping[str, NodeReport]) -> tuple[list[NodeReport], list[str]]:
        """(what is new, nodes that are gone): told from now on."""
        seen, self._seen = self._seen, reports
        others = ((node, report) for node, report in reports.items() if seen.get(node) is not report)
        new = [difference for node, report in others if (difference := self._difference(node, report))]
        gone = [node for node in self._told if node not in reports and node != self.own]
        for node in gone:
            del self._told[node]
        return new, gone

    def _difference(self, node: str, report: NodeReport) -> NodeReport | None:
        told = self._told.get(node)
        if told is None:
            self._told[node] = report
            return replace(report, node="") if node == self.own else report
        steady = _steadied(report, told)
        difference = steady.since(told)
        if difference is None:
            return None
        self._told[node] = told.after(steady)
        return replace(difference, node="") if node == self.own else difference


def _steadied(report: NodeReport, told: NodeReport) -> NodeReport:
    """The report with memory as it was told, where it is about the same."""
    now, before = report.statistics, told.statistics
    if now is None or before is None:
        return report
    same: dict[str, Any] = {name: getattr(before, name) for name in MEMORY if _about(now, before, name)}
    return replace(report, statistics=replace(now, **same))


def _about(now: Statistics, before: Statistics, name: str) -> bool:
    one, other = getattr(now, name), getattr(before, name)
    return one is not None and other is not None and abs(one - other) <= MEMORY_SHARE * other


def messages(new: Iterable[NodeReport], gone: Iterable[str], message_bytes: int) -> Iterator[pb.AgentMessage]:
    """At least one message, which may be empty, and as many as are needed to keep each below `message_bytes`."""
    reports = pb.Reports(gone=gone)
    size = reports.ByteSize()
    for difference in new:
        message = report_message(difference)
        size += message.ByteSize() + 8
        if size > message_bytes and reports.nodes:
            yield pb.AgentMessage(reports=reports)
            reports, size = pb.Reports(), message.ByteSize() + 8
        reports.nodes.append(message)
    yield pb.AgentMessage(reports=reports)
