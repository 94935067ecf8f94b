"""Clients that misbehave: each gets the right status, and a well-behaved client beside it notices nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import permutations

import grpc
import pytest

from tests.clients import DeltaClient, StateClient, XdsClient, names
from tests.edges import GROUP, EdgeForTests, a_cluster, an_assignment, an_edge, eventually
from tests.memory import held, malloc_mib
from xds.fleet import NodeState
from xds.protocol.types import CLUSTER, ENDPOINT, GroupName
from xds.transport.limits import Limits
from xds.transport.server import XdsOptions

VARIANTS = pytest.mark.parametrize("kind", [DeltaClient, StateClient])
LOUD, OTHER = GroupName("loud"), GroupName("other")
QUICK = XdsOptions(limits=Limits(first_request_s=2.0, write_s=2.0))


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
        await asyncio.wait_for(client.call.read(), 30)


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


@pytest.mark.parametrize(("kind", "method"), [(StateClient, DeltaClient.method), (DeltaClient, StateClient.method)])
@pytest.mark.parametrize("later", [False, True], ids=["first", "later"])
async def test_a_request_of_the_other_variant(kind: type[XdsClient], method: str, later: bool) -> None:
    """Much of it could be read as the wrong fields: the answer must not speak of those."""
    speaks = DeltaClient if kind is StateClient else StateClient
    async with a_good_neighbour() as edge, speaks(edge.address, method=method) as client:
        if later:
            await client.subscribe(CLUSTER)
            await client.next()
            await client.ack(CLUSTER)
        other = kind("", client.node, client.cluster, channel=client.channel)
        other._named = later
        async with other:
            names_field = "resource_names" if kind is StateClient else "resource_names_subscribe"
            await client.send_bytes(other.request(CLUSTER, **{names_field: ("one",)}).SerializeToString())
        await ends_with(client, "INVALID_ARGUMENT", f"this is a {kind.request_name} and", "a stream speaks one of them")


@VARIANTS
async def test_a_rejection_without_a_nonce_rejects_nothing(kind: type[DeltaClient | StateClient]) -> None:
    async with a_good_neighbour() as edge, kind(edge.address) as client:
        await client.subscribe(CLUSTER)
        await client.next()
        await client.send(CLUSTER, error_detail="of what?")
        assert await client.hears_nothing(0.2)
        assert edge.fleet.rejections(GROUP) == ()
        await client.nack(CLUSTER, "of this")
        await eventually(lambda: edge.fleet.rejections(GROUP), "the one with a nonce counts")


@VARIANTS
async def test_an_answer_to_another_types_response_settles_neither(kind: type[DeltaClient | StateClient]) -> None:
    async with a_good_neighbour() as edge, kind(edge.address) as client:
        edge.serve(a_cluster("one"), an_assignment("one"))
        await client.subscribe(CLUSTER)
        await client.next()
        await client.subscribe(ENDPOINT, ["one"])
        await client.next()
        right = dict(client.nonces)
        client.nonces |= {CLUSTER: right[ENDPOINT], ENDPOINT: right[CLUSTER]}
        for type_url in (CLUSTER, ENDPOINT):
            await client.ack(type_url)
        assert await client.hears_nothing(0.2)
        assert state_of(edge, "edge-1") is NodeState.BEHIND
        client.nonces |= right
        for type_url in (CLUSTER, ENDPOINT):
            await client.ack(type_url)
        await eventually(lambda: state_of(edge, "edge-1") is NodeState.CURRENT, "its own nonces count")


def state_of(edge: EdgeForTests, node: str) -> NodeState | None:
    status = edge.fleet.node(node)
    return status.state if status is not None else None


async def test_dropping_what_was_never_subscribed_to() -> None:
    async with a_good_neighbour() as edge, DeltaClient(edge.address) as client:
        await client.unsubscribe(ENDPOINT, ["nothing of this type was"])
        await client.subscribe(CLUSTER, ["one"])
        await client.next()
        await client.ack(CLUSTER)
        await client.unsubscribe(CLUSTER, ["never", "*"])
        assert await client.hears_nothing(0.2)
        edge.serve(a_cluster("one", "changed"))
        assert names(await client.next()) == ["one"]


ORDERS = tuple(permutations(("+*", "+one", "-*", "-one")))


async def test_everything_and_a_name_come_and_go_in_any_order() -> None:
    async with a_good_neighbour() as edge, AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(DeltaClient(edge.address, " ".join(order), "other")) for order in ORDERS
        ]
        edge.serve(*(a_cluster(name) for name in ("one", "two", "marker")), group=OTHER)
        for client, order in zip(clients, ORDERS, strict=True):
            await client.subscribe(CLUSTER, ["marker"])
            for step in order:
                await (client.subscribe if step[0] == "+" else client.unsubscribe)(CLUSTER, [step[1:]])
        for client, order in zip(clients, ORDERS, strict=True):
            await eventually(lambda client=client, order=order: knows(edge, client, order), f"{order} is known")  # type: ignore[misc]
        edge.serve(*(a_cluster(name, "changed") for name in ("one", "two", "marker")), group=OTHER)
        for client, order in zip(clients, ORDERS, strict=True):
            wanted = {"one", "two"} if left(order, "*") else {"one"} if left(order, "one") else set()
            assert await changed(client) == {"marker", *wanted}, order


def left(order: tuple[str, ...], name: str) -> bool:
    """Whether it is subscribed to after all these steps."""
    return order.index(f"+{name}") > order.index(f"-{name}")


def knows(edge: EdgeForTests, client: DeltaClient, order: tuple[str, ...]) -> bool:
    node = edge.fleet.node(client.node)
    wanted = [(status.wildcard, status.names) for status in node.types] if node is not None else []
    return wanted == [(left(order, "*"), 2 if left(order, "one") else 1)]


async def changed(client: DeltaClient) -> set[str]:
    """Acknowledges all that comes until the marker has changed; the names that did."""
    found: set[str] = set()
    while "marker" not in found:
        response = await client.next()
        await client.ack(CLUSTER)
        changed = {a_cluster(name, "changed").version: name for name in ("one", "two", "marker")}
        found |= {one.name for one in response.resources if changed.get(one.version) == one.name}
    return found


@VARIANTS
async def test_a_client_that_asks_and_closes_its_half_at_once_is_still_answered(
    kind: type[DeltaClient | StateClient],
) -> None:
    async with a_good_neighbour() as edge, kind(edge.address) as client:
        await client.subscribe(CLUSTER)
        await client.call.done_writing()
        assert len((await client.next()).resources) == 1
        assert (await client.status())[0].name == "OK"


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


@VARIANTS
async def test_100_000_names_again_and_again_leave_nothing_behind(kind: type[DeltaClient | StateClient]) -> None:
    async with a_good_neighbour() as edge:
        blocks = []
        for number in range(6):
            async with kind(edge.address, "greedy") as client:
                await client.subscribe(ENDPOINT, [f"{number}-{'long' * 10}-{name}" for name in range(100_000)])
                await ends_with(client, "RESOURCE_EXHAUSTED", "100000 names", "50000")
            blocks.append(held().blocks)
        assert blocks[-1] - blocks[1] < 100_000, "what they asked for since would be 400,000"


async def test_names_that_come_and_go_on_one_stream_leave_nothing_behind() -> None:
    """Within the limit, and others each time."""
    async with a_good_neighbour() as edge, DeltaClient(edge.address, "greedy") as client:
        blocks = []
        for number in range(8):
            asked = [f"{number}-{'long' * 50}-{name}" for name in range(10_000)]
            await client.subscribe(ENDPOINT, asked)
            told = 0
            while told < len(asked):
                told += len((await client.next(30)).removed_resources)
                await client.ack(ENDPOINT)
            await client.unsubscribe(ENDPOINT, asked)
            blocks.append(held().blocks)
        assert blocks[-1] - blocks[1] < 30_000, "what it asked for since would be 60,000"


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


async def test_connection_without_a_stream_is_ended_and_one_with_a_stream_is_not() -> None:
    """gRPC keeps what it read into of every open connection: megabytes, where requests were large."""
    async with (
        a_good_neighbour(XdsOptions(limits=Limits(connection_idle_s=0.5))) as edge,
        grpc.aio.insecure_channel(edge.address, [("grpc.use_local_subchannel_pool", 1)]) as channel,
    ):
        async with DeltaClient(edge.address, channel=channel) as client:
            await client.subscribe(CLUSTER)
            await client.next()
        await eventually(lambda: channel.get_state() is grpc.ChannelConnectivity.IDLE, "the connection is ended")


async def test_stream_that_never_says_a_word() -> None:
    async with a_good_neighbour(QUICK) as edge, DeltaClient(edge.address) as client:
        await ends_with(client, "DEADLINE_EXCEEDED", "no request")


async def test_client_that_never_reads_is_let_go_and_told_why() -> None:
    async with a_good_neighbour(QUICK) as edge:
        edge.serve(*(a_cluster(f"big-{n}", "x" * 100_000) for n in range(200)), group=LOUD)
        async with DeltaClient(edge.address, "deaf", cluster=LOUD, reads=False) as client:
            await client.subscribe(CLUSTER)
            await eventually(lambda: any(edge.observer.closed), "the stream is closed")
            status = edge.fleet.node("deaf")
            assert status is not None
            assert status.state == "offline"
            await eventually(lambda: edge.server.streams == 1, "the stream is gone")
            with pytest.raises(grpc.aio.AioRpcError, match="did not read"):
                await read_to_the_end(client)


async def test_requests_without_end_that_are_never_read_do_not_pile_up() -> None:
    """Every subscription is answered; a client that asks on and on and reads nothing is not read from either."""
    async with a_good_neighbour(XdsOptions(limits=Limits(write_s=3.0))) as edge:
        edge.serve(a_cluster("big", "x" * 1_000_000), group=LOUD)
        most_mib = before_mib = malloc_mib()
        async with DeltaClient(edge.address, "deaf", cluster=LOUD, reads=False) as client:
            for _ in range(2_000):
                if any(edge.observer.closed) or client.call.done():
                    break
                with suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(client.subscribe(CLUSTER, ["big"])), 0.1)
                most_mib = max(most_mib, malloc_mib())
            await eventually(lambda: any(edge.observer.closed), "the stream is closed")
        assert most_mib - before_mib < 100


async def test_more_streams_than_allowed_are_refused() -> None:
    async with a_good_neighbour(XdsOptions(limits=Limits(streams=2))) as edge, DeltaClient(edge.address) as second:
        await second.subscribe(CLUSTER)
        await second.next()
        async with DeltaClient(edge.address, "third") as third:
            await ends_with(third, "RESOURCE_EXHAUSTED", "2 streams")
