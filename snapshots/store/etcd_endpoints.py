"""Endpoint sets in etcd: the reads, and the one fenced transaction of a change.

Each set has a key and a chain of its own, so that only changes of the same set can be in each other's way. A change
also takes away the audit record that is one too many: there is never more than a bounded number to sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from api.errors import StoreUnavailable
from snapshots.store import refusals
from snapshots.store.backend import EtcdCalls
from snapshots.store.endpoint_records import (
    EndpointRecord,
    decode_endpoint_audit,
    encode_endpoint_audit,
    next_record,
)
from snapshots.store.endpoint_sets import ENDPOINT_RECORDS_KEPT, EndpointAudit, EndpointSet, SetChange
from snapshots.store.etcd.model import Compare, Op, delete, modified_is, put
from snapshots.store.keys import Keys
from xds.protocol.types import GroupName


class EtcdEndpoints:
    """The part of `EtcdStore` that is an `EndpointStore`; watching is in endpoint_watch.py."""

    def __init__(self, client: EtcdCalls, keys: Keys, now: Callable[[], float]) -> None:
        self._client = client
        self._keys = keys
        self._now = now

    async def endpoint_set(self, group: GroupName, name: str) -> EndpointSet | None:
        item = await self._client.get(self._keys.endpoint_set(group, name))
        return EndpointRecord.decode(item.value).endpoints if item else None

    async def endpoint_sets(self, group: GroupName, *, with_cleared: bool) -> tuple[EndpointSet, ...]:
        listing = await self._client.list(self._keys.endpoint_sets_of(group))
        found = (EndpointRecord.decode(item.value).endpoints for item in listing.items)
        return tuple(sorted((each for each in found if with_cleared or not each.cleared), key=lambda each: each.name))

    async def put_endpoint_set(self, wanted: EndpointSet, changes: Sequence[SetChange] = ()) -> EndpointSet:
        refusals.check_endpoint_limits(wanted)
        key = self._keys.endpoint_set(wanted.group, wanted.name)
        item = await self._client.get(key)
        newest = EndpointRecord.decode(item.value) if item else None
        if wanted.version != (newest.endpoints.version if newest else 0) + 1:
            raise refusals.endpoints_moved(newest.endpoints if newest else None, wanted)
        record, audit = next_record(wanted, changes, newest, self._now())
        fence = modified_is(key, item.mod_revision if item else 0)
        if not await self._commit(fence, record, audit):
            raise refusals.endpoints_moved(await self.endpoint_set(wanted.group, wanted.name), wanted)
        return record.endpoints

    async def endpoint_audit(self, group: GroupName, name: str, *, limit: int = 50) -> tuple[EndpointAudit, ...]:
        listing = await self._client.list(self._keys.endpoint_audits(group, name), limit=limit, descending=True)
        return tuple(decode_endpoint_audit(item.value) for item in listing.items)

    async def _commit(self, fence: Compare, record: EndpointRecord, audit: EndpointAudit) -> bool:
        """Whether this is what that version is now. Raises StoreUnavailable if nobody knows."""
        try:
            done = (await self._client.txn((fence,), self._writes(record, audit), fenced=True)).succeeded
        except StoreUnavailable:
            if not await self._was_committed(audit):
                raise
            return True
        # The client sends again what was not answered: the fence may have been lost to ourselves.
        return done or await self._was_committed(audit)

    def _writes(self, record: EndpointRecord, audit: EndpointAudit) -> tuple[Op, ...]:
        group, name, version = audit.group, audit.name, audit.number
        writes = (
            put(self._keys.endpoint_set(group, name), record.encode()),
            put(self._keys.endpoint_audit(group, name, version), encode_endpoint_audit(audit)),
        )
        if version <= ENDPOINT_RECORDS_KEPT:
            return writes
        return (*writes, delete(self._keys.endpoint_audit(group, name, version - ENDPOINT_RECORDS_KEPT)))

    async def _was_committed(self, audit: EndpointAudit) -> bool:
        item = await self._client.get(self._keys.endpoint_audit(audit.group, audit.name, audit.number))
        return item is not None and decode_endpoint_audit(item.value) == audit
