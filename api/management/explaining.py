"""Why a resource is served, or is not: its origin, who rejected it in which words, and what to go back to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from api.errors import NotFound
from api.management.backend import Backend
from api.management.causes import Causes
from api.management.conversion import rejection_message, resource_message, revision_message
from api.management.publications import Publications
from api.management.reading import find_revision
from api.management.v1 import management_pb2 as pb
from snapshots.model import Origin
from snapshots.store.protocol import Revision, SnapshotStore
from xds.fleet import NodeState, NodeStatus, Rejection
from xds.protocol.resource import Resource
from xds.protocol.types import RESOURCE_TYPES

EXPLAINED_LIMIT = 100
# How far back a revision without the rejected content is looked for.
UNDO_DEPTH = 50

_BY_SHORT = {row.short: row.url for row in RESOURCE_TYPES}


@dataclass(frozen=True, slots=True)
class _Found:
    """A resource as one revision has it."""

    resource: Resource
    origin: Origin | None
    revision: Revision


class Explaining:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def explain(self, request: pb.ExplainRequest) -> pb.ExplainResponse:
        """What matches in the head, and what was rejected and is no longer in it. Raises NotFound."""
        store = self._backend.store
        head = await find_revision(store, request.group, 0)
        rejections = self._backend.fleet.rejections(head.group)
        found = await _matching(store, head, request.resource)
        found += await self._only_rejected(request.resource, rejections, found)
        if not found:
            raise NotFound(
                f"revision {head.number} of {head.group} has no resource and no document named {request.resource!r}; "
                "name it as it is served, as TYPE/NAME (cluster/web), or as its document is named"
            )
        nodes = self._backend.fleet.nodes(head.group)
        causes, publications = Causes(self._backend), Publications(store)
        explained = [
            await self._explanation(one, rejections, nodes, causes, publications) for one in found[:EXPLAINED_LIMIT]
        ]
        return pb.ExplainResponse(explanations=explained)

    async def _only_rejected(self, wanted: str, rejections: Iterable[Rejection], found: list[_Found]) -> list[_Found]:
        """Rejected content that a newer revision has dropped or changed already, while nodes still refuse it."""
        seen = {(one.resource.type_url, one.resource.name) for one in found}
        more: list[_Found] = []
        for group, number in sorted({(one.group, one.revision) for one in rejections}):
            try:
                revision = await self._backend.store.revision(group, number)
            except NotFound:
                continue
            for one in await _matching(self._backend.store, revision, wanted):
                key = (one.resource.type_url, one.resource.name)
                if key not in seen and any(concerns(rejection, one.resource) for rejection in rejections):
                    seen.add(key)
                    more.append(one)
        return more

    async def _explanation(
        self,
        found: _Found,
        rejections: Iterable[Rejection],
        nodes: tuple[NodeStatus, ...],
        causes: Causes,
        publications: Publications,
    ) -> pb.Explanation:
        refusing = [one for one in rejections if concerns(one, found.resource)]
        connected = [node for node in nodes if node.state is not NodeState.OFFLINE]
        acked = sum(_has_acked(node, found) for node in connected)
        undo = await self._undo(found, min(one.revision for one in refusing)) if refusing else 0
        cause, published = None, None
        if found.origin is not None:
            published = await publications.of(found.origin.workspace, found.revision)
        if refusing and found.origin is not None:
            cause = await causes.of(found.resource, found.origin, found.revision, refusing[0].message)
        return pb.Explanation(
            resource=resource_message(found.resource, found.origin),
            revision=revision_message(found.revision),
            rejections=map(rejection_message, refusing),
            nodes_acked=acked,
            nodes_total=len(connected),
            undo=undo,
            cause=cause,
            published=revision_message(published) if published else None,
        )

    async def _undo(self, found: _Found, rejected: int) -> int:
        """The newest revision before `rejected` in which this resource was different or absent; 0 for none."""
        store, group = self._backend.store, found.revision.group
        resource = found.resource
        try:
            for older in await store.history(group, limit=UNDO_DEPTH, before=rejected):
                for change in await store.diff(group, older.number, rejected):
                    if (change.type_url, change.name) == (resource.type_url, resource.name):
                        return older.number
        except NotFound:
            return 0
        return 0


def concerns(rejection: Rejection, resource: Resource) -> bool:
    """Whether a rejection is about this resource.

    A client refuses a response as a whole; where its words name some of the response's resources, it is about those.
    """
    if rejection.type_url != resource.type_url or resource.name not in rejection.names:
        return False
    named = [name for name in rejection.names if says(rejection.message, name)]
    return resource.name in named or not named


def says(message: str, name: str) -> bool:
    """Whether the name is in the message as a word of its own: "web" is not in "web-2"."""
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)", message) is not None


def _has_acked(node: NodeStatus, found: _Found) -> bool:
    return any(
        status.type_url == found.resource.type_url
        and status.acked_revision >= found.revision.number
        and not (status.rejection and concerns(status.rejection, found.resource))
        for status in node.types
    )


async def _matching(store: SnapshotStore, revision: Revision, wanted: str) -> list[_Found]:
    origins = await store.origins(revision.group, revision.number)
    chosen = {key for key, origin in origins.items() if _matches(wanted, *key, origin)}
    if not chosen:
        return []
    snapshot = await store.snapshot(revision.group, revision.number)
    matching = (one for one in snapshot.resources if (one.type_url, one.name) in chosen)
    return [_Found(one, origins.get((one.type_url, one.name)), revision) for one in matching]


def _matches(wanted: str, type_url: str, name: str, origin: Origin) -> bool:
    if wanted in (name, origin.name, f"{origin.kind}/{origin.name}"):
        return True
    short, slash, rest = wanted.partition("/")
    return bool(slash) and rest == name and (_BY_SHORT.get(short.lower()) == type_url or short == _type_name(type_url))


def _type_name(type_url: str) -> str:
    return type_url.rpartition(".")[2]
