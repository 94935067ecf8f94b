"""gRPC processes of a host take their xDS from its agent: real clients, and no call fails while things move or die."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.agents import AgentProcess, an_agent
from tests.grpc_callers import PYTHON, Caller
from tests.proxyless import GROUP, Backend, Calls, Services, assert_none_failed, more, named
from tests.spine import ServerProcess, wait_for
from xds.bootstrap import Place, grpc_bootstrap


@pytest.fixture
def agent(server: ServerProcess, stack: ExitStack) -> AgentProcess:
    """It has no Envoy, and local clients find it on loopback."""
    settings = {"node": "host-1", "group": GROUP, "envoy": "none", "local_address": "127.0.0.1:0"}
    return stack.enter_context(an_agent(server.xds, **settings)).start()


def bootstrap(agent: AgentProcess, caller: Caller) -> Path:
    host, _, port = agent.xds.rpartition(":")
    file = agent.directory / "bootstrap.json"
    file.write_text(json.dumps(grpc_bootstrap("cart-1", "whatever", Place(host, int(port)))))
    return named(file, caller)


def apply(server: ServerProcess, services: Services) -> None:
    done = server.run("apply", services.written(), "--yes")
    assert done.code == 0, done.err


def test_a_grpc_client_follows_changes_through_the_agent_and_calls_on_without_the_server(
    server: ServerProcess, agent: AgentProcess, stack: ExitStack, tmp_path: Path
) -> None:
    blue, green = stack.enter_context(Backend("blue")), stack.enter_context(Backend("green"))
    services = Services(tmp_path / "services")
    apply(server, services.routes("cart", {"cart-v1": 1}).runs("cart-v1", [blue]))
    with Calls(PYTHON, "cart", bootstrap(agent, PYTHON)) as calls:
        wait_for(lambda: calls.last == "blue", f"blue, after {calls.last!r}")
        apply(server, services.runs("cart-v1", [green]))
        wait_for(lambda: calls.last == "green", f"green, after {calls.last!r}")
        (node,) = server.run("nodes", "-o", "json").json()["nodes"]
        assert (node["id"], node["group"], node["state"], node["variant"]) == ("host-1", GROUP, "current", "delta")
        server.kill()
        more([calls])
        assert_none_failed([calls])
