"""Upstreams that lie, flood, or stand still, beside a good one: passed by, and the reason is there to read."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AsyncExitStack, ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest

from agents.node.upstream import channels, link
from api.management.client import ManagementClient
from tests.agent_sites import Publisher, a_gateway, asking
from tests.agents import an_agent_here
from tests.clients import DeltaClient, names
from tests.edges import a_cluster, an_assignment
from tests.spine import ServerProcess, wait_for
from tests.upstreams import Behaviour, ScriptedUpstream, always, refusing, response, saying
from tests.whole_servers import a_cluster_document, a_workspace
from xds.protocol.types import CLUSTER

WEB = a_cluster("web")


def spoilt(message: Any, **fields: Any) -> bytes:
    """A response whose first resource says something else."""
    for name, value in fields.items():
        setattr(message.resources[0], name, value)
    data: bytes = message.SerializeToString()
    return data


LIES: dict[str, tuple[Behaviour, str]] = {
    "rubbish": (saying(b"\xff\xff\xff this is no message"), "it sent what is no answer"),
    "a wrong digest": (saying(spoilt(response(CLUSTER, WEB), version="0123456789abcdef")), "but its content is"),
    "one name twice": (saying(response(CLUSTER, WEB, WEB).SerializeToString()), "'web' is told twice"),
    "another type": (saying(response(CLUSTER, an_assignment("web")).SerializeToString()), "in a response of"),
    "an older revision": (saying(response(CLUSTER, WEB, revision=1).SerializeToString()), "upstream tells revision 1"),
    "an end": (refusing(grpc.StatusCode.PERMISSION_DENIED, "not you"), "PERMISSION_DENIED: not you"),
}


@pytest.mark.envoy
async def test_lies_of_an_upstream_never_reach_envoy_and_operators_can_read_them(tmp_path: Path) -> None:
    """The liar comes first, so that it is gone back to again and again."""
    async with ScriptedUpstream(refusing(grpc.StatusCode.UNAVAILABLE)) as liar:
        with ExitStack() as stack:
            await asyncio.to_thread(_a_gateway_beside, liar, tmp_path, stack)


def _a_gateway_beside(liar: ScriptedUpstream, directory: Path, stack: ExitStack) -> None:
    server = ServerProcess(directory / "server", "--memory").start()
    stack.callback(server.stop)
    publisher = Publisher(server, directory / "documents", stack)
    for _ in range(2):
        publisher.publish()
    order = f"{liar.address},{server.xds}"
    gateway = stack.enter_context(a_gateway(order, upstream_return_s=0.5, report_interval_s=1))
    gateway.agent.start().ready()
    with asking(gateway) as traffic:
        for behave, words in LIES.values():
            liar.behave = behave
            wait_for(lambda: words in gateway.told("upstream").get("faults", {}).get(liar.address, ""), words)  # noqa: B023
            wait_for(lambda: gateway.told("upstream")["address"] == server.xds, "the good one to be followed")
        wait_for(lambda: words in server.run("node", "edge-1").out, "operators to be told")
        publisher.publish("--wait")
        wait_for(lambda: traffic.last == publisher.answer, "a change of the good one")
        assert (traffic.order, traffic.failures) == (["v2", "v3"], [])
    stack.callback(gateway.agent.kill)


async def test_an_answer_that_is_too_large_is_left_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "ANSWER_BYTES", 1024 * 1024)
    flood = response(CLUSTER, a_cluster("web", "x" * 2 * 1024 * 1024)).SerializeToString()
    async with AsyncExitStack() as stack:
        upstreams = [
            await stack.enter_async_context(ScriptedUpstream(each)) for each in (saying(flood), always(CLUSTER, WEB))
        ]
        agent = await stack.enter_async_context(an_agent_here(*(each.address for each in upstreams)))
        client = await stack.enter_async_context(DeltaClient(agent.server.address, "tool"))
        await client.subscribe(CLUSTER)
        (told,) = (await client.next()).resources
        assert told.resource.value == WEB.body
        assert "RESOURCE_EXHAUSTED" in agent.link.faults[upstreams[0].address]


async def test_a_server_that_stands_still_is_noticed_and_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its machine takes what is sent to it: nothing ends by itself."""
    monkeypatch.setattr(link, "is_ready", partial(channels.is_ready, within_s=1.0))
    async with AsyncExitStack() as stack:
        server = ServerProcess(tmp_path / "server", "--memory")
        await asyncio.to_thread(server.start)
        stack.callback(server.kill)
        good = await stack.enter_async_context(ScriptedUpstream(always(CLUSTER, WEB, revision=2)))
        management = await stack.enter_async_context(ManagementClient(server.management))
        await management.publish([a_workspace(), a_cluster_document("web", "7s")], author="a test")
        agent = await stack.enter_async_context(an_agent_here(server.xds, good.address))
        client = await stack.enter_async_context(DeltaClient(agent.server.address, "tool"))
        await client.subscribe(CLUSTER)
        assert names(await client.next()) == ["web"]
        await client.ack(CLUSTER)
        os.kill(server.pid, signal.SIGSTOP)
        (told,) = (await client.next()).resources
        assert told.resource.value == WEB.body
        assert agent.link.faults[server.xds] == link.NOT_READY
