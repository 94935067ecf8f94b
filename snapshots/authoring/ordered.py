"""Values in an order of their own, of which few change at a time. No more than a table that stays sorted."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, Generic, TypeVar

V = TypeVar("V")

# For so many at once it is cheaper to sort than to find the place of each.
_MANY = 200


class Ordered(Generic[V]):
    """By an order, which no two have in common."""

    def __init__(self) -> None:
        self._values: dict[Any, V] = {}
        self._changed: dict[Any, None] = {}
        # As of the last time that all were asked for: the orders, and beside each its value.
        self._orders: list[Any] = []
        self._sorted: list[V] = []
        self._all: tuple[V, ...] = ()

    def get(self, order: Any) -> V | None:
        return self._values.get(order)

    def put(self, order: Any, value: V | None) -> None:
        """None takes it out."""
        if self._values.get(order) is value:
            return
        self._changed[order] = None
        if value is None:
            del self._values[order]
        else:
            self._values[order] = value

    def all(self) -> tuple[V, ...]:
        """All values in order: the same tuple while nothing changes."""
        if self._changed:
            self._settle()
            self._all = tuple(self._sorted)
        return self._all

    def _settle(self) -> None:
        if len(self._changed) > _MANY:
            self._orders = sorted(self._values)
            self._sorted = [self._values[order] for order in self._orders]
        else:
            for order in self._changed:
                self._place(order)
        self._changed.clear()

    def _place(self, order: Any) -> None:
        index = bisect_left(self._orders, order)
        is_there = index < len(self._orders) and self._orders[index] == order
        if is_there:
            del self._orders[index], self._sorted[index]
        if order in self._values:
            self._orders.insert(index, order)
            self._sorted.insert(index, self._values[order])
