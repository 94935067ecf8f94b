"""The authored objects of a group, each with conditions as the Gateway API writes them. Pure: messages in, data out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from api.cli.resources import place_of
from snapshots.authoring.envelope import API_VERSION, ENVOY_RESOURCE, WORKSPACE
from xds.protocol.types import name_of

if TYPE_CHECKING:
    from api.management.v1 import management_pb2 as pb

Condition = dict[str, str]
Key = tuple[str, str]


def object_documents(
    head: pb.Revision, resources: Iterable[pb.Resource], group: pb.GroupStatus, nodes: Sequence[pb.Node]
) -> list[dict[str, Any]]:
    """Every object that revision `head` was compiled from: `apiVersion`, `kind`, `namespace`, `name`, `status`."""
    rejected = _rejections(nodes)
    by_object: dict[tuple[str, str, str], list[pb.Resource]] = {}
    for resource in resources:
        origin = resource.origin
        if origin.kind != ENVOY_RESOURCE:
            continue  # made from Gateway API objects, which have a status of their own
        by_object.setdefault((origin.workspace, origin.kind, origin.name), []).append(resource)
    documents = [_workspace(name, number) for name, number in sorted(head.workspaces.items())]
    for (_, kind, name), compiled in sorted(by_object.items()):
        status = {
            "conditions": [_accepted(), _programmed(compiled, group, rejected)],
            "from": place_of(compiled[0].origin),
            "workspace": compiled[0].origin.workspace,
            "resources": [name_of(resource.type_url, resource.name) for resource in compiled],
        }
        documents.append(_object(kind, name, status))
    return documents


def gateway_documents(objects: Iterable[pb.Object]) -> list[dict[str, Any]]:
    """Gateway API objects with the standard's own status, and EnvoyResources that are refused: what gateways say of the
    others is in `object_documents`."""
    found = (
        {
            "apiVersion": each.api_version,
            "kind": each.kind,
            "namespace": each.namespace,
            "name": each.name,
            "status": json.loads(each.status),
        }
        for each in objects
    )
    return [each for each in found if each["kind"] != ENVOY_RESOURCE or not _is_accepted(each["status"])]


def _is_accepted(status: Mapping[str, Any]) -> bool:
    return any(each["type"] == "Accepted" and each["status"] == "True" for each in status["conditions"])


def _object(kind: str, name: str, status: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": kind, "namespace": "", "name": name, "status": dict(status)}


def _workspace(name: str, revision: int) -> dict[str, Any]:
    return _object(WORKSPACE, name, {"conditions": [_accepted()], "revision": revision})


def _accepted() -> Condition:
    # What is not accepted is not stored.
    return {"type": "Accepted", "status": "True", "reason": "Accepted", "message": ""}


def _programmed(resources: Iterable[pb.Resource], group: pb.GroupStatus, rejected: Mapping[Key, str]) -> Condition:
    words = [rejected[key] for item in resources if (key := (item.type_url, item.name)) in rejected]
    if words:
        status, reason, message = "False", "Rejected", words[0]
    elif not group.nodes_total:
        status, reason, message = "Unknown", "NoGateways", "no gateway of the group is connected"
    elif group.nodes_behind:
        status, reason = "Unknown", "Pending"
        message = f"{group.nodes_behind} of {group.nodes_total} gateways have not acknowledged everything yet"
    else:
        status, reason, message = "True", "Programmed", ""
    return {"type": "Programmed", "status": status, "reason": reason, "message": message}


def _rejections(nodes: Iterable[pb.Node]) -> dict[Key, str]:
    """Who rejects what, by (type URL, name): the first gateway and Envoy's words.

    A gateway rejects a response as a whole; where its words name some of the resources, it is about those.
    """
    found: dict[Key, str] = {}
    for node in nodes:
        for status in node.types:
            rejection = status.rejection
            named = [name for name in rejection.names if name in rejection.message]
            for name in named or rejection.names:
                found.setdefault((rejection.type_url, name), f"{node.id}: {rejection.message}")
    return found
