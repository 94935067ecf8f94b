"""A relay between a real server and agents: one stream up, the same bytes down, the truth up again."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack
from typing import Any

import grpc
import pytest

from api.errors import Denied
from api.management.v1 import management_pb2 as pb
from api.nodes.orders import OrderKind
from snapshots.store.etcd.ports import free_port
from tests.agents import an_agent, started
from tests.relays import NOBODY, QUICK_RELAY, a_listener_document, a_relay, an_agent_at, relay_of
from tests.whole_servers import WholeServer, a_cluster_document, eventually, fairlead, publishes, until, whole_server
from xds.protocol.types import CLUSTER

AGENTS = 20


@pytest.fixture
async def server() -> AsyncIterator[WholeServer]:
    async with whole_server() as server:
        await server.parts.xds.set_ready(True)
        await publishes(server, a_cluster_document("web"))
        yield server


async def nodes_of(server: WholeServer) -> dict[str, pb.Node]:
    return {node.id: node for node in await server.client.list_nodes("edge")}


async def all_have(server: WholeServer, revision: int, *nodes: str) -> bool:
    found = await nodes_of(server)
    return all(node in found and found[node].revision == revision for node in nodes)


def discovery_streams(server: WholeServer) -> int:
    """At the centre."""
    return sum(server.parts.xds.session(number) is not None for number in range(1, 1_000))


async def body(client: Any) -> bytes:
    answer = await client.takes()
    return bytes(answer.resources[0].resource.SerializeToString())


async def test_many_agents_cost_the_centre_one_stream_and_are_counted_by_what_they_have(server: WholeServer) -> None:
    with a_relay(server.parts.addresses.xds) as relay:
        await started(relay)
        async with AsyncExitStack() as stack:
            names = [f"edge-{number}" for number in range(AGENTS)]
            agents = [await stack.enter_async_context(an_agent_at(relay_of(relay), name)) for name in names]
            direct = await stack.enter_async_context(an_agent_at(server.parts.addresses.xds, "direct"))
            await asyncio.gather(*(each.takes_everything() for each in (*agents, direct)))
            assert discovery_streams(server) == 2, "the relay's, and that of the one who came itself"
            second = await publishes(server, a_cluster_document("web", "2s"))
            bodies = await asyncio.gather(*(body(each) for each in (*agents, direct)))
            assert len(set(bodies)) == 1, "the same bytes for all"
            await eventually(lambda: all_have(server, second, "relay-1", *names), "the change at all nodes")
            found = await nodes_of(server)
            assert {found[name].via for name in names} == {"relay-1"}
            assert found["relay-1"].via == ""
            assert relay.status()["relay"]["agents"] == AGENTS


async def test_a_revision_is_told_below_as_upstream_told_it(server: WholeServer) -> None:
    with a_relay(server.parts.addresses.xds) as relay:
        await started(relay)
        async with an_agent_at(relay_of(relay)) as below, an_agent_at(server.parts.addresses.xds, "direct") as direct:
            told = [await each.takes_everything() for each in (below, direct)]
            assert [one.system_version_info.partition("@")[0] for one in told] == ["1", "1"]
            await publishes(server, a_cluster_document("web", "2s"))
            told = [await each.takes() for each in (below, direct)]
            assert [one.system_version_info.partition("@")[0] for one in told] == ["2", "2"]


async def test_what_an_envoy_below_refuses_is_told_at_the_centre_and_holds_up_nobody(server: WholeServer) -> None:
    """So is what the relay's own Envoy refuses, which upstream hears as an ACK: others may well take it."""
    with socket.socket() as taken, ExitStack() as stack:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        relay = await started(stack.enter_context(a_relay(server.parts.addresses.xds, envoy="run")))
        agent = await started(stack.enter_context(an_agent(NOBODY, relays=relay_of(relay), **QUICK_RELAY)))
        await asyncio.gather(*(asyncio.to_thread(each.ready) for each in (relay, agent)))
        await eventually(lambda: all_have(server, 1, "relay-1", "edge-1"), "the first revision at both")
        async with an_agent_at(relay_of(relay), "careless") as careless:
            await careless.takes_everything()
            bad = a_listener_document("bad", taken.getsockname()[1])
            await publishes(server, a_cluster_document("web", "2s"), bad)
            await careless.takes()

            async def refused_by() -> set[str]:
                (found,) = await server.client.explain("edge", "bad")
                words = {one.node: one.message for one in found.rejections}
                assert all("bind" in each for each in words.values()), words
                return set(words) if set(words) == {"relay-1", "edge-1"} else set()

            await eventually(refused_by, "the words of both Envoys")
            found = await nodes_of(server)
            assert found["edge-1"].state == found["relay-1"].state == pb.Node.REJECTED


