"""Drives `life`: carries out what it decides, and tells it what happens to processes and what the admin interface says.

Everything that happens is an event in one queue, so that one thing is decided after the other. Who waits for load
balancers or a fallback does so in a hook, and Envoy's life goes on after it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from agents.node.envoy import hot_restart, life
from agents.node.envoy.admin import Admin, AdminError, ServerInfo, ServerState
from agents.node.envoy.bootstrap_file import Bootstrap, write_bootstrap
from agents.node.envoy.command import Call, checked
from agents.node.envoy.facts import EnvoyFacts, Exit, Phase
from agents.node.envoy.family import Family, Member
from agents.node.envoy.keeping import EnvoyStays, Hooks
from agents.node.envoy.life import Decisions, Life, Limits
from agents.node.envoy.logs import LIMIT_BYTES, cut_if_large, last_lines
from agents.node.envoy.orphans import Orphans
from agents.node.envoy.wanting import Wish, objection, wish
from api.errors import FairleadError, InvalidConfig
from api.telemetry import logs

_FIRST_LOOK_S, _LONGEST_LOOK_S, _DRAINING_LOOK_S, _LONGER = 0.05, 1.0, 0.25, 1.3
_ASK_S = 5.0
_TIDY_S = 30.0
_DRAINING_PAGES = ("/healthcheck/fail", "/drain_listeners?graceful&skip_exit")
_SERVING = (Phase.RUNNING, Phase.REPLACING)
# Draining is what Envoy says when somebody has it fail its health checks: it runs, and wants no clients.
_INITIALIZED = (ServerState.LIVE, ServerState.DRAINING)

Event = Callable[[float], Decisions]


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
        self._orphans = Orphans(lambda: {each.child.awaited for each in self._family.members.values()})
        self._followers: set[asyncio.Task[None]] = set()
        self._moved = asyncio.Event()
        self._wish: Wish | None = None
        self._before: Wish | None = None
        self._info: ServerInfo | None = None
        self._informed_by = 0
        self._held = self._left = self._diverges = False
        self._held_told = (0, False)
        self._exits: list[Exit] = []
        self._started_s = 0.0
        self._server_state = ""
        self.facts = EnvoyFacts()

    # For the rest of the agent: see EnvoyKeeper

    def stop(self) -> None:
        self._events.put_nowait(self._life.stop)

    def hurry(self) -> None:
        self._events.put_nowait(self._life.hurry)

    def leave(self) -> None:
        self._left = True
        self._events.put_nowait(_nothing)

    def applied(self, generation: str, *, proven: bool) -> None:
        self._events.put_nowait(lambda now_s: self._life.applied(generation, now_s, proven=proven))

    def hold(self) -> None:
        self._hold(True)

    def release(self) -> None:
        self._hold(False)

    def _hold(self, held: bool) -> None:
        self._held = held
        self._moved.set()
        self._events.put_nowait(_nothing)

    async def restart(self, *, drained: bool = False) -> str:
        """See EnvoyKeeper. Also raises EnvoyMissing, InvalidConfig."""
        coming = await wish(self._what.binary, self._what.bootstrap)
        if drained:
            self._settle_on(coming)
            self._events.put_nowait(self._life.restart_drained)
            return "Envoy is drained and started again"
        if self._life.ready:
            await self._check_takeover(coming)
        self._settle_on(coming)
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
                self._settle_on(coming)
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
                helpers = [group.create_task(each) for each in (self._watch(), self._tidy(), self._orphans.reap())]
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
            self._settle_on(await wish(self._what.binary, self._what.bootstrap))
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

    def _settle_on(self, coming: Wish) -> None:
        """From now on a start is with this. Raises InvalidConfig where the bootstrap cannot be written."""
        write_bootstrap(coming.content, self._family.call.bootstrap)
        if self._wish is None or self._wish.wanted != coming.wanted:
            self._before = self._wish
        self._wish = coming

    def _settle_back(self) -> None:
        """The one that was to take over did not: what is started next is what is known to start."""
        if self._before is not None:
            with suppress(InvalidConfig):
                self._settle_on(self._before)

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
        decisions = event(time.monotonic())
        while self._exits:
            await self._hooks.on_exit(self._exits.pop(0))
        for decision in decisions:
            await self._do(decision)
        if (phase, current) != (self._life.phase, self._life.current):
            self._moved.set()
            if phase is Phase.REPLACING and (current, takeovers) == (self._life.current, self._life.takeovers):
                self._settle_back()
        await self._notice()

    async def _do(self, decision: life.Decision) -> None:
        match decision:
            case life.Start(number, takes_over):
                self._start(number, takes_over)
            case life.Send(number, how):
                self._family.send(number, how)
            case life.Drain():
                await self._ask_to_drain()
            case life.FallBack(generation, why):
                self._log.warning("falling back", generation=generation, why=why)
                await self._hooks.fall_back(generation, why)
            case life.Tell(words, warning):
                self._tell(words, warning)
            case life.Done():
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
        decisions = self._life.adopt(count, now_s)
        self._diverges = self._wish is not None and not self._family.members[count].runs(self._wish.wanted)
        return decisions

    async def _converge(self) -> None:
        """The Envoy that was found runs with something else than it should."""
        try:
            self._tell(f"it runs with another program or bootstrap: {await self.restart()}", False)
        except FairleadError as error:
            self._tell(f"it runs with another program or bootstrap, and goes on so: {error.message}", True)

    def _start(self, number: int, takes_over: bool) -> None:
        try:
            if self._wish is None:
                self._create(self._wish_again())
                raise OSError("there is no Envoy to run")
            if takes_over:
                version = self._info.hot_restart_version if self._info else ""
                before = self._life.current or 0
                member = self._family.start_next(number, before, self._wish.wanted, version)
            else:
                member = self._family.start(number, self._wish.wanted)
                self._started_s, self._server_state = time.time(), ""
        except OSError as error:
            why = str(error)
            self._events.put_nowait(lambda now_s: self._life.could_not_start(number, why, now_s))
            return
        self._log.info("Envoy is started", pid=member.child.pid, epoch=member.epoch.number)
        self._follow(number)

    async def _wish_again(self) -> None:
        """What an Envoy was adopted without may be there by now."""
        try:
            self._settle_on(await wish(self._what.binary, self._what.bootstrap))
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
        return self._life.exited(number, exit, now_s)

    @property
    def _current(self) -> Member | None:
        return self._family.members.get(self._life.current or 0)

    # The admin interface

    async def _watch(self) -> None:
        """Ask often while something is awaited, and seldom when all is as it was."""
        pause_s = _FIRST_LOOK_S
        while True:
            await self._look()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(pause_s, _DRAINING_LOOK_S) if self._is_draining else pause_s):
                    await self._moved.wait()
            pause_s = _FIRST_LOOK_S if self._moved.is_set() else min(pause_s * _LONGER, _LONGEST_LOOK_S)
            self._moved.clear()

    @property
    def _is_draining(self) -> bool:
        return self._life.phase is Phase.DRAINING

    async def _look(self) -> None:
        asked = self._life.current
        try:
            event = await self._question()
        except AdminError as error:
            absent = error.absent

            def event(now_s: float) -> Decisions:
                return self._life.silent(now_s, absent=absent)

        # An answer of a process that has been replaced or has ended since says nothing of the one that there is now.
        self._events.put_nowait(lambda now_s: event(now_s) if self._life.current == asked else ())

    async def _question(self) -> Event:
        """Ask what matters now. Raises AdminError."""
        phase, admin = self._life.phase, replace(self.admin, deadline_s=self._patience_s)
        if self._is_draining:
            return self._life.drained if await admin.connections() == 0 else _nothing
        if phase is Phase.REPLACING or (phase is Phase.RUNNING and self._informed_by != self._life.current):
            return await self._informed(admin)
        if phase is Phase.RUNNING:
            await self._tell_held(admin)
        if phase in (Phase.STARTING, Phase.RUNNING, Phase.TURNING_AWAY):
            state = await admin.ready()
            self._server_state = state
            return lambda now_s: self._life.answered(state in _INITIALIZED, now_s)
        return _nothing

    async def _informed(self, admin: Admin) -> Event:
        """Which of several epochs it is that answers."""
        info = await admin.server_info()
        number = self._family.number_of(info.epoch, info.base_id)
        self._info, self._server_state = info, info.state
        if number is not None:
            self._family.base_id_known(number)
        if self._life.phase is Phase.RUNNING:
            self._informed_by = self._life.current or 0
            if self._diverges:
                self._diverges = False
                self._create(self._converge())
        return lambda now_s: self._life.answered(info.state in _INITIALIZED, now_s, number)

    async def _tell_held(self, admin: Admin) -> None:
        """Each process has to be told itself that clients should go elsewhere, or may come again."""
        known = self._held_told if self._held_told[0] == self._life.current else (self._life.current or 0, False)
        if known[1] != self._held:
            await admin.post("/healthcheck/fail" if self._held else "/healthcheck/ok")
        self._held_told = (known[0], self._held)

    @property
    def _patience_s(self) -> float:
        return min(_ASK_S, self._what.limits.hang_s / (life.SILENT_ASKS + 1))

    async def _ask_to_drain(self) -> None:
        for page in _DRAINING_PAGES:
            try:
                await self.admin.post(page, deadline_s=_ASK_S)
            except AdminError as error:
                self._tell(f"Envoy cannot be asked to drain: {error.message}", True)

    # Restarts

    async def _check_takeover(self, coming: Wish) -> None:
        """Raises EnvoyStays, saying why no other can take over."""
        advice = "It goes on as it is. A restart is possible once it is drained (`fairlead node NAME drain`)"
        running = await self._running_version()
        version = await asyncio.to_thread(lambda: coming.wanted.program.hot_restart_version)
        current = self._life.current
        if current is None:
            raise EnvoyStays("Envoy has just ended; it is started again by itself")
        base_id = self._family.base_id_known(current).epoch.base_id
        if why := hot_restart.obstacle(base_id, running, version):
            raise EnvoyStays(f"no other Envoy can take over from the one that runs: {why}. {advice}")
        if why := await objection(self._family.call, coming):
            raise EnvoyStays(f"the Envoy that would take over does not start: {why}. The one that runs goes on")

    async def _running_version(self) -> str:
        """What the one that runs must have in common with the next. Raises EnvoyStays where it does not say."""
        if self._info is not None and (self._informed_by == self._life.current or not self._life.sighted):
            return self._info.hot_restart_version
        try:
            return (await self.admin.server_info()).hot_restart_version
        except AdminError as error:
            raise EnvoyStays(f"the Envoy that runs does not say what it is: {error.message}") from None

    async def _tidy(self) -> None:
        while True:
            with suppress(OSError):  # a disk that is full: it is tried again
                await asyncio.to_thread(cut_if_large, self.log_file, self._what.log_limit_bytes)
            await asyncio.sleep(_TIDY_S)

    # What is known

    def _facts(self) -> EnvoyFacts:
        life, member = self._life, self._current
        return EnvoyFacts(
            phase=life.phase,
            ready=member is not None and life.ready and life.phase in _SERVING and not self._held and self._welcomes,
            pid=member.child.pid if member else None,
            epoch=member.epoch.number if member else 0,
            version=self._version(member),
            server_state=self._server_state if member else "",
            restarts=life.restarts,
            takeovers=life.takeovers,
            last_exit=life.last_exit,
            since_s=self._started_s,
            held=self._held,
            adopted=member.adopted if member else False,
            words=self._words(),
        )

    @property
    def _welcomes(self) -> bool:
        return self._server_state != ServerState.DRAINING

    def _version(self, member: Member | None) -> str:
        """What runs, as it says itself; until it does, the program that was started."""
        if self._info is not None and member is not None and self._informed_by == self._life.current:
            return self._info.version
        return self._wish.wanted.program.version if self._wish else ""

    def _words(self) -> str:
        if self._life.looping:
            return f"crash loop: it {self._life.last_exit}"
        if not self._life.sighted:
            return "its admin interface is closed, so that its readiness cannot be seen; restart it"
        return ""


def _nothing(now_s: float) -> Decisions:
    """An event that changes nothing; what follows every event is done."""
    return ()


def _jitter() -> Iterator[float]:
    while True:
        yield random.random()
