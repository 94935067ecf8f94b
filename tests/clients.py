"""Small honest xDS clients for tests: raw gRPC, the messages of the private pool, and no opinion of their own.

Each speaks one stream. `next` waits for a response and remembers its nonce; `ack` and `nack` answer the last one of
its type. They send exactly what they are told to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import grpc
from google.protobuf import json_format
from grpc import aio

from api.envoy.registry import EnvoyApi, load_default

ADS = "envoy.service.discovery.v3.AggregatedDiscoveryService"
DISCOVERY = "envoy.service.discovery.v3."
PATIENCE_S = 60.0


class XdsClient:
    """One stream to `address`. Subclasses name the method and the messages."""

    method: str
    request_name: str
    response_name: str

    def __init__(
        self,
        address: str,
        node: str = "edge-1",
        cluster: str = "default",
        *,
        credentials: grpc.ChannelCredentials | None = None,
        method: str = "",
        api: EnvoyApi | None = None,
        channel: aio.Channel | None = None,
        target_name: str = "",
        reads: bool = True,
    ) -> None:
        self.api = api or load_default()
        self.node, self.cluster = node, cluster
        options = [("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
        if target_name:
            options.append(("grpc.ssl_target_name_override", target_name))  # type: ignore[arg-type]
        self._own_channel = channel is None
        if channel is not None:
            self.channel = channel
        elif credentials is not None:
            self.channel = aio.secure_channel(address, credentials, options)
        else:
            self.channel = aio.insecure_channel(address, options)
        self.call = self.channel.stream_stream(method or self.method)()
        self.nonces: dict[str, str] = {}
        self._named = False
        self._received: asyncio.Queue[bytes | None] = asyncio.Queue()
        # Cancelling a read would cancel the call, so one task reads for as long as the client lives.
        self._reading = asyncio.create_task(self._read()) if reads else None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.call.cancel()
        if self._reading is not None:
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._own_channel:
            await self.channel.close()

    def request(self, type_url: str, **fields: Any) -> Any:
        """A request message; the first of the stream names the node."""
        request: Any = self.api.new(self.request_name)
        request.type_url = type_url
        if not self._named and self.node:
            request.node.id, request.node.cluster = self.node, self.cluster
        self._named = True
        for name, value in fields.items():
            _assign(request, name, value)
        return request

    async def send(self, type_url: str, **fields: Any) -> None:
        await self.send_bytes(self.request(type_url, **fields).SerializeToString())

    async def send_bytes(self, data: bytes) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await self.call.write(data)

    async def next(self, within_s: float = PATIENCE_S) -> Any:
        """The next response. Fails when the server ends the stream."""
        response: Any = self.api.new(self.response_name)
        response.ParseFromString(await self._next_bytes(within_s))
        self.nonces[response.type_url] = response.nonce
        return response

    async def _next_bytes(self, within_s: float) -> bytes:
        async with asyncio.timeout(within_s):
            data = await self._received.get()
        if data is None:
            raise AssertionError(f"the stream ended: {await self.call.code()} {await self.call.details()}")
        return data

    async def hears_nothing(self, for_s: float = 0.3) -> bool:
        """Whether no response comes for a while."""
        try:
            await self.next(for_s)
        except TimeoutError:
            return True
        return False

    def reads_on(self) -> None:
        """One that did not read begins to, with what is stuck on its way."""
        assert self._reading is None
        self._reading = asyncio.create_task(self._read())

    async def ack(self, type_url: str) -> None:
        await self.send(type_url, response_nonce=self.nonces[type_url])

    async def nack(self, type_url: str, message: str) -> None:
        await self.send(type_url, response_nonce=self.nonces[type_url], error_detail=message)

    async def _read(self) -> None:
        try:
            while (data := await self.call.read()) is not aio.EOF:  # type: ignore[attr-defined]
                self._received.put_nowait(data)
        except (aio.AioRpcError, asyncio.CancelledError):
            pass  # how it ended is asked of the call
        self._received.put_nowait(None)

    async def status(self) -> tuple[grpc.StatusCode, str]:
        """How the stream ended; waits for it."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.call.code(), await self.call.details()


