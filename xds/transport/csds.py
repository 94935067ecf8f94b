"""Client Status Discovery (CSDS): what each connected node of this server has.  Read only; for tools such as grpcdebug.

Who may ask, and how many at once, is decided here; what they are told, in `status_answers`.
Envoy API: envoy.service.status.v3.ClientStatusDiscoveryService.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from api.envoy.registry import EnvoyApi
from api.hosting.address import Address
from xds.transport.conversation import CALL_ENDED, END_OF_CALL, STATUS_CODES, Context, peer_address
from xds.transport.decoding import StreamRefused
from xds.transport.status_answers import StatusAnswers
from xds.transport.streams import Edge

CLIENT_STATUS = "envoy.service.status.v3.ClientStatusDiscoveryService"
FOR_THIS_MACHINE = (
    "the status of clients is told to callers on the server's own machine: ask there, use `fairlead nodes`, "
    "or set client_status to on, for every client of this port"
)


class Audience(StrEnum):
    """Who may ask. A client of the port sees only its own configuration; the status tells of everybody's."""

    OFF = "off"
    LOOPBACK = "loopback"
    ON = "on"

    def includes(self, address: str) -> bool:
        """`address`: `host:port` of the caller."""
        return self is Audience.ON or (self is Audience.LOOPBACK and Address.parse(address).loopback)


class ClientStatusService:
    """Both methods of the service, for all groups."""

    def __init__(self, api: EnvoyApi, edge: Edge, audience: Audience) -> None:
        self._request_class = api.message_class("envoy.service.status.v3.ClientStatusRequest")
        self._answers = StatusAnswers(api, edge)
        self._audience = audience
        self._limits = edge.limits
        self._calls = 0

    def handler(self) -> grpc.GenericRpcHandler[Any, Any]:
        """For a gRPC server; it takes and gives bytes."""
        methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            "FetchClientStatus": grpc.unary_unary_rpc_method_handler(self._fetch),
            "StreamClientStatus": grpc.stream_stream_rpc_method_handler(self._stream),
        }
        return grpc.method_handlers_generic_handler(CLIENT_STATUS, methods)

    async def _fetch(self, data: bytes, context: Context) -> bytes:
        try:
            with self._admitted(context):
                return await self._answer(data)
        except StreamRefused as refused:
            await context.abort(STATUS_CODES[refused.close.status], refused.close.message)

    async def _stream(self, _: object, context: Context) -> None:
        """Every request is answered by the state at that moment."""
        try:
            with self._admitted(context):
                await self._converse(context)
        except StreamRefused as refused:
            await context.abort(STATUS_CODES[refused.close.status], refused.close.message)
        except CALL_ENDED:
            return  # by the client

    async def _converse(self, context: Context) -> None:
        try:
            async with asyncio.timeout(self._limits.first_request_s):
                data = await context.read()
            while data is not END_OF_CALL:
                answer = await self._answer(data)
                async with asyncio.timeout(self._limits.write_s):
                    await context.write(answer)
                data = await context.read()
        except TimeoutError as error:
            raise StreamRefused("DEADLINE_EXCEEDED", "no request came, or an answer was not read, in time") from error

    @contextmanager
    def _admitted(self, context: Context) -> Iterator[None]:
        if not self._audience.includes(peer_address(context.peer())):
            raise StreamRefused("PERMISSION_DENIED", FOR_THIS_MACHINE)
        limit = self._limits.status_calls
        if self._calls >= limit:
            raise StreamRefused("RESOURCE_EXHAUSTED", f"{limit} calls ask for the status of clients; try again later")
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1

    async def _answer(self, data: bytes) -> bytes:
        return await self._answers.answer(self._parsed(data))

    def _parsed(self, data: bytes) -> Any:
        request = self._request_class()
        try:
            request.ParseFromString(data)
        except DecodeError as error:
            name = request.DESCRIPTOR.full_name
            raise StreamRefused("INVALID_ARGUMENT", f"these {len(data)} bytes are not a {name}: {error}") from error
        return request
