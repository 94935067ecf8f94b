"""Envoy's words about a resource -> the line of the documents that they mean, worked out when somebody asks why."""

from __future__ import annotations

import asyncio

from api.errors import NotFound
from api.management.backend import Backend
from api.management.v1 import management_pb2 as pb
from snapshots.authoring.provenance.origins import Provenance, ValueOrigin
from snapshots.model import Origin, WorkspaceName
from snapshots.store.protocol import Revision
from xds.protocol.resource import Resource


class Causes:
    """For one question: the documents of a revision are compiled once, however many of its resources are asked for."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._known: dict[tuple[str, int, WorkspaceName], Provenance | None] = {}

    async def of(self, resource: Resource, origin: Origin, revision: Revision, words: str) -> pb.Origin | None:
        """The place that `words` mean; None where they name no value of the resource, or its documents are gone."""
        provenance = await self._provenance(revision, origin.workspace)
        found = provenance.cause(resource.type_url, resource.name, words) if provenance is not None else None
        return _message(found, origin.workspace) if found is not None else None

    async def _provenance(self, revision: Revision, workspace: WorkspaceName) -> Provenance | None:
        key = (revision.group, revision.number, workspace)
        if key not in self._known:
            try:
                documents = await self._backend.store.documents(*key)
            except NotFound:
                self._known[key] = None
            else:
                self._known[key] = await asyncio.to_thread(Provenance, self._backend.envoy, documents)
        return self._known[key]


def _message(found: ValueOrigin, workspace: WorkspaceName) -> pb.Origin:
    kind, _, name = found.object.partition(" ")
    return pb.Origin(workspace=workspace, path=found.path, line=found.line, column=found.column, kind=kind, name=name)
