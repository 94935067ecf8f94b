"""A real agent beside a real Envoy tells a real server the truth, and carries out what operators ask if it may."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from api.errors import Denied
from api.management.v1 import management_pb2 as pb
from api.nodes.orders import OrderKind
from examples.demo.traffic import Upstream
from snapshots.model import Document
from snapshots.store.etcd.ports import free_port
from tests.agents import AgentProcess, an_agent
from tests.spine import listens
from tests.whole_servers import WholeServer, a_cluster_document, a_workspace, until, whole_server

PATIENCE_S = 120
CANARY = "canary-7f31-do-not-show"
TYPE = "type.googleapis.com/"
CLUSTER = f"{TYPE}envoy.config.cluster.v3.Cluster"
SECRET = f"{TYPE}envoy.extensions.transport_sockets.tls.v3.Secret"


@asynccontextmanager
async def reporting(server: WholeServer, *documents: Document, **settings: object) -> AsyncIterator[AgentProcess]:
    """An agent whose Envoy is ready and has the documents."""
    await server.client.publish([a_workspace(), *documents], author="a test", beyond_budgets=True)
    settings = {"servers": server.parts.addresses.xds, "report_interval_s": 1, "bake_s": 0.5, **settings}
    with an_agent(**settings) as agent:
        await asyncio.to_thread(agent.start)
        await asyncio.to_thread(agent.ready)
        yield agent


async def report(server: WholeServer, what: str, condition: Callable[[pb.AgentReport], object]) -> pb.AgentReport:
    """The last word of the agent, once it is as it should be."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + PATIENCE_S
    while True:
        found = [node.agent for node in await server.client.list_nodes("edge") if node.id == "edge-1"]
        if found and condition(found[0]):
            return found[0]
        assert loop.time() < until_s, f"waited {PATIENCE_S} s in vain for {what}; the last word is {found}"
        await asyncio.sleep(0.05)


def differs(told: pb.AgentReport) -> bool:
    return any(each.differing for each in told.report.running.types)


def is_dead(told: pb.AgentReport) -> bool:
    return told.report.envoy.HasField("live") and not told.report.envoy.live


def runs(type_url: str) -> Callable[[pb.AgentReport], bool]:
    return lambda told: any(each.type_url == type_url for each in told.report.running.types)


def document(name: str, spec: dict[str, object]) -> Document:
    envelope = {"apiVersion": "fairlead.dev/v1", "kind": "EnvoyResource", "metadata": {"name": name}}
    return Document(f"{name}.yaml", json.dumps({**envelope, "spec": spec}).encode())


def a_front(port: int, cluster: str) -> Document:
    """A listener whose requests go to one cluster."""
    routes = [{"match": {"prefix": "/"}, "route": {"cluster": cluster}}]
    manager = {
        "@type": f"{TYPE}envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "front",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [
            {"name": "router", "typed_config": {"@type": f"{TYPE}envoy.extensions.filters.http.router.v3.Router"}}
        ],
    }
    return document(
        "front",
        {
            "@type": f"{TYPE}envoy.config.listener.v3.Listener",
            "name": "front",
            "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
            "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
        },
    )


def a_backend(name: str, port: int) -> Document:
    endpoint = {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}}
    assignment = {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]}
    return document(name, {"@type": CLUSTER, "name": name, "type": "STATIC", "load_assignment": assignment})


async def asked(port: int, times: int = 1) -> list[int]:
    """The statuses of requests to a port of this machine."""

    async def one() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        line = await reader.readline()
        writer.close()
        return int(line.split()[1])

    return [await one() for _ in range(times)]


async def order(server: WholeServer, kind: OrderKind, **options: object) -> tuple[bytes, str]:
    """What comes back, and the last word."""
    chunks, done = [], ""
    async for part in server.client.order_node("edge-1", kind, author="alice", reason="a test", **options):  # type: ignore[arg-type]
        chunks.append(part.chunk)
        done = part.done or done
    return b"".join(chunks), done


