"""The management API's client: every call of `v1/management.proto` as a coroutine or an asynchronous iterator.

It gives the generated messages, raises the classes of `api.errors`, and imports nothing that the command line would
have to wait for. Reads are made again after a lost connection; so are `publish` and `rollback`, because their
idempotency key makes them happen once.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Self

from api.errors import NotFound
from api.management.connection import DEFAULT_ADDRESS, ClientTls, Connection
from api.management.details import ACCEPTS_KEY
from api.management.recent import DIGEST_BYTES, Sent
from api.management.v1 import management_pb2 as pb
from api.management.v1 import management_pb2_grpc as rpc
from api.nodes.orders import OrderKind
from api.nodes.v1 import nodes_pb2 as nodes_pb
from api.telemetry import tracing
from snapshots.model import Document

CHUNK_BYTES = 512 * 1024
DIGESTS_AT_ONCE = CHUNK_BYTES // DIGEST_BYTES
_CHUNK_OVERHEAD_BYTES = 16


class ManagementClient:
    """One server's management API. An asynchronous context manager; `timeout_s` is each call's deadline in seconds.

    `traceparent`: the W3C trace context to send along, when the caller has one; else the current span's, if any.
    Raises ServerUnreachable, TimedOut, and whatever the server raised, with its findings.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        timeout_s: float = 30.0,
        *,
        tls: ClientTls | None = None,
        traceparent: str = "",
    ) -> None:
        self.address = address
        self._traceparent = traceparent
        self._began_tracing = False
        self._connection = Connection(address, timeout_s, tls)
        self._sent = Sent()
        self._stub: Any = rpc.ManagementStub(self._connection.channel)

    async def __aenter__(self) -> Self:
        self._began_tracing = tracing.start_from_environment("fairlead-cli")
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._connection.close()
        if self._began_tracing:
            tracing.stop()

    async def check(
        self, documents: Sequence[Document], *, group: str = "", workspace: str = "", partial: bool = False
    ) -> pb.CheckResponse:
        """Findings of the documents; nothing is stored. The server refuses nothing here: read `findings`."""
        header = pb.UploadHeader(group=group, workspace=workspace, partial=partial)
        answer: pb.CheckResponse = await self._upload(self._stub.Check, header, documents)
        return answer

    async def plan(
        self, documents: Sequence[Document], *, group: str = "", workspace: str = "", partial: bool = False
    ) -> pb.PlanResponse:
        """What publishing would change, and whom it would reach. With errors in `findings` there are no changes."""
        header = pb.UploadHeader(group=group, workspace=workspace, partial=partial)
        answer: pb.PlanResponse = await self._upload(self._stub.Plan, header, documents)
        return answer

    async def publish(
        self,
        documents: Sequence[Document],
        *,
        group: str = "",
        workspace: str = "",
        base: int | None = None,
        author: str = "",
        message: str = "",
        source: str = "",
        idempotency_key: str = "",
        partial: bool = False,
        beyond_budgets: bool = False,
        sync_holder: str = "",
        break_glass: bool = False,
    ) -> pb.PublishResponse:
        """Publish a workspace. Raises InvalidConfig with all findings, Conflict, LimitExceeded, StoreUnavailable.

        `sync_holder`: who has the turn of the sync into this workspace. `break_glass`: publish though there is one.
        Denied is raised without either. Without an `idempotency_key` a random one covers this call and its retries,
        and no later call.
        """
        header = pb.UploadHeader(
            group=group,
            workspace=workspace,
            base=base,
            author=author,
            message=message,
            source=source,
            idempotency_key=idempotency_key or uuid.uuid4().hex,
            partial=partial,
            beyond_budgets=beyond_budgets,
            sync_holder=sync_holder,
            break_glass=break_glass,
        )
        with tracing.span("fairlead apply"):
            answer: pb.PublishResponse = await self._upload(self._stub.Publish, header, documents)
        return answer

    async def rollback(
        self,
        group: str,
        to: int,
        *,
        base: int | None = None,
        author: str = "",
        message: str = "",
        idempotency_key: str = "",
    ) -> pb.PublishResponse:
        """Serve revision `to` again as a new one. Raises NotFound, Conflict."""
        request = pb.RollbackRequest(
            group=group,
            to=to,
            base=base,
            author=author,
            message=message,
            idempotency_key=idempotency_key or uuid.uuid4().hex,
        )
        with tracing.span("fairlead rollback"):
            answer: pb.PublishResponse = await self._unary(self._stub.Rollback, request)
        return answer

    async def get_revision(self, group: str, number: int = 0) -> pb.Revision:
        """The record of one revision; 0 is the head. Raises NotFound."""
        async for part in self._stream(self._stub.GetRevision, pb.GetRevisionRequest(group=group, number=number)):
            return part.revision  # type: ignore[no-any-return]
        raise AssertionError("the server always sends the record first")

    async def get_snapshot(self, group: str, number: int = 0) -> tuple[pb.Revision, tuple[pb.Resource, ...]]:
        """A revision and all resources it serves, sorted by type URL and name. Raises NotFound."""
        request = pb.GetRevisionRequest(group=group, number=number, with_resources=True)
        parts = [part async for part in self._stream(self._stub.GetRevision, request)]
        return parts[0].revision, tuple(part.resource for part in parts[1:])

    def get_documents(self, group: str, number: int = 0, *, workspace: str = "") -> AsyncIterator[pb.Document]:
        """The documents of one workspace (empty: of all) as revision `number` (0: the head) was compiled from them."""
        request = pb.GetDocumentsRequest(group=group, number=number, workspace=workspace)
        return self._stream(self._stub.GetDocuments, request)

    async def list_objects(self, group: str) -> tuple[pb.Object, ...]:
        """The Gateway API objects of the group's head, each with its status."""
        return tuple([each async for each in self._stream(self._stub.ListObjects, pb.ListObjectsRequest(group=group))])

    async def list_groups(self) -> tuple[pb.Revision, ...]:
        """The head of every group, sorted by group."""
        return tuple((await self._unary(self._stub.ListGroups, pb.ListGroupsRequest())).heads)

    async def list_revisions(self, group: str, *, limit: int = 50, before: int = 0) -> tuple[pb.Revision, ...]:
        """Newest first; `before` pages on. Raises NotFound."""
        request = pb.ListRevisionsRequest(group=group, limit=limit, before=before)
        return tuple((await self._unary(self._stub.ListRevisions, request)).revisions)

    def diff(self, group: str, base: int, to: int = 0) -> AsyncIterator[pb.Change]:
        """What changed from `base` (0: nothing at all) to `to` (0: the head), sorted by type URL and name."""
        return self._stream(self._stub.Diff, pb.DiffRequest(group=group, base=base, to=to))

    async def list_nodes(self, group: str = "") -> tuple[pb.Node, ...]:
        """The nodes of this server, sorted by id; an empty group means all."""
        return tuple((await self._unary(self._stub.ListNodes, pb.ListNodesRequest(group=group))).nodes)

    async def get_node(self, node: str) -> pb.Node:
        """Raises NotFound for a node that this server has not seen."""
        answer = await self._unary(self._stub.GetNode, pb.GetNodeRequest(id=node))
        return answer.node  # type: ignore[no-any-return]

    def get_node_configuration(self, node: str) -> AsyncIterator[pb.ResourceState]:
        """Every resource of the node's group, and whether the node has it."""
        return self._stream(self._stub.GetNodeConfiguration, pb.GetNodeRequest(id=node))

    def order_node(
        self,
        node: str,
        kind: OrderKind,
        *,
        lines: int = 0,
        follow: bool = False,
        author: str = "",
        reason: str = "",
    ) -> AsyncIterator[pb.OrderNodeAnswer]:
        """Ask something of a node through its agent: pieces of the answer, then its last word. To abandon the iteration
        is to cancel it. It is asked once, whatever becomes of the connection.

        Raises Denied when the agent's configuration does not allow it, StoreUnavailable (exit code 4) when no agent of
        the node is connected to this server, Rejected (6) when it was tried and failed.
        """
        request = pb.OrderNodeRequest(node=node, lines=lines, follow=follow, author=author, reason=reason)
        request.kind = nodes_pb.Order.Kind.Value(kind.name)  # type: ignore[assignment]  # the stubs want the enum itself
        return self._stream(self._stub.OrderNode, request, endless=True, again=False)

    async def get_load(self, group: str = "", cluster: str = "") -> tuple[pb.GroupLoad, ...]:
        """What clients report of their traffic, by group, cluster and locality; empty means all. Raises NotFound."""
        answer = await self._unary(self._stub.GetLoad, pb.GetLoadRequest(group=group, cluster=cluster))
        return tuple(answer.groups)

    async def explain(self, group: str, resource: str) -> tuple[pb.Explanation, ...]:
        """Why a resource is or is not served; `resource` is a name, TYPE/NAME or a document's name. Raises NotFound."""
        request = pb.ExplainRequest(group=group, resource=resource)
        return tuple((await self._unary(self._stub.Explain, request)).explanations)

    async def list_endpoints(self, group: str, cluster: str = "") -> tuple[pb.ClusterEndpoints, ...]:
        """The endpoints of one cluster (empty: of every cluster of type EDS), by cluster. Raises NotFound."""
        request = pb.ListEndpointsRequest(group=group, cluster=cluster)
        return tuple((await self._unary(self._stub.ListEndpoints, request)).clusters)

    async def change_endpoints(
        self,
        group: str,
        cluster: str,
        changes: Sequence[pb.EndpointChange],
        *,
        base: int | None = None,
        author: str = "",
        message: str = "",
        confirmed: bool = False,
    ) -> pb.ChangeEndpointsResponse:
        """Change a cluster's endpoints, without a revision. What changes nothing writes nothing, so this is made again
        after a lost connection. Raises InvalidConfig, NotFound, Conflict for a stale base, RateExceeded."""
        request = pb.ChangeEndpointsRequest(
            group=group,
            cluster=cluster,
            changes=changes,
            base=base,
            author=author,
            message=message,
            confirmed=confirmed,
        )
        answer: pb.ChangeEndpointsResponse = await self._unary(self._stub.ChangeEndpoints, request)
        return answer

    def watch_endpoints(self, group: str, cluster: str = "") -> AsyncIterator[pb.ClusterEndpoints]:
        """The endpoints now, then each newer state; ends only with the server or with the iteration."""
        request = pb.WatchEndpointsRequest(group=group, cluster=cluster)
        return self._stream(self._stub.WatchEndpoints, request, endless=True)

    async def list_endpoint_changes(
        self, group: str, cluster: str, *, limit: int = 50
    ) -> tuple[pb.EndpointVersion, ...]:
        """Who changed a cluster's endpoints, newest first. Raises NotFound."""
        request = pb.ListEndpointChangesRequest(group=group, cluster=cluster, limit=limit)
        return tuple((await self._unary(self._stub.ListEndpointChanges, request)).versions)

    async def report_sync(
        self, group: str, workspace: str, holder: str, report: pb.SyncReport, *, lease_s: float
    ) -> pb.ReportSyncResponse:
        """Say how a source is doing, keep its turn for `lease_s` seconds, and hear what people ask of it."""
        lease_ms = round(lease_s * 1000)
        request = pb.ReportSyncRequest(
            group=group, workspace=workspace, holder=holder, lease_ms=lease_ms, report=report
        )
        answer: pb.ReportSyncResponse = await self._unary(self._stub.ReportSync, request)
        return answer

    async def list_syncs(self, group: str = "") -> tuple[pb.Sync, ...]:
        """What is followed into the workspaces of a group (empty: of all), by group and workspace."""
        return tuple((await self._unary(self._stub.ListSyncs, pb.ListSyncsRequest(group=group))).syncs)

    async def order_sync(
        self,
        group: str,
        workspace: str,
        order: pb.OrderSyncRequest.Order,
        *,
        author: str = "",
        message: str = "",
    ) -> pb.Sync:
        """Ask what follows a repository into a workspace to look now, to stop or to go on. Raises NotFound."""
        request = pb.OrderSyncRequest(group=group, workspace=workspace, order=order, author=author, message=message)
        answer: pb.Sync = await self._unary(self._stub.OrderSync, request)
        return answer

    def follow_revision(
        self, group: str, revision: int, *, timeout_s: float | None = None
    ) -> AsyncIterator[pb.Progress]:
        """The progress now, then each change of it; ends after the message whose `done` is true."""
        request = pb.FollowRevisionRequest(group=group, revision=revision)
        return self._stream(self._stub.FollowRevision, request, timeout_s=timeout_s, endless=True)

    def watch_events(self, group: str = "") -> AsyncIterator[pb.Event]:
        """What happens from now on; ends only with the server or with the iteration."""
        return self._stream(self._stub.WatchEvents, pb.WatchEventsRequest(group=group), endless=True)

    async def get_status(self) -> pb.Status:
        answer: pb.Status = await self._unary(self._stub.GetStatus, pb.GetStatusRequest())
        return answer

    async def _unary(self, method: Any, request: Any) -> Any:
        metadata = self._metadata()
        timeout_s = self._connection.timeout_s
        return await self._connection.unary(lambda: method(request, timeout=timeout_s, metadata=metadata))

    async def _upload(self, method: Any, header: pb.UploadHeader, documents: Sequence[Document]) -> Any:
        """What this client has sent before goes as a digest; all of it again if the server has let go of it."""
        digests, others = self._sent.split(documents)
        try:
            answer = await self._send(method, header, others, digests)
        except NotFound:
            if not digests:
                raise
            self._sent.forget()
            others = list(documents)
            answer = await self._send(method, header, others, ())
        self._sent.add(others)
        return answer

    async def _send(
        self, method: Any, header: pb.UploadHeader, documents: Sequence[Document], digests: Sequence[bytes]
    ) -> Any:
        metadata = self._metadata()
        timeout_s = self._connection.timeout_s
        return await self._connection.unary(
            lambda: method(upload_requests(header, documents, digests), timeout=timeout_s, metadata=metadata)
        )

    def _stream(
        self,
        method: Any,
        request: Any,
        *,
        timeout_s: float | None = None,
        endless: bool = False,
        again: bool = True,
    ) -> AsyncIterator[Any]:
        deadline_s = timeout_s if endless else timeout_s or self._connection.timeout_s
        metadata = self._metadata()
        return self._connection.stream(lambda: method(request, timeout=deadline_s, metadata=metadata), again=again)

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        traceparent = self._traceparent or tracing.current_traceparent()
        accepts = ((ACCEPTS_KEY, "1"),)
        return (*accepts, ("traceparent", traceparent)) if traceparent else accepts


