"""Report streams of raw clients: what they come to in the fleet, orders and their answers, and what ends a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
import structlog

from agents.node.reports.audit import Audit
from agents.node.reports.below import ServedBelow
from agents.node.reports.collecting import Collector
from agents.node.reports.operator import Operator
from agents.node.reports.reporter import Reporter
from agents.node.reports.schedule import Schedule
from agents.node.reports.sources import Sources
from api.errors import Denied, LimitExceeded, NodeUnreachable
from api.nodes.limits import ReportLimits
from api.nodes.orders import Order, OrderEnd, OrderKind, OrderStatus
from api.nodes.report import Agent, NodeReport, Statistics
from api.nodes.v1 import nodes_pb2 as pb
from tests.clients import DeltaClient, names
from tests.edges import GROUP, EdgeForTests, a_cluster, an_edge, eventually
from tests.reporters import ReportingClient, a_relay_report
from xds.fleet import NodeState
from xds.protocol.plan import Close
from xds.protocol.requests import Node
from xds.protocol.types import CLUSTER, GroupName
from xds.transport.node_reports import pause_s
from xds.transport.server import XdsOptions

QUICK = ReportLimits(messages_s=1_000)
SERVES = "type.googleapis.com/envoy.config.cluster.v3.Cluster"


@asynccontextmanager
async def an_edge_with(limits: ReportLimits = QUICK, options: XdsOptions | None = None) -> AsyncIterator[EdgeForTests]:
    async with an_edge(options) as edge:
        edge.fleet.reports.limits = limits
        edge.server.orders._limits = limits
        yield edge


def last_word(edge: EdgeForTests, node: str = "edge-1") -> NodeReport | None:
    status = edge.fleet.node(node)
    return status.reported.report if status is not None and status.reported is not None else None


def state(edge: EdgeForTests, node: str) -> NodeState | None:
    status = edge.fleet.node(node)
    return status.state if status is not None else None


async def ends_with(client: ReportingClient, status: str, *words: str) -> None:
    code, message = await client.status()
    assert code.name == status, message
    for word in words:
        assert word in message


async def test_what_an_agent_says_is_the_last_word_on_its_node() -> None:
    async with an_edge_with() as edge, ReportingClient(edge.address) as agent:
        welcome = await agent.hello(version="1.0", labels={"tier": "edge"}, allows=["logs"])
        assert (welcome.interval_ms, welcome.chunk_bytes) == (10_000, 64 * 1024)
        await agent.report(pb.NodeReport(statistics=pb.Statistics(downstream_requests=7)))
        await eventually(lambda: (word := last_word(edge)) is not None and word.statistics, "statistics have come")

        word = last_word(edge)
        assert word is not None
        assert word.agent is not None
        assert (word.agent.version, word.agent.labels, word.agent.allows) == ("1.0", (("tier", "edge"),), ("logs",))
        assert word.statistics == Statistics(downstream_requests=7)
        assert word.statistics.downstream_5xx is None
    await eventually(lambda: not edge.fleet.reports.is_told_of("edge-1"), "the stream is gone")
    assert last_word(edge) == word


async def test_a_lying_report_changes_no_byte_and_no_ack_of_the_nodes_own_stream() -> None:
    """Two nodes of a group: one is lied about, by its own agent and by a relay; the other is what it should be like."""
    async with (
        an_edge_with() as edge,
        DeltaClient(edge.address, "liar") as liar,
        DeltaClient(edge.address, "honest") as honest,
        ReportingClient(edge.address, "liar") as agent,
        ReportingClient(edge.address, "relay") as relay,
    ):
        edge.serve(a_cluster("one"))
        await agent.hello()
        await relay.hello(relay=True)
        for client in (liar, honest):
            await client.subscribe(CLUSTER)
            assert names(await client.next()) == ["one"]
        running = pb.Running(types=[pb.RunningType(type_url=SERVES, resources=9, digest=b"x" * 16, differing=9)])
        lies = pb.NodeReport(standing=pb.Standing(revision=99), running=running, generations=pb.Generations(good=99))
        await agent.report(lies)
        await relay.report(a_relay_report("liar", 99, "one"), gone=("honest",))
        await eventually(lambda: edge.fleet.reports.received >= 4, "the lies have come")
        assert state(edge, "liar") is state(edge, "honest") is NodeState.BEHIND
        assert edge.fleet.progress(GROUP, 1).waiting == 2
        assert edge.fleet.rejections(GROUP) == ()

        for client in (liar, honest):
            await client.ack(CLUSTER)
        await eventually(lambda: state(edge, "liar") is state(edge, "honest") is NodeState.CURRENT, "both have it")
        edge.serve(a_cluster("one", "changed"))
        told = [(await client.next()) for client in (liar, honest)]
        assert told[0].SerializeToString(deterministic=True) == told[1].SerializeToString(deterministic=True)
        assert edge.fleet.progress(GROUP, 2).acked == 0


async def test_nodes_below_a_relay_appear_and_go_with_it() -> None:
    async with an_edge_with() as edge, DeltaClient(edge.address, "relay") as serves:
        edge.serve(a_cluster("one"))
        await serves.subscribe(CLUSTER)
        await serves.next()
        await serves.ack(CLUSTER)
        async with ReportingClient(edge.address, "relay") as relay:
            await relay.hello(relay=True)
            await relay.report(*(a_relay_report(f"edge-{number}", 1) for number in range(3)))
            await eventually(lambda: edge.fleet.counts(GROUP).current == 4, "all are current")
            await relay.report(a_relay_report("edge-0", 1, "one"), gone=("edge-2",))
            await eventually(lambda: state(edge, "edge-0") is NodeState.REJECTED, "one rejects")
            assert state(edge, "edge-2") is NodeState.OFFLINE
        await eventually(lambda: state(edge, "edge-1") is NodeState.OFFLINE, "they went with the relay")
        assert state(edge, "relay") is NodeState.CURRENT


async def test_a_nodes_group_is_decided_as_on_its_discovery_stream() -> None:
    def identify(node: object, proved: object) -> GroupName:
        if getattr(node, "id", "").startswith("bad"):
            raise Denied("no certificate says so")
        return GROUP

    async with (
        an_edge_with(options=XdsOptions(identify=identify)) as edge,
        ReportingClient(edge.address, "bad-1") as refused,
        ReportingClient(edge.address, "relay") as relay,
    ):
        await refused.say(hello=pb.Hello(node="bad-1", group="other"))
        await ends_with(refused, "PERMISSION_DENIED", "no certificate")
        await relay.hello(relay=True)
        await relay.report(a_relay_report("bad-2", 1), a_relay_report("good", 1, group="elsewhere"))
        await eventually(lambda: state(edge, "good"), "the other is known")
        assert state(edge, "bad-2") is None
        word = last_word(edge, "good")
        assert word is not None
        assert word.group == GROUP


async def collected(edge: EdgeForTests, order: Order) -> list[bytes | OrderEnd]:
    return [part async for part in edge.server.orders.carry_out(order)]


async def test_an_order_goes_to_the_agent_and_its_answer_comes_back() -> None:
    async with an_edge_with() as edge, ReportingClient(edge.address) as agent:
        await agent.hello()
        asking = asyncio.create_task(collected(edge, Order("edge-1", OrderKind.LOGS, "alice", "a look", 5)))
        order = (await agent.hears()).order
        assert (order.node, order.kind, order.lines) == ("edge-1", pb.Order.LOGS, 5)
        assert (order.author, order.reason) == ("alice", "a look")
        await agent.answer(order.id, b"one\n", b"two\n", message="2 lines")
        assert await asking == [b"one\n", b"two\n", OrderEnd(OrderStatus.DONE, "2 lines")]


async def test_an_answer_waits_for_whoever_reads_it() -> None:
    limits = ReportLimits(messages_s=1_000, window_chunks=2)
    async with an_edge_with(limits) as edge, ReportingClient(edge.address) as agent:
        await agent.hello()
        answer = edge.server.orders.carry_out(Order("edge-1", OrderKind.CONFIG))
        first = asyncio.ensure_future(anext(answer))
        order = (await agent.hears()).order
        assert order.credit == 2
        await agent.say(answer=pb.OrderAnswer(order=order.id, chunk=b"1"))
        await agent.say(answer=pb.OrderAnswer(order=order.id, chunk=b"2"))
        assert await first == b"1"
        assert await agent.hears_no_more()
        assert await anext(answer) == b"2"
        credit = (await agent.hears()).credit
        assert (credit.order, credit.chunks) == (order.id, 3)
        await answer.aclose()
        assert (await agent.hears()).cancel.order == order.id


async def test_more_than_there_is_credit_for_ends_the_stream() -> None:
    limits = ReportLimits(messages_s=1_000, window_chunks=2)
    async with an_edge_with(limits) as edge, ReportingClient(edge.address) as agent:
        await agent.hello()
        asking = asyncio.create_task(collected_without_reading(edge))
        order = (await agent.hears()).order
        for _ in range(3):
            await agent.say(answer=pb.OrderAnswer(order=order.id, chunk=b"x"))
        await ends_with(agent, "RESOURCE_EXHAUSTED", "2 chunks")
        assert await asking == OrderStatus.UNAVAILABLE


async def collected_without_reading(edge: EdgeForTests) -> OrderStatus:
    """Begins an order, reads nothing until the agent is gone, and tells how it ended."""
    answer = edge.server.orders.carry_out(Order("edge-1", OrderKind.CONFIG))
    await anext(answer)
    await eventually(lambda: not edge.fleet.reports.is_told_of("edge-1"), "the agent is gone")
    rest = [part async for part in answer]
    assert isinstance(rest[-1], OrderEnd)
    return rest[-1].status


async def test_an_order_ends_with_the_stream_of_the_agent() -> None:
    async with an_edge_with() as edge:
        async with ReportingClient(edge.address) as agent:
            await agent.hello()
            asking = asyncio.create_task(collected(edge, Order("edge-1", OrderKind.RESTART)))
            await agent.hears()
        (end,) = await asking
        assert isinstance(end, OrderEnd)
        assert end.status is OrderStatus.UNAVAILABLE
        with pytest.raises(NodeUnreachable, match="no agent of edge-1"):
            await collected(edge, Order("edge-1", OrderKind.RESTART))


async def test_an_agent_that_says_nothing_is_not_waited_for_without_end() -> None:
    async with an_edge_with(ReportLimits(answer_s=0.2)) as edge, ReportingClient(edge.address) as agent:
        await agent.hello()
        with pytest.raises(NodeUnreachable, match="said nothing of drain"):
            await collected(edge, Order("edge-1", OrderKind.DRAIN))
        assert (await agent.hears()).HasField("order")
        assert (await agent.hears()).HasField("cancel")


async def test_orders_at_a_time_are_bounded() -> None:
    async with an_edge_with(ReportLimits(node_orders=2)) as edge, ReportingClient(edge.address) as agent:
        await agent.hello()
        under_way = [asyncio.create_task(collected(edge, Order("edge-1", OrderKind.LOGS))) for _ in range(2)]
        for _ in under_way:
            await agent.hears()
        with pytest.raises(LimitExceeded, match="2 orders to edge-1"):
            await collected(edge, Order("edge-1", OrderKind.LOGS))
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def test_an_order_reaches_a_node_below_a_relay() -> None:
    async with an_edge_with() as edge, ReportingClient(edge.address, "relay") as relay:
        await relay.hello(relay=True)
        await relay.report(a_relay_report("edge-7", 1))
        await eventually(lambda: state(edge, "edge-7"), "the node is known")
        asking = asyncio.create_task(collected(edge, Order("edge-7", OrderKind.DRAIN)))
        order = (await relay.hears()).order
        assert (order.node, order.kind) == ("edge-7", pb.Order.DRAIN)
        await relay.answer(order.id, end=pb.OrderEnd.DENIED, message="not allowed")
        assert await asking == [OrderEnd(OrderStatus.DENIED, "not allowed")]


async def test_hello_comes_first_and_once() -> None:
    async with an_edge_with() as edge:
        async with ReportingClient(edge.address) as early:
            await early.report()
            await ends_with(early, "INVALID_ARGUMENT", "node with an id")
        async with ReportingClient(edge.address) as nobody:
            await nobody.say(hello=pb.Hello(group="default"))
            await ends_with(nobody, "INVALID_ARGUMENT", "node with an id")
        async with ReportingClient(edge.address) as twice:
            await twice.hello()
            await twice.say(hello=pb.Hello(node="other"))
            await ends_with(twice, "INVALID_ARGUMENT", "once")
        async with ReportingClient(edge.address) as rubbish:
            await rubbish.send_bytes(b"\xff\x00rubbish")
            await ends_with(rubbish, "INVALID_ARGUMENT", "not a fairlead.nodes.v1.AgentMessage")


async def test_a_message_that_is_too_large_ends_the_stream() -> None:
    async with an_edge_with(ReportLimits(message_bytes=10_000)) as edge, ReportingClient(edge.address) as agent:
        await agent.hello()
        await agent.report(pb.NodeReport(envoy=pb.Envoy(last_exit="x" * 20_000)))
        await ends_with(agent, "RESOURCE_EXHAUSTED", "at most 10000")


async def test_a_silent_agent_is_ended() -> None:
    limits = ReportLimits(interval_s=0.05, silent_s=0.2)
    async with an_edge_with(limits) as edge, ReportingClient(edge.address) as agent:
        await agent.hello()
        await ends_with(agent, "DEADLINE_EXCEEDED", "no report came")


def test_one_who_says_much_is_read_slowly() -> None:
    limits = ReportLimits(messages_s=20, stream_bytes_s=1_000_000, stream_nodes_s=1_000)
    assert pause_s(limits, size_bytes=10, nodes=0) == 1 / 20
    assert pause_s(limits, size_bytes=3_000_000, nodes=1) == 3
    assert pause_s(limits, size_bytes=10, nodes=2_000) == 2


async def test_one_who_floods_disturbs_nobody() -> None:
    limits = ReportLimits(messages_s=20)
    async with (
        an_edge_with(limits) as edge,
        ReportingClient(edge.address, "flood") as flood,
        DeltaClient(edge.address, "neighbour") as neighbour,
    ):
        await flood.hello()
        flooding = asyncio.create_task(say_without_end(flood))
        await neighbour.subscribe(CLUSTER)
        for number in range(5):
            edge.serve(a_cluster("one", str(number)))
            assert names(await neighbour.next()) == ["one"]
            await neighbour.ack(CLUSTER)
        await eventually(lambda: edge.fleet.reports.received > 5, "some of it is read")
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)


async def say_without_end(agent: ReportingClient) -> None:
    while True:
        await agent.report(pb.NodeReport(envoy=pb.Envoy(last_exit="x" * 100)))


async def test_what_one_report_may_say_is_bounded() -> None:
    async with an_edge_with() as edge, ReportingClient(edge.address) as agent:
        await agent.hello(labels={f"label-{number}": "x" * 1_000 for number in range(200)}, version="\x1b]0;\x07" * 99)
        running = [
            pb.RunningType(type_url=f"type-{number}", digest=b"x" * 1_000, differs=["n" * 300] * 30)
            for number in range(90)
        ]
        await agent.report(pb.NodeReport(running=pb.Running(types=running)))
        await eventually(lambda: (word := last_word(edge)) is not None and word.running, "it has come")
        word = last_word(edge)
        assert word is not None
        assert word.agent is not None
        assert word.running is not None
        assert len(word.agent.labels) == 32
        assert "\x1b" not in word.agent.version
        assert len(repr(word)) < 80_000


@asynccontextmanager
async def a_relaying(centre: EdgeForTests, served: EdgeForTests) -> AsyncIterator[Reporter]:
    """What a relay says to the centre of those that it serves."""
    below = ServedBelow("relay", served.fleet, served.server.orders)
    sources = Sources("relay", GROUP, Agent("1.0", relay=True))
    operator = Operator("relay", frozenset(), lambda: None, Audit(Path("/nowhere/audit.jsonl")), below=below)
    reporter = Reporter(Collector(sources, Schedule(1.0)), operator, 1.0, below)
    async with grpc.aio.insecure_channel(centre.address) as channel:
        running = asyncio.create_task(reporter.run(channel))
        yield reporter
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_relay_tells_of_those_it_serves_and_passes_orders_on() -> None:
    async with (
        an_edge_with() as centre,
        an_edge_with() as served,
        DeltaClient(served.address, "edge-1") as client,
        ReportingClient(served.address, "edge-1") as agent,
        ReportingClient(served.address, "silent") as silent,
        a_relaying(centre, served) as reporter,
    ):
        centre.serve(a_cluster("one"))
        served.serve(a_cluster("one"))
        await client.subscribe(CLUSTER)
        await client.next()
        await agent.hello(version="2.0", allows=["drain"])
        await silent.hello()
        await eventually(lambda: state(centre, "edge-1") is NodeState.BEHIND, "the centre knows of it")
        await client.ack(CLUSTER)
        reporter.wake()
        await eventually(lambda: state(centre, "edge-1") is NodeState.CURRENT, "the centre knows that it has it")
        status = centre.fleet.node("edge-1")
        word = last_word(centre, "edge-1")
        assert status is not None
        assert word is not None
        assert word.agent is not None
        assert (status.via, word.agent.version, word.agent.allows) == ("relay", "2.0", ("drain",))
        await eventually(lambda: state(centre, "silent") is NodeState.OFFLINE, "one without Envoy is known, too")

        asking = asyncio.create_task(collected(centre, Order("edge-1", OrderKind.DRAIN, "alice", "a disk")))
        order = (await agent.hears()).order
        assert (order.kind, order.author, order.reason) == (pb.Order.DRAIN, "alice", "a disk")
        await agent.answer(order.id, message="drained")
        assert await asking == [OrderEnd(OrderStatus.DONE, "drained")]

        client.call.cancel()
        agent.call.cancel()
        await eventually(lambda: not served.fleet.reports.is_told_of("edge-1"), "its agent is gone")
        await eventually(lambda: state(served, "edge-1") is NodeState.OFFLINE, "it is gone")
        await eventually(lambda: state(centre, "edge-1") is NodeState.OFFLINE, "the centre knows that, too")


async def test_one_stream_of_a_relay_carries_a_thousand_nodes() -> None:
    async with an_edge_with() as centre, an_edge_with() as served, a_relaying(centre, served):
        for number in range(1_000):
            node = Node(f"edge-{number}", GROUP)
            served.fleet.connected(number + 1_000_000, node, GROUP, "delta", "", 1.0)
        await eventually(lambda: centre.fleet.counts(GROUP).total == 1_000, "all are known")
        assert centre.server.streams == 1
        for number in range(1_000):
            served.fleet.disconnected(number + 1_000_000, 2.0)
        await eventually(lambda: centre.fleet.counts(GROUP).total == 0, "all are gone")


@asynccontextmanager
async def an_agent_reporting(address: str) -> AsyncIterator[None]:
    """One without an Envoy, as it speaks to whoever is at the address."""
    operator = Operator("edge-1", frozenset(), lambda: None, Audit(Path("/nowhere/audit.jsonl")))
    reporter = Reporter(Collector(Sources("edge-1", GROUP, Agent("1.0")), Schedule(1.0)), operator, 1.0)
    async with grpc.aio.insecure_channel(address) as channel:
        running = asyncio.create_task(reporter.run(channel))
        yield
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_on_a_new_stream_all_is_told_anew() -> None:
    async with an_edge_with() as edge, an_agent_reporting(edge.address):
        await eventually(lambda: last_word(edge), "the first word")
        first = edge.fleet.reports.teller("edge-1")
        for stream in list(edge.server._edge.streams.values()):
            stream.end(Close("UNAVAILABLE", "this server is going away"))
        await eventually(lambda: edge.fleet.reports.teller("edge-1") not in (None, first), "another stream")
        word = last_word(edge)
        assert word is not None
        assert word.agent == Agent("1.0")


async def test_an_upstream_that_takes_no_reports_is_left_alone() -> None:
    with structlog.testing.capture_logs() as logged:
        async with an_edge_with(options=XdsOptions(node_reports=False)) as edge, an_agent_reporting(edge.address):
            await eventually(lambda: logged, "the agent knows")
            await asyncio.sleep(0.3)
    assert [line["event"] for line in logged] == ["this upstream takes no reports"]
