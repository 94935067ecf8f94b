"""Metrics: one table, nothing counted while off, Prometheus' names as OpenTelemetry's rules make them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from api.telemetry import metrics


@pytest.fixture
def counting() -> Iterator[None]:
    metrics.start()
    yield
    metrics.stop()


def shown() -> str:
    return metrics.prometheus_text()[0].decode()


def test_off_nothing_is_counted() -> None:
    metrics.add(metrics.PUSHES, type="cluster")
    metrics.observe(metrics.ACK_DURATION, 1.0, type="cluster")
    metrics.measure(metrics.STREAMS, lambda: [(1, {})])

    assert "fairlead" not in shown()


@pytest.mark.usefixtures("counting")
def test_counters_histograms_and_gauges_are_shown_with_attributes_and_units() -> None:
    metrics.add(metrics.PUSHES, 2, type="cluster")
    metrics.add(metrics.PUSHED_BYTES, 512, type="route")
    metrics.observe(metrics.ACK_DURATION, 0.003, type="cluster")
    metrics.measure(metrics.NODES, lambda: [(3, {"group": "edge", "state": "current"})])

    text = shown()
    assert 'fairlead_xds_pushes_total{type="cluster"} 2.0' in text
    assert 'fairlead_xds_pushed_bytes_total{type="route"} 512.0' in text
    assert 'fairlead_xds_ack_duration_seconds_bucket{le="0.005",type="cluster"} 1.0' in text
    assert 'fairlead_nodes{group="edge",state="current"} 3.0' in text


@pytest.mark.usefixtures("counting")
def test_a_gauge_is_asked_when_it_is_shown() -> None:
    streams = 1
    metrics.measure(metrics.STREAMS, lambda: [(streams, {})])
    before = shown()
    streams = 7

    assert "fairlead_xds_streams 1.0" in before
    assert "fairlead_xds_streams 7.0" in shown()


def test_every_instrument_is_declared_once_and_named_by_the_rules() -> None:
    declared = [value for value in vars(metrics).values() if isinstance(value, metrics.Instrument)]

    assert sorted(declared, key=lambda row: row.name) == sorted(metrics.INSTRUMENTS, key=lambda row: row.name)
    assert len({row.name for row in declared}) == len(declared)
    assert all(row.name.startswith("fairlead.") and row.name.islower() and row.help for row in declared)
