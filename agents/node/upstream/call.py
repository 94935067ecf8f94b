"""One stream to one upstream, from its first request to its end: bytes in, bytes out, and the reason of the end.

One task reads, one writes. An answer is taken before the next is read, so that nothing queues up here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from grpc import aio

from agents.node.upstream.follower import Follower
from agents.node.upstream.messages import Messages, Rubbish
from api.telemetry import logs
from xds.protocol.requests import DeltaRequest

METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
LAST_WORDS_S = 1.0
"""How long a NACK is given to leave before its stream is ended."""

_END: object = aio.EOF  # type: ignore[attr-defined]  # the stubs leave it out
_CALL_ENDED = (aio.AioRpcError, aio.InternalError, aio.UsageError, asyncio.InvalidStateError)
_TRANSPORT = frozenset({"UNAVAILABLE", "CANCELLED", "OK", "ABORTED"})


@dataclass(frozen=True, slots=True)
class Ended:
    """Why a stream is over, for people. `is_fault`: this upstream is not to be asked again before the others."""

    because: str
    is_fault: bool


class _Over(Exception):
    """The stream is to be ended from this side."""

    def __init__(self, because: str, *, is_fault: bool) -> None:
        super().__init__(because)
        self.ended = Ended(because, is_fault)


class Call:
    """`run` is the whole of its life. `on_answer` is called with every answer that was taken."""

    def __init__(
        self, channel: aio.Channel, messages: Messages, follower: Follower, on_answer: Callable[[], None]
    ) -> None:
        self._channel = channel
        self._messages = messages
        self._follower = follower
        self._on_answer = on_answer
        self._due: deque[DeltaRequest] = deque()
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._over: _Over | None = None

    def send(self, requests: Sequence[DeltaRequest]) -> None:
        """Write these, in their order."""
        if requests:
            self._due.extend(requests)
            self._idle.clear()
            self._work.set()

    def reopen(self, because: str) -> None:
        """End the stream; the upstream is not at fault."""
        self._end(because, is_fault=False)

    async def run(self, upstream: str, answer_within_s: float) -> Ended:
        """Until either side ends it. Cancelled, it leaves nothing behind."""
        call = _opened(self._channel)
        self._follower.connected(self, upstream)
        reading = asyncio.create_task(self._read(call, answer_within_s))
        writing = asyncio.create_task(self._write(call))
        try:
            done, _ = await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
            return await self._ending(call, done)
        finally:
            call.cancel()
            for task in (reading, writing):
                task.cancel()
            await asyncio.gather(reading, writing, return_exceptions=True)
            self._follower.disconnected()

    async def _read(self, call: Any, answer_within_s: float) -> None:
        data = await self._first(call, answer_within_s)
        while data is not _END:
            because = self._follower.receive(await self._messages.answer(data))
            if because:
                await self._last_words()
                raise _Over(because, is_fault=True)
            self._on_answer()
            data = await call.read()

    async def _first(self, call: Any, within_s: float) -> Any:
        try:
            async with asyncio.timeout(within_s):
                return await call.read()
        except TimeoutError:
            raise _Over(f"it answered nothing within {within_s:g} s", is_fault=True) from None

    async def _last_words(self) -> None:
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                if self._due:
                    await self._idle.wait()
        except TimeoutError:
            return

    async def _write(self, call: Any) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            while self._due and self._over is None:
                await call.write(self._messages.request(self._due.popleft()))
            if self._over is not None:
                raise self._over
            self._idle.set()

    def _end(self, because: str, *, is_fault: bool) -> None:
        self._over = self._over or _Over(because, is_fault=is_fault)
        self._work.set()

    async def _ending(self, call: Any, done: set[asyncio.Task[None]]) -> Ended:
        for task in done:
            error = None if task.cancelled() else task.exception()
            if isinstance(error, _Over):
                return error.ended
            if isinstance(error, Rubbish):
                return Ended(f"it sent what is no answer: {error}", is_fault=True)
            if error is not None and not isinstance(error, _CALL_ENDED):
                # A defect of ours is met by another upstream, or again later; the gateway goes on meanwhile.
                logs.logger("upstream").error("an answer could not be taken", exc_info=error)
                return Ended(f"a defect of this agent: {type(error).__name__}: {error}", is_fault=True)
        return await _status(call)


def _opened(channel: Any) -> Any:
    """Bytes in, bytes out: the stubs of gRPC leave out that both serializers may be missing."""
    return channel.stream_stream(METHOD)()


async def _status(call: Any) -> Ended:
    """As the upstream, or gRPC for it, ended the call."""
    try:
        async with asyncio.timeout(LAST_WORDS_S):
            code, details = await call.code(), await call.details()
    except TimeoutError:
        return Ended("the call broke down", is_fault=False)
    return Ended(f"{code.name}: {details or 'no reason given'}", is_fault=code.name not in _TRANSPORT)
