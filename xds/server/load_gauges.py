"""The load of clients as metrics: read from `Loads` when they are collected, bounded as that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from api.telemetry import metrics
from api.telemetry.metrics import Measured
from xds.fleet import Loads
from xds.fleet.load import ClusterLoad, GroupLoad, LocalityLoad

UNCATEGORISED = "(none)"


def declare_load(loads: Loads) -> None:
    """Does nothing while metrics are off."""

    def each(told: Callable[[GroupLoad], Iterator[Measured]]) -> Callable[[], list[Measured]]:
        return lambda: [measured for group in loads.groups() for measured in told(loads.told(group))]

    metrics.measure(metrics.LOAD_REPORTS, each(_reports))
    metrics.measure(metrics.LOAD_OVER_LIMIT, each(_over_limit))
    metrics.measure(metrics.REPORTERS, each(_reporters))
    metrics.measure(metrics.TRAFFIC_ISSUED, each(lambda group: _by_place(group, lambda row: row.load.issued)))
    metrics.measure(metrics.TRAFFIC_IN_PROGRESS, each(lambda group: _by_place(group, lambda row: row.load.in_progress)))
    metrics.measure(metrics.TRAFFIC_FINISHED, each(_finished))
    metrics.measure(metrics.TRAFFIC_DROPPED, each(_dropped))


def _reports(group: GroupLoad) -> Iterator[Measured]:
    yield group.reports, {"group": group.group}


def _reporters(group: GroupLoad) -> Iterator[Measured]:
    yield group.reporters, {"group": group.group}


def _over_limit(group: GroupLoad) -> Iterator[Measured]:
    for what, count in group.over_limit.items():
        yield count, {"group": group.group, "what": what}


def _finished(group: GroupLoad) -> Iterator[Measured]:
    outcomes: dict[str, Callable[[LocalityLoad], int]] = {
        "success": lambda row: row.load.successful,
        "error": lambda row: row.load.errors,
    }
    for outcome, read in outcomes.items():
        for value, attributes in _by_place(group, read):
            yield value, {**attributes, "outcome": outcome}


def _dropped(group: GroupLoad) -> Iterator[Measured]:
    for cluster in group.clusters:
        for category, count in _categories(cluster).items():
            yield count, {"group": group.group, "cluster": cluster.cluster, "category": category}


def _categories(cluster: ClusterLoad) -> dict[str, int]:
    """Clients count all that they drop, and need not say why."""
    rest = cluster.dropped - sum(cluster.drops.values())
    return {**cluster.drops, UNCATEGORISED: rest} if rest > 0 else dict(cluster.drops)


def _by_place(group: GroupLoad, read: Callable[[LocalityLoad], int]) -> Iterator[Measured]:
    """Sub-zones of a zone are added up."""
    for cluster in group.clusters:
        sums: Counter[tuple[str, str]] = Counter()
        for row in cluster.localities:
            sums[row.locality.region, row.locality.zone] += read(row)
        for (region, zone), value in sums.items():
            yield value, {"group": group.group, "cluster": cluster.cluster, "region": region, "zone": zone}
