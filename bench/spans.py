"""A receiver of traces: what a server exports to it, span by span, with the times."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as collector
from opentelemetry.proto.trace.v1 import trace_pb2 as trace

_EXPORT = "opentelemetry.proto.collector.trace.v1.TraceService"


@dataclass(frozen=True, slots=True)
class Span:
    """`started_s` and `ended_s` are Unix times."""

    service: str
    name: str
    trace: str
    started_s: float
    ended_s: float


class Collector:
    """A real OTLP receiver on a free loopback port. It runs until `stop`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._spans: list[Span] = []
        self._server = grpc.server(ThreadPoolExecutor(2))
        export = grpc.unary_unary_rpc_method_handler(
            self._export,
            request_deserializer=collector.ExportTraceServiceRequest.FromString,
            response_serializer=collector.ExportTraceServiceResponse.SerializeToString,
        )
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_EXPORT, {"Export": export}),))
        self.endpoint = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def spans(self) -> list[Span]:
        """What has come so far."""
        with self._lock:
            return list(self._spans)

    def stop(self) -> None:
        self._server.stop(0).wait(5)

    def _export(
        self, request: collector.ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> collector.ExportTraceServiceResponse:
        with self._lock:
            for group in request.resource_spans:
                names = {fact.key: fact.value.string_value for fact in group.resource.attributes}
                for scope in group.scope_spans:
                    self._spans += [_span(names["service.name"], span) for span in scope.spans]
        return collector.ExportTraceServiceResponse()


def _span(service: str, span: trace.Span) -> Span:
    times_s = (span.start_time_unix_nano / 1e9, span.end_time_unix_nano / 1e9)
    return Span(service, span.name, span.trace_id.hex(), *times_s)
