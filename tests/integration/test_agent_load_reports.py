"""Load reports of an Envoy behind an agent: they reach a server, end with it, and go on with the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from pathlib import Path

import grpc
import pytest

from agents.node.assembly import Parts
from agents.node.local.load_reports import STREAMS
from agents.node.relay.serving import NO_LOAD_REPORTS
from tests.agent_sites import Publisher, a_gateway, asking
from tests.agents import an_agent_here
from tests.clients import DeltaClient, LoadClient
from tests.edges import EdgeForTests, a_cluster, an_edge
from tests.relays import a_relay, relay_of
from tests.spine import ServerProcess, wait_for
from tests.whole_servers import eventually, until
from xds.protocol.types import CLUSTER, GroupName
from xds.transport.server import XdsOptions

EDGE = GroupName("edge")
OFTEN = "--load-reporting-interval-s=0.2"
WEB = {"cluster_name": "web", "total_dropped_requests": 7}


@pytest.fixture
async def edge() -> AsyncIterator[EdgeForTests]:
    async with an_edge(XdsOptions(load_reporting_interval_s=2.5)) as edge:
        edge.serve(a_cluster("web"), group=EDGE)
        yield edge


@asynccontextmanager
async def reporting(address: str) -> AsyncIterator[LoadClient]:
    async with LoadClient(address, "edge-1", EDGE) as client:
        yield client


def dropped(edge: EdgeForTests) -> int:
    return sum(cluster.dropped for cluster in edge.server.loads.told(EDGE).clusters)


@asynccontextmanager
async def an_agent_that_follows(address: str) -> AsyncIterator[tuple[Parts, DeltaClient]]:
    """And its Envoy."""
    async with an_agent_here(address) as agent, DeltaClient(agent.server.address, "edge-1", EDGE) as envoy:
        await envoy.subscribe(CLUSTER)
        await envoy.next()
        await envoy.ack(CLUSTER)
        yield agent, envoy


async def refused(agent: Parts) -> tuple[grpc.StatusCode, str]:
    async with reporting(agent.server.address) as client:
        await client.report()
        return await client.status()


async def is_asked(agent: Parts) -> bool:
    """Whether who reports is asked for more, and not refused."""
    async with reporting(agent.server.address) as client:
        with suppress(AssertionError, grpc.aio.AioRpcError):
            await client.report()
            return bool((await client.asked()).send_all_clusters)
    return False


async def test_what_is_asked_and_reported_passes_as_it_is(edge: EdgeForTests) -> None:
    async with an_agent_that_follows(edge.address) as (agent, envoy), reporting(agent.server.address) as client:
        await client.report()
        asked = await client.asked()
        assert (asked.send_all_clusters, asked.load_reporting_interval.ToMilliseconds()) == (True, 2500)
        await client.report(WEB)
        await until(lambda: dropped(edge) == 7, "the report")
        edge.serve(a_cluster("web", "other"), group=EDGE)
        assert (await envoy.next()).resources, "configuration goes on beside it"


async def test_without_an_upstream_who_reports_is_told_to_come_again(edge: EdgeForTests) -> None:
    async with an_agent_that_follows(edge.address) as (agent, _), AsyncExitStack() as stack:
        client = await stack.enter_async_context(reporting(agent.server.address))
        await client.report()
        await client.asked()
        await edge.server.drain(0)
        assert (await client.status())[0] is grpc.StatusCode.UNAVAILABLE
        await until(lambda: not agent.passage.mirror.is_connected, "the upstream to be gone")
        assert (await refused(agent))[0] is grpc.StatusCode.UNAVAILABLE


async def test_more_clients_than_there_is_room_for_are_refused(edge: EdgeForTests) -> None:
    async with an_agent_that_follows(edge.address) as (agent, _), AsyncExitStack() as stack:
        for _ in range(STREAMS):
            client = await stack.enter_async_context(reporting(agent.server.address))
            await client.report()
            await client.asked()
        code, words = await refused(agent)
        assert (code, str(STREAMS) in words) == (grpc.StatusCode.RESOURCE_EXHAUSTED, True)
        await stack.aclose()
        # The agent notices each of the ends in its own time.
        await eventually(lambda: is_asked(agent), "room for another")


async def test_a_relay_says_that_it_passes_none_on(edge: EdgeForTests) -> None:
    with a_relay(edge.address) as relay:
        await asyncio.to_thread(relay.start)
        async with an_agent_that_follows(relay_of(relay)) as (agent, _):
            code, words = await refused(agent)
            async with asyncio.timeout(60):
                while code is grpc.StatusCode.UNAVAILABLE:  # the relay is just told of its own upstream: come again
                    code, words = await refused(agent)
            assert (code, words) == (grpc.StatusCode.UNIMPLEMENTED, NO_LOAD_REPORTS)


def issued(server: ServerProcess) -> int:
    """Requests that the server tells of, to whatever cluster."""
    groups = server.run("top", "-o", "json").json()["groups"]
    return sum(cluster["load"]["issued"] for group in groups for cluster in group["clusters"])


@pytest.mark.envoy
def test_top_tells_of_an_envoy_behind_an_agent_at_whichever_server_that_follows(tmp_path: Path) -> None:
    with ExitStack() as stack:
        first, second = (ServerProcess(tmp_path / name, "--memory", OFTEN).start() for name in ("first", "second"))
        stack.callback(second.stop)
        stack.callback(first.stop)
        publisher = Publisher(first, tmp_path / "documents", stack)
        publisher.publish()
        assert second.run("apply", str(publisher.directory), "--yes").code == 0
        gateway = stack.enter_context(a_gateway(first.xds, second.xds, envoy_load_reports=True))
        gateway.agent.start().ready()
        traffic = stack.enter_context(asking(gateway))
        wait_for(lambda: issued(first) > 0, "reports at the first server")
        first.kill()
        wait_for(lambda: issued(second) > 0, "reports at the second")
        assert traffic.failures == []
