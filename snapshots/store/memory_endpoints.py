"""Endpoint sets in memory: what `MemoryStore` keeps of them. No I/O; nothing comes between a check and its write."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field

from snapshots.store import refusals
from snapshots.store.endpoint_records import EndpointRecord, next_record
from snapshots.store.endpoint_sets import ENDPOINT_RECORDS_KEPT, EndpointAudit, EndpointSet, SetChange
from snapshots.store.slots import Slots
from xds.protocol.types import GroupName

_Name = tuple[GroupName, str]


@dataclass(slots=True)
class _Kept:
    newest: EndpointRecord
    audit: deque[EndpointAudit] = field(default_factory=lambda: deque(maxlen=ENDPOINT_RECORDS_KEPT))


class MemoryEndpoints:
    """An `EndpointStore` without persistence. `now` gives Unix seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._sets: dict[_Name, _Kept] = {}
        self._watchers: set[Slots[_Name, EndpointSet]] = set()

    async def endpoint_set(self, group: GroupName, name: str) -> EndpointSet | None:
        kept = self._sets.get((group, name))
        return kept.newest.endpoints if kept else None

    async def endpoint_sets(self, group: GroupName, *, with_cleared: bool) -> tuple[EndpointSet, ...]:
        found = (kept.newest.endpoints for (owner, _), kept in sorted(self._sets.items()) if owner == group)
        return tuple(each for each in found if with_cleared or not each.cleared)

    async def put_endpoint_set(self, wanted: EndpointSet, changes: Sequence[SetChange] = ()) -> EndpointSet:
        refusals.check_endpoint_limits(wanted)
        kept = self._sets.get((wanted.group, wanted.name))
        newest = kept.newest if kept else None
        if wanted.version != (newest.endpoints.version if newest else 0) + 1:
            raise refusals.endpoints_moved(newest.endpoints if newest else None, wanted)
        record, audit = next_record(wanted, changes, newest, self._now())
        self._keep(record, audit)
        return record.endpoints

    async def endpoint_audit(self, group: GroupName, name: str, *, limit: int = 50) -> tuple[EndpointAudit, ...]:
        kept = self._sets.get((group, name))
        return tuple(reversed(kept.audit))[:limit] if kept else ()

    async def watch_endpoint_sets(self) -> AsyncGenerator[tuple[EndpointSet, ...], None]:
        slots = Slots[_Name, EndpointSet]()
        self._watchers.add(slots)
        try:
            yield self._in_use()
            while True:
                yield await slots.take()
        finally:
            self._watchers.discard(slots)

    def _in_use(self) -> tuple[EndpointSet, ...]:
        return tuple(
            kept.newest.endpoints for _, kept in sorted(self._sets.items()) if not kept.newest.endpoints.cleared
        )

    def _keep(self, record: EndpointRecord, audit: EndpointAudit) -> None:
        key = record.endpoints.group, record.endpoints.name
        kept = self._sets.setdefault(key, _Kept(record))
        kept.newest = record
        kept.audit.append(audit)
        for watcher in self._watchers:
            watcher.put(key, record.endpoints)
