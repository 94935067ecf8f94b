"""What agents report, counted: read from the fleet's books when metrics are collected."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable

from api.telemetry import metrics
from api.telemetry.metrics import Measured
from xds.fleet.reports import Reports


def declare_reports(reports: Reports, now: Callable[[], float] = time.time) -> None:
    """Does nothing while metrics are off."""

    def nodes() -> Iterable[Measured]:
        groups = Counter(entry.report.group for reporter in reports.open() for entry in reporter.entries.values())
        for group, count in groups.items():
            yield count, {"group": group}

    def ages() -> Iterable[Measured]:
        oldest: dict[str, float] = {}
        for reporter in reports.open():
            oldest[reporter.group] = min(reporter.heard_s, oldest.get(reporter.group, reporter.heard_s))
        now_s = now()
        for group, heard_s in oldest.items():
            yield max(0.0, now_s - heard_s), {"group": group}

    metrics.measure(metrics.NODE_REPORTS, lambda: [(reports.received, {})])
    metrics.measure(metrics.NODE_REPORTS_OVER_LIMIT, lambda: [(reports.over_limit, {})])
    metrics.measure(metrics.REPORTED_NODES, nodes)
    metrics.measure(metrics.NODE_REPORT_AGE, ages)
