"""Client Status Discovery (CSDS): what each connected node of this server has.  Read only; for tools such as grpcdebug.

It reads the fleet and the groups' revisions. An answer is bounded in nodes and bytes, and so is how many ask at once.
Envoy API: envoy.service.status.v3.ClientStatusDiscoveryService.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from api.envoy.registry import EnvoyApi
from xds.fleet import Fleet, NodeState, NodeStatus
from xds.protocol.splitting import RESPONSE_LIMIT_BYTES
from xds.server.catalogues import Catalogues
from xds.server.client_status import tell
from xds.server.conversation import CALL_ENDED, END_OF_CALL, STATUS_CODES, Context
from xds.server.decoding import StreamRefused
from xds.server.limits import Limits

CLIENT_STATUS = "envoy.service.status.v3.ClientStatusDiscoveryService"
_BATCH = 50  # nodes told of between two turns of everybody else


class ClientStatusService:
    """Both methods of the service, for all groups."""

    def __init__(self, api: EnvoyApi, fleet: Fleet, catalogues: Catalogues, limits: Limits) -> None:
        self._request_class = api.message_class("envoy.service.status.v3.ClientStatusRequest")
        self._response_class = api.message_class("envoy.service.status.v3.ClientStatusResponse")
        self._fleet = fleet
        self._catalogues = catalogues
        self._limits = limits
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
            with self._admitted():
                return await self._answer(data)
        except StreamRefused as refused:
            await context.abort(STATUS_CODES[refused.close.status], refused.close.message)

    async def _stream(self, _: object, context: Context) -> None:
        """Every request is answered by the state at that moment."""
        try:
            with self._admitted():
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
    def _admitted(self) -> Iterator[None]:
        limit = self._limits.status_calls
        if self._calls >= limit:
            raise StreamRefused("RESOURCE_EXHAUSTED", f"{limit} calls ask for the status of clients; try again later")
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1

    async def _answer(self, data: bytes) -> bytes:
        """A ClientStatusRequest -> a ClientStatusResponse. Raises StreamRefused."""
        response: Any = self._response_class()
        size_bytes = 0
        nodes = self._asked_for(self._parsed(data))
        while batch := list(islice(nodes, _BATCH)):
            for node in batch:
                config = response.config.add()
                tell(config, node, self._catalogues.revision(node.group))
                size_bytes += config.ByteSize()
            if size_bytes > RESPONSE_LIMIT_BYTES:
                raise _too_much(f"an answer would be larger than {RESPONSE_LIMIT_BYTES} bytes")
            await asyncio.sleep(0)
        answer: bytes = response.SerializeToString()
        return answer

    def _parsed(self, data: bytes) -> Any:
        request = self._request_class()
        try:
            request.ParseFromString(data)
        except DecodeError as error:
            name = request.DESCRIPTOR.full_name
            raise StreamRefused("INVALID_ARGUMENT", f"these {len(data)} bytes are not a {name}: {error}") from error
        return request

    def _asked_for(self, request: Any) -> Iterator[NodeStatus]:
        """Connected nodes, all of them or those matched, by id."""
        limit = self._limits.status_nodes
        wanted = sorted({_node_id(matcher) for matcher in request.node_matchers})
        if not wanted:
            total = sum(self._fleet.counts(group).total for group in self._fleet.groups())
            if total > limit:
                raise _too_much(f"{total} nodes are connected, and at most {limit} are told of at once")
        elif len(wanted) > limit:
            raise _too_much(f"{len(wanted)} nodes are asked for, and at most {limit} are told of at once")
        found = map(self._fleet.node, wanted) if wanted else iter(self._fleet.nodes())
        return (node for node in found if node is not None and node.state is not NodeState.OFFLINE)


def _node_id(matcher: Any) -> str:
    exact = matcher.node_id.WhichOneof("match_pattern") == "exact" and not matcher.node_id.ignore_case
    if not exact or matcher.node_metadatas:
        raise StreamRefused(
            "INVALID_ARGUMENT", "a node matcher must be an exact node_id, without metadata; or leave out node_matchers"
        )
    node_id: str = matcher.node_id.exact
    return node_id


def _too_much(why: str) -> StreamRefused:
    advice = "name fewer nodes in node_matchers, or ask `fairlead nodes`"
    return StreamRefused("RESOURCE_EXHAUSTED", f"{why}; {advice}")
