"""A gateway's Envoy is replaced by another under traffic, or stays where that cannot be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agents.node.envoy.keeping import EnvoyStays
from agents.node.envoy.supervisor import Supervisor
from examples.demo.traffic import Traffic
from tests.node_envoys import QUICK, Gateway, a_gateway, a_script, has_ended, let_go
from tests.whole_servers import until
from xds.bootstrap import NodeFacts, UnixPlace

pytestmark = pytest.mark.envoy


async def goes_on(traffic: Traffic) -> None:
    """Some more answers, and none but good ones so far."""
    served = traffic.total
    await until(lambda: traffic.total > served + 20, "more answers")
    assert traffic.failures == []


def moved(gateway: Gateway) -> NodeFacts:
    """Enough for the bootstrap to be another."""
    return NodeFacts(zone="another")


async def taken_over(supervisor: Supervisor, times: int) -> None:
    await until(lambda: supervisor.facts.takeovers == times, "another Envoy to take over")


async def test_a_changed_bootstrap_comes_by_a_hot_restart_without_a_failed_request() -> None:
    async with a_gateway() as gateway:
        supervisor, _ = await gateway.started()
        first = supervisor.facts.pid
        with Traffic(gateway.port) as traffic:
            await goes_on(traffic)
            assert await supervisor.refresh() == ""
            assert await supervisor.refresh(gateway.bootstrap(facts=moved(gateway))) == "another Envoy takes over"
            await taken_over(supervisor, 1)
            assert (supervisor.facts.epoch, supervisor.facts.ready) == (1, True)
            await until(lambda: has_ended(first), "the old one to finish")
            await goes_on(traffic)
        assert supervisor.facts.restarts == 0


async def test_one_restart_after_the_other_waits_until_the_one_before_has_finished() -> None:
    async with a_gateway() as gateway:
        supervisor, _ = await gateway.started()
        first = supervisor.facts.pid
        with Traffic(gateway.port) as traffic:
            await supervisor.restart()
            await taken_over(supervisor, 1)
            await supervisor.restart()
            await taken_over(supervisor, 2)
            assert has_ended(first)
            await goes_on(traffic)
        assert supervisor.facts.epoch == 2


async def test_a_bootstrap_that_envoy_refuses_replaces_nothing(tmp_path: Path) -> None:
    async with a_gateway() as gateway:
        supervisor, _ = await gateway.started()
        before = (gateway.envoy_directory / "bootstrap.json").read_bytes()
        overlay = tmp_path / "overlay.yaml"
        overlay.write_text("stats_sinks: [{name: nobody.knows.this}]")
        with pytest.raises(EnvoyStays, match=r"does not start: .*nobody\.knows\.this"):
            await supervisor.refresh(gateway.bootstrap(overlay=overlay))
        assert (gateway.envoy_directory / "bootstrap.json").read_bytes() == before
        assert await supervisor.refresh() == ""


async def test_an_envoy_that_does_not_get_ready_is_ended_and_the_old_one_goes_on(tmp_path: Path) -> None:
    async with a_gateway() as gateway:
        supervisor, _ = await gateway.started(limits=replace(QUICK, takeover_s=1))
        first = supervisor.facts.pid
        nowhere = replace(gateway.bootstrap(), xds=UnixPlace(str(tmp_path / "none.sock")))
        with Traffic(gateway.port) as traffic:
            await supervisor.refresh(nowhere)
            await until(lambda: "closed" in supervisor.facts.words, "the new one to be given up")
            assert (supervisor.facts.pid, supervisor.facts.ready) == (first, True)
            assert "xds.sock" in (gateway.envoy_directory / "bootstrap.json").read_text()
            await goes_on(traffic)

            supervisor._life.limits = QUICK
            assert await supervisor.refresh(gateway.bootstrap()) == ""
            await supervisor.restart()
            await taken_over(supervisor, 1)
            assert supervisor.facts.words == ""
            await goes_on(traffic)


async def test_the_next_agent_finds_two_epochs_and_lets_the_old_one_finish() -> None:
    async with a_gateway() as gateway:
        supervisor, task = await gateway.started()
        first = supervisor.facts.pid
        await supervisor.restart()
        await taken_over(supervisor, 1)
        second = supervisor.facts.pid
        await let_go(task)
        following, _ = await gateway.started()
        assert (following.facts.pid, following.facts.epoch) == (second, 1)
        await until(lambda: has_ended(first), "the old one to finish")
        assert following.facts.restarts == 0


async def test_the_next_agent_brings_what_it_wants_to_the_envoy_it_finds() -> None:
    async with a_gateway() as gateway:
        _, task = await gateway.started()
        await let_go(task)
        with Traffic(gateway.port) as traffic:
            following, _ = await gateway.started(bootstrap=gateway.bootstrap(facts=moved(gateway)))
            await taken_over(following, 1)
            await goes_on(traffic)


async def test_without_shared_memory_envoy_stays_and_the_agent_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_gateway() as gateway:
        monkeypatch.setattr("agents.node.envoy.hot_restart.SHARED_MEMORY", Path("/proc/none"))
        supervisor, task = await gateway.started()
        first = supervisor.facts.pid
        with pytest.raises(EnvoyStays, match=r"without shared memory.*possible once it is drained"):
            await supervisor.restart()
        assert await supervisor.restart(drained=True) == "Envoy is drained and started again"
        await until(lambda: supervisor.facts.restarts == 1, "the restart")
        await gateway.ready(supervisor, task)
        assert supervisor.facts.pid != first


async def test_another_program_of_the_same_name_comes_by_a_hot_restart(tmp_path: Path) -> None:
    async with a_gateway() as gateway:
        program = a_script(tmp_path)
        supervisor, _ = await gateway.started(binary=program)
        with Traffic(gateway.port) as traffic:
            a_script(tmp_path, "# another")
            assert await supervisor.refresh() == "another Envoy takes over"
            await taken_over(supervisor, 1)
            await goes_on(traffic)


async def test_a_program_that_ends_at_once_takes_nothing_over(tmp_path: Path) -> None:
    async with a_gateway() as gateway:
        program = a_script(tmp_path)
        supervisor, _ = await gateway.started(binary=program)
        tried = tmp_path / "tried"
        a_script(tmp_path, f'case "$*" in *restart-epoch*) touch {tried}; exit 9;; esac')
        with Traffic(gateway.port) as traffic:
            await supervisor.refresh()
            await until(tried.exists, "the next one to be started")
            await until(lambda: supervisor.facts.phase == "running", "it to end")
            await until(lambda: supervisor.facts.words == "", "the old one to be seen")
            await goes_on(traffic)
        assert (supervisor.facts.takeovers, supervisor.facts.restarts) == (0, 0)


async def test_a_held_gateway_that_is_restarted_stays_held() -> None:
    async with a_gateway() as gateway:
        supervisor, _ = await gateway.started()
        supervisor.hold()
        await until(lambda: supervisor.facts.server_state == "DRAINING", "Envoy to turn clients away")
        await supervisor.restart(drained=True)
        await until(lambda: supervisor.facts.restarts == 1, "the restart")
        await until(lambda: supervisor.facts.server_state == "DRAINING", "the next one to be told, too")
        assert (supervisor.facts.phase, supervisor.facts.ready, supervisor.facts.held) == ("running", False, True)
        supervisor.release()
        await until(lambda: supervisor.facts.ready, "clients to be welcome again")
