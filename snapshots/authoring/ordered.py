"""Values in an order of their own, of which few change at a time. No more than a table that stays sorted."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Any, Generic, TypeVar

V = TypeVar("V")

# For so many new ones at once it is cheaper to sort than to find the place of each.
_MANY = 200


class Ordered(Generic[V]):
    """By an order, which no two have in common."""

    def __init__(self) -> None:
        self._orders: list[Any] = []
        self._values: dict[Any, V] = {}
        self._new: list[Any] = []
        self._all: tuple[V, ...] | None = ()

    def get(self, order: Any) -> V | None:
        return self._values.get(order)

    def put(self, order: Any, value: V | None) -> None:
        """None takes it out."""
        before = self._values.get(order)
        if before is value:
            return
        self._all = None
        if value is None:
            self._settle()
            del self._values[order], self._orders[bisect_left(self._orders, order)]
            return
        if before is None:
            self._new.append(order)
        self._values[order] = value

    def all(self) -> tuple[V, ...]:
        """All values in order: the same tuple while nothing changes."""
        if self._all is None:
            self._settle()
            values = self._values
            self._all = tuple([values[order] for order in self._orders])
        return self._all

    def _settle(self) -> None:
        if len(self._new) > _MANY:
            self._orders = sorted([*self._orders, *self._new])
        else:
            for order in self._new:
                insort(self._orders, order)
        self._new = []
