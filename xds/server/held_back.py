"""Files of a followed directory that are wrong, held back as they were: they keep nothing else from being served.
No I/O here.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass

from api.errors import Finding
from api.hosting.words import few_of
from snapshots.model import Document


@dataclass(frozen=True, slots=True)
class HeldBack:
    """What to publish instead: `documents`, with the files of `as_before` as they were when they were last right, and
    those of `left_out` as they are, which never were: a partial publication takes of them what it can."""

    documents: tuple[Document, ...]
    as_before: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def right(self) -> tuple[Document, ...]:
        """Without those that never were right."""
        return tuple(each for each in self.documents if each.path not in self.left_out)

    def __str__(self) -> str:
        parts = []
        if self.as_before:
            parts.append(f"{few_of(self.as_before)} as before")
        if self.left_out:
            parts.append(f"what is wrong in {few_of(self.left_out)} left out")
        return ", ".join(parts)


def held_back(documents: Iterable[Document], right: Iterable[Document], wrong: Set[str]) -> HeldBack:
    """`documents` are the files as they are (those that cannot be read are missing), `right` those last published,
    `wrong` the paths of those that are held back."""
    now = {each.path: each for each in documents}
    before = {each.path: each for each in right if each.path in wrong}
    wanted = now | before
    return HeldBack(
        tuple(wanted[path] for path in sorted(wanted)),
        tuple(sorted(before)),
        tuple(sorted(path for path in wrong if path in now and path not in before)),
    )


def wrong_paths(findings: Iterable[Finding]) -> frozenset[str]:
    """The files that errors are in. Empty when an error is in none of them: nothing can be held back then."""
    errors = [each for each in findings if each.severity == "error"]
    return frozenset(each.path for each in errors) if all(each.path for each in errors) else frozenset()
