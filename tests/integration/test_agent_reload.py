"""An agent that is told to read its settings again has another Envoy take over, if there is something new for it."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.agent_sites import Gateway, Publisher, a_gateway, asking, goes_on
from tests.spine import ServerProcess, wait_for

pytestmark = pytest.mark.envoy

SINK = {"name": "envoy.stat_sinks.statsd"}


def says(gateway: Gateway, words: str, times: int = 1) -> None:
    wait_for(lambda: gateway.agent.log.read_text().count(words) >= times, f'the agent to say "{words}"')


def test_sighup_brings_a_changed_bootstrap_and_refuses_a_broken_one_without_a_failed_request(tmp_path: Path) -> None:
    with ExitStack() as stack:
        server = ServerProcess(tmp_path / "server", "--memory").start()
        stack.callback(server.stop)
        Publisher(server, tmp_path / "site", stack).publish()
        config = tmp_path / "agent.toml"
        config.touch()
        gateway = stack.enter_context(a_gateway(server.xds, config=config))
        agent = gateway.agent.start().ready()
        traffic = stack.enter_context(asking(gateway))
        [first] = agent.envoys

        config.write_text('operations.allow = ["logs"]')
        agent.told(signal.SIGHUP)
        says(gateway, "goes on: it has what it should")
        says(gateway, "operations.allow")
        assert agent.envoys == [first]

        gateway.lays_over(stats_flush_interval="7s")
        agent.told(signal.SIGHUP)
        says(gateway, "the new Envoy has taken over")
        wait_for(lambda: first not in agent.envoys, "the old one to finish")
        [second] = agent.envoys
        goes_on(traffic)

        for broken, words in (
            ({"stats_sinks": [{"name": "none"}]}, "does not start"),
            ({"node": {"id": "x"}}, "node.id"),
        ):
            gateway.lays_over(**broken)
            agent.told(signal.SIGHUP)
            says(gateway, words)
        assert agent.envoys == [second]
        goes_on(traffic)
        assert traffic.failures == []