class DeltaClient(XdsClient):
    """Incremental."""

    method = f"/{ADS}/DeltaAggregatedResources"
    request_name = DISCOVERY + "DeltaDiscoveryRequest"
    response_name = DISCOVERY + "DeltaDiscoveryResponse"

    async def subscribe(
        self, type_url: str, names: Iterable[str] = (), *, holding: Mapping[str, str] | None = None
    ) -> None:
        await self.send(type_url, resource_names_subscribe=tuple(names), initial_resource_versions=holding or {})

    async def unsubscribe(self, type_url: str, names: Iterable[str]) -> None:
        await self.send(type_url, resource_names_unsubscribe=tuple(names))


class StateClient(XdsClient):
    """State of the world. An ACK repeats the names and says the version, as the variant wants it."""

    method = f"/{ADS}/StreamAggregatedResources"
    request_name = DISCOVERY + "DiscoveryRequest"
    response_name = DISCOVERY + "DiscoveryResponse"

    def __init__(self, address: str, node: str = "edge-1", cluster: str = "default", **options: Any) -> None:
        super().__init__(address, node, cluster, **options)
        self.names: dict[str, tuple[str, ...]] = {}
        self.versions: dict[str, str] = {}
        self._last: dict[str, str] = {}

    async def next(self, within_s: float = PATIENCE_S) -> Any:
        response = await super().next(within_s)
        self._last[response.type_url] = response.version_info
        return response

    async def subscribe(self, type_url: str, names: Iterable[str] = ()) -> None:
        self.names[type_url] = tuple(names)
        await self._answer(type_url)

    async def ack(self, type_url: str) -> None:
        self.versions[type_url] = self._last[type_url]
        await self._answer(type_url)

    async def nack(self, type_url: str, message: str) -> None:
        await self._answer(type_url, error_detail=message)

    async def _answer(self, type_url: str, **fields: Any) -> None:
        await self.send(
            type_url,
            resource_names=self.names.get(type_url, ()),
            version_info=self.versions.get(type_url, ""),
            response_nonce=self.nonces.get(type_url, ""),
            **fields,
        )


class LoadClient(XdsClient):
    """Reports its load (LRS). The first report names the node; `features` are what the client says it understands."""

    method = "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats"
    request_name = "envoy.service.load_stats.v3.LoadStatsRequest"
    response_name = "envoy.service.load_stats.v3.LoadStatsResponse"
    features: tuple[str, ...] = ("envoy.lrs.supports_send_all_clusters",)

    async def report(self, *clusters: Mapping[str, Any], interval_s: float = 10) -> None:
        """Fields of ClusterStats by name, `cluster_name` first of all."""
        request: Any = self.api.new(self.request_name)
        if not self._named and self.node:
            request.node.id, request.node.cluster = self.node, self.cluster
            request.node.client_features.extend(self.features)
        self._named = True
        for fields in clusters:
            stats = request.cluster_stats.add()
            json_format.ParseDict(fields, stats)
            stats.load_report_interval.FromNanoseconds(round(interval_s * 1e9))
        await self.send_bytes(request.SerializeToString())

    async def asked(self, within_s: float = PATIENCE_S) -> Any:
        """What the server asks for next."""
        response: Any = self.api.new(self.response_name)
        response.ParseFromString(await self._next_bytes(within_s))
        return response


def _assign(request: Any, name: str, value: Any) -> None:
    if name == "error_detail":
        request.error_detail.code, request.error_detail.message = 3, value
    elif name == "initial_resource_versions":
        request.initial_resource_versions.update(value)
    elif isinstance(value, tuple):
        getattr(request, name).extend(value)
    else:
        setattr(request, name, value)


def names(response: Any) -> list[str]:
    """The names a delta response brings, in its order."""
    return [resource.name for resource in response.resources]
