"""The one stream of reports, beside the stream of configuration and on the same connection: it goes where that goes.

`run` is given a connection and lasts as long as that does. On each stream all is told anew, then what changed; when
nothing did, an empty message says so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from google.protobuf.message import DecodeError
from grpc import StatusCode, aio

from agents.node.reports.answering import Answers
from agents.node.reports.below import Below
from agents.node.reports.collecting import Collector
from agents.node.reports.deltas import Told, messages
from agents.node.reports.operator import Operator
from api.hosting.retrying import retry_delays
from api.nodes.conversion import agent_message
from api.nodes.report import NodeReport
from api.nodes.v1 import nodes_pb2 as pb
from api.telemetry import logs

METHOD: Final = "/fairlead.nodes.v1.NodeReports/Report"
WELCOME_S: Final = 15.0
UNKNOWN_S: Final = 300.0
"""An upstream that takes no reports is asked again after this: it may have been replaced by then."""

STEADY_S: Final = 10.0
"""A stream that lasted so long was a good one: the next is opened soon."""

WOKEN_S: Final = 0.5
"""Between two reports at least, however often something happens."""

SMALLEST_INTERVAL_S: Final = 1.0
_END: object = aio.EOF  # type: ignore[attr-defined]  # the stubs leave it out
_CALL_ENDED = (aio.AioRpcError, aio.InternalError, aio.UsageError, asyncio.InvalidStateError, DecodeError, TimeoutError)


@dataclass(slots=True, frozen=True)
class _Terms:
    """What the server said at the beginning."""

    interval_s: float
    message_bytes: int
    chunk_bytes: int


class Reporter:
    """`interval_s`: how often there is a report at least; less than the server wants is fine, more is not."""

    def __init__(self, collector: Collector, operator: Operator, interval_s: float, below: Below | None = None) -> None:
        self._collector = collector
        self._operator = operator
        self._interval_s = interval_s
        self._below = below
        self._woken = asyncio.Event()
        self.clock_ahead_s: float | None = None
        """The server's clock minus this machine's, but for the way of its word; None where it does not tell."""

    def wake(self) -> None:
        """Something happened that others should not wait an interval for."""
        self._woken.set()

    async def run(self, channel: aio.Channel) -> NoReturn:
        """One stream after the other on this connection, until cancelled; none where nothing is to be reported."""
        delays = retry_delays()
        if not self._interval_s:
            await asyncio.Event().wait()
        clock = asyncio.get_running_loop().time
        while True:
            began_s = clock()
            code, reason = await self._converse(channel)
            log = logs.logger("reports")
            if code is StatusCode.UNIMPLEMENTED:
                log.info("this upstream takes no reports", reason=reason)
                await asyncio.sleep(UNKNOWN_S)
                continue
            log.info("the stream of reports ended", status=code.name, reason=reason)
            if clock() - began_s >= STEADY_S:
                delays = retry_delays()
            await asyncio.sleep(next(delays))

    async def _converse(self, channel: Any) -> tuple[StatusCode, str]:
        """One stream, and how it ended."""
        call = channel.stream_stream(METHOD)()
        writing = asyncio.Lock()

        async def say(message: pb.AgentMessage) -> None:
            async with writing:
                await call.write(message.SerializeToString())

        try:
            await say(pb.AgentMessage(hello=self._hello()))
            terms = await self._welcomed(call)
            answers = Answers(say, self._operator, terms.chunk_bytes)
            try:
                await _first_end(self._read(call, answers), self._tell(say, terms))
            finally:
                await answers.close()
        except _CALL_ENDED:
            pass  # how is asked of the call
        finally:
            call.cancel()
        return await call.code(), await call.details() or ""

    def _hello(self) -> pb.Hello:
        sources = self._collector.sources
        relays = self._below is not None
        return pb.Hello(node=sources.node, group=sources.group, relay=relays, agent=agent_message(sources.agent))

    async def _welcomed(self, call: Any) -> _Terms:
        async with asyncio.timeout(WELCOME_S):
            data = await call.read()
        if data is _END:
            raise aio.UsageError("the stream ended before it had begun")
        welcome = pb.ServerMessage.FromString(data).welcome
        self.clock_ahead_s = welcome.now_ms / 1000 - time.time() if welcome.now_ms else None
        interval_s = max(SMALLEST_INTERVAL_S, min(self._interval_s, welcome.interval_ms / 1000 or self._interval_s))
        return _Terms(interval_s, welcome.message_bytes or 64 * 1024, welcome.chunk_bytes or 16 * 1024)

    async def _read(self, call: Any, answers: Answers) -> None:
        data = await call.read()
        while data is not _END:
            message = pb.ServerMessage.FromString(data)
            if message.HasField("order"):
                answers.begin(message.order)
            elif message.HasField("credit"):
                answers.grant(message.credit.order, message.credit.chunks)
            elif message.HasField("cancel"):
                answers.cancel(message.cancel.order)
            data = await call.read()

    async def _tell(self, say: Callable[[pb.AgentMessage], Awaitable[None]], terms: _Terms) -> None:
        """What is new when it is, and at the end of each interval that there was nothing."""
        told = Told(self._collector.sources.node)
        self._collector.schedule.interval_s = terms.interval_s
        clock = asyncio.get_running_loop().time
        due_s = clock()
        while True:
            self._woken.clear()
            new, gone = told.differences(await self._reports())
            if new or gone or clock() >= due_s:
                for message in messages(new, gone, terms.message_bytes // 2):
                    await say(message)
                due_s = clock() + terms.interval_s
            await asyncio.sleep(WOKEN_S)
            await self._wait(min(due_s - clock(), self._collector.next_s()))

    async def _wait(self, at_most_s: float) -> None:
        try:
            async with asyncio.timeout(at_most_s):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _reports(self) -> Mapping[str, NodeReport]:
        own = await self._collector.collect()
        below = self._below.reports() if self._below is not None else {}
        return {**below, own.node: own}


async def _first_end(*jobs: Any) -> None:
    """Do these at the same time until the first has ended; raises what ended it."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
