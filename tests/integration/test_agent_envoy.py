"""The node agent's supervisor and a real Envoy: starts, crashes, hangs, and the next agent that finds it running."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from agents.node.envoy import hot_restart
from agents.node.envoy.processes import see
from agents.node.envoy.record import read_record
from agents.node.envoy.supervisor import Supervisor
from api.errors import EnvoyMissing, InvalidConfig
from api.hosting.envoy_program import find_envoy
from examples.demo.traffic import Traffic
from tests.node_envoys import QUICK, a_gateway, a_script, has_ended, let_go
from tests.whole_servers import until

pytestmark = pytest.mark.envoy


async def test_envoy_starts_is_told_ready_and_ends_when_the_agent_stops() -> None:
    async with a_gateway() as gateway:
        supervisor, task = await gateway.started()
        facts = supervisor.facts
        assert (facts.phase, facts.epoch, facts.restarts) == ("running", 0, 0)
        assert facts.version == find_envoy().version
        supervisor.stop()
        await task
        assert has_ended(facts.pid)
        assert [str(each) for each in gateway.heard.exits] == ["exited with code 0, as it was asked to"]
        assert [each.phase for each in gateway.heard.unready] == ["turning away"]


async def test_what_the_agent_keeps_of_envoy_is_for_its_user_alone() -> None:
    async with a_gateway() as gateway:
        supervisor, _ = await gateway.started()
        await until(lambda: (gateway.envoy_directory / "base_id").exists(), "the base id")
        for name in ("bootstrap.json", "process.json", "envoy.log", "admin.sock"):
            assert stat.S_IMODE((gateway.envoy_directory / name).stat().st_mode) & 0o077 == 0, name
        assert supervisor.log_file is not None
        assert "starting main dispatch loop" in supervisor.log_file.read_text()


async def test_a_killed_envoy_comes_back_by_itself() -> None:
    async with a_gateway() as gateway:
        supervisor, task = await gateway.started()
        first = supervisor.facts.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: supervisor.facts.restarts == 1, "the exit to be noticed")
        await gateway.ready(supervisor, task)
        assert supervisor.facts.pid != first
        assert supervisor.facts.last_exit == "killed (perhaps out of memory)"
        assert 0 < supervisor.facts.last_exit_s <= supervisor.facts.since_s
        assert len(gateway.heard.ready) == 2


async def test_an_envoy_that_hangs_is_killed_and_started_again() -> None:
    async with a_gateway() as gateway:
        supervisor, task = await gateway.started(limits=replace(QUICK, hang_s=2, abort_s=0.1))
        first = supervisor.facts.pid
        assert first is not None
        os.kill(first, signal.SIGSTOP)
        await until(lambda: supervisor.facts.restarts == 1, "the hang to be noticed")
        await gateway.ready(supervisor, task)
        assert has_ended(first)
        assert supervisor.facts.last_exit.startswith("killed, for it had not answered for ")


async def test_an_envoy_that_does_not_start_is_tried_again_later_each_time_and_told() -> None:
    async with a_gateway() as gateway:
        program = a_script(gateway.directory, "[ -e go ] || exit 9".replace("go", str(gateway.directory / "go")))
        supervisor = gateway.supervisor(binary=program)
        task = gateway.runs(supervisor)
        await until(lambda: supervisor.facts.restarts >= 3, "some starts")
        assert supervisor.facts.words == "crash loop: it exited with code 9"
        assert gateway.heard.fallbacks == []
        (gateway.directory / "go").touch()
        await gateway.ready(supervisor, task)


async def test_crashes_soon_after_a_new_generation_fall_back_once() -> None:
    async with a_gateway() as gateway:
        supervisor, task = await gateway.started()
        supervisor.applied("7", proven=False)
        for restarts in (1, 2, 3):
            pid = supervisor.facts.pid
            assert pid is not None
            os.kill(pid, signal.SIGSEGV)
            await until(lambda: supervisor.facts.restarts == restarts, "the crash to be noticed")  # noqa: B023
            await gateway.ready(supervisor, task)
        assert supervisor.facts.last_exit == "ended by SIGSEGV"
        assert gateway.heard.fallbacks == ["7"]


async def test_crashes_with_a_proven_generation_are_not_its_fault() -> None:
    async with a_gateway() as gateway:
        supervisor, task = await gateway.started()
        supervisor.applied("7", proven=True)
        for restarts in (1, 2):
            pid = supervisor.facts.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await until(lambda: supervisor.facts.restarts == restarts, "the crash to be noticed")  # noqa: B023
            await gateway.ready(supervisor, task)
        assert gateway.heard.fallbacks == []


async def test_the_next_agent_takes_over_the_envoy_that_runs() -> None:
    async with a_gateway() as gateway:
        supervisor, task = await gateway.started()
        pid = supervisor.facts.pid
        supervisor.leave()
        await task
        with Traffic(gateway.port) as traffic:
            following, next_task = await gateway.started()
            assert (following.facts.pid, following.facts.adopted) == (pid, True)
            served = traffic.total
            await until(lambda: traffic.total > served, "traffic to go on")
        assert traffic.failures == []
        following.stop()
        await next_task
        assert has_ended(pid)


@pytest.mark.parametrize("left", ["", "{", '{"processes": 3}', '{"processes": [], "admin": ""}'])
async def test_without_a_good_record_envoy_is_found_all_the_same(left: str) -> None:
    async with a_gateway() as gateway:
        supervisor, task = await gateway.started()
        pid = supervisor.facts.pid
        await let_go(task)
        (gateway.envoy_directory / "process.json").write_text(left)
        following, _ = await gateway.started()
        assert (following.facts.pid, following.facts.adopted) == (pid, True)


async def test_a_crash_between_two_agents_is_noticed_and_envoy_started() -> None:
    async with a_gateway() as gateway:
        supervisor, task = await gateway.started()
        pid = supervisor.facts.pid
        assert pid is not None
        await let_go(task)
        os.kill(pid, signal.SIGKILL)
        await until(lambda: has_ended(pid), "the end")
        following, _ = await gateway.started()
        assert (following.facts.pid == pid, following.facts.adopted) == (False, False)


async def test_a_foreign_process_that_has_the_number_from_the_record_is_not_touched() -> None:
    async with a_gateway() as gateway:
        supervisor, task = await gateway.started()
        supervisor.stop()
        await task
        foreign = await asyncio.create_subprocess_exec("sleep", "600")
        seen = see(foreign.pid)
        assert seen is not None
        recorded = {"pid": seen.pid, "start_ticks": seen.start_ticks, "epoch": 0, "base_id": 1}
        record = {"processes": [{**recorded, "program": "", "bootstrap": ""}], "admin": ""}
        (gateway.envoy_directory / "process.json").write_text(json.dumps(record))
        following, next_task = await gateway.started()
        assert following.facts.pid != foreign.pid
        following.stop()
        await next_task
        assert foreign.returncode is None
        foreign.kill()
        await foreign.wait()


async def test_the_end_of_an_adopted_envoy_is_noticed() -> None:
    async with a_gateway() as gateway:
        supervisor, task = await gateway.started()
        await let_go(task)
        following, next_task = await gateway.started()
        pid = following.facts.pid
        assert pid == supervisor.facts.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await until(lambda: following.facts.restarts == 1, "the end to be noticed")
        await gateway.ready(following, next_task)


async def test_the_record_names_what_runs_and_the_shared_memory_goes_with_envoy() -> None:
    async with a_gateway() as gateway:
        supervisor, task = await gateway.started()

        def base_id() -> int | None:
            record, _ = read_record(gateway.envoy_directory / "process.json")
            [process] = record.processes
            assert process.pid == supervisor.facts.pid
            return process.base_id

        await until(lambda: base_id() is not None, "the base id in the record")
        shared = hot_restart.shared_memory_file(base_id() or 0)
        assert shared.exists()
        supervisor.hurry()
        await task
        assert not shared.exists()
        assert read_record(gateway.envoy_directory / "process.json")[0].processes == ()


async def test_without_any_envoy_the_agent_says_what_to_do(tmp_path: Path) -> None:
    async with a_gateway() as gateway:
        with pytest.raises(
            EnvoyMissing, match=r"no Envoy to run: .*/none does not run as Envoy; name one with envoy\."
        ):
            await gateway.supervisor(binary=tmp_path / "none").run()


async def test_arguments_that_are_the_agents_own_are_refused(tmp_path: Path) -> None:
    async with a_gateway() as gateway:
        what = gateway.supervisor()._what
        with pytest.raises(InvalidConfig, match="must not have --config-yaml"):
            Supervisor(replace(what, arguments=("--config-yaml", "{}")))


async def test_a_held_gateway_fails_its_health_checks_until_it_is_released() -> None:
    async with a_gateway() as gateway:
        supervisor, _ = await gateway.started()
        supervisor.hold()
        await until(lambda: supervisor.facts.server_state == "DRAINING", "Envoy to turn clients away")
        assert not supervisor.facts.ready
        assert gateway.heard.unready
        supervisor.release()
        await until(lambda: supervisor.facts.ready and supervisor.facts.server_state == "LIVE", "it to be back")


async def test_an_envoy_that_was_found_without_a_program_to_run_is_kept_and_started_once_there_is_one() -> None:
    async with a_gateway() as gateway:
        supervisor, task = await gateway.started()
        pid = supervisor.facts.pid
        assert pid is not None
        await let_go(task)
        following, next_task = await gateway.started(binary=gateway.directory / "envoy.sh")
        assert following.facts.pid == pid
        os.kill(pid, signal.SIGKILL)
        await until(lambda: following.facts.restarts >= 2, "starts in vain")
        assert following.facts.last_exit == "there is no Envoy to run"
        a_script(gateway.directory)
        await gateway.ready(following, next_task)
