"""Requests to an Envoy and a place for them to end: as little Python as can be, since all share two cores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
_AGAIN_S = 0.003
_SELDOM_S = 0.02
# More requests on their way at once than this would only wait in Envoy.
_WINDOW = 32


class _AlwaysOk(asyncio.Protocol):
    """Answers whatever comes in one segment with 200."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(_OK * data.count(b"\r\n\r\n"))


@asynccontextmanager
async def an_upstream() -> AsyncIterator[int]:
    """The port of an upstream on loopback that answers 200 to everything."""
    server = await asyncio.get_running_loop().create_server(_AlwaysOk, "127.0.0.1", 0)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


class Client:
    """One connection that is kept alive, and made again when it ends."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, host: str, path: str) -> tuple[int, str]:
        """The status and the rest of the head of the answer; status 0 while nobody answers."""
        try:
            reader, writer = await self._connected()
            writer.write(f"GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = head.lower().partition("content-length: ")[2].partition("\r\n")[0]
            await reader.readexactly(int(length or 0))
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return 0, ""
        return int(head.split(" ", 2)[1]), head

    async def until(
        self, host: str, path: str, answers: Callable[[int, str], bool], *, again_s: float = _AGAIN_S
    ) -> None:
        """Ask again and again until the answer is as wanted."""
        while True:
            if answers(*await self.ask(host, path)):
                return
            await asyncio.sleep(again_s)

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        return self._streams


async def all_answered(port: int, wanted: Sequence[tuple[str, str]]) -> None:
    """Ask for each host and path until it is answered with 200; returns when all were."""
    waiting = iter(wanted)

    async def take_turns() -> None:
        client = Client(port)
        for host, path in waiting:
            await client.until(host, path, _is_ok, again_s=_SELDOM_S)
        client.close()

    # One alone until there is something: many that ask in vain would take the time of who is to answer.
    await Client(port).until(*wanted[0], _is_ok, again_s=_SELDOM_S)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(_WINDOW):
            tasks.create_task(take_turns())


def _is_ok(status: int, _: str) -> bool:
    return status == 200
