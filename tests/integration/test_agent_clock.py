"""A gateway whose clock goes back an hour, while its agent runs and between two agents: no order is by time."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from agents.node.generations.floor import Floor
from tests.agent_sites import Gateway, Publisher, a_gateway, asking
from tests.relays import NOBODY
from tests.spine import ServerProcess, wait_for

pytestmark = pytest.mark.envoy

HOUR_S = 3600


class Clock:
    """Of one gateway, as far as it is off."""

    def __init__(self, gateway: Gateway) -> None:
        self.file = gateway.agent.directory / "offset"
        self.jump_to(0)
        gateway.agent.program = (sys.executable, "-m", "tests.skewed", str(self.file))

    def jump_to(self, offset_s: int) -> None:
        """In one step: half a file would be no number."""
        beside = self.file.with_suffix(".next")
        beside.write_text(str(offset_s))
        beside.replace(self.file)


def made_at(gateway: Gateway) -> list[str]:
    """The second lines of good generations, with the time that each was made at; newest first."""
    files = sorted(gateway.agent.state.glob("generations/*.good"), reverse=True)
    return [file.read_bytes().split(b"\n")[1].decode().partition('"made_at_s":')[2].partition(",")[0] for file in files]


def test_a_clock_that_goes_back_changes_no_order_and_ends_no_wait(tmp_path: Path) -> None:
    with ExitStack() as stack:
        server = ServerProcess(tmp_path / "server", "--memory").start()
        stack.callback(server.stop)
        publisher = Publisher(server, tmp_path / "documents", stack)
        gateway = stack.enter_context(a_gateway(server.xds, report_interval_s=1))
        agent, clock = gateway.agent, Clock(gateway)
        publisher.publish()
        agent.start()
        wait_for(lambda: gateway.has_good(publisher.revision), "the first one to be good")

        clock.jump_to(-HOUR_S)
        with asking(gateway) as traffic:
            publisher.publish("--wait")
            wait_for(lambda: gateway.has_good(publisher.revision), "what was made an hour before the first one")
            newest, first = made_at(gateway)
            assert int(newest) < int(first) - HOUR_S / 2
            agent.kill()
            clock.jump_to(-2 * HOUR_S)
            agent.start()
            publisher.publish("--wait")
            wait_for(lambda: gateway.has_good(publisher.revision), "what was made an hour before that")
            assert traffic.failures == []
            ahead_s = gateway.told("upstream")["clock_ahead_s"]
            assert ahead_s == pytest.approx(2 * HOUR_S, abs=HOUR_S / 2), "operators are told"
            (node,) = server.run("nodes", "-o", "json").json()["nodes"]
            assert (node["agent"]["connected"], node["agent"]["stale"]) == (True, False), "heard by the server's clock"

        floor = agent.state / "floor.json"
        wait_for(lambda: Floor(floor).of("edge", otherwise=0) == publisher.revision, "the floor on the disk")
        agent.kill()
        gateway.kill_envoy()
        agent.start(servers=NOBODY)
        with asking(gateway) as traffic:
            assert traffic.last == publisher.answer, "the newest by number"
        assert gateway.told("upstream")["floor"] == publisher.revision