async def test_what_envoy_runs_and_how_it_is_reaches_the_server() -> None:
    port = free_port()
    with Upstream("blue") as upstream:
        documents = (a_front(port, "blue"), a_backend("blue", upstream.port), a_cluster_document("web"))
        async with whole_server() as server, reporting(server, *documents, labels="tier=edge") as agent:
            told = await report(
                server, "what runs", lambda one: {each.type_url: each.resources for each in one.report.running.types}
                .get(CLUSTER) == 2 and not any(each.differing for each in one.report.running.types),
            )  # fmt: skip
            said = told.report
            assert (said.agent.mode, dict(said.agent.labels), list(said.agent.allows)) == ("run", {"tier": "edge"}, [])
            assert (said.envoy.live, said.envoy.ready, said.envoy.state) == (True, True, "running")
            assert said.envoy.version.startswith("1.")
            assert said.statistics.instance == said.envoy.instance > 0
            assert (told.connected, told.stale) == (True, False)

            assert await asked(port, 3) == [200] * 3
            counted = await report(server, "3 requests", lambda one: one.report.statistics.downstream_requests >= 3)
            assert counted.report.statistics.upstream_requests >= 3
            assert counted.report.statistics.downstream_5xx == 0
            assert counted.report.statistics.memory_allocated_bytes > 0
            good = await report(server, "a good generation", lambda one: one.report.generations.good)
            assert good.report.generations.running == good.report.generations.good

            os.kill(agent.envoys[-1], signal.SIGKILL)
            crashed = await report(server, "the crash", lambda one: one.report.envoy.restarts == 1)
            assert "killed" in crashed.report.envoy.last_exit
            assert crashed.report.envoy.last_exit_s > 0
            back = await report(
                server, "another Envoy", lambda one: one.report.envoy.ready
                and one.report.statistics.instance > said.envoy.instance,
            )  # fmt: skip
            assert back.report.statistics.downstream_requests < 3  # counted anew, and marked as such


async def test_what_envoy_refuses_differs_from_what_it_should_run() -> None:
    async with whole_server() as server, reporting(server, a_cluster_document("web")):
        await report(server, "what runs", lambda one: one.report.running.types)
        # A filter that this Envoy does not have: it is refused by Envoy alone.
        refused = {"@type": CLUSTER, "name": "web", "connect_timeout": "3s", "lb_policy": "CLUSTER_PROVIDED"}
        await server.client.publish([a_workspace(), document("web", refused)])
        told = await report(
            server, "a difference", lambda one: any(each.differing for each in one.report.running.types)
        )
        (differing,) = [each for each in told.report.running.types if each.differing]
        assert (differing.type_url, list(differing.differs)) == (CLUSTER, ["web"])
        assert differing.digest != differing.held_digest


async def test_nothing_may_be_asked_of_a_node_that_does_not_allow_it() -> None:
    async with whole_server() as server, reporting(server, a_cluster_document("web")) as agent:
        await report(server, "the agent", lambda one: one.connected)
        for kind in OrderKind:
            with pytest.raises(Denied, match=r"operations\.allow"):
                await order(server, kind)
        lines = [json.loads(line) for line in (agent.state / "audit.jsonl").read_text().splitlines()]
        denied = [line for line in lines if line["outcome"] == "denied"]
        assert [(line["order"], line["author"], line["reason"]) for line in denied] == [
            (kind.value, "alice", "a test") for kind in OrderKind
        ]


async def test_operators_drain_a_gateway_take_that_back_and_restart_it_without_losing_clients() -> None:
    port = free_port()
    with Upstream("blue") as upstream:
        documents = (a_front(port, "blue"), a_backend("blue", upstream.port))
        async with whole_server() as server, reporting(server, *documents, allow="drain,restart") as agent:
            await report(server, "the agent", lambda one: one.report.envoy.ready)
            _, done = await order(server, OrderKind.DRAIN)
            assert "clients are turned away" in done
            await report(server, "the drain", lambda one: one.report.envoy.state == "held")
            assert not agent.is_ready
            _, done = await order(server, OrderKind.UNDRAIN)
            await report(server, "its end", lambda one: one.report.envoy.ready)
            assert await asked(port) == [200]
            _, done = await order(server, OrderKind.RESTART)
            assert "takes over" in done
            told = await report(server, "the next epoch", lambda one: one.report.envoy.epoch == 1)
            assert told.report.envoy.restarts == 0
            assert await asked(port) == [200]


