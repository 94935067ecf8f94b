"""Streams that go on: a revision's way to the nodes' ACKs, and everything that happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from api.errors import StoreUnavailable
from api.management.backend import Backend
from api.management.conversion import rejection_message, timestamp
from api.management.events import Event
from api.management.reading import find_revision
from api.management.v1 import management_pb2 as pb

# Thousands of ACKs in a moment are one message, not thousands.
PACE_S = 0.05
REJECTIONS_LIMIT = 100


class Following:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def revision(self, request: pb.FollowRevisionRequest) -> AsyncIterator[pb.Progress]:
        """The progress now, then each change of it, until every connected node has answered or a newer one took over.

        It is about this server's nodes, and about those connected at the time: a node that comes later is waited for,
        one that leaves is not. Raises NotFound for a revision that does not exist, StoreUnavailable when this server is
        going away.
        """
        revision = await find_revision(self._backend.store, request.group, request.revision)
        with self._backend.hub.following(revision.group) as moved:
            before: pb.Progress | None = None
            while True:
                moved.clear()
                if self._backend.facts.leaving():
                    raise StoreUnavailable("this server is going away; ask the one that takes over, or this one again")
                now = self._progress(revision.group, revision.number)
                if now != before:
                    yield now
                if now.done:
                    return
                before = now
                await moved.wait()
                await asyncio.sleep(PACE_S)

    def _progress(self, group: str, number: int) -> pb.Progress:
        fleet = self._backend.fleet
        state = fleet.progress(group, number)
        rejections = [one for one in fleet.rejections(group) if one.revision >= number] if state.rejected else []
        superseded_by = state.head if state.head > number else 0
        # Before this server itself has come to the revision, nobody can have it: that is not done but not begun.
        done = bool(superseded_by) or (state.head == number and state.waiting == 0)
        return pb.Progress(
            revision=number,
            nodes_total=state.total,
            nodes_acked=state.acked,
            nodes_rejected=state.rejected,
            rejections=map(rejection_message, rejections[:REJECTIONS_LIMIT]),
            superseded_by=superseded_by,
            done=done,
        )

    async def events(self, request: pb.WatchEventsRequest) -> AsyncIterator[pb.Event]:
        """Everything from now on; a reader that is too slow is told how many it missed."""
        with self._backend.hub.watching(request.group) as watcher:
            async for event in watcher.read():
                yield event_message(event)


def event_message(event: Event) -> pb.Event:
    return pb.Event(
        time=timestamp(event.at_s),
        kind=event.kind,
        group=event.group,
        revision=event.revision,
        node=event.node,
        type_url=event.type_url,
        message=event.message,
    )
