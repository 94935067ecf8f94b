"""Which files of a directory of generations are surplus. No I/O here."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from agents.node.generations.file_names import FileName
from agents.node.generations.generation import State

REJECTED_KEPT = 1  # for people to look at
DAMAGED_KEPT = 2


def surplus_good(names: Sequence[FileName], valid: Collection[FileName], keep: int) -> Iterator[FileName]:
    """Good ones beyond the newest `keep`. Those that are `valid` and those that are not are counted apart: what cannot
    be used now takes nobody's place."""
    good = _of(names, "good")
    yield from [name for name in good if name in valid][keep:]
    yield from [name for name in good if name not in valid][keep:]


def surplus_others(names: Sequence[FileName]) -> Iterator[FileName]:
    """Candidates but the newest, and what is kept for people beyond a few."""
    yield from _of(names, "candidate")[1:]
    yield from _of(names, "rejected")[REJECTED_KEPT:]
    yield from _of(names, "damaged")[DAMAGED_KEPT:]


def _of(names: Sequence[FileName], state: State) -> list[FileName]:
    """The newest first."""
    return sorted((name for name in names if name.state == state), reverse=True)
