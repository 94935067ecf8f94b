"""The Management service of `v1/management.proto`: each call to the file that knows it. No decisions here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from api.management.backend import Backend
from api.management.callers import caller_of
from api.management.compiling import Compiler
from api.management.conversion import group_message, store_message, timestamp
from api.management.endpoints import ChangingEndpoints
from api.management.explaining import Explaining
from api.management.following import Following
from api.management.load import Load
from api.management.nodes import Nodes
from api.management.objects import Objects
from api.management.ordering import Ordering
from api.management.publishing import Publishing
from api.management.reading import Reading
from api.management.recent import RecentDocuments
from api.management.syncing import Syncing
from api.management.uploads import Upload, receive
from api.management.v1 import management_pb2 as pb

# Each upload may hold 64 MiB until it is compiled.
UPLOADS_AT_ONCE = 4
RECENT_BYTES = 32 * 1024 * 1024
# How long status waits for the store before it says that there is no answer.
STORE_PATIENCE_S = 3.0

Context = Any
Uploads = AsyncIterator[pb.UploadRequest]


class ManagementService:
    """The servicer; its methods are named as the calls. Raises the error tree, which `guard` translates."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        compiler = Compiler(backend.envoy)
        self._publishing = Publishing(backend, compiler)
        self._reading = Reading(backend.store)
        self._objects = Objects(backend, compiler)
        self._nodes = Nodes(backend)
        self._load = Load(backend)
        self._ordering = Ordering(backend)
        self._explaining = Explaining(backend)
        self._following = Following(backend)
        self._endpoints = ChangingEndpoints(backend)
        self._syncing = Syncing(backend)
        self._recent = RecentDocuments(RECENT_BYTES)
        self._places = asyncio.Semaphore(UPLOADS_AT_ONCE)

    async def Check(self, requests: Uploads, context: Context) -> pb.CheckResponse:
        async with self._places:
            return await self._publishing.check(await receive(requests, self._recent))

    async def Plan(self, requests: Uploads, context: Context) -> pb.PlanResponse:
        async with self._places:
            return await self._publishing.plan(await receive(requests, self._recent))

    async def Publish(self, requests: Uploads, context: Context) -> pb.PublishResponse:
        async with self._places:
            return await self.publish(await receive(requests, self._recent))

    async def publish(self, upload: Upload) -> pb.PublishResponse:
        """Publish without a call in between: for the process that follows a directory itself."""
        return await self._publishing.publish(upload)

    async def Rollback(self, request: pb.RollbackRequest, context: Context) -> pb.PublishResponse:
        return await self._publishing.rollback(request)

    async def GetRevision(self, request: pb.GetRevisionRequest, context: Context) -> None:
        await _write_all(context, self._reading.revision(request))

    async def GetDocuments(self, request: pb.GetDocumentsRequest, context: Context) -> None:
        await _write_all(context, self._reading.documents(request))

    async def ListObjects(self, request: pb.ListObjectsRequest, context: Context) -> None:
        await _write_all(context, self._objects.of_head(request))

    async def ListGroups(self, request: pb.ListGroupsRequest, context: Context) -> pb.ListGroupsResponse:
        return await self._reading.groups()

    async def ListRevisions(self, request: pb.ListRevisionsRequest, context: Context) -> pb.ListRevisionsResponse:
        return await self._reading.revisions(request)

    async def Diff(self, request: pb.DiffRequest, context: Context) -> None:
        await _write_all(context, self._reading.diff(request))

    async def ListNodes(self, request: pb.ListNodesRequest, context: Context) -> pb.ListNodesResponse:
        return self._nodes.list(request)

    async def GetNode(self, request: pb.GetNodeRequest, context: Context) -> pb.GetNodeResponse:
        return self._nodes.get(request)

    async def GetNodeConfiguration(self, request: pb.GetNodeRequest, context: Context) -> None:
        await _write_all(context, self._nodes.configuration(request))

    async def OrderNode(self, request: pb.OrderNodeRequest, context: Context) -> None:
        await _write_all(context, self._ordering.carry_out(request, caller_of(context)))

    async def GetLoad(self, request: pb.GetLoadRequest, context: Context) -> pb.GetLoadResponse:
        return self._load.get(request)

    async def Explain(self, request: pb.ExplainRequest, context: Context) -> pb.ExplainResponse:
        return await self._explaining.explain(request)

    async def ListEndpoints(self, request: pb.ListEndpointsRequest, context: Context) -> pb.ListEndpointsResponse:
        return await self._endpoints.listing(request)

    async def ChangeEndpoints(self, request: pb.ChangeEndpointsRequest, context: Context) -> pb.ChangeEndpointsResponse:
        return await self._endpoints.change(request, caller_of(context))

    async def WatchEndpoints(self, request: pb.WatchEndpointsRequest, context: Context) -> None:
        await _write_all(context, self._endpoints.watch(request))

    async def ListEndpointChanges(
        self, request: pb.ListEndpointChangesRequest, context: Context
    ) -> pb.ListEndpointChangesResponse:
        return await self._endpoints.changes(request)

    async def ReportSync(self, request: pb.ReportSyncRequest, context: Context) -> pb.ReportSyncResponse:
        return await self._syncing.report(request)

    async def ListSyncs(self, request: pb.ListSyncsRequest, context: Context) -> pb.ListSyncsResponse:
        return await self._syncing.listing(request)

    async def OrderSync(self, request: pb.OrderSyncRequest, context: Context) -> pb.Sync:
        return await self._syncing.order(request)

    async def FollowRevision(self, request: pb.FollowRevisionRequest, context: Context) -> None:
        await _write_all(context, self._following.revision(request))

    async def WatchEvents(self, request: pb.WatchEventsRequest, context: Context) -> None:
        await _write_all(context, self._following.events(request))

    async def GetStatus(self, request: pb.GetStatusRequest, context: Context) -> pb.Status:
        """What this server serves, with or without the store: it never fails because the store is away."""
        facts, fleet = self._backend.facts, self._backend.fleet
        addresses, reason = facts.addresses(), facts.not_ready()
        served = facts.served()
        return pb.Status(
            version=facts.version,
            started=timestamp(facts.started_s),
            ready=not reason,
            not_ready_reason=reason,
            store=await self._store_status(),
            groups=[group_message(served[group], fleet.counts(group)) for group in sorted(served)],
            nodes_unassigned=sum(fleet.counts(group).unassigned for group in fleet.groups()),
            xds_address=addresses.xds,
            management_address=addresses.management,
            http_address=addresses.http,
            now=timestamp(self._backend.now()),
        )

    async def _store_status(self) -> pb.StoreStatus:
        try:
            async with asyncio.timeout(STORE_PATIENCE_S):
                return store_message(await self._backend.store.status())
        except TimeoutError:
            known = store_message(self._backend.facts.absent_store)
            known.detail = self._backend.facts.not_ready() or f"no answer within {STORE_PATIENCE_S:g} s"
            return known


async def _write_all(context: Context, messages: AsyncIterator[Any]) -> None:
    async for message in messages:
        await context.write(message)
