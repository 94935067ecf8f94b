"""What happens, told to whoever watches: a hub that never waits for a slow reader and costs nothing without readers.

The server reports; `following` reads. A watcher's buffer is bounded: the oldest events go, and the reader is told how
many. A follower has no buffer at all: it is woken and looks at the fleet itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

BUFFERED_EVENTS = 1024
# What is served is different after these; all others are about who has it.
CONTENT_KINDS = frozenset({"revision-published", "endpoints-changed", "store-back"})


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `kind` is one of those in `v1/management.proto`; empty fields do not apply."""

    at_s: float
    kind: str
    group: str = ""
    revision: int = 0
    node: str = ""
    type_url: str = ""
    message: str = ""


class Watcher:
    """One reader's buffer: the newest BUFFERED_EVENTS of one group (empty: of all)."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._events: deque[Event] = deque(maxlen=BUFFERED_EVENTS)
        self._dropped = 0
        self._filled = asyncio.Event()

    def offer(self, event: Event) -> None:
        if self._group and event.group and event.group != self._group:
            return
        self._dropped += len(self._events) == BUFFERED_EVENTS
        self._events.append(event)
        self._filled.set()

    async def read(self) -> AsyncIterator[Event]:
        """Events as they come. After a gap, first one of kind `events-dropped` that says how many are missing."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._events:
                if self._dropped:
                    words = f"{self._dropped} events were dropped: they are not read as fast as they happen"
                    self._dropped = 0
                    yield Event(self._events[0].at_s, "events-dropped", message=words)
                yield self._events.popleft()


class EventHub:
    """Tells watchers of events and wakes followers. For one event loop; nothing here blocks or awaits."""

    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()
        self._followers: dict[str, set[asyncio.Event]] = {}
        self._readers: dict[asyncio.Event, str] = {}

    @property
    def is_watched(self) -> bool:
        """False while nobody reads, so that whoever reports need not make an event."""
        return bool(self._watchers)

    def report(self, event: Event) -> None:
        for watcher in self._watchers:
            watcher.offer(event)
        self.moved(event.group)
        if event.kind in CONTENT_KINDS:
            for reader, group in self._readers.items():
                if event.group in ("", group):
                    reader.set()

    def moved(self, group: str) -> None:
        """Something about a group's nodes or head changed: its followers look again."""
        for follower in self._followers.get(group, ()):
            follower.set()

    @contextmanager
    def watching(self, group: str) -> Iterator[Watcher]:
        watcher = Watcher(group)
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    @contextmanager
    def following(self, group: str) -> Iterator[asyncio.Event]:
        """An asyncio.Event that is set whenever the group moves; the follower clears it."""
        wake = asyncio.Event()
        self._followers.setdefault(group, set()).add(wake)
        try:
            yield wake
        finally:
            self._followers[group].discard(wake)
            if not self._followers[group]:
                del self._followers[group]

    @contextmanager
    def content_following(self, group: str) -> Iterator[asyncio.Event]:
        """As `following`, but an ACK does not wake: only what changes what the group is served."""
        wake = asyncio.Event()
        self._readers[wake] = group
        try:
            yield wake
        finally:
            del self._readers[wake]
