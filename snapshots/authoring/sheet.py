"""Cells that know what they were made from. Pure; what the cells hold is not known here.

Like a spreadsheet: a column has a function that makes the value of a cell from its key, and from other cells. What it
reads meanwhile is noted, and when something that a cell has read changes, the cell is made anew. A value that came out
equal stops there: who has read it is left alone. A column reads only columns that were there before it, so that each is
settled in one go, and functions must be pure: a value depends on the key and on what is read, and on nothing else.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# A cell that reads: its column and its key.
_Cell = tuple["Made[Any, Any]", Any]
# What a cell has read: a column and a key of it.
_Read = tuple["Column[Any]", Any]
Follower = Callable[[Any, Any, Any], None]


class Sheet:
    """The columns of one workspace, and the cells that are being made."""

    def __init__(self) -> None:
        self._columns: list[Made[Any, Any]] = []
        self._reading: list[dict[_Read, None]] = []

    def add(self, column: Made[Any, Any]) -> int:
        """The rank of a new column."""
        self._columns.append(column)
        return len(self._columns)

    def note(self, column: Column[Any], key: Hashable) -> None:
        """That the cell which is being made, if any, has read this."""
        if self._reading:
            self._reading[-1][column, key] = None

    def made(self, make: Callable[[K], V | None], key: K) -> tuple[V | None, dict[_Read, None]]:
        """A value, and what was read for it."""
        self._reading.append({})
        try:
            value = make(key)
        except BaseException:
            self._reading.pop()
            raise
        return value, self._reading.pop()

    def settle(self) -> None:
        """Make every cell anew that is not what it would be. Cells that nobody reads any more may be left at the end of
        a round, for another."""
        while any(column.stale for column in self._columns):
            for column in self._columns:
                column.settle()


class Column(Generic[K]):
    """Something that can be read by key, and that tells its readers when it changes."""

    rank = 0

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        # One reader stands for itself: most have no other.
        self._readers: dict[K, _Cell | set[_Cell]] = {}

    def note(self, key: K) -> None:
        """That the cell which is being made depends on this key."""
        self._sheet.note(self, key)

    def tell(self, key: K) -> None:
        """Whoever has read this key is to be made anew."""
        readers = self._readers.get(key, ())
        for column, reader in (readers,) if isinstance(readers, tuple) and readers else readers:
            column.stale.add(reader)

    def begin(self, key: K, reader: _Cell) -> None:
        readers = self._readers.setdefault(key, reader)
        if isinstance(readers, set):
            readers.add(reader)
        elif readers != reader:
            self._readers[key] = {readers, reader}

    def end(self, key: K, reader: _Cell) -> None:
        readers = self._readers[key]
        if isinstance(readers, set):
            readers.discard(reader)
            if len(readers) == 1:
                self._readers[key] = readers.pop()
        else:
            del self._readers[key]
            self.unread(key)

    def unread(self, key: K) -> None:
        """Nobody reads this key any more."""


class Given(Column[K], Generic[K, V]):
    """Values that are put in from outside."""

    def __init__(self, sheet: Sheet) -> None:
        super().__init__(sheet)
        self._values: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        self._sheet.note(self, key)
        return self._values.get(key)

    def peek(self, key: K) -> V | None:
        """As `get`, and not noted."""
        return self._values.get(key)

    def put(self, key: K, value: V | None) -> None:
        """None takes it out."""
        before = self._values.get(key)
        if before is value or before == value:
            return
        if value is None:
            del self._values[key]
        else:
            self._values[key] = value
        self.tell(key)

    def become(self, values: dict[K, V]) -> None:
        """All values at once."""
        for key in [each for each in self._values if each not in values]:
            self.put(key, None)
        for key, value in values.items():
            self.put(key, value)


class Made(Column[K], Generic[K, V]):
    """Values that a function makes. None is no value.

    A cell is kept while it is `wanted`, or while somebody reads it; reading one that is not there makes it.
    `followers` are told of every change: (key, before, after).
    """

    def __init__(self, sheet: Sheet, make: Callable[[K], V | None], *followers: Follower) -> None:
        super().__init__(sheet)
        self.rank = sheet.add(self)
        self.stale: set[K] = set()
        self._make = make
        self._followers = list(followers)
        self._values: dict[K, V] = {}
        self._reads: dict[K, tuple[_Read, ...]] = {}
        self._wanted: set[K] = set()

    def get(self, key: K) -> V | None:
        self._sheet.note(self, key)
        if key not in self._reads or key in self.stale:
            self.stale.discard(key)
            self._made(key)
        return self._values.get(key)

    def peek(self, key: K) -> V | None:
        """What the cell came to when it was made last, for who is told of its changes or comes after all cells."""
        return self._values.get(key)

    def items(self) -> Iterable[tuple[K, V]]:
        """All values, in no order of theirs; as `peek`."""
        return self._values.items()

    def follow(self, follower: Follower) -> None:
        """Tell one more of every change."""
        self._followers.append(follower)

    def want(self, key: K) -> None:
        """Have this cell, and have it made anew."""
        self._wanted.add(key)
        self.stale.add(key)

    def unwant(self, key: K) -> None:
        self._wanted.discard(key)
        self.stale.add(key)

    def want_just(self, before: Collection[K], after: Collection[K]) -> None:
        """`after` in place of `before`."""
        for key in before:
            if key not in after:
                self.unwant(key)
        for key in after:
            if key not in before:
                self.want(key)

    def settle(self) -> None:
        while self.stale:
            key = self.stale.pop()
            if key in self._wanted or key in self._readers:
                self._made(key)
            else:
                self._gone(key)

    def unread(self, key: K) -> None:
        if key not in self._wanted:
            self.stale.add(key)

    def _made(self, key: K) -> None:
        value, reads = self._sheet.made(self._make, key)
        cell: _Cell = (self, key)
        before = self._reads.get(key, ())
        for read in before:
            if read not in reads:
                read[0].end(read[1], cell)
        for read in reads:
            assert read[0].rank < self.rank, f"a column reads one that comes after it: {self._make}"
            read[0].begin(read[1], cell)
        self._reads[key] = tuple(reads)
        self._become(key, value)

    def _gone(self, key: K) -> None:
        for column, read in self._reads.pop(key, ()):
            column.end(read, (self, key))
        self._become(key, None)

    def _become(self, key: K, value: V | None) -> None:
        before = self._values.get(key)
        if before is value or before == value:
            return
        if value is None:
            del self._values[key]
        else:
            self._values[key] = value
        self.tell(key)
        for follower in self._followers:
            follower(key, before, value)


class Gathered(Column[K], Generic[K, V]):
    """What many cells give to one key, in an order of its own; followers of columns bring it.

    What is given under one order is one thing, however many give it, and as the last of them gave it.
    """

    def __init__(self, sheet: Sheet) -> None:
        super().__init__(sheet)
        self._items: dict[K, dict[Any, V]] = {}
        # Where there is more than one: the orders as they are sorted, and how many give the same.
        self._orders: dict[K, list[Any]] = {}
        self._counts: dict[tuple[K, Any], int] = {}
        self._driven: Made[K, Any] | None = None

    def drive(self, column: Made[K, Any]) -> None:
        """Have a cell of `column` for each key that anything is given to."""
        self._driven = column

    def get(self, key: K) -> Iterator[tuple[Any, V]]:
        """All that is given to a key, with its order."""
        items = self._items.get(key, {})
        return ((order, items[order]) for order in self.orders(key))

    def orders(self, key: K) -> Sequence[Any]:
        """The orders alone. Not to be kept: it changes."""
        self._sheet.note(self, key)
        return self._orders.get(key) or tuple(self._items.get(key, ()))

    def change(self, before: Iterable[tuple[K, Any, V]], after: Iterable[tuple[K, Any, V]]) -> None:
        """One giver gives `after` in place of `before`: each a key, an order and what is given."""
        for key, order, item in after:  # given before the others are taken: what stays is not told of
            self._give(key, order, item)
        for key, order, _ in before:
            self._take(key, order)

    def _give(self, key: K, order: Any, item: V) -> None:
        items = self._items.setdefault(key, {})
        if not items and self._driven is not None:
            self._driven.want(key)
        if order in items:
            self._counts[key, order] = self._counts.get((key, order), 1) + 1
            if items[order] is item or items[order] == item:
                return
        elif items:
            insort(self._orders.setdefault(key, list(items)), order)
        items[order] = item
        self.tell(key)

    def _take(self, key: K, order: Any) -> None:
        left = self._counts.pop((key, order), 1) - 1
        if left:
            if left > 1:
                self._counts[key, order] = left
            return
        items = self._items[key]
        del items[order]
        if len(items) > 1:
            orders = self._orders[key]
            del orders[bisect_left(orders, order)]
        else:
            self._orders.pop(key, None)
        if not items:
            del self._items[key]
            if self._driven is not None:
                self._driven.unwant(key)
        self.tell(key)
