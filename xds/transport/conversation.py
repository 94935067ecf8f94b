"""A call that lasts: one message of the client is taken at a time, one task writes, and who is ended is told why.

What is said in it is for its subclasses: discovery (`streams`), load reports (`load_reports`).
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

import grpc
from grpc import aio

from xds.protocol.plan import Close
from xds.transport.decoding import StreamRefused
from xds.transport.limits import Limits
from xds.transport.observer import Observer

Context = aio.ServicerContext[bytes, bytes]

END_OF_CALL: object = aio.EOF  # type: ignore[attr-defined]  # the stubs leave it out
LAST_WORDS_S = 2.0
"""How long a client that does not read is given to take the status its stream ends with."""

DEFECT = Close("INTERNAL", "the control plane failed on this stream; its log says why. Connect again")

# A call that the client or the network has ended shows itself as one of these in whoever reads or writes.
CALL_ENDED = (aio.InternalError, aio.UsageError, asyncio.InvalidStateError)
STATUS_CODES: dict[str, grpc.StatusCode] = {code.name: code for code in grpc.StatusCode}


class Conversation(ABC):
    """One stream from its first request to its end. `run` is the whole of its life."""

    def __init__(self, number: int, context: Context, limits: Limits, observer: Observer) -> None:
        self.id = number
        self._context = context
        self._limits = limits
        self._observer = observer
        self._address = peer_address(context.peer())
        self._close: Close | None = None
        self._ended = False
        self._work = asyncio.Event()

    @abstractmethod
    async def _take(self, data: bytes) -> None:
        """Take one message; the next is not read before this returns. Raises StreamRefused."""

    @abstractmethod
    async def _write(self) -> None:
        """Write what is due, whenever `_work` is set, until `_closing`."""

    @abstractmethod
    def _leave(self) -> None:
        """The call is over; the client need not have been told yet."""

    def end(self, close: Close) -> None:
        """End the stream after what is being written."""
        self._close = self._close or close
        self._work.set()

    async def run(self) -> None:
        """Serve until either side ends it; then tell the client why, if it was us."""
        try:
            await self._serve()
        except Exception as error:  # noqa: BLE001  # a defect ends this stream and no other; it is told to the observer
            self._observer.stream_failed(self._address, error)
            self._close = DEFECT
        finally:
            self._leave()
        if self._close is not None:
            await self._say(self._close)

    @property
    def _closing(self) -> bool:
        return self._close is not None or self._ended

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            reader = tasks.create_task(self._read())
            await self._write()
            reader.cancel()

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(self._limits.first_request_s):
                data = await self._context.read()
            while data is not END_OF_CALL:
                await self._take(data)
                if self._closing:
                    break  # a read that is cancelled half-way leaves its message in gRPC's memory for good
                data = await self._context.read()
        except TimeoutError:
            waited = self._limits.first_request_s
            self.end(Close("DEADLINE_EXCEEDED", f"no request came within {waited:g} s of opening the stream"))
        except StreamRefused as refused:
            self.end(refused.close)
        except CALL_ENDED:
            pass
        self._ended = True
        self._work.set()

    async def _send(self, data: bytes) -> bool:
        """Write one response. False when the client is gone, or did not take it in time."""
        try:
            async with asyncio.timeout(self._limits.write_s):
                await self._context.write(data)
        except TimeoutError:
            waited = self._limits.write_s
            self._close = Close("DEADLINE_EXCEEDED", f"the client did not read a response within {waited:g} s")
            return False
        except CALL_ENDED:
            return False
        return True

    async def _say(self, close: Close) -> None:
        """End the call with a status. One who does not read finds it behind the response that is stuck."""
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                await self._context.abort(STATUS_CODES[close.status], close.message)
        except (TimeoutError, *CALL_ENDED):
            return


def peer_address(peer: str) -> str:
    """`ipv4:127.0.0.1:4711` -> `127.0.0.1:4711`; `ipv6:%5B::1%5D:4711` -> `[::1]:4711`."""
    _, _, address = peer.partition(":")
    return address.replace("%5B", "[").replace("%5D", "]")
