"""The snapshot store in etcd: the reads, and the parts that write, watch and clean up, put together.

Publishing is in commit.py, watching in heads.py, garbage in garbage.py; what is written is decided in draft.py.
Endpoints apart from snapshots are in etcd_endpoints.py and endpoint_watch.py.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from api.errors import FairleadError
from snapshots.model import Document, Origin, WorkspaceName
from snapshots.store import refusals
from snapshots.store.backend import EtcdCalls
from snapshots.store.blobs import Blobs
from snapshots.store.codec import Damaged
from snapshots.store.commit import Commits
from snapshots.store.endpoint_sets import EndpointAudit, EndpointSet, SetChange
from snapshots.store.endpoint_watch import follow_endpoint_sets
from snapshots.store.etcd_endpoints import EtcdEndpoints
from snapshots.store.etcd_syncs import EtcdSyncs
from snapshots.store.forms import DOCUMENTS, ORIGINS, RESOURCES
from snapshots.store.garbage import Collector
from snapshots.store.heads import follow_heads
from snapshots.store.keys import DEFAULT_ROOT, Keys, group_of
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
from snapshots.store.reading import read_differences, read_entry, read_tree
from snapshots.store.records import RevisionRecord, Target, decode_audit
from snapshots.store.report import describe
from snapshots.store.syncs import Sync
from xds.protocol.resource import Resource
from xds.protocol.types import GroupName, TypeUrl

CACHE_BYTES = 32 * 1024 * 1024


class EtcdStore:
    """A `Store` on an etcd cluster; each of several servers has one. Takes the client over: `close` ends it.

    `now` gives Unix seconds. `root` is the prefix of all keys. `retry_s`: how often a watch asks an etcd that is down.
    """

    def __init__(
        self,
        client: EtcdCalls,
        now: Callable[[], float],
        *,
        root: str = DEFAULT_ROOT,
        cache_bytes: int = CACHE_BYTES,
        retry_s: float = 1.0,
    ) -> None:
        self._client = client
        self._keys = Keys(root)
        self._blobs = Blobs(client, self._keys, cache_bytes)
        self._commits = Commits(client, self._keys, self._blobs, now)
        self._collector = Collector(client, self._keys, self._blobs)
        self._endpoints = EtcdEndpoints(client, self._keys, now)
        self._syncs = EtcdSyncs(client, self._keys)
        self._retry_s = retry_s

    async def publish(self, publication: Publication) -> Published:
        return await self._commits.publish(publication)

    async def rollback(self, rollback: Rollback) -> Published:
        return await self._commits.rollback(rollback)

    async def groups(self) -> tuple[GroupName, ...]:
        listing = await self._client.list(self._keys.targets, keys_only=True)
        return tuple(sorted(group_of(item.key) for item in listing.items))

    async def head(self, group: GroupName) -> Revision | None:
        item = await self._client.get(self._keys.target(group))
        return Target.decode(item.value).stable.revision if item else None

    async def revision(self, group: GroupName, number: int) -> Revision:
        return (await self._record(group, number)).revision

    async def history(self, group: GroupName, *, limit: int = 50, before: int | None = None) -> tuple[Revision, ...]:
        listing = await self._client.list(
            self._keys.revisions(group),
            limit=limit,
            start_after="" if before is None else self._keys.revision(group, before),
            descending=True,
        )
        if not listing.items:
            await self._newest(group)  # a page behind the last is empty; a group that does not exist is an error
        return tuple(RevisionRecord.decode(item.value).revision for item in listing.items)

    async def audit(self, group: GroupName, *, limit: int = 50) -> tuple[AuditRecord, ...]:
        listing = await self._client.list(self._keys.audits(group), limit=limit, descending=True)
        if not listing.items:
            await self._newest(group)
        return tuple(decode_audit(item.value) for item in listing.items)

    async def snapshot(self, group: GroupName, number: int) -> Snapshot:
        record = await self._record(group, number)
        with _reading(record.revision):
            tree = await read_tree(self._blobs, RESOURCES, record.content, self._commits.newest_state(group).content)
        return Snapshot(record.revision, tree.sorted_values())

    async def resource(self, group: GroupName, number: int, type_url: TypeUrl, name: str) -> Resource | None:
        record = await self._record(group, number)
        with _reading(record.revision):
            return await read_entry(self._blobs, RESOURCES, record.content, (type_url, name))

    async def diff(self, group: GroupName, base: int, to: int) -> tuple[ResourceChange, ...]:
        before = (await self._record(group, base)).content if base else None
        record = await self._record(group, to)
        with _reading(record.revision):
            changes = await read_differences(self._blobs, RESOURCES, before, record.content)
        return tuple(ResourceChange(old, new) for old, new in changes.values())

    async def documents(self, group: GroupName, number: int, workspace: WorkspaceName) -> tuple[Document, ...]:
        record = await self._record(group, number)
        like = self._commits.newest_state(group).documents
        with _reading(record.revision):
            tree = await read_tree(self._blobs, DOCUMENTS, record.documents, like)
        return tuple(Document(path, content) for (owner, path), content in sorted(tree.items()) if owner == workspace)

    async def origin(self, group: GroupName, number: int, type_url: TypeUrl, name: str) -> Origin | None:
        record = await self._record(group, number)
        with _reading(record.revision):
            return await read_entry(self._blobs, ORIGINS, record.origins, (type_url, name))

    async def origins(self, group: GroupName, number: int) -> Mapping[tuple[TypeUrl, str], Origin]:
        record = await self._record(group, number)
        with _reading(record.revision):
            tree = await read_tree(self._blobs, ORIGINS, record.origins, self._commits.newest_state(group).origins)
        return {(TypeUrl(type_url), name): origin for (type_url, name), origin in tree.items()}

    def watch(self) -> AsyncGenerator[Revision, None]:
        return follow_heads(self._client, self._keys, retry_s=self._retry_s)

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
        return follow_endpoint_sets(self._client, self._keys, retry_s=self._retry_s)

    async def collect_garbage(self, *, now_s: float, grace_s: float, keep_revisions: int) -> Swept:
        return await self._collector.collect(now_s, grace_s, keep_revisions)

    async def status(self) -> StoreStatus:
        members = await self._client.status()
        if all(member.problem for member in members):
            return describe(members, (), "")  # asking the cluster would only tell the same, later
        try:
            alarms = await self._client.alarms()
        except FairleadError as error:
            return describe(members, (), error.message)
        return describe(members, alarms, "")

    async def close(self) -> None:
        await self._client.close()

    async def _record(self, group: GroupName, number: int) -> RevisionRecord:
        item = await self._client.get(self._keys.revision(group, number)) if number > 0 else None
        if item is None:
            raise refusals.unknown_revision(group, number, (await self._newest(group)).number)
        return RevisionRecord.decode(item.value)

    async def _newest(self, group: GroupName) -> Revision:
        revision = await self.head(group)
        if revision is None:
            raise refusals.unknown_group(group)
        return revision


@contextmanager
def _reading(revision: Revision) -> Iterator[None]:
    """Says which revision it was whose bytes are missing or damaged."""
    try:
        yield
    except Damaged as error:
        raise refusals.unreadable(revision, error) from error
