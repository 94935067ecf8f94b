"""Bounds how often one thing is told, and holds up no other. Time is given; whoever has a clock drives it."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Coalescer(Generic[Key, Value]):
    """By key: the first value goes at once, more of them at most every `interval_s`, and the last one always."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._rests_until_s: dict[Key, float] = {}  # soonest first, since the interval is the same for all
        self._held: dict[Key, Value] = {}

    @property
    def wake_at_s(self) -> float | None:
        """When to call `due`: to let go of what is held, and to forget what rested long enough."""
        return next(iter(self._rests_until_s.values()), None)

    def holds(self, key: Key) -> bool:
        """Whether a value waits, which the next one would take the place of."""
        return key in self._held

    def offer(self, key: Key, value: Value, now_s: float) -> bool:
        """Whether `value` goes now. If not, it is held, and what was held before it is never told."""
        if self._rests_until_s.get(key, now_s) > now_s:
            self._held[key] = value
            return False
        self._held.pop(key, None)
        self._rest(key, now_s)
        return True

    def due(self, now_s: float) -> list[Value]:
        """What was held and goes now. O(what rested long enough)."""
        going: list[Value] = []
        while self._rests_until_s:
            key, until_s = next(iter(self._rests_until_s.items()))
            if until_s > now_s:
                break
            del self._rests_until_s[key]
            if key in self._held:
                going.append(self._held.pop(key))
                self._rest(key, now_s)
        return going

    def _rest(self, key: Key, now_s: float) -> None:
        self._rests_until_s.pop(key, None)
        self._rests_until_s[key] = now_s + self._interval_s
