"""The nodes of this server: who they are, and what each has of its group's configuration."""

from __future__ import annotations

import difflib
from collections.abc import AsyncIterator, Mapping

from api.errors import NotFound
from api.management.backend import Backend
from api.management.conversion import node_message, resource_message
from api.management.v1 import management_pb2 as pb
from snapshots.store.protocol import Snapshot
from xds.fleet import NodeStatus, TypeStatus
from xds.protocol.resource import Resource
from xds.protocol.types import TypeUrl

State = pb.ResourceState.State
Changed = set[tuple[TypeUrl, str, int]]


class Nodes:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def list(self, request: pb.ListNodesRequest) -> pb.ListNodesResponse:
        return pb.ListNodesResponse(nodes=map(self._message, self._backend.fleet.nodes(request.group)))

    def get(self, request: pb.GetNodeRequest) -> pb.GetNodeResponse:
        return pb.GetNodeResponse(node=self._message(self._find(request.id)))

    async def configuration(self, request: pb.GetNodeRequest) -> AsyncIterator[pb.ResourceState]:
        """Every resource of the head of the node's group, and whether the node has it.

        Which names a node asks for is not kept. Of a type that it does not take as a whole, it is taken to ask for what
        another resource refers to: that is how Envoy comes by such names.
        """
        node = self._find(request.id)
        store, fleet = self._backend.store, self._backend.fleet
        head = await store.head(node.group)
        if head is None:
            return
        snapshot = await store.snapshot(node.group, head.number)
        origins = await store.origins(node.group, head.number)
        types = {status.type_url: status for status in (fleet.node(request.id) or node).types}
        changed = await self._changed_since(types, snapshot)
        wanted = _wanted(types, snapshot)
        for one in snapshot.resources:
            state, error = _state(one, types.get(one.type_url), snapshot, changed, wanted)
            message = resource_message(one, origins.get((one.type_url, one.name)))
            yield pb.ResourceState(resource=message, state=state, error=error)

    async def _changed_since(self, types: Mapping[TypeUrl, TypeStatus], snapshot: Snapshot) -> Changed:
        """(type URL, name, revision) of what differs between a revision that a type stands at, and the head."""
        head = snapshot.revision
        revisions = {n for status in types.values() for n in (status.acked_revision, status.sent_revision)}
        changed: Changed = set()
        for number in revisions - {0, head.number}:
            try:
                differences = await self._backend.store.diff(head.group, number, head.number)
            except NotFound:  # no longer kept: then anything may have changed
                changed |= {(one.type_url, one.name, number) for one in snapshot.resources}
                continue
            changed |= {(one.type_url, one.name, number) for one in differences}
        return changed

    def _message(self, node: NodeStatus) -> pb.Node:
        return node_message(node, self._backend.now(), self._backend.fleet.reports.limits.interval_s)

    def _find(self, node_id: str) -> NodeStatus:
        """Raises NotFound, with the nearest id that there is."""
        node = self._backend.fleet.node(node_id)
        if node is not None:
            return node
        known = [status.id for status in self._backend.fleet.nodes()]
        near = difflib.get_close_matches(node_id, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "`fairlead nodes` lists those that it has"
        raise NotFound(f"this server has not seen a node {node_id!r}; {hint}")


def _wanted(types: Mapping[TypeUrl, TypeStatus], snapshot: Snapshot) -> set[tuple[TypeUrl, str]]:
    """What a node asks for, as far as can be told: whole types but for what is on demand, and what is referred to."""
    referred = {(reference.type_url, reference.name) for one in snapshot.resources for reference in one.references}
    own = (((one.type_url, one.name), one.on_demand) for one in snapshot.resources)
    return {
        key
        for key, on_demand in own
        if key[0] in types and ((types[key[0]].wildcard and not on_demand) or key in referred)
    }


def _state(
    one: Resource,
    status: TypeStatus | None,
    snapshot: Snapshot,
    changed: Changed,
    wanted: set[tuple[TypeUrl, str]],
) -> tuple[State, str]:
    if status is None or (one.type_url, one.name) not in wanted:
        return pb.ResourceState.NOT_SENT, ""
    rejection = status.rejection
    if rejection and one.name in rejection.names:
        return pb.ResourceState.REJECTED, rejection.message

    def is_as_of(revision: int) -> bool:
        return revision > 0 and (one.type_url, one.name, revision) not in changed

    if is_as_of(status.acked_revision):
        return pb.ResourceState.ACKED, ""
    return (pb.ResourceState.SENT if is_as_of(status.sent_revision) else pb.ResourceState.NOT_SENT), ""
