"""The two-level Merkle tree of a snapshot: manifest -> buckets -> entries.  design.md, "Storage in etcd".

Pure: trees are values, changing one gives a new one that shares all untouched buckets, and the blobs that are new.
Where blobs are kept is not known here. Two trees with the same entries have the same digest, however they came about:
the number of buckets is fixed, an entry's bucket is a hash of its key, and entries are written in order.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Generic

from snapshots.store.codec import Damaged, Digest, Reader, Writer, digest_of, pieces_of
from snapshots.store.forms import Form, Key, Value

# Measured (docs/decisions/two-level-snapshots.md): with fewer, buckets grow with the group; more only make manifests
# larger.
BUCKETS = 256
# A larger entry leaves its bucket for blobs of its own: a change of its small neighbours does not write it again.
OUTLINE_BYTES = 32 * 1024
_TREE_FORMAT = 1


def bucket_of(key: Key) -> int:
    """The bucket of an entry: the same in every process and every release."""
    return zlib.crc32(f"{key[0]}\0{key[1]}".encode("utf-8", "surrogatepass")) % BUCKETS


@dataclass(frozen=True, slots=True)
class BucketReference:
    """What a manifest says of a bucket: the blobs of its own bytes, and those of its large entries, in order.

    All blobs are named here, so that garbage is found from manifests alone.
    """

    pieces: tuple[Digest, ...] = ()
    outlined: tuple[Digest, ...] = ()

    @property
    def blobs(self) -> tuple[Digest, ...]:
        return self.pieces + self.outlined


_EMPTY = BucketReference()


@dataclass(frozen=True, slots=True)
class Manifest:
    """The top of a tree, and its name: `digest` is the digest of `encoded`. Make one with `of` or `decode`."""

    buckets: tuple[BucketReference, ...]
    encoded: bytes
    digest: Digest

    @classmethod
    def of(cls, buckets: tuple[BucketReference, ...]) -> Manifest:
        writer = Writer()
        writer.number(_TREE_FORMAT)
        writer.number(len(buckets))
        for bucket in buckets:
            writer.digests(bucket.pieces)
            writer.digests(bucket.outlined)
        encoded = writer.data()
        return cls(buckets, encoded, digest_of(encoded))

    @classmethod
    def empty(cls) -> Manifest:
        """The manifest of nothing."""
        return cls.of((_EMPTY,) * BUCKETS)

    @classmethod
    def decode(cls, data: bytes) -> Manifest:
        """Raises Damaged."""
        reader = Reader(data)
        if (found := reader.number()) != _TREE_FORMAT:
            raise Damaged(f"a manifest of format {found}; this version reads {_TREE_FORMAT}")
        buckets = tuple(BucketReference(reader.digests(), reader.digests()) for _ in range(reader.number()))
        if len(buckets) != BUCKETS:
            raise Damaged(f"a manifest of {len(buckets)} buckets; this version reads {BUCKETS}")
        return cls(buckets, data, digest_of(data))

    def blobs(self) -> Iterator[Digest]:
        """Every blob under this manifest."""
        for bucket in self.buckets:
            yield from bucket.pieces
            yield from bucket.outlined


def differing(before: Manifest, after: Manifest) -> tuple[int, ...]:
    """The buckets that are not the same in both."""
    return tuple(index for index in range(BUCKETS) if before.buckets[index] != after.buckets[index])


def encode_bucket(form: Form[Value], entries: Mapping[Key, Value]) -> tuple[BucketReference, dict[Digest, bytes]]:
    """A bucket's reference, and every piece under it by digest."""
    if not entries:
        return _EMPTY, {}
    writer, outlined, blobs = Writer(), list[Digest](), dict[Digest, bytes]()
    writer.number(_TREE_FORMAT)
    for key in sorted(entries):
        data = form.encode(entries[key])
        writer.text(key[0])
        writer.text(key[1])
        pieces = pieces_of(data) if len(data) > OUTLINE_BYTES else ()
        writer.digests(tuple(digest for digest, _ in pieces))
        if not pieces:
            writer.sized(data)
        outlined.extend(digest for digest, _ in pieces)
        blobs.update(pieces)
    bucket = pieces_of(writer.data())
    blobs.update(bucket)
    return BucketReference(tuple(digest for digest, _ in bucket), tuple(outlined)), blobs


