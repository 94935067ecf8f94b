"""The least a server on grpc.aio can do: write given bytes to every stream, read one answer.  As a child, like `serve`.

It knows no subscriptions, versions or nodes. What our server costs beside it is what the control plane itself costs.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import grpc
import uvloop
from grpc import aio

from bench.children import Answer, obey
from bench.load import METHOD
from bench.report import allow_many_files
from xds.protocol.plan import Response
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, Nonce
from xds.protocol.variant import Variant
from xds.transport.encoding import encode_body
from xds.transport.limits import Limits
from xds.transport.listener import new_server


class BareStream:
    """One stream: an event to write at, and how many answers came."""

    def __init__(self) -> None:
        self.due = asyncio.Event()
        self.answers = -1  # the first message is no answer


class BareServer:
    """All streams, and the bytes they get."""

    def __init__(self) -> None:
        self._server = new_server(Limits())
        self._streams: set[BareStream] = set()
        self._first = self._update = b""
        self._rounds = 0

    async def fill(self, resources: int, size_bytes: int) -> Answer:
        self._first = _response(resources, size_bytes)
        self._update = _response(1, size_bytes)
        service, method = METHOD.removeprefix("/").split("/")
        handlers = {method: grpc.stream_stream_rpc_method_handler(self._serve)}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
        port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        return {"address": f"127.0.0.1:{port}"}

    async def change(self, number: int) -> Answer:
        self._rounds += 1
        published_at_s = time.monotonic()
        for stream in self._streams:
            stream.due.set()
        return {"published_at_s": published_at_s}

    async def counts(self) -> Answer:
        done = sum(1 for stream in self._streams if stream.answers > self._rounds)
        return {"current": done, "behind": len(self._streams) - done, "total": len(self._streams)}

    async def stop(self) -> None:
        await self._server.stop(0)

    async def _serve(self, _: object, context: Any) -> None:
        stream = BareStream()
        self._streams.add(stream)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_count_answers(stream, context))
                await context.write(self._first)
                while True:
                    await stream.due.wait()
                    stream.due.clear()
                    await context.write(self._update)
        finally:
            self._streams.discard(stream)


async def _count_answers(stream: BareStream, context: Any) -> None:
    while await context.read() is not aio.EOF:  # type: ignore[attr-defined]
        stream.answers += 1


def _response(resources: int, size_bytes: int) -> bytes:
    all_of_them = tuple(Resource(CLUSTER, f"cluster-{n:06}", "v", bytes(size_bytes)) for n in range(resources))
    return encode_body(Variant.DELTA, Response(CLUSTER, Nonce("1"), "v", all_of_them, (), None))


async def main() -> None:
    allow_many_files()
    bench = BareServer()
    try:
        await obey({"fill": bench.fill, "change": bench.change, "counts": bench.counts})
    finally:
        await bench.stop()


if __name__ == "__main__":
    uvloop.run(main())
