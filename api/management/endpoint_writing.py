"""Changes of endpoints on their way into the store: those of one set that wait for each other go in together.

Without a base nobody is in anybody's way: who comes while a transaction is under way waits for its end and goes with
the next, with all others that came meanwhile. So a storm of changes is a few transactions, however many callers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakValueDictionary

from api.envoy.registry import EnvoyApi
from api.errors import Conflict, FairleadError
from api.management.endpoint_clusters import EdsCluster, configured_endpoints, find_cluster
from snapshots.endpoints.batch import Outcome, Request, decide
from snapshots.endpoints.edit import Endpoints
from snapshots.store import refusals
from snapshots.store.endpoint_sets import EndpointSet, Store
from xds.protocol.types import GroupName

ATTEMPTS: Final = 32
# A set of 1 MiB and what is said of its changes have to fit into one request to etcd (1.5 MiB), written as JSON.
TOGETHER: Final = 500
TOGETHER_CHARACTERS: Final = 40_000


@dataclass(frozen=True, slots=True)
class Written:
    """What came of one caller's changes, and the newest set with them in it; None if there never was a set."""

    cluster: EdsCluster
    outcome: Outcome
    newest: EndpointSet | None


@dataclass(slots=True, eq=False)
class _Waiting:
    request: Request
    answer: Written | FairleadError | None = None


@dataclass(slots=True, eq=False, weakref_slot=True)
class _Queue:
    """Who waits for one cluster. Whoever has the turn takes the others along."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: list[_Waiting] = field(default_factory=list)


class EndpointWriting:
    """Writes endpoint sets of all groups; several servers may do so at once."""

    def __init__(self, store: Store, envoy: EnvoyApi) -> None:
        self._store = store
        self._envoy = envoy
        self._queues: WeakValueDictionary[tuple[str, str], _Queue] = WeakValueDictionary()

    async def change(self, group: str, cluster: str, request: Request) -> Written:
        """Apply one caller's changes. Raises what `find_cluster` and `edited` raise, Conflict for a stale base,
        StoreUnavailable."""
        queue = self._queues.setdefault((group, cluster), _Queue())
        mine = _Waiting(request)
        queue.waiting.append(mine)
        try:
            async with queue.turn:
                if mine.answer is None:
                    await self._write(group, cluster, _together(queue.waiting))
        finally:
            queue.waiting[:] = [each for each in queue.waiting if each is not mine and each.answer is None]
        assert mine.answer is not None  # whoever had the turn has taken it along
        if isinstance(mine.answer, FairleadError):
            raise mine.answer
        return mine.answer

    async def _write(self, group: str, name: str, batch: Sequence[_Waiting]) -> None:
        """Answer all of a batch. If this one is cancelled they have no answer, and the next of them writes anew."""
        try:
            answers = await self._attempt(group, name, [each.request for each in batch])
        except FairleadError as error:
            answers = (error,) * len(batch)
        for each, answer in zip(batch, answers, strict=True):
            each.answer = answer

    async def _attempt(self, group: str, name: str, requests: Sequence[Request]) -> tuple[Written | FairleadError, ...]:
        """All is read anew for each attempt, once for all that go together."""
        for _ in range(ATTEMPTS):
            cluster = await find_cluster(self._store, group, name)
            newest = await self._store.endpoint_set(cluster.group, cluster.service)
            configured = await configured_endpoints(self._store, cluster)
            before = Endpoints.read(self._envoy, cluster.service, configured, newest.body if newest else b"")
            batch = decide(self._envoy, cluster.group, before, newest, requests)
            try:
                if batch.wanted is not None:
                    newest = await self._store.put_endpoint_set(batch.wanted, batch.changes)
            except Conflict:
                continue  # another server was first: decide anew, on top of what it has written
            return tuple(
                answer if isinstance(answer, FairleadError) else Written(cluster, answer, newest)
                for answer in batch.answers
            )
        raise refusals.lost_too_often(GroupName(group), ATTEMPTS)


def _together(waiting: Sequence[_Waiting]) -> tuple[_Waiting, ...]:
    """The first of those that wait, as many as may go together. They have the turn in the order in which they came."""
    size, batch = 0, list[_Waiting]()
    for each in waiting[:TOGETHER]:
        record = each.request.record
        size += len(record.author) + len(record.message) + len(record.what)
        if batch and size > TOGETHER_CHARACTERS:
            break
        batch.append(each)
    return tuple(batch)
