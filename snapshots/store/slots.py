"""What one watcher has not seen yet, in memory: the newest of each key and nothing older."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Slots(Generic[Key, Value]):
    """Latest wins: never more than there are keys."""

    def __init__(self) -> None:
        self._waiting: dict[Key, Value] = {}
        self._filled = asyncio.Event()

    def put(self, key: Key, value: Value) -> None:
        self._waiting[key] = value
        self._filled.set()

    async def take(self) -> tuple[Value, ...]:
        await self._filled.wait()
        self._filled.clear()
        taken, self._waiting = tuple(self._waiting.values()), {}
        return taken
