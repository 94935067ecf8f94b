"""The hub: slow watchers lose the oldest and are told so, followers are woken, and nobody is waited for."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from api.management.events import BUFFERED_EVENTS, Event, EventHub, Watcher


def an_event(number: int = 1, group: str = "edge") -> Event:
    return Event(float(number), "node-acked", group, number)


async def read(watcher: Watcher, count: int) -> list[Event]:
    events: list[Event] = []
    async with asyncio.timeout(60), aclosing(watcher.read()) as stream:  # type: ignore[type-var]
        async for event in stream:
            events.append(event)
            if len(events) == count:
                break
    return events


async def test_a_watcher_reads_its_group_and_what_has_none() -> None:
    hub = EventHub()
    with hub.watching("edge") as edge, hub.watching("") as everything:
        hub.report(an_event(1))
        hub.report(an_event(2, group="other"))
        hub.report(Event(3.0, "store-lost"))

        assert [event.at_s for event in await read(edge, 2)] == [1, 3]
        assert [event.at_s for event in await read(everything, 3)] == [1, 2, 3]


async def test_a_slow_watcher_loses_the_oldest_and_is_told_how_many() -> None:
    hub = EventHub()
    with hub.watching("") as watcher:
        for number in range(BUFFERED_EVENTS + 7):
            hub.report(an_event(number))
        gap, first, *_, last = await read(watcher, BUFFERED_EVENTS + 1)

        assert gap.kind == "events-dropped"
        assert gap.message.startswith("7 events were dropped")
        assert (first.revision, last.revision) == (7, BUFFERED_EVENTS + 6)


async def test_nobody_is_kept_after_the_reading_ends() -> None:
    hub = EventHub()
    with hub.watching("edge"), hub.following("edge"):
        assert hub.is_watched
    assert not hub.is_watched

    hub.report(an_event())  # reaches nobody, and fails for nobody


async def test_a_follower_is_woken_by_its_group_alone() -> None:
    hub = EventHub()
    with hub.following("edge") as edge, hub.following("other") as other:
        hub.moved("edge")

        assert edge.is_set()
        assert not other.is_set()


async def test_who_follows_the_content_is_not_woken_by_those_who_have_it() -> None:
    hub = EventHub()
    with hub.content_following("edge") as moved:
        hub.report(an_event())
        hub.report(Event(1.0, "endpoints-changed", "other"))
        assert not moved.is_set()
        for kind, group in (("revision-published", "edge"), ("endpoints-changed", "edge"), ("store-back", "")):
            hub.report(Event(2.0, kind, group))
            assert moved.is_set()
            moved.clear()
    hub.report(Event(3.0, "endpoints-changed", "edge"))
    assert not moved.is_set()
