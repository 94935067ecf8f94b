"""What the store asks of etcd: a slice of the client as a Protocol, so that tests can put faults in between.

The requests and answers are the client's own data (etcd/model.py).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from snapshots.store.etcd.model import Alarm, Compare, KeyValue, Listing, MemberStatus, Op, TxnResult, WatchBatch


class EtcdCalls(Protocol):
    """See `etcd.client.EtcdClient`, which has these and more."""

    async def get(self, key: str, *, revision: int = 0) -> KeyValue | None: ...

    async def get_many(self, keys: Sequence[str]) -> dict[str, KeyValue]: ...

    async def list(
        self,
        prefix: str,
        *,
        limit: int = 0,
        start_after: str = "",
        descending: bool = False,
        keys_only: bool = False,
        revision: int = 0,
    ) -> Listing: ...

    async def txn(
        self, compare: Sequence[Compare], success: Sequence[Op], failure: Sequence[Op] = (), *, fenced: bool = False
    ) -> TxnResult: ...

    def watch(self, prefix: str, *, start_revision: int) -> AsyncGenerator[WatchBatch, None]: ...

    async def status(self) -> tuple[MemberStatus, ...]: ...

    async def alarms(self) -> tuple[Alarm, ...]: ...

    async def close(self) -> None: ...
