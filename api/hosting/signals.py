"""The process's signals as events: SIGTERM and SIGINT ask it to end, a second one not to wait, SIGHUP to read again.

SIGUSR1 asks whoever can do that to go and leave what it runs to the next of its kind.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_ENDING = (signal.SIGTERM, signal.SIGINT)


@dataclass(slots=True)
class Signals:
    """`stop` is set by the first request to end, `hurry` by the second, `reload` by each SIGHUP, `leave` by SIGUSR1."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    reload: asyncio.Event = field(default_factory=asyncio.Event)
    leave: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self) -> None:
        (self.hurry if self.stop.is_set() else self.stop).set()


@contextmanager
def listening(*, may_leave: bool = False) -> Iterator[Signals]:
    """Take the signals within the block, SIGUSR1 only where asked. On the main thread, in the event loop."""
    loop, signals = asyncio.get_running_loop(), Signals()
    taken: dict[int, Callable[[], None]] = dict.fromkeys(_ENDING, signals.end)
    taken[signal.SIGHUP] = signals.reload.set
    if may_leave:
        taken[signal.SIGUSR1] = signals.leave.set
    for number, action in taken.items():
        loop.add_signal_handler(number, action)
    try:
        yield signals
    finally:
        for number in taken:
            loop.remove_signal_handler(number)
