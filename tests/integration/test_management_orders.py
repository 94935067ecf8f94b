"""Orders through the management API and the command line, to agents that are written by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import structlog

from api.errors import Denied, InvalidConfig, Rejected, StoreUnavailable
from api.management.v1 import management_pb2 as pb
from api.nodes.orders import OrderKind
from api.nodes.v1 import nodes_pb2 as nodes
from tests.reporters import ReportingClient
from tests.whole_servers import WholeServer, a_cluster_document, a_workspace, fairlead, until, whole_server
from xds.protocol.types import CLUSTER

Answers = Callable[[ReportingClient, nodes.Order], Awaitable[None]]
CANARY = "canary-7f31"


@pytest.fixture
async def server() -> AsyncIterator[WholeServer]:
    async with whole_server() as server:
        await server.client.publish((a_workspace(), a_cluster_document("web")))
        await until(lambda: bool(server.parts.follower.heads), "the first revision")
        yield server


@asynccontextmanager
async def an_agent(server: WholeServer, answers: Answers) -> AsyncIterator[ReportingClient]:
    """One that has said hello and answers every order as it is told to."""
    async with ReportingClient(server.parts.addresses.xds, "edge-1", "edge") as agent:
        await agent.hello(version="1.0", allows=["logs", "drain"])
        answering = asyncio.create_task(_answer(agent, answers))
        yield agent
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)


async def _answer(agent: ReportingClient, answers: Answers) -> None:
    while True:
        message = await agent.hears()
        if message.HasField("order"):
            await answers(agent, message.order)


async def does_it(agent: ReportingClient, order: nodes.Order) -> None:
    await agent.answer(order.id, message="drained; 3 connections ended")


async def refuses(agent: ReportingClient, order: nodes.Order) -> None:
    words = 'this agent does not allow it; operations.allow = ["restart"] in its settings would'
    await agent.answer(order.id, end=nodes.OrderEnd.DENIED, message=words)


async def shows_lines(agent: ReportingClient, order: nodes.Order) -> None:
    await agent.answer(order.id, b"first\nsec", "ond\nä\x1b[2J".encode()[:5], "ä\x1b[2J".encode()[1:] + b"\n")


async def order(server: WholeServer, kind: OrderKind = OrderKind.DRAIN, node: str = "edge-1") -> list[str]:
    given = server.client.order_node(node, kind, author="alice@here", reason="a new disk")
    return [part.done or part.chunk.decode() async for part in given]


@asynccontextmanager
async def events(server: WholeServer) -> AsyncIterator[list[pb.Event]]:
    """Those of orders, as they come."""
    seen: list[pb.Event] = []

    async def watch() -> None:
        async for event in server.client.watch_events("edge"):
            seen.extend([event] if event.kind.startswith("node-order") else [])

    watching = asyncio.create_task(watch())
    await until(server.parts.management.is_watched, "the watcher")
    yield seen
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_an_order_is_given_answered_and_recorded(server: WholeServer) -> None:
    with structlog.testing.capture_logs() as logged:
        async with events(server) as seen, an_agent(server, does_it):
            assert await order(server) == ["drained; 3 connections ended"]
            await until(lambda: len(seen) == 2, "the end is told")

    given, ended = seen
    assert (given.kind, given.node, given.group) == ("node-ordered", "edge-1", "edge")
    assert "drain by alice@here from ipv4:127.0.0.1" in given.message
    assert '"a new disk"' in given.message
    assert ended.message == "drain by alice@here: done: drained; 3 connections ended"
    assert [(line["event"], line["author"], line["node"]) for line in logged if line["component"] == "orders"] == [
        ("order to a node", "alice@here", "edge-1"),
        ("order to a node ended", "alice@here", "edge-1"),
    ]


async def test_an_order_that_no_agent_could_be_given_is_recorded_too(server: WholeServer) -> None:
    async with events(server) as seen:
        with pytest.raises(StoreUnavailable, match="has not seen a node"):
            await order(server, node="edge-9")
        await until(lambda: len(seen) == 2, "the refusal is told")
    assert [(each.kind, each.node) for each in seen] == [("node-ordered", "edge-9"), ("node-order-ended", "edge-9")]
    assert "unavailable: this server has not seen a node 'edge-9'" in seen[1].message


async def test_what_an_agent_does_not_allow_is_denied(server: WholeServer) -> None:
    async with an_agent(server, refuses):
        with pytest.raises(Denied, match=r"edge-1: .*operations\.allow"):
            await order(server, OrderKind.RESTART)


async def test_what_fails_at_the_node_is_told(server: WholeServer) -> None:
    async def fails(agent: ReportingClient, order: nodes.Order) -> None:
        await agent.answer(order.id, end=nodes.OrderEnd.FAILED, message="the new Envoy did not start")

    async with an_agent(server, fails):
        with pytest.raises(Rejected, match="the new Envoy did not start"):
            await order(server, OrderKind.RESTART)


async def test_a_node_that_cannot_be_asked_is_told_with_what_to_do(server: WholeServer) -> None:
    with pytest.raises(StoreUnavailable, match="has not seen a node 'edge-1'; if it is connected to another server"):
        await order(server)
    async with server.an_edge("edge-1") as edge:
        await edge.subscribe(CLUSTER, ["*"])
        await edge.next()
        with pytest.raises(StoreUnavailable, match="edge-1 has no agent that reports to this server; run"):
            await order(server)
        with pytest.raises(StoreUnavailable, match="did you mean edge-1"):
            await order(server, node="edge1")
    await until(lambda: str(server.parts.xds.fleet.node("edge-1").state) == "offline", "it is offline")  # type: ignore[union-attr]
    with pytest.raises(StoreUnavailable, match="edge-1 is offline"):
        await order(server)
    async with an_agent(server, does_it):
        await order(server)
    await until(lambda: server.parts.xds.fleet.reports.teller("edge-1") is None, "the agent is gone")
    with pytest.raises(StoreUnavailable, match="not connected to this server any more"):
        await order(server)


async def test_an_order_that_is_none_is_refused(server: WholeServer) -> None:
    with pytest.raises(InvalidConfig, match="logs, config, drain, undrain, restart"):
        await order(server, node="")


async def test_a_report_is_shown_with_its_age_and_what_is_not_known(server: WholeServer) -> None:
    async with an_agent(server, does_it) as agent:
        envoy = nodes.Envoy(version="1.40.0", live=True, ready=True)
        await agent.report(nodes.NodeReport(envoy=envoy, statistics=nodes.Statistics(downstream_requests=0)))
        fleet = server.parts.xds.fleet
        await until(lambda: (word := fleet.reports.of("edge-1")) is not None and bool(word.report.envoy), "the report")
        node = await server.client.get_node("edge-1")
        assert (node.agent.connected, node.agent.stale, node.agent.report.agent.version) == (True, False, "1.0")
        assert node.agent.report.statistics.downstream_requests == 0
        assert not node.agent.report.statistics.HasField("downstream_5xx")

        wide = await fairlead(server, "nodes", "-o", "wide")
        heading, row = wide.out.splitlines()
        for name in ("AGENT", "ENVOY", "READY", "LABELS", "GENERATION", "CONNECTIONS", "5XX", "MEMORY", "HEARD", "VIA"):
            assert name in heading
        assert "1.40.0" in row
        shown = await fairlead(server, "node", "edge-1")
        assert "allows drain, logs" in shown.out or "allows logs, drain" in shown.out
        document = (await fairlead(server, "node", "edge-1", "-o", "json")).json()
        assert document["agent"]["report"]["statistics"]["downstream_requests"] == 0
        assert document["agent"]["report"]["statistics"]["downstream_5xx"] is None


async def test_the_command_line_shows_logs_without_what_controls_a_terminal(server: WholeServer) -> None:
    async with an_agent(server, shows_lines):
        done = await fairlead(server, "node", "edge-1", "logs", "--lines", "5")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[:2] == ["first", "second"]
    assert "\x1b" not in done.out


async def test_the_command_line_says_what_happened_to_an_order(server: WholeServer) -> None:
    async with an_agent(server, does_it):
        done = await fairlead(server, "node", "edge-1", "drain", "-m", "a new disk")
        assert (done.code, done.out) == (0, "edge-1: drained; 3 connections ended\n")
    async with an_agent(server, refuses):
        denied = await fairlead(server, "node", "edge-1", "restart")
        assert denied.code == 7
        assert "operations.allow" in denied.err
    await until(lambda: server.parts.xds.fleet.reports.teller("edge-1") is None, "the agent is gone")
    away = await fairlead(server, "node", "edge-1", "undrain")
    assert away.code == 4
    assert "not connected to this server" in away.err


async def test_what_envoy_runs_is_shown_without_its_secrets(server: WholeServer) -> None:
    """Envoy takes them out itself; whatever an agent sends, they are not printed."""
    secret = {
        "@type": "type.googleapis.com/envoy.admin.v3.SecretsConfigDump",
        "dynamic_active_secrets": [
            {
                "name": "web-key",
                "version_info": "v1",
                "secret": {
                    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
                    "name": "web-key",
                    "tls_certificate": {"private_key": {"inline_string": CANARY}},
                },
            }
        ],
    }

    async def dumps(agent: ReportingClient, order: nodes.Order) -> None:
        text = json.dumps({"configs": [secret]}).encode()
        await agent.answer(order.id, text[:50], text[50:])

    async with an_agent(server, dumps):
        shown = await fairlead(server, "node", "edge-1", "config", "--from", "envoy", "-o", "json")
        table = await fairlead(server, "node", "edge-1", "config", "--from", "envoy")
    assert shown.code == 0
    assert CANARY not in shown.out + shown.err + table.out
    assert shown.json()["configs"][0]["dynamic_active_secrets"][0]["version_info"] == "v1"
    assert table.out.splitlines()[1].split() == ["dynamic_active_secrets", "web-key", "v1"]


@pytest.mark.parametrize("said", [b"", b"[]", b'{"configs": 7}', b"<html>"])
async def test_what_is_no_configuration_is_told_as_such(server: WholeServer, said: bytes) -> None:
    async def says_it(agent: ReportingClient, order: nodes.Order) -> None:
        await agent.answer(order.id, *([said] if said else []))

    async with an_agent(server, says_it):
        done = await fairlead(server, "node", "edge-1", "config", "--from", "envoy")
    assert done.code == 6
    assert "no config_dump" in done.err
