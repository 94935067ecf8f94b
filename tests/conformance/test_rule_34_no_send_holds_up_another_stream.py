"""Rule 34: no lock and no other stream's work across a send: a client that does not read delays nobody but itself.

The real server, and clients whose flow-control window is full: what is written to them stays stuck until they read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from tests.clients import DeltaClient, StateClient
from tests.edges import GROUP, EdgeForTests, a_cluster, an_edge, eventually
from tests.memory import malloc_mib
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, GroupName
from xds.transport.limits import Limits
from xds.transport.server import XdsOptions

Kind = type[DeltaClient | StateClient]
BOTH = pytest.mark.parametrize("kind", [DeltaClient, StateClient])
OTHER_GROUP = GroupName("others")
BODY_BYTES = 2_000_000  # more than any window of gRPC's lets through unread
CLIENTS, STUCK = 20, 4
PATIENT = XdsOptions(limits=Limits(write_s=300))  # nobody is let go here for not reading


def content(version: str) -> Resource:
    return a_cluster("big", version + "x" * BODY_BYTES)


async def takes(client: DeltaClient | StateClient, version: str) -> None:
    """It gets this content, whatever it gets before, and acknowledges all of it."""
    body = content(version).body
    while True:
        response = await client.next(30)
        await client.ack(CLUSTER)
        (one,) = response.resources
        if (one.resource.value if isinstance(client, DeltaClient) else one.value) == body:
            return


@asynccontextmanager
async def connected(
    edge: EdgeForTests, kind: Kind, count: int, *, group: str = GROUP, reads: bool = True
) -> AsyncIterator[list[DeltaClient | StateClient]]:
    """So many clients, each on a connection of its own, that have asked for everything."""
    async with AsyncExitStack() as stack:
        clients = [kind(edge.address, f"{group}-{reads}-{number}", group, reads=reads) for number in range(count)]
        for client in clients:
            await stack.enter_async_context(client)
            await client.subscribe(CLUSTER)
        yield clients


async def sent(edge: EdgeForTests, streams: int) -> None:
    """The server has decided what those streams get, so what is not written is on its way."""
    await eventually(lambda: edge.fleet.counts(GROUP).total == streams, "all of them are known")


@BOTH
async def test_one_that_never_reads_delays_no_stream_of_its_group_and_of_no_other(kind: Kind) -> None:
    async with an_edge(PATIENT) as edge:
        edge.serve(content("a"))
        edge.serve(content("a"), group=OTHER_GROUP)
        async with (
            connected(edge, kind, 1, reads=False),
            connected(edge, kind, 1) as (neighbour,),
            connected(edge, kind, 1, group=OTHER_GROUP) as (stranger,),
        ):
            await sent(edge, streams=2)
            for version in "abc":
                edge.serve(content(version))
                edge.serve(content(version), group=OTHER_GROUP)
                await takes(neighbour, version)
                await takes(stranger, version)
            assert edge.observer.closed == [], "and nobody was ended for it"


@BOTH
async def test_a_fifth_of_the_clients_is_stuck_and_all_others_get_the_change(kind: Kind) -> None:
    async with (
        an_edge(PATIENT) as edge,
        connected(edge, kind, STUCK, reads=False) as stuck,
        connected(edge, kind, CLIENTS - STUCK) as others,
    ):
        edge.serve(content("a"))
        await asyncio.gather(*(takes(client, "a") for client in others))
        await sent(edge, streams=CLIENTS)

        edge.serve(content("b"))
        await asyncio.gather(*(takes(client, "b") for client in others))

        for client in stuck:
            client.reads_on()
        await asyncio.gather(*(takes(client, "b") for client in stuck))


@BOTH
async def test_one_that_reads_again_gets_the_newest_state_and_nothing_piled_up_for_it(kind: Kind) -> None:
    async with (
        an_edge(PATIENT) as edge,
        connected(edge, kind, 1, reads=False) as (stuck,),
        connected(edge, kind, 1) as (neighbour,),
    ):
        edge.serve(content("first"))
        await takes(neighbour, "first")
        await sent(edge, streams=2)
        before_mib = malloc_mib()
        for number in range(100):
            edge.serve(content(f"change {number}"))
            await takes(neighbour, f"change {number}")
        assert malloc_mib() - before_mib < 100, "a queue of what it missed would hold 200 MB"

        stuck.reads_on()

        seen = [await _next_body(stuck), await _next_body(stuck)]
        assert seen == [content("first").body, content("change 99").body], "what it was being sent, then the newest"
        assert await stuck.hears_nothing()


async def _next_body(client: DeltaClient | StateClient) -> bytes:
    response = await client.next(30)
    await client.ack(CLUSTER)
    (one,) = response.resources
    return bytes(one.resource.value if isinstance(client, DeltaClient) else one.value)
