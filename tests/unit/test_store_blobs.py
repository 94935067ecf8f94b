"""Blobs: batches that fit into etcd's limits, and a cache that forgets what was used longest ago."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from snapshots.store.blobs import Blobs, MissingBlob
from snapshots.store.codec import Digest, digest_of, pack
from snapshots.store.etcd.model import Delete, KeyValue, Op, Put
from snapshots.store.keys import Keys

MAX_OPERATIONS = 128
MAX_REQUEST_BYTES = 1536 * 1024
KEYS = Keys()


class Shelf:
    """The one call that reading blobs needs, and what was asked of it."""

    def __init__(self, *pieces: bytes) -> None:
        self.held = {KEYS.blob(digest_of(piece)): pack(piece) for piece in pieces}
        self.asked: list[Sequence[str]] = []

    async def get_many(self, keys: Sequence[str]) -> dict[str, KeyValue]:
        self.asked.append(keys)
        return {key: KeyValue(key, self.held[key], 1, 1) for key in keys if key in self.held}


def _blobs(shelf: Shelf, cache_bytes: int = 1000) -> Blobs:
    return Blobs(shelf, KEYS, cache_bytes)  # type: ignore[arg-type]  # nothing else is called


def _size(batch: Sequence[Op]) -> int:
    return sum(len(operation.key) + len(operation.value) for operation in batch if isinstance(operation, Put))


@pytest.mark.parametrize(("number", "size"), [(500, 10), (9, 500_000), (0, 0)])
def test_writes_fit_into_transactions(number: int, size: int) -> None:

    pieces = [random.Random(index).randbytes(size) for index in range(number)]
    batches = _blobs(Shelf()).writes({digest_of(piece): piece for piece in pieces})

    assert all(len(batch) <= MAX_OPERATIONS and _size(batch) < MAX_REQUEST_BYTES for batch in batches)
    assert sum(isinstance(operation, Put) for batch in batches for operation in batch) == number


def test_a_write_takes_the_mark_of_garbage_away() -> None:
    digest = digest_of(b"piece")
    ((put, delete),) = _blobs(Shelf()).writes({digest: b"piece"})
    assert isinstance(put, Put)
    assert put.key == KEYS.blob(digest)
    assert delete == Delete(KEYS.mark(digest))


async def test_what_was_read_is_not_asked_for_again_until_it_is_forgotten() -> None:
    pieces = [bytes([index]) * 400 for index in range(3)]
    digests = [digest_of(piece) for piece in pieces]
    shelf = Shelf(*pieces)
    blobs = _blobs(shelf, cache_bytes=1000)
    for digest in (digests[0], digests[1], digests[0], digests[2], digests[0], digests[1]):
        assert (await blobs.read([digest]))[digest] in pieces

    assert [len(asked) for asked in shelf.asked] == [1, 1, 1, 1]
    assert list(shelf.asked[-1]) == [KEYS.blob(digests[1])]


async def test_one_request_reads_all_that_is_not_at_hand() -> None:
    shelf = Shelf(b"a", b"b", b"c")
    digests = [digest_of(piece) for piece in (b"a", b"b", b"c")]
    blobs = _blobs(shelf)
    await blobs.read(digests[:1])
    assert list((await blobs.read([*digests, *digests])).values()) == [b"a", b"b", b"c"]
    assert [len(asked) for asked in shelf.asked] == [1, 2]


async def test_a_digest_without_a_blob_is_named() -> None:
    with pytest.raises(MissingBlob, match="0123"):
        await _blobs(Shelf()).read([Digest("0123")])
