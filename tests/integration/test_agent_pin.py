"""A gateway that went back to its last good content: what holds it there, over restarts too, and what ends it.

The server is real; the Envoy is a client that takes whatever it is told.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agents.node.assembly import Parts
from agents.node.envoy.facts import EnvoyFacts, Exit
from agents.node.local.content import Source
from agents.node.resetting import main as reset
from tests.agents import an_agent_here
from tests.clients import DeltaClient
from tests.edges import EdgeForTests, a_cluster, an_edge
from tests.whole_servers import until
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, GroupName

OLD, NEW, BETTER = (a_cluster("web", content) for content in ("old", "new", "better"))
CARTS, OTHER, MORE = a_cluster("carts"), a_cluster("other"), a_cluster("more")
EDGE = GroupName("edge")


@dataclass
class Taker:
    """Takes everything. `has` what it runs; `saw` every version that it was ever told."""

    client: DeltaClient
    has: dict[str, str] = field(default_factory=dict)
    saw: set[str] = field(default_factory=set)

    async def run(self) -> None:
        await self.client.subscribe(CLUSTER)
        while True:
            told = await self.client.next(within_s=600)
            self.has |= {one.name: one.version for one in told.resources}
            self.saw |= {one.version for one in told.resources}
            for name in told.removed_resources:
                self.has.pop(name, None)
            await self.client.ack(CLUSTER)

    async def runs(self, *resources: Resource) -> None:
        wanted = {one.name: one.version for one in resources}
        await until(lambda: self.has == wanted, f"Envoy to run {sorted(wanted)}")


@dataclass(frozen=True)
class Site:
    edge: EdgeForTests
    agent: Parts
    envoy: Taker

    def serve(self, *resources: Resource) -> None:
        self.edge.serve(*resources, group=EDGE)

    async def knows(self, *resources: Resource) -> None:
        """Wait until the agent has heard it."""
        wanted = {one.name: one.version for one in resources}
        held = self.agent.passage.mirror.held
        await until(lambda: {n: r.version for n, r in held(CLUSTER).items()} == wanted, "the agent to hear it")

    async def is_refused(self, words: str) -> None:
        def told() -> bool:
            return any(words in one.message for one in self.edge.fleet.rejections(EDGE))

        await until(told, "the control plane to hear of it")

    async def is_accepted(self) -> None:
        await until(lambda: not self.edge.fleet.rejections(EDGE), "the control plane to hear that all is well")


@pytest.fixture
def state() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="agent"))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
async def edge() -> AsyncIterator[EdgeForTests]:
    async with an_edge() as edge:
        yield edge


@asynccontextmanager
async def a_site(edge: EdgeForTests, state: Path, **settings: Any) -> AsyncIterator[Site]:
    """An agent and its Envoy begin; what they left is found."""
    async with AsyncExitStack() as stack:
        ours = {"envoy": "mind", "bake_s": 0, **settings}
        agent = await stack.enter_async_context(an_agent_here(edge.address, state=state, **ours))
        envoy = Taker(await stack.enter_async_context(DeltaClient(agent.server.address, "edge-1", EDGE)))
        taking = asyncio.create_task(envoy.run())
        try:
            yield Site(edge, agent, envoy)
        finally:
            taking.cancel()
            with suppress(asyncio.CancelledError):
                await taking


async def goes_back(site: Site) -> None:
    """`OLD` becomes good, then Envoy dies of `NEW` and `CARTS`."""
    site.serve(OLD)
    await site.envoy.runs(OLD)
    good = site.agent.last_good
    await good.ready(EnvoyFacts())
    await until(lambda: good.good.revision == 1, "a good generation")
    site.serve(NEW, CARTS)
    await site.envoy.runs(NEW, CARTS)
    await until(lambda: site.agent.passage.is_acknowledged, "the new content to be taken")
    await good.exited(Exit(-11))
    await good.fall_back(good.content[:12], "Envoy crashed twice")
    await site.envoy.runs(OLD)
    await site.is_refused("fell back to generation 1 of revision 1: Envoy crashed twice; suspected: cluster/carts")


def is_held(site: Site) -> bool:
    return site.agent.passage.content.pin is not None


async def test_what_others_publish_does_not_end_it_is_not_served_and_is_not_said_to_be(
    edge: EdgeForTests, state: Path
) -> None:
    async with a_site(edge, state) as site:
        await goes_back(site)
        for others in ((OTHER,), (OTHER, MORE), (MORE,)):
            site.serve(NEW, CARTS, *others)
            await site.knows(NEW, CARTS, *others)
            assert is_held(site)
        await site.envoy.runs(OLD)
        status = site.agent.status.document()["served"]
        assert (status["source"], status["suspects"]) == ("fallback", ("cluster/carts", "cluster/web"))
        site.serve(BETTER, CARTS, MORE)
        await site.envoy.runs(BETTER, CARTS, MORE)
        await site.is_accepted()
        assert not is_held(site)


@pytest.mark.parametrize("ending", [(BETTER, CARTS), (OLD, CARTS), (NEW,), (OLD,), (CARTS,)], ids=repr)
async def test_any_suspect_that_is_otherwise_ends_it(
    edge: EdgeForTests, state: Path, ending: tuple[Resource, ...]
) -> None:
    async with a_site(edge, state) as site:
        await goes_back(site)
        site.serve(*ending)
        await site.envoy.runs(*ending)
        await site.is_accepted()
        assert not is_held(site)


async def restarted(edge: EdgeForTests, state: Path) -> None:
    async with a_site(edge, state) as site:
        await goes_back(site)
        await until((state / "pinned.json").exists, "the disk to know")


async def test_a_restart_does_not_try_again_what_is_still_there(edge: EdgeForTests, state: Path) -> None:
    await restarted(edge, state)
    edge.serve(NEW, CARTS, OTHER, group=EDGE)
    async with a_site(edge, state, start_patience_s=600) as site:
        await site.is_refused("fell back to generation 1")
        await site.envoy.runs(OLD)
        assert site.envoy.saw == {OLD.version}
        site.serve(NEW, CARTS, MORE)
        await site.is_refused("fell back to generation 1")
        assert is_held(site)
        site.serve(NEW, MORE)
        await site.envoy.runs(NEW, MORE)
        await site.is_accepted()
    assert not (state / "pinned.json").exists()


@pytest.mark.parametrize("ending", [(BETTER, CARTS), (OLD, CARTS), (NEW,), (OLD,), (OLD, OTHER)], ids=repr)
async def test_what_was_mended_while_the_agent_was_away_is_served(
    edge: EdgeForTests, state: Path, ending: tuple[Resource, ...]
) -> None:
    await restarted(edge, state)
    edge.serve(*ending, group=EDGE)
    async with a_site(edge, state, start_patience_s=600) as site:
        await site.envoy.runs(*ending)
        await until(lambda: site.agent.passage.content.source is Source.UPSTREAM, "it to be over")
        await until(lambda: not (state / "pinned.json").exists(), "the disk to know")
        await site.is_accepted()


async def test_it_holds_from_the_disk_while_nobody_answers(state: Path) -> None:
    async with an_edge() as first:
        await restarted(first, state)
    async with a_site(first, state, start_patience_s=0) as site:
        await site.envoy.runs(OLD)
        assert (is_held(site), site.agent.passage.content.source) == (True, Source.DISK)
    assert (state / "pinned.json").exists()


@pytest.mark.parametrize("how", ["a restart of Envoy", "a reset"])
async def test_an_operator_can_end_it(edge: EdgeForTests, state: Path, how: str) -> None:
    async with a_site(edge, state) as site:
        await goes_back(site)
        if how == "a reset":
            reset(site.agent.settings, lambda: site.agent.settings)
            await site.agent.last_good.read_floor_again()
        else:
            site.agent.last_good.end_pin("an operator restarts Envoy")
        await site.envoy.runs(NEW, CARTS)
        await site.is_accepted()


async def test_what_is_bad_once_more_is_gone_back_from_once_more(edge: EdgeForTests, state: Path) -> None:
    """That it was good for a while does not help it, once it was found to be bad."""
    tried: list[bool] = []
    async with a_site(edge, state) as site:
        good = site.agent.last_good
        site.agent.last_good.applied = lambda content, proven: tried.append(proven)
        site.serve(OLD)
        await site.envoy.runs(OLD)
        await good.ready(EnvoyFacts())
        await until(lambda: good.good.revision == 1, "a good generation")
        site.serve(NEW, CARTS)
        await until(lambda: good.good.revision == 2, "what Envoy dies of later to be good")
        await good.exited(Exit(-11))
        await good.fall_back(good.content[:12], "Envoy crashed twice")
        await site.envoy.runs(OLD)
        await good.ready(EnvoyFacts())
        assert good.good.revision == 1
        good.end_pin("a test says so")
        await site.envoy.runs(NEW, CARTS)
        assert tried[-1] is False
        assert good.good.revision == 1
