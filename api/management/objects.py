"""The Gateway API objects of a group and their statuses, as the documents of its head come to, and Envoys say."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from api.management.backend import Backend
from api.management.compiling import Compiler
from api.management.reading import find_revision
from api.management.uploads import Upload
from api.management.v1 import management_pb2 as pb
from snapshots.authoring.gateway.conditions import ObjectStatus
from snapshots.authoring.gateway.refusals import with_refusals
from snapshots.model import WorkspaceName
from snapshots.store.protocol import Revision
from xds.protocol.types import LISTENER


class Objects:
    """Statuses are not stored: they follow from the documents, and are worked out when somebody asks."""

    def __init__(self, backend: Backend, compiler: Compiler) -> None:
        self._backend = backend
        self._compiler = compiler

    async def of_head(self, request: pb.ListObjectsRequest) -> AsyncIterator[pb.Object]:
        """By workspace, then in the order of the statuses. Raises NotFound for a group that does not exist."""
        revision = await find_revision(self._backend.store, request.group, 0)
        refused = self._refused(request.group)
        for workspace in sorted(revision.workspaces):
            for status in await self._statuses(revision, workspace):
                yield _message(with_refusals(status, refused), workspace)

    def _refused(self, group: str) -> dict[str, str]:
        """The listeners that this server's own nodes do not take, with their words.

        Envoy refuses a response as a whole, and takes what is sound in it: its words name what is not.
        """
        standing = (each for each in self._backend.fleet.rejections(group) if each.type_url == LISTENER)
        return {name: each.message for each in standing for name in each.names if name in each.message}

    async def _statuses(self, revision: Revision, workspace: WorkspaceName) -> tuple[ObjectStatus, ...]:
        documents = await self._backend.store.documents(revision.group, revision.number, workspace)
        header = pb.UploadHeader(group=revision.group, workspace=workspace, partial=True)
        return (await self._compiler.compile(Upload(header, documents))).statuses


def _message(status: ObjectStatus, workspace: WorkspaceName) -> pb.Object:
    subject = status.subject
    return pb.Object(
        api_version=subject.api_version,
        kind=subject.key.kind,
        namespace=subject.namespace,
        name=subject.name,
        workspace=workspace,
        path=subject.path,
        line=subject.place.line,
        status=json.dumps(status.status),
    )
