"""Traces: one runs from the author's command through the store to the ACK of each node.

OpenTelemetry's SDK is imported only when `start` is called; until then every function here is one comparison. What
crosses processes, and what a revision's record keeps, is the W3C `traceparent` as a string.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

ENDPOINT_VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT"
_SAMPLED = 0x01
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})")
_FLUSH_TIMEOUT_MS = 2000

Facts = Mapping[str, str | int | float | bool]


class _Active:
    """The one provider of this process, or none. OpenTelemetry's own global cannot be taken down again."""

    provider: TracerProvider | None = None
    tracer: Tracer | None = None


# A trace that somebody else records and this process only passes on.
_carried: ContextVar[str] = ContextVar("carried", default="")


def start(service_name: str, *, endpoint: str = "", exporter: SpanExporter | None = None) -> None:
    """Begin to trace: to the OTLP/gRPC `endpoint` (http:// is plaintext, https:// is TLS), or to an exporter given.

    Does nothing when there is neither, or when tracing is on already.
    """
    if _Active.provider is not None or not (endpoint or exporter):
        return
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": service_name}))
    if exporter is not None:
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    else:
        provider.add_span_processor(BatchSpanProcessor(_otlp_exporter(endpoint)))
    _Active.provider, _Active.tracer = provider, provider.get_tracer("fairlead")


def start_from_environment(service_name: str) -> bool:
    """For commands: trace when OTEL_EXPORTER_OTLP_ENDPOINT is set. True if this call began it: then `stop` is owed."""
    endpoint = os.environ.get(ENDPOINT_VARIABLE, "")
    if not endpoint or is_on():
        return False
    start(service_name, endpoint=endpoint)
    return True


def _otlp_exporter(endpoint: str) -> SpanExporter:
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=endpoint, insecure=not endpoint.startswith("https://"))


def stop() -> None:
    """Send what is left, for two seconds at most, and go back to costing nothing. Idempotent."""
    provider = _Active.provider
    _Active.provider = _Active.tracer = None
    if provider is not None:
        provider.force_flush(_FLUSH_TIMEOUT_MS)
        provider.shutdown()


def is_on() -> bool:
    return _Active.tracer is not None


def span(name: str, *, parent: str = "", attributes: Facts | None = None) -> AbstractContextManager[None]:
    """A span around a block: a child of `parent` (a traceparent), else of the current span, else a new trace.

    While tracing is off nothing is recorded, but a parent is passed on: `current_traceparent` gives it within.
    """
    if _Active.tracer is None:
        return _carrying(parent) if _TRACEPARENT.fullmatch(parent) else nullcontext()
    return _span(_Active.tracer, name, parent, attributes)


@contextmanager
def _carrying(parent: str) -> Iterator[None]:
    token = _carried.set(parent)
    try:
        yield
    finally:
        _carried.reset(token)


@contextmanager
def _span(tracer: Tracer, name: str, parent: str, attributes: Facts | None) -> Iterator[None]:
    with tracer.start_as_current_span(name, context=_context(parent), attributes=attributes):
        yield


def record(name: str, *, parent: str, started_s: float, ended_s: float, attributes: Facts | None = None) -> None:
    """A span that is over already, as a child of `parent`; times are Unix seconds."""
    if _Active.tracer is None:
        return
    over = _Active.tracer.start_span(
        name, context=_context(parent), attributes=attributes, start_time=int(started_s * 1e9)
    )
    over.end(int(ended_s * 1e9))


def current_traceparent() -> str:
    """The current span, or the trace that is passed on, as a W3C traceparent; empty when there is none."""
    if _Active.tracer is None:
        return _carried.get()
    from opentelemetry.trace import get_current_span

    context = get_current_span().get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def trace_id(traceparent: str) -> str:
    """The trace id within a traceparent; empty for anything that is not one."""
    found = _TRACEPARENT.fullmatch(traceparent)
    return found[1] if found else ""


def is_sampled(traceparent: str) -> bool:
    """Whether the author's side asked for this trace to be recorded."""
    found = _TRACEPARENT.fullmatch(traceparent)
    return bool(found and int(found[2], 16) & _SAMPLED)


def _context(parent: str) -> Context | None:
    if not parent:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": parent})