def upload_requests(
    header: pb.UploadHeader, documents: Sequence[Document], digests: Sequence[bytes] = ()
) -> Iterator[pb.UploadRequest]:
    """The header, digests of what the server has, then all chunks in batches of about CHUNK_BYTES: a message each
    would cost more than a document."""
    yield pb.UploadRequest(header=header)
    for start in range(0, len(digests), DIGESTS_AT_ONCE):
        known = pb.KnownDocuments(digests=b"".join(digests[start : start + DIGESTS_AT_ONCE]))
        yield pb.UploadRequest(known=known)
    batch, size = pb.DocumentBatch(), 0
    for path, data, last in _pieces(documents):
        weight = len(path) + len(data) + _CHUNK_OVERHEAD_BYTES
        if size and size + weight > CHUNK_BYTES:
            yield pb.UploadRequest(batch=batch)
            batch, size = pb.DocumentBatch(), 0
        batch.chunks.add(path=path, data=data, last=last)
        size += weight
    if size:
        yield pb.UploadRequest(batch=batch)


def _pieces(documents: Sequence[Document]) -> Iterator[tuple[str, bytes, bool]]:
    """Every document in pieces of at most CHUNK_BYTES: path, bytes, whether it is the last; an empty one is one."""
    for document in documents:
        size = len(document.content)
        for start in range(0, max(size, 1), CHUNK_BYTES):
            yield document.path, document.content[start : start + CHUNK_BYTES], start + CHUNK_BYTES >= size