async def test_orders_go_through_two_relays_and_are_the_agents_own_to_allow(server: WholeServer) -> None:
    with ExitStack() as stack:
        first = await started(stack.enter_context(a_relay(server.parts.addresses.xds)))
        second = stack.enter_context(a_relay(NOBODY, node="relay-2", relays=relay_of(first)))
        await started(second)
        settings = {**QUICK_RELAY, "allow": "config"}
        agent = stack.enter_context(an_agent(NOBODY, relays=relay_of(second), **settings))
        await started(agent)
        await asyncio.to_thread(agent.ready)
        await eventually(lambda: all_have(server, 1, "relay-1", "relay-2", "edge-1"), "the revision at all three")
        found = await nodes_of(server)
        assert {name: node.via for name, node in found.items()} == {
            "relay-1": "",
            "relay-2": "relay-1",
            "edge-1": "relay-2",
        }
        assert discovery_streams(server) == 1
        assert "behind relay relay-2" in (await fairlead(server, "node", "edge-1")).out
        told = [part async for part in server.client.order_node("edge-1", OrderKind.CONFIG, author="ann")]
        assert b"web" in b"".join(part.chunk for part in told)
        with pytest.raises(Denied, match="does not allow drain"):
            [part async for part in server.client.order_node("edge-1", OrderKind.DRAIN, author="ann")]
        record = (agent.state / "audit.jsonl").read_text()
        assert "ann" in record
        assert "denied" in record


async def test_a_node_of_another_group_is_refused_in_words(server: WholeServer) -> None:
    with a_relay(server.parts.addresses.xds) as relay:
        await started(relay)
        async with an_agent_at(relay_of(relay), group="core") as stranger:
            await stranger.subscribe(CLUSTER, ("*",))
            code, words = await stranger.status()
    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert "relay-1 relays group edge and no other" in words


async def test_one_agent_cannot_ask_for_so_much_that_the_others_have_no_upstream(server: WholeServer) -> None:
    with a_relay(server.parts.addresses.xds) as relay:
        await started(relay)
        async with an_agent_at(relay_of(relay)) as modest, an_agent_at(relay_of(relay), "greedy") as greedy:
            await modest.takes_everything()
            await greedy.subscribe(CLUSTER, [f"cluster-{number}" for number in range(46_000)])
            assert (await greedy.status())[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
            await publishes(server, a_cluster_document("web", "2s"))
            assert (await modest.takes()).system_version_info.startswith("2@")


async def test_nodes_that_leave_a_relay_are_told_as_gone(server: WholeServer) -> None:
    with a_relay(server.parts.addresses.xds) as relay:
        await started(relay)
        async with an_agent_at(relay_of(relay)) as agent:
            await agent.takes_everything()
            await eventually(lambda: all_have(server, 1, "edge-1"), "the node at the centre")

        async def is_offline() -> bool:
            return (await nodes_of(server))["edge-1"].state == pb.Node.OFFLINE

        await eventually(is_offline, "the centre to hear of it")


async def test_what_agents_want_is_asked_for_once_and_an_agent_that_comes_back_is_sent_nothing(
    server: WholeServer,
) -> None:
    with a_relay(server.parts.addresses.xds) as relay:
        await started(relay)
        async with an_agent_at(relay_of(relay)) as first:
            answer = await first.takes_everything()
            held = {one.name: one.version for one in answer.resources}
            assert list(held) == ["web"]
        async with an_agent_at(relay_of(relay)) as again:
            answer = await again.takes_everything(**held)
            assert not answer.resources
            await again.subscribe(CLUSTER, ("missing",))
            assert list((await again.takes()).removed_resources) == ["missing"]
        (stream,) = (found for number in range(1, 100) if (found := server.parts.xds.session(number)))
        subscription = stream.subscription(CLUSTER)
        assert subscription is not None
        assert subscription.interest.wildcard
        assert set(subscription.interest.names) == {"missing"}, "kept for a while"


async def test_two_agents_that_are_each_others_relays_find_out(server: WholeServer) -> None:
    """Whoever comes first: both end at the server, one of them perhaps by way of the other."""
    with ExitStack() as stack:
        one = await started(stack.enter_context(a_relay(NOBODY, node="one", relays=NOBODY)))
        two = stack.enter_context(a_relay(server.parts.addresses.xds, node="two", relays=relay_of(one)))
        await started(two)
        address = relay_of(one)
        one.stop()
        await asyncio.to_thread(one.start, relays=relay_of(two), relay_address=address)
        async with an_agent_at(address) as above, an_agent_at(relay_of(two)) as below:
            for each in (above, below):
                await each.takes_everything()
        await until(lambda: "that is a circle" in one.log.read_text() + two.log.read_text(), "the circle to be told")


async def test_an_agent_cannot_take_from_itself(server: WholeServer) -> None:
    own = f"127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        relay = stack.enter_context(a_relay(server.parts.addresses.xds, relay_address=own, relays=own))
        await started(relay)
        async with an_agent_at(own) as agent:
            await agent.takes_everything()
        assert "relay-1 asks itself" in relay.log.read_text()
        assert relay.status()["upstream"]["address"] == server.parts.addresses.xds
