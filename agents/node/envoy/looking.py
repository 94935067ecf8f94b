"""Looks at the admin interface of the Envoy that the agent runs, and tells its life what it says, as events.

Often while something is awaited, and seldom when all is as it was. Each process is told itself that clients should go
elsewhere. What follows from an answer is not decided here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import NoReturn

from agents.node.envoy.admin import Admin, AdminError, ServerInfo, ServerState
from agents.node.envoy.decisions import Decisions, Event, nothing
from agents.node.envoy.facts import Phase
from agents.node.envoy.family import Family
from agents.node.envoy.keeping import EnvoyStays
from agents.node.envoy.life import SILENT_ASKS, Life

_FIRST_LOOK_S, _LONGEST_LOOK_S, _DRAINING_LOOK_S, _LONGER = 0.05, 1.0, 0.25, 1.3
_ASK_S = 5.0
_DRAINING_PAGES = ("/healthcheck/fail", "/drain_listeners?graceful&skip_exit")
# Draining is what Envoy says when somebody has it fail its health checks: it runs, and wants no clients.
_INITIALIZED = (ServerState.LIVE, ServerState.DRAINING)


def _nobody() -> None:
    """For a wish to know that nobody has."""


@dataclass(slots=True)
class Looking:
    """`put` takes events; `on_known` is called when a process that runs has said for the first time which it is."""

    admin: Admin
    life: Life
    family: Family
    put: Callable[[Event], None]
    hang_s: float
    on_known: Callable[[], None] = _nobody
    held: bool = False
    state: str = ""
    """In Envoy's own word; empty where it has said none."""
    _info: ServerInfo | None = None
    _informed_by: int = 0
    _held_told: tuple[int, bool] = (0, False)
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def info(self) -> ServerInfo | None:
        """What was said last of itself, by the current process or by one before it."""
        return self._info

    @property
    def is_known(self) -> bool:
        """Whether the current process has said what it is."""
        return self._info is not None and self._informed_by == self.life.current

    @property
    def welcomes(self) -> bool:
        """Whether clients may come, for all that this agent and Envoy itself want."""
        return not self.held and self.state != ServerState.DRAINING

    def hold(self, held: bool) -> None:
        """Turn clients away from whichever process is current, or no more."""
        self.held = held
        self.hurry()
        self.put(nothing)

    def hurry(self) -> None:
        """Look at once, and often for a while."""
        self._moved.set()

    async def run(self) -> NoReturn:
        """Until cancelled."""
        pause_s = _FIRST_LOOK_S
        while True:
            await self._look()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(pause_s, _DRAINING_LOOK_S) if self._is_draining else pause_s):
                    await self._moved.wait()
            pause_s = _FIRST_LOOK_S if self._moved.is_set() else min(pause_s * _LONGER, _LONGEST_LOOK_S)
            self._moved.clear()

    async def ask_to_drain(self) -> list[str]:
        """Have the current process let its connections go. Returns why it could not be asked, if so."""
        problems = []
        for page in _DRAINING_PAGES:
            try:
                await self.admin.post(page, deadline_s=_ASK_S)
            except AdminError as error:
                problems.append(error.message)
        return problems

    async def running_version(self) -> str:
        """What the one that runs must have in common with the next. Raises EnvoyStays where it does not say."""
        if self._info is not None and (self.is_known or not self.life.sighted):
            return self._info.hot_restart_version
        try:
            return (await self.admin.server_info()).hot_restart_version
        except AdminError as error:
            raise EnvoyStays(f"the Envoy that runs does not say what it is: {error.message}") from None

    @property
    def _is_draining(self) -> bool:
        return self.life.phase is Phase.DRAINING

    @property
    def _patience_s(self) -> float:
        return min(_ASK_S, self.hang_s / (SILENT_ASKS + 1))

    async def _look(self) -> None:
        asked = self.life.current
        try:
            event = await self._question()
        except AdminError as error:
            absent = error.absent

            def event(now_s: float) -> Decisions:
                return self.life.silent(now_s, absent=absent)

        # An answer of a process that has been replaced or has ended since says nothing of the one that there is now.
        self.put(lambda now_s: event(now_s) if self.life.current == asked else ())

    async def _question(self) -> Event:
        """Ask what matters now. Raises AdminError."""
        phase, admin = self.life.phase, replace(self.admin, deadline_s=self._patience_s)
        if self._is_draining:
            return self.life.drained if await admin.connections() == 0 else nothing
        if phase is Phase.REPLACING or (phase is Phase.RUNNING and self._informed_by != self.life.current):
            return await self._informed(admin)
        if phase is Phase.RUNNING:
            await self._tell_held(admin)
        if phase in (Phase.STARTING, Phase.RUNNING, Phase.TURNING_AWAY):
            state = await admin.ready()
            self.state = state
            return lambda now_s: self.life.answered(state in _INITIALIZED, now_s)
        return nothing

    async def _informed(self, admin: Admin) -> Event:
        """Which of several epochs it is that answers."""
        info = await admin.server_info()
        number = self.family.number_of(info.epoch, info.base_id)
        self._info, self.state = info, info.state
        if number is not None:
            self.family.base_id_known(number)
        if self.life.phase is Phase.RUNNING:
            self._informed_by = self.life.current or 0
            self.on_known()
        return lambda now_s: self.life.answered(info.state in _INITIALIZED, now_s, number)

    async def _tell_held(self, admin: Admin) -> None:
        """Each process has to be told itself that clients should go elsewhere, or may come again."""
        known = self._held_told if self._held_told[0] == self.life.current else (self.life.current or 0, False)
        if known[1] != self.held:
            await admin.post("/healthcheck/fail" if self.held else "/healthcheck/ok")
        self._held_told = (known[0], self.held)
