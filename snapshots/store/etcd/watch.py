"""One watch that outlives its connections: after each it goes on behind the last revision that was delivered.

A stream that says nothing is left for another endpoint unless its member gives a sign of life.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import grpc
import grpc.aio

from api.errors import Denied, LimitExceeded, StoreUnavailable
from snapshots.store.etcd import wire
from snapshots.store.etcd.connection import Connection, Metadata
from snapshots.store.etcd.errors import CallFailed, Compacted, translated
from snapshots.store.etcd.links import Link
from snapshots.store.etcd.model import WatchBatch, WatchEvent
from snapshots.store.etcd.settings import EtcdSettings

_LONGEST_PAUSE_S = 1.0
_FIRST_PAUSE_S = 0.05
_FATAL = (Denied, LimitExceeded, Compacted)


class Watch:
    """Where a watch stands: `position` is the next revision it wants, 0 before it knows what "now" is."""

    def __init__(self, connection: Connection, settings: EtcdSettings, prefix: str, start_revision: int) -> None:
        self._connection = connection
        self._settings = settings
        self._prefix = prefix
        self._failures = 0
        self._signed_in_again = False
        self._cluster_id = 0
        self.position = start_revision

    async def batches(self) -> AsyncGenerator[WatchBatch, None]:
        """Never ends by itself. Raises Compacted, Denied, or StoreUnavailable once the client is closed."""
        while True:
            try:
                async with aclosing(self._one_stream()) as batches:
                    async for batch in batches:
                        yield batch
                        self.position = batch.revision + 1
            except CallFailed as failure:
                self._go_on_or_raise(failure)
            await asyncio.sleep(self._pause_s())

    async def _one_stream(self) -> AsyncGenerator[WatchBatch, None]:
        """The batches of one connection. Raises CallFailed when it is lost."""
        deadline_s = asyncio.get_running_loop().time() + self._settings.timeout_s
        link, metadata = await self._connection.prepared(deadline_s)
        call = link.stubs.watch.Watch(metadata=metadata)
        replies = _Replies(call, link, metadata, self._prefix, self._settings)
        try:
            await call.write(wire.watch_request(self._prefix, self.position))
            async with aclosing(self._batches_of(replies)) as batches:
                async for batch in batches:
                    yield batch
        except (grpc.aio.AioRpcError, CallFailed) as error:
            failure = error if isinstance(error, CallFailed) else CallFailed.of(link.endpoint.name, error)
            self._connection.failed(link, failure)
            raise failure from error
        finally:
            call.cancel()  # grpc.aio does not cancel a call that is merely forgotten

    async def _batches_of(self, replies: _Replies) -> AsyncGenerator[WatchBatch, None]:
        created = self._checked(await replies.next(self._settings.attempt_timeout_s), replies.link)
        self._start_at(created)
        events: list[WatchEvent] = []
        while True:
            reply = self._checked(await replies.next(self._settings.watch_idle_s), replies.link)
            events += wire.watch_events(reply)
            if events and not reply.fragment:
                # The header's revision is the store's, which may be ahead of what was sent so far.
                yield WatchBatch(tuple(events), events[-1].item.mod_revision)
                events = []
            elif not events:  # etcd's own word, now and then, that nothing has happened up to here
                self.position = max(self.position, reply.header.revision + 1)

    def _start_at(self, created: Any) -> None:
        self._failures, self._signed_in_again = 0, False
        if self._cluster_id not in (0, created.header.cluster_id):
            raise Compacted(f"watch {self._prefix}: this is another etcd cluster than before; read everything anew")
        self._cluster_id = created.header.cluster_id
        if not self.position:
            self.position = created.header.revision + 1

    def _checked(self, reply: Any, link: Link) -> Any:
        """The reply, unless it says that the watch is over."""
        if not reply.canceled:
            return reply
        if reply.compact_revision:
            raise Compacted(
                f"watch {self._prefix}: revision {self.position} was compacted away; what is left begins at "
                f"{reply.compact_revision}. Read everything anew and watch from there",
                reply.compact_revision,
            )
        raise CallFailed(link.endpoint.name, grpc.StatusCode.UNAVAILABLE, reply.cancel_reason or "watch cancelled")

    def _go_on_or_raise(self, failure: CallFailed) -> None:
        """Return to connect again. What looks like a missing right may be a stale token: sign in again, once."""
        if self._connection.closed:
            raise StoreUnavailable(f"watch {self._prefix}: the etcd client was closed") from failure
        error = translated(failure, f"watch {self._prefix}")
        if isinstance(error, Denied) and not self._signed_in_again and self._connection.sign_in_again():
            self._signed_in_again = True
        elif isinstance(error, _FATAL):
            raise error from failure
        self._failures += 1

    def _pause_s(self) -> float:
        longest_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(self._failures, 10))
        return random.uniform(0, longest_s)  # so that many watchers do not come back at once


class _Replies:
    """Reads one stream. When it is silent, a read on the same connection shows whether the other side still lives.

    etcd has progress requests for that, but some versions do not answer them, and some before the events they cover
    (etcd issues 17507 and 15220).
    """

    def __init__(self, call: Any, link: Link, metadata: Metadata, prefix: str, settings: EtcdSettings) -> None:
        self.link = link
        self._call = call
        self._metadata = metadata
        self._prefix = prefix
        self._settings = settings

    async def next(self, idle_s: float) -> Any:
        # A task of its own: cancelling a read (as a timeout would) cancels the whole call.
        reading = asyncio.ensure_future(self._call.read())
        try:
            while not await _is_done(reading, idle_s):
                await self._sign_of_life()
            return self._received(reading)
        finally:
            reading.cancel()

    async def _sign_of_life(self) -> None:
        """Raises AioRpcError if there is none."""
        timeout_s = self._settings.attempt_timeout_s
        await self.link.stubs.kv.Range(
            wire.get_request(self._prefix or "/"), timeout=timeout_s, metadata=self._metadata
        )

    def _received(self, reading: asyncio.Future[Any]) -> Any:
        if reading.cancelled():  # by closing the channel under it
            raise self._lost(grpc.StatusCode.CANCELLED, "the call was cancelled")
        reply = reading.result()
        if reply is wire.END_OF_STREAM:
            raise self._lost(grpc.StatusCode.UNAVAILABLE, "the watch stream ended")
        return reply

    def _lost(self, code: grpc.StatusCode, details: str) -> CallFailed:
        return CallFailed(self.link.endpoint.name, code, details)


async def _is_done(reading: asyncio.Future[Any], timeout_s: float) -> bool:
    done, _ = await asyncio.wait({reading}, timeout=timeout_s)
    return bool(done)
