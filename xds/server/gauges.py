"""Gauges of one server: read from its parts when metrics are collected, and free in between."""

from __future__ import annotations

from collections.abc import Iterable

from api.telemetry import metrics
from api.telemetry.metrics import Measured
from xds.fleet import Fleet
from xds.server.follow import Follower
from xds.server.readiness import Readiness
from xds.transport.server import XdsServer

_STATES = ("current", "behind", "rejected", "unassigned", "offline")


def declare_gauges(xds: XdsServer, fleet: Fleet, follower: Follower, readiness: Readiness) -> None:
    """Does nothing while metrics are off."""

    def nodes() -> Iterable[Measured]:
        for group in fleet.groups():
            counts = fleet.counts(group)
            for state in _STATES:
                yield getattr(counts, state), {"group": group, "state": state}

    def revisions() -> Iterable[Measured]:
        for group, head in follower.heads.items():
            yield head.number, {"group": group}

    metrics.measure(metrics.NODES, nodes)
    metrics.measure(metrics.REVISION, revisions)
    metrics.measure(metrics.STREAMS, lambda: [(xds.streams, {})])
    metrics.measure(metrics.STORE_REACHABLE, lambda: [(0 if follower.store_lost else 1, {})])
    metrics.measure(metrics.READY, lambda: [(0 if readiness.not_ready() else 1, {})])
