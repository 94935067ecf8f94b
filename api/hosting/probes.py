"""A few pages over plain HTTP, for probes and scrapers, without a web framework: a process that must stay small.

GET and HEAD of fixed paths, answered from memory, one request after the other on a connection. `http` is for more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import h11

from api.hosting.address import Address
from api.hosting.listening import bind

IDLE_S = 60.0
CONNECTIONS = 64
_CHUNK_BYTES = 4096
_JSON, _TEXT = "application/json", "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """One page as it is now."""

    body: bytes
    status: int = 200
    content_type: str = _TEXT


def text(words: str, status: int = 200) -> Answer:
    """For people."""
    return Answer(words.encode(), status)


def json_answer(body: bytes, status: int = 200) -> Answer:
    """A JSON document that is serialised already."""
    return Answer(body, status, _JSON)


Page = Callable[[], Answer]
_NOT_FOUND = text("no such page\n", 404)
_NOT_ALLOWED = text("these pages are for GET\n", 405)


class Probes:
    """One listener, from `start` to `stop`. `pages` by path, such as `/healthz`, are made anew for each request."""

    def __init__(self, address: Address, pages: Mapping[str, Page]) -> None:
        self._wanted = address
        self._pages = pages
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.address = str(address)

    async def start(self) -> None:
        """Listen. Raises InvalidConfig when the address cannot be had."""
        listener = bind(self._wanted)
        self.address = str(Address(self._wanted.host, listener.getsockname()[1]))
        self._server = await asyncio.start_server(self._connected, sock=listener)

    async def stop(self) -> None:
        """Idempotent."""
        if self._server is not None:
            self._server.close()
            for connection in self._connections:
                connection.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)
            self._server = None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            if len(self._connections) <= CONNECTIONS:
                with suppress(OSError, TimeoutError, h11.RemoteProtocolError):
                    await self._converse(reader, writer)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        while True:
            async with asyncio.timeout(IDLE_S):
                request = await _next_request(connection, reader)
                if request is None:
                    return
                writer.write(_written(connection, request, self._answer(request)))
                await writer.drain()
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return
            connection.start_next_cycle()

    def _answer(self, request: h11.Request) -> Answer:
        if request.method not in (b"GET", b"HEAD"):
            return _NOT_ALLOWED
        page = self._pages.get(request.target.decode("ascii", "replace").partition("?")[0])
        return page() if page is not None else _NOT_FOUND


async def _next_request(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Request | None:
    """None when the client has gone. What it sends along is read and left."""
    request: h11.Request | None = None
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_CHUNK_BYTES))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.EndOfMessage):
            return request
        elif isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
            return None


def _written(connection: h11.Connection, request: h11.Request, answer: Answer) -> bytes:
    headers = [("content-type", answer.content_type), ("content-length", str(len(answer.body)))]
    parts = [connection.send(h11.Response(status_code=answer.status, headers=headers))]
    if request.method != b"HEAD":
        parts.append(connection.send(h11.Data(data=answer.body)))
    parts.append(connection.send(h11.EndOfMessage()))
    return b"".join(part for part in parts if part)