def a_secret_and_its_user(port: int) -> tuple[Document, Document]:
    """A generic secret, and a filter that is given it: Envoy asks for it by SDS."""
    secret = {
        "@type": f"{TYPE}envoy.extensions.transport_sockets.tls.v3.Secret",
        "name": "token",
        "generic_secret": {"secret": {"inline_string": CANARY}},
    }
    injector = {
        "@type": f"{TYPE}envoy.extensions.filters.http.credential_injector.v3.CredentialInjector",
        "credential": {
            "name": "envoy.http.injected_credentials.generic",
            "typed_config": {
                "@type": f"{TYPE}envoy.extensions.http.injected_credentials.generic.v3.Generic",
                "credential": {"name": "token", "sds_config": {"ads": {}, "resource_api_version": "V3"}},
            },
        },
    }
    front = json.loads(a_front(port, "web").content)
    (chain,) = front["spec"]["filter_chains"]
    chain["filters"][0]["typed_config"]["http_filters"].insert(0, {"name": "credentials", "typed_config": injector})
    return document("token", secret), Document("front.yaml", json.dumps(front).encode())


async def test_no_secret_comes_back_with_logs_or_configuration() -> None:
    port = free_port()
    documents = (*a_secret_and_its_user(port), a_cluster_document("web"))
    async with whole_server() as server, reporting(server, *documents, allow="logs,config") as agent:
        await report(
            server, "the secret", lambda one: any("Secret" in each.type_url for each in one.report.running.types)
        )
        config, _ = await order(server, OrderKind.CONFIG)
        assert b"dynamic_active_secrets" in config
        assert CANARY.encode() not in config
        with (agent.state / "envoy" / "envoy.log").open("a") as log:
            log.write(f"somebody wrote {CANARY} here\n'authorization', 'Bearer {CANARY}'\nlast words\n")
        text, _ = await order(server, OrderKind.LOGS, lines=50)
        assert b"last words\n" in text
        assert b"somebody wrote (hidden) here" in text
        assert CANARY.encode() not in text
        shown = json.dumps([str(node) for node in await server.client.list_nodes("edge")])
        assert CANARY not in shown
        assert CANARY not in (agent.state / "audit.jsonl").read_text()
        assert listens(port)


async def test_a_log_is_followed_until_nobody_reads_it() -> None:
    async with whole_server() as server, reporting(server, a_cluster_document("web"), allow="logs") as agent:
        await report(server, "the agent", lambda one: one.connected)
        following = server.client.order_node("edge-1", OrderKind.LOGS, lines=1, follow=True)
        assert (await anext(following)).chunk
        with (agent.state / "envoy" / "envoy.log").open("a") as log:
            log.write("a new line\n")
        async with asyncio.timeout(PATIENCE_S):
            while b"a new line" not in (await anext(following)).chunk:
                pass
        await following.aclose()  # type: ignore[attr-defined]
        record = agent.state / "audit.jsonl"
        await until(lambda: '"cancelled"' in record.read_text(), "the end on record")


async def test_an_agent_whose_envoy_is_gone_says_so_and_knows_nothing_of_it() -> None:
    async with whole_server() as server, reporting(server, a_cluster_document("web"), hang_s=300) as agent:
        await report(server, "what runs", lambda one: one.report.running.types)
        for pid in agent.envoys:
            os.kill(pid, signal.SIGSTOP)
        try:
            told = await report(
                server, "the silence", lambda one: one.report.envoy.HasField("live") and not one.report.envoy.live
            )
            assert not told.report.statistics.HasField("downstream_requests")
            assert not told.report.running.types
            assert not told.stale
        finally:
            for pid in agent.envoys:
                os.kill(pid, signal.SIGCONT)
        await report(server, "its return", lambda one: one.report.envoy.live)


async def test_reports_go_where_the_configuration_comes_from() -> None:
    async with whole_server() as second:
        await second.client.publish([a_workspace(), a_cluster_document("web")], author="a test")
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(whole_server())
            both = f"{first.parts.addresses.xds},{second.parts.addresses.xds}"
            agent = await stack.enter_async_context(reporting(first, a_cluster_document("web"), servers=both))
            await report(first, "the agent at the first server", lambda one: one.report.running.types)
            assert not await second.client.list_nodes()
            await first.parts.xds.drain(0)
            told = await report(second, "the agent at the second", lambda one: one.report.running.types)
            assert told.connected
            assert agent.is_ready
