"""Garbage in etcd: what nothing names goes after its grace, and nothing that anybody counts on, in whatever company."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from api.errors import NotFound, StoreUnavailable
from snapshots.store.codec import Damaged, Digest
from snapshots.store.etcd.model import Compare
from snapshots.store.keys import Keys, digest_in
from tests.contract.conftest import Clock, EtcdHouse
from tests.contract.publications import GROUP, a_publication, a_rollback, many
from xds.protocol.types import GroupName

pytestmark = pytest.mark.etcd

_SMALL = {"web": b"1", "api": b"1"}
_LARGE = many(60)  # whose blobs do not fit into the committing transaction


async def _collect(house: EtcdHouse, clock: Clock, *, keep: int = 1) -> int:
    """Two collections far enough apart that what the first marks the second removes; how many blobs are gone."""
    store, removed = house.store(), 0
    for _ in range(2):
        clock.now_s += 1000
        removed += (await store.collect_garbage(now_s=clock(), grace_s=10, keep_revisions=keep)).removed
    return removed


async def _blob_count(house: EtcdHouse) -> int:
    return len((await house.client().list(Keys(house.root).blobs, keys_only=True)).items)


async def test_garbage_is_removed_after_its_grace_and_nothing_that_is_named(house: EtcdHouse, clock: Clock) -> None:
    store = house.store()
    for number in range(5):
        await store.publish(a_publication({"web": b"%d" % number, "same": b"s"}))
    before = await _blob_count(house)
    early = await store.collect_garbage(now_s=clock.now_s, grace_s=10, keep_revisions=1)
    too_early = await store.collect_garbage(now_s=clock.now_s + 9, grace_s=10, keep_revisions=1)
    due = await store.collect_garbage(now_s=clock.now_s + 11, grace_s=10, keep_revisions=1)

    assert (early.marked > 0, early.removed, too_early.removed) == (True, 0, 0)
    assert due.removed == early.marked == before - await _blob_count(house)
    assert due.removed_bytes > due.removed
    assert len((await house.store().snapshot(GROUP, 5)).resources) == 2
    assert (await house.client().list(Keys(house.root).garbage)).items == ()


async def test_an_empty_etcd_has_no_garbage(house: EtcdHouse, clock: Clock) -> None:
    assert await _collect(house, clock) == 0


async def test_content_that_comes_back_is_no_longer_garbage(house: EtcdHouse, clock: Clock) -> None:
    store = house.store()
    await store.publish(a_publication({"web": b"1"}))
    await store.publish(a_publication({"web": b"2"}))
    await store.collect_garbage(now_s=clock(), grace_s=10, keep_revisions=1)
    await store.publish(a_publication({"web": b"1"}))
    await _collect(house, clock)

    assert (await house.store().snapshot(GROUP, 3)).resources[0].body == b"1"


@pytest.mark.parametrize("bodies", [_SMALL, _LARGE], ids=["in one transaction", "blobs first"])
async def test_a_collection_in_the_middle_of_a_publish_takes_nothing_that_it_needs(
    house: EtcdHouse, clock: Clock, bodies: dict[str, bytes]
) -> None:
    store, faulty = house.faulty_store()
    await store.publish(a_publication(bodies))
    await store.publish(a_publication({"other": b"x"}))
    await store.collect_garbage(now_s=clock(), grace_s=10, keep_revisions=1)  # marks what the next publish needs again
    faulty.before_txn = lambda: _collect(house, clock)
    published = await store.publish(a_publication(bodies))

    assert len((await house.store().snapshot(GROUP, published.revision.number)).resources) == len(bodies)


async def test_blobs_stored_ahead_and_swept_before_the_commit_are_stored_again(house: EtcdHouse, clock: Clock) -> None:
    store, faulty = house.faulty_store()
    swept: list[int] = []

    async def sweep_before_commit() -> None:
        # Armed for the transaction after the last batch of blobs: the commit itself.
        if faulty.write_transactions >= batches:
            swept.append(await _collect(house, clock))
        else:
            faulty.before_txn = sweep_before_commit

    await house.store().publish(a_publication({"first": b"x"}))
    counting, counted = house.faulty_store()
    await counting.publish(a_publication(_LARGE, group=GroupName("counted")))
    batches = counted.write_transactions - 1
    await _forget_group(house, GroupName("counted"))
    faulty.before_txn = sweep_before_commit
    published = await store.publish(a_publication(_LARGE))

    assert swept[0] > batches
    assert len((await house.store().snapshot(GROUP, published.revision.number)).resources) == len(_LARGE)


async def _forget_group(house: EtcdHouse, group: GroupName) -> None:
    client, keys = house.client(), Keys(house.root)
    await client.delete(keys.target(group))
    for item in (await client.list(keys.revisions(group), keys_only=True)).items:
        await client.delete(item.key)


async def test_one_blob_that_is_needed_again_does_not_save_the_rest_of_its_batch(
    house: EtcdHouse, clock: Clock
) -> None:
    for body in (b"1", b"2", b"3"):
        await house.store().publish(a_publication({"web": body}))
    collecting, faulty = house.faulty_store()
    marked = (await collecting.collect_garbage(now_s=clock(), grace_s=10, keep_revisions=1)).marked
    faulty.before_txn = lambda: house.store().publish(a_publication({"web": b"1"}))
    clock.now_s += 1000
    swept = await collecting.collect_garbage(now_s=clock(), grace_s=10, keep_revisions=1)

    assert 0 < swept.removed < marked
    assert (await house.store().snapshot(GROUP, 4)).resources[0].body == b"1"


async def test_a_blob_that_was_written_again_and_marked_anew_is_not_removed(house: EtcdHouse, clock: Clock) -> None:
    for body in (b"1", b"2"):
        await house.store().publish(a_publication({"web": body}))
    collecting, faulty = house.faulty_store()
    marked = (await collecting.collect_garbage(now_s=clock(), grace_s=10, keep_revisions=1)).marked
    client, keys = house.client(), Keys(house.root)
    digest = digest_in((await client.list(keys.garbage)).items[0].key)
    written_again = await client.get(keys.blob(digest))
    assert written_again
    faulty.before_txn = lambda: client.put(written_again.key, written_again.value)
    clock.now_s += 1000
    swept = await collecting.collect_garbage(now_s=clock(), grace_s=10, keep_revisions=1)

    assert swept.removed == marked - 1
    assert await client.get(keys.blob(digest)) is not None


async def test_a_blob_whose_mark_was_taken_away_meanwhile_is_not_removed(house: EtcdHouse, clock: Clock) -> None:
    for body in (b"1", b"2"):
        await house.store().publish(a_publication({"web": body}))
    collecting, faulty = house.faulty_store()
    marked = (await collecting.collect_garbage(now_s=clock(), grace_s=10, keep_revisions=1)).marked
    client, keys = house.client(), Keys(house.root)
    mark = (await client.list(keys.garbage)).items[0].key
    faulty.before_txn = lambda: client.delete(mark)
    clock.now_s += 1000
    swept = await collecting.collect_garbage(now_s=clock(), grace_s=10, keep_revisions=1)

    assert swept.removed == marked - 1


async def test_blobs_stored_ahead_begin_a_new_grace(house: EtcdHouse, clock: Clock) -> None:
    await house.store().publish(a_publication(_LARGE))
    await house.store().publish(a_publication({"other": b"x"}))
    await house.store().collect_garbage(now_s=clock(), grace_s=10, keep_revisions=1)
    before = await _blob_count(house)
    store, faulty = house.faulty_store()
    send = faulty.txn

    async def cut_off_before_the_commit(compare: Sequence[Compare], *given: object, **named: object) -> object:
        if compare:
            raise StoreUnavailable("cut off")
        return await send(compare, *given, **named)  # type: ignore[arg-type]

    faulty.txn = cut_off_before_the_commit  # type: ignore[assignment, method-assign]
    with pytest.raises(StoreUnavailable):
        await store.publish(a_publication(_LARGE))
    clock.now_s += 1000
    await house.store().collect_garbage(now_s=clock(), grace_s=10, keep_revisions=1)

    assert await _blob_count(house) == before


async def test_a_mark_on_what_is_named_again_is_taken_away(house: EtcdHouse, clock: Clock) -> None:
    published = await house.store().publish(a_publication({"web": b"1"}))
    client, keys = house.client(), Keys(house.root)
    await client.put(keys.mark(Digest(published.revision.snapshot)), b"1.0")
    swept = await house.store().collect_garbage(now_s=clock(), grace_s=10, keep_revisions=1)

    assert swept.removed == 0
    assert (await client.list(keys.garbage)).items == ()


async def test_a_rollback_to_what_is_forgotten_meanwhile_is_not_found(house: EtcdHouse, clock: Clock) -> None:
    store, faulty = house.faulty_store()
    for number in range(3):
        await store.publish(a_publication({"web": b"%d" % number}))
    faulty.before_txn = lambda: _collect(house, clock)
    with pytest.raises(NotFound, match="no longer kept"):
        await store.rollback(a_rollback(1))


async def test_keys_are_forgotten_with_their_revisions(house: EtcdHouse, clock: Clock) -> None:
    store = house.store()
    for number in range(4):
        await store.publish(a_publication({"web": b"%d" % number}, key=f"a key/{number}"))
    await _collect(house, clock)
    left = await house.client().list(f"{house.root}/v1/idempotency/", keys_only=True)
    assert len(left.items) == 1


async def test_a_missing_or_damaged_blob_is_named_and_stops_the_collection(house: EtcdHouse, clock: Clock) -> None:
    published = await house.store().publish(a_publication({"web": b"1"}))
    client, blob = house.client(), f"{house.root}/v1/blobs/{published.revision.snapshot}"
    await client.put(blob, b"\x01rubbish")
    with pytest.raises(Damaged, match=r"revision 1 .*does not decompress.*backup"):
        await house.store().snapshot(GROUP, 1)
    await client.delete(blob)
    with pytest.raises(Damaged, match="is missing"):
        await house.store().snapshot(GROUP, 1)
    with pytest.raises(Damaged):
        await _collect(house, clock)
