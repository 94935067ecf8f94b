"""What Envoys refused, in the statuses of the Gateways whose listeners they are. Pure: what was refused is given.

Source: Gateway API, "Programmed" of Gateways and listeners, and its reason AddressNotUsable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from snapshots.authoring.gateway.bound import Bind
from snapshots.authoring.gateway.conditions import Condition, ObjectStatus, told
from snapshots.authoring.kinds.gateway import Listener
from snapshots.authoring.objects import AuthoredObject

# How Envoy says that a host does not have an address, or that its port is taken.
_CANNOT_BIND = "cannot bind"


def with_refusals(status: ObjectStatus, refused: Mapping[str, str]) -> ObjectStatus:
    """A Gateway's status with what Envoys say of its listeners; any other as it is.

    `refused`: the names of Envoy listeners that a gateway does not take, with its words.
    """
    subject = status.subject
    if subject.key.kind != "Gateway" or not refused:
        return status
    words = [_words(each, status.status, refused) for each in subject.model.spec.listeners]
    if not any(words):
        return status
    whole = next(each for each in words if each)
    reason = "AddressNotUsable" if _CANNOT_BIND in whole else "Invalid"
    listeners = [
        each | {"conditions": _not_programmed(subject, each["conditions"], "Invalid", text)} if text else each
        for each, text in zip(status.status["listeners"], words, strict=True)
    ]
    found = status.status | {
        "conditions": _not_programmed(subject, status.status["conditions"], reason, whole),
        "listeners": listeners,
    }
    return ObjectStatus(subject, found)


def _words(listener: Listener, status: Mapping[str, Any], refused: Mapping[str, str]) -> str:
    """What is said of a listener at one of its Gateway's addresses; empty: nothing."""
    transport = "udp" if listener.protocol == "UDP" else "tcp"
    names = (Bind(each["value"], listener.port, transport).name for each in status["addresses"])
    return next((refused[name] for name in names if name in refused), "")


def _not_programmed(
    subject: AuthoredObject, conditions: Sequence[dict[str, Any]], reason: str, message: str
) -> list[dict[str, Any]]:
    """What was not programmed before keeps its own reason."""
    (found,) = told(subject, [Condition("Programmed", False, reason, message)])
    return [found if (each["type"], each["status"]) == ("Programmed", "True") else each for each in conditions]
