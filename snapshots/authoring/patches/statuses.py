"""What a patch is told: whether it could be understood, and whether it is in what is served. Pure.

Source: Gateway API, GEP-713, for the condition Accepted and its reasons; Programmed is that of Gateways.
"""

from __future__ import annotations

from collections.abc import Mapping

from snapshots.authoring.gateway.complaints import Complaint
from snapshots.authoring.gateway.conditions import Condition, ObjectStatus, told
from snapshots.authoring.objects import AuthoredObject
from snapshots.codes import (
    PATCH_IDLE,
    PATCH_NOT_PERMITTED,
    PATCH_PART_UNKNOWN,
    PATCH_PATH_MISSING,
    PATCH_TARGET_MISSING,
    PATCH_TEST_FAILED,
)

# What keeps a patch from being tried at all.
_NOT_ACCEPTED: Mapping[str, str] = {
    PATCH_TARGET_MISSING: "TargetNotFound",
    PATCH_PART_UNKNOWN: "PartNotFound",
    PATCH_NOT_PERMITTED: "NotPermitted",
}
# What else keeps it from being served; all other codes: what it makes is not valid.
_NOT_PROGRAMMED: Mapping[str, str] = {
    PATCH_PATH_MISSING: "PathNotFound",
    PATCH_TEST_FAILED: "TestFailed",
    PATCH_IDLE: "NothingToPatch",
}


def patch_status(patch: AuthoredObject, wrong: Complaint | None) -> ObjectStatus:
    """`wrong`: what keeps it back, if anything does."""
    accepted, programmed = Condition("Accepted", True, "Accepted"), Condition("Programmed", True, "Programmed")
    if wrong is not None:
        reason = _NOT_ACCEPTED.get(wrong.code)
        if reason is not None:
            accepted = Condition("Accepted", False, reason, wrong.message)
        why = "Invalid" if reason is not None else _NOT_PROGRAMMED.get(wrong.code, "Invalid")
        programmed = Condition("Programmed", False, why, wrong.message)
    return ObjectStatus(patch, {"conditions": told(patch, [accepted, programmed])})
