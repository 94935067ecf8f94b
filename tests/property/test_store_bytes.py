"""What is written as bytes is read back the same, and a tree is the same whichever way it came about."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snapshots.model import Origin, WorkspaceName
from snapshots.store.codec import Damaged, Reader, Writer, digest_of, pack, pieces_of, unpack
from snapshots.store.forms import DOCUMENTS, ORIGINS, RESOURCES
from snapshots.store.keys import Keys, digest_in, group_of
from snapshots.store.tree import Manifest, Tree, decode_bucket
from xds.protocol.resource import Reference, Resource
from xds.protocol.types import GroupName, TypeUrl

UNHURRIED = settings(deadline=None)  # a busy machine is no defect
TEXTS = st.text(max_size=12)
NUMBERS = st.integers(0, 2**63)
KEYS = st.tuples(TEXTS, TEXTS)
ENTRIES = st.dictionaries(KEYS, st.binary(max_size=20), max_size=30)
TYPE_URLS = TEXTS.map(lambda text: TypeUrl(f"type/{text}"))
REFERENCES = st.lists(st.builds(Reference, TYPE_URLS, TEXTS), max_size=3).map(tuple)
ALIASES = st.lists(TEXTS, max_size=3).map(tuple)
BODIES = st.binary(max_size=40)
MARKS = (REFERENCES, ALIASES, st.booleans(), st.integers(0, 10**12))
RESOURCE = st.builds(Resource, TEXTS.map(TypeUrl), TEXTS, TEXTS, BODIES, *MARKS)
ORIGIN = st.builds(Origin, TEXTS.map(WorkspaceName), TEXTS, NUMBERS, NUMBERS, TEXTS, TEXTS)


@UNHURRIED
@given(RESOURCE)
def test_resources_come_back_as_they_were(resource: Resource) -> None:
    assert RESOURCES.decode((resource.type_url, resource.name), RESOURCES.encode(resource)) == resource


def test_resources_of_before_they_had_aliases_and_times_to_live_are_read() -> None:
    writer = Writer()
    writer.text("v1")
    writer.number(1)
    writer.text("type/route")
    writer.text("web")
    writer.raw(b"body")
    found = RESOURCES.decode(("type/listener", "http"), writer.data())
    reference = Reference(TypeUrl("type/route"), "web")
    assert found == Resource(TypeUrl("type/listener"), "http", "v1", b"body", (reference,))


@UNHURRIED
@given(ORIGIN)
def test_origins_come_back_as_they_were(origin: Origin) -> None:
    assert ORIGINS.decode(("", ""), ORIGINS.encode(origin)) == origin


@UNHURRIED
@given(st.binary(max_size=2000))
def test_blobs_come_back_as_they_were(piece: bytes) -> None:
    assert unpack(pack(piece), digest_of(piece)) == piece


@UNHURRIED
@given(st.binary(max_size=60))
def test_rubbish_is_damage_and_nothing_else(data: bytes) -> None:
    with pytest.raises(Damaged):
        unpack(data, digest_of(b"something else"))
    try:
        Manifest.decode(data)
    except Damaged:
        return
    raise AssertionError("no random bytes are a manifest")


@UNHURRIED
@given(st.lists(NUMBERS), TEXTS)
def test_fields_are_read_in_the_order_they_were_written(numbers: list[int], text: str) -> None:
    writer = Writer()
    for number in numbers:
        writer.number(number)
    writer.text(text)
    reader = Reader(writer.data())
    assert [reader.number() for _ in numbers] == numbers
    assert (reader.text(), reader.at_end) == (text, True)


@UNHURRIED
@given(ENTRIES, ENTRIES)
def test_a_tree_does_not_remember_how_it_came_about(wanted: dict[tuple[str, str], bytes], detour: dict) -> None:  # type: ignore[type-arg]
    straight = Tree(DOCUMENTS).changed(wanted).tree
    there = Tree(DOCUMENTS).changed(detour).tree
    back = there.changed({**dict.fromkeys(detour), **wanted}).tree

    assert back.manifest.digest == straight.manifest.digest
    assert dict(back.items()) == wanted


@UNHURRIED
@given(ENTRIES)
def test_a_tree_is_read_back_from_its_blobs(entries: dict[tuple[str, str], bytes]) -> None:
    grown = Tree(DOCUMENTS).changed(entries)
    manifest = grown.tree.manifest
    read: dict[tuple[str, str], bytes] = {}
    for reference in Manifest.decode(manifest.encoded).buckets:
        read.update(decode_bucket(DOCUMENTS, reference, grown.blobs))
    assert read == entries
    assert set(manifest.blobs()) == set(grown.blobs) - {manifest.digest}


@UNHURRIED
@given(ENTRIES, ENTRIES)
def test_equal_digests_are_equal_entries(
    one: dict[tuple[str, str], bytes], other: dict[tuple[str, str], bytes]
) -> None:
    digests = [Tree(DOCUMENTS).changed(entries).tree.manifest.digest for entries in (one, other)]
    assert (digests[0] == digests[1]) == (one == other)


@UNHURRIED
@given(TEXTS)
def test_groups_come_back_from_their_keys_and_do_not_reach_into_each_other(name: str) -> None:
    keys = Keys()
    assert group_of(keys.target(GroupName(name))) == name
    assert keys.target(GroupName(name)).count("/") == 4
    assert digest_in(keys.blob(digest_of(name.encode("utf-8", "surrogatepass")))) == digest_of(
        name.encode("utf-8", "surrogatepass")
    )


@UNHURRIED
@given(st.integers(0, 3 * 511 * 1024))
def test_pieces_joined_are_the_whole(size: int) -> None:
    data = bytes(size)
    pieces = pieces_of(data)
    assert b"".join(piece for _, piece in pieces) == data
    assert all(len(piece) <= 511 * 1024 for _, piece in pieces)
