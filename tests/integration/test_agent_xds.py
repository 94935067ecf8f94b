"""A real agent between a real server and a real Envoy: content goes down, wishes and verdicts go up."""

from __future__ import annotations

import asyncio

from tests.agents import AgentProcess, an_agent
from tests.whole_servers import WholeServer, a_cluster_document, a_workspace, whole_server

PATIENCE_S = 60


async def eventually(condition, what):  # type: ignore[no-untyped-def]
    """A condition that is a coroutine; fails the test, naming it, when it does not come in time."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + PATIENCE_S
    while not (found := await condition()):
        assert loop.time() < until_s, f"waited {PATIENCE_S} s in vain for {what}"
        await asyncio.sleep(0.02)
    return found


async def publishes(server: WholeServer, *documents: object, **options: object) -> int:
    answer = await server.client.publish([a_workspace(), *documents], author="a test", **options)  # type: ignore[list-item,arg-type]
    return int(answer.revision.number)


async def node_has(server: WholeServer, revision: int) -> bool:
    nodes = await server.client.list_nodes("edge")
    return any(node.id == "edge-1" and node.revision == revision for node in nodes)


async def started(agent: AgentProcess) -> AgentProcess:
    await asyncio.to_thread(agent.start)
    return agent


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
