"""What each listener is told, in the standard's words. Pure.  Gateway API: ListenerStatus, ListenerEntryStatus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from snapshots.authoring.gateway.bound import BoundListener
from snapshots.authoring.gateway.complaints import Complaint
from snapshots.authoring.gateway.conditions import Condition, told
from snapshots.authoring.kinds.model import GATEWAY_GROUP

_CONFLICTS = ("HostnameConflict", "ProtocolConflict", "ListenerConflict")
_NOT_ACCEPTED = ("UnsupportedProtocol", "UnsupportedValue", *_CONFLICTS)
# What a Gateway is refused for is told there; its listeners are sound, and yet not served.
_OF_GATEWAYS = ("InvalidParameters", "UnsupportedAddress")


def listener_status(each: BoundListener, attached_routes: int) -> dict[str, Any]:
    """One entry of `status.listeners`. A listener counts its routes whether it is served or not."""
    return {
        "name": each.listener.name,
        "supportedKinds": [{"group": GATEWAY_GROUP, "kind": kind} for kind in each.kinds],
        "attachedRoutes": attached_routes,
        "conditions": told(each.owner, _conditions(each)),
    }


def _conditions(each: BoundListener) -> Iterator[Condition]:
    yield _accepted(each)
    yield _programmed(each)
    yield _conflicted(each)
    yield _resolved(each)
    if each.overlaps:
        text = "another listener of this port has a hostname that overlaps with this one"
        yield Condition("OverlappingTLSConfig", True, "OverlappingHostnames", text)


def _accepted(each: BoundListener) -> Condition:
    problem = _first(each, _NOT_ACCEPTED)
    if problem is not None:
        return Condition("Accepted", False, problem.reason, problem.message)
    check = each.client_check
    if check is not None and not check.authorities:
        return Condition("Accepted", False, "NoValidCACertificate", check.wrong[0].message)
    return Condition("Accepted", True, "Accepted")


def _programmed(each: BoundListener) -> Condition:
    if each.usable and not each.addresses:
        return Condition("Programmed", False, "Invalid", "the Gateway has no address that can be bound")
    if each.usable:
        return Condition("Programmed", True, "Programmed")
    conflict = _first(each, _CONFLICTS)
    problem = conflict or each.problems[0]
    return Condition("Programmed", False, problem.reason if conflict else "Invalid", problem.message)


def _conflicted(each: BoundListener) -> Condition:
    conflict = _first(each, _CONFLICTS)
    if conflict is not None:
        return Condition("Conflicted", True, conflict.reason, conflict.message)
    return Condition("Conflicted", False, "NoConflicts")


def is_resolved(each: BoundListener) -> bool:
    """Whether all that a listener refers to is there and may be used."""
    return _unresolved(each) is None


def _resolved(each: BoundListener) -> Condition:
    wrong = _unresolved(each)
    if wrong is not None:
        return Condition("ResolvedRefs", False, wrong.reason, wrong.message)
    return Condition("ResolvedRefs", True, "ResolvedRefs")


def _unresolved(each: BoundListener) -> Complaint | None:
    others = (*_NOT_ACCEPTED, *_OF_GATEWAYS)
    return next((wrong for wrong in (*each.problems, *each.remarks) if wrong.reason not in others), None)


def _first(each: BoundListener, reasons: tuple[str, ...]) -> Complaint | None:
    return next((problem for problem in each.problems if problem.reason in reasons), None)
