"""One stream after the other, for as long as the agent lives: the first upstream that answers as it should.

A later one than the first is left again after a while, for an earlier one that is ready; and any that says that it is
not, such as a relay without its own upstream, for one that is. Nothing is lost by that: a stream begins with what is
held, and only differences come.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import NoReturn

from grpc import aio

from agents.node.upstream.call import Call, Ended
from agents.node.upstream.candidates import Candidates
from agents.node.upstream.channels import connect, is_ready
from agents.node.upstream.follower import Follower
from agents.node.upstream.messages import Messages
from api.errors import InvalidConfig
from api.hosting.address import Address
from api.hosting.retrying import retry_delays
from api.telemetry import logs

FIRST_LOOK_S, LOOK_S = 1.0, 30.0
"""How often an upstream is asked whether it is ready."""

STEADY_S = 10.0
"""A stream that lasted so long was a good one: the next trouble is not a part of the one before."""

LOST_JITTER_S = 0.2
NOT_READY = "it does not say that it is ready"
REASONS = 100

Dial = Callable[[Address], aio.Channel]
Beside = Callable[[aio.Channel], Awaitable[None]]
"""What else goes on over a connection for as long as it lasts; it is cancelled with it, and raises nothing."""


async def _nothing(_: aio.Channel) -> None:
    """For an agent that has nothing else to say."""


class Link:
    """`run` never ends by itself. `dial` makes a channel, or raises InvalidConfig; `return_s`, `beside`: see above."""

    def __init__(
        self,
        upstreams: Sequence[Address],
        follower: Follower,
        messages: Messages,
        dial: Dial,
        *,
        return_s: float = 300.0,
        beside: Beside = _nothing,
    ) -> None:
        self._upstreams = upstreams
        self._follower = follower
        self._messages = messages
        self._dial = dial
        self._return_s = return_s
        self._beside = beside
        self._candidates = Candidates(len(upstreams))
        self._delays = retry_delays()
        self._answered_at_s = 0.0
        self._told: set[tuple[int, str]] = set()
        self._faults: dict[int, str] = {}
        self._waiting: aio.Channel | None = None
        self._log = logs.logger("upstream")

    @property
    def passed_by(self) -> str:
        """The upstream that comes first and is not followed, and why; empty where the first is."""
        number = min((each for each in self._faults if each < self._candidates.current), default=None)
        return f"{self._upstreams[number]}: {self._faults[number]}" if number is not None else ""

    @property
    def faults(self) -> dict[str, str]:
        """Upstreams that were of no use when they were asked last, and why."""
        return {str(self._upstreams[number]): because for number, because in sorted(self._faults.items())}

    async def run(self) -> NoReturn:
        """Follow, until cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            began_s, number = clock(), self._candidates.current
            ended = await self._follow(number)
            self._tell(number, ended)
            if ended.is_fault:
                self._faults[number] = ended.because
            if self._waiting is None:
                await self._go_on(ended, began_s, clock())

    def _tell(self, number: int, ended: Ended) -> None:
        """What is tried again and again is told once, until an upstream answers."""
        told = (number, ended.because)
        if told not in self._told:
            self._told = {told, *(self._told if len(self._told) < REASONS else ())}
            self._log.warning("upstream lost", upstream=str(self._upstreams[number]), reason=ended.because)

    async def _go_on(self, ended: Ended, began_s: float, now_s: float) -> None:
        """Choose the next, and wait where that is due."""
        has_answered = self._answered_at_s >= began_s
        if has_answered and now_s - began_s >= STEADY_S:
            self._delays = retry_delays()
        if has_answered and not ended.is_fault:
            self._candidates.lost()
            await asyncio.sleep(random.uniform(0, LOST_JITTER_S))
        elif self._candidates.failed():
            self._follower.away()
            await asyncio.sleep(next(self._delays))

    async def _follow(self, number: int) -> Ended:
        try:
            channel = self._waiting or self._dial(self._upstreams[number])
        except InvalidConfig as error:
            return Ended(error.message, is_fault=True)
        self._waiting = None
        try:
            reason = await connect(channel)
            if reason:
                return Ended(f"it cannot be reached: {reason}", is_fault=True)
            async with self._accompanied(channel):
                await self._follower.wish()
                return await self._converse(channel, number)
        finally:
            await channel.close(None)

    @asynccontextmanager
    async def _accompanied(self, channel: aio.Channel) -> AsyncIterator[None]:
        """What goes on beside begins before anything is wanted: a gateway without Envoy has something to say, too."""
        beside = asyncio.ensure_future(self._beside(channel))
        beside.add_done_callback(self._tell_defect)
        try:
            yield
        finally:
            beside.cancel()
            await asyncio.gather(beside, return_exceptions=True)

    def _tell_defect(self, beside: asyncio.Future[None]) -> None:
        error = None if beside.cancelled() else beside.exception()
        if error is not None:
            self._log.error("what goes on beside failed; it begins again with the next connection", exc_info=error)

    async def _converse(self, channel: aio.Channel, number: int) -> Ended:
        call = Call(channel, self._messages, self._follower, self._answered)
        returning = asyncio.create_task(self._look_around(number, channel, call))
        try:
            return await call.run(str(self._upstreams[number]), self._candidates.answer_within_s)
        finally:
            returning.cancel()
            await asyncio.gather(returning, return_exceptions=True)

    def _answered(self) -> None:
        self._answered_at_s = asyncio.get_running_loop().time()
        self._candidates.answered()
        self._faults.pop(self._candidates.current, None)
        self._told.clear()

    async def _look_around(self, number: int, channel: aio.Channel, call: Call) -> None:
        """Leave a later upstream for an earlier one that is ready; one that is not ready for any that is."""
        clock = asyncio.get_running_loop().time
        return_at_s, pause_s = clock() + _jittered(self._return_s), FIRST_LOOK_S
        while True:
            await asyncio.sleep(_jittered(min(pause_s, self._return_s)))
            pause_s, is_due = LOOK_S, clock() >= return_at_s
            is_well = await is_ready(channel)
            self._follower.upstream_is_well(is_well)
            others = range(number if is_due else 0) if is_well else range(len(self._upstreams))
            if await self._has_left_for(others, number, call):
                if not is_well:
                    self._faults[number] = NOT_READY
                return
            if is_due:
                return_at_s = clock() + _jittered(self._return_s)

    async def _has_left_for(self, others: Sequence[int], number: int, call: Call) -> bool:
        for other in others:
            self._waiting = await self._reached(other) if other != number else None
            if self._waiting is not None:
                self._candidates.take(other)
                why = "comes before it" if other < number else "is ready, which this one is not"
                call.reopen(f"{self._upstreams[other]} {why}")
                return True
        return False

    async def _reached(self, number: int) -> aio.Channel | None:
        """A connection to one that is ready."""
        try:
            channel = self._dial(self._upstreams[number])
        except InvalidConfig:
            return None
        try:
            is_well = not await connect(channel) and await is_ready(channel)
        except asyncio.CancelledError:
            await channel.close(None)
            raise
        if not is_well:
            await channel.close(None)
        return channel if is_well else None


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(0.8, 1.2)
