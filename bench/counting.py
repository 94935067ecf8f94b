"""A TCP proxy on loopback that counts the bytes of each direction: what a stream costs on the wire, HTTP/2 included."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

_CHUNK_BYTES = 64 * 1024


@dataclass(slots=True)
class Counted:
    """Bytes so far: `up` is what the clients say."""

    address: str
    up: int = 0
    down: int = 0


@asynccontextmanager
async def counting(target: str) -> AsyncIterator[Counted]:
    """Clients of `address` reach `target` (`host:port`)."""
    host, _, port = target.rpartition(":")
    pipes: set[asyncio.Task[None]] = set()

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: str) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK_BYTES):
                setattr(counted, direction, getattr(counted, direction) + len(data))
                writer.write(data)
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        pipes.add(task)
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(pipe(reader, far_writer, "up"), pipe(far_reader, writer, "down"))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    counted = Counted(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        async with server:
            yield counted
    finally:
        for task in pipes:
            task.cancel()
        await asyncio.gather(*pipes, return_exceptions=True)
