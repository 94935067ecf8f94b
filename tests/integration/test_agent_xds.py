"""A real agent between a real server and a real Envoy: content goes down, wishes and verdicts go up."""

from __future__ import annotations

import asyncio
import signal

from agents.node.envoy.admin import Admin
from snapshots.store.etcd.ports import free_port
from tests.agents import AgentProcess, an_agent, started
from tests.relays import a_listener_document
from tests.spine import listens, wait_for
from tests.whole_servers import (
    WholeServer,
    a_cluster_document,
    an_eds_cluster_document,
    eventually,
    publishes,
    whole_server,
)


async def node_has(server: WholeServer, revision: int) -> bool:
    nodes = await server.client.list_nodes("edge")
    return any(node.id == "edge-1" and node.revision == revision for node in nodes)


async def has_good(agent: AgentProcess, revision: int) -> bool:
    return bool(agent.status()["generations"]["good_revision"] == revision)


async def updates(agent: AgentProcess) -> dict[str, int]:
    """Envoy's counters of the content that it was told and took."""
    page = await Admin(agent.state / "envoy" / "admin.sock").get(
        "/stats?filter=cluster_manager.cluster_|update_success"
    )
    rows = (line.split(": ") for line in page.decode().splitlines())
    return {name: int(value) for name, value in rows}


async def test_a_change_reaches_envoy_through_the_agent_and_its_ack_comes_back() -> None:
    async with whole_server() as server:
        with an_agent(server.parts.addresses.xds) as agent:
            first = await publishes(server, a_cluster_document("web"))
            await started(agent)
            await asyncio.to_thread(agent.ready)
            await eventually(lambda: node_has(server, first), "the first revision at the node")
            second = await publishes(server, a_cluster_document("web", "2s"))
            await eventually(lambda: node_has(server, second), "the change at the node")
            (node,) = await server.client.list_nodes("edge")
            assert node.user_agent.startswith("envoy/")


async def test_with_every_server_gone_a_gateway_that_restarts_serves_what_it_served() -> None:
    port = free_port()
    async with whole_server() as server:
        with an_agent(server.parts.addresses.xds, bake_s=0.1) as agent:
            revision = await publishes(server, a_listener_document("web", port))
            await started(agent)
            await asyncio.to_thread(agent.ready)
            await eventually(lambda: has_good(agent, revision), "a good generation")
            assert await asyncio.to_thread(agent.stop) == 0
            assert not listens(port)
            await asyncio.to_thread(agent.start, servers=f"127.0.0.1:{free_port()}")
            await asyncio.to_thread(agent.ready)
            await asyncio.to_thread(wait_for, lambda: listens(port), "the listener from disk")
            assert agent.status()["served"] == {"revision": revision, "source": "disk", "acknowledged": True}


async def test_a_new_agent_resends_nothing_to_an_envoy_that_runs() -> None:
    async with whole_server() as server:
        with an_agent(server.parts.addresses.xds, bake_s=0.1) as agent:
            await publishes(server, a_cluster_document("web"), an_eds_cluster_document("carts", ("127.0.0.1", 9)))
            await started(agent)
            await asyncio.to_thread(agent.ready)
            second = await publishes(
                server, a_cluster_document("web", "2s"), an_eds_cluster_document("carts", ("127.0.0.1", 9))
            )
            await eventually(lambda: node_has(server, second), "the change at the node")
            (envoy,) = agent.envoys
            before = await updates(agent)
            assert before["cluster_manager.cluster_modified"] == 1
            assert await asyncio.to_thread(agent.stop, signal.SIGUSR1) == 0
            await started(agent)
            await asyncio.to_thread(agent.ready)
            assert agent.envoys == [envoy], agent.log.read_text()
            await eventually(lambda: node_has(server, second), "the node again")
            third = await publishes(
                server, a_cluster_document("web", "3s"), an_eds_cluster_document("carts", ("127.0.0.1", 9))
            )
            await eventually(lambda: node_has(server, third), "a change through the new agent")
            after = await updates(agent)
            assert after["cluster_manager.cluster_modified"] == 2
            assert after["cluster_manager.cluster_added"] == before["cluster_manager.cluster_added"]
            assert after["cluster.carts.update_success"] == before["cluster.carts.update_success"]


async def rejected(server: WholeServer, words: str) -> bool:
    nodes = await server.client.list_nodes("edge")
    told = [each.rejection.message for node in nodes for each in node.types if each.HasField("rejection")]
    return any(words in message for message in told)


async def test_what_envoy_refuses_is_told_upstream_in_its_words_and_newer_content_ends_it() -> None:
    async with whole_server() as server:
        with an_agent(server.parts.addresses.xds) as agent:
            await publishes(server, a_cluster_document("web"))
            await started(agent)
            await asyncio.to_thread(agent.ready)
            # Two listeners may not share an address: Envoy refuses the second.
            port = free_port()
            await publishes(server, a_listener_document("web", port), a_listener_document("other", port))
            await eventually(lambda: rejected(server, "has duplicate address"), "Envoy's words")
            (why,) = await server.client.explain("edge", "other")
            assert "has duplicate address" in why.rejections[0].message
            mended = await publishes(
                server, a_listener_document("web", port), a_listener_document("other", free_port())
            )
            await eventually(lambda: node_has(server, mended), "the mended state at the node")
            assert not await rejected(server, "")
