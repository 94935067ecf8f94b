"""The heads of all groups as they move, from etcd.

Knows targets only; they are small, so that a thousand servers can watch them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

from snapshots.store.backend import EtcdCalls
from snapshots.store.etcd.model import KeyValue, Listing
from snapshots.store.following import follow_prefix
from snapshots.store.keys import Keys
from snapshots.store.protocol import Revision
from snapshots.store.records import Target
from xds.protocol.types import GroupName


async def follow_heads(client: EtcdCalls, keys: Keys, *, retry_s: float) -> AsyncGenerator[Revision, None]:
    """See `SnapshotStore.watch`. Numbers of a group only grow: after a restore from an old backup nothing goes back."""
    delivered: dict[GroupName, int] = {}
    async with aclosing(follow_prefix(client, keys.targets, retry_s=retry_s)) as followed:
        async for found in followed:
            items = found.items if isinstance(found, Listing) else found.put_items()
            for revision in _news(items, delivered):
                yield revision


def _news(items: Iterable[KeyValue], delivered: dict[GroupName, int]) -> tuple[Revision, ...]:
    """The newest head of each group that is newer than what was delivered, which it then counts as."""
    newest: dict[GroupName, Revision] = {}
    for item in items:
        revision = Target.decode(item.value).stable.revision
        if revision.number > delivered.get(revision.group, 0):
            newest[revision.group] = revision
            delivered[revision.group] = revision.number
    return tuple(newest.values())
