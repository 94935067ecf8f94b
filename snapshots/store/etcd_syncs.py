"""Syncs in etcd: a key each, written by one fenced transaction."""

from __future__ import annotations

from api.errors import StoreUnavailable
from snapshots.model import WorkspaceName
from snapshots.store.backend import EtcdCalls
from snapshots.store.etcd.model import modified_is, put
from snapshots.store.keys import Keys
from snapshots.store.sync_records import decode_sync, encode_sync
from snapshots.store.syncs import Sync
from xds.protocol.types import GroupName


class EtcdSyncs:
    """The part of `EtcdStore` that is a `SyncStore`."""

    def __init__(self, client: EtcdCalls, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    async def sync(self, group: GroupName, workspace: WorkspaceName) -> Sync | None:
        item = await self._client.get(self._keys.sync(group, workspace))
        return decode_sync(item.value) if item else None

    async def syncs(self, group: GroupName | None = None) -> tuple[Sync, ...]:
        listing = await self._client.list(self._keys.syncs if group is None else self._keys.syncs_of(group))
        found = (decode_sync(item.value) for item in listing.items)
        return tuple(sorted(found, key=lambda sync: (sync.group, sync.workspace)))

    async def put_sync(self, wanted: Sync) -> bool:
        key = self._keys.sync(wanted.group, wanted.workspace)
        item = await self._client.get(key)
        if wanted.version != (decode_sync(item.value).version if item else 0) + 1:
            return False
        fence = modified_is(key, item.mod_revision if item else 0)
        try:
            done = (await self._client.txn((fence,), (put(key, encode_sync(wanted)),), fenced=True)).succeeded
        except StoreUnavailable:
            if await self.sync(wanted.group, wanted.workspace) != wanted:
                raise
            return True
        # The client sends again what was not answered: the fence may have been lost to ourselves.
        return done or await self.sync(wanted.group, wanted.workspace) == wanted