def decode_bucket(form: Form[Value], reference: BucketReference, pieces: Mapping[Digest, bytes]) -> dict[Key, Value]:
    """The entries of a bucket, given the pieces of all its blobs. Raises Damaged."""
    if not reference.pieces:
        return {}
    reader, entries = Reader(b"".join(pieces[digest] for digest in reference.pieces)), dict[Key, Value]()
    if (found := reader.number()) != _TREE_FORMAT:
        raise Damaged(f"a bucket of format {found}; this version reads {_TREE_FORMAT}")
    while not reader.at_end:
        key = (reader.text(), reader.text())
        digests = reader.digests()
        data = b"".join(pieces[digest] for digest in digests) if digests else reader.sized()
        entries[key] = form.decode(key, data)
    return entries


@dataclass(frozen=True, slots=True)
class Tree(Generic[Value]):
    """A whole tree in memory. Do not change the mappings it holds: other trees share them."""

    form: Form[Value]
    manifest: Manifest = field(default_factory=Manifest.empty)
    buckets: tuple[Mapping[Key, Value], ...] = ({},) * BUCKETS

    def get(self, key: Key) -> Value | None:
        return self.buckets[bucket_of(key)].get(key)

    def items(self) -> Iterator[tuple[Key, Value]]:
        for bucket in self.buckets:
            yield from bucket.items()

    def sorted_values(self) -> tuple[Value, ...]:
        """All values in the order of their keys."""
        return tuple(value for _, value in sorted(self.items(), key=itemgetter(0)))

    def changed(self, changes: Mapping[Key, Value | None]) -> Growth[Value]:
        """This tree with `changes` applied (None removes); costs the buckets touched, not the tree."""
        by_bucket: dict[int, dict[Key, Value]] = {}
        for key, value in changes.items():
            index = bucket_of(key)
            entries = by_bucket.setdefault(index, dict(self.buckets[index]))
            if value is None:
                entries.pop(key, None)
            else:
                entries[key] = value
        return self._with(by_bucket)

    def _with(self, by_bucket: Mapping[int, dict[Key, Value]]) -> Growth[Value]:
        references, buckets = list(self.manifest.buckets), list(self.buckets)
        blobs: dict[Digest, bytes] = {}
        for index, entries in by_bucket.items():
            known = references[index].blobs
            references[index], pieces = encode_bucket(self.form, entries)
            buckets[index] = entries
            blobs.update((digest, piece) for digest, piece in pieces.items() if digest not in known)
        manifest = Manifest.of(tuple(references)) if by_bucket else self.manifest
        if manifest.digest != self.manifest.digest:
            blobs[manifest.digest] = manifest.encoded
        return Growth(Tree(self.form, manifest, tuple(buckets)), blobs)


@dataclass(frozen=True, slots=True)
class Growth(Generic[Value]):
    """A changed tree, and the pieces that the tree before did not name."""

    tree: Tree[Value]
    blobs: Mapping[Digest, bytes]


def compare(before: Tree[Value], after: Tree[Value]) -> dict[Key, tuple[Value | None, Value | None]]:
    """What differs, as (before, after) by key in order; looks into the buckets that differ only."""
    found: dict[Key, tuple[Value | None, Value | None]] = {}
    for index in differing(before.manifest, after.manifest):
        found.update(compare_entries(before.buckets[index], after.buckets[index]))
    return dict(sorted(found.items()))


def compare_entries(
    before: Mapping[Key, Value], after: Mapping[Key, Value]
) -> dict[Key, tuple[Value | None, Value | None]]:
    """What differs between two buckets, as (before, after) by key."""
    pairs = {key: (before.get(key), after.get(key)) for key in {*before, *after}}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}
