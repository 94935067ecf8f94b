"""Blobs in etcd: written in few transactions, read in few requests, and remembered, for under a digest nothing changes.

Knows no trees: digests and pieces only.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from snapshots.store.backend import EtcdCalls
from snapshots.store.codec import Damaged, Digest, pack, unpack
from snapshots.store.etcd.model import Op, delete, put
from snapshots.store.keys import Keys

# Under etcd's limits of 128 operations and 1.5 MiB a request, with room for keys and for other operations.
BATCH_BLOBS = 60
BATCH_BYTES = 1024 * 1024


class MissingBlob(Damaged):
    """A digest that etcd has no blob for: its revision is no longer kept, or the store has lost data."""


class Blobs:
    """The pieces of all snapshots. Keeps those last used, up to `cache_bytes` of them, in memory."""

    def __init__(self, client: EtcdCalls, keys: Keys, cache_bytes: int) -> None:
        self._client = client
        self._keys = keys
        self._limit_bytes = cache_bytes
        self._held_bytes = 0
        self._cache: OrderedDict[Digest, bytes] = OrderedDict()

    def writes(self, pieces: Mapping[Digest, bytes]) -> tuple[tuple[Op, ...], ...]:
        """The operations that store the pieces, in batches that each fit into a transaction.

        A piece that is there already is written again on purpose: that moves its key's revision, and so stops a garbage
        collection that was about to remove it; its mark goes with the same transaction.
        """
        batches: list[list[Op]] = []
        room_blobs = room_bytes = 0
        for digest, piece in pieces.items():
            blob = pack(piece)
            if room_blobs < 1 or room_bytes < len(blob):
                batches.append([])
                room_blobs, room_bytes = BATCH_BLOBS, BATCH_BYTES
            batches[-1] += (put(self._keys.blob(digest), blob), delete(self._keys.mark(digest)))
            room_blobs, room_bytes = room_blobs - 1, room_bytes - len(blob)
        return tuple(tuple(batch) for batch in batches)

    def remember(self, pieces: Mapping[Digest, bytes]) -> None:
        """Keep pieces that were just stored: they are asked for next."""
        for digest, piece in pieces.items():
            if digest not in self._cache:
                self._cache[digest] = piece
                self._held_bytes += len(piece)
        while self._held_bytes > self._limit_bytes:
            self._held_bytes -= len(self._cache.popitem(last=False)[1])

    async def read(self, digests: Iterable[Digest]) -> Mapping[Digest, bytes]:
        """The pieces of all digests. Raises MissingBlob, Damaged."""
        wanted = dict.fromkeys(digests)
        pieces = {digest: self._cache[digest] for digest in wanted if digest in self._cache}
        for digest in pieces:
            self._cache.move_to_end(digest)
        fetched = await self._fetch([digest for digest in wanted if digest not in pieces])
        self.remember(fetched)
        return {**pieces, **fetched}

    async def _fetch(self, digests: list[Digest]) -> dict[Digest, bytes]:
        if not digests:
            return {}
        found = await self._client.get_many([self._keys.blob(digest) for digest in digests])
        pieces: dict[Digest, bytes] = {}
        for digest in digests:
            if (item := found.get(self._keys.blob(digest))) is None:
                raise MissingBlob(f"blob {digest} is missing")
            pieces[digest] = unpack(item.value, digest)
        return pieces
