"""What differs between two sequences of objects, by identity. Pure.

Most of what a publication brings are the very objects that the last one brought. To find the few others takes a
comparison of addresses each, and nothing is looked into.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress, count
from operator import is_not
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Difference(Generic[Item]):
    """In their order."""

    gone: tuple[Item, ...]
    new: tuple[Item, ...]


def difference(before: Sequence[Item], after: Sequence[Item]) -> Difference[Item]:
    """The objects that are in one of the two only. Costs little where both are in the same order."""
    shorter = min(len(before), len(after))
    head = _alike(before, after, shorter)
    tail = _alike(reversed(before), reversed(after), shorter - head)
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    kept = {*map(id, old)} & {*map(id, new)}
    return Difference(_without(old, kept), _without(new, kept))


def _alike(left: Iterable[Item], right: Iterable[Item], most: int) -> int:
    """How many are the same object from the beginning on, `most` at most."""
    return min(next(compress(count(), map(is_not, left, right)), most), most)


def _without(items: Sequence[Item], kept: set[int]) -> tuple[Item, ...]:
    return tuple(each for each in items if id(each) not in kept)
