"""The last known good: read at the start, written when Envoy lives with what it has, gone back to when it does not.

`Baking` decides; this tells it what happens, and has the disk do what it says, in a thread. Nothing here can keep
anything from being served.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from agents.node.envoy.facts import EnvoyFacts, Exit, Phase
from agents.node.generations.baking import (
    SETTLED_S,
    Baking,
    Done,
    Failed,
    Outcome,
    Promote,
    Transition,
    Write,
    Written,
)
from agents.node.generations.floor import Floor
from agents.node.generations.generation import Contents, ResourceName, Search, Summary, content_of
from agents.node.generations.pin import Versions
from agents.node.generations.problems import NotWritten
from agents.node.generations.store import Generations
from agents.node.local.content import Source
from agents.node.local.passage import Passage
from agents.node.local.timers import Timers
from agents.node.pinning import Pinning
from api.telemetry import logs
from xds.protocol.catalogue import Catalogue
from xds.protocol.types import RESOURCE_TYPES

CONTENT_DIGITS = 12
REMEMBERED = 100
FLOOR_PAUSE_S = 1.0
"""Revisions may come quickly, and each costs the disk a flush; what is lost by that is a moment of caution."""

_ON_PURPOSE = (Phase.TURNING_AWAY, Phase.DRAINING, Phase.ENDING, Phase.ENDED)
_Job = tuple[Transition, Contents | None]


@dataclass(frozen=True, slots=True)
class Known:
    """A generation: its number, and the revision that it is of. 0: there is none."""

    number: int = 0
    revision: int = 0


NONE = Known()


class LastGood:
    """`begin` before anything is served, `run` beside it; the rest is told to it as it happens.

    `applied` is called with (content, proven) whenever Envoy is served something else, `baked` when that is good.
    """

    def __init__(
        self, passage: Passage, generations: Generations, floor: Floor, pinning: Pinning, bake_s: float
    ) -> None:
        self.applied: Callable[[str, bool], None] = lambda content, proven: None
        self.baked: Callable[[str], None] = lambda content: None
        self.content = ""
        self.good = NONE
        self._passage = passage
        self._generations = generations
        self._floor = floor
        self._pinning = pinning
        self._disk = asyncio.Lock()
        self._crashed_with: Versions = {}
        self._group = passage.identity.group
        self._bake_s = bake_s
        self._baking = Baking(bake_s, settled_s=min(SETTLED_S, bake_s))
        self._baked_s = self._fell_back_s = 0
        self._timers = Timers()
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue()
        self._told = ("", False)
        self._kept: dict[str, Known] = {}
        self._proven: set[str] = set()
        self._risen = asyncio.Event()
        self._log = logs.logger("generations")

    async def begin(self, patience_s: float) -> None:
        """Find what is on the disk, and have it ready in case that upstream says nothing."""
        search, floor = await asyncio.to_thread(self._found)
        self._passage.mirror.floor = floor
        if search.generation is not None:
            self.good = _known(search.generation.summary)
            pin = await asyncio.to_thread(self._pinning.find)
            self._passage.seed(search.generation.contents, patience_s, pin)
            if pin is not None:
                self._log.warning(f"held to generation {self.good.number} still: {pin.words}")
        self._passage.on_news = self.news
        self._passage.on_refused = self._refused

    async def run(self) -> NoReturn:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_floor())
            group.create_task(self._pinning.run())
            while True:
                # In a frame of its own: what was written is not held until something else is.
                await self._carry_out(*await self._jobs.get())

    async def read_floor_again(self) -> None:
        """Take whatever revision comes next, and be held to nothing, if that was asked for by `reset` meanwhile."""
        if await asyncio.to_thread(self._is_forgotten):
            self._passage.mirror.floor = 0
            self._log.info("the floor is forgotten: whatever revision comes next is taken")
            self.end_pin("it was reset")

    def end_pin(self, because: str) -> None:
        """Serve what upstream says, even if Envoy did not live with it."""
        self._passage.end_pin(because)

    def news(self) -> None:
        """What is served, or what Envoy has made of it, may be another."""
        if self._passage.mirror.floor:
            self._risen.set()
        self._pinning.look()
        if self._passage.content.source is Source.NOTHING or not self._passage.catalogue.revision:
            return
        content, acknowledged = content_of(self._passage.catalogue), self._passage.is_acknowledged
        if content != self.content:
            self.content = content
            self.applied(content[:CONTENT_DIGITS], self._is_proven(content))
        if (content, acknowledged) != self._told:
            self._told = content, acknowledged
            self._ask(self._baking.holds(content, acknowledged=acknowledged, now_s=self._timers.now_s))

    async def ready(self, facts: EnvoyFacts) -> None:
        """Envoy is live."""
        self._ask(self._baking.healthy(self._timers.now_s))

    async def unready(self, facts: EnvoyFacts) -> None:
        """It is not; when that is wanted, it says nothing of what Envoy is served."""
        if not facts.held and facts.phase not in _ON_PURPOSE:
            because = facts.words or f"it is {facts.server_state or facts.phase}"
            self._ask(self._baking.unhealthy(because, self._timers.now_s))

    async def exited(self, exit: Exit) -> None:
        """A process has ended."""
        if exit.crashed:
            self._crashed_with = self._passage.content.versions
            self._ask(self._baking.crashed(f"Envoy {exit}", self._timers.now_s))

    async def fall_back(self, content: str, why: str) -> None:
        """Serve what was good before `content`, with which Envoy does not live."""
        bad, self._crashed_with = self._crashed_with or self._passage.content.versions, {}
        async with self._disk:
            search = await asyncio.to_thread(self._good_without, content)
            self._has_failed(content)
        if search.generation is None:
            self._log.error("nothing to fall back to: no good generation is on the disk", why=why)
            return
        told = search.generation.summary
        self.good = _known(told)
        words = f"fell back to generation {told.number} of revision {told.revision}: {why}"
        if not self._passage.fall_back(search.generation.contents, bad, words):
            self._log.warning("not gone back: what Envoy is served is no longer what it crashed with", why=why)
            return
        self._fell_back_s = int(time.time())
        self._log.error(words)
        self.news()

    @property
    def running(self) -> Known:
        """The generation that is served now, where the disk has it."""
        from_disk = self._passage.content.source in (Source.DISK, Source.FALLBACK)
        return self._kept.get(self.content, self.good if from_disk else NONE)

    def facts(self) -> dict[str, Any]:
        """For people, as JSON. Times in Unix seconds: when what bakes will be good, and of the fallback that lasts."""
        return {
            "good": self.good.number,
            "good_revision": self.good.revision,
            "baking": self._baking.candidate,
            "baked_s": self._baked_s if self._baking.candidate else 0,
            "fell_back_s": self._fell_back_s if self._passage.content.pin is not None else 0,
            "problem": self._generations.problem,
        }

    # The disk, in threads

    async def _carry_out(self, transition: Transition, contents: Contents | None) -> None:
        async with self._disk:
            outcome = await asyncio.to_thread(self._generations.carry_out, transition, contents, int(time.time()))
            self._tell(transition, contents, outcome)
        self._ask(self._baking.learn(outcome, self._timers.now_s))

    def _found(self) -> tuple[Search, int]:
        self._generations.open()
        search = self._generations.newest_good()
        for unusable in search.unusable:
            self._log.warning("a generation was passed over", file=unusable.file_name, why=unusable.why)
        known = search.generation.contents.revision if search.generation else 0
        floor = self._floor.of(self._group, otherwise=known)
        if self._floor.damage:
            self._log.warning(self._floor.damage)
        return search, floor

    def _good_without(self, content: str) -> Search:
        """One that became good and then was not is never used again."""
        culprit = next((known for held, known in self._kept.items() if held.startswith(content)), None)
        if culprit is not None:
            try:
                self._generations.reject(culprit.number)
            except NotWritten as error:
                self._log.warning(error.message)
                return self._generations.newest_good(before=culprit.number)
        return self._generations.newest_good()

    def _is_forgotten(self) -> bool:
        self._floor.read_again()
        return self._floor.of(self._group, otherwise=1) == 0

    async def _keep_floor(self) -> NoReturn:
        while True:
            await self._risen.wait()
            self._risen.clear()
            try:
                await asyncio.to_thread(self._floor.raise_to, self._group, self._passage.mirror.floor)
            except NotWritten as error:
                self._log.warning(error.message)
            await asyncio.sleep(FLOOR_PAUSE_S)

    # Baking

    def _refused(self, words: str) -> None:
        if self.content:
            self._ask(self._baking.nacked(self.content, f"Envoy refused it: {words}", self._timers.now_s))

    def _ask(self, transition: Transition | None) -> None:
        if transition is not None:
            contents = self._contents() if isinstance(transition, Write) else None
            self._jobs.put_nowait((transition, contents))
        self._timers.put("bake", self._baking.wake_at_s, self._tick)

    def _contents(self) -> Contents:
        return _contents(self._passage.catalogue, self._passage.content.left_out)

    def _tick(self) -> None:
        self._ask(self._baking.tick(self._timers.now_s))

    def _tell(self, transition: Transition, contents: Contents | None, outcome: Outcome) -> None:
        match transition, outcome:
            case _, Failed(why):
                self._log.warning(why)
            case Write(content), Written(number, state):
                known = Known(number, contents.revision if contents else 0)
                self._remember(content, known)
                self._baked_s = int(time.time() + self._bake_s)
                self._log.info(f"generation {number} is kept", state=state, revision=known.revision)
                if state == "good":
                    self._is_good(content)
            case Promote(number), Done():
                self._log.info(f"generation {number} is good")
                self._is_good(next((held for held, known in self._kept.items() if known.number == number), ""))

    def _remember(self, content: str, known: Known) -> None:
        """Not for ever: a generation may be written every minute."""
        self._kept.pop(content, None)
        self._kept[content] = known
        if len(self._kept) > REMEMBERED:
            oldest = next(iter(self._kept))
            del self._kept[oldest]
            self._proven.discard(oldest)

    def _is_good(self, content: str) -> None:
        self._proven.add(content)
        self.good = self._kept.get(content, self.good)
        self.baked(content[:CONTENT_DIGITS])

    def _has_failed(self, digits: str) -> None:
        """It may have been good before; served once more it has to prove itself anew."""
        for content in [*(held for held in self._proven if held.startswith(digits)), self.content]:
            if content.startswith(digits):
                self._proven.discard(content)
                self._baking.failed(content)

    def _is_proven(self, content: str) -> bool:
        return content in self._proven or self._passage.content.source in (Source.DISK, Source.FALLBACK)


def _known(told: Summary) -> Known:
    return Known(told.number, told.revision)


def _contents(catalogue: Catalogue, left_out: tuple[ResourceName, ...]) -> Contents:
    """All that is served now, and what is known not to be."""
    served = [catalogue.served(row.url) for row in RESOURCE_TYPES]
    resources = tuple(resource for one in served for resource in one.resources.values())
    whole = tuple(one.type_url for one in served if one.knowledge is not None and one.knowledge.everything)
    return Contents(catalogue.revision, resources, whole, tuple(_absent(catalogue)), left_out)


def _absent(catalogue: Catalogue) -> Iterator[ResourceName]:
    for row in RESOURCE_TYPES:
        served = catalogue.served(row.url)
        answered = served.knowledge.answered if served.knowledge is not None else set()
        yield from (ResourceName(row.url, name) for name in sorted(answered - served.resources.keys()))
