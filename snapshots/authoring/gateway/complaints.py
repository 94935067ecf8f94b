"""What is wrong with an object beyond its own fields: a code, a place in it, and the standard's word for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from api.errors import Severity
from snapshots.authoring.objects import AuthoredObject
from snapshots.authoring.yaml_nodes import Path


@dataclass(frozen=True, slots=True)
class Beside:
    """Another object's value that has to do with a complaint: where it stands is told too."""

    subject: AuthoredObject
    path: Path


@dataclass(frozen=True, slots=True)
class Complaint:
    """`reason` is Gateway API's (`BackendNotFound`); `path` leads from the document's root to the value."""

    subject: AuthoredObject
    path: Path
    code: str
    reason: str
    message: str
    suggestion: str = ""
    severity: Severity = "error"
    beside: Beside | None = None


@dataclass(slots=True)
class Complaints:
    """All of one translation, in the order in which they were found."""

    found: list[Complaint] = field(default_factory=list)

    def add(self, complaint: Complaint) -> Complaint:
        self.found.append(complaint)
        return complaint
