"""An Envoy that somebody else runs is watched, turned from traffic and ended through its admin interface alone."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from agents.node.envoy.admin import Admin
from agents.node.envoy.facts import EnvoyFacts
from agents.node.envoy.keeping import EnvoyStays
from agents.node.envoy.minding import Minding
from agents.node.envoy.supervisor import Supervisor
from tests.node_envoys import QUICK, Gateway, Heard, a_gateway, has_ended
from tests.whole_servers import until

pytestmark = pytest.mark.envoy


@asynccontextmanager
async def minded(gateway: Gateway, heard: Heard) -> AsyncIterator[tuple[Minding, asyncio.Task[None]]]:
    minding = Minding(Admin(gateway.bootstrap().admin), QUICK, heard.hooks())
    task = asyncio.create_task(minding.run())
    try:
        yield minding, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def seen_ready(minding: Minding) -> EnvoyFacts:
    await until(lambda: minding.facts.ready, "Envoy to be seen ready")
    return minding.facts


def kill(supervisor: Supervisor) -> None:
    assert supervisor.facts.pid is not None
    os.kill(supervisor.facts.pid, signal.SIGKILL)


async def test_it_is_seen_when_it_comes_goes_and_comes_again() -> None:
    async with a_gateway() as gateway, minded(gateway, heard := Heard()) as (minding, _):
        await until(lambda: "cannot be reached" in minding.facts.words, "its absence to be noticed")
        supervisor, _ = await gateway.started()
        assert (await seen_ready(minding)).version == supervisor.facts.version
        kill(supervisor)
        await until(lambda: minding.facts.restarts == 1, "its end to be noticed")
        await seen_ready(minding)
        assert len(heard.ready) == 2
        assert len(heard.unready) == len(heard.exits) == 1


async def test_a_stop_turns_clients_away_and_leaves_envoy_alone() -> None:
    async with a_gateway() as gateway:
        supervisor, _ = await gateway.started()
        async with minded(gateway, heard := Heard()) as (minding, task):
            await seen_ready(minding)
            minding.stop()
            await task
            assert [each.phase for each in heard.unready] == ["turning away"]
        assert supervisor.facts.ready
        assert not has_ended(supervisor.facts.pid)


async def test_a_held_one_fails_its_health_checks_until_it_is_released() -> None:
    async with a_gateway() as gateway, minded(gateway, Heard()) as (minding, _):
        await gateway.started()
        await seen_ready(minding)
        minding.hold()
        await until(lambda: minding.facts.server_state == "DRAINING", "Envoy to turn clients away")
        assert not minding.facts.ready
        minding.release()
        await seen_ready(minding)


async def test_a_restart_is_its_end_and_never_a_takeover() -> None:
    async with a_gateway() as gateway, minded(gateway, Heard()) as (minding, _):
        supervisor, _ = await gateway.started()
        before = supervisor.facts.pid
        await seen_ready(minding)
        with pytest.raises(EnvoyStays, match="somebody else"):
            await minding.restart()
        assert "has ended" in await minding.restart(drained=True)
        await until(lambda: has_ended(before), "its end")
        await until(lambda: minding.facts.restarts == 1, "its end to be noticed")
        assert "as it was asked to" in minding.facts.last_exit
        await seen_ready(minding)


async def test_it_falls_back_when_envoy_ends_again_and_again_with_a_new_generation() -> None:
    async with a_gateway() as gateway, minded(gateway, heard := Heard()) as (minding, _):
        supervisor, _ = await gateway.started()
        minding.applied("7", proven=False)
        for ends in (1, 2):
            await seen_ready(minding)
            await until(lambda: supervisor.facts.ready, "Envoy to be back")
            kill(supervisor)
            await until(lambda: minding.facts.restarts == ends, "its end to be noticed")  # noqa: B023
        await until(lambda: heard.fallbacks == ["7"], "the fallback")


async def test_one_that_hangs_is_told_to_be_ended_by_whoever_runs_it(tmp_path: Path) -> None:
    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    server = await asyncio.start_unix_server(silence, tmp_path / "admin.sock")
    minding = Minding(Admin(tmp_path / "admin.sock"), replace(QUICK, hang_s=0.4))
    task = asyncio.create_task(minding.run())
    await until(lambda: "whoever runs it must end it" in minding.facts.words, "the hang to be noticed")
    minding.leave()
    await task
    server.close()
