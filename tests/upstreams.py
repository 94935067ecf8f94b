"""An upstream of an agent that answers as a test has it: rightly, wrongly, late, or not at all. Real gRPC.

`behave` is called with every request and gives the responses to it, which may be any bytes. What was asked is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, Self

import grpc
from grpc import aio

from api.envoy.registry import load_default
from tests.clients import ADS, DISCOVERY
from xds.protocol.resource import Resource

Behaviour = Callable[[Any], Awaitable[Iterable[bytes]]]


class Refusal(Exception):
    """The stream is to be ended with this status."""

    def __init__(self, status: grpc.StatusCode, message: str = "") -> None:
        super().__init__(message)
        self.status, self.message = status, message


class ScriptedUpstream:
    """`async with ScriptedUpstream(behave) as upstream:` listens at `upstream.address`; anywhere, if none is given."""

    def __init__(self, behave: Behaviour, address: str = "") -> None:
        self.behave = behave
        self.requests: list[Any] = []
        self.streams = 0
        self.address = address
        self._server = aio.server()
        self._open: set[Any] = set()

    async def __aenter__(self) -> Self:
        methods = {"DeltaAggregatedResources": grpc.stream_stream_rpc_method_handler(self._serve)}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(ADS, methods),))
        self.address = f"127.0.0.1:{self._server.add_insecure_port(self.address or '127.0.0.1:0')}"
        await self._server.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """As if it had been killed."""
        await self._server.stop(0)

    async def end_streams(self) -> None:
        """End what is open; others may come."""
        for context in tuple(self._open):
            with suppress(aio.AbortError):
                await context.abort(grpc.StatusCode.UNAVAILABLE, "a test has ended it")

    @property
    def nacks(self) -> list[str]:
        """Words of all requests that refuse something."""
        return [request.error_detail.message for request in self.requests if request.HasField("error_detail")]

    @property
    def acks(self) -> list[str]:
        """Nonces of all requests that take something."""
        taken = (request for request in self.requests if not request.HasField("error_detail"))
        return [request.response_nonce for request in taken if request.response_nonce]

    async def _serve(self, _: object, context: Any) -> None:
        self.streams += 1
        self._open.add(context)
        try:
            while (data := await context.read()) is not aio.EOF:  # type: ignore[attr-defined]
                request: Any = load_default().message_class(DISCOVERY + "DeltaDiscoveryRequest").FromString(data)
                self.requests.append(request)
                for response in await self.behave(request):
                    await context.write(response)
        except Refusal as refusal:
            await context.abort(refusal.status, refusal.message)
        finally:
            self._open.discard(context)


def response(
    type_url: str, *resources: Resource, revision: int = 1, nonce: str = "", removed: Iterable[str] = ()
) -> Any:
    """A DeltaDiscoveryResponse that tells everything, as a message to be spoilt."""
    message: Any = load_default().new(DISCOVERY + "DeltaDiscoveryResponse")
    message.type_url, message.nonce = type_url, nonce or f"nonce-{revision}"
    message.system_version_info = f"{revision}@state*"
    message.removed_resources.extend(removed)
    for resource in resources:
        added = message.resources.add(name=resource.name, version=resource.version)
        added.resource.type_url, added.resource.value = resource.type_url, resource.body
    return message


def always(type_url: str, *resources: Resource, revision: int = 1) -> Behaviour:
    """Tell these to whoever asks for the type first, and nothing more."""

    async def behave(request: Any) -> Iterable[bytes]:
        if request.type_url != type_url or request.response_nonce:
            return ()
        return (response(type_url, *resources, revision=revision).SerializeToString(),)

    return behave


async def silent(request: Any) -> Iterable[bytes]:
    """Never answers."""
    return ()


def refusing(status: grpc.StatusCode, message: str = "not for you") -> Behaviour:
    """Ends every stream at its first request."""

    async def behave(request: Any) -> Iterable[bytes]:
        await asyncio.sleep(0)
        raise Refusal(status, message)

    return behave


def saying(*messages: bytes) -> Behaviour:
    """Answers every first request of a type with these bytes."""

    async def behave(request: Any) -> Iterable[bytes]:
        return () if request.response_nonce else messages

    return behave
