"""Keeps the catalogues at the heads of the store, for as long as it runs.

The first load of a group is its snapshot; after that only what changed is read. When the store stops answering, what
is loaded stays served and the loss is told; when one group cannot be read, the others go on. A server is ready when
every group that existed at its start is loaded (protocol.md, rule 33), and stays ready from then on.
"""

from __future__ import annotations

import asyncio

from api.errors import FairleadError, NotFound, StoreUnavailable
from api.hosting.retrying import RETRY_LONGEST_S, retry_delays
from snapshots.store.protocol import Revision, SnapshotStore
from xds.fleet import Fleet
from xds.protocol.types import GroupName
from xds.server.observer import ServerObserver
from xds.transport.catalogues import Catalogues

PROBE_S = 2.0


class Follower:
    """Follows one store. `run` it in a task group; `ready` is set once. `heads` has the record of what is served.

    `endpoints_known`: no group is loaded before it is set.
    """

    def __init__(
        self,
        store: SnapshotStore,
        catalogues: Catalogues,
        fleet: Fleet,
        observer: ServerObserver,
        endpoints_known: asyncio.Event | None = None,
    ) -> None:
        self.ready = asyncio.Event()
        self.heads: dict[GroupName, Revision] = {}
        self._store = store
        self._catalogues = catalogues
        self._fleet = fleet
        self._observer = observer
        self._endpoints_known = endpoints_known
        self._expected: frozenset[GroupName] | None = None
        self._lost_reason = ""
        self._refused_until_s = 0.0
        self._retries: dict[GroupName, asyncio.Task[None]] = {}

    @property
    def not_ready_reason(self) -> str:
        """Why `ready` is not set; empty when it is."""
        if self.ready.is_set():
            return ""
        if self._expected is None:
            return f"the store has not answered yet: {self._lost_reason}".rstrip(": ")
        if self._endpoints_known is not None and not self._endpoints_known.is_set():
            return "endpoint sets are still loading"
        return f"groups are still loading: {', '.join(sorted(self._missing()))}"

    @property
    def store_lost(self) -> str:
        """Why the store does not answer now; empty while it does."""
        return self._lost_reason

    async def run(self) -> None:
        """Follow until cancelled. Raises Denied when the store refuses this server before it was ever ready."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._probe())
            await self._follow(tasks)

    async def _follow(self, tasks: asyncio.TaskGroup) -> None:
        delays = retry_delays()
        while True:
            try:
                if self._expected is None:
                    self._expected = frozenset(await self._store.groups())
                    await self._wait_for_endpoints()
                    self._check_ready()
                async for revision in self._store.watch():
                    self._tell_back()
                    delays = retry_delays()
                    await self._take(revision, tasks)
            except StoreUnavailable as error:
                self._tell_lost(error.message)
            except FairleadError as error:
                # At the start, whoever starts a server should hear that it is refused; later it serves what it has.
                if not self.ready.is_set():
                    raise
                self._refused_until_s = _now_s() + 2 * RETRY_LONGEST_S
                self._tell_lost(error.message)
            await asyncio.sleep(next(delays))

    async def _wait_for_endpoints(self) -> None:
        if self._endpoints_known is not None:
            await self._endpoints_known.wait()

    async def _take(self, revision: Revision, tasks: asyncio.TaskGroup) -> None:
        """Serve a head. A group that cannot be read for a reason of its own is tried again beside the others."""
        group = revision.group
        if group in self._retries:
            return
        try:
            await self._apply(revision)
        except StoreUnavailable:
            raise
        except FairleadError as error:
            self._observer.group_failed(group, revision.number, error)
            self._retries[group] = tasks.create_task(self._retry(group))

    async def _retry(self, group: GroupName) -> None:
        number = 0
        for delay in retry_delays():
            await asyncio.sleep(delay)
            try:
                head = await self._store.head(group)
                if head is None:
                    break
                number = head.number
                await self._apply(head)
                break
            except FairleadError as error:
                self._observer.group_failed(group, number, error)
        del self._retries[group]

    async def _apply(self, revision: Revision) -> None:
        group, number = revision.group, revision.number
        known = self._catalogues.revision(group)
        if number <= known:
            return
        changed = await self._advance(group, known, number) if known else await self._load(group, number)
        self.heads[group] = revision
        self._fleet.published(group, number)
        self._observer.group_moved(group, number, changed, self._catalogues.streams(group))
        self._check_ready()

    async def _load(self, group: GroupName, number: int) -> int:
        snapshot = await self._store.snapshot(group, number)
        self._catalogues.load(group, number, snapshot.resources)
        return len(snapshot.resources)

    async def _advance(self, group: GroupName, known: int, number: int) -> int:
        try:
            changes = await self._store.diff(group, known, number)
        except NotFound:
            # What we serve is so old that the store has let go of it.
            return await self._load(group, number)
        self._catalogues.advance(group, number, ((change.before, change.after) for change in changes))
        return len(changes)

    async def _probe(self) -> None:
        """A watch heals by itself and in silence, so the store is asked how it is."""
        while True:
            status = await self._store.status()
            if not status.reachable:
                self._tell_lost(status.detail)
            elif _now_s() >= self._refused_until_s:  # a store may answer and yet refuse us
                self._tell_back()
            await asyncio.sleep(PROBE_S)

    def _missing(self) -> frozenset[GroupName]:
        return (self._expected or frozenset()) - self._catalogues.loaded.keys()

    def _check_ready(self) -> None:
        if not self.ready.is_set() and not self._missing():
            self.ready.set()
            self._observer.ready()

    def _tell_lost(self, reason: str) -> None:
        if not self._lost_reason:
            self._observer.store_lost(reason)
        self._lost_reason = reason or "unreachable"

    def _tell_back(self) -> None:
        if self._lost_reason:
            self._lost_reason = ""
            self._observer.store_back()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
