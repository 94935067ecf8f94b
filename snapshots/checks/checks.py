"""All checks that look at a whole set of resources, in one tuple: what is added here is run everywhere. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from api.errors import Finding
from snapshots.checks.concern import Concern
from snapshots.checks.duplicates import duplicates
from snapshots.checks.references import dangling_references
from snapshots.checks.size import oversized
from snapshots.model import CompiledResource

Check = Callable[[Sequence[CompiledResource]], Iterator[Concern]]

CHECKS: tuple[Check, ...] = (duplicates, oversized, dangling_references)


def concerns(resources: Sequence[CompiledResource]) -> Iterator[Concern]:
    """What every check has to say. `resources` in the order in which "already there" is to be understood."""
    for each in CHECKS:
        yield from each(resources)


def check(resources: Sequence[CompiledResource]) -> tuple[Finding, ...]:
    """The same as findings, each at the first line of the document it is about."""
    return tuple(finding_of(concern) for concern in concerns(resources))


def finding_of(concern: Concern) -> Finding:
    """A finding at the first line of the document that the concern is about."""
    origin = concern.origin
    return Finding(
        code=concern.code,
        message=concern.message,
        path=origin.path,
        line=origin.line,
        column=origin.column,
        resource=f"{origin.kind} {origin.name}",
        suggestion=concern.suggestion,
        severity=concern.severity,
    )
