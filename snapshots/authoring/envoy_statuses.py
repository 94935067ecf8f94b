"""What an EnvoyResource is told, in the same words as a patch: whether it is sound, and in what is served. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from snapshots.authoring.envelope import API_VERSION, Envelope
from snapshots.authoring.gateway.conditions import Condition, ObjectStatus, told
from snapshots.authoring.objects import AuthoredObject, ObjectKey
from snapshots.checks.concern import Concern


def envoy_status(path: str, envelope: Envelope, wrong: str) -> ObjectStatus:
    """Of one document of the file `path`. `wrong`: what keeps it from being served; empty: nothing."""
    key = ObjectKey(envelope.kind, "", envelope.name)
    return _told(AuthoredObject(key, API_VERSION, None, path, envelope.place), wrong)


def with_concerns(statuses: Sequence[ObjectStatus], concerns: Iterable[Concern]) -> Sequence[ObjectStatus]:
    """`statuses` with what the checks of the whole have found wrong."""
    wrong: Mapping[tuple[str, int], str] = {
        (each.origin.path, each.origin.line): each.message for each in concerns if each.severity == "error"
    }
    return [_refused(each, wrong) for each in statuses] if wrong else statuses


def _refused(status: ObjectStatus, wrong: Mapping[tuple[str, int], str]) -> ObjectStatus:
    why = wrong.get((status.subject.path, status.subject.place.line))
    return status if why is None else _told(status.subject, why)


def _told(subject: AuthoredObject, wrong: str) -> ObjectStatus:
    conditions = [
        Condition(each, not wrong, "Invalid" if wrong else each, wrong) for each in ("Accepted", "Programmed")
    ]
    return ObjectStatus(subject, {"conditions": told(subject, conditions)})
