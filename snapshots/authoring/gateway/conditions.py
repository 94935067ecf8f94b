"""Conditions, in the standard's own form without times. Pure.  Gateway API: metav1.Condition."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from snapshots.authoring.objects import AuthoredObject


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


def told(subject: AuthoredObject, conditions: Iterable[Condition]) -> list[dict[str, Any]]:
    """As JSON has it, of the generation that was read."""
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
