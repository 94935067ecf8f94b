"""The edge of every call: may this caller, in which trace, how long it took, and errors in the form clients read.

One interceptor for the whole server. What is not a FairleadError is a bug: the caller gets an id, the log the rest.
"""

from __future__ import annotations

import asyncio
import math
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import grpc
import grpc.aio

from api.errors import Denied, FairleadError, RateExceeded
from api.management.details import ACCEPTS_KEY, DETAILS_KEY, encode_details, status_message
from api.management.policy import SERVICE, Proof, authorise
from api.telemetry import logs, metrics, tracing

# How gRPC's clients are told when to come again, in milliseconds.  gRFC A6, "Pushback".
PUSHBACK_KEY = "grpc-retry-pushback-ms"
Behaviour = Callable[[Any, Any], Awaitable[Any]]


class Guard(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in the stubs alone
    """`plain_proof`: what a caller without a certificate counts as, which the listener's kind decides."""

    def __init__(self, plain_proof: Proof) -> None:
        self._plain_proof = plain_proof

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any]]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        method = handler_call_details.method
        handler: Any = await continuation(handler_call_details)
        if handler is None:
            return None
        if not method.startswith(f"/{SERVICE.full_name}/"):
            return self._admitted(handler, method)
        if handler.request_streaming:
            return _remade(handler, grpc.stream_unary_rpc_method_handler, self._guarded(method, handler.stream_unary))
        if handler.response_streaming:
            return _remade(handler, grpc.unary_stream_rpc_method_handler, self._guarded(method, handler.unary_stream))
        return _remade(handler, grpc.unary_unary_rpc_method_handler, self._guarded(method, handler.unary_unary))

    def _admitted(self, handler: Any, method: str) -> Any:
        """Health and reflection raise no errors of ours: the policy is asked, by what the listener proves of all."""
        try:
            authorise(method, self._plain_proof)
        except Denied as denied:
            return _refusing(denied)
        return handler

    def _guarded(self, method: str, behaviour: Behaviour) -> Behaviour:
        name = method.rpartition("/")[2]

        async def call(request: Any, context: Any) -> Any:
            started_s = time.monotonic()
            received = _metadata(context)
            traceparent = received.get("traceparent", "")
            try:
                authorise(method, self._proof(context))
                with logs.bound(trace=tracing.trace_id(traceparent)), tracing.span(name, parent=traceparent):
                    answer = await behaviour(request, context)
            except FairleadError as error:
                metrics.call_ended(name, error.status, time.monotonic() - started_s)
                await _abort(context, error, received)
            except (asyncio.CancelledError, grpc.aio.AbortError):
                metrics.call_ended(name, "CANCELLED", time.monotonic() - started_s)
                raise
            except Exception as error:  # noqa: BLE001 -- the end of this call: nothing of it may reach the caller
                metrics.call_ended(name, "INTERNAL", time.monotonic() - started_s)
                await _abort(context, _bug(name, error), received)
            metrics.call_ended(name, "OK", time.monotonic() - started_s)
            return answer

        return call

    def _proof(self, context: Any) -> Proof:
        """A listener that asks for certificates has had them verified by TLS before a call gets here."""
        shown = context.auth_context().get("transport_security_type", [b""])[0] == b"ssl"
        certificate = shown and bool(context.peer_identities())
        return Proof.CERTIFICATE if certificate else self._plain_proof


def _metadata(context: Any) -> dict[str, str]:
    return {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}


async def _abort(context: Any, error: FairleadError, received: dict[str, str]) -> NoReturn:
    whole = ACCEPTS_KEY in received
    details = encode_details(error, whole=whole)
    words = status_message(error, whole=whole)
    trailing: tuple[tuple[str, str | bytes], ...] = ((DETAILS_KEY, details),)
    if isinstance(error, RateExceeded):
        trailing += ((PUSHBACK_KEY, str(math.ceil(error.retry_after_s * 1000))),)
    await context.abort(grpc.StatusCode[error.status], words, trailing_metadata=trailing)
    raise AssertionError("abort always raises")


def _bug(method: str, error: Exception) -> FairleadError:
    reference = uuid.uuid4().hex[:12]
    logs.logger("management").error("internal error", method=method, reference=reference, exc_info=error)
    return FairleadError(f"an internal error; the server's log has it as {reference}. Please report it")


def _remade(handler: Any, make: Callable[..., Any], behaviour: Behaviour) -> Any:
    return make(
        behaviour,
        request_deserializer=handler.request_deserializer,
        response_serializer=handler.response_serializer,
    )


def _refusing(denied: Denied) -> Any:
    async def refuse(request: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode[denied.status], denied.message)

    return grpc.unary_unary_rpc_method_handler(refuse)
