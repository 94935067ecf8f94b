"""A store that was put back on purpose: an agent that runs takes the older revision once it is told to."""

from __future__ import annotations

import asyncio
import signal
import subprocess

from agents.node.generations.floor import Floor
from tests.agents import AGENT, AgentProcess, an_agent
from tests.clients import DeltaClient
from tests.edges import a_cluster
from tests.upstreams import ScriptedUpstream, always
from tests.whole_servers import until
from xds.protocol.types import CLUSTER

OLD, NEW = a_cluster("web", "old"), a_cluster("web", "new")


def reset(agent: AgentProcess) -> str:
    flags = (f"--state-dir={agent.state}", "--node=edge-1", "--group=edge")
    return subprocess.run((*AGENT, "reset", *flags), capture_output=True, text=True, check=True, timeout=60).stdout


async def test_what_is_older_is_taken_after_a_reset_and_sighup_and_not_before() -> None:
    async with ScriptedUpstream(always(CLUSTER, NEW, revision=5)) as upstream:
        with an_agent(upstream.address, envoy="none", report_interval_s=0) as agent:
            await asyncio.to_thread(agent.start)
            async with DeltaClient(agent.xds, "tool") as client:
                await client.subscribe(CLUSTER)
                assert (await client.next()).resources[0].version == NEW.version
                await client.ack(CLUSTER)
                floor = agent.state / "floor.json"
                await until(lambda: Floor(floor).of("edge", otherwise=0) == 5, "the disk to know the revision")

                upstream.behave = always(CLUSTER, OLD, revision=4)
                await upstream.end_streams()
                await until(lambda: "it is behind" in agent.log.read_text(), "the older revision to be refused")
                assert await client.hears_nothing()

                assert "needs a SIGHUP" in await asyncio.to_thread(reset, agent)
                agent.told(signal.SIGHUP)
                assert (await client.next()).resources[0].version == OLD.version
                await until(lambda: Floor(floor).of("edge", otherwise=0) == 4, "the disk to know the revision")
