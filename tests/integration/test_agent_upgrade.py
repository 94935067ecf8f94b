"""Agents are replaced, and Envoys, under live traffic: old connections, new ones, and one that stays open for all."""

from __future__ import annotations

import asyncio
import signal
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agents.node.envoy.admin import Admin
from examples.demo.gateway import a_listener
from snapshots.store.etcd.ports import free_port
from tests.agent_sites import Gateway, Publisher, Watched, a_gateway, asking
from tests.spine import ServerProcess, wait_for

pytestmark = pytest.mark.envoy

ANSWER_S = 60


class Echo(socketserver.StreamRequestHandler):
    """Each line comes back."""

    def handle(self) -> None:
        while line := self.rfile.readline():
            self.wfile.write(line)


class Conversation:
    """One connection by way of Envoy; never another."""

    def __init__(self, port: int) -> None:
        self._connection = socket.create_connection(("127.0.0.1", port), ANSWER_S)
        self._reader = self._connection.makefile("rb")
        self._count = 0

    def close(self) -> None:
        self._reader.close()
        self._connection.close()

    def goes_on(self) -> None:
        self._count += 1
        line = b"%d\n" % self._count
        self._connection.sendall(line)
        assert self._reader.readline() == line


@dataclass(frozen=True)
class Clients:
    """All of one gateway: on one connection, on new ones, and in a long conversation."""

    kept: Watched
    fresh: Watched
    conversation: Conversation

    def are_served(self, answer: str) -> None:
        """By the newest change, and none was ever failed."""
        wait_for(lambda: (self.kept.last, self.fresh.last) == (answer, answer), "the change")
        self.conversation.goes_on()
        assert self.kept.failures == self.fresh.failures == []


@contextmanager
def an_echo() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def forwarding(port: int, to: int) -> dict[str, Any]:
    """A listener and a cluster of the bootstrap: bytes that come to `port` go on."""
    proxy = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": "echo",
        "cluster": "echo",
    }
    endpoint = {"endpoint": {"address": _loopback(to)}}
    assignment = {"cluster_name": "echo", "endpoints": [{"lb_endpoints": [endpoint]}]}
    filters = [{"name": "proxy", "typed_config": proxy}]
    return {
        "listeners": [{"name": "echo", "address": _loopback(port), "filter_chains": [{"filters": filters}]}],
        "clusters": [{"name": "echo", "type": "STATIC", "load_assignment": assignment}],
    }


def _loopback(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def told(gateway: Gateway, cluster: str) -> dict[str, int]:
    """Envoy's own counts of clusters, endpoints and routes that it was told; what is not needed any more goes later."""
    pattern = rf"cluster_manager\.cluster_(added|modified)|cluster\.{cluster}\.update_success|rds\.web\.update_success"
    return asyncio.run(Admin(gateway.agent.state / "envoy" / "admin.sock").statistics(pattern))


def test_agents_and_envoys_are_replaced_and_no_client_notices(tmp_path: Path) -> None:
    with ExitStack() as stack:
        server = ServerProcess(tmp_path / "server", "--memory").start()
        stack.callback(server.stop)
        publisher = Publisher(server, tmp_path / "documents", stack)
        publisher.publish()
        gateway = stack.enter_context(a_gateway(server.xds, drain_s=60))
        agent, port, echo = gateway.agent, free_port(), stack.enter_context(an_echo())

        def starts_with(**others: object) -> None:
            resources = forwarding(port, echo)
            resources["listeners"].append(a_listener(gateway.port))
            gateway.lays_over(static_resources=resources, **others)

        starts_with()
        stack.callback(agent.kill)  # it would drain for as long as it may
        agent.start().ready()
        kept, fresh = (stack.enter_context(asking(gateway, fresh=fresh)) for fresh in (False, True))
        clients = Clients(kept, fresh, Conversation(port))
        stack.callback(clients.conversation.close)
        (envoy,) = agent.envoys

        for number in (signal.SIGUSR1, signal.SIGKILL):
            before = told(gateway, publisher.answer)
            agent.stop(number)
            agent.start()
            wait_for(lambda: gateway.told("served").get("source") == "upstream", "the server's word")
            assert (agent.envoys, told(gateway, publisher.answer)) == ([envoy], before), "nothing is told again"
            publisher.publish("--wait")
            clients.are_served(publisher.answer)

        starts_with(stats_flush_interval="7s")
        agent.told(signal.SIGHUP)
        publisher.publish("--wait")
        wait_for(lambda: gateway.told("envoy")["takeovers"] == 1, "another Envoy, with the change")
        clients.are_served(publisher.answer)
        assert kept.order == fresh.order == [f"v{number}" for number in range(1, publisher.revision + 1)]
