"""Which of several routes can never be asked, because one before it takes every request that it asks for. Pure.

Only what can be proved is said: the same demands, or a path that takes in the other's and no condition that the other
has not. A list of 10,000 costs about 10,000 look-ups: routes are found by path, then by one of their conditions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

# How a path is compared. `segments`: whole elements of it, so that /a takes /a and /a/b. `other`: in a way of which
# nothing is known but that the same text means the same.
PathKind = Literal["exact", "segments", "prefix", "regex", "other"]
Condition = tuple[str, ...]
# Beyond this only equal demands are found: no list may cost the square of its length.
COMPARISONS_LIMIT = 1_000_000
# Expressions that take every path, or every one that begins with a slash, as all do but that of `OPTIONS *`.
_EVERY_PATH = frozenset({".*", "^.*", ".*$", "^.*$"})
_EVERY_ABSOLUTE_PATH = frozenset({"/.*", "^/.*", "/.*$", "^/.*$"})
# Plain text at the beginning of an expression, and what would make its last character optional.
_PLAIN = re.compile(r"\^?([A-Za-z0-9/_~-]*)([*?{]?)")


class Demand(NamedTuple):
    """What a request must be like: its path, and every one of `conditions`, which are only ever compared."""

    kind: PathKind
    path: str
    conditions: frozenset[Condition] = frozenset()
    ignores_case: bool = False


def shadowed(demands: Iterable[Demand]) -> Iterator[tuple[int, int]]:
    """(number of a route that is never asked, number of the first before it that takes all of its requests)."""
    taken = _Taken()
    for number, demand in enumerate(demands):
        before = taken.by(demand)
        if before is None:
            taken.add(number, demand)
        else:
            yield number, before


def takes_every_path(demand: Demand) -> bool:
    """Whether it is an expression that goes before path prefixes and takes them all in."""
    return demand.kind == "regex" and demand.path in _EVERY_PATH | _EVERY_ABSOLUTE_PATH


_Key = tuple[str, str, bool]


class _Taken:
    """The demands so far that nothing before them takes in."""

    def __init__(self) -> None:
        self._equal: dict[Demand, int] = {}
        self._by_path: dict[_Key, _Holders] = {}
        self._prefix_lengths: set[int] = set()
        self._budget = COMPARISONS_LIMIT

    def add(self, number: int, demand: Demand) -> None:
        path = demand.path.lower() if demand.ignores_case else demand.path
        self._equal[demand] = number
        if demand.kind == "prefix":
            self._prefix_lengths.add(len(path))
        self._by_path.setdefault((demand.kind, path, demand.ignores_case), _Holders()).add(number, demand.conditions)

    def by(self, demand: Demand) -> int | None:
        """The first that takes in `demand`."""
        equal = self._equal.get(demand)
        if equal is not None or self._budget <= 0:
            return equal
        self._budget -= len(self._prefix_lengths)
        found = [number for holders in self._holders(demand) for number in self._in(holders, demand.conditions)]
        return min(found, default=None)

    def _holders(self, demand: Demand) -> Iterator[_Holders]:
        for ignores_case in (True,) if demand.ignores_case else (False, True):
            path = demand.path.lower() if ignores_case and demand.kind != "regex" else demand.path
            for kind, each in self._keys_above(demand.kind, path, ignores_case):
                holders = self._by_path.get((kind, each, ignores_case))
                if holders is not None:
                    yield holders

    def _keys_above(self, kind: PathKind, path: str, ignores_case: bool) -> Iterator[tuple[str, str]]:
        """Every kind and path that takes in `path`, as far as demands before it have such."""
        yield kind, path
        if kind == "other":
            return
        yield from (("regex", each) for each in _EVERY_PATH)
        begin = path
        if kind == "regex":
            begin = _literal(path).lower() if ignores_case else _literal(path)
        if begin.startswith("/"):
            yield from (("regex", each) for each in _EVERY_ABSOLUTE_PATH)
        whole = kind in ("exact", "segments")
        yield from (("segments", each) for each in _elements_above(begin, whole))
        yield from (("prefix", begin[:length]) for length in self._prefix_lengths if length <= len(begin))

    def _in(self, holders: _Holders, conditions: frozenset[Condition]) -> Iterator[int]:
        for number, needed in holders.likely(conditions):
            self._budget -= 1
            if needed <= conditions:
                yield number


class _Holders:
    """Demands of one path: those without a condition, the others by one of theirs that few have."""

    def __init__(self) -> None:
        self._free: list[int] = []
        self._by_condition: dict[Condition, list[tuple[int, frozenset[Condition]]]] = {}

    def add(self, number: int, conditions: frozenset[Condition]) -> None:
        if not conditions:
            self._free.append(number)
            return
        rare = min(sorted(conditions), key=lambda each: len(self._by_condition.get(each, ())))
        self._by_condition.setdefault(rare, []).append((number, conditions))

    def likely(self, conditions: frozenset[Condition]) -> Iterator[tuple[int, frozenset[Condition]]]:
        """Those that may ask for no more than `conditions`."""
        yield from ((number, frozenset()) for number in self._free)
        for each in sorted(conditions):
            yield from self._by_condition.get(each, ())


def _elements_above(path: str, whole: bool) -> Iterator[str]:
    """`/a/b` and `/a` for `/a/b`; without `/a/b` where more characters may follow it at once."""
    if whole:
        yield path
    end = path.rfind("/")
    while end > 0:
        yield path[:end]
        end = path.rfind("/", 0, end)


def _literal(expression: str) -> str:
    """What every path begins with that an expression takes; empty where that cannot be told at a glance."""
    if "|" in expression:
        return ""
    found = _PLAIN.match(expression)
    assert found is not None  # it takes the empty text too
    text, optional = found.groups()
    return text[:-1] if optional else text
