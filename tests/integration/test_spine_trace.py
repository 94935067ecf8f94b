"""One trace from the command that applies, through the store, to the ACK of a node; and nothing when it is off."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as collector

from examples.demo.envoy import Envoy
from examples.demo.traffic import Upstream
from tests.spine import ServerProcess, a_site, wait_for

EXPORT = "opentelemetry.proto.collector.trace.v1.TraceService"


@dataclass(frozen=True)
class Span:
    service: str
    name: str
    trace: str


class Collector:
    """A real OTLP receiver on a free port: what was exported to it, span by span."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._spans: list[Span] = []
        self._server = grpc.server(ThreadPoolExecutor(2))
        export = grpc.unary_unary_rpc_method_handler(
            self._export,
            request_deserializer=collector.ExportTraceServiceRequest.FromString,
            response_serializer=collector.ExportTraceServiceResponse.SerializeToString,
        )
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(EXPORT, {"Export": export}),))
        self.endpoint = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def _export(
        self, request: collector.ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> collector.ExportTraceServiceResponse:
        with self._lock:
            for group in request.resource_spans:
                names = {fact.key: fact.value.string_value for fact in group.resource.attributes}
                for scope in group.scope_spans:
                    self._spans += [Span(names["service.name"], span.name, span.trace_id.hex()) for span in scope.spans]
        return collector.ExportTraceServiceResponse()

    def spans(self) -> list[Span]:
        with self._lock:
            return list(self._spans)

    def stop(self) -> None:
        self._server.stop(0).wait(5)


@pytest.fixture
def receiver() -> Iterator[Collector]:
    running = Collector()
    yield running
    running.stop()


@pytest.mark.envoy
def test_one_trace_runs_from_the_command_to_the_ack_of_the_node(
    tmp_path: Path, receiver: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")  # milliseconds between exports of the server
    server = ServerProcess(tmp_path / "server", "--memory", "--otlp-endpoint", receiver.endpoint).start()
    site = a_site(tmp_path / "site")
    try:
        with Upstream("blue") as blue, Upstream("green") as green:
            assert server.run("apply", str(site.points_at(blue).directory)).code == 0
            envoy = Envoy.start(tmp_path / "envoy", server.xds, node="edge-1", group="edge")
            try:
                envoy.wait_until(lambda: site.listens, "the listener")
                before = {span.trace for span in receiver.spans()}
                assert server.run("apply", str(site.points_at(green).directory), "--yes", "--wait").code == 0
                wait_for(lambda: _whole(receiver.spans(), before), "a whole trace")
            finally:
                envoy.stop()
    finally:
        server.stop()


def _whole(spans: list[Span], before: set[str]) -> bool:
    """Whether the newest apply's trace reaches from the command to the node."""
    for trace in {span.trace for span in spans if span.name == "fairlead apply"} - before:
        parts = {(span.service, span.name) for span in spans if span.trace == trace}
        if parts >= {
            ("fairlead-cli", "fairlead apply"),
            ("fairlead", "compile"),
            ("fairlead", "store.publish"),
            ("fairlead", "serve revision"),
            ("fairlead", "push to node"),
        }:
            return True
    return False
