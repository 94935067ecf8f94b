"""`fairlead gitops` through what goes wrong around it: a server that is away, clocks that jump, neighbours."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from itertools import cycle
from pathlib import Path

import pytest

from agents.gitops.schedule import Pace
from examples.demo.repository import GitRepository
from snapshots.store.protocol import Publication, Published
from tests.edges import eventually
from tests.git_server import SmartHttp
from tests.gitops import a_source, following
from tests.integration.test_gitops import a_cluster
from tests.proxy import Proxy
from tests.whole_servers import WholeServer, whole_server


@pytest.fixture
async def server() -> AsyncIterator[WholeServer]:
    async with whole_server() as server:
        yield server


@pytest.fixture
def http(tmp_path: Path) -> Iterator[SmartHttp]:
    yield from served(tmp_path / "git")


@pytest.fixture
def other(tmp_path: Path) -> Iterator[SmartHttp]:
    """Another team's repository."""
    yield from served(tmp_path / "other")


def served(top: Path) -> Iterator[SmartHttp]:
    repository = GitRepository(top)
    repository.commit("Begin", {"production/web.yaml": a_cluster(1)})
    http = SmartHttp(repository)
    yield http
    http.stop()


def port_of(server: WholeServer) -> int:
    return int(server.client.address.rpartition(":")[2])


async def sources_of(server: WholeServer, group: str = "edge") -> list[str]:
    """Where the group's revisions came from, the first one first."""
    return [each.source for each in reversed(await server.client.list_revisions(group))]


async def test_what_was_pushed_while_the_server_was_away_is_published_once(
    tmp_path: Path, server: WholeServer, http: SmartHttp
) -> None:
    repository = http.repository
    async with Proxy(port_of(server)) as between:
        management, source = f"127.0.0.1:{between.port}", a_source(http.url, group="edge")
        async with following(tmp_path / "gitops", management, source) as gitops:
            first = (await gitops.reaches("synced"))["commit"]
            between.cut()
            repository.commit("Nobody saw it", {"production/web.yaml": a_cluster(2)})
            assert "the server" in (await gitops.reaches("waiting"))["why"]
            pushed = repository.commit("While it was away", {"production/web.yaml": a_cluster(3)})
            between.mend()
            await gitops.reaches("synced", commit=pushed)
    assert await sources_of(server) == [f"{http.url}@{commit}:production" for commit in (first, pushed)]


async def test_an_answer_that_never_came_is_no_reason_to_publish_twice(
    tmp_path: Path, server: WholeServer, http: SmartHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Proxy(port_of(server)) as between:
        management, source = f"127.0.0.1:{between.port}", a_source(http.url, group="edge")
        store_it = server.store.publish

        async def published(publication: Publication) -> Published:
            stored = await store_it(publication)
            between.swallow_answers()
            return stored

        async with following(tmp_path / "gitops", management, source, timeout_s=2.0) as gitops:
            await gitops.reaches("synced")
            monkeypatch.setattr(server.store, "publish", published)
            pushed = http.repository.commit("Change", {"production/web.yaml": a_cluster(2)})
            assert (await gitops.reaches("waiting", commit=pushed))["revision"] == 1
            assert len(await sources_of(server)) == 2
            between.mend()
            assert (await gitops.reaches("synced", commit=pushed))["revision"] == 2
    assert len(await sources_of(server)) == 2


async def test_a_name_that_another_workspace_holds_is_refused_with_whose_it_is(
    tmp_path: Path, server: WholeServer, http: SmartHttp, other: SmartHttp
) -> None:
    async with following(tmp_path / "one", server.client.address, a_source(http.url, group="edge")) as shop:
        before = await shop.reaches("synced")
        claims = a_source(other.url, "payments", group="edge")
        async with following(tmp_path / "two", server.client.address, claims) as payments:
            status = await payments.reaches("refused", source="payments")
            assert "shop" in status["why"] + str(status["findings"])
            assert "web.yaml" in status["why"] + str(status["findings"])
            assert (await shop.reaches("synced"))["revision"] == before["revision"]

            renamed = other.repository.commit("Our own", {"production/web.yaml": a_cluster(1, "payments")})
            await payments.reaches("synced", commit=renamed, source="payments")
            assert (await shop.reaches("synced"))["revision"] == before["revision"]
    assert len(await sources_of(server)) == 2


async def test_a_clock_that_jumps_changes_no_judgement(tmp_path: Path, server: WholeServer, http: SmartHttp) -> None:
    jumps = cycle((2e9, 0.0, 1e9, 5e9))
    source = a_source(http.url, group="edge", poll_s=1)
    async with following(tmp_path / "gitops", server.client.address, source, now_s=lambda: next(jumps)) as gitops:
        await gitops.reaches("synced", knock=False)
        pushed = http.repository.commit("Change", {"production/web.yaml": a_cluster(2)})
        await gitops.reaches("synced", commit=pushed, knock=False)  # found by a poll: waiting knows no wall clock
    assert len(await sources_of(server)) == 2


async def test_a_fetch_that_takes_long_keeps_its_turn(tmp_path: Path, server: WholeServer, http: SmartHttp) -> None:
    fetching, released = threading.Event(), threading.Event()
    pace = Pace(pause_s=0.05, heartbeat_s=0.2, turn_s=1.0)
    source = a_source(http.url, group="edge")
    async with following(tmp_path / "slow", server.client.address, source, pace=pace) as slow:

        def slowly(path: str) -> None:
            if slow.status()["state"] == "syncing" and not fetching.is_set():
                fetching.set()
                released.wait(20)

        http.before = slowly
        await eventually(fetching.is_set, "the fetch")
        async with following(tmp_path / "other", server.client.address, source, pace=pace) as other:
            await other.reaches("standby")
            until_s = time.monotonic() + 2 * pace.turn_s
            while time.monotonic() < until_s:
                assert other.status()["state"] == "standby"
                await asyncio.sleep(0.1)
            released.set()
            await slow.reaches("synced")
    assert len(await sources_of(server)) == 1
