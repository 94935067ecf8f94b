"""The shape of a snapshot: which blobs a change writes, what large entries do, and that the format stays what it is."""

from __future__ import annotations

import random

import pytest

from api.errors import LimitExceeded
from snapshots.store.codec import PIECE_LIMIT_BYTES, Damaged, digest_of, pack, unpack
from snapshots.store.forms import DOCUMENTS, RESOURCES
from snapshots.store.memory import MemoryStore
from snapshots.store.tree import (
    BUCKETS,
    OUTLINE_BYTES,
    BucketReference,
    Manifest,
    Tree,
    bucket_of,
    compare,
    decode_bucket,
    differing,
)
from tests.contract.publications import a_publication, a_resource, many

BLOB_LIMIT_BYTES = 512 * 1024


def _neighbours(number: int) -> list[tuple[str, str]]:
    """Keys that share a bucket."""
    wanted = bucket_of(("doc", "0"))
    keys = (("doc", str(index)) for index in range(10**6))
    return [next(key for key in keys if bucket_of(key) == wanted) for _ in range(number)]


def _noise(size: int) -> bytes:
    return random.Random(7).randbytes(size)


def test_the_digest_of_a_known_snapshot_never_changes() -> None:
    resources = [a_resource(name, name.encode()) for name in ("web", "api")]
    tree = Tree(RESOURCES).changed({(item.type_url, item.name): item for item in resources}).tree
    assert tree.manifest.digest == "d59d2570538b22472ca7b7be4a4c1f079edc97ff8d559075cab396735bdd5d24"
    assert Manifest.empty().digest == "ea37d7a39cc75591d773b6e3b5aecc66540ed542a4873c10a7b1dc50aa599400"


def test_one_change_writes_one_bucket_and_one_manifest() -> None:
    tree = Tree(DOCUMENTS).changed({("doc", str(index)): b"text" for index in range(5000)}).tree
    grown = tree.changed({("doc", "7"): b"changed"})

    assert len(grown.blobs) == 2
    assert differing(tree.manifest, grown.tree.manifest) == (bucket_of(("doc", "7")),)
    assert compare(tree, grown.tree) == {("doc", "7"): (b"text", b"changed")}


def test_a_change_that_is_none_writes_nothing() -> None:
    tree = Tree(DOCUMENTS).changed({("doc", "1"): b"text"}).tree
    assert tree.changed({}).blobs == {}
    assert tree.changed({("doc", "1"): b"text"}).blobs == {}


def test_a_large_entry_is_not_written_again_for_its_neighbour() -> None:
    large, small = _neighbours(2)
    tree = Tree(DOCUMENTS).changed({large: _noise(OUTLINE_BYTES * 8), small: b"1"}).tree
    grown = tree.changed({small: b"2"})

    assert sum(map(len, grown.blobs.values())) < OUTLINE_BYTES
    assert grown.tree.get(large) == tree.get(large)


def test_no_blob_exceeds_its_limit_whatever_is_in_it() -> None:
    entries = {key: _noise(OUTLINE_BYTES - 1) for key in _neighbours(40)} | {("doc", "big"): _noise(1024 * 1024)}
    grown = Tree(DOCUMENTS).changed(entries)
    reference = grown.tree.manifest.buckets[bucket_of(("doc", "0"))]

    assert max(len(pack(piece)) for piece in grown.blobs.values()) <= BLOB_LIMIT_BYTES
    assert len(reference.pieces) > 1
    read = decode_bucket(DOCUMENTS, reference, grown.blobs)
    assert read == dict(grown.tree.buckets[bucket_of(("doc", "0"))])


def test_entries_spread_over_the_buckets() -> None:
    filled = [0] * BUCKETS
    for index in range(10_000):
        filled[bucket_of(("type.googleapis.com/envoy.config.cluster.v3.Cluster", f"cluster-{index}"))] += 1
    assert min(filled) > 0
    assert max(filled) < 100


def test_a_tree_that_was_changed_is_itself_unchanged() -> None:
    tree = Tree(DOCUMENTS).changed({("doc", "1"): b"text"}).tree
    digest = tree.manifest.digest
    tree.changed({("doc", "1"): None, ("doc", "2"): b"new"})
    assert (tree.manifest.digest, dict(tree.items())) == (digest, {("doc", "1"): b"text"})


def test_emptied_again_is_empty() -> None:
    tree = Tree(DOCUMENTS).changed({("doc", "1"): b"text"}).tree
    assert tree.changed({("doc", "1"): None}).tree.manifest.digest == Manifest.empty().digest


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "in the middle of a field"),
        (b"\x02", "format 2; this version reads 1"),
        (b"\x01\x03" + b"\0\0" * 3, "3 buckets; this version reads 256"),
        (Manifest.empty().encoded[:-1], "in the middle of a field"),
    ],
)
def test_a_manifest_that_is_not_one_says_why(data: bytes, words: str) -> None:
    with pytest.raises(Damaged, match=words):
        Manifest.decode(data)


def test_a_bucket_of_another_format_says_so() -> None:
    digest = digest_of(b"\x02")
    with pytest.raises(Damaged, match="a bucket of format 2; this version reads 1"):
        decode_bucket(DOCUMENTS, BucketReference((digest,)), {digest: b"\x02"})


async def test_a_group_whose_manifest_outgrows_a_blob_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapshots.store.compose.PIECE_LIMIT_BYTES", 600)
    store = MemoryStore(lambda: 0.0)
    await store.publish(a_publication({"web": b"1"}))
    with pytest.raises(LimitExceeded, match=r'group "edge" would need a manifest of \d+ bytes and the limit is'):
        await store.publish(a_publication(many(20)))


def test_a_blob_under_a_wrong_name_is_noticed() -> None:
    with pytest.raises(Damaged, match="other bytes than its name says"):
        unpack(pack(b"these"), digest_of(b"those"))
    with pytest.raises(Damaged, match="format 02"):
        unpack(b"\x02" + pack(b"these")[1:], digest_of(b"these"))
    with pytest.raises(Damaged, match="does not decompress"):
        unpack(pack(b"these" * 10)[:-2], digest_of(b"these" * 10))


def test_a_blob_that_would_fill_the_memory_is_refused() -> None:
    bomb = bytes(PIECE_LIMIT_BYTES + 1)
    with pytest.raises(Damaged, match="no piece exceeds"):
        unpack(pack(bomb), digest_of(bomb))
