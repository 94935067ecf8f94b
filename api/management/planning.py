"""What a plan says beside the resources that change: authored objects, gateways reached, what their Envoys will do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from api.envoy.registry import EnvoyApi
from api.management.conversion import change_message, origin_message
from api.management.v1 import management_pb2 as pb
from snapshots.authoring.differences import ObjectChange, Written
from snapshots.effects import Change, effects
from snapshots.model import CompiledResource, Origin, WorkspaceName
from snapshots.store.protocol import ResourceChange
from xds.fleet import NodeState, NodeStatus
from xds.protocol.resource import Resource
from xds.protocol.types import TypeUrl

Key = tuple[TypeUrl, str]


def object_message(change: ObjectChange, workspace: WorkspaceName) -> pb.ObjectChange:
    """One authored object, with both its sides if it stays; whoever prints it takes its secrets out."""
    kind = (
        pb.Change.CHANGED if change.before and change.after else pb.Change.ADDED if change.after else pb.Change.REMOVED
    )
    stands = change.after or change.before
    key = change.key
    return pb.ObjectChange(
        kind=kind,
        object_kind=key.kind,
        namespace=key.namespace,
        name=key.name,
        before=_json(change.before) if change.after else "",
        after=_json(change.after) if change.before else "",
        origin=origin_message(_origin(stands, workspace, key.kind, key.name)) if stands else None,
    )


def _json(written: Written | None) -> str:
    return json.dumps(written.data, ensure_ascii=False, sort_keys=True) if written else ""


def _origin(written: Written, workspace: WorkspaceName, kind: str, name: str) -> Origin:
    return Origin(workspace, written.path, written.place.line, written.place.column, kind, name)


def locality_messages(nodes: Iterable[NodeStatus]) -> Iterator[pb.Locality]:
    """Those that are connected, by region and zone, the most first."""
    counts = Counter((node.region, node.zone) for node in nodes if node.state is not NodeState.OFFLINE)
    for (region, zone), count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        yield pb.Locality(region=region, zone=zone, nodes=count)


def add_changes(
    answer: pb.PlanResponse, envoy: EnvoyApi, own: Mapping[Key, CompiledResource], wanted: Iterable[CompiledResource]
) -> None:
    """What of a workspace's `own` resources changes to those `wanted`, how much goes, what it does to Envoys."""
    after = {key_of(one.resource): one for one in wanted}
    changes: list[Change] = []
    for key in sorted(own.keys() | after.keys()):
        old, new = own.get(key), after.get(key)
        if old and new and old.resource.version == new.resource.version:
            continue
        change = ResourceChange(old.resource if old else None, new.resource if new else None)
        changes.append((change.before, change.after))
        stands = new or old
        answer.changes.append(change_message(change, stands.origin if stands else None))
    answer.resources_removed = len(own.keys() - after.keys())
    add_effects(answer, envoy, changes)


def key_of(resource: Resource) -> Key:
    """What tells resources of a group apart."""
    return resource.type_url, resource.name


def add_effects(answer: pb.PlanResponse, envoy: EnvoyApi, changes: Iterable[Change]) -> None:
    """Whose connections are cut, and what is made anew."""
    found = effects(envoy, changes)
    for drain in found.drains:
        answer.drains.add(
            listener=drain.listener, whole=drain.whole, filter_chains=drain.filter_chains, because=drain.because
        )
    for warming in found.warmings:
        answer.warmings.add(cluster=warming.cluster, rebuilt=warming.rebuilt)
