"""What only a store in etcd has: other stores, lost answers, kills, compaction, bytes written, garbage."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from itertools import count

import pytest

from api.errors import Conflict, NotFound, StoreUnavailable
from snapshots.store.codec import Damaged
from snapshots.store.etcd.client import EtcdClient
from snapshots.store.etcd.errors import Compacted
from snapshots.store.etcd.settings import EtcdSettings
from snapshots.store.etcd_store import EtcdStore
from snapshots.store.keys import Keys
from snapshots.store.memory import MemoryStore
from snapshots.store.protocol import Publication, Published, Revision
from snapshots.store.records import verify_audit
from tests.contract.conftest import Clock, EtcdHouse
from tests.contract.publications import GROUP, PAYMENTS, SHOP, a_publication, a_rollback, many
from xds.protocol.types import GroupName

pytestmark = pytest.mark.etcd


async def test_two_stores_on_one_etcd_and_one_in_memory_agree_on_every_digest(house: EtcdHouse, clock: Clock) -> None:
    one, other, memory = house.store(), house.store(), MemoryStore(clock)
    for number in range(6):
        publication = a_publication({"web": b"%d" % number, "same": b"s"}, workspace=(SHOP, PAYMENTS)[number % 2])
        if number % 2:
            publication = a_publication({f"pay-{number}": b"p"}, workspace=PAYMENTS)
        published = await (one, other)[number % 3 == 0].publish(publication)
        assert published.revision.snapshot == (await memory.publish(publication)).revision.snapshot
    assert await one.snapshot(GROUP, 6) == await other.snapshot(GROUP, 6)


async def test_stores_that_race_compose_all_workspaces(house: EtcdHouse) -> None:
    stores = [house.store() for _ in range(4)]
    racing = [
        store.publish(a_publication({f"team-{index}-{turn}": b"x"}, workspace=f"team-{index}-{turn}"))  # type: ignore[arg-type]
        for index, store in enumerate(stores)
        for turn in range(4)
    ]
    published = await asyncio.gather(*racing)

    assert sorted(each.revision.number for each in published) == list(range(1, 17))
    assert len((await stores[0].snapshot(GROUP, 16)).resources) == 16
    assert verify_audit(await stores[0].audit(GROUP)) == ()


async def test_one_change_writes_one_transaction_and_no_more_in_a_larger_group(house: EtcdHouse) -> None:
    written = {}
    for size in (1_000, 10_000):
        store, faulty = house.faulty_store()
        group, bodies = GroupName(f"group-of-{size}"), many(size)
        await store.publish(a_publication(bodies, group=group))
        faulty.written_bytes = faulty.write_transactions = 0
        await store.publish(a_publication({**bodies, "cluster-7": b"changed"}, group=group))
        written[size] = faulty.written_bytes
        assert faulty.write_transactions == 1

    assert written[10_000] / written[1_000] < 1.5
    assert written[10_000] < 64 * 1024


async def test_a_diff_reads_the_buckets_that_differ_and_no_others(house: EtcdHouse) -> None:
    bodies = many(2_000)
    await house.store().publish(a_publication(bodies))
    await house.store().publish(a_publication({**bodies, "cluster-7": b"changed"}))
    store, faulty = house.faulty_store()

    assert [change.name for change in await store.diff(GROUP, 1, 2)] == ["cluster-7"]
    blobs = [key for key in faulty.read_keys if key.startswith(Keys(house.root).blobs)]
    assert len(blobs) == 4  # two manifests and two buckets


async def _calls_of(house: EtcdHouse, publication: Publication) -> int:
    """How many calls to etcd one publication makes (in a group of its own)."""
    store, faulty = house.faulty_store()
    await store.publish(publication)
    return faulty.calls


_SMALL = {"web": b"1", "api": b"1"}
_LARGE = many(60)


@pytest.mark.parametrize("bodies", [_SMALL, _LARGE], ids=["in one transaction", "blobs first"])
@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after it"])
async def test_cut_off_at_any_call_a_retry_with_the_same_key_makes_exactly_one_revision(
    house: EtcdHouse, bodies: dict[str, bytes], after: bool
) -> None:
    calls = await _calls_of(house, a_publication(bodies, group=GroupName("counted")))
    for number in range(1, calls + 1):
        group = GroupName(f"cut-{number}")
        publication = a_publication(bodies, group=group)
        store, faulty = house.faulty_store()
        faulty.fail_call, faulty.after = number, after
        outcome = await _published_or_none(store.publish(publication))
        await _assert_consistent(house, group)
        retried = await house.store().publish(publication)

        assert retried.revision.number == 1
        assert retried.created == (outcome is None and not await _was_stored(faulty, number, calls, after))
        assert [revision.number for revision in await house.store().history(group)] == [1]
        assert len((await house.store().snapshot(group, 1)).resources) == len(bodies)


async def _published_or_none(publishing: object) -> Published | None:
    try:
        return await publishing  # type: ignore[no-any-return, misc]
    except StoreUnavailable:
        return None


async def _was_stored(faulty: object, number: int, calls: int, after: bool) -> bool:
    """Only a commit whose answer was lost is stored; the store then finds out by itself and does not fail."""
    return after and number == calls


async def _assert_consistent(house: EtcdHouse, group: GroupName) -> None:
    """Whatever is there can be read: a head, its record, its audit record and all of its blobs; or there is nothing."""
    store = house.store()
    head = await store.head(group)
    if head is None:
        with pytest.raises(NotFound):
            await store.history(group)
        return
    await store.snapshot(group, head.number)
    assert (await store.history(group))[0] == head
    assert (await store.audit(group))[0].number == head.number


async def test_a_lost_answer_to_the_commit_is_looked_up(house: EtcdHouse) -> None:
    store, faulty = house.faulty_store()
    await store.publish(a_publication({"web": b"1"}))
    faulty.calls, faulty.fail_call, faulty.after = 0, 2, True  # the read, then the transaction
    published = await store.publish(a_publication({"web": b"2"}))

    assert published.created
    assert published.revision == await house.store().head(GROUP)


async def test_an_outage_that_outlasts_the_publish_says_so_and_a_retry_finds_what_was_stored(house: EtcdHouse) -> None:
    store, faulty = house.faulty_store()
    publication = a_publication({"web": b"1"})
    commit = faulty.txn

    async def commits_and_dies(*given: object, **named: object) -> object:
        await commit(*given, **named)  # type: ignore[arg-type]
        faulty.fail_call = faulty.calls + 1
        raise StoreUnavailable("gone")

    faulty.txn = commits_and_dies  # type: ignore[assignment, method-assign]
    with pytest.raises(StoreUnavailable):
        await store.publish(publication)
    retried = await house.store().publish(publication)
    assert (retried.revision.number, retried.created) == (1, False)


async def test_a_commit_that_the_client_sent_twice_is_one_revision_and_made_by_us(house: EtcdHouse) -> None:
    store, faulty = house.faulty_store()
    send = faulty.txn

    async def twice(*given: object, **named: object) -> object:
        await send(*given, **named)  # type: ignore[arg-type]
        return await send(*given, **named)  # type: ignore[arg-type]

    faulty.txn = twice  # type: ignore[assignment, method-assign]
    assert (await store.publish(a_publication({"web": b"1"}))).created
    assert (await store.publish(a_publication({"web": b"2"}))).created
    assert (await store.rollback(a_rollback(1))).created
    assert len(await store.history(GROUP)) == 3


async def test_a_writer_that_always_loses_gives_up_and_says_so(house: EtcdHouse) -> None:
    slow, faulty = house.faulty_store()
    fast, turns = house.store(), count(1)

    async def overtake() -> None:
        await fast.publish(a_publication({"pay": b"%d" % next(turns)}, workspace=PAYMENTS))
        faulty.before_txn = overtake

    faulty.before_txn = overtake
    with pytest.raises(Conflict, match=r'group "edge" moved \d+ times .*nothing was stored'):
        await slow.publish(a_publication({"web": b"1"}))
    with pytest.raises(Conflict, match="nothing was stored"):
        await slow.rollback(a_rollback(1))


async def test_a_writer_that_was_overtaken_recomposes(house: EtcdHouse) -> None:
    slow, faulty = house.faulty_store()
    await slow.publish(a_publication({"web": b"1"}, workspace=SHOP))
    faulty.before_txn = lambda: house.store().publish(a_publication({"pay": b"1"}, workspace=PAYMENTS))
    published = await slow.publish(a_publication({"web": b"2"}, workspace=SHOP, base=1))

    assert published.revision.number == 3
    assert {resource.name for resource in (await slow.snapshot(GROUP, 3)).resources} == {"web", "pay"}


async def test_an_audit_record_that_was_removed_by_hand_is_named(house: EtcdHouse) -> None:
    store = house.store()
    for body in (b"1", b"2"):
        await store.publish(a_publication({"web": body}))
    await house.client().delete(Keys(house.root).audit(GROUP, 2))
    with pytest.raises(Damaged, match=r"audit record of revision 2 .*backup"):
        await store.publish(a_publication({"web": b"3"}, base=1))


async def _heads_until(house: EtcdHouse, last: int, started: asyncio.Event) -> list[Revision]:
    seen: list[Revision] = []
    async with asyncio.timeout(60), aclosing(house.store().watch()) as heads:
        async for revision in heads:
            seen.append(revision)
            started.set()
            if revision.number >= last:
                return seen
    raise AssertionError("a watch never ends by itself")


async def test_a_watch_in_one_process_sees_what_another_publishes(house: EtcdHouse) -> None:
    store, started = house.store(), asyncio.Event()
    await store.publish(a_publication({"web": b"1"}))
    watching = asyncio.create_task(_heads_until(house, 12, started))
    await started.wait()
    for number in range(2, 13):
        await store.publish(a_publication({"web": b"%d" % number}))
    numbers = [revision.number for revision in await watching]

    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 12


async def test_a_watch_that_was_compacted_away_lists_and_goes_on(house: EtcdHouse) -> None:
    store, faulty = house.faulty_store()
    await store.publish(a_publication({"web": b"1"}))
    watch, starts = faulty.watch, list[int]()

    def from_the_past(prefix: str, *, start_revision: int) -> object:
        starts.append(start_revision)
        return watch(prefix, start_revision=start_revision if len(starts) > 1 else 1)

    faulty.watch = from_the_past  # type: ignore[assignment, method-assign]
    client = house.client()
    revision = (await client.list(Keys(house.root).targets)).revision
    await client.compact(revision)
    with pytest.raises(Compacted):
        async with aclosing(client.watch(Keys(house.root).targets, start_revision=1)) as batches:
            await anext(batches)
    async with asyncio.timeout(60), aclosing(store.watch()) as heads:
        assert (await anext(heads)).number == 1
        for number in (2, 3):  # the second comes with the listing after the compaction, the third with its watch
            published = await house.store().publish(a_publication({"web": b"%d" % number}))
            assert await anext(heads) == published.revision
    assert len(starts) == 2


async def test_a_watch_outlives_an_etcd_that_cannot_answer(house: EtcdHouse) -> None:
    store, faulty = house.faulty_store()
    published = await house.store().publish(a_publication({"web": b"1"}))
    faulty.fail_call = 1
    async with asyncio.timeout(60), aclosing(store.watch()) as heads:
        assert await anext(heads) == published.revision
    assert faulty.calls == 2


async def test_an_etcd_that_is_down_is_a_status_and_a_clear_error() -> None:
    settings = EtcdSettings(endpoints=("http://127.0.0.1:1",), timeout_s=0.5)
    store = EtcdStore(EtcdClient(settings), lambda: 0.0)
    status = await store.status()
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1"):
        await store.publish(a_publication({"web": b"1"}))
    await store.close()

    assert not status.reachable
    assert status.detail
