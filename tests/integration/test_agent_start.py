"""How an agent starts, and goes back: what is on its disk, what its Envoy brings, what upstream says when it answers.

The Envoy is a client of the agent that calls itself so, and does what a test needs.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agents.node.assembly import Parts
from agents.node.envoy.facts import EnvoyFacts
from agents.node.generations.reading import Owner
from agents.node.local.content import Source
from agents.node.places import Places
from agents.node.reports.wiring import generations_of
from snapshots.store.etcd.ports import free_port
from tests.agents import an_agent_here
from tests.builders import route
from tests.clients import DeltaClient, names
from tests.edges import a_cluster, an_assignment
from tests.generations import a_store, good
from tests.upstreams import Behaviour, ScriptedUpstream, always, response
from tests.whole_servers import until
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, ENDPOINT, ROUTE

OLD, NEW, CARTS = a_cluster("web", "old"), a_cluster("web", "new"), a_cluster("carts")


@pytest.fixture
def state() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="agent"))
    yield directory
    shutil.rmtree(directory)


@asynccontextmanager
async def an_envoy(agent: Parts) -> AsyncIterator[DeltaClient]:
    async with DeltaClient(agent.server.address, "edge-1", "edge") as envoy:
        yield envoy


def minding(*servers: str, state: Path, **settings: object) -> Any:
    return an_agent_here(*servers, state=state, **{"envoy": "mind", "bake_s": 0, **settings})


@dataclass(frozen=True)
class Site:
    """An upstream, the agent, and its Envoy."""

    upstream: ScriptedUpstream
    agent: Parts
    envoy: DeltaClient


@asynccontextmanager
async def a_site(state: Path, behave: Behaviour) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(ScriptedUpstream(behave))
        agent = await stack.enter_async_context(minding(upstream.address, state=state))
        yield Site(upstream, agent, await stack.enter_async_context(an_envoy(agent)))


def nobody() -> str:
    return f"127.0.0.1:{free_port()}"


async def keep_good(state: Path, *resources: Resource, revision: int = 1) -> None:
    """An agent lives until these are a good generation."""
    async with a_site(state, always(CLUSTER, *resources, revision=revision)) as site:
        await becomes_good(site.agent, site.envoy, revision)


async def becomes_good(agent: Parts, envoy: DeltaClient, revision: int) -> None:
    await envoy.subscribe(CLUSTER)
    await envoy.next()
    await envoy.ack(CLUSTER)
    await agent.last_good.ready(EnvoyFacts())
    await until(lambda: agent.last_good.good.revision == revision, "a good generation")


async def test_what_bakes_is_reported_with_when_it_will_be_good(state: Path) -> None:
    async with (
        ScriptedUpstream(always(CLUSTER, OLD)) as upstream,
        minding(upstream.address, state=state, bake_s=7200) as agent,
        an_envoy(agent) as envoy,
    ):
        await envoy.subscribe(CLUSTER)
        await envoy.next()
        await envoy.ack(CLUSTER)
        await agent.last_good.ready(EnvoyFacts())
        await until(lambda: bool(agent.last_good.facts()["baking"]), "a candidate")
        reported = generations_of(agent.passage, agent.last_good)
    assert (reported.baking, reported.good, reported.fell_back_s) == (1, 0, 0)
    assert reported.baked_s > time.time() + 3600


async def test_without_upstream_a_new_envoy_is_served_what_is_on_the_disk(state: Path) -> None:
    await keep_good(state, OLD, CARTS)
    async with minding(nobody(), state=state) as agent, an_envoy(agent) as envoy:
        await envoy.subscribe(CLUSTER)
        told = await envoy.next()
        assert {one.name: one.version for one in told.resources} == {"web": OLD.version, "carts": CARTS.version}
        assert agent.passage.content.source is Source.DISK


async def test_without_upstream_and_disk_nobody_is_told_anything(state: Path) -> None:
    async with minding(nobody(), state=state) as agent, an_envoy(agent) as envoy:
        await envoy.subscribe(CLUSTER)
        assert await envoy.hears_nothing()


async def test_an_envoy_that_runs_with_something_else_is_told_nothing_until_upstream_is_back(state: Path) -> None:
    await keep_good(state, OLD)
    address = nobody()
    async with minding(address, state=state, start_patience_s=0.05) as agent, an_envoy(agent) as envoy:
        await envoy.subscribe(CLUSTER, holding={"web": NEW.version})
        assert await envoy.hears_nothing(0.6)
        assert agent.passage.content.source is Source.NOTHING
        async with ScriptedUpstream(always(CLUSTER, NEW, CARTS, revision=2), address):
            assert names(await envoy.next()) == ["carts"]


async def test_what_an_envoy_that_runs_has_newer_than_the_disk_is_not_put_back_while_upstream_has_not_told_it(
    state: Path,
) -> None:
    """Upstream may tell a change in parts, and this one last."""
    assignment, told = an_assignment("web"), False

    async def behave(request: Any) -> Iterable[bytes]:
        if request.response_nonce or (request.type_url == CLUSTER and not told):
            return ()
        resource = NEW if request.type_url == CLUSTER else assignment
        return (response(request.type_url, resource, revision=2).SerializeToString(),)

    await keep_good(state, OLD)
    async with a_site(state, behave) as site:
        await site.envoy.subscribe(CLUSTER, ["web"], holding={"web": NEW.version})
        await site.envoy.subscribe(ENDPOINT, ["web"])
        assert (await site.envoy.next()).type_url == ENDPOINT
        await site.envoy.ack(ENDPOINT)
        assert await site.envoy.hears_nothing(0.5)
        asked = [one for one in site.upstream.requests if one.type_url == CLUSTER]
        assert [dict(one.initial_resource_versions) for one in asked] == [{}]

        told = True
        await site.upstream.end_streams()
        await until(lambda: len(site.upstream.acks) > 1, "the ACK of what Envoy has")
        assert await site.envoy.hears_nothing()


async def test_an_envoy_that_runs_with_what_is_on_the_disk_is_told_nothing_new(state: Path) -> None:
    await keep_good(state, OLD)
    async with minding(nobody(), state=state) as agent, an_envoy(agent) as envoy:
        await envoy.subscribe(CLUSTER, holding={"web": OLD.version})
        assert names(await envoy.next()) == []  # the answer to a first request for everything
        assert agent.passage.content.source is Source.DISK


async def test_an_envoy_that_runs_is_told_nothing_before_it_has_said_what_it_has_of_all_that_is_on_the_disk(
    state: Path,
) -> None:
    """It opens one type after the other, and may be slow at that."""
    good(a_store(Places(state).generations, owner=Owner("edge-1", "edge")), 1, OLD, route("all"))
    async with minding(nobody(), state=state) as agent, an_envoy(agent) as envoy:
        await envoy.subscribe(CLUSTER, holding={"web": OLD.version})
        assert await envoy.hears_nothing(0.3)
        await envoy.subscribe(ROUTE, "all", holding={"all": "newer"})
        assert await envoy.hears_nothing(0.3)
        assert agent.passage.content.source is Source.NOTHING


async def test_upstream_is_asked_for_differences_and_its_silence_on_the_rest_is_right(state: Path) -> None:
    await keep_good(state, OLD, CARTS)
    async with a_site(state, always(CLUSTER, NEW, revision=2)) as site:
        await site.envoy.subscribe(CLUSTER)
        told = await site.envoy.next()
        assert {one.name: one.version for one in told.resources} == {"web": NEW.version, "carts": CARTS.version}
        held = dict(site.upstream.requests[0].initial_resource_versions)
        assert held == {"web": OLD.version, "carts": CARTS.version}


async def test_an_envoy_that_runs_is_told_what_differs_from_what_it_brings_whatever_the_disk_has(state: Path) -> None:
    await keep_good(state, OLD, CARTS)
    async with a_site(state, always(CLUSTER, NEW, revision=2)) as site:
        await site.envoy.subscribe(CLUSTER, holding={"web": NEW.version})
        assert names(await site.envoy.next()) == ["carts"]


async def test_what_was_served_from_disk_is_mended_when_upstream_is_back(state: Path) -> None:
    await keep_good(state, OLD, CARTS)
    address = nobody()
    async with minding(address, state=state) as agent, an_envoy(agent) as envoy:
        await envoy.subscribe(CLUSTER)
        assert len((await envoy.next()).resources) == 2
        await envoy.ack(CLUSTER)
        async with ScriptedUpstream(always(CLUSTER, NEW, revision=2), address):
            told = await envoy.next()
            assert {one.name: one.version for one in told.resources} == {"web": NEW.version}


async def test_a_revision_below_one_that_was_taken_in_an_earlier_life_is_refused(state: Path) -> None:
    await keep_good(state, OLD, revision=7)
    async with a_site(state, always(CLUSTER, NEW, revision=6)) as site:
        await site.envoy.subscribe(CLUSTER)
        assert (await site.envoy.next()).resources[0].version == OLD.version  # from disk: nobody else can be believed
        assert site.agent.passage.content.source is Source.DISK


async def test_upstreams_ack_waits_for_envoys_and_its_words_are_passed_on(state: Path) -> None:
    async with a_site(state, always(CLUSTER, OLD)) as site:
        await site.envoy.subscribe(CLUSTER)
        await site.envoy.next()
        assert not site.upstream.acks
        await site.envoy.nack(CLUSTER, "web: will not do")
        await until(lambda: site.upstream.nacks == ["web: will not do"], "Envoy's words")


async def test_an_envoy_that_answers_too_late_is_heard_all_the_same(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.node.local.docket.VERDICT_S", 0.2)
    async with a_site(state, always(CLUSTER, OLD)) as site:
        await site.envoy.subscribe(CLUSTER)
        await site.envoy.next()
        await until(lambda: len(site.upstream.nacks) == 1, "word that there is no verdict")
        assert "Envoy has not answered within" in site.upstream.nacks[0]
        await site.envoy.ack(CLUSTER)
        await until(lambda: bool(site.upstream.acks), "the ACK on another stream")
        assert site.upstream.streams == 2
        assert await site.envoy.hears_nothing()


async def test_a_fallback_serves_the_last_good_again_tells_upstream_why_and_ends_with_newer_content(
    state: Path,
) -> None:
    async with a_site(state, always(CLUSTER, OLD)) as site:
        await becomes_good(site.agent, site.envoy, 1)
        site.upstream.behave = always(CLUSTER, NEW, CARTS, revision=2)
        await site.upstream.end_streams()
        assert names(await site.envoy.next()) == ["carts", "web"]
        await site.envoy.ack(CLUSTER)
        await until(lambda: bool(site.upstream.acks[1:]), "the ACK of the new content")

        await site.agent.last_good.fall_back(site.agent.last_good.content[:12], "Envoy crashed twice")
        told = [await site.envoy.next()]
        await site.envoy.ack(CLUSTER)
        if not told[0].removed_resources:
            told.append(await site.envoy.next())
            await site.envoy.ack(CLUSTER)
        assert {one.version for each in told for one in each.resources} == {OLD.version}
        assert [name for each in told for name in each.removed_resources] == ["carts"]
        await until(lambda: bool(site.upstream.nacks), "word of the fallback")
        assert "fell back to generation 1 of revision 1: Envoy crashed twice" in site.upstream.nacks[0]
        reported = generations_of(site.agent.passage, site.agent.last_good)
        assert (reported.fell_back_s > 0, "crashed twice" in reported.fell_back) == (True, True)
        assert await site.envoy.hears_nothing()

        better = a_cluster("web", "better")
        site.upstream.behave = always(CLUSTER, better, CARTS, revision=3)
        await site.upstream.end_streams()
        assert {one.name: one.version for one in (await site.envoy.next()).resources} == {
            "web": better.version, "carts": CARTS.version,
        }  # fmt: skip


async def test_names_that_upstream_has_not_answered_yet_wait_while_those_on_the_disk_do_not(state: Path) -> None:
    async def behave(request: Any) -> Iterable[bytes]:
        if request.type_url == CLUSTER and not request.response_nonce:
            return (response(CLUSTER, OLD).SerializeToString(),)
        return ()

    async with a_site(state, behave) as site:
        await site.envoy.subscribe(CLUSTER)
        await site.envoy.next()
        await site.envoy.subscribe(ENDPOINT, ["web"])
        assert await site.envoy.hears_nothing()
