"""Load reports added up per group, cluster and locality: what the edge receives goes in, what people ask comes out.

Counts never go back. What goes on now (requests in progress, rates) is the sum of the last report of every stream, for
as long as it is open and not silent. Memory is bounded by `LoadLimits`: what is beyond is counted under OTHERS, so that
sums stay right, and told. Groups are those that are served, which is for the caller to see to. No I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Iterable

from xds.fleet.load import OTHERS, ClusterReport, GroupLoad, LoadLimits, Locality, LocalityReport
from xds.fleet.load_books import NOTHING, ClusterRow, GroupRow, LocalityRow, Reporter, Share, going_on, rate
from xds.protocol.types import GroupName


class Loads:
    """The load of every group of this server. Times are Unix seconds, and given."""

    def __init__(self, limits: LoadLimits | None = None) -> None:
        self.limits = limits or LoadLimits()
        self._groups: dict[GroupName, GroupRow] = {}
        self._reporters: dict[int, Reporter] = {}
        self._shares = 0

    # What the edge reports

    def opened(self, stream_id: int, group: GroupName) -> None:
        """A client of a group that is served is going to report."""
        self._reporters[stream_id] = Reporter(group)
        self._groups.setdefault(group, GroupRow()).reporters += 1

    def reported(self, stream_id: int, clusters: Iterable[ClusterReport], now_s: float, *, cut: int = 0) -> None:
        """All that a client has to say since its last report; `cut` entries of it were too many to be read.

        What it says nothing of, it has nothing in progress of. An unknown stream is ignored.
        """
        reporter = self._reporters.get(stream_id)
        if reporter is None:
            return
        self._withdraw(reporter)
        group = self._groups[reporter.group]
        group.reports += 1
        if cut:
            group.note("entry", cut)
        since_s = now_s if reporter.reported_at_s is None else reporter.reported_at_s
        reporter.reported_at_s = now_s
        for report in clusters:
            interval_s = report.interval_s if report.interval_s > 0 else now_s - since_s
            self._take(group, reporter, report, interval_s, now_s)

    def silent(self, stream_id: int) -> None:
        """A stream that should have reported has not: its last report says nothing of now."""
        if stream_id in self._reporters:
            self._withdraw(self._reporters[stream_id])

    def closed(self, stream_id: int) -> None:
        """A stream has ended. What it counted stays counted."""
        reporter = self._reporters.pop(stream_id, None)
        if reporter is None:
            return
        self._withdraw(reporter)
        group = self._groups[reporter.group]
        group.reporters -= 1
        if not group.reporters and not group.reports:
            del self._groups[reporter.group]

    # What people ask

    def groups(self) -> tuple[GroupName, ...]:
        """Groups that a client reports for, or has, sorted."""
        return tuple(sorted(self._groups))

    def told(self, group: GroupName, cluster: str = "") -> GroupLoad:
        """A group's load, its clusters by name; only one cluster's if it is named."""
        row = self._groups.get(group, GroupRow())
        rows = sorted(row.clusters.items(), key=lambda item: item[0])
        clusters = tuple(found.told(name) for name, found in rows if cluster in ("", name))
        return GroupLoad(group, row.reporters, row.reports, dict(row.over_limit), clusters)

    # Adding up

    def _take(
        self, group: GroupRow, reporter: Reporter, report: ClusterReport, interval_s: float, now_s: float
    ) -> None:
        cluster = self._cluster(group, report, now_s)
        if cluster is None:
            return
        cluster.reported_at_s = now_s
        self._drop(group, cluster, report)
        self._share(group, reporter, Share(cluster, None, dropping=rate(report.dropped, interval_s)))
        for one in report.localities:
            row = self._locality(group, cluster, one.locality)
            row.count(one)
            self._measure(group, row, one)
            self._share(group, reporter, Share(cluster, row, now=going_on(one, interval_s)))

    def _cluster(self, group: GroupRow, report: ClusterReport, now_s: float) -> ClusterRow | None:
        """Its row; that of the others if there is no room, and none at all if there is nothing to count either."""
        name = report.cluster
        if name not in group.clusters and not self._has_room(group, now_s):
            if not (report.localities or report.dropped or report.drops):
                return None
            group.note("cluster")
            name = OTHERS
        row = group.clusters.setdefault(name, ClusterRow())
        if name != OTHERS:
            row.service = report.service
            group.clusters.move_to_end(name)
        return row

    def _has_room(self, group: GroupRow, now_s: float) -> bool:
        """Whether there is room for one more cluster; the one that nobody has reported for longest makes it."""
        if len(group.clusters) - (OTHERS in group.clusters) < self.limits.clusters:
            return True
        name, oldest = next(item for item in group.clusters.items() if item[0] != OTHERS)
        if oldest.shares or now_s - oldest.reported_at_s < self.limits.cluster_kept_s:
            return False
        del group.clusters[name]
        others = group.clusters.setdefault(OTHERS, ClusterRow())
        group.places -= len(oldest.localities) - (Locality(OTHERS) not in others.localities)
        others.absorb(oldest)
        return True

    def _locality(self, group: GroupRow, cluster: ClusterRow, locality: Locality) -> LocalityRow:
        row = cluster.localities.get(locality)
        if row is not None:
            return row
        limits = self.limits
        if len(cluster.localities) >= limits.localities or group.places >= limits.all_localities:
            group.note("locality")
            locality = Locality(OTHERS)
        if locality not in cluster.localities:
            group.places += 1
        return cluster.localities.setdefault(locality, LocalityRow())

    def _drop(self, group: GroupRow, cluster: ClusterRow, report: ClusterReport) -> None:
        cluster.dropped += report.dropped
        for category, count in report.drops:
            if category not in cluster.drops and len(cluster.drops) >= self.limits.names:
                group.note("category")
                category = OTHERS
            cluster.drop(category, count)

    def _measure(self, group: GroupRow, row: LocalityRow, report: LocalityReport) -> None:
        for metric in report.metrics:
            if metric.name in row.metrics or len(row.metrics) < self.limits.names:
                row.measure(metric)
            else:
                group.note("metric")

    def _share(self, group: GroupRow, reporter: Reporter, share: Share) -> None:
        if share.now == NOTHING and not share.dropping:
            return
        if len(reporter.shares) >= self.limits.shares or self._shares >= self.limits.all_shares:
            group.note("share")
            return
        share.enter()
        reporter.shares.append(share)
        self._shares += 1

    def _withdraw(self, reporter: Reporter) -> None:
        for share in reporter.shares:
            share.leave()
        self._shares -= len(reporter.shares)
        reporter.shares.clear()
