"""Syncs in memory: what `MemoryStore` keeps of them. No I/O; nothing comes between a check and its write."""

from __future__ import annotations

from snapshots.model import WorkspaceName
from snapshots.store.syncs import Sync
from xds.protocol.types import GroupName


class MemorySyncs:
    """A `SyncStore` without persistence."""

    def __init__(self) -> None:
        self._syncs: dict[tuple[GroupName, WorkspaceName], Sync] = {}

    async def sync(self, group: GroupName, workspace: WorkspaceName) -> Sync | None:
        return self._syncs.get((group, workspace))

    async def syncs(self, group: GroupName | None = None) -> tuple[Sync, ...]:
        return tuple(sync for _, sync in sorted(self._syncs.items()) if group is None or sync.group == group)

    async def put_sync(self, wanted: Sync) -> bool:
        key = wanted.group, wanted.workspace
        newest = self._syncs.get(key)
        if wanted.version != (newest.version if newest else 0) + 1:
            return False
        self._syncs[key] = wanted
        return True
