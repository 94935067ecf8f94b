"""The process's signals as events: SIGTERM and SIGINT ask it to end, a second one not to wait, SIGHUP to read again."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_ENDING = (signal.SIGTERM, signal.SIGINT)


@dataclass(slots=True)
class Signals:
    """`stop` is set by the first request to end, `hurry` by the second, `reload` by each SIGHUP."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    reload: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self) -> None:
        (self.hurry if self.stop.is_set() else self.stop).set()


@contextmanager
def listening() -> Iterator[Signals]:
    """Take the signals within the block. On the main thread, in the event loop."""
    loop, signals = asyncio.get_running_loop(), Signals()
    for number in _ENDING:
        loop.add_signal_handler(number, signals.end)
    loop.add_signal_handler(signal.SIGHUP, signals.reload.set)
    try:
        yield signals
    finally:
        for number in (*_ENDING, signal.SIGHUP):
            loop.remove_signal_handler(number)
