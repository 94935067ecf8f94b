"""Drives `life`: carries out what it decides, and tells it what happens to processes. `looking` tells it what the admin
interface says.

Everything that happens is an event in one queue, so that one thing is decided after the other. Who waits for load
balancers or a fallback does so in a hook, and Envoy's life goes on after it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from agents.node.envoy import decisions
from agents.node.envoy.admin import Admin
from agents.node.envoy.bootstrap_file import Bootstrap
from agents.node.envoy.command import Call, checked
from agents.node.envoy.decisions import Decisions, Event, nothing
from agents.node.envoy.facts import EnvoyFacts, Exit, Phase
from agents.node.envoy.family import Family, Member
from agents.node.envoy.keeping import Hooks
from agents.node.envoy.life import Life, Limits
from agents.node.envoy.logs import LIMIT_BYTES, cut_if_large, last_lines
from agents.node.envoy.looking import Looking
from agents.node.envoy.orphans import Orphans
from agents.node.envoy.succession import Succession
from agents.node.envoy.wanting import wish
from api.errors import FairleadError, InvalidConfig
from api.telemetry import logs

_TIDY_S = 30.0
_SERVING = (Phase.RUNNING, Phase.REPLACING)


@dataclass(frozen=True, slots=True)
class Supervised:
    """What to run, and how. `directory` is for Envoy's files alone; `binary`: None for the one that is found."""

    bootstrap: Bootstrap
    directory: Path
    binary: Path | None = None
    arguments: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    log_limit_bytes: int = LIMIT_BYTES


