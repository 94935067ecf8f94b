"""The heads of all groups as they move, from etcd: a listing, then a watch from there, and again when it has to be.

Knows targets only; they are small, so that a thousand servers can watch them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

from api.errors import StoreUnavailable
from snapshots.store.backend import EtcdCalls
from snapshots.store.etcd.errors import Compacted
from snapshots.store.etcd.model import KeyValue
from snapshots.store.keys import Keys
from snapshots.store.protocol import Revision
from snapshots.store.records import Target
from xds.protocol.types import GroupName


async def follow_heads(client: EtcdCalls, keys: Keys, *, retry_s: float) -> AsyncGenerator[Revision, None]:
    """See `SnapshotStore.watch`. Numbers of a group only grow: after a restore from an old backup nothing goes back.

    While etcd cannot answer it is asked again every `retry_s` seconds; the client's watch has its own, finer patience.
    """
    delivered: dict[GroupName, int] = {}
    while True:
        try:
            listing = await client.list(keys.targets)
            for revision in _news(listing.items, delivered):
                yield revision
            async with aclosing(client.watch(keys.targets, start_revision=listing.revision + 1)) as batches:
                async for batch in batches:
                    for revision in _news((event.item for event in batch.events if event.kind == "put"), delivered):
                        yield revision
        except Compacted:
            continue  # what happened meanwhile is gone; the next listing shows what it came to
        except StoreUnavailable:
            await asyncio.sleep(retry_s)


def _news(items: Iterable[KeyValue], delivered: dict[GroupName, int]) -> tuple[Revision, ...]:
    """The newest head of each group that is newer than what was delivered, which it then counts as."""
    newest: dict[GroupName, Revision] = {}
    for item in items:
        revision = Target.decode(item.value).stable.revision
        if revision.number > delivered.get(revision.group, 0):
            newest[revision.group] = revision
            delivered[revision.group] = revision.number
    return tuple(newest.values())
