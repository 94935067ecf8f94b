"""Load reports: what clients say of their traffic, and what is told of it.  Envoy API: envoy.service.load_stats.v3.

Facts only; `loads` adds them up. No I/O here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from xds.protocol.types import GroupName

OTHERS = "(others)"
"""The cluster, locality or category that stands for all those beyond a limit: their requests are counted there."""


@dataclass(frozen=True, slots=True, order=True)
class Locality:
    """Where endpoints are. All empty: nobody said."""

    region: str = ""
    zone: str = ""
    sub_zone: str = ""


@dataclass(frozen=True, slots=True)
class MetricSum:
    """A metric that backends report with their answers: over so many requests it adds up to `total`."""

    name: str
    count: int
    total: float


# What a client reports


@dataclass(frozen=True, slots=True)
class LocalityReport:
    """Requests to one locality of a cluster since the client's last report; `in_progress` is as of now."""

    locality: Locality
    issued: int = 0
    successful: int = 0
    errors: int = 0
    in_progress: int = 0
    metrics: tuple[MetricSum, ...] = ()


@dataclass(frozen=True, slots=True)
class ClusterReport:
    """One cluster of a report. `service` is its EDS name, if it has one; `interval_s` 0: the client does not say.

    `dropped` requests were never sent; `drops` has those with a category, and may say less than all.
    """

    cluster: str
    service: str = ""
    interval_s: float = 0.0
    localities: tuple[LocalityReport, ...] = ()
    dropped: int = 0
    drops: tuple[tuple[str, int], ...] = ()


# What is told


@dataclass(frozen=True, slots=True)
class Load:
    """Counts since the server started, and how it is now: rates of the last reports, requests a second."""

    issued: int = 0
    successful: int = 0
    errors: int = 0
    in_progress: int = 0
    issued_per_s: float = 0.0
    finished_per_s: float = 0.0
    errors_per_s: float = 0.0


@dataclass(frozen=True, slots=True)
class LocalityLoad:
    """One locality; the metrics of its backends by name."""

    locality: Locality
    load: Load
    metrics: tuple[MetricSum, ...] = ()


@dataclass(frozen=True, slots=True)
class ClusterLoad:
    """One cluster: `load` is that of all its localities. `reported_at_s` is the last report's time, Unix."""

    cluster: str
    service: str
    load: Load
    dropped: int
    dropped_per_s: float
    drops: Mapping[str, int]
    reported_at_s: float
    localities: tuple[LocalityLoad, ...]


@dataclass(frozen=True, slots=True)
class GroupLoad:
    """One group. `reporters`: streams that report now. `over_limit`: what was beyond a limit, by LIMITED's words."""

    group: GroupName
    reporters: int
    reports: int
    over_limit: Mapping[str, int] = field(default_factory=dict)
    clusters: tuple[ClusterLoad, ...] = ()


# What is bounded


@dataclass(frozen=True, slots=True)
class LoadLimits:
    """What is remembered of load reports.

    `clusters`    of a group; one that nobody has reported for `cluster_kept_s` makes room for a new one
    `localities`  of a cluster, and `all_localities` of a group
    `names`       drop categories of a cluster, metrics of a locality
    `shares`      localities for which one stream's part of what goes on now is known; `all_shares` of all streams
    """

    clusters: int = 1_000
    localities: int = 64
    all_localities: int = 4_000
    names: int = 16
    shares: int = 1_000
    all_shares: int = 500_000
    cluster_kept_s: float = 3600.0


LIMITED: Mapping[str, str] = {
    "cluster": "clusters beyond the limit; counted as others",
    "locality": "localities beyond the limit; counted as others",
    "category": "drop categories beyond the limit; counted as others",
    "metric": "metrics of backends beyond the limit; left out",
    "share": "localities beyond the limit of one stream, or of all; left out of what goes on now",
    "entry": "the rest of a report that is too long; left out",
}
