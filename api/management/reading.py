"""What is stored: revisions, their resources and documents, groups, history and differences."""

from __future__ import annotations

from collections.abc import AsyncIterator

from api.errors import InvalidConfig, NotFound
from api.management.conversion import change_message, resource_message, revision_message
from api.management.v1 import management_pb2 as pb
from snapshots.model import WorkspaceName
from snapshots.store.protocol import Revision, SnapshotStore
from xds.protocol.types import GroupName

DEFAULT_PAGE = 50
LONGEST_PAGE = 1000


async def find_revision(store: SnapshotStore, group: str, number: int) -> Revision:
    """A revision by number; 0 is the head. Raises NotFound, naming the groups that there are."""
    if not group:
        raise InvalidConfig("name a group")
    if number:
        return await store.revision(GroupName(group), number)
    head = await store.head(GroupName(group))
    if head is None:
        raise NotFound(f"there is no group {group!r}; {await _known(store)}")
    return head


async def _known(store: SnapshotStore) -> str:
    groups = await store.groups()
    return f"there are: {', '.join(groups)}" if groups else "nothing has been published yet"


class Reading:
    def __init__(self, store: SnapshotStore) -> None:
        self._store = store

    async def revision(self, request: pb.GetRevisionRequest) -> AsyncIterator[pb.GetRevisionResponse]:
        """The record first, then, if asked for, the resources with their origins."""
        revision = await find_revision(self._store, request.group, request.number)
        yield pb.GetRevisionResponse(revision=revision_message(revision))
        if not request.with_resources:
            return
        snapshot = await self._store.snapshot(revision.group, revision.number)
        origins = await self._store.origins(revision.group, revision.number)
        for resource in snapshot.resources:
            origin = origins.get((resource.type_url, resource.name))
            yield pb.GetRevisionResponse(resource=resource_message(resource, origin))

    async def documents(self, request: pb.GetDocumentsRequest) -> AsyncIterator[pb.Document]:
        """Raises NotFound for a workspace that the group is not composed of."""
        revision = await find_revision(self._store, request.group, request.number)
        chosen = WorkspaceName(request.workspace)
        if chosen and chosen not in revision.workspaces:
            there = ", ".join(sorted(revision.workspaces)) or "none"
            raise NotFound(f"group {revision.group} has no workspace {chosen!r}; it has: {there}")
        for workspace in [chosen] if chosen else sorted(revision.workspaces):
            for document in await self._store.documents(revision.group, revision.number, workspace):
                yield pb.Document(path=document.path, content=document.content, workspace=workspace)

    async def groups(self) -> pb.ListGroupsResponse:
        heads = [await self._store.head(group) for group in await self._store.groups()]
        return pb.ListGroupsResponse(heads=[revision_message(head) for head in heads if head])

    async def revisions(self, request: pb.ListRevisionsRequest) -> pb.ListRevisionsResponse:
        await find_revision(self._store, request.group, 0)
        limit = min(request.limit or DEFAULT_PAGE, LONGEST_PAGE)
        found = await self._store.history(GroupName(request.group), limit=limit, before=request.before or None)
        return pb.ListRevisionsResponse(revisions=map(revision_message, found))

    async def diff(self, request: pb.DiffRequest) -> AsyncIterator[pb.Change]:
        """Changes with the origin in the revision that still has the resource."""
        to = await find_revision(self._store, request.group, request.to)
        base = await find_revision(self._store, request.group, request.base) if request.base else None
        changes = await self._store.diff(to.group, base.number if base else 0, to.number)
        if not changes:
            return
        after = await self._store.origins(to.group, to.number)
        before = await self._store.origins(to.group, base.number) if base else {}
        for change in changes:
            key = (change.type_url, change.name)
            yield change_message(change, after.get(key) or before.get(key))
