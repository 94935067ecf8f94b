"""The books behind `loads`: a row a locality, cluster and group, and what part each stream has in it.  No I/O here."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from operator import add, sub

from xds.fleet.load import OTHERS, ClusterLoad, Load, Locality, LocalityLoad, LocalityReport, MetricSum
from xds.protocol.types import GroupName

# Rates are kept in whole millionths, so that what is added and taken away again leaves nothing behind.
MICRO = 1_000_000
LARGEST = sys.float_info.max

Now = tuple[int, int, int, int]
"""In progress, and issued, finished, failed in millionths a second."""
NOTHING: Now = (0, 0, 0, 0)


@dataclass(slots=True)
class LocalityRow:
    """Counts, and the sum of the streams' parts of what goes on now."""

    issued: int = 0
    successful: int = 0
    errors: int = 0
    now: Now = NOTHING
    metrics: dict[str, tuple[int, float]] = field(default_factory=dict)

    def count(self, report: LocalityReport) -> None:
        self.issued += report.issued
        self.successful += report.successful
        self.errors += report.errors

    def measure(self, metric: MetricSum) -> None:
        count, total = self.metrics.get(metric.name, (0, 0.0))
        total = max(-LARGEST, min(total + metric.total, LARGEST))  # infinity would be there for good
        self.metrics[metric.name] = (count + metric.count, total)

    def absorb(self, other: LocalityRow) -> None:
        """Take over another row's counts, without its metrics: those of different backends do not add up."""
        self.issued += other.issued
        self.successful += other.successful
        self.errors += other.errors

    def told(self, locality: Locality) -> LocalityLoad:
        metrics = (MetricSum(name, *sums) for name, sums in sorted(self.metrics.items()))
        return LocalityLoad(locality, told([self]), tuple(metrics))


@dataclass(slots=True)
class ClusterRow:
    """`shares`: how many parts streams have in it now; without any it may be forgotten."""

    service: str = ""
    dropped: int = 0
    drops: dict[str, int] = field(default_factory=dict)
    dropping: int = 0
    shares: int = 0
    reported_at_s: float = 0.0
    localities: dict[Locality, LocalityRow] = field(default_factory=dict)

    def drop(self, category: str, count: int) -> None:
        self.drops[category] = self.drops.get(category, 0) + count

    def told(self, name: str) -> ClusterLoad:
        rows = sorted(self.localities.items())
        return ClusterLoad(
            cluster=name,
            service=self.service,
            load=told(row for _, row in rows),
            dropped=self.dropped,
            dropped_per_s=self.dropping / MICRO,
            drops=dict(sorted(self.drops.items())),
            reported_at_s=self.reported_at_s,
            localities=tuple(row.told(locality) for locality, row in rows),
        )

    def absorb(self, other: ClusterRow) -> None:
        """Take over another cluster's counts."""
        self.dropped += other.dropped
        self.drop(OTHERS, sum(other.drops.values()))
        others = self.localities.setdefault(Locality(OTHERS), LocalityRow())
        for row in other.localities.values():
            others.absorb(row)


@dataclass(slots=True)
class GroupRow:
    """Clusters stand in the order of their last report. `places` counts the localities of all of them."""

    reporters: int = 0
    reports: int = 0
    places: int = 0
    over_limit: dict[str, int] = field(default_factory=dict)
    clusters: OrderedDict[str, ClusterRow] = field(default_factory=OrderedDict)

    def note(self, what: str, count: int = 1) -> None:
        """Something was beyond a limit."""
        self.over_limit[what] = self.over_limit.get(what, 0) + count


@dataclass(slots=True)
class Share:
    """One stream's part of what goes on in a locality, or (without `row`) of what a cluster drops."""

    cluster: ClusterRow
    row: LocalityRow | None
    now: Now = NOTHING
    dropping: int = 0

    def enter(self) -> None:
        self.cluster.shares += 1
        self.cluster.dropping += self.dropping
        if self.row is not None:
            self.row.now = _each(add, self.row.now, self.now)

    def leave(self) -> None:
        self.cluster.shares -= 1
        self.cluster.dropping -= self.dropping
        if self.row is not None:
            self.row.now = _each(sub, self.row.now, self.now)


@dataclass(slots=True)
class Reporter:
    """One stream that reports. `reported_at_s` None: not yet."""

    group: GroupName
    reported_at_s: float | None = None
    shares: list[Share] = field(default_factory=list)


def going_on(report: LocalityReport, interval_s: float) -> Now:
    """A report's part of what goes on now."""
    finished = report.successful + report.errors
    return (
        report.in_progress,
        rate(report.issued, interval_s),
        rate(finished, interval_s),
        rate(report.errors, interval_s),
    )


def rate(count: int, interval_s: float) -> int:
    """Millionths a second; 0 when the interval is not known."""
    return round(count * MICRO / interval_s) if interval_s > 0 else 0


def told(rows: Iterable[LocalityRow]) -> Load:
    """The sum of rows."""
    issued = successful = errors = 0
    now = NOTHING
    for row in rows:
        issued, successful, errors = issued + row.issued, successful + row.successful, errors + row.errors
        now = _each(add, now, row.now)
    in_progress, *rates = now
    return Load(issued, successful, errors, in_progress, *(each / MICRO for each in rates))


def _each(operation: Callable[[int, int], int], one: Now, other: Now) -> Now:
    return tuple(map(operation, one, other))  # type: ignore[return-value]  # as many as both have
