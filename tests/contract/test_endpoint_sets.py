"""What every EndpointStore does, whatever it keeps its sets in; and what the one in etcd does when it is cut off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from api.errors import Conflict, LimitExceeded, StoreUnavailable
from snapshots.store.codec import Damaged
from snapshots.store.endpoint_records import verify_endpoint_audit
from snapshots.store.endpoint_sets import (
    ENDPOINT_RECORDS_KEPT,
    ENDPOINT_SET_LIMIT_BYTES,
    EndpointSet,
    SetChange,
    Store,
)
from snapshots.store.keys import Keys
from tests.contract.conftest import EtcdHouse
from tests.contract.publications import GROUP
from xds.protocol.types import GroupName

OTHER = GroupName("other/group")


def a_set(
    version: int = 1, body: bytes | None = None, *, name: str = "carts", group: GroupName = GROUP, author: str = "ada"
) -> EndpointSet:
    return EndpointSet(group, name, version, b"v%d" % version if body is None else body, author, "why it is done")


async def put_many(store: Store, last: int, *, first: int = 1) -> None:
    for version in range(first, last + 1):
        await store.put_endpoint_set(a_set(version))


async def test_a_set_is_kept_as_it_was_given_with_the_stores_time(store: Store) -> None:
    wanted = a_set(body=b"\nany\n\x00bytes\n")
    kept = await store.put_endpoint_set(wanted)

    assert replace(kept, created_s=0.0) == wanted
    assert kept.created_s > 1_700_000_000
    assert await store.endpoint_set(GROUP, "carts") == kept
    assert await store.endpoint_sets(GROUP) == (kept,)


async def test_there_is_nothing_before_the_first(store: Store) -> None:
    assert await store.endpoint_set(GROUP, "carts") is None
    assert await store.endpoint_sets(GROUP) == ()
    assert await store.endpoint_audit(GROUP, "carts") == ()


@pytest.mark.parametrize("version", [1, 2, 4])
async def test_a_version_that_is_not_the_next_names_the_newest_and_its_author(store: Store, version: int) -> None:
    await put_many(store, 1)
    await store.put_endpoint_set(a_set(2, author="grace"))

    with pytest.raises(
        Conflict, match=rf'"carts" of group "{GROUP}".*version {version - 1}.*version 2 by grace'
    ) as refused:
        await store.put_endpoint_set(a_set(version, b"other"))
    assert [finding.code for finding in refused.value.findings] == ["E0902"]
    kept = await store.endpoint_set(GROUP, "carts")
    assert kept is not None
    assert kept.body == b"v2"


async def test_a_first_version_that_is_not_one_says_that_there_is_none(store: Store) -> None:
    with pytest.raises(Conflict, match="there are none yet"):
        await store.put_endpoint_set(a_set(2))


async def test_of_two_racing_one_wins(store: Store) -> None:
    racing = (store.put_endpoint_set(a_set(1, body)) for body in (b"one", b"two"))
    outcomes = await asyncio.gather(*racing, return_exceptions=True)

    (won,) = [each for each in outcomes if isinstance(each, EndpointSet)]
    assert [type(each) for each in outcomes if each is not won] == [Conflict]
    assert await store.endpoint_set(GROUP, "carts") == won


async def test_sets_of_other_names_and_groups_are_apart(store: Store) -> None:
    names = ["carts", "carts/v2", "%2F", "zürich", "a"]
    await asyncio.gather(*(store.put_endpoint_set(a_set(name=name)) for name in names))
    await store.put_endpoint_set(a_set(name="carts", group=OTHER))

    assert [each.name for each in await store.endpoint_sets(GROUP)] == sorted(names)
    assert [(each.group, each.name) for each in await store.endpoint_sets(OTHER)] == [(OTHER, "carts")]


async def test_a_cleared_set_is_not_listed_and_its_versions_go_on(store: Store) -> None:
    await put_many(store, 1)
    cleared = await store.put_endpoint_set(a_set(2, b""))

    assert cleared.cleared
    assert await store.endpoint_sets(GROUP) == ()
    assert await store.endpoint_sets(GROUP, with_cleared=True) == (cleared,)
    assert await store.endpoint_set(GROUP, "carts") == cleared
    with pytest.raises(Conflict):
        await store.put_endpoint_set(a_set(1))
    assert (await store.put_endpoint_set(a_set(3))).version == 3


async def test_a_body_over_the_limit_is_refused_and_one_at_it_is_kept(store: Store) -> None:
    whole = await store.put_endpoint_set(a_set(1, b"\xff" * ENDPOINT_SET_LIMIT_BYTES))
    with pytest.raises(LimitExceeded, match=rf'"carts".*{ENDPOINT_SET_LIMIT_BYTES + 1} bytes') as refused:
        await store.put_endpoint_set(a_set(2, b"\xff" * (ENDPOINT_SET_LIMIT_BYTES + 1)))

    assert [finding.code for finding in refused.value.findings] == ["E0602"]
    assert await store.endpoint_set(GROUP, "carts") == whole


async def test_the_audit_says_who_did_what_and_an_edit_is_noticed(store: Store) -> None:
    both = (SetChange("ada", "deploy", "drained 10.0.0.7:8080"), SetChange("grace", "", "added 10.0.0.8:8080"))
    await store.put_endpoint_set(a_set(1))
    await store.put_endpoint_set(a_set(2, b""), both)
    newest, first = await store.endpoint_audit(GROUP, "carts")

    assert (newest.number, newest.changes, newest.cleared) == (2, both, True)
    assert (first.number, first.changes, first.cleared) == (1, (SetChange("ada", "why it is done"),), False)
    assert verify_endpoint_audit((newest, first)) == ()
    (edited,) = verify_endpoint_audit((newest, replace(first, changes=both)))
    assert (edited.code, "carts" in edited.message) == ("E0904", True)
    assert [finding.code for finding in verify_endpoint_audit((newest, replace(first, number=3)))] == ["E0904", "E0905"]


async def test_the_newest_records_are_kept_and_still_verify(store: Store) -> None:
    await put_many(store, ENDPOINT_RECORDS_KEPT + 3)
    records = await store.endpoint_audit(GROUP, "carts", limit=2 * ENDPOINT_RECORDS_KEPT)

    assert [record.number for record in records] == list(range(ENDPOINT_RECORDS_KEPT + 3, 3, -1))
    assert verify_endpoint_audit(records) == ()
    assert await store.endpoint_audit(GROUP, "carts", limit=1) == records[:1]


async def test_a_watch_starts_with_one_batch_of_all_that_are_not_cleared(store: Store) -> None:
    await put_many(store, 2)
    await store.put_endpoint_set(a_set(name="gone"))
    await store.put_endpoint_set(a_set(2, b"", name="gone"))
    await store.put_endpoint_set(a_set(group=OTHER))

    async with asyncio.timeout(60), aclosing(store.watch_endpoint_sets()) as batches:  # type: ignore[type-var]
        first = await anext(batches)
        assert [(each.group, each.name, each.version) for each in first] == [(GROUP, "carts", 2), (OTHER, "carts", 1)]
        cleared = await store.put_endpoint_set(a_set(3, b""))
        assert await anext(batches) == (cleared,)


async def test_a_watch_of_nothing_says_so_and_then_tells_what_comes(store: Store) -> None:
    async with asyncio.timeout(60), aclosing(store.watch_endpoint_sets()) as batches:  # type: ignore[type-var]
        assert await anext(batches) == ()
        kept = await store.put_endpoint_set(a_set())
        assert await anext(batches) == (kept,)


async def test_a_watch_may_skip_versions_but_never_goes_back_and_ends_at_the_newest(store: Store) -> None:
    seen: list[int] = []
    async with asyncio.timeout(60), aclosing(store.watch_endpoint_sets()) as batches:  # type: ignore[type-var]
        await anext(batches)
        await put_many(store, 30)
        while not seen or seen[-1] < 30:
            seen += [each.version for each in await anext(batches)]

    assert seen == sorted(set(seen))


# -- in etcd


async def _seen(store: Store) -> AsyncIterator[tuple[tuple[str, int, bytes], ...]]:
    async with aclosing(store.watch_endpoint_sets()) as batches:  # type: ignore[type-var]
        async for batch in batches:
            yield tuple((each.name, each.version, each.body) for each in batch)


@pytest.mark.etcd
async def test_a_change_is_one_transaction_that_is_no_larger_for_what_else_there_is(house: EtcdHouse) -> None:
    store, faulty = house.faulty_store()
    await put_many(store, 3)
    faulty.write_transactions = faulty.written_bytes = faulty.calls = 0
    await store.put_endpoint_set(a_set(4))

    assert (faulty.write_transactions, faulty.calls) == (1, 2)
    assert faulty.written_bytes < 1000


@pytest.mark.etcd
async def test_a_writer_that_was_overtaken_is_told_by_whom(house: EtcdHouse) -> None:
    store, faulty = house.faulty_store()
    faulty.before_txn = lambda: house.store().put_endpoint_set(a_set(1, b"theirs", author="grace"))

    with pytest.raises(Conflict, match="version 1 by grace"):
        await store.put_endpoint_set(a_set(1, b"ours"))
    assert [record.changes[0].author for record in await store.endpoint_audit(GROUP, "carts")] == ["grace"]


@pytest.mark.etcd
async def test_changes_of_other_sets_do_not_get_in_the_way(house: EtcdHouse) -> None:
    store, faulty = house.faulty_store()
    faulty.before_txn = lambda: house.store().put_endpoint_set(a_set(name="orders"))

    assert (await store.put_endpoint_set(a_set())).version == 1


@pytest.mark.etcd
async def test_a_lost_answer_is_looked_up_also_when_another_came_after(house: EtcdHouse) -> None:
    store, faulty = house.faulty_store()
    faulty.fail_call, faulty.after = 2, True
    assert await store.put_endpoint_set(a_set()) == await house.store().endpoint_set(GROUP, "carts")

    txn = faulty.txn

    async def overtaken(*arguments: object, **options: object) -> object:
        await txn(*arguments, **options)  # type: ignore[arg-type]
        await house.store().put_endpoint_set(a_set(3))
        raise StoreUnavailable("cut off before the answer came")

    faulty.txn = overtaken  # type: ignore[assignment, method-assign]
    assert (await store.put_endpoint_set(a_set(2))).version == 2
    assert verify_endpoint_audit(await store.endpoint_audit(GROUP, "carts")) == ()


@pytest.mark.etcd
async def test_a_transaction_that_the_client_sent_twice_is_no_conflict(house: EtcdHouse) -> None:
    store, faulty = house.faulty_store()
    txn = faulty.txn

    async def twice(*arguments: object, **options: object) -> object:
        await txn(*arguments, **options)  # type: ignore[arg-type]
        return await txn(*arguments, **options)  # type: ignore[arg-type]

    faulty.txn = twice  # type: ignore[assignment, method-assign]
    assert (await store.put_endpoint_set(a_set())).version == 1
    assert len(await store.endpoint_audit(GROUP, "carts")) == 1


@pytest.mark.etcd
async def test_cut_off_before_the_write_nothing_is_stored_and_it_says_so(house: EtcdHouse) -> None:
    store, faulty = house.faulty_store()
    faulty.fail_call = 2
    with pytest.raises(StoreUnavailable):
        await store.put_endpoint_set(a_set())
    assert await house.store().endpoint_set(GROUP, "carts") is None


@pytest.mark.etcd
async def test_a_watch_that_was_compacted_away_tells_what_differs(house: EtcdHouse) -> None:
    store, faulty = house.faulty_store()
    for name in ("changed", "cleared", "deleted", "same"):
        await store.put_endpoint_set(a_set(name=name))
    watch, starts = faulty.watch, list[int]()

    def from_the_past(prefix: str, *, start_revision: int) -> object:
        starts.append(start_revision)
        return watch(prefix, start_revision=start_revision if len(starts) > 1 else 1)

    faulty.watch = from_the_past  # type: ignore[assignment, method-assign]
    client, keys = house.client(), Keys(house.root)
    async with asyncio.timeout(60), aclosing(_seen(store)) as seen:  # type: ignore[type-var]
        assert len(await anext(seen)) == 4
        await store.put_endpoint_set(a_set(2, name="changed"))
        await store.put_endpoint_set(a_set(2, b"", name="cleared"))
        await client.delete(keys.endpoint_set(GROUP, "deleted"))
        await client.compact((await client.list(keys.endpoint_sets)).revision)
        assert await anext(seen) == (("changed", 2, b"v2"), ("cleared", 2, b""), ("deleted", 1, b""))
        await store.put_endpoint_set(a_set(2, name="same"))
        assert await anext(seen) == (("same", 2, b"v2"),)
    assert len(starts) == 2


@pytest.mark.etcd
async def test_a_set_deleted_by_hand_counts_as_cleared_and_can_begin_anew(house: EtcdHouse) -> None:
    store, client = house.store(), house.client()
    await put_many(store, 5)
    async with asyncio.timeout(60), aclosing(_seen(store)) as seen:  # type: ignore[type-var]
        assert await anext(seen) == (("carts", 5, b"v5"),)
        await client.delete(Keys(house.root).endpoint_set(GROUP, "carts"))
        assert await anext(seen) == (("carts", 5, b""),)
        await store.put_endpoint_set(a_set(1))
        assert await anext(seen) == (("carts", 1, b"v1"),)


@pytest.mark.etcd
async def test_a_record_that_is_not_one_says_so(house: EtcdHouse) -> None:
    store, client, keys = house.store(), house.client(), Keys(house.root)
    await client.put(keys.endpoint_set(GROUP, "carts"), b'{"format": 1}\n')
    await client.put(keys.endpoint_audit(GROUP, "carts", 1), b'{"format": 1}')
    with pytest.raises(Damaged, match="endpoint set's record lacks"):
        await store.endpoint_set(GROUP, "carts")
    with pytest.raises(Damaged, match="audit record lacks"):
        await store.endpoint_audit(GROUP, "carts")
