"""One trace from the command that applies, through the store, to the ACK of a node; and nothing when it is off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.spans import Collector, Span
from examples.demo.envoy import Envoy
from examples.demo.traffic import Upstream
from tests.spine import ServerProcess, a_site, wait_for


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
