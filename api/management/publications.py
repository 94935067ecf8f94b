"""A revision -> the one in which a workspace's documents were published; a rollback leads to what it brought back."""

from __future__ import annotations

from api.errors import NotFound
from snapshots.model import WorkspaceName
from snapshots.store.protocol import Revision, SnapshotStore


class Publications:
    """For one question: each workspace of a revision is looked up once, however many resources it has."""

    def __init__(self, store: SnapshotStore) -> None:
        self._store = store
        self._known: dict[tuple[str, int, WorkspaceName], Revision | None] = {}

    async def of(self, workspace: WorkspaceName, revision: Revision) -> Revision | None:
        """The record of who published what the workspace has in `revision`; None where history no longer has it."""
        key = (revision.group, revision.number, workspace)
        if key not in self._known:
            try:
                self._known[key] = await self._found(workspace, revision)
            except NotFound:
                self._known[key] = None
        return self._known[key]

    async def _found(self, workspace: WorkspaceName, revision: Revision) -> Revision | None:
        while number := revision.workspaces.get(workspace, 0):
            revision = await self._store.revision(revision.group, number)
            if not revision.rolled_back_to:
                return revision
            revision = await self._store.revision(revision.group, revision.rolled_back_to)
        return None
