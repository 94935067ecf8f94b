"""Load reports (LRS) of Envoy, and of gRPC processes of the host, passed on as they are: bytes up, bytes down.

Each stream here has one of its own to the server, over the connection that configuration comes by. When that is gone
it ends, and whoever reports opens another. A message is read when the one before is on its way, so nothing queues up.
"""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn

import grpc
from grpc import aio

from xds.protocol.plan import Close
from xds.transport.conversation import CALL_ENDED, END_OF_CALL, Context, Conversation
from xds.transport.load_reports import LOAD_REPORTING
from xds.transport.streams import Edge, lasting_method

STREAMS = 16
"""At a time: a connection has room for some, and configuration comes by the same."""

AWAY = Close("UNAVAILABLE", "this agent has no upstream now; connect again")
GONE = Close("UNAVAILABLE", "the upstream of this agent has gone; connect again")
FULL = Close("RESOURCE_EXHAUSTED", f"this agent passes on the load reports of {STREAMS} clients already")

_METHOD = f"/{LOAD_REPORTING}/StreamLoadStats"
_NO_REASON = (grpc.StatusCode.OK, grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL)
"""gRPC says INTERNAL of a call that ended while something was written to it."""

_ENDED = (aio.AioRpcError, *CALL_ENDED)


class LoadReports:
    """`handler` for the local server; `run` for as long as there is a connection."""

    def __init__(self) -> None:
        self._channel: Any = None
        self._open: set[LoadStream] = set()

    async def run(self, channel: aio.Channel) -> NoReturn:
        """Pass reports on over this connection, until cancelled."""
        self._channel = channel
        try:
            while True:
                await asyncio.Event().wait()
        finally:
            self._channel = None
            for stream in tuple(self._open):
                stream.end(GONE)

    def handler(self, edge: Edge) -> grpc.GenericRpcHandler[Any, Any]:
        """The service; it takes and gives bytes."""
        method = lasting_method(edge, lambda context: LoadStream(edge, context, self._open, self._channel))
        return grpc.method_handlers_generic_handler(LOAD_REPORTING, {"StreamLoadStats": method})


class LoadStream(Conversation):
    """One client that reports. `beside`: those that are open; `channel`: None while there is no upstream."""

    def __init__(self, edge: Edge, context: Context, beside: set[LoadStream], channel: Any) -> None:
        super().__init__(next(edge.ids), context, edge.limits, edge.observer)
        self._beside = beside
        self._call: Any = None
        self._refusal = AWAY if channel is None else FULL if len(beside) >= STREAMS else None
        if self._refusal is None:
            self._call = channel.stream_stream(_METHOD)()
            beside.add(self)

    def __repr__(self) -> str:
        return f"<LoadStream {self.id} of {self._address}>"

    async def _take(self, data: bytes) -> None:
        if self._refusal is not None:
            self.end(self._refusal)  # not before it has written: whoever is refused while it writes may not hear why
            return
        try:
            await self._call.write(data)
        except _ENDED:
            return  # how it ended is told by whoever reads

    async def _write(self) -> None:
        answering = asyncio.create_task(self._pass_down())
        try:
            while not self._closing:
                await self._work.wait()
                self._work.clear()
        finally:
            answering.cancel()
            if self._call is not None:
                self._call.cancel()
            await asyncio.gather(answering, return_exceptions=True)

    async def _pass_down(self) -> None:
        if self._call is None:
            return
        try:
            data = await self._call.read()
            while data is not END_OF_CALL and await self._send(data):
                data = await self._call.read()
            self.end(await self._how_it_ended())
        except _ENDED:
            self.end(await self._how_it_ended())

    async def _how_it_ended(self) -> Close:
        """As upstream, or gRPC for it, has ended the call."""
        if not self._call.done():
            return GONE
        code, details = await self._call.code(), await self._call.details()
        return GONE if code in _NO_REASON else Close(code.name, details or "no reason given")

    def _leave(self) -> None:
        self._beside.discard(self)
