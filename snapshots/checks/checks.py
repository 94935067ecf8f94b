"""All checks that look at a whole set of resources, in one tuple: what is added here is run everywhere. Pure.

A check is told what changes in the set, and remembers what it needs: what did not change is not looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from api.errors import Finding
from snapshots.checks.concern import Concern, Order, by_place
from snapshots.checks.duplicates import Duplicates
from snapshots.checks.references import DanglingReferences
from snapshots.checks.size import Oversized
from snapshots.model import CompiledResource


class Check(Protocol):
    """One check of one set."""

    def change(self, gone: Iterable[CompiledResource], new: Iterable[CompiledResource]) -> None:
        """The set is without `gone`, the very objects that came before, and has `new`."""

    def concerns(self) -> Iterator[Concern]:
        """What there is to say of the set as it is, whatever it was before."""


CHECKS: tuple[Callable[[Order], Check], ...] = (Duplicates, Oversized, DanglingReferences)


class Checked:
    """All checks of one set of resources. `order`: which of two was there before the other."""

    def __init__(self, order: Order = by_place) -> None:
        self._checks = [each(order) for each in CHECKS]

    def change(self, gone: Iterable[CompiledResource], new: Iterable[CompiledResource]) -> None:
        """The set is without `gone`, the very objects that came before, and has `new`."""
        without, added = tuple(gone), tuple(new)
        for each in self._checks:
            each.change(without, added)

    def concerns(self) -> Iterator[Concern]:
        """What every check has to say."""
        for each in self._checks:
            yield from each.concerns()


def check(resources: Iterable[CompiledResource]) -> tuple[Finding, ...]:
    """What every check has to say of a set, each at the first line of the document it is about."""
    checked = Checked()
    checked.change((), resources)
    return tuple(finding_of(concern) for concern in checked.concerns())


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
