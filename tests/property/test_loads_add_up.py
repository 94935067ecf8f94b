"""Load reports: whatever comes in whatever order, all of it is counted once, and nothing grows beyond the limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_cluster_report, a_locality_report
from xds.fleet import Loads
from xds.fleet.load import ClusterLoad, ClusterReport, Load, LoadLimits, Locality
from xds.protocol.types import GroupName

GROUPS = (GroupName("edge"), GroupName("other"))
ROOMY = LoadLimits()
TIGHT = LoadLimits(clusters=2, localities=2, all_localities=3, names=1, cluster_kept_s=25)
COUNTS = st.integers(0, 1_000)

localities = st.builds(
    a_locality_report,
    st.builds(Locality, zone=st.sampled_from("abcd")),
    issued=COUNTS,
    successful=COUNTS,
    errors=COUNTS,
    in_progress=COUNTS,
)
clusters = st.builds(
    lambda rows, **facts: a_cluster_report(*rows, **facts),
    st.lists(localities, max_size=3),
    cluster=st.sampled_from(["web", "api", "cart", "mail"]),
    interval_s=st.sampled_from([0.3, 1, 7]),
    dropped=COUNTS,
    drops=st.lists(st.tuples(st.sampled_from(["one", "two", "three"]), COUNTS), max_size=2).map(tuple),
)
steps = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.one_of(st.sampled_from(["close", "silent"]), st.lists(clusters, max_size=4)),
        st.booleans(),
    ),
    max_size=30,
)


@dataclass
class Expected:
    """What was reported, added up as simply as can be."""

    counted: Counter[str] = field(default_factory=Counter)
    last: dict[int, list[ClusterReport]] = field(default_factory=dict)

    def report(self, stream: int, reports: list[ClusterReport]) -> None:
        self.last[stream] = reports
        for report in reports:
            self.counted["dropped"] += report.dropped
            self.counted["drops"] += sum(count for _, count in report.drops)
            for row in report.localities:
                self.counted.update(issued=row.issued, successful=row.successful, errors=row.errors)

    @property
    def in_progress(self) -> int:
        return sum(row.in_progress for reports in self.last.values() for one in reports for row in one.localities)

    @property
    def issued_per_s(self) -> float:
        return sum(
            row.issued / one.interval_s for reports in self.last.values() for one in reports for row in one.localities
        )


@given(steps, st.sampled_from([ROOMY, TIGHT]))
def test_totals_are_the_sum_of_all_reports_and_the_present_that_of_the_last_ones(
    history: list[tuple[int, str | list[ClusterReport], bool]], limits: LoadLimits
) -> None:
    loads, expected, opened = Loads(limits), {group: Expected() for group in GROUPS}, {}
    before: dict[GroupName, Counter[str]] = {group: Counter() for group in GROUPS}
    for at_s, (stream, what, first) in enumerate(history):
        if stream not in opened:
            opened[stream] = GROUPS[not first]
            loads.opened(stream, opened[stream])
        group = opened[stream]
        if isinstance(what, list):
            loads.reported(stream, what, at_s * 10)
            expected[group].report(stream, what)
        else:
            expected[group].last.pop(stream, None)
            loads.silent(stream)
        if what == "close":
            loads.closed(stream)
            del opened[stream]
        _agrees(loads, group, expected[group], limits, before[group])
    for stream in opened:
        loads.closed(stream)
    for group in GROUPS:
        assert all(_nothing_goes_on(cluster.load, cluster.dropped_per_s) for cluster in loads.told(group).clusters)


def _agrees(loads: Loads, group: GroupName, expected: Expected, limits: LoadLimits, before: Counter[str]) -> None:
    told = loads.told(group)
    rows = [row.load for cluster in told.clusters for row in cluster.localities]
    counted = Counter({name: sum(getattr(row, name) for row in rows) for name in ("issued", "successful", "errors")})
    counted["dropped"] = sum(cluster.dropped for cluster in told.clusters)
    counted["drops"] = sum(sum(cluster.drops.values()) for cluster in told.clusters)
    assert counted == expected.counted
    assert all(counted[name] >= before[name] for name in counted)
    before.update(counted - before)
    assert sum(row.in_progress for row in rows) == expected.in_progress
    assert abs(sum(row.issued_per_s for row in rows) - expected.issued_per_s) < 0.001
    _is_bounded(told.clusters, limits)


def _is_bounded(clusters: Sequence[ClusterLoad], limits: LoadLimits) -> None:
    """Each limit, and one more for the others."""
    assert len(clusters) <= limits.clusters + 1
    assert all(len(cluster.localities) <= limits.localities + 1 for cluster in clusters)
    assert all(len(cluster.drops) <= limits.names + 1 for cluster in clusters)
    assert sum(len(cluster.localities) for cluster in clusters) <= limits.all_localities + len(clusters)


def _nothing_goes_on(load: Load, dropped_per_s: float) -> bool:
    return (load.in_progress, load.issued_per_s, load.finished_per_s, load.errors_per_s, dropped_per_s) == (0,) * 5
