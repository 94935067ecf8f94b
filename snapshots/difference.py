"""What differs between two sequences of objects, by identity. Pure.

Most of what a publication brings are the very objects that the last one brought. To find the few others takes a
comparison of addresses each, and nothing is looked into.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress, count
from operator import is_not, not_
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Difference(Generic[Item]):
    """In their order."""

    gone: tuple[Item, ...]
    new: tuple[Item, ...]


def difference(before: Sequence[Item], after: Sequence[Item]) -> Difference[Item]:
    """The objects that are in one of the two only. Costs little where both are in the same order."""
    old, new = _differing(before, after) if len(before) == len(after) else _between(before, after)
    return Difference(_without(old, {*map(id, new)}), _without(new, {*map(id, old)}))


def _differing(before: Sequence[Item], after: Sequence[Item]) -> tuple[Sequence[Item], Sequence[Item]]:
    """What stands at places where the two are not the same. They are as long as one another."""
    differs = tuple(map(is_not, before, after))
    return tuple(compress(before, differs)), tuple(compress(after, differs))


def _between(before: Sequence[Item], after: Sequence[Item]) -> tuple[Sequence[Item], Sequence[Item]]:
    """What stands between the first place where the two are not the same and the last."""
    shorter = min(len(before), len(after))
    head = _alike(before, after, shorter)
    tail = _alike(reversed(before), reversed(after), shorter - head)
    return before[head : len(before) - tail], after[head : len(after) - tail]


def _alike(left: Iterable[Item], right: Iterable[Item], most: int) -> int:
    """How many are the same object from the beginning on, `most` at most."""
    return min(next(compress(count(), map(is_not, left, right)), most), most)


def _without(items: Sequence[Item], ids: set[int]) -> tuple[Item, ...]:
    # No loop of our own: there may be very many, and nearly all of them kept.
    return tuple(compress(items, map(not_, map(ids.__contains__, map(id, items)))))
