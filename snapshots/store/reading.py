"""Trees read from blobs: whole, or only the buckets that differ, or one entry. I/O through `Blobs` alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from snapshots.store.blobs import Blobs
from snapshots.store.codec import Digest
from snapshots.store.compose import GroupState
from snapshots.store.forms import DOCUMENTS, ORIGINS, RESOURCES, Form, Key, Value
from snapshots.store.records import RevisionRecord
from snapshots.store.tree import Manifest, Tree, bucket_of, compare_entries, decode_bucket, differing

# The one that is compared with is, as a rule, the one that was read before.
_decoded = lru_cache(maxsize=16)(Manifest.decode)


async def read_manifest(blobs: Blobs, root: Digest) -> Manifest:
    """Raises MissingBlob, Damaged."""
    return _decoded((await blobs.read([root]))[root])


async def read_tree(blobs: Blobs, form: Form[Value], root: Digest, like: Tree[Value]) -> Tree[Value]:
    """The whole tree under a root; buckets that are the same in `like` are taken from there, not read."""
    if root == like.manifest.digest:
        return like
    manifest = await read_manifest(blobs, root)
    found = await _read_buckets(blobs, form, manifest, differing(like.manifest, manifest))
    buckets = tuple(found.get(index, bucket) for index, bucket in enumerate(like.buckets))
    return Tree(form, manifest, buckets)


async def read_state(blobs: Blobs, record: RevisionRecord, like: GroupState) -> GroupState:
    """The state of a revision, at the cost of what differs from `like`."""
    if record.roots == like.roots:
        return like
    content = await read_tree(blobs, RESOURCES, record.content, like.content)
    origins = await read_tree(blobs, ORIGINS, record.origins, like.origins)
    documents = await read_tree(blobs, DOCUMENTS, record.documents, like.documents)
    return GroupState.of(content, origins, documents)


async def read_entry(blobs: Blobs, form: Form[Value], root: Digest, key: Key) -> Value | None:
    """One entry; reads the manifest and one bucket."""
    manifest, index = await read_manifest(blobs, root), bucket_of(key)
    return (await _read_buckets(blobs, form, manifest, (index,)))[index].get(key)


async def read_differences(
    blobs: Blobs, form: Form[Value], before: Digest | None, after: Digest
) -> dict[Key, tuple[Value | None, Value | None]]:
    """What differs between two trees, as (before, after) by key in order; `before` None is the empty tree."""
    new = await read_manifest(blobs, after)
    old = await read_manifest(blobs, before) if before else Manifest.empty()
    indexes = differing(old, new)
    left = await _read_buckets(blobs, form, old, indexes)
    right = await _read_buckets(blobs, form, new, indexes)
    found: dict[Key, tuple[Value | None, Value | None]] = {}
    for index in indexes:
        found.update(compare_entries(left[index], right[index]))
    return dict(sorted(found.items()))


async def _read_buckets(
    blobs: Blobs, form: Form[Value], manifest: Manifest, indexes: Iterable[int]
) -> Mapping[int, Mapping[Key, Value]]:
    references = {index: manifest.buckets[index] for index in indexes}
    pieces = await blobs.read(digest for reference in references.values() for digest in reference.blobs)
    return {index: decode_bucket(form, reference, pieces) for index, reference in references.items()}
