"""A client's load report -> facts.  Envoy API: envoy.service.load_stats.v3.LoadStatsRequest.

A report may be as large as a request, so a part of it that is too long is left out before it costs anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from api.nodes.printable import printable
from xds.fleet.load import ClusterReport, Locality, LocalityReport, MetricSum
from xds.protocol.requests import Node

LOAD_REQUEST = "envoy.service.load_stats.v3.LoadStatsRequest"
NAMES_READ = 64
"""Drop categories of a cluster, and metrics of a locality, that are looked at."""
NAME_LIMIT = 256
_UTILIZATIONS = ("cpu_utilization", "mem_utilization", "application_utilization")


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """One report; `cut` entries of it are left out: they are too many, or have no name."""

    node: Node | None
    clusters: tuple[ClusterReport, ...] = ()
    cut: int = 0


def cluster_reports(message: Any, limit: int) -> tuple[tuple[ClusterReport, ...], int]:
    """At most `limit` entries (clusters and localities), and how many clusters are left out."""
    taken: list[ClusterReport] = []
    seen = unnamed = 0
    for stats in message.cluster_stats:
        limit -= 1 + len(stats.upstream_locality_stats)
        if limit < 0:
            break
        seen += 1
        if stats.cluster_name:
            taken.append(_cluster(stats))
        else:
            unnamed += 1
    return tuple(taken), len(message.cluster_stats) - seen + unnamed


def _cluster(stats: Any) -> ClusterReport:
    drops = islice(stats.dropped_requests, NAMES_READ)
    return ClusterReport(
        cluster=_shown(stats.cluster_name),
        service=_shown(stats.cluster_service_name),
        interval_s=stats.load_report_interval.seconds + stats.load_report_interval.nanos / 1e9,
        localities=tuple(map(_locality, stats.upstream_locality_stats)),
        dropped=stats.total_dropped_requests,
        drops=tuple((_shown(drop.category), drop.dropped_count) for drop in drops),
    )


def _locality(stats: Any) -> LocalityReport:
    """Priorities of one locality are added up."""
    where = stats.locality
    return LocalityReport(
        locality=Locality(_shown(where.region), _shown(where.zone), _shown(where.sub_zone)),
        issued=stats.total_issued_requests,
        successful=stats.total_successful_requests,
        errors=stats.total_error_requests,
        in_progress=stats.total_requests_in_progress,
        metrics=tuple(_metrics(stats)),
    )


def _metrics(stats: Any) -> Iterator[MetricSum]:
    for name in _UTILIZATIONS:
        if stats.HasField(name):
            yield from _metric(name, getattr(stats, name))
    for metric in islice(stats.load_metric_stats, NAMES_READ):
        yield from _metric(_shown(metric.metric_name), metric)


def _metric(name: str, metric: Any) -> Iterator[MetricSum]:
    """What is no number cannot be added up: one such would spoil the sum for good."""
    if math.isfinite(metric.total_metric_value):
        yield MetricSum(name, metric.num_requests_finished_with_metric, metric.total_metric_value)


def _shown(name: str) -> str:
    """As it may be shown, and no longer than a name is."""
    return name if len(name) <= NAME_LIMIT and name.isprintable() else printable(name, NAME_LIMIT)
