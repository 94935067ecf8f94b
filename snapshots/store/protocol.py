"""The snapshot store as the rest of the house sees it: nouns and one Protocol.  design.md, "Storage in etcd".

Implementations: `memory.MemoryStore` (ships, keeps nothing) and `etcd_store.EtcdStore`. Both pass `tests/contract/`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from snapshots.checks.budgets import Budgets
from snapshots.model import CompiledResource, Document, Origin, WorkspaceName
from xds.protocol.resource import Resource
from xds.protocol.types import GroupName, TypeUrl


@dataclass(frozen=True, slots=True)
class Publication:
    """All that one workspace wants served from now on; what it does not hold is removed.

    `base`: refuse if the workspace has moved past this revision of the group; None takes what is there.
    `idempotency_key`: the same key publishes at most once; a repeat returns the first outcome.
    `traceparent`: W3C trace context of the author's command, kept so that a trace runs to the nodes' ACKs.
    `budgets`: the operator's and the workspace's own, if any: refuse what is beyond them, unless `beyond_budgets` says
    that it is meant; then the message has what was beyond.
    """

    group: GroupName
    workspace: WorkspaceName
    resources: tuple[CompiledResource, ...]
    documents: tuple[Document, ...]
    idempotency_key: str
    author: str = ""
    message: str = ""
    source: str = ""
    base: int | None = None
    traceparent: str = ""
    budgets: tuple[Budgets, Budgets] | None = None
    beyond_budgets: bool = False


@dataclass(frozen=True, slots=True)
class Rollback:
    """Serve again, byte for byte, what revision `to` of the group served; becomes a new revision."""

    group: GroupName
    to: int
    idempotency_key: str
    author: str = ""
    message: str = ""
    base: int | None = None
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Revision:
    """The record of one published snapshot. `number` counts 1, 2, 3 … in its group; `parent` is 0 for the first.

    `snapshot` is the digest of the manifest: equal digests are equal bytes. `workspaces` names, for each workspace
    that the group is composed of, the revision that last changed it. `created_at_s` is Unix time.
    """

    group: GroupName
    number: int
    parent: int
    snapshot: str
    workspace: WorkspaceName
    workspaces: Mapping[WorkspaceName, int]
    author: str
    message: str
    source: str
    created_at_s: float
    idempotency_key: str
    traceparent: str = ""
    rolled_back_to: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Published:
    """`revision` is what is served now; `created` is False when nothing changed or the key was seen before."""

    revision: Revision
    created: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything one revision serves, sorted by type URL and name."""

    revision: Revision
    resources: tuple[Resource, ...]


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """One resource before and after; `before` None is an addition, `after` None a removal."""

    before: Resource | None
    after: Resource | None

    @property
    def type_url(self) -> TypeUrl:
        return (self.after or self.before).type_url  # type: ignore[union-attr]  # one of both is always there

    @property
    def name(self) -> str:
        return (self.after or self.before).name  # type: ignore[union-attr]  # one of both is always there


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """Who did what, when. `previous` is the digest of the record before in the group: the chain can be verified."""

    group: GroupName
    number: int
    action: Literal["publish", "rollback"]
    author: str
    message: str
    source: str
    created_at_s: float
    snapshot: str
    previous: str
    digest: str


@dataclass(frozen=True, slots=True)
class Swept:
    """What a garbage collection did: blobs marked for later, blobs and bytes removed, revisions forgotten."""

    marked: int
    removed: int
    removed_bytes: int
    revisions: int


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """What an operator asks first. `alarms` in the store's own words; sizes in bytes, 0 where unknown."""

    kind: Literal["memory", "etcd"]
    reachable: bool
    detail: str = ""
    version: str = ""
    endpoints: tuple[str, ...] = ()
    leader: str = ""
    db_size_bytes: int = 0
    quota_bytes: int = 0
    alarms: tuple[str, ...] = field(default=())


class SnapshotStore(Protocol):
    """Versioned snapshots of groups. Every method raises StoreUnavailable when the store cannot answer now."""

    async def publish(self, publication: Publication) -> Published:
        """Compose with the other workspaces and store, in one fenced transaction.

        Raises Conflict for a stale base in the same workspace (naming the revision that won and its author) or for a
        (type, name) that another workspace holds (naming the workspace and the place); LimitExceeded for a resource
        over the size limit; NotFound for a base that the group has not reached. A publish of another workspace in
        between is no conflict: it is recomposed and retried.
        """

    async def rollback(self, rollback: Rollback) -> Published:
        """Raises NotFound when the revision does not exist or is no longer kept, Conflict for a stale base."""

    async def groups(self) -> tuple[GroupName, ...]:
        """Names of all groups that have a revision, sorted."""

    async def head(self, group: GroupName) -> Revision | None:
        """What the group should be serving now; None if the group does not exist."""

    async def revision(self, group: GroupName, number: int) -> Revision:
        """Raises NotFound."""

    async def history(self, group: GroupName, *, limit: int = 50, before: int | None = None) -> tuple[Revision, ...]:
        """Newest first; `before` pages on. Raises NotFound for a group that does not exist."""

    async def audit(self, group: GroupName, *, limit: int = 50) -> tuple[AuditRecord, ...]:
        """Newest first."""

    async def snapshot(self, group: GroupName, number: int) -> Snapshot:
        """Raises NotFound."""

    async def resource(self, group: GroupName, number: int, type_url: TypeUrl, name: str) -> Resource | None:
        """One resource of a revision, at the cost of its bucket; None if the revision has no such resource."""

    async def diff(self, group: GroupName, base: int, to: int) -> tuple[ResourceChange, ...]:
        """What changed from `base` to `to`, reading only buckets that differ; base 0 is the empty snapshot."""

    async def documents(self, group: GroupName, number: int, workspace: WorkspaceName) -> tuple[Document, ...]:
        """The documents of one workspace as revision `number` was compiled from them, sorted by path."""

    async def origin(self, group: GroupName, number: int, type_url: TypeUrl, name: str) -> Origin | None:
        """Where a resource of that revision came from; None if the revision has no such resource."""

    async def origins(self, group: GroupName, number: int) -> Mapping[tuple[TypeUrl, str], Origin]:
        """All origins of a revision by (type URL, name)."""

    def watch(self) -> AsyncIterator[Revision]:
        """The head of every group now, then each group's new head when it moves (heads in between may be skipped).

        Never ends by itself: it resumes after a lost connection and after compaction. Cancel it to stop.
        """

    async def collect_garbage(self, *, now_s: float, grace_s: float, keep_revisions: int) -> Swept:
        """Forget revisions beyond the newest `keep_revisions` of each group; mark blobs nothing names, and remove
        those marked for longer than `grace_s`."""

    async def status(self) -> StoreStatus:
        """Never raises: an unreachable store is a status."""

    async def close(self) -> None:
        """Release connections. Idempotent."""
