"""What each object is told: conditions in the standard's words. Pure; whether Envoy took it is not known here.

Source: Gateway API, GatewayStatus, ListenerStatus, RouteParentStatus and their condition types and reasons.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from snapshots.authoring.gateway.attachments import Attachment
from snapshots.authoring.gateway.complaints import Complaint
from snapshots.authoring.gateway.listeners import ROUTE_KINDS, BoundListener
from snapshots.authoring.gateway.world import CONTROLLER_NAME, World
from snapshots.authoring.kinds.model import GATEWAY_GROUP
from snapshots.authoring.objects import AuthoredObject

_REFERENCE_REASONS = ("RefNotPermitted", "InvalidKind", "BackendNotFound", "UnsupportedProtocol")


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: `type` is `status` because of `reason`."""

    type: str
    status: bool
    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class ObjectStatus:
    """The status of one object, in the standard's own JSON form without times."""

    subject: AuthoredObject
    status: dict[str, Any] = field(default_factory=dict)


def statuses(
    world: World,
    listeners: Sequence[BoundListener],
    attached: Sequence[Attachment],
    complaints: Iterable[Complaint],
) -> Iterator[ObjectStatus]:
    """The statuses of all objects that have one here."""
    by_subject: dict[Any, list[Complaint]] = {}
    for complaint in complaints:
        by_subject.setdefault(complaint.subject.key, []).append(complaint)
    for each in world.of("GatewayClass"):
        if each.model.spec.controller_name == CONTROLLER_NAME:
            yield ObjectStatus(each, {"conditions": told(each, [Condition("Accepted", True, "Accepted")])})
    for each in world.of("Gateway"):
        if world.is_ours(each.model.spec.gateway_class_name):
            yield _gateway(each, [one for one in listeners if one.owner.key == each.key], attached)
    routes: dict[Any, list[Attachment]] = {}
    for attachment in attached:
        routes.setdefault(attachment.route.key, []).append(attachment)
    for found in routes.values():
        route = found[0].route
        parents = [_parent(each, by_subject.get(route.key, [])) for each in found]
        yield ObjectStatus(route, {"parents": parents})


def _gateway(
    gateway: AuthoredObject, listeners: Sequence[BoundListener], attached: Sequence[Attachment]
) -> ObjectStatus:
    accepted = Condition("Accepted", True, "Accepted")
    if not all(each.usable for each in listeners):
        accepted = Condition("Accepted", any(each.usable for each in listeners), "ListenersNotValid")
    programmed = Condition("Programmed", accepted.status, "Programmed" if accepted.status else "Invalid")
    addresses = [{"type": "IPAddress", "value": each} for each in (listeners[0].addresses if listeners else ())]
    status = {
        "addresses": addresses,
        "conditions": told(gateway, [accepted, programmed]),
        "listeners": [_listener(each, attached) for each in listeners],
    }
    return ObjectStatus(gateway, status)


def _listener(each: BoundListener, attached: Sequence[Attachment]) -> dict[str, Any]:
    routes = {
        attachment.route.key for attachment in attached for listener, _ in attachment.accepted if listener.id == each.id
    }
    return {
        "name": each.listener.name,
        "supportedKinds": [{"group": GATEWAY_GROUP, "kind": kind} for kind in each.kinds],
        "attachedRoutes": len(routes),
        "conditions": told(each.owner, list(_listener_conditions(each))),
    }


def _listener_conditions(each: BoundListener) -> Iterator[Condition]:
    problem = each.problems[0] if each.problems else None
    conflicted = problem is not None and problem.reason in ("HostnameConflict", "ProtocolConflict")
    reason, message = (problem.reason, problem.message) if problem else ("Accepted", "")
    yield Condition("Accepted", problem is None, reason, message)
    yield Condition("Programmed", problem is None, "Programmed" if problem is None else "Invalid", message)
    yield Condition("Conflicted", conflicted, reason if conflicted else "NoConflicts", message if conflicted else "")
    wanted = {kind.kind for kind in each.listener.allowed_routes.kinds}
    invalid = sorted(wanted - set(ROUTE_KINDS.get(each.listener.protocol, ())))
    text = f"not served by a listener of protocol {each.listener.protocol}: {', '.join(invalid)}" if invalid else ""
    yield Condition("ResolvedRefs", not invalid, "InvalidRouteKinds" if invalid else "ResolvedRefs", text)


def _parent(attachment: Attachment, complaints: Sequence[Complaint]) -> dict[str, Any]:
    refusal = attachment.refusal
    accepted = Condition("Accepted", True, "Accepted")
    if refusal is not None:
        accepted = Condition("Accepted", False, refusal.reason, refusal.message)
    unresolved = next((each for each in complaints if each.reason in _REFERENCE_REASONS), None)
    resolved = Condition("ResolvedRefs", True, "ResolvedRefs")
    if unresolved is not None:
        resolved = Condition("ResolvedRefs", False, unresolved.reason, unresolved.message)
    parent = attachment.parent
    reference = {"group": parent.group, "kind": parent.kind, "name": parent.name}
    reference["namespace"] = parent.namespace or attachment.route.namespace
    optional = {"sectionName": parent.section_name, "port": parent.port}
    return {
        "parentRef": reference | {key: value for key, value in optional.items() if value is not None},
        "controllerName": CONTROLLER_NAME,
        "conditions": told(attachment.route, [accepted, resolved]),
    }


def told(subject: AuthoredObject, conditions: Sequence[Condition]) -> list[dict[str, Any]]:
    return [
        {
            "type": each.type,
            "status": str(each.status),
            "reason": each.reason,
            "message": each.message,
            "observedGeneration": subject.generation,
        }
        for each in conditions
    ]
