"""Garbage in etcd: revisions beyond those kept are forgotten, and blobs that nothing names are marked, then removed.

Safe beside publishes on any server, by three fences and not by the grace period alone: a blob is removed only if it is
unchanged since the listing (whoever counts on it has written it again) and still marked (a write takes the mark away);
and each removal moves the sweep key, which a publish that stored its blobs ahead compares when it commits.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from snapshots.store.backend import EtcdCalls
from snapshots.store.blobs import Blobs
from snapshots.store.codec import Digest
from snapshots.store.etcd.model import Compare, KeyValue, Op, absent, delete, exists, modified_is, put
from snapshots.store.keys import Keys, digest_in, group_of
from snapshots.store.protocol import Swept
from snapshots.store.reading import read_manifest
from snapshots.store.records import RevisionRecord, Target
from xds.protocol.types import GroupName

# Two conditions and two operations a blob, and one for the sweep key, in a transaction of at most 128.
_BATCH = 60
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class _Inventory:
    """All blobs and marks, and what the kept revisions name, as of one revision of etcd."""

    blobs: dict[Digest, KeyValue]
    marked_at_s: dict[Digest, float]
    named: frozenset[Digest]


class Collector:
    """One garbage collection after another, on one store; several servers may run theirs at the same time."""

    def __init__(self, client: EtcdCalls, keys: Keys, blobs: Blobs) -> None:
        self._client = client
        self._keys = keys
        self._blobs = blobs

    async def collect(self, now_s: float, grace_s: float, keep_revisions: int) -> Swept:
        """See `SnapshotStore.collect_garbage`."""
        forgotten = [await self._forget(group, keep_revisions) for group in await self._groups()]
        inventory = await self._inventory()
        unnamed = inventory.blobs.keys() - inventory.named
        fresh = sorted(unnamed - inventory.marked_at_s.keys())
        due = [digest for digest in sorted(unnamed) if now_s - inventory.marked_at_s.get(digest, now_s) > grace_s]
        await self._mark(fresh, now_s)
        await self._unmark(sorted(inventory.marked_at_s.keys() - unnamed))
        removed = [await self._remove(batch) for batch in _batches((inventory.blobs[digest] for digest in due), _BATCH)]
        return Swept(
            marked=len(fresh),
            removed=sum(count for count, _ in removed),
            removed_bytes=sum(size for _, size in removed),
            revisions=sum(forgotten),
        )

    async def _groups(self) -> tuple[GroupName, ...]:
        listing = await self._client.list(self._keys.targets, keys_only=True)
        return tuple(group_of(item.key) for item in listing.items)

    async def _forget(self, group: GroupName, keep_revisions: int) -> int:
        """How many revisions were forgotten, with their idempotency keys. What the target names is always kept."""
        target = await self._client.get(self._keys.target(group))
        if target is None:
            return 0
        newest = Target.decode(target.value).stable.revision.number
        last = self._keys.revision(group, max(1, newest - max(1, keep_revisions) + 1))
        listing = await self._client.list(self._keys.revisions(group))
        old = [item for item in listing.items if item.key < last]
        for batch in _batches(old, _BATCH):
            await self._client.txn((), [op for item in batch for op in self._forgets(item)], fenced=True)
        return len(old)

    def _forgets(self, item: KeyValue) -> tuple[Op, Op]:
        revision = RevisionRecord.decode(item.value).revision
        return delete(item.key), delete(self._keys.idempotency(revision.group, revision.idempotency_key))

    async def _inventory(self) -> _Inventory:
        """Raises Damaged if a kept revision cannot be read: then nothing may be removed."""
        blobs = await self._client.list(self._keys.blobs, keys_only=True)
        at = blobs.revision
        marks = await self._client.list(self._keys.garbage, revision=at)
        named: set[Digest] = set()
        for group in await self._groups():
            for item in (await self._client.list(self._keys.revisions(group), revision=at)).items:
                named |= await self._named_by(RevisionRecord.decode(item.value))
                await asyncio.sleep(0)  # manifests come from memory mostly: let the streams have their turn
        return _Inventory(
            {digest_in(item.key): item for item in blobs.items},
            {digest_in(item.key): float(json.loads(item.value)) for item in marks.items},
            frozenset(named),
        )

    async def _named_by(self, record: RevisionRecord) -> set[Digest]:
        manifests = [await read_manifest(self._blobs, root) for root in record.roots]
        return {*record.roots, *(digest for manifest in manifests for digest in manifest.blobs())}

    async def _mark(self, digests: Sequence[Digest], now_s: float) -> None:
        for batch in _batches(digests, _BATCH):
            marks = [self._keys.mark(digest) for digest in batch]
            # Marked by another server meanwhile: leave it at that, its mark is older.
            await self._client.txn(
                [absent(key) for key in marks], [put(key, json.dumps(now_s).encode()) for key in marks]
            )

    async def _unmark(self, digests: Sequence[Digest]) -> None:
        for batch in _batches(digests, _BATCH):
            await self._client.txn((), [delete(self._keys.mark(digest)) for digest in batch], fenced=True)

    async def _remove(self, batch: Sequence[KeyValue]) -> tuple[int, int]:
        """How many blobs were removed and their size. If one of many has moved, each is tried by itself."""
        found = await self._client.get_many([item.key for item in batch])
        compare: list[Compare] = []
        for item in batch:
            compare += (modified_is(item.key, item.mod_revision), exists(self._keys.mark(digest_in(item.key))))
        writes: list[Op] = [put(self._keys.sweep, b"")]
        for item in batch:
            writes += (delete(item.key), delete(self._keys.mark(digest_in(item.key))))
        if (await self._client.txn(compare, writes, fenced=True)).succeeded:
            return len(batch), sum(len(item.value) for item in found.values())
        if len(batch) == 1:
            return 0, 0
        singly = [await self._remove((item,)) for item in batch]
        return sum(count for count, _ in singly), sum(size for _, size in singly)


def _batches(items: Iterable[_Item], size: int) -> Iterator[tuple[_Item, ...]]:
    iterator = iter(items)
    while batch := tuple(islice(iterator, size)):
        yield batch
