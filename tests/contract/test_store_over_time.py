"""What every SnapshotStore does over time: history, the audit chain, watching, and forgetting."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest

from api.errors import Conflict, NotFound
from snapshots.store.protocol import Revision, SnapshotStore
from snapshots.store.records import verify_audit
from tests.contract.conftest import Clock
from tests.contract.publications import (
    GROUP,
    PAYMENTS,
    SHOP,
    a_publication,
    a_resource,
    a_rollback,
)
from xds.protocol.types import GroupName


async def test_history_is_newest_first_in_pages(store: SnapshotStore) -> None:
    for number in range(1, 6):
        await store.publish(a_publication({"web": b"%d" % number}))

    first = await store.history(GROUP, limit=2)
    second = await store.history(GROUP, limit=2, before=first[-1].number)
    rest = await store.history(GROUP, before=second[-1].number)
    assert [revision.number for revision in (*first, *second, *rest)] == [5, 4, 3, 2, 1]


async def test_the_audit_chain_verifies_and_an_edit_is_noticed(store: SnapshotStore) -> None:
    for body in (b"1", b"2"):
        await store.publish(a_publication({"web": body}))
    await store.rollback(a_rollback(1))
    records = await store.audit(GROUP)

    assert [(record.number, record.action) for record in records] == [(3, "rollback"), (2, "publish"), (1, "publish")]
    assert records[0].source == "revision 1"
    assert verify_audit(records) == ()
    edited = (records[0], replace(records[1], author="nobody"), records[2])
    assert [finding.code for finding in verify_audit(edited)] == ["E0904"]
    assert [finding.code for finding in verify_audit((records[0], records[2]))] == ["E0905"]
    assert await store.audit(GROUP, limit=1) == records[:1]


async def test_a_watch_starts_with_all_heads_and_ends_at_the_last(store: SnapshotStore) -> None:
    other = GroupName("other")
    await store.publish(a_publication({"web": b"1"}))
    await store.publish(a_publication({"web": b"1"}, group=other))
    seen: list[Revision] = []
    async with asyncio.timeout(60), aclosing(store.watch()) as heads:  # type: ignore[type-var]
        while len({revision.group for revision in seen}) < 2:
            seen.append(await anext(heads))
        for number in range(2, 20):
            await store.publish(a_publication({"web": b"%d" % number}))
        while seen[-1].number < 19:
            seen.append(await anext(heads))

    numbers = [revision.number for revision in seen if revision.group == GROUP]
    assert numbers == sorted(set(numbers))
    assert seen[-1] == await store.head(GROUP)


async def test_two_watchers_both_see_the_head(store: SnapshotStore) -> None:
    async def first_head_past(number: int) -> Revision:
        async with aclosing(store.watch()) as heads:  # type: ignore[type-var]
            return await anext(revision async for revision in heads if revision.number > number)

    await store.publish(a_publication({"web": b"1"}))
    watchers = [asyncio.create_task(first_head_past(1)) for _ in range(2)]
    published = await store.publish(a_publication({"web": b"2"}))
    async with asyncio.timeout(60):
        assert await asyncio.gather(*watchers) == [published.revision] * 2


async def test_revisions_beyond_those_kept_are_forgotten(store: SnapshotStore, clock: Clock) -> None:
    for number in range(1, 6):
        await store.publish(a_publication({"web": b"%d" % number}, key=f"key {number}"))
    swept = await store.collect_garbage(now_s=clock(), grace_s=60, keep_revisions=2)

    assert swept.revisions == 3
    assert [revision.number for revision in await store.history(GROUP)] == [5, 4]
    assert len(await store.audit(GROUP)) == 5
    with pytest.raises(NotFound, match="no longer kept"):
        await store.snapshot(GROUP, 1)
    with pytest.raises(NotFound, match="no longer kept"):
        await store.rollback(a_rollback(1))


async def test_what_is_kept_can_be_read_and_restored_after_any_number_of_collections(
    store: SnapshotStore, clock: Clock
) -> None:
    for number in range(1, 5):
        await store.publish(a_publication({"web": b"%d" % number, "same": b"s"}))
    kept = await store.snapshot(GROUP, 3)
    for _ in range(4):
        clock.now_s += 100
        await store.collect_garbage(now_s=clock(), grace_s=10, keep_revisions=2)

    assert await store.snapshot(GROUP, 3) == kept
    back = await store.rollback(a_rollback(3))
    assert (await store.snapshot(GROUP, back.revision.number)).resources == kept.resources


async def test_the_head_is_kept_whatever_is_asked(store: SnapshotStore, clock: Clock) -> None:
    await store.publish(a_publication({"web": b"1"}))
    await store.collect_garbage(now_s=clock(), grace_s=0, keep_revisions=0)
    assert (await store.snapshot(GROUP, 1)).resources == (a_resource("web", b"1"),)


async def test_a_stale_base_is_explained_when_the_winner_is_no_longer_kept(store: SnapshotStore, clock: Clock) -> None:
    await store.publish(a_publication({"web": b"1"}, workspace=SHOP))
    await store.publish(a_publication({"web": b"2"}, workspace=SHOP, author="grace"))
    for number in range(3):
        await store.publish(a_publication({"pay": b"%d" % number}, workspace=PAYMENTS))
    await store.collect_garbage(now_s=clock(), grace_s=0, keep_revisions=1)
    with pytest.raises(Conflict, match="revision 2 by grace"):
        await store.publish(a_publication({"web": b"3"}, workspace=SHOP, base=1))


async def test_a_store_that_answers_says_so(store: SnapshotStore) -> None:
    status = await store.status()
    assert status.reachable
    assert status.alarms == ()
    assert status.kind in ("memory", "etcd")


async def test_closing_twice_is_closing_once(store: SnapshotStore) -> None:
    await store.close()
    await store.close()
