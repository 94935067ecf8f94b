"""A load generator as a child: so many ADS streams over so many connections, to whatever address it is given.

It speaks the incremental variant with bytes ready made, acknowledges everything, and notes when each stream received
what it waited for. Nothing in it knows Fairlead, so that other control planes can be measured by the same hand.

Orders: `connect` (open the streams and wait for the first state on each), `expect` (wait for the next update on every
stream; answers with when each came), `settle` (wait until nothing comes any more; answers with how many responses came
since `forget`), `reconnect` (end all streams, open them again with the versions they hold, and count what is sent
again), `close`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import uvloop
from grpc import aio

from api.envoy.registry import load_default
from bench.children import Answer, obey
from bench.report import allow_many_files

METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
RESPONSE = load_default().message_class("envoy.service.discovery.v3.DeltaDiscoveryResponse")
REQUEST = load_default().message_class("envoy.service.discovery.v3.DeltaDiscoveryRequest")
PATIENCE_S = 120.0


def open_call(channel: aio.Channel, method: str) -> Any:
    """A call of bytes both ways. The stubs ask for serialisers and a source of requests, which grpc does not."""
    opener: Any = channel.stream_stream
    return opener(method)()


class LoadStream:
    """One stream. `received_at_s` is of the last response; `resources`, `responses` count. No `names`: everything."""

    def __init__(
        self,
        channel: aio.Channel,
        node: str,
        cluster: str,
        type_url: str,
        names: Sequence[str] = (),
        features: Sequence[str] = (),
    ) -> None:
        self._channel, self._features = channel, features
        self._node, self._cluster, self._type_url, self._names = node, cluster, type_url, names
        self._call: Any = None
        self._task: asyncio.Task[None] | None = None
        self._arrived = asyncio.Event()
        self.received_at_s = 0.0
        self.resources = 0
        self.responses = 0

    def open(self, versions: dict[str, str]) -> None:
        request: Any = REQUEST(type_url=self._type_url, resource_names_subscribe=self._names)
        request.node.id, request.node.cluster = self._node, self._cluster
        request.node.client_features.extend(self._features)
        request.initial_resource_versions.update(versions)
        self.resources = 0
        self._arrived.clear()
        self._task = asyncio.create_task(self._run(request.SerializeToString()))

    async def next_state(self) -> None:
        """Wait for a response after the last `forget`."""
        async with asyncio.timeout(PATIENCE_S):
            await self._arrived.wait()

    async def silence(self, quiet_s: float) -> None:
        """Wait until no response comes for so long."""
        with suppress(TimeoutError):
            while True:
                self._arrived.clear()
                async with asyncio.timeout(quiet_s):
                    await self._arrived.wait()

    def forget(self) -> None:
        self.responses = 0
        self._arrived.clear()

    async def end(self) -> None:
        assert self._task is not None
        self._call.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, opening: bytes) -> None:
        self._call = open_call(self._channel, METHOD)
        await self._call.write(opening)
        while (data := await self._call.read()) is not aio.EOF:  # type: ignore[attr-defined]
            self.received_at_s = time.monotonic()
            response: Any = RESPONSE.FromString(data)
            self.resources += len(response.resources)
            self.responses += 1
            self._arrived.set()
            await self._call.write(REQUEST(type_url=self._type_url, response_nonce=response.nonce).SerializeToString())


class LoadGenerator:
    """All streams of one process."""

    def __init__(self) -> None:
        self._channels: list[aio.Channel] = []
        self._streams: list[LoadStream] = []

    async def connect(
        self,
        target: str,
        streams: int,
        connections: int,
        cluster: str,
        type_url: str,
        names: Sequence[str] = (),
        features: Sequence[str] = (),
    ) -> Answer:
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]
        self._channels = [aio.insecure_channel(target, options) for _ in range(connections)]
        self._streams = [
            LoadStream(self._channels[number % connections], f"node-{number}", cluster, type_url, names, features)
            for number in range(streams)
        ]
        return await self._open({})

    async def expect(self) -> Answer:
        """Answers with times on the clock that all processes of this machine share."""
        await asyncio.gather(*(stream.next_state() for stream in self._streams))
        return {"received_at_s": [stream.received_at_s for stream in self._streams]}

    async def settle(self, quiet_s: float) -> Answer:
        await asyncio.gather(*(stream.silence(quiet_s) for stream in self._streams))
        return {
            "responses": [stream.responses for stream in self._streams],
            "received_at_s": [stream.received_at_s for stream in self._streams],
        }

    async def forget(self) -> Answer:
        for stream in self._streams:
            stream.forget()
        return {}

    async def reconnect(self, target: str, cluster: str, type_url: str) -> Answer:
        versions = await _everything(target, cluster, type_url)
        await self._end_streams()
        return {**await self._open(versions), "held": len(versions)}

    async def close(self) -> Answer:
        await self._end_streams()
        await asyncio.gather(*(channel.close(None) for channel in self._channels))
        return {}

    async def _open(self, versions: dict[str, str]) -> Answer:
        started_s = time.monotonic()
        for stream in self._streams:
            stream.open(versions)
        await asyncio.gather(*(stream.next_state() for stream in self._streams))
        resources = sum(stream.resources for stream in self._streams)
        return {"seconds": time.monotonic() - started_s, "resources": resources}

    async def _end_streams(self) -> None:
        await asyncio.gather(*(stream.end() for stream in self._streams))


async def _everything(target: str, cluster: str, type_url: str) -> dict[str, str]:
    """Names and versions of all that is served, as one more client sees them; done when nothing comes any more."""
    async with aio.insecure_channel(target, [("grpc.max_receive_message_length", -1)]) as channel:
        call = open_call(channel, METHOD)
        request: Any = REQUEST(type_url=type_url)
        request.node.id, request.node.cluster = "surveyor", cluster
        await call.write(request.SerializeToString())
        versions: dict[str, str] = {}
        try:
            while (data := await asyncio.wait_for(call.read(), 0.5)) is not aio.EOF:  # type: ignore[attr-defined]
                response: Any = RESPONSE.FromString(data)
                versions.update((resource.name, resource.version) for resource in response.resources)
                await call.write(REQUEST(type_url=type_url, response_nonce=response.nonce).SerializeToString())
        except TimeoutError:
            return versions
    return versions


async def main() -> None:
    allow_many_files()
    load = LoadGenerator()
    orders = (load.connect, load.expect, load.settle, load.forget, load.reconnect, load.close)
    await obey({order.__name__: order for order in orders})


if __name__ == "__main__":
    uvloop.run(main())
