"""An etcd client with faults in between: calls that fail before or after they took effect; and a count of writes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar

from api.errors import StoreUnavailable
from snapshots.store.etcd.client import EtcdClient
from snapshots.store.etcd.model import (
    Alarm,
    Compare,
    KeyValue,
    Listing,
    MemberStatus,
    Op,
    Put,
    TxnResult,
    WatchBatch,
)

Answer = TypeVar("Answer")


class FaultyEtcd:
    """`EtcdCalls` on a real client. `fail_call`: which call (from 1) fails, before or `after` it took effect.

    `before_txn` runs once, before the next transaction that writes.
    """

    def __init__(self, client: EtcdClient) -> None:
        self._client = client
        self.calls = 0
        self.fail_call = 0
        self.after = False
        self.written_bytes = 0
        self.write_transactions = 0
        self.read_keys: list[str] = []
        self.before_txn: Callable[[], Awaitable[object]] | None = None

    async def _call(self, do: Callable[[], Awaitable[Answer]]) -> Answer:
        self.calls += 1
        failing = self.calls == self.fail_call
        if failing and not self.after:
            raise StoreUnavailable("cut off before the call")
        answer = await do()
        if failing:
            raise StoreUnavailable("cut off before the answer came")
        return answer

    async def get(self, key: str, *, revision: int = 0) -> KeyValue | None:
        self.read_keys.append(key)
        return await self._call(lambda: self._client.get(key, revision=revision))

    async def get_many(self, keys: Sequence[str]) -> dict[str, KeyValue]:
        self.read_keys.extend(keys)
        return await self._call(lambda: self._client.get_many(keys))

    async def list(
        self,
        prefix: str,
        *,
        limit: int = 0,
        start_after: str = "",
        descending: bool = False,
        keys_only: bool = False,
        revision: int = 0,
    ) -> Listing:
        return await self._call(
            lambda: self._client.list(
                prefix,
                limit=limit,
                start_after=start_after,
                descending=descending,
                keys_only=keys_only,
                revision=revision,
            )
        )

    async def txn(
        self, compare: Sequence[Compare], success: Sequence[Op], failure: Sequence[Op] = (), *, fenced: bool = False
    ) -> TxnResult:
        puts = [operation for operation in success if isinstance(operation, Put)]
        if puts and (hook := self.before_txn):
            self.before_txn = None
            await hook()
        result = await self._call(lambda: self._client.txn(compare, success, failure, fenced=fenced))
        if result.succeeded and puts:
            self.write_transactions += 1
            self.written_bytes += sum(len(operation.key) + len(operation.value) for operation in puts)
        return result

    async def watch(self, prefix: str, *, start_revision: int) -> AsyncGenerator[WatchBatch, None]:
        async with aclosing(self._client.watch(prefix, start_revision=start_revision)) as batches:
            async for batch in batches:
                yield batch

    async def status(self) -> tuple[MemberStatus, ...]:
        return await self._client.status()

    async def alarms(self) -> tuple[Alarm, ...]:
        return await self._client.alarms()

    async def close(self) -> None:
        await self._client.close()
