"""What routes are told, for each of their parents: whether it takes them, and what of them is served there. Pure.

Source: Gateway API, RouteParentStatus and RouteConditionType.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from snapshots.authoring.gateway.attachments import Attachment
from snapshots.authoring.gateway.complaints import Complaint
from snapshots.authoring.gateway.conditions import Condition, told
from snapshots.authoring.gateway.world import CONTROLLER_NAME
from snapshots.authoring.objects import AuthoredObject
from snapshots.codes import FILTER_UNSUPPORTED, RULE_UNSERVABLE

_REFERENCE_REASONS = ("RefNotPermitted", "InvalidKind", "BackendNotFound", "UnsupportedProtocol")
# What spoils a rule itself, whatever its backends.
_RULE_CODES = (FILTER_UNSUPPORTED, RULE_UNSERVABLE)


def route_status(attached: Iterable[Attachment], complaints: Sequence[Complaint]) -> dict[str, Any]:
    """The status of a route, of its parents that are ours. `complaints`: what is wrong with it."""
    return {"parents": [_parent(each, complaints) for each in attached]}


def _parent(attachment: Attachment, complaints: Sequence[Complaint]) -> dict[str, Any]:
    parent = attachment.parent
    reference = {"group": parent.group, "kind": parent.kind, "name": parent.name}
    reference["namespace"] = parent.namespace or attachment.route.namespace
    optional = {"sectionName": parent.section_name, "port": parent.port}
    conditions = (*_accepted(attachment, complaints), _resolved(complaints))
    return {
        "parentRef": reference | {key: value for key, value in optional.items() if value is not None},
        "controllerName": CONTROLLER_NAME,
        "conditions": told(attachment.route, conditions),
    }


def _accepted(attachment: Attachment, complaints: Iterable[Complaint]) -> Iterator[Condition]:
    """PartiallyInvalid is there only when it is so: neither for a sound route nor for one without a sound rule."""
    refusal = attachment.refusal
    if refusal is not None:
        yield Condition("Accepted", False, refusal.reason, refusal.message)
        return
    spoilt = _spoilt_rules(complaints)
    if spoilt and len(spoilt) == len(attachment.route.model.spec.rules):
        first = next(iter(spoilt.values()))
        yield Condition("Accepted", False, first.reason, first.message)
        return
    yield Condition("Accepted", True, "Accepted")
    if spoilt:
        rules = "; ".join(f"{_rule_name(attachment.route, index)}: {each.message}" for index, each in spoilt.items())
        yield Condition("PartiallyInvalid", True, "UnsupportedValue", f"Dropped Rule {rules}")


def _resolved(complaints: Iterable[Complaint]) -> Condition:
    unresolved = next((each for each in complaints if each.reason in _REFERENCE_REASONS), None)
    if unresolved is not None:
        return Condition("ResolvedRefs", False, unresolved.reason, unresolved.message)
    return Condition("ResolvedRefs", True, "ResolvedRefs")


def _spoilt_rules(complaints: Iterable[Complaint]) -> dict[int, Complaint]:
    """The first complaint of each rule that cannot be followed, by the rule's index."""
    found: dict[int, Complaint] = {}
    for each in complaints:
        if each.code in _RULE_CODES and each.path[:2] == ("spec", "rules"):
            found.setdefault(int(each.path[2]), each)
    return found


def _rule_name(route: AuthoredObject, index: int) -> str:
    return str(route.model.spec.rules[index].name or index)
