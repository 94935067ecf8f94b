"""Envoy's page of statistics -> the numbers that gates need. Pure.

The page has only what was ever used, so that it is small and cheap for Envoy: what is not on it has never happened.
Counters are added up over clusters and listeners; Envoy's own are left out: its admin interface, its stream of xDS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote

from api.nodes.report import Statistics
from xds.bootstrap import CLUSTER_NAME

# What a statistic of Envoy adds to; several may add to one.
_CLUSTER: Final[Mapping[str, str]] = {
    "upstream_rq_total": "upstream_requests",
    "upstream_rq_5xx": "upstream_5xx",
    "upstream_cx_connect_fail": "upstream_connect_failures",
    "upstream_rq_timeout": "upstream_timeouts",
    "upstream_rq_per_try_timeout": "upstream_timeouts",
    "upstream_rq_pending_overflow": "upstream_overflows",
    "upstream_cx_overflow": "upstream_overflows",
    "upstream_cx_active": "upstream_connections",
}
_HTTP: Final[Mapping[str, str]] = {"downstream_rq_total": "downstream_requests", "downstream_rq_5xx": "downstream_5xx"}
_LISTENER: Final[Mapping[str, str]] = {"downstream_cx_active": "downstream_connections"}
_WHOLE: Final[Mapping[str, str]] = {
    "cluster_manager.warming_clusters": "clusters_warming",
    "listener_manager.total_listeners_warming": "listeners_warming",
    "listener_manager.total_listeners_draining": "listeners_draining",
    "server.memory_allocated": "memory_allocated_bytes",
    "server.memory_heap_size": "memory_heap_bytes",
}
_UPTIME: Final = "server.uptime"
_PATTERN: Final = (
    rf"^(cluster\..*\.({'|'.join(_CLUSTER)})"
    rf"|http\..*\.({'|'.join(_HTTP)})"
    rf"|listener\..*\.({'|'.join(_LISTENER)})"
    rf"|{'|'.join(map(re.escape, _WHOLE))}|{re.escape(_UPTIME)})$"
)
PAGE: Final = f"/stats?usedonly&filter={quote(_PATTERN, safe='')}"
_OWN: Final = ("http.admin.", "listener.admin.", f"cluster.{CLUSTER_NAME}.")


def statistics_of(page: bytes, instance: int | None) -> Statistics:
    """Raises ValueError for what is no page of statistics."""
    sums = dict.fromkeys([*_CLUSTER.values(), *_HTTP.values(), *_LISTENER.values(), *_WHOLE.values()], 0)
    for name, value in _rows(page):
        counted_as = _counted_as(name)
        if counted_as:
            sums[counted_as] += value
    told = {name: value for name, value in sums.items() if value or not name.startswith("memory_")}
    return Statistics(instance, **told)


def uptime_s(page: bytes) -> int | None:
    """How long that Envoy has run."""
    return next((value for name, value in _rows(page) if name == _UPTIME), None)


def _rows(page: bytes) -> Iterator[tuple[str, int]]:
    for line in page.decode("utf-8", "replace").splitlines():
        name, colon, value = line.rpartition(": ")
        if colon and value.isascii() and value.isdigit():
            yield name, int(value)


def _counted_as(name: str) -> str:
    """Empty for what is not counted: Envoy's own, and a worker's share of what is counted already."""
    if name in _WHOLE:
        return _WHOLE[name]
    rest, _, last = name.rpartition(".")
    if name.startswith(_OWN):
        return ""
    if name.startswith("cluster."):
        return _CLUSTER.get(last, "")
    if name.startswith("http."):
        return _HTTP.get(last, "")
    return "" if rest.rpartition(".")[2].startswith("worker_") else _LISTENER.get(last, "")
