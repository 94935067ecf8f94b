"""Publishing to etcd: the fenced transaction, and what is done when it loses or its answer does not come.

What to write is decided in draft.py. Here: read the head, draft, store the blobs, and commit if the head is still the
head. Whoever comes second reads again and drafts anew on top of the first; a lost race alone is never a conflict.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

from api.errors import StoreUnavailable
from snapshots.store import refusals
from snapshots.store.backend import EtcdCalls
from snapshots.store.blobs import Blobs
from snapshots.store.codec import Digest
from snapshots.store.compose import GroupState
from snapshots.store.draft import Draft, Head, draft_publication, draft_rollback, is_repeat_of_publication
from snapshots.store.etcd.model import Compare, KeyValue, Op, absent, exists, modified_is, put
from snapshots.store.keys import Keys
from snapshots.store.protocol import AuditRecord, Publication, Published, Rollback
from snapshots.store.reading import read_state
from snapshots.store.records import RevisionRecord, Target, decode_audit, encode_audit
from xds.protocol.types import GroupName

ATTEMPTS: Final = 32
HEADS_KEPT: Final = 32
# Few and small blobs travel in the committing transaction itself: one write to etcd's log instead of two.
TOGETHER_BLOBS: Final = 40
TOGETHER_BYTES: Final = 768 * 1024


@dataclass(frozen=True, slots=True)
class _View:
    """One consistent read: the target, the revision that the idempotency key made, the last sweep of garbage."""

    target: KeyValue | None
    made: int
    sweep_revision: int

    @property
    def fence(self) -> int:
        return self.target.mod_revision if self.target else 0


class Commits:
    """Publications and rollbacks of all groups; keeps the decoded heads of the groups last written."""

    def __init__(self, client: EtcdCalls, keys: Keys, blobs: Blobs, now: Callable[[], float]) -> None:
        self._client = client
        self._keys = keys
        self._blobs = blobs
        self._now = now
        self._heads: OrderedDict[GroupName, Head] = OrderedDict()
        self._turns: WeakValueDictionary[GroupName, asyncio.Lock] = WeakValueDictionary()

    async def publish(self, publication: Publication) -> Published:
        """See `SnapshotStore.publish`."""
        async with self._turn(publication.group):
            return await self._publish(publication)

    async def rollback(self, rollback: Rollback) -> Published:
        """See `SnapshotStore.rollback`."""
        async with self._turn(rollback.group):
            return await self._rollback(rollback)

    def newest_state(self, group: GroupName) -> GroupState:
        """The decoded state of the newest head this process has seen; reads start from what it shares with theirs."""
        head = self._heads.get(group)
        return head.state if head else GroupState()

    def _turn(self, group: GroupName) -> asyncio.Lock:
        """Writers of one process to one group wait for each other rather than lose races to each other."""
        return self._turns.setdefault(group, asyncio.Lock())

    async def _publish(self, publication: Publication) -> Published:
        group, key = publication.group, publication.idempotency_key
        tried: Draft | None = None
        for _ in range(ATTEMPTS):
            view = await self._view(group, key)
            if view.made:
                return await self._repeat_of_publication(view, publication, tried)
            head = await self._head(view)
            await self._check_base(head, publication)
            tried = draft_publication(head, publication, self._now())
            if tried is None:
                return _unchanged(head)
            if await self._commit(view, tried):
                return Published(tried.head.revision, created=True)
        raise refusals.lost_too_often(group, ATTEMPTS)

    async def _rollback(self, rollback: Rollback) -> Published:
        group, key = rollback.group, rollback.idempotency_key
        tried: Draft | None = None
        for _ in range(ATTEMPTS):
            view = await self._view(group, key)
            if view.made:
                return await self._repeat_of_rollback(view, rollback, tried)
            head = await self._head(view)
            if head is None:
                raise refusals.unknown_group(group)
            if rollback.base is not None and rollback.base < head.revision.number:
                raise refusals.stale_base(await self._audit(group, head.revision.number), rollback.base)
            to = await self._kept(head, rollback.to)
            tried = draft_rollback(head, to, rollback, self._now())
            if tried is None:
                return _unchanged(head)
            # While the record is there, so are its blobs; if it is forgotten meanwhile, this fails and is read anew.
            if await self._commit(view, tried, exists(self._keys.revision(group, rollback.to))):
                return Published(tried.head.revision, created=True)
        raise refusals.lost_too_often(group, ATTEMPTS)

    async def _view(self, group: GroupName, key: str) -> _View:
        names = (self._keys.target(group), self._keys.idempotency(group, key), self._keys.sweep)
        found = await self._client.get_many(names)
        target, made, sweep = (found.get(name) for name in names)
        return _View(target, int(made.value) if made else 0, sweep.mod_revision if sweep else 0)

    async def _head(self, view: _View) -> Head | None:
        """The decoded head; costs what changed since this process saw the group last."""
        if view.target is None:
            return None
        record = Target.decode(view.target.value).stable
        state = await read_state(self._blobs, record, self.newest_state(record.revision.group))
        return self._keep(Head(record, state))

    def _keep(self, head: Head) -> Head:
        known = self._heads.get(head.revision.group)
        if known is None or known.revision.number <= head.revision.number:
            self._heads[head.revision.group] = head
            self._heads.move_to_end(head.revision.group)
        while len(self._heads) > HEADS_KEPT:
            self._heads.popitem(last=False)
        return head

    async def _kept(self, head: Head, number: int) -> Head:
        """Raises NotFound for a revision that never was or is no longer kept."""
        group = head.revision.group
        if (item := await self._client.get(self._keys.revision(group, number))) is None:
            raise refusals.unknown_revision(group, number, head.revision.number)
        record = RevisionRecord.decode(item.value)
        return Head(record, await read_state(self._blobs, record, head.state))

    async def _check_base(self, head: Head | None, publication: Publication) -> None:
        base, workspace = publication.base, publication.workspace
        newest = head.revision.number if head else 0
        if base is not None and base > newest:
            raise refusals.unknown_revision(publication.group, base, newest)
        moved_at = head.revision.workspaces.get(workspace, 0) if head else 0
        if base is not None and base < moved_at:
            raise refusals.stale_base(await self._audit(publication.group, moved_at), base, workspace)

    async def _audit(self, group: GroupName, number: int) -> AuditRecord:
        item = await self._client.get(self._keys.audit(group, number))
        if item is None:
            raise refusals.audit_missing(group, number)
        return decode_audit(item.value)

    async def _commit(self, view: _View, draft: Draft, *also: Compare) -> bool:
        """Whether this draft is the head now; False if another was first. Raises StoreUnavailable if nobody knows."""
        revision = draft.head.revision
        compare = [
            modified_is(self._keys.target(revision.group), view.fence),
            absent(self._keys.idempotency(revision.group, revision.idempotency_key)),
            *also,
        ]
        batches = self._blobs.writes(draft.blobs)
        together = _fit_together(draft.blobs)
        if not together:
            for batch in batches:
                await self._client.txn((), batch, fenced=True)
            # Garbage that was swept since the view may include what an earlier publish left and this one counts on.
            compare.append(modified_is(self._keys.sweep, view.sweep_revision))
        writes = [*self._records(draft), *(op for batch in batches if together for op in batch)]
        try:
            done = (await self._client.txn(compare, writes, fenced=True)).succeeded
        except StoreUnavailable:
            done = await self._was_committed(draft)
            if not done:
                raise
        if done:
            self._blobs.remember(draft.blobs)
            self._keep(draft.head)
        return done

    def _records(self, draft: Draft) -> tuple[Op, ...]:
        revision, record = draft.head.revision, draft.head.record
        return (
            put(self._keys.target(revision.group), Target(record).encode()),
            put(self._keys.revision(revision.group, revision.number), record.encode()),
            put(self._keys.audit(revision.group, revision.number), encode_audit(draft.audit)),
            put(self._keys.idempotency(revision.group, revision.idempotency_key), b"%d" % revision.number),
        )

    async def _was_committed(self, draft: Draft) -> bool:
        """The answer to the transaction was lost: look whether it came to pass."""
        revision = draft.head.revision
        item = await self._client.get(self._keys.revision(revision.group, revision.number))
        return item is not None and RevisionRecord.decode(item.value) == draft.head.record

    async def _repeat_of_publication(self, view: _View, publication: Publication, tried: Draft | None) -> Published:
        first = await self._made(view, publication.group)
        if tried and tried.head.record == first.record:
            return Published(first.revision, created=True)  # the client repeated a transaction whose answer was lost
        if not is_repeat_of_publication(first, publication):
            raise refusals.key_reused(publication.group, publication.idempotency_key, first.revision)
        return Published(first.revision, created=False)

    async def _repeat_of_rollback(self, view: _View, rollback: Rollback, tried: Draft | None) -> Published:
        first = await self._made(view, rollback.group)
        if first.revision.rolled_back_to != rollback.to:
            raise refusals.key_reused(rollback.group, rollback.idempotency_key, first.revision)
        return Published(first.revision, created=bool(tried and tried.head.record == first.record))

    async def _made(self, view: _View, group: GroupName) -> Head:
        """The revision that an idempotency key has made; keys are forgotten with their revisions."""
        head = await self._head(view)
        if head is None:
            raise refusals.unknown_group(group)
        return head if head.revision.number == view.made else await self._kept(head, view.made)


def _fit_together(pieces: Mapping[Digest, bytes]) -> bool:
    return len(pieces) <= TOGETHER_BLOBS and sum(map(len, pieces.values())) <= TOGETHER_BYTES


def _unchanged(head: Head | None) -> Published:
    if head is None:
        raise AssertionError("the first publication of a group is always a change")
    return Published(head.revision, created=False)
