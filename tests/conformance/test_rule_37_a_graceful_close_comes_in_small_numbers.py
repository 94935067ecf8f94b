"""Rule 37: a graceful close sends clients elsewhere in small numbers: connection age is capped and jittered.

The real server, as a process where signals matter. Whoever comes back, here or to another server on the same store,
is resent nothing.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from snapshots.store.memory import MemoryStore
from tests.clients import DeltaClient, StateClient
from tests.edges import a_cluster, an_edge, eventually
from tests.spine import ServerProcess, wait_for
from tests.whole_servers import WholeServer, a_cluster_document, a_workspace, whole_server
from xds.protocol.types import CLUSTER, GroupName
from xds.transport.limits import Limits
from xds.transport.server import XdsOptions

Client = DeltaClient | StateClient
BOTH = pytest.mark.parametrize("kind", [DeltaClient, StateClient])
CLIENTS = 20
PATIENCE_S = 60.0


@asynccontextmanager
async def connected(address: str, kind: type[Client], group: str = "default") -> AsyncIterator[list[Client]]:
    """Clients that have asked for everything, each on a connection of its own."""
    async with AsyncExitStack() as stack:
        clients = [kind(address, f"edge-{number}", group) for number in range(CLIENTS)]
        for client in clients:
            await stack.enter_async_context(client)
            await client.subscribe(CLUSTER)
        yield clients


async def closed_at_s(client: Client) -> float:
    """When the server ended the stream, with words that say what to do."""
    async with asyncio.timeout(PATIENCE_S):
        assert (await client.call.code()).name == "UNAVAILABLE"
    return time.monotonic()


async def comes_back(client: Client, address: str, kind: type[Client], holding: dict[str, str]) -> Client:
    """The same node on a new stream, with what it says it has."""
    again = kind(address, client.node, client.cluster)
    if isinstance(again, DeltaClient):
        await again.subscribe(CLUSTER, holding=holding)
    else:
        again.versions = client.versions
        await again.subscribe(CLUSTER)
    return again


async def is_resent_nothing(client: Client) -> bool:
    """The incremental variant says so with an empty answer, the state of the world with none."""
    if isinstance(client, DeltaClient):
        return not (await client.next()).resources
    return await client.hears_nothing()


async def test_connections_that_were_opened_together_do_not_end_together() -> None:
    """Their age is capped, and no two are given the same."""
    limits = Limits(connection_age_s=4.0, connection_age_grace_s=0.05)
    async with (
        an_edge(XdsOptions(limits=limits)) as edge,
        connected(edge.address, DeltaClient) as some,
        connected(edge.address, StateClient) as others,
    ):
        opened_s = time.monotonic()
        ended_s = await asyncio.gather(*(closed_at_s(client) for client in (*some, *others)))
        assert max(ended_s) - min(ended_s) > 0.2, "10 % of four seconds either way"
        assert min(ended_s) - opened_s > 1, "and none of them early"


async def test_an_old_connection_ends_and_its_client_is_resent_nothing() -> None:
    limits = Limits(connection_age_s=2.0, connection_age_grace_s=1.0)
    async with an_edge(XdsOptions(limits=limits)) as edge:
        edge.serve(a_cluster("web"))
        await asyncio.gather(*(grows_old(edge.address, kind) for kind in (DeltaClient, StateClient)))


async def grows_old(address: str, kind: type[Client]) -> None:
    async with kind(address) as client:
        await client.subscribe(CLUSTER)
        await client.next()
        await client.ack(CLUSTER)
        await closed_at_s(client)
        async with await comes_back(client, address, kind, {"web": a_cluster("web").version}) as again:
            assert await is_resent_nothing(again)


@BOTH
async def test_a_server_that_goes_sends_its_clients_to_another_a_few_at_a_time(kind: type[Client]) -> None:
    store = MemoryStore(time.time)
    async with whole_server(store) as leaving, whole_server(store) as staying:
        await leaving.client.publish([a_workspace(), a_cluster_document()], group="edge")
        async with connected(leaving.parts.addresses.xds, kind, "edge") as clients:
            holding = await everything_taken(clients)
            await eventually(lambda: serves(staying), "the other server has loaded it")

            draining = asyncio.create_task(leaving.parts.xds.drain(2.0))
            ended_s = await asyncio.gather(*(moves(client, kind, staying, holding) for client in clients))
            await draining

        assert max(ended_s) - min(ended_s) > 0.7, "they go one after the other, over most of the time there is"


async def everything_taken(clients: list[Client]) -> dict[str, str]:
    """All have the state and have acknowledged it; what one of the incremental variant holds."""
    holding: dict[str, str] = {}
    for client in clients:
        response = await client.next()
        await client.ack(CLUSTER)
        if isinstance(client, DeltaClient):
            holding = {resource.name: resource.version for resource in response.resources}
    return holding


def serves(server: WholeServer) -> bool:
    return server.parts.xds.groups.revision(GroupName("edge")) == 1


async def moves(client: Client, kind: type[Client], to: WholeServer, holding: dict[str, str]) -> float:
    """When it was sent away. It comes to the other server and is resent nothing."""
    ended_s = await closed_at_s(client)
    assert "connect again" in await client.call.details()
    async with await comes_back(client, to.parts.addresses.xds, kind, holding) as again:
        assert await is_resent_nothing(again)
    return ended_s


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path, "--memory", "--drain-s=5", command="serve").start()
    yield server
    server.stop()


async def test_sigterm_says_not_ready_and_drains_in_small_numbers(server: ServerProcess) -> None:
    async with connected(server.xds, DeltaClient) as some, connected(server.xds, StateClient) as others:
        await eventually(lambda: server.open_streams() == 2 * CLIENTS, "all of them are connected")

        os.kill(server.pid, signal.SIGTERM)

        watching = asyncio.create_task(asyncio.to_thread(wait_for, lambda: leaving(server), "it to say that it goes"))
        ended_s = await asyncio.gather(*(closed_at_s(client) for client in (*some, *others)))
        await watching
        assert max(ended_s) - min(ended_s) > 1.0
    assert server.stop() == 0


def leaving(server: ServerProcess) -> bool:
    code, page = server.ask("/readyz")
    return code == 503 and "going away" in page
