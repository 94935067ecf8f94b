"""Clients that misbehave: each gets the right status, and a well-behaved client beside it notices nothing."""

from __future__ import annotations

import asyncio
import gc
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import grpc
import pytest

from tests.clients import DeltaClient, StateClient, XdsClient, names
from tests.edges import EdgeForTests, a_cluster, an_edge, eventually
from xds.protocol.types import CLUSTER, ENDPOINT, GroupName
from xds.server.limits import Limits
from xds.server.server import XdsOptions

VARIANTS = pytest.mark.parametrize("kind", [DeltaClient, StateClient])
LOUD = GroupName("loud")
QUICK = XdsOptions(limits=Limits(first_request_s=0.3, write_s=0.5))


@asynccontextmanager
async def a_good_neighbour(options: XdsOptions | None = None) -> AsyncIterator[EdgeForTests]:
    """An edge with a well-behaved client, which must still be served, and still be the same stream, at the end."""
    async with an_edge(options) as edge, DeltaClient(edge.address, "neighbour") as neighbour:
        edge.serve(a_cluster("one"))
        await neighbour.subscribe(CLUSTER)
        assert names(await neighbour.next()) == ["one"]
        await neighbour.ack(CLUSTER)
        yield edge
        edge.serve(a_cluster("one", "still there"))
        assert names(await neighbour.next()) == ["one"]


async def read_to_the_end(client: XdsClient) -> None:
    while True:
        await asyncio.wait_for(client.call.read(), 5)


async def ends_with(client: XdsClient, status: str, *words: str) -> None:
    code, message = await client.status()
    assert code.name == status, message
    for word in words:
        assert word in message


@VARIANTS
async def test_rubbish_bytes(kind: type[XdsClient]) -> None:
    async with a_good_neighbour() as edge, kind(edge.address) as client:
        await client.send_bytes(b"\xff\x00rubbish")
        await ends_with(client, "INVALID_ARGUMENT", "not a envoy.service.discovery.v3")
        assert edge.observer.refusals


@VARIANTS
async def test_rubbish_bytes_in_the_middle_of_a_stream(kind: type[DeltaClient | StateClient]) -> None:
    async with a_good_neighbour() as edge, kind(edge.address) as client:
        await client.subscribe(CLUSTER)
        await client.next()
        await client.send_bytes(b"\xff\x00rubbish")
        await ends_with(client, "INVALID_ARGUMENT")


@VARIANTS
async def test_no_node(kind: type[DeltaClient | StateClient]) -> None:
    async with a_good_neighbour() as edge, kind(edge.address, node="") as client:
        await client.subscribe(CLUSTER)
        await ends_with(client, "INVALID_ARGUMENT", "node")


@VARIANTS
async def test_another_node_later(kind: type[DeltaClient | StateClient]) -> None:
    async with a_good_neighbour() as edge, kind(edge.address) as client:
        await client.subscribe(CLUSTER)
        await client.next()
        client._named, client.node = False, "somebody-else"
        await client.ack(CLUSTER)
        await ends_with(client, "INVALID_ARGUMENT", "somebody-else")


@VARIANTS
async def test_unknown_type_url_is_no_reason_to_end_the_stream(kind: type[DeltaClient | StateClient]) -> None:
    async with a_good_neighbour() as edge, kind(edge.address) as client:
        await client.subscribe("type.googleapis.com/no.such.Thing")
        await client.subscribe(CLUSTER)
        response = await client.next()
        while response.type_url != CLUSTER:
            response = await client.next()
        assert len(response.resources) == 1


@VARIANTS
async def test_what_is_no_type_url_at_all(kind: type[DeltaClient | StateClient]) -> None:
    async with a_good_neighbour() as edge, kind(edge.address) as client:
        await client.subscribe("clusters, please")
        await ends_with(client, "INVALID_ARGUMENT", "type URL")


async def test_nonce_that_never_was_is_ignored() -> None:
    async with a_good_neighbour() as edge, DeltaClient(edge.address) as client:
        await client.subscribe(CLUSTER)
        await client.next()
        await client.send(CLUSTER, response_nonce="never was")
        assert await client.hears_nothing()
        await client.ack(CLUSTER)
        await eventually(lambda: edge.fleet.counts("default").current == 2, "the honest ACK counts")


