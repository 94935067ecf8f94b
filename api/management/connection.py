"""The client's way to a server: its channel and TLS files, deadlines, what is retried, errors in our own words."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import grpc
import grpc.aio

from api.errors import FairleadError, InvalidConfig, LimitExceeded, ServerUnreachable, TimedOut
from api.management.details import ERRORS_BY_STATUS, METADATA_LIMIT_BYTES, decode_error

DEFAULT_ADDRESS = "127.0.0.1:18001"
ATTEMPTS = 4
FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 1.0
_MESSAGE_LIMIT_BYTES = 256 * 1024 * 1024

# gRPC tells of its addresses and attempts before it comes to the reason.
_REASON = re.compile(r"Failed to connect to remote host: (?P<why>[^:]+)$")

# grpc.aio's words when the server ended a call that is still being written; the server's own words are lost then.
_CANNOT_WRITE = "Internal error from Core"

Answer = TypeVar("Answer")
Call = Any  # grpc-stubs knows no common type of aio's calls


@dataclass(frozen=True, slots=True)
class ClientTls:
    """PEM files. `ca` alone proves the server; `certificate` and `key` prove this client to it."""

    ca: Path
    certificate: Path | None = None
    key: Path | None = None


def open_channel(address: str, tls: ClientTls | None) -> grpc.aio.Channel:
    options = [
        ("grpc.max_receive_message_length", _MESSAGE_LIMIT_BYTES),
        ("grpc.max_metadata_size", METADATA_LIMIT_BYTES),
        ("grpc.absolute_max_metadata_size", METADATA_LIMIT_BYTES),
        # A server that restarts is found again at once, not after gRPC's own second.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
        ("grpc.enable_http_proxy", 0),
    ]
    if tls is None:
        return grpc.aio.insecure_channel(address, options=options)
    return grpc.aio.secure_channel(address, _credentials(tls), options=options)


def _credentials(tls: ClientTls) -> grpc.ChannelCredentials:
    try:
        return grpc.ssl_channel_credentials(
            root_certificates=tls.ca.read_bytes(),
            private_key=tls.key.read_bytes() if tls.key else None,
            certificate_chain=tls.certificate.read_bytes() if tls.certificate else None,
        )
    except OSError as error:
        raise InvalidConfig(f"cannot read the TLS file {error.filename}: {error.strerror}") from error


def translated(address: str, error: grpc.aio.AioRpcError, *, encrypted: bool) -> FairleadError:
    """One gRPC error as one of ours: what the server raised, or that no server answered and what to do about it."""
    status, words = error.code().name, error.details() or ""
    metadata: Any = error.trailing_metadata() or ()  # pairs, whatever grpc-stubs calls them
    decoded = decode_error(status, words, metadata)
    if decoded is not None:
        return decoded
    if words == _CANNOT_WRITE:
        return ServerUnreachable(f"the server at {address} ended the call while it was written to; its log says why")
    if status in ("UNAVAILABLE", "CANCELLED"):
        return _unreachable(address, words, encrypted=encrypted)
    if status == "DEADLINE_EXCEEDED":
        return TimedOut(f"the server at {address} did not answer in time; allow more with --timeout")
    if status == "RESOURCE_EXHAUSTED":
        return LimitExceeded(f"the answer of {address} is too large: {words}")
    if status == "UNIMPLEMENTED":
        return FairleadError(
            f"the server at {address} does not know this command ({words}); is it a Fairlead of this version?"
        )
    return ERRORS_BY_STATUS.get(status, FairleadError)(f"{words or status} (from {address})")


def _unreachable(address: str, words: str, *, encrypted: bool) -> ServerUnreachable:
    hint = "start one with `fairlead dev`, or name another with --server or FAIRLEAD_SERVER"
    if encrypted or "ssl" in words.lower() or "tls" in words.lower():
        hint = "is it the right CA, and does the server speak TLS on this address?"
    elif "socket closed" in words.lower() or "goaway" in words.lower():
        hint = "the server went away while it answered, or it speaks TLS: try again, or name the CA in the context"
    reason = _REASON.search(words)
    return ServerUnreachable(f"no Fairlead server answers at {address}; {hint} ({reason['why'] if reason else words})")


class Connection:
    """Runs calls: with a deadline, with our errors, and again after a lost connection where that is safe."""

    def __init__(self, address: str, timeout_s: float, tls: ClientTls | None) -> None:
        self.address = address
        self.timeout_s = timeout_s
        self._encrypted = tls is not None
        self.channel = open_channel(address, tls)

    async def unary(self, start: Callable[[], Call]) -> Any:
        """The answer of one call that may be made again: `start` makes it anew. Raises the error tree."""
        return await retried(lambda: self._once(start))

    async def stream(self, start: Callable[[], Call], *, again: bool = True) -> AsyncIterator[Any]:
        """The messages of one streaming call; abandoning the iteration cancels it.

        `again`: the call may be made again until its first message came.
        """
        call, message = await (retried(lambda: self._begun(start)) if again else self._begun(start))
        try:
            while message is not grpc.aio.EOF:  # type: ignore[attr-defined]  # the stubs leave it out
                yield message
                message = await call.read()
        except grpc.aio.AioRpcError as error:
            raise translated(self.address, error, encrypted=self._encrypted) from None
        finally:
            call.cancel()

    async def _begun(self, start: Callable[[], Call]) -> tuple[Call, Any]:
        """A call and its first message."""
        call, message = start(), None
        try:
            message = await call.read()
        except grpc.aio.AioRpcError as error:
            raise translated(self.address, error, encrypted=self._encrypted) from None
        finally:
            if message is None:
                call.cancel()
        return call, message

    async def _once(self, start: Callable[[], Call]) -> Any:
        call = start()
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            raise translated(self.address, error, encrypted=self._encrypted) from None
        finally:
            call.cancel()

    async def close(self) -> None:
        await self.channel.close(None)


async def retried(attempt: Callable[[], Awaitable[Answer]]) -> Answer:
    """Make the attempt up to ATTEMPTS times while no server is reached. Other errors are the answer."""
    try:
        return await attempt()
    except ServerUnreachable:
        # Imported only when it is needed: the command line waits for every import.
        from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential, wait_random

    async for again in AsyncRetrying(
        retry=retry_if_exception_type(ServerUnreachable),
        stop=stop_after_attempt(ATTEMPTS - 1),
        wait=wait_exponential(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S) + wait_random(0, FIRST_WAIT_S),
        reraise=True,
    ):
        with again:
            return await attempt()
    raise AssertionError("unreachable: the last attempt returns or raises")
