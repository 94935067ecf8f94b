"""Endpoint sets as they change, from etcd: what a listing or a batch means to one who has seen some."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

from snapshots.store.backend import EtcdCalls
from snapshots.store.endpoint_records import EndpointRecord
from snapshots.store.endpoint_sets import EndpointSet
from snapshots.store.etcd.model import KeyValue, Listing, WatchBatch
from snapshots.store.following import follow_prefix
from snapshots.store.keys import Keys, endpoint_set_in


async def follow_endpoint_sets(
    client: EtcdCalls, keys: Keys, *, retry_s: float
) -> AsyncGenerator[tuple[EndpointSet, ...], None]:
    """See `EndpointStore.watch_endpoint_sets`."""
    delivered, first = _Delivered(), True
    async with aclosing(follow_prefix(client, keys.endpoint_sets, retry_s=retry_s)) as followed:
        async for found in followed:
            news = delivered.listed(found) if isinstance(found, Listing) else delivered.changed(found)
            if first:
                yield tuple(each for each in news if not each.cleared)
            elif news:
                yield news
            first = False


class _Delivered:
    """What one watcher has: the version of each set by its key, and the revision of etcd up to which it knows."""

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}
        self._revision = 0

    def listed(self, listing: Listing) -> tuple[EndpointSet, ...]:
        """What is newer, and what is gone. An etcd that went back itself (to an old backup) takes nothing away."""
        went_back = listing.revision < self._revision
        self._revision = listing.revision
        missing = self._versions.keys() - {item.key for item in listing.items}
        return (*self._newer(listing.items), *self._gone(() if went_back else sorted(missing)))

    def changed(self, batch: WatchBatch) -> tuple[EndpointSet, ...]:
        """Of several changes of one set the last counts."""
        self._revision = batch.revision
        last = {event.item.key: event for event in batch.events}
        deleted = [key for key, event in last.items() if event.kind == "delete" and key in self._versions]
        return (*self._newer(event.item for event in last.values() if event.kind == "put"), *self._gone(deleted))

    def _newer(self, items: Iterable[KeyValue]) -> tuple[EndpointSet, ...]:
        """Versions only grow, whatever etcd answers from."""
        news: list[EndpointSet] = []
        for item in items:
            found = EndpointRecord.decode(item.value).endpoints
            if found.version > self._versions.get(item.key, 0):
                self._versions[item.key] = found.version
                news.append(found)
        return tuple(news)

    def _gone(self, keys: Iterable[str]) -> tuple[EndpointSet, ...]:
        """Sets whose keys somebody deleted by hand count as cleared, and begin anew when they come back."""
        return tuple(EndpointSet(*endpoint_set_in(key), self._versions.pop(key), b"") for key in keys)