class Supervisor:
    """An `EnvoyKeeper` for an Envoy that the agent runs. `run` once."""

    def __init__(self, what: Supervised, hooks: Hooks | None = None) -> None:
        """Raises InvalidConfig for arguments that are the agent's own."""
        self._what = what
        self._hooks = hooks or Hooks()
        self._log = logs.logger("envoy")
        directory, limits = what.directory.absolute(), what.limits
        arguments = checked(what.arguments)
        call = Call(
            directory / "bootstrap.json", directory / "base_id", limits.drain_s, limits.parent_shutdown_s, arguments
        )
        self.admin = Admin(what.bootstrap.admin)
        self.log_file = directory / "envoy.log"
        self._family = Family(call, directory / "process.json", self.log_file, str(self.admin))
        self._life = Life(limits, _jitter())
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        put = self._events.put_nowait
        self._looking = Looking(self.admin, self._life, self._family, put, limits.hang_s, self._known)
        self._succession = Succession(self._life, self._family, self._looking)
        self._orphans = Orphans(lambda: {each.child.awaited for each in self._family.members.values()})
        self._followers: set[asyncio.Task[None]] = set()
        self._left = self._diverges = False
        self._exits: list[Exit] = []
        self._started_s = self._last_exit_s = 0.0
        self.facts = EnvoyFacts()

    # For the rest of the agent: see EnvoyKeeper

    def stop(self) -> None:
        self._events.put_nowait(self._life.stop)

    def hurry(self) -> None:
        self._events.put_nowait(self._life.hurry)

    def leave(self) -> None:
        self._left = True
        self._events.put_nowait(nothing)

    def applied(self, generation: str, *, proven: bool) -> None:
        self._events.put_nowait(lambda now_s: self._life.applied(generation, now_s, proven=proven))

    def baked(self, generation: str) -> None:
        self._events.put_nowait(lambda now_s: self._life.baked(generation))

    def hold(self) -> None:
        self._looking.hold(True)

    def release(self) -> None:
        self._looking.hold(False)

    async def restart(self, *, drained: bool = False) -> str:
        """See EnvoyKeeper. Also raises EnvoyMissing, InvalidConfig."""
        coming = await wish(self._what.binary, self._what.bootstrap)
        if drained:
            self._succession.settle_on(coming)
            self._events.put_nowait(self._life.restart_drained)
            return "Envoy is drained and started again"
        if self._life.ready:
            await self._succession.check(coming)
        self._succession.settle_on(coming)
        self._events.put_nowait(self._life.take_over)
        return "another Envoy takes over" if self._life.ready else "Envoy is started again"

    async def refresh(self, bootstrap: Bootstrap | None = None, binary: Path | None = None) -> str:
        """See EnvoyKeeper."""
        before = self._what
        if bootstrap is not None:
            self._what = replace(before, bootstrap=bootstrap, binary=binary)
        try:
            coming = await wish(self._what.binary, self._what.bootstrap)
            current = self._current
            if current is None or current.runs(coming.wanted):
                self._succession.settle_on(coming)
                return ""
            return await self.restart()
        except FairleadError:
            self._what = before
            raise

    async def run(self) -> None:
        """See EnvoyKeeper. Raises EnvoyMissing, InvalidConfig where no Envoy runs and none can be started."""
        count = await self._begin()
        try:
            async with asyncio.TaskGroup() as group:
                beside = (self._looking.run(), self._tidy(), self._orphans.reap())
                helpers = [group.create_task(each) for each in beside]
                self._create = group.create_task
                for number in self._family.members:
                    self._follow(number)
                await self._live(count)
                for task in (*helpers, *self._followers):
                    task.cancel()
        finally:
            self._family.close()

    # The beginning

    async def _begin(self) -> int:
        """How many Envoys run already."""
        self._prepare_directory()
        count, wrong = await asyncio.to_thread(self._family.adopt)
        if wrong:
            self._log.warning("the record of Envoy's processes is of no use", why=wrong)
        try:
            self._succession.settle_on(await wish(self._what.binary, self._what.bootstrap))
        except FairleadError as error:
            if not count:
                raise
            self._log.warning("the Envoy that runs is kept as it is", why=error.message)
        return count

    def _prepare_directory(self) -> None:
        directory = self._what.directory
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidConfig(f"cannot make the directory {directory} for Envoy: {error.strerror}") from error

    # The loop

    async def _live(self, count: int) -> None:
        await self._happened(self._life.begin if not count else lambda now_s: self._adopted(count, now_s))
        while not self._left and self._life.phase is not Phase.ENDED:
            await self._happened(await self._next_event())

    async def _next_event(self) -> Event:
        due_s = self._life.due_s
        with suppress(TimeoutError):
            async with asyncio.timeout(None if due_s is None else max(0.0, due_s - time.monotonic())):
                return await self._events.get()
        return self._life.tick

    async def _happened(self, event: Event) -> None:
        phase, current, takeovers = self._life.phase, self._life.current, self._life.takeovers
        decided = event(time.monotonic())
        while self._exits:
            await self._hooks.on_exit(self._exits.pop(0))
        for decision in decided:
            await self._do(decision)
        if (phase, current) != (self._life.phase, self._life.current):
            self._looking.hurry()
            if phase is Phase.REPLACING and (current, takeovers) == (self._life.current, self._life.takeovers):
                self._succession.settle_back()
        await self._notice()

    async def _do(self, decision: decisions.Decision) -> None:
        match decision:
            case decisions.Start(number, takes_over):
                self._start(number, takes_over)
            case decisions.Send(number, how):
                self._family.send(number, how)
            case decisions.Drain():
                for problem in await self._looking.ask_to_drain():
                    self._tell(f"Envoy cannot be asked to drain: {problem}", True)
            case decisions.FallBack(generation, why):
                self._log.warning("falling back", generation=generation, why=why)
                await self._hooks.fall_back(generation, why)
            case decisions.Tell(words, warning):
                self._tell(words, warning)
            case decisions.Done():
                self._tell("Envoy has ended", False)

    def _tell(self, words: str, warning: bool) -> None:
        (self._log.warning if warning else self._log.info)(words, pid=self.facts.pid)

    async def _notice(self) -> None:
        """Have the facts as they are now, and tell who wants to know that clients should come or stay away."""
        before, facts = self.facts, self._facts()
        if facts == before:
            return
        self.facts = facts
        if self.facts.ready and (not before.ready or before.pid != self.facts.pid):
            await self._hooks.on_ready(self.facts)
        elif before.ready and not self.facts.ready:
            await self._hooks.on_unready(self.facts)

    # Processes

    def _adopted(self, count: int, now_s: float) -> Decisions:
        self._tell("took over the Envoy that runs", False)
        self._started_s = time.time() - self._family.members[count].age_s
        decided, coming = self._life.adopt(count, now_s), self._succession.wish
        self._diverges = coming is not None and not self._family.members[count].runs(coming.wanted)
        return decided

    def _known(self) -> None:
        """The current process has said what it is, and can be restarted from now on."""
        if self._diverges:
            self._diverges = False
            self._create(self._converge())

    async def _converge(self) -> None:
        """The Envoy that was found runs with something else than it should."""
        try:
            self._tell(f"it runs with another program or bootstrap: {await self.restart()}", False)
        except FairleadError as error:
            self._tell(f"it runs with another program or bootstrap, and goes on so: {error.message}", True)

    def _start(self, number: int, takes_over: bool) -> None:
        try:
            member = self._started(number, takes_over)
        except OSError as error:
            why = str(error)
            self._last_exit_s = self._last_exit_s if takes_over else time.time()
            self._events.put_nowait(lambda now_s: self._life.could_not_start(number, why, now_s))
            return
        self._log.info("Envoy is started", pid=member.child.pid, epoch=member.epoch.number)
        self._follow(number)

    def _started(self, number: int, takes_over: bool) -> Member:
        """Raises OSError."""
        coming, info = self._succession.wish, self._looking.info
        if coming is None:
            self._create(self._wish_again())
            raise OSError("there is no Envoy to run")
        if takes_over:
            version = info.hot_restart_version if info else ""
            return self._family.start_next(number, self._life.current or 0, coming.wanted, version)
        member = self._family.start(number, coming.wanted)
        self._started_s, self._looking.state = time.time(), ""
        return member

    async def _wish_again(self) -> None:
        """What an Envoy was adopted without may be there by now."""
        try:
            self._succession.settle_on(await wish(self._what.binary, self._what.bootstrap))
        except FairleadError as error:
            self._tell(error.message, True)

    def _follow(self, number: int) -> None:
        task: asyncio.Task[None] = self._create(self._until_it_ends(number))
        self._followers.add(task)
        task.add_done_callback(self._followers.discard)

    async def _until_it_ends(self, number: int) -> None:
        status = await self._family.ended(number)
        exit = Exit(status, self._life.asked(number))
        self._events.put_nowait(lambda now_s: self._exited(number, exit, now_s))
        if exit.crashed:
            self._log.warning(f"Envoy {exit}{await asyncio.to_thread(last_lines, self.log_file)}")

    def _exited(self, number: int, exit: Exit, now_s: float) -> Decisions:
        if number == self._life.current:
            self._exits.append(exit)
            self._last_exit_s = time.time()
        return self._life.exited(number, exit, now_s)

    @property
    def _current(self) -> Member | None:
        return self._family.members.get(self._life.current or 0)

    async def _tidy(self) -> None:
        while True:
            with suppress(OSError):  # a disk that is full: it is tried again
                await asyncio.to_thread(cut_if_large, self.log_file, self._what.log_limit_bytes)
            await asyncio.sleep(_TIDY_S)

    # What is known

    def _facts(self) -> EnvoyFacts:
        life, member, looking = self._life, self._current, self._looking
        return EnvoyFacts(
            phase=life.phase,
            ready=member is not None and life.ready and life.phase in _SERVING and looking.welcomes,
            pid=member.child.pid if member else None,
            epoch=member.epoch.number if member else 0,
            version=self._version(member),
            server_state=looking.state if member else "",
            restarts=life.restarts,
            takeovers=life.takeovers,
            last_exit=life.last_exit,
            last_exit_s=self._last_exit_s,
            since_s=self._started_s,
            held=looking.held,
            adopted=member.adopted if member else False,
            words=self._words(),
        )

    def _version(self, member: Member | None) -> str:
        """What runs, as it says itself; until it does, the program that was started."""
        info, coming = self._looking.info, self._succession.wish
        if info is not None and member is not None and self._looking.is_known:
            return info.version
        return coming.wanted.program.version if coming else ""

    def _words(self) -> str:
        if self._life.looping:
            return f"crash loop: it {self._life.last_exit}"
        if not self._life.sighted:
            return "its admin interface is closed, so that its readiness cannot be seen; restart it"
        return ""


def _jitter() -> Iterator[float]:
    while True:
        yield random.random()
