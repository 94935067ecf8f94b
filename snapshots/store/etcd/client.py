"""The etcd client: keys, transactions, watches, leases, and the state of the cluster, as coroutines.

Every call has a deadline and fails over to another endpoint. Reads, deletes by name, and transactions that carry
their own fence are repeated after a failure; other writes are not, because a lost answer does not say what was done.
Raises api.errors: StoreUnavailable, Denied, LimitExceeded; and Compacted for a revision that is gone.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from types import TracebackType
from typing import Any, Self

from api.errors import NotFound
from snapshots.store.etcd import wire
from snapshots.store.etcd.connection import Connection, Method
from snapshots.store.etcd.errors import CallFailed, store_errors
from snapshots.store.etcd.lease import LeaseKeeper, kept_alive
from snapshots.store.etcd.model import (
    Alarm,
    Compare,
    Delete,
    Get,
    KeyValue,
    Listing,
    Member,
    MemberStatus,
    Op,
    Put,
    TxnResult,
    WatchBatch,
)
from snapshots.store.etcd.settings import EtcdSettings
from snapshots.store.etcd.watch import Watch

MAX_OPERATIONS = 128  # etcd's default --max-txn-ops
_GETS_PER_CALL = 40  # of at most 1.5 MiB each: one answer stays below the default receive limit
_ITEMS_PER_PAGE = 1000


class EtcdClient:
    """An etcd cluster. Use as an async context manager, or call `close`. Connects at the first call, not before."""

    def __init__(self, settings: EtcdSettings) -> None:
        self.settings = settings
        self._connection = Connection(settings)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Release the connections; calls and watches under way fail. Idempotent."""
        await self._connection.close()

    # -- reading: linearizable, so never older than what was answered before

    async def get(self, key: str, *, revision: int = 0) -> KeyValue | None:
        """The key as it is now, or was at `revision`; None if it does not exist."""
        reply = await self._read(_range, wire.get_request(key, revision), f"get {key}")
        return next(iter(wire.listing(reply).items), None)

    async def get_many(self, keys: Sequence[str]) -> dict[str, KeyValue]:
        """Those of the keys that exist, in few calls. Not one point in time: for keys that do not change."""
        found: dict[str, KeyValue] = {}
        first, size = 0, _GETS_PER_CALL
        while chunk := keys[first : first + size]:
            request = wire.txn_request((), [Get(key) for key in chunk], ())
            reply = await self._fitting(_txn, request, f"get {len(keys)} keys", len(chunk))
            if reply is None:
                size = len(chunk) // 2
                continue
            items = (response.item for response in wire.txn_result(reply).responses)
            found.update((item.key, item) for item in items if item is not None)
            first += len(chunk)
        return found

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
        """The keys under a prefix, sorted, all as of one revision. `start_after` is the last key of the page before.

        Fetched in pages, which become smaller when the values are so large that an answer exceeds the receive limit.
        """
        items: list[KeyValue] = []
        size = _ITEMS_PER_PAGE
        while True:
            wanted = min(size, limit - len(items)) if limit else size
            request = wire.list_request(
                prefix,
                limit=wanted,
                start_after=items[-1].key if items else start_after,
                descending=descending,
                keys_only=keys_only,
                revision=revision,
            )
            reply = await self._fitting(_range, request, f"list {prefix}", wanted)
            if reply is None:
                size = wanted // 2
                continue
            page = wire.listing(reply)
            items += page.items
            revision = revision or page.revision  # the pages after the first show the same moment
            if not page.more or len(items) == limit:
                return Listing(tuple(items), revision, page.more)

    async def _fitting(self, method: Method, request: object, doing: str, count: int) -> Any | None:
        """The reply to a read of `count` keys; None when it is too large to receive and fewer keys would fit."""
        with store_errors(doing):
            try:
                return await self._connection.call(method, request, repeatable=True)
            except CallFailed as failure:
                if failure.answer_too_large and count > 1:
                    return None
                raise

    # -- writing

    async def put(self, key: str, value: bytes, *, lease: int = 0) -> int:
        """The revision of the change. Not repeated after a failure."""
        request = wire.put_request(Put(key, value, lease))
        reply = await self._call(lambda stubs: stubs.kv.Put, request, f"put {key}", repeatable=False)
        return int(reply.header.revision)

    async def delete(self, key: str) -> bool:
        """True if there was such a key. Repeated after a failure; then it may say False of a key that it removed."""
        reply = await self._read(lambda stubs: stubs.kv.DeleteRange, wire.delete_request(Delete(key)), f"delete {key}")
        return bool(reply.deleted)

    async def txn(
        self,
        compare: Sequence[Compare],
        success: Sequence[Op],
        failure: Sequence[Op] = (),
        *,
        fenced: bool = False,
    ) -> TxnResult:
        """All of `success` if all of `compare` holds, else all of `failure`; one revision, at most 128 operations.

        `fenced` says that sending it again cannot do it twice, because its conditions no longer hold once it is done.
        After a lost answer `succeeded=False` may be one's own doing: read before calling it a conflict.
        """
        request = wire.txn_request(compare, success, failure)
        return wire.txn_result(await self._call(_txn, request, "txn", repeatable=fenced))

    async def compact(self, revision: int) -> None:
        """Forget the history before `revision`. Watches that are behind it end with Compacted."""
        request = wire.compact_request(revision)
        await self._call(lambda stubs: stubs.kv.Compact, request, f"compact to {revision}", repeatable=False)

    # -- watching

    async def watch(self, prefix: str, *, start_revision: int) -> AsyncGenerator[WatchBatch, None]:
        """Every change under the prefix from `start_revision` on (0: from now on), in order, none twice, none left out.

        Outlives lost connections and restarted members. Raises Compacted when the revisions it needs are gone. Close it
        (`contextlib.aclosing`) when you leave it before its end.
        """
        async with aclosing(Watch(self._connection, self.settings, prefix, start_revision).batches()) as batches:
            async for batch in batches:
                yield batch

    # -- leases

    async def grant_lease(self, ttl_s: int) -> int:
        """The id of a new lease that lives for `ttl_s` seconds unless it is kept alive."""
        request = wire.grant_request(ttl_s)
        # Repeatable: a lease whose answer was lost ends by itself.
        reply = await self._call(lambda stubs: stubs.lease.LeaseGrant, request, "grant a lease", repeatable=True)
        return int(reply.id)

    def keep_alive(self, lease_id: int) -> AbstractAsyncContextManager[LeaseKeeper]:
        """`async with client.keep_alive(lease_id) as keeper:` keeps the lease for the block; see LeaseKeeper."""
        return self._kept_alive(lease_id)

    @asynccontextmanager
    async def _kept_alive(self, lease_id: int) -> AsyncIterator[LeaseKeeper]:
        with store_errors(f"keep lease {lease_id:x}"):
            async with kept_alive(self._connection, lease_id) as keeper:
                yield keeper

    async def revoke(self, lease_id: int) -> None:
        """End a lease and delete its keys. A lease that is gone already is no error."""
        request = wire.revoke_request(lease_id)
        try:
            await self._call(lambda stubs: stubs.lease.LeaseRevoke, request, f"revoke {lease_id:x}", repeatable=True)
        except NotFound:
            return

    # -- the cluster

    async def status(self) -> tuple[MemberStatus, ...]:
        """Each endpoint, in the order of the settings. Never raises: one that does not answer has a `problem`."""
        return await self._connection.statuses()

    async def alarms(self) -> tuple[Alarm, ...]:
        """What the cluster as a whole complains about. It needs a quorum, and is not waited for as long as data."""
        request, within_s = wire.alarms_request(), self.settings.status_timeout_s
        with store_errors(""):
            reply = await self._connection.call(_alarm, request, repeatable=True, within_s=within_s)
        return wire.alarms(reply)

    async def members(self) -> tuple[Member, ...]:
        request = wire.members_request()
        return wire.members(await self._read(lambda stubs: stubs.cluster.MemberList, request, "list members"))

    async def _read(self, method: Method, request: object, doing: str) -> Any:
        return await self._call(method, request, doing, repeatable=True)

    async def _call(self, method: Method, request: object, doing: str, *, repeatable: bool) -> Any:
        with store_errors(doing):
            return await self._connection.call(method, request, repeatable=repeatable)


def _range(stubs: wire.Stubs) -> Any:
    return stubs.kv.Range


def _txn(stubs: wire.Stubs) -> Any:
    return stubs.kv.Txn


def _alarm(stubs: wire.Stubs) -> Any:
    return stubs.maintenance.Alarm
