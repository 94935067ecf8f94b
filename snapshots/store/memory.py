"""The snapshot store that keeps nothing: all is in this process's memory. For tests, trials and `dev` without a disk.

It shares every decision with the etcd store (compose.py, draft.py) and has no I/O: each method runs to its end without
yielding, so that on one event loop nothing can come between a check and the write that relies on it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from snapshots.model import Document, Origin, WorkspaceName
from snapshots.store import refusals
from snapshots.store.compose import GroupState, resource_changes
from snapshots.store.draft import (
    Draft,
    Head,
    draft_publication,
    draft_rollback,
    is_repeat_of_publication,
)
from snapshots.store.endpoint_sets import EndpointAudit, EndpointSet, SetChange
from snapshots.store.memory_endpoints import MemoryEndpoints
from snapshots.store.memory_syncs import MemorySyncs
from snapshots.store.protocol import (
    AuditRecord,
    Publication,
    Published,
    ResourceChange,
    Revision,
    Rollback,
    Snapshot,
    StoreStatus,
    Swept,
)
from snapshots.store.slots import Slots
from snapshots.store.syncs import Sync
from xds.protocol.resource import Resource
from xds.protocol.types import GroupName, TypeUrl


@dataclass(slots=True)
class _Group:
    """All revisions that are kept, by number in order; their keys; all audit records."""

    revisions: dict[int, Head] = field(default_factory=dict)
    made_by: dict[str, int] = field(default_factory=dict)
    audit: list[AuditRecord] = field(default_factory=list)

    @property
    def head(self) -> Head | None:
        return self.revisions[next(reversed(self.revisions))] if self.revisions else None


class MemoryStore:
    """A `Store` without persistence. `now` gives Unix seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._groups: dict[GroupName, _Group] = {}
        self._watchers: set[Slots[GroupName, Revision]] = set()
        self._endpoints = MemoryEndpoints(now)
        self._syncs = MemorySyncs()

    async def publish(self, publication: Publication) -> Published:
        """See `SnapshotStore.publish`."""
        group = self._groups.get(publication.group, _Group())
        head = group.head
        if first := self._made_by(group, publication.idempotency_key):
            if not is_repeat_of_publication(first, publication):
                raise refusals.key_reused(publication.group, publication.idempotency_key, first.revision)
            return Published(first.revision, created=False)
        self._check_base(group, publication)
        draft = draft_publication(head, publication, self._now())
        return self._commit(draft, head)

    async def rollback(self, rollback: Rollback) -> Published:
        """See `SnapshotStore.rollback`."""
        group = self._group(rollback.group)
        if first := self._made_by(group, rollback.idempotency_key):
            if first.revision.rolled_back_to != rollback.to:
                raise refusals.key_reused(rollback.group, rollback.idempotency_key, first.revision)
            return Published(first.revision, created=False)
        to, head = self._kept(rollback.group, rollback.to), self._newest(rollback.group)
        if rollback.base is not None and rollback.base < head.revision.number:
            raise refusals.stale_base(self._groups[rollback.group].audit[-1], rollback.base)
        return self._commit(draft_rollback(head, to, rollback, self._now()), head)

    async def groups(self) -> tuple[GroupName, ...]:
        return tuple(sorted(self._groups))

    async def head(self, group: GroupName) -> Revision | None:
        return self._newest(group).revision if group in self._groups else None

    async def revision(self, group: GroupName, number: int) -> Revision:
        return self._kept(group, number).revision

    async def history(self, group: GroupName, *, limit: int = 50, before: int | None = None) -> tuple[Revision, ...]:
        kept = reversed(self._group(group).revisions.values())
        wanted = [head.revision for head in kept if before is None or head.revision.number < before]
        return tuple(wanted[:limit])

    async def audit(self, group: GroupName, *, limit: int = 50) -> tuple[AuditRecord, ...]:
        return tuple(reversed(self._group(group).audit))[:limit]

    async def snapshot(self, group: GroupName, number: int) -> Snapshot:
        kept = self._kept(group, number)
        return Snapshot(kept.revision, kept.state.content.sorted_values())

    async def resource(self, group: GroupName, number: int, type_url: TypeUrl, name: str) -> Resource | None:
        return self._kept(group, number).state.content.get((type_url, name))

    async def diff(self, group: GroupName, base: int, to: int) -> tuple[ResourceChange, ...]:
        before = self._kept(group, base).state if base else GroupState()
        return resource_changes(before.content, self._kept(group, to).state.content)

    async def documents(self, group: GroupName, number: int, workspace: WorkspaceName) -> tuple[Document, ...]:
        documents = sorted(self._kept(group, number).state.documents.items())
        return tuple(Document(path, content) for (owner, path), content in documents if owner == workspace)

    async def origin(self, group: GroupName, number: int, type_url: TypeUrl, name: str) -> Origin | None:
        return self._kept(group, number).state.origins.get((type_url, name))

    async def origins(self, group: GroupName, number: int) -> Mapping[tuple[TypeUrl, str], Origin]:
        kept = self._kept(group, number)
        return {(TypeUrl(type_url), name): origin for (type_url, name), origin in kept.state.origins.items()}

    async def watch(self) -> AsyncGenerator[Revision, None]:
        slots = Slots[GroupName, Revision]()
        self._watchers.add(slots)
        try:
            for group in sorted(self._groups):
                slots.put(group, self._newest(group).revision)
            while True:
                for revision in await slots.take():
                    yield revision
        finally:
            self._watchers.discard(slots)

    async def endpoint_set(self, group: GroupName, name: str) -> EndpointSet | None:
        return await self._endpoints.endpoint_set(group, name)

    async def endpoint_sets(self, group: GroupName, *, with_cleared: bool = False) -> tuple[EndpointSet, ...]:
        return await self._endpoints.endpoint_sets(group, with_cleared=with_cleared)

    async def put_endpoint_set(self, wanted: EndpointSet, changes: Sequence[SetChange] = ()) -> EndpointSet:
        return await self._endpoints.put_endpoint_set(wanted, changes)

    async def endpoint_audit(self, group: GroupName, name: str, *, limit: int = 50) -> tuple[EndpointAudit, ...]:
        return await self._endpoints.endpoint_audit(group, name, limit=limit)

    async def sync(self, group: GroupName, workspace: WorkspaceName) -> Sync | None:
        return await self._syncs.sync(group, workspace)

    async def syncs(self, group: GroupName | None = None) -> tuple[Sync, ...]:
        return await self._syncs.syncs(group)

    async def put_sync(self, wanted: Sync) -> bool:
        return await self._syncs.put_sync(wanted)

    def watch_endpoint_sets(self) -> AsyncGenerator[tuple[EndpointSet, ...], None]:
        return self._endpoints.watch_endpoint_sets()

    async def collect_garbage(self, *, now_s: float, grace_s: float, keep_revisions: int) -> Swept:
        """Forgets revisions; there are no blobs to mark, so `now_s` and `grace_s` have no say."""
        forgotten = 0
        for group in self._groups.values():
            for number in tuple(group.revisions)[: -max(1, keep_revisions)]:
                group.made_by.pop(group.revisions.pop(number).revision.idempotency_key, None)
                forgotten += 1
        return Swept(marked=0, removed=0, removed_bytes=0, revisions=forgotten)

    async def status(self) -> StoreStatus:
        return StoreStatus(kind="memory", reachable=True, detail="keeps nothing: all is lost when the server ends")

    async def close(self) -> None:
        """Nothing to release."""

    def _commit(self, draft: Draft | None, head: Head | None) -> Published:
        if draft is None:
            assert head is not None  # a first publication is always a draft
            return Published(head.revision, created=False)
        revision = draft.head.revision
        group = self._groups.setdefault(revision.group, _Group())
        if head is not None:
            group.revisions[head.revision.number] = Head(head.record, head.state.at_rest())
        group.revisions[revision.number] = draft.head
        group.made_by[revision.idempotency_key] = revision.number
        group.audit.append(draft.audit)
        for watcher in self._watchers:
            watcher.put(revision.group, revision)
        return Published(revision, created=True)

    def _check_base(self, group: _Group, publication: Publication) -> None:
        head, workspace, base = group.head, publication.workspace, publication.base
        newest = head.revision.number if head else 0
        if base is not None and base > newest:
            raise refusals.unknown_revision(publication.group, base, newest)
        moved_at = head.revision.workspaces.get(workspace, 0) if head else 0
        if base is not None and base < moved_at:
            raise refusals.stale_base(group.audit[moved_at - 1], base, workspace)

    @staticmethod
    def _made_by(group: _Group, key: str) -> Head | None:
        return group.revisions[group.made_by[key]] if key in group.made_by else None

    def _group(self, name: GroupName) -> _Group:
        if name not in self._groups:
            raise refusals.unknown_group(name)
        return self._groups[name]

    def _newest(self, name: GroupName) -> Head:
        head = self._group(name).head
        assert head is not None  # a group comes into being with its first revision and always keeps one
        return head

    def _kept(self, name: GroupName, number: int) -> Head:
        group = self._group(name)
        if number not in group.revisions:
            raise refusals.unknown_revision(name, number, self._newest(name).revision.number)
        return group.revisions[number]
