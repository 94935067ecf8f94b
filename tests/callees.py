"""gRPC services that take every call and tell who they are, and a client that shows all of an answer. No stubs."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import grpc

TIMEOUT_S = 30


@dataclass(frozen=True)
class CallAnswer:
    """`text` is what the service answered, `status` the call's; `seen` are the headers that reached the service."""

    status: str
    text: str = ""
    seen: tuple[tuple[str, str], ...] = ()


class _Names(grpc.GenericRpcHandler):
    """Answers every call with a name, after which the call's headers stand in the trailers."""

    def __init__(self, name: str) -> None:
        self._name = name

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            texts = ((key, value) for key, value in details.invocation_metadata if isinstance(value, str))
            context.set_trailing_metadata(tuple((f"seen-{key}", value) for key, value in texts))
            return self._name.encode()

        return grpc.unary_unary_rpc_method_handler(answer)


@contextmanager
def callee(name: str) -> Iterator[int]:
    """A service on a free loopback port, which is given."""
    server = grpc.server(ThreadPoolExecutor(2), handlers=(_Names(name),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None)


def call(channel: grpc.Channel, method: str) -> CallAnswer:
    """One call of `/package.Service/Method`, with nothing to say."""
    try:
        text, done = channel.unary_unary(method).with_call(b"", timeout=TIMEOUT_S)
    except grpc.RpcError as error:
        return CallAnswer(error.code().name)
    seen = ((key.removeprefix("seen-"), value) for key, value in done.trailing_metadata() if key.startswith("seen-"))
    return CallAnswer("OK", text.decode(), tuple(seen))
