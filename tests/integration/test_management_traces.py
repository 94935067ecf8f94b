"""One trace runs from the author's command through the store to the answer of each node."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.management.client import ManagementClient
from api.telemetry import tracing
from tests.whole_servers import a_cluster_document, a_workspace, until, whole_server
from xds.protocol.types import CLUSTER

FIRST = (a_workspace(), a_cluster_document("web"))
SECOND = (a_workspace(), a_cluster_document("web", "2s"))
NOT_SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    tracing.start("tests", exporter=exporter)
    yield exporter
    tracing.stop()


def pushes(exporter: InMemorySpanExporter, revision: int) -> list[ReadableSpan]:
    return [
        span
        for span in exporter.get_finished_spans()
        if span.name == "push to node" and (span.attributes or {})["fairlead.revision"] == revision
    ]


async def test_a_trace_is_whole_from_the_command_to_each_nodes_answer(spans: InMemorySpanExporter) -> None:
    async with whole_server() as server, server.an_edge("one") as one, server.an_edge("two") as two:
        await server.client.publish(FIRST)
        for edge in (one, two):
            await edge.subscribe(CLUSTER, ["*"])
            await edge.next()
            await edge.ack(CLUSTER)
        await until(lambda: server.parts.xds.fleet.counts("edge").current == 2, "both nodes")
        spans.clear()

        published = await server.client.publish(SECOND)
        for edge in (one, two):
            await edge.next()
        await one.ack(CLUSTER)
        await two.nack(CLUSTER, "no")
        await until(lambda: len(pushes(spans, published.revision.number)) == 2, "the spans of both nodes")

    finished = spans.get_finished_spans()
    (command,) = [span for span in finished if span.name == "fairlead apply"]
    assert command.context is not None
    ours = [span for span in finished if span.context and span.context.trace_id == command.context.trace_id]
    assert {span.name for span in ours} == {
        "fairlead apply",
        "Publish",
        "compile",
        "store.publish",
        "serve revision",
        "push to node",
    }
    known = {span.context.span_id for span in ours if span.context}
    assert all(span.parent is None or span.parent.span_id in known for span in ours), "a span hangs in the air"
    assert command.parent is None
    answers = [span.attributes or {} for span in ours if span.name == "push to node"]
    outcomes = {answer["fairlead.node"]: answer["fairlead.outcome"] for answer in answers}
    assert outcomes == {"one": "acked", "two": "rejected"}


async def test_a_command_that_is_not_sampled_makes_no_spans_of_nodes(spans: InMemorySpanExporter) -> None:
    async with whole_server() as server, server.an_edge() as edge:
        async with ManagementClient(server.client.address, traceparent=NOT_SAMPLED) as client:
            await client.publish(FIRST)
        await edge.subscribe(CLUSTER, ["*"])
        await edge.next()
        await edge.ack(CLUSTER)
        await until(lambda: server.parts.xds.fleet.counts("edge").current == 1, "the node")

        assert not pushes(spans, 1)
        revision = await server.store.head(server.parts.xds.fleet.groups()[0])
        assert revision is not None
        assert tracing.trace_id(revision.traceparent) == tracing.trace_id(NOT_SAMPLED)


async def test_a_revision_keeps_the_authors_trace_even_where_the_server_does_not_trace() -> None:
    traceparent = NOT_SAMPLED[:-1] + "1"
    async with whole_server() as server, ManagementClient(server.client.address, traceparent=traceparent) as client:
        await client.publish(FIRST)
        await until(lambda: bool(server.parts.follower.heads), "the revision")

        (head,) = server.parts.follower.heads.values()
        assert head.traceparent == traceparent
