"""Keeps watch over an Envoy that somebody else runs, such as systemd: all through its admin interface.

It starts nothing and signals nothing. A restart is Envoy's own end, after which whoever runs it starts it again, with
the bootstrap that is offered to them or with one of their own.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from agents.node.envoy.admin import Admin, AdminError, ServerInfo, ServerState
from agents.node.envoy.bootstrap_file import Bootstrap, content_of, write_bootstrap
from agents.node.envoy.facts import EnvoyFacts, Exit, Phase
from agents.node.envoy.keeping import EnvoyStays, Hooks
from agents.node.envoy.life import SILENT_ASKS, Limits
from agents.node.envoy.trial import Trial, next_trial
from api.telemetry import logs

_LOOK_S, _ASK_S = 1.0, 5.0
_LINE_S = 300.0
"""A connection that lasted longer may have been ended for being idle; one that did not was ended with Envoy."""
_PHASES = {
    ServerState.LIVE: Phase.RUNNING,
    ServerState.DRAINING: Phase.RUNNING,
    ServerState.PRE_INITIALIZING: Phase.STARTING,
    ServerState.INITIALIZING: Phase.STARTING,
}


class Minding:
    """An `EnvoyKeeper` for an Envoy that the agent does not run. `run` once.

    `offered`: where its bootstrap is written for those who run it; None for nowhere.
    """

    log_file: Path | None = None

    def __init__(
        self,
        admin: Admin,
        limits: Limits | None = None,
        hooks: Hooks | None = None,
        *,
        offered: Path | None = None,
    ) -> None:
        self.admin = admin
        self._offered = offered
        self.facts = EnvoyFacts()
        self._limits = limits or Limits()
        self._hooks = hooks or Hooks()
        self._log = logs.logger("envoy")
        self._over, self._hurry, self._moved = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._stopping = self._held = self._told_held = False
        self._silent, self._asked = 0, ""
        self._cut_after_s: float | None = None
        self._answered_s = self._ready_since_s = time.monotonic()
        self._trial: Trial | None = None

    # For the rest of the agent: see EnvoyKeeper

    def stop(self) -> None:
        self._stopping = True
        self._moved.set()

    def hurry(self) -> None:
        self._over.set()

    def leave(self) -> None:
        self._over.set()

    def hold(self) -> None:
        self._held = True
        self._moved.set()

    def release(self) -> None:
        self._held = False
        self._moved.set()

    def applied(self, generation: str, *, proven: bool) -> None:
        limits = self._limits
        now_s = time.monotonic()
        self._trial = None if proven else next_trial(self._trial, generation, now_s, limits.crashes, limits.trial_s)

    def baked(self, generation: str) -> None:
        if self._trial is not None and self._trial.generation == generation:
            self._trial.is_baked = True

    async def restart(self, *, drained: bool = False) -> str:
        """See EnvoyKeeper; returns when Envoy was told to end, which is after the drain."""
        if not drained:
            raise EnvoyStays("this Envoy is run by somebody else, who alone can have another take over; drain it first")
        held = self._held
        self.hold()
        try:
            await asyncio.sleep(self._limits.drain_delay_s)
            await self._drained()
            self._asked = "as it was asked to"
            await self.admin.post("/quitquitquit")
        except AdminError as error:
            self._asked = ""
            raise EnvoyStays(f"Envoy was not asked to end: {error.message}") from None
        finally:
            if not held:
                self.release()
        return "Envoy was drained and has ended; whoever runs it starts it again"

    async def refresh(self, bootstrap: Bootstrap | None = None, binary: Path | None = None) -> str:
        """Its program is for whoever runs it to choose; what it is to start with is offered to them anew."""
        if bootstrap is None or self._offered is None or not write_bootstrap(content_of(bootstrap), self._offered):
            return ""
        return "another bootstrap is written; it counts when whoever runs Envoy starts it again"

    async def run(self) -> None:
        """Until `stop` is done: load balancers have had their time to notice. Envoy itself goes on."""
        async with asyncio.TaskGroup() as group:
            over = group.create_task(self._over.wait())
            tasks = (over, group.create_task(self._watch()), group.create_task(self._hold_a_line()))
            await over
            for task in tasks:
                task.cancel()
        await self._become(replace(self.facts, phase=Phase.ENDED, ready=False))

    async def _watch(self) -> None:
        while not self._stopping:
            await self._look()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._moved.wait()
            self._moved.clear()
        await self._become(replace(self.facts, phase=Phase.TURNING_AWAY, ready=False))
        await asyncio.sleep(self._limits.drain_delay_s)
        self._over.set()

    async def _hold_a_line(self) -> None:
        """Envoy may end and be there again between two looks."""
        while True:
            since_s = time.monotonic()
            try:
                await self.admin.until_cut()
            except AdminError:
                await asyncio.sleep(_LOOK_S)
                continue
            if self.facts.phase is not Phase.WAITING:
                self._cut_after_s = time.monotonic() - since_s
                self._moved.set()

    async def _look(self) -> None:
        admin = replace(self.admin, deadline_s=min(_ASK_S, self._limits.hang_s / (SILENT_ASKS + 1)))
        try:
            state = await admin.ready()
            if self._held != self._told_held:
                await admin.post("/healthcheck/fail" if self._held else "/healthcheck/ok")
                self._told_held = self._held
                self._moved.set()  # what it says of itself has changed
            await self._answered(state, admin)
        except AdminError as error:
            await self._not_answered(error)

    async def _answered(self, state: ServerState, admin: Admin) -> None:
        now_s = time.monotonic()
        self._silent, self._answered_s = 0, now_s
        facts = self.facts
        if self._cut_after_s is not None or facts.phase is Phase.WAITING:
            facts = await self._known_again(await admin.server_info())
        if state is not ServerState.LIVE or not self.facts.ready:
            self._ready_since_s = now_s
        if self._trial and self._trial.is_over(self._ready_since_s, now_s):
            self._trial = None
        ready = state is ServerState.LIVE and not self._held
        await self._become(
            replace(facts, phase=_PHASES[state], ready=ready, server_state=state, held=self._held, words="")
        )

    async def _known_again(self, info: ServerInfo) -> EnvoyFacts:
        """Who it is that answers, after it was not there, or may not have been."""
        cut_after_s, self._cut_after_s = self._cut_after_s, None
        takeovers = self.facts.takeovers
        if cut_after_s is not None and self.facts.phase is not Phase.WAITING:
            if info.epoch > self.facts.epoch:
                takeovers += 1
            elif cut_after_s < _LINE_S or info.uptime_s + 1 < cut_after_s:
                await self._ended()
        since_s = time.time() - info.uptime_s
        return replace(self.facts, version=info.version, epoch=info.epoch, since_s=since_s, takeovers=takeovers)

    async def _not_answered(self, error: AdminError) -> None:
        self._silent += 1
        silent_s = time.monotonic() - self._answered_s
        gone = error.absent and self.facts.phase is not Phase.WAITING
        hangs = self._silent >= SILENT_ASKS and silent_s >= self._limits.hang_s and not error.absent
        if gone:
            await self._ended()
        elif hangs:
            words = f"it has not answered for {silent_s:.0f} s; whoever runs it must end it"
            await self._become(replace(self.facts, ready=False, words=words))
        elif self.facts.phase is Phase.WAITING:
            await self._become(replace(self.facts, words=error.message))

    async def _ended(self) -> None:
        """Nobody listens any more: it has ended. Why is for whoever runs it to know."""
        exit, self._asked, self._told_held, self._cut_after_s = Exit(None, self._asked), "", False, None
        restarts = self.facts.restarts + 1
        facts = replace(self.facts, phase=Phase.WAITING, ready=False, server_state="")
        self._log.warning("Envoy has ended, which somebody else runs")
        await self._become(replace(facts, restarts=restarts, last_exit=str(exit), last_exit_s=time.time()))
        await self._hooks.on_exit(exit)
        trial = self._trial
        if trial is not None and exit.crashed and trial.crashed(time.monotonic()):
            self._trial = None
            await self._hooks.fall_back(trial.generation, f"Envoy ended {trial.words}")

    async def _drained(self) -> None:
        """Returns when no client is connected, or they had their time. Raises AdminError."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.drain_s):
                while await self.admin.connections() > 0:  # noqa: ASYNC110 -- Envoy does not tell, it has to be asked
                    await asyncio.sleep(_LOOK_S / 4)

    async def _become(self, facts: EnvoyFacts) -> None:
        before, self.facts = self.facts, facts
        if facts.ready and not before.ready:
            await self._hooks.on_ready(facts)
        elif before.ready and not facts.ready:
            await self._hooks.on_unready(facts)
