"""A stream driven by hand: a context whose reads and writes happen when the test says so."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from grpc import aio

from api.envoy.registry import load_default
from tests.edges import GROUP, Recorder, a_cluster, eventually
from xds.fleet import Fleet
from xds.protocol.requests import Node
from xds.protocol.types import CLUSTER, ENDPOINT, GroupName
from xds.protocol.variant import Variant
from xds.transport.catalogues import Catalogues
from xds.transport.conversation import peer_address
from xds.transport.decoding import RequestDecoder
from xds.transport.identity import AuthContext, by_cluster
from xds.transport.limits import Limits
from xds.transport.streams import Edge, Stream


class HandContext:
    """Stands for a grpc.aio.ServicerContext. Writes wait while `reading` is clear."""

    def __init__(self) -> None:
        self.requests: asyncio.Queue[Any] = asyncio.Queue()
        self.reading = asyncio.Event()
        self.reading.set()
        self.taken = 0
        self.written: list[Any] = []
        self.ended: tuple[grpc.StatusCode, str] | None = None

    async def read(self) -> Any:
        data = await self.requests.get()
        self.taken += 1
        return data

    async def write(self, data: bytes) -> None:
        await self.reading.wait()
        response: Any = load_default().new("envoy.service.discovery.v3.DeltaDiscoveryResponse")
        response.ParseFromString(data)
        self.written.append(response)

    async def abort(self, code: grpc.StatusCode, details: str) -> None:
        self.ended = (code, details)

    def peer(self) -> str:
        return "ipv4:127.0.0.1:4711"

    def auth_context(self) -> AuthContext:
        return {}

    def asks(self, type_url: str = CLUSTER, nonce: str = "", names: tuple[str, ...] = ()) -> None:
        request: Any = load_default().new("envoy.service.discovery.v3.DeltaDiscoveryRequest")
        request.type_url, request.response_nonce = type_url, nonce
        request.node.id, request.node.cluster = "edge-1", GROUP
        request.resource_names_subscribe.extend(names)
        self.requests.put_nowait(request.SerializeToString())


class ByHand:
    """One stream and what is around it."""

    def __init__(self, identify: Any = by_cluster) -> None:
        self.observer = Recorder()
        self.catalogues = Catalogues(1_000_000)
        limits = Limits(write_s=5)
        decoder = RequestDecoder(load_default(), limits)
        self.edge = Edge(decoder, self.catalogues, Fleet(), self.observer, identify, limits)
        self.context = HandContext()
        self.stream = Stream(self.edge, self.context, Variant.DELTA, None)  # type: ignore[arg-type]
        self.running = asyncio.create_task(self.stream.run())

    def serve(self, note: str) -> None:
        revision = self.catalogues.revision(GROUP) + 1
        self.catalogues.load(GROUP, revision, [a_cluster("one", note)])
        self.stream.wake()

    async def end(self) -> None:
        self.context.requests.put_nowait(aio.EOF)  # type: ignore[attr-defined]
        await asyncio.wait_for(self.running, 60)


async def test_nothing_more_is_read_while_an_answer_is_not_taken() -> None:
    by_hand = ByHand()
    context = by_hand.context
    by_hand.serve("first")
    context.reading.clear()
    for number in range(50):
        context.asks(ENDPOINT, names=(f"endpoint-{number}",))
    await eventually(lambda: context.taken == 1, "the first request is taken")
    await asyncio.sleep(0.05)
    assert context.taken <= 2
    context.reading.set()
    await eventually(lambda: len(context.written) == 50, "every request is answered")
    await by_hand.end()


async def test_changes_that_pile_up_behind_a_slow_client_are_one_response() -> None:
    by_hand = ByHand()
    context = by_hand.context
    by_hand.serve("first")
    context.asks()
    await eventually(lambda: context.written, "the first state is written")
    context.reading.clear()
    for number in range(100):
        by_hand.serve(str(number))
        await asyncio.sleep(0)
    context.reading.set()
    context.asks(nonce=context.written[0].nonce)
    await eventually(lambda: len(context.written) == 2, "the newest state is written")
    assert context.written[1].resources[0].version == a_cluster("one", "99").version
    await by_hand.end()


async def test_defect_ends_its_stream_with_words_and_is_told() -> None:
    def defective(node: Node, auth_context: AuthContext) -> GroupName:
        raise RuntimeError("a defect")

    by_hand = ByHand(defective)
    by_hand.context.asks()
    await asyncio.wait_for(by_hand.running, 60)
    assert by_hand.context.ended is not None
    assert by_hand.context.ended[0] is grpc.StatusCode.INTERNAL
    assert "a defect" not in by_hand.context.ended[1]
    (failure,) = by_hand.observer.failures
    assert isinstance(failure, ExceptionGroup)


async def test_cancellation_is_passed_on_and_nothing_of_the_stream_stays() -> None:
    by_hand = ByHand()
    by_hand.serve("first")
    by_hand.context.asks()
    await eventually(lambda: by_hand.context.written, "the stream is served")
    by_hand.running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await by_hand.running
    assert by_hand.catalogues.streams(GROUP) == 0
    assert by_hand.edge.fleet.counts(GROUP).offline == 1


@pytest.mark.parametrize(
    ("peer", "address"),
    [("ipv4:127.0.0.1:4711", "127.0.0.1:4711"), ("ipv6:%5B::1%5D:4711", "[::1]:4711"), ("unix:/x", "/x")],
)
def test_addresses_of_peers_as_people_write_them(peer: str, address: str) -> None:
    assert peer_address(peer) == address
