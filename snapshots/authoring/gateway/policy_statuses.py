"""What each BackendTLSPolicy is told, once for every Gateway whose routes lead to its targets. Pure.

Source: Gateway API, PolicyAncestorStatus, and the conditions and reasons of BackendTLSPolicy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from snapshots.authoring.gateway.attachments import Attachment
from snapshots.authoring.gateway.backend_tls import BackendTls
from snapshots.authoring.gateway.conditions import Condition, ObjectStatus, told
from snapshots.authoring.gateway.world import CONTROLLER_NAME
from snapshots.authoring.kinds.model import GATEWAY_GROUP
from snapshots.authoring.objects import ObjectKey

ANCESTOR_LIMIT = 16  # of the standard's


def policy_statuses(
    policies: Sequence[BackendTls], users: Mapping[ObjectKey, Iterable[ObjectKey]], attached: Sequence[Attachment]
) -> Iterator[ObjectStatus]:
    """`users`: the routes that lead to a policy's targets, by the policy's key."""
    gateways: dict[ObjectKey, set[tuple[str, str]]] = {}
    for attachment in attached:
        of_route = gateways.setdefault(attachment.route.key, set())
        of_route |= {(each.gateway.namespace, each.gateway.name) for each, _ in attachment.accepted}
    for each in policies:
        routes = users.get(each.policy.key, ())
        ancestors = sorted({gateway for route in routes for gateway in gateways.get(route, ())})
        told_each = [_ancestor(each, *gateway) for gateway in ancestors[:ANCESTOR_LIMIT]]
        yield ObjectStatus(each.policy, {"ancestors": told_each})


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
