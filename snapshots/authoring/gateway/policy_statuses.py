"""What each BackendTLSPolicy is told, once for every Gateway whose routes lead to its targets. Pure.

Source: Gateway API, PolicyAncestorStatus, and the conditions and reasons of BackendTLSPolicy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from snapshots.authoring.gateway.backend_tls import BackendTls
from snapshots.authoring.gateway.conditions import Condition, told
from snapshots.authoring.gateway.world import CONTROLLER_NAME
from snapshots.authoring.kinds.model import GATEWAY_GROUP

ANCESTOR_LIMIT = 16  # of the standard's


def policy_status(tls: BackendTls, gateways: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """`gateways`: namespace and name of those whose routes lead to the policy's targets, in order."""
    return {"ancestors": [_ancestor(tls, *gateway) for gateway in gateways[:ANCESTOR_LIMIT]]}


def _ancestor(tls: BackendTls, namespace: str, name: str) -> dict[str, Any]:
    return {
        "ancestorRef": {"group": GATEWAY_GROUP, "kind": "Gateway", "namespace": namespace, "name": name},
        "controllerName": CONTROLLER_NAME,
        "conditions": told(tls.policy, [_accepted(tls), _resolved(tls)]),
    }


def _accepted(tls: BackendTls) -> Condition:
    lost = "; ".join(each.message for each in tls.conflicts)
    if tls.conflicts and len(tls.conflicts) == tls.targets:
        return Condition("Accepted", False, "Conflicted", lost)
    if tls.invalid is not None:
        reason = "NoValidCACertificate" if tls.unresolved is not None else tls.invalid.reason
        return Condition("Accepted", False, reason, tls.invalid.message)
    # Without effect at some of its targets, but not at all: it is accepted, and says where it is not.
    return Condition("Accepted", True, "Accepted", lost)


def _resolved(tls: BackendTls) -> Condition:
    if tls.unresolved is not None:
        return Condition("ResolvedRefs", False, tls.unresolved.reason, tls.unresolved.message)
    return Condition("ResolvedRefs", True, "ResolvedRefs")
