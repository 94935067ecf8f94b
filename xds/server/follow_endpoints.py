"""Gives the catalogues the endpoint sets of the store, for as long as it runs.

The first change of a set is served at once and more of them at most every INTERVAL_S, so that a storm becomes a few
pushes; the last one is always served, and a storm on one set delays no other. No group is served before the sets are
known (`known`): an endpoint that was drained must not come back for a moment when a server starts anew. When the store
goes away, what is known stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from api.errors import FairleadError, StoreUnavailable
from api.hosting.retrying import retry_delays
from snapshots.store.endpoint_sets import EndpointSet, EndpointStore
from xds.protocol.resource import Resource
from xds.protocol.types import ENDPOINT, GroupName
from xds.server.coalescing import Coalescer
from xds.server.observer import ServerObserver
from xds.transport.catalogues import Catalogues

INTERVAL_S = 0.1

_Key = tuple[GroupName, str]


class EndpointFollower:
    """Follows one store. `run` it in a task group; `known` is set once, when the first sets are in their places."""

    def __init__(
        self, store: EndpointStore, catalogues: Catalogues, observer: ServerObserver, interval_s: float = INTERVAL_S
    ) -> None:
        self.known = asyncio.Event()
        self._store = store
        self._catalogues = catalogues
        self._observer = observer
        self._standing: dict[_Key, EndpointSet] = {}
        self._coalescer = Coalescer[_Key, EndpointSet](interval_s)
        self._offered = asyncio.Event()
        self._is_lost = False

    async def run(self) -> None:
        """Follow until cancelled. Raises Denied when the store refuses this server before anything is known."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._let_go())
            await self._follow()

    async def _follow(self) -> None:
        delays = retry_delays()
        while True:
            try:
                is_whole = True  # a watch begins with all that stands, also when it begins anew
                async for batch in self._store.watch_endpoint_sets():
                    self._take([*self._gone(batch), *batch] if is_whole else batch)
                    is_whole, self._is_lost, delays = False, False, retry_delays()
                    self.known.set()
            except StoreUnavailable as error:
                self._tell_lost(error.message)
            except FairleadError as error:
                if not self.known.is_set():
                    raise
                self._tell_lost(error.message)
            await asyncio.sleep(next(delays))

    def _tell_lost(self, reason: str) -> None:
        """Once for each time that it is lost."""
        if not self._is_lost:
            self._observer.endpoint_sets_lost(reason)
        self._is_lost = True

    def _gone(self, standing: Iterable[EndpointSet]) -> list[EndpointSet]:
        """What stood here and was cleared while nobody told."""
        gone = self._standing.keys() - {(each.group, each.name) for each in standing}
        return [EndpointSet(*key, self._standing[key].version, b"") for key in sorted(gone)]

    def _take(self, sets: Iterable[EndpointSet]) -> None:
        going, now_s = [], _now_s()
        for each in sets:
            key = (each.group, each.name)
            self._stand(key, each)
            if self._coalescer.holds(key):
                self._observer.endpoints_coalesced(each.group)
            if self._coalescer.offer(key, each, now_s):
                going.append(each)
        self._serve(going)
        self._offered.set()

    def _stand(self, key: _Key, newest: EndpointSet) -> None:
        self._standing.pop(key, None)
        if not newest.cleared:
            self._standing[key] = newest

    async def _let_go(self) -> None:
        """Serve what is held when its time comes."""
        while True:
            await self._offered.wait()
            self._offered.clear()
            while (wake_at_s := self._coalescer.wake_at_s) is not None:
                await asyncio.sleep(wake_at_s - _now_s())
                self._serve(self._coalescer.due(_now_s()))

    def _serve(self, sets: Iterable[EndpointSet]) -> None:
        by_group: dict[GroupName, dict[str, EndpointSet]] = {}
        for each in sets:
            by_group.setdefault(each.group, {})[each.name] = each
        for group, named in by_group.items():
            changed = self._catalogues.set_endpoints(group, ((name, _resource(each)) for name, each in named.items()))
            self._observer.endpoints_moved(group, tuple(named.values()), changed, self._catalogues.streams(group))


def _resource(endpoint_set: EndpointSet) -> Resource | None:
    return None if endpoint_set.cleared else Resource.of(ENDPOINT, endpoint_set.name, endpoint_set.body)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
