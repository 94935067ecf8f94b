"""Following the keys under a prefix of etcd: a listing, then a watch from there, and again when it has to be.

Knows no record; what a listing or a batch means is for heads.py and endpoint_watch.py to say.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from api.errors import StoreUnavailable
from snapshots.store.backend import EtcdCalls
from snapshots.store.etcd.errors import Compacted
from snapshots.store.etcd.model import Listing, WatchBatch


async def follow_prefix(
    client: EtcdCalls, prefix: str, *, retry_s: float
) -> AsyncGenerator[Listing | WatchBatch, None]:
    """A listing of all, then every change; a listing again after a compaction or an outage. Never ends by itself.

    While etcd cannot answer it is asked again every `retry_s` seconds; the client's watch has its own, finer patience.
    """
    while True:
        try:
            listing = await client.list(prefix)
            yield listing
            async with aclosing(client.watch(prefix, start_revision=listing.revision + 1)) as batches:
                async for batch in batches:
                    yield batch
        except Compacted:
            continue  # what happened meanwhile is gone; the next listing shows what it came to
        except StoreUnavailable:
            await asyncio.sleep(retry_s)
