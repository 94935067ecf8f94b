"""A few timers of the event loop by name: setting one again moves it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import isfinite


class Timers:
    """Within a running event loop."""

    def __init__(self) -> None:
        self._handles: dict[str, asyncio.TimerHandle] = {}

    @property
    def now_s(self) -> float:
        """The clock that they go by; it never goes back."""
        return asyncio.get_running_loop().time()

    def put(self, name: str, at_s: float | None, action: Callable[[], None]) -> None:
        """Call `action` then; None and infinity: not at all."""
        before = self._handles.pop(name, None)
        if before is not None:
            before.cancel()
        if at_s is not None and isfinite(at_s):
            self._handles[name] = asyncio.get_running_loop().call_at(at_s, action)
