"""Calls that find a living endpoint, sign in, keep a deadline, and are repeated only where that is safe.

Knows nothing of keys: a call is a method of `Stubs` and its request. Raises `CallFailed`; the client translates it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
from tenacity import AsyncRetrying, RetryCallState, retry_base, stop_after_delay, wait_random_exponential
from tenacity.stop import stop_base

from api.errors import InvalidConfig
from snapshots.store.etcd import wire
from snapshots.store.etcd.errors import CallFailed, trouble
from snapshots.store.etcd.links import Link, Links
from snapshots.store.etcd.model import MemberStatus
from snapshots.store.etcd.settings import EtcdSettings
from snapshots.store.etcd.sign_in import SignIn
from snapshots.store.etcd.versions import is_too_old, too_old

Method = Callable[[wire.Stubs], Any]  # picks the method of a service; generated code has no types
Metadata = tuple[tuple[str, str], ...]
_REQUIRE_LEADER = ("hasleader", "true")  # a member that is cut off from the others says so instead of waiting


class Connection:
    """The endpoints of one etcd cluster, shared by all calls of a client."""

    def __init__(self, settings: EtcdSettings) -> None:
        self._settings = settings
        self._links = Links(settings)
        self._sign_in = SignIn(settings)
        self.closed = False

    async def call(self, method: Method, request: object, *, repeatable: bool, within_s: float | None = None) -> Any:
        """The reply, within `within_s` (else the settings' `timeout_s`) in all, and sooner when nobody is there.

        `repeatable`: doing it twice is the same as doing it once.
        """
        timeout_s = within_s or self._settings.timeout_s
        deadline_s = _now_s() + timeout_s
        attempts = AsyncRetrying(
            retry=_WorthRepeating(repeatable=repeatable, has_user=bool(self._settings.username)),
            stop=stop_after_delay(timeout_s) | _NobodyThere(self._settings.unreachable_s),
            wait=wait_random_exponential(multiplier=0.05, max=1.0),
            reraise=True,
        )
        limit_s = self._settings.attempt_timeout_s if repeatable else timeout_s
        async for attempt in attempts:
            with attempt:
                return await self._attempt(method, request, limit_s, deadline_s)
        raise AssertionError("tenacity ends with a result or an exception")

    async def _attempt(self, method: Method, request: object, limit_s: float, deadline_s: float) -> Any:
        link, metadata = await self.prepared(deadline_s)
        timeout_s = max(0.001, min(limit_s, deadline_s - _now_s()))
        try:
            return await method(link.stubs)(request, timeout=timeout_s, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            failure = CallFailed.of(link.endpoint.name, error)
            self.failed(link, failure)
            raise failure from error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self.closed and task is not None and not task.cancelling():
                # grpc.aio ends the calls of a closed channel as if whoever waits for them had been cancelled.
                raise CallFailed(link.endpoint.name, grpc.StatusCode.CANCELLED, "the client was closed") from None
            raise

    async def prepared(self, deadline_s: float) -> tuple[Link, Metadata]:
        """A link that is connected, new enough and signed in to. What fails here was never sent."""
        link = await self._links.ready()
        timeout_s = max(0.001, min(self._settings.attempt_timeout_s, deadline_s - _now_s()))
        try:
            metadata = await self._metadata(link, timeout_s)
            if not link.version_is_known:
                await _require_version(link, timeout_s, metadata)
        except grpc.aio.AioRpcError as error:
            failure = CallFailed.of(link.endpoint.name, error, sent=False)
            self.failed(link, failure)
            raise failure from error
        return link, (_REQUIRE_LEADER, *metadata)

    async def _metadata(self, link: Link, timeout_s: float) -> Metadata:
        token = await self._sign_in.token(link.stubs, timeout_s)
        return (("token", token),) if token else ()

    def failed(self, link: Link, failure: CallFailed) -> None:
        """Learn from a failure: a stale token is forgotten, a dead endpoint is left."""
        if failure.token_is_stale:
            self._sign_in.forget()
        elif failure.transient:
            self._links.failed(link)

    def sign_in_again(self) -> bool:
        """Forget the token; False if there is no user to sign in."""
        self._sign_in.forget()
        return bool(self._settings.username)

    async def statuses(self) -> tuple[MemberStatus, ...]:
        """Every endpoint asked at once; one that does not answer has a `problem`."""
        return tuple(await asyncio.gather(*(self._status(link) for link in self._links.all)))

    async def _status(self, link: Link) -> MemberStatus:
        for _ in range(2):  # the second time with a new token, if that was what was missing
            try:
                timeout_s = self._settings.status_timeout_s
                metadata = await self._metadata(link, timeout_s)
                return wire.member_status(link.endpoint.name, await _ask_status(link, timeout_s, metadata))
            except grpc.aio.AioRpcError as error:
                failure = CallFailed.of(link.endpoint.name, error)
                if not failure.token_is_stale:
                    break
                self._sign_in.forget()
            except InvalidConfig as error:
                return MemberStatus(link.endpoint.name, problem=error.message)
        return MemberStatus(link.endpoint.name, problem=trouble(failure))

    async def close(self) -> None:
        self.closed = True
        await self._links.close()


class _WorthRepeating(retry_base):
    """Decides for one call. A new token is tried twice: it may expire, or be unknown to the next member, at once."""

    def __init__(self, *, repeatable: bool, has_user: bool) -> None:
        self._repeatable = repeatable
        self._new_tokens = 2 if has_user else 0

    def __call__(self, retry_state: RetryCallState) -> bool:
        failure = retry_state.outcome.exception() if retry_state.outcome else None
        if not isinstance(failure, CallFailed):
            return False
        if failure.token_is_stale:
            self._new_tokens -= 1
            return self._new_tokens >= 0
        return failure.transient and (self._repeatable or failure.never_done)


class _NobodyThere(stop_base):
    """Ends a call when no endpoint has taken a connection for a while: whoever waits should hear it soon."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._since_s: float | None = None

    def __call__(self, retry_state: RetryCallState) -> bool:
        failure = retry_state.outcome.exception() if retry_state.outcome else None
        if not isinstance(failure, CallFailed) or not failure.nobody_there:
            self._since_s = None
            return False
        if self._since_s is None:
            self._since_s = _now_s()
        return _now_s() - self._since_s >= self._patience_s


async def _require_version(link: Link, timeout_s: float, metadata: Metadata) -> None:
    reply = await _ask_status(link, timeout_s, metadata)
    if is_too_old(reply.version):
        raise too_old(link.endpoint.name, reply.version)
    link.version_is_known = True


async def _ask_status(link: Link, timeout_s: float, metadata: Metadata) -> Any:
    """Signed in, because etcd 3.6 asks for it; without asking for a leader, because it is about this member alone."""
    return await link.stubs.maintenance.Status(wire.status_request(), timeout=timeout_s, metadata=metadata)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
