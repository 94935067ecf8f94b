"""Tracing: off costs nothing and imports nothing; on, spans hang together by traceparent."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.telemetry import tracing

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    tracing.start("tests", exporter=exporter)
    yield exporter
    tracing.stop()


def named(exporter: InMemorySpanExporter, name: str) -> ReadableSpan:
    (span,) = [span for span in exporter.get_finished_spans() if span.name == name]
    return span


def test_off_imports_no_sdk_and_gives_no_traceparent() -> None:
    script = (
        "import sys; from api.telemetry import tracing\n"
        "with tracing.span('x'): assert tracing.current_traceparent() == ''\n"
        "tracing.record('y', parent='', started_s=0, ended_s=1); tracing.start('x'); tracing.stop()\n"
        "assert not tracing.is_on()\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')], sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_off_a_parent_is_passed_on_unless_it_is_rubbish() -> None:
    with tracing.span("call", parent=PARENT), tracing.span("inner"):
        assert tracing.current_traceparent() == PARENT
    with tracing.span("call", parent="rubbish" * 1000):
        assert tracing.current_traceparent() == ""
    assert tracing.current_traceparent() == ""


def test_without_an_endpoint_tracing_stays_off() -> None:
    tracing.start("tests", endpoint="")

    assert not tracing.is_on()


def test_a_span_continues_the_trace_of_its_parent(exporter: InMemorySpanExporter) -> None:
    with tracing.span("outer", parent=PARENT):
        inside = tracing.current_traceparent()
        with tracing.span("inner"):
            pass

    outer, inner = named(exporter, "outer"), named(exporter, "inner")
    assert tracing.trace_id(inside) == tracing.trace_id(PARENT)
    assert outer.parent is not None
    assert f"{outer.parent.span_id:016x}" == "b7ad6b7169203331"
    assert inner.parent is not None
    assert outer.context is not None
    assert inner.parent.span_id == outer.context.span_id


def test_what_is_over_is_recorded_with_its_times(exporter: InMemorySpanExporter) -> None:
    tracing.record("push", parent=PARENT, started_s=100.5, ended_s=101.0, attributes={"fairlead.node": "edge-1"})

    span = named(exporter, "push")
    assert (span.start_time, span.end_time) == (100_500_000_000, 101_000_000_000)
    assert span.attributes == {"fairlead.node": "edge-1"}
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == tracing.trace_id(PARENT)


def test_stopping_ends_it_and_it_can_begin_again(exporter: InMemorySpanExporter) -> None:
    tracing.stop()
    with tracing.span("nobody sees this"):
        assert not tracing.is_on()
    again = InMemorySpanExporter()
    tracing.start("tests", exporter=again)
    with tracing.span("seen"):
        pass

    assert exporter.get_finished_spans() == ()
    assert named(again, "seen")


@pytest.mark.parametrize(
    ("traceparent", "trace_id", "sampled"),
    [
        (PARENT, "0af7651916cd43dd8448eb211c80319c", True),
        (PARENT[:-1] + "0", "0af7651916cd43dd8448eb211c80319c", False),
        ("", "", False),
        ("rubbish", "", False),
        ("00-abc-def-01", "", False),
        (PARENT + "\n", "", False),
    ],
)
def test_a_traceparent_is_read_without_trusting_it(traceparent: str, trace_id: str, sampled: bool) -> None:
    assert tracing.trace_id(traceparent) == trace_id
    assert tracing.is_sampled(traceparent) is sampled
