"""A relay that dies, stalls, lags, lies or has lost its own upstream: agents pass it by, and come back to it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import ExitStack

import grpc
import pytest

from examples.demo.traffic import Traffic
from snapshots.store.etcd.ports import free_port
from tests.agents import AgentProcess, an_agent, started
from tests.certificates import write_certificates
from tests.proxy import Proxy
from tests.relays import NOBODY, QUICK_RELAY, a_listener_document, a_relay, an_agent_at, relay_of
from tests.whole_servers import WholeServer, a_cluster_document, eventually, publishes, until, whole_server

PARTED = {**QUICK_RELAY, "envoy": "none"}
"""An agent whose only client is a test."""


@pytest.fixture
async def server() -> AsyncIterator[WholeServer]:
    async with whole_server() as server:
        await server.parts.xds.set_ready(True)
        await publishes(server, a_cluster_document("web"))
        yield server


def upstream(agent: AgentProcess) -> str:
    return str(agent.status().get("upstream", {}).get("address", ""))


async def follows(agent: AgentProcess, address: str) -> None:
    async def is_there() -> bool:
        return await asyncio.to_thread(upstream, agent) == address

    await eventually(is_there, f"the agent at {address}")


async def test_a_relay_killed_under_traffic_costs_no_request_and_is_come_back_to(server: WholeServer) -> None:
    port = free_port()
    with ExitStack() as stack:
        relay = await started(stack.enter_context(a_relay(server.parts.addresses.xds)))
        centre, address = server.parts.addresses.xds, relay_of(relay)
        agent = await started(stack.enter_context(an_agent(centre, relays=address, **QUICK_RELAY)))
        await publishes(server, a_listener_document("hello", port))
        await asyncio.to_thread(agent.ready)
        await follows(agent, address)

        async def is_taken() -> bool:
            return any(each.id == "edge-1" and each.revision == 2 for each in await server.client.list_nodes("edge"))

        await eventually(is_taken, "the listener at Envoy")
        traffic = stack.enter_context(Traffic(port))
        async with an_agent_at(agent.xds, "beside") as beside:
            first = await beside.takes_everything()
            relay.kill()
            await follows(agent, centre)
            await publishes(server, a_listener_document("hello", port), a_cluster_document("more"))
            told = await beside.takes()
            assert [one.name for one in told.resources] == ["more"], "only what is new"
            assert first.resources or not first.removed_resources
            await asyncio.to_thread(relay.start, relay_address=address)
            await follows(agent, address)
            assert await beside.hears_nothing()
        await until(lambda: traffic.total > 0, "traffic")
    assert traffic.failures == []


async def test_an_older_relay_is_passed_by_until_it_has_caught_up(server: WholeServer) -> None:
    centre = server.parts.addresses.xds
    async with Proxy(server.parts.xds.port) as proxy:
        with ExitStack() as stack:
            relay = await started(stack.enter_context(a_relay(f"127.0.0.1:{proxy.port}")))
            agent = stack.enter_context(an_agent(centre, **PARTED))
            async with an_agent_at(relay_of(relay), "early") as early:
                await early.takes_everything()
                proxy.swallow_answers()
                await publishes(server, a_cluster_document("web", "2s"))
                await started(agent)
                async with an_agent_at(agent.xds) as client:
                    assert (await client.takes_everything()).system_version_info.startswith("2@")
                    agent.stop()
                await asyncio.to_thread(agent.start, relays=relay_of(relay), upstream_return_s=3)
                async with an_agent_at(agent.xds) as client:
                    newest = await client.takes_everything()
                    assert newest.system_version_info.startswith("2@")
                    await until(lambda: "it is behind" in agent.log.read_text(), "the relay to be passed by")

                    async def says_why() -> bool:
                        reports = {node.id: node.agent.report for node in await server.client.list_nodes("edge")}
                        return "it is behind" in reports["edge-1"].agent.passed_by

                    await eventually(says_why, "the centre to hear why")
                    proxy.mend()
                    assert (await early.takes()).system_version_info.startswith("2@")
                    await follows(agent, relay_of(relay))
                    assert await client.hears_nothing(), "it went to nobody who told it anything else"


async def test_bytes_that_were_changed_on_the_way_are_refused_and_told(server: WholeServer) -> None:
    centre = server.parts.addresses.xds
    with ExitStack() as stack:
        relay = await started(stack.enter_context(a_relay(centre)))
        async with LyingProxy(int(relay_of(relay).rpartition(":")[2])) as liar:
            address = f"127.0.0.1:{liar.port}"
            agent = await started(stack.enter_context(an_agent(centre, relays=address, **PARTED)))
            async with an_agent_at(agent.xds) as client:
                await publishes(server, a_cluster_document("flipped"))
                told = await client.takes_everything()
                while [one.name for one in told.resources] != ["flipped"]:
                    told = await client.takes()

                async def says_why() -> bool:
                    reports = {node.id: node.agent.report for node in await server.client.list_nodes("edge")}
                    return "edge-1" in reports and "but its content is" in reports["edge-1"].agent.passed_by

                await eventually(says_why, "the centre to hear of it")


class LyingProxy(Proxy):
    """What passes it is another name at times, and so another content."""

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(64 * 1024):
                writer.write(data.replace(b"flipped", b"fLipped"))
                await writer.drain()
        except ConnectionError:
            pass
        writer.transport.abort()


async def test_a_relay_that_stalls_is_left(server: WholeServer) -> None:
    centre = server.parts.addresses.xds
    with ExitStack() as stack:
        relay = await started(stack.enter_context(a_relay(centre)))
        agent = await started(stack.enter_context(an_agent(centre, relays=relay_of(relay), **PARTED)))
        async with an_agent_at(agent.xds) as client:
            await client.takes_everything()
            await follows(agent, relay_of(relay))
            relay.told(signal.SIGSTOP)
            try:
                await publishes(server, a_cluster_document("web", "2s"))
                assert (await client.takes()).system_version_info.startswith("2@")
                assert upstream(agent) == centre
            finally:
                relay.told(signal.SIGCONT)
            await follows(agent, relay_of(relay))


async def test_a_relay_that_starts_without_upstream_serves_its_disk_to_those_who_have_nothing(
    server: WholeServer,
) -> None:
    async with Proxy(server.parts.xds.port) as proxy:
        with a_relay(f"127.0.0.1:{proxy.port}") as relay:
            await started(relay)
            async with an_agent_at(relay_of(relay)) as first:
                await first.takes_everything()
                await until(lambda: relay.status()["generations"]["good_revision"] == 1, "a good generation")
            proxy.cut()
            relay.stop()
            await asyncio.to_thread(relay.start)
            async with an_agent_at(relay_of(relay)) as newcomer:
                answer = await newcomer.takes_everything()
                assert [one.name for one in answer.resources] == ["web"]
                assert "?" in answer.system_version_info, "marked: others may know better"
                told = relay.status()["relay"]
                assert (told["source"], told["has_upstream"]) == ("disk", False)
                proxy.mend()
                code, words = await newcomer.status()
                assert code is grpc.StatusCode.UNAVAILABLE
                assert "has its upstream again" in words
            async with an_agent_at(relay_of(relay)) as again:
                held = {one.name: one.version for one in answer.resources}
                answer = await again.takes_everything(**held)
                assert not answer.resources
                assert "?" not in answer.system_version_info


async def test_agents_leave_a_relay_that_has_lost_its_upstream_for_one_that_has_not(server: WholeServer) -> None:
    """A second relay stands for the server: it is ready, and comes later in their order."""
    centre = server.parts.addresses.xds
    async with Proxy(server.parts.xds.port) as proxy:
        with ExitStack() as stack:
            cut = await started(stack.enter_context(a_relay(f"127.0.0.1:{proxy.port}")))
            agent = stack.enter_context(an_agent(centre, relays=relay_of(cut), **PARTED))
            await started(agent)
            async with an_agent_at(agent.xds) as client:
                await client.takes_everything()
                await follows(agent, relay_of(cut))
                proxy.cut()
                await follows(agent, centre)
                await publishes(server, a_cluster_document("web", "2s"))
                assert (await client.takes()).system_version_info.startswith("2@")
                proxy.mend()
                await follows(agent, relay_of(cut))


async def test_a_relay_serves_by_mutual_tls(server: WholeServer, tmp_path) -> None:  # type: ignore[no-untyped-def]
    write_certificates(tmp_path)
    files = {"relay_cert": "server.pem", "relay_key": "server.key", "relay_client_ca": "ca.pem"}
    mine = {"upstream_ca": "ca.pem", "upstream_cert": "me.pem", "upstream_key": "me.key"}
    with ExitStack() as stack:
        settings = {name: tmp_path / file for name, file in files.items()}
        relay = await started(stack.enter_context(a_relay(server.parts.addresses.xds, **settings)))
        settings = {name: tmp_path / file for name, file in mine.items()}
        agent = stack.enter_context(an_agent(NOBODY, relays=relay_of(relay), **PARTED, **settings))
        await started(agent)
        async with an_agent_at(agent.xds) as client:
            assert [one.name for one in (await client.takes_everything()).resources] == ["web"]
        async with an_agent_at(relay_of(relay)) as stranger:
            assert (await stranger.status())[0] is grpc.StatusCode.UNAVAILABLE
