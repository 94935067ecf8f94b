"""Keeping a lease alive for as long as a block of code runs.  Knows nothing of the keys that hang on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api.errors import StoreUnavailable
from snapshots.store.etcd import wire
from snapshots.store.etcd.connection import Connection, Metadata
from snapshots.store.etcd.errors import CallFailed

_BEATS_PER_TTL = 3


class LeaseKeeper:
    """A lease as its holder sees it. What it fences may be done while `remaining_s` is above zero, and no longer."""

    def __init__(self, lease_id: int) -> None:
        self.lease_id = lease_id
        self.ttl_s = 0
        self._expires_at_s = 0.0
        self._lost = asyncio.Event()

    @property
    def lost(self) -> bool:
        """etcd has said that the lease is gone."""
        return self._lost.is_set()

    @property
    def remaining_s(self) -> float:
        """Until etcd may end the lease, counted from when the last beat was *sent*: never longer than etcd counts."""
        return 0.0 if self.lost else max(0.0, self._expires_at_s - asyncio.get_running_loop().time())

    async def wait_lost(self) -> None:
        await self._lost.wait()

    async def beat(self, connection: Connection) -> None:
        sent_at_s = asyncio.get_running_loop().time()
        self.ttl_s = await keep_alive_once(connection, self.lease_id)
        self._expires_at_s = sent_at_s + self.ttl_s
        if self.ttl_s <= 0:
            self._lost.set()


@asynccontextmanager
async def kept_alive(connection: Connection, lease_id: int) -> AsyncIterator[LeaseKeeper]:
    """Beats three times per time to live until the block ends; the lease itself is left to expire or be revoked.

    Raises StoreUnavailable when the lease is gone already.
    """
    keeper = LeaseKeeper(lease_id)
    await keeper.beat(connection)
    if keeper.lost:
        raise StoreUnavailable(f"etcd lease {lease_id:x} has expired; take a new one")
    beating = asyncio.create_task(_beat_until_lost(connection, keeper), name=f"etcd lease {lease_id:x}")
    try:
        yield keeper
    finally:
        beating.cancel()
        await asyncio.wait({beating})


async def _beat_until_lost(connection: Connection, keeper: LeaseKeeper) -> None:
    while not keeper.lost:
        await asyncio.sleep(keeper.ttl_s / _BEATS_PER_TTL)
        try:
            await keeper.beat(connection)
        except CallFailed:
            continue  # `remaining_s` runs down meanwhile; the next beat may get through


async def keep_alive_once(connection: Connection, lease_id: int) -> int:
    """The time to live from now in seconds; 0 when the lease is gone."""
    return int(await connection.call(_Beat, wire.keep_alive_request(lease_id), repeatable=True))


class _Beat:
    """One question and one answer on a stream of its own, so that a beat fails over like any other call."""

    def __init__(self, stubs: wire.Stubs) -> None:
        self._open = stubs.lease.LeaseKeepAlive

    async def __call__(self, request: object, *, timeout: float, metadata: Metadata) -> int:
        stream = self._open(timeout=timeout, metadata=metadata)
        try:
            await stream.write(request)
            reply = await stream.read()
        finally:
            stream.cancel()
        return 0 if reply is wire.END_OF_STREAM else int(reply.ttl_s)
