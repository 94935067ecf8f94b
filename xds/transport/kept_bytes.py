"""Bytes that were made once and may be wanted again, up to a limit."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable


class KeptBytes:
    """By key; the least recently used go when all together exceed `limit_bytes`."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        self.size_bytes = 0

    def get(self, key: Hashable) -> bytes | None:
        """What is kept under `key`, if anything."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, key: Hashable, value: bytes) -> None:
        """Keep `value`, unless it alone is more than the limit."""
        self.size_bytes += len(value) - len(self._kept.pop(key, b""))
        self._kept[key] = value
        while self.size_bytes > self._limit_bytes:
            _, dropped = self._kept.popitem(last=False)
            self.size_bytes -= len(dropped)
