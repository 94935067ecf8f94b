"""What agents report of nodes: the last word on each, whose it is, and since when.  No I/O and no clock here.

A stream says what changed since its own last message, so each stream has its own books. Of several that tell of a node,
its own agent's newest counts, then the newest relay's. What an ended stream said last is kept for a while.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from api.nodes.limits import ReportLimits
from api.nodes.report import NodeReport
from xds.protocol.types import GroupName, NodeId


@dataclass(frozen=True, slots=True)
class Reported:
    """The last word on a node. `heard_s`: Unix time; `connected`: whether the stream that said it is open."""

    report: NodeReport
    heard_s: float
    connected: bool


@dataclass(slots=True)
class Entry:
    """One node as one stream tells of it. `stream_id`: the stream that stands for it in the fleet; 0: none."""

    reporter: Reporter
    report: NodeReport
    stream_id: int = 0
    stood: int = 0


@dataclass(slots=True)
class Reporter:
    """One report stream, its agent's node, and all that it tells of. `level`: what its relay has, as it was last."""

    id: int
    node: NodeId
    group: GroupName
    relay: bool
    address: str
    heard_s: float
    entries: dict[NodeId, Entry] = field(default_factory=dict)
    level: tuple[int, int] = (0, 0)


class Reports:
    """The books of all report streams. `over_limit` counts the nodes that were left out."""

    def __init__(self, limits: ReportLimits, kept: int) -> None:
        self.limits = limits
        self.over_limit = 0
        self.received = 0
        self._kept = kept
        self._reporters: dict[int, Reporter] = {}
        self._tellers: dict[NodeId, dict[int, Entry]] = {}
        self._relays: dict[NodeId, dict[int, Reporter]] = {}
        self._last: OrderedDict[NodeId, Reported] = OrderedDict()
        self._count = 0

    # What streams say

    def opened(self, reporter: Reporter) -> None:
        self._reporters[reporter.id] = reporter
        if reporter.relay:
            self._relays.setdefault(reporter.node, {})[reporter.id] = reporter

    def said(self, reporter_id: int, differences: Iterable[NodeReport], now_s: float) -> Iterator[Entry]:
        """Take what changed; each entry that did. Nothing at all is a word, too: it says that all is as before."""
        reporter = self._reporters.get(reporter_id)
        if reporter is None:
            return
        self.received += 1
        reporter.heard_s = now_s
        for difference in differences:
            entry = self._entry(reporter, difference)
            if entry is not None:
                entry.report = entry.report.after(replace(difference, group=""))
                yield entry

    def left(self, reporter_id: int, nodes: Iterable[str], now_s: float) -> Iterator[Entry]:
        """Nodes that a relay no longer has."""
        reporter = self._reporters.get(reporter_id)
        for node in nodes if reporter else ():
            entry = reporter.entries.pop(NodeId(node), None) if reporter else None
            if entry is not None:
                self._forget(NodeId(node), entry, now_s)
                yield entry

    def closed(self, reporter_id: int, now_s: float) -> Iterator[Entry]:
        """The stream is over; all that it told of."""
        reporter = self._reporters.pop(reporter_id, None)
        if reporter is None:
            return
        if reporter.relay:
            siblings = self._relays[reporter.node]
            del siblings[reporter_id]
            if not siblings:
                del self._relays[reporter.node]
        for node, entry in reporter.entries.items():
            self._forget(node, entry, now_s)
            yield entry
        reporter.entries.clear()

    # What is asked

    def of(self, node: str) -> Reported | None:
        entry = self._first(node)
        return Reported(entry.report, entry.reporter.heard_s, True) if entry else self._last.get(NodeId(node))

    def teller(self, node: str) -> int | None:
        """The number of the open stream that tells of the node and can be asked about it."""
        entry = self._first(node)
        return entry.reporter.id if entry else None

    def is_told_of(self, node: str) -> bool:
        """Whether an open stream tells of the node."""
        return NodeId(node) in self._tellers

    def reporter(self, reporter_id: int) -> Reporter | None:
        return self._reporters.get(reporter_id)

    def of_relay(self, node: NodeId) -> tuple[Reporter, ...]:
        """The open streams of a relay."""
        return tuple(self._relays.get(node, {}).values())

    def open(self) -> tuple[Reporter, ...]:
        return tuple(self._reporters.values())

    # Keeping count

    def _first(self, node: str) -> Entry | None:
        """Of those that tell of a node now, the one that counts."""
        tellers = self._tellers.get(NodeId(node), {})
        return max(tellers.values(), key=lambda one: (one.reporter.node == node, one.reporter.id), default=None)

    def _entry(self, reporter: Reporter, difference: NodeReport) -> Entry | None:
        """The node's entry; its group is that of the first word on it."""
        node = NodeId(difference.node) or reporter.node
        entry = reporter.entries.get(node)
        if entry is not None:
            return entry
        if not self._has_room(reporter, node):
            self.over_limit += 1
            return None
        own = node == reporter.node
        first = NodeReport(node, (not own and difference.group) or reporter.group, "" if own else reporter.node)
        entry = reporter.entries[node] = Entry(reporter, first)
        self._tellers.setdefault(node, {})[reporter.id] = entry
        self._count += 1
        return entry

    def _has_room(self, reporter: Reporter, node: NodeId) -> bool:
        """A stream may tell of others only if it said that it relays; of itself always, while there is room at all."""
        if self._count >= self.limits.nodes:
            return False
        return node == reporter.node or (reporter.relay and len(reporter.entries) < self.limits.stream_nodes)

    def _forget(self, node: NodeId, entry: Entry, now_s: float) -> None:
        tellers = self._tellers[node]
        del tellers[entry.reporter.id]
        self._count -= 1
        if tellers:
            return
        del self._tellers[node]
        self._last[node] = Reported(entry.report, entry.reporter.heard_s, False)
        self._last.move_to_end(node)
        if len(self._last) > self._kept:
            self._last.popitem(last=False)