@VARIANTS
async def test_100_000_names(kind: type[DeltaClient | StateClient]) -> None:
    async with a_good_neighbour() as edge, kind(edge.address) as client:
        await client.subscribe(ENDPOINT, [f"name-{number}" for number in range(100_000)])
        await ends_with(client, "RESOURCE_EXHAUSTED", "100000 names", "50000")


@VARIANTS
async def test_names_that_add_up(kind: type[DeltaClient | StateClient]) -> None:
    options = XdsOptions(limits=Limits(names=1_000))
    async with a_good_neighbour(options) as edge, kind(edge.address) as client:
        await client.subscribe(ENDPOINT, [f"endpoint-{number}" for number in range(600)])
        await client.subscribe(CLUSTER, [f"cluster-{number}" for number in range(600)])
        await ends_with(client, "RESOURCE_EXHAUSTED", "1200 names")


async def test_types_that_never_end() -> None:
    async with a_good_neighbour() as edge, DeltaClient(edge.address) as client:
        for number in range(65):
            await client.subscribe(f"type.googleapis.com/no.such.Thing{number}", ["one"])
        await ends_with(client, "RESOURCE_EXHAUSTED", "types")


@VARIANTS
async def test_request_of_10_mb(kind: type[XdsClient]) -> None:
    async with a_good_neighbour() as edge, kind(edge.address) as client:
        await client.send_bytes(bytes(10_000_000))
        await ends_with(client, "RESOURCE_EXHAUSTED", "larger than max")


async def test_node_metadata_that_is_too_large() -> None:
    async with a_good_neighbour() as edge, DeltaClient(edge.address) as client:
        request = client.request(CLUSTER)
        request.node.metadata["filler"] = "x" * 200_000
        await client.send_bytes(request.SerializeToString())
        await ends_with(client, "INVALID_ARGUMENT", "metadata")


async def test_node_metadata_without_a_json_form() -> None:
    async with a_good_neighbour() as edge, DeltaClient(edge.address) as client:
        request = client.request(CLUSTER)
        request.node.metadata["not a number"] = float("nan")
        await client.send_bytes(request.SerializeToString())
        await ends_with(client, "INVALID_ARGUMENT", "metadata")


async def test_stream_that_never_says_a_word() -> None:
    async with a_good_neighbour(QUICK) as edge, DeltaClient(edge.address) as client:
        await ends_with(client, "DEADLINE_EXCEEDED", "no request")


async def test_client_that_never_reads_is_let_go_and_told_why() -> None:
    async with a_good_neighbour(QUICK) as edge:
        edge.serve(*(a_cluster(f"big-{n}", "x" * 100_000) for n in range(200)), group=LOUD)
        async with DeltaClient(edge.address, "deaf", cluster=LOUD, reads=False) as client:
            await client.subscribe(CLUSTER)
            await eventually(lambda: any(edge.observer.closed), "the stream is closed", 5)
            status = edge.fleet.node("deaf")
            assert status is not None
            assert status.state == "offline"
            await eventually(lambda: edge.server.streams == 1, "the stream is gone", 5)
            with pytest.raises(grpc.aio.AioRpcError, match="did not read"):
                await read_to_the_end(client)


async def test_requests_without_end_that_are_never_read_do_not_pile_up() -> None:
    """Every subscription is answered; a client that asks on and on and reads nothing is not read from either."""
    async with a_good_neighbour(XdsOptions(limits=Limits(write_s=1.0))) as edge:
        edge.serve(a_cluster("big", "x" * 1_000_000), group=LOUD)
        gc.collect()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        async with DeltaClient(edge.address, "deaf", cluster=LOUD, reads=False) as client:
            for _ in range(2_000):
                if any(edge.observer.closed) or client.call.done():
                    break
                with suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(client.subscribe(CLUSTER, ["big"])), 0.1)
            await eventually(lambda: any(edge.observer.closed), "the stream is closed")
        grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown_kib < 100 * 1024


async def test_more_streams_than_allowed_are_refused() -> None:
    async with a_good_neighbour(XdsOptions(limits=Limits(streams=2))) as edge, DeltaClient(edge.address) as second:
        await second.subscribe(CLUSTER)
        await second.next()
        async with DeltaClient(edge.address, "third") as third:
            await ends_with(third, "RESOURCE_EXHAUSTED", "2 streams")
