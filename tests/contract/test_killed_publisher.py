"""SIGKILL around the transaction: whatever moment it hits, what is committed is whole, and a retry publishes once."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from pathlib import Path

import pytest

from snapshots.store.etcd_store import EtcdStore
from snapshots.store.records import verify_audit
from tests.contract.conftest import EtcdHouse
from tests.contract.publications import GROUP
from tests.contract.publisher import publication

pytestmark = pytest.mark.etcd
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("delay_s", [0.0, 0.001, 0.003, 0.007])
async def test_a_publisher_killed_at_any_moment_leaves_whole_revisions_only(house: EtcdHouse, delay_s: float) -> None:
    store = house.store()
    command = (sys.executable, "-m", "tests.contract.publisher", house.endpoint, house.root)
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
    try:
        await _head_reaches(store, 3)
        await asyncio.sleep(delay_s)  # not to wait for anything: to hit another part of a publish
    finally:
        process.kill()
        await process.wait()
    newest = await _head_reaches(store, 3)
    repeated, following = await store.publish(publication(newest)), await store.publish(publication(newest + 1))

    assert (repeated.revision.number, repeated.created) == (newest, False)
    assert following.revision.number == newest + 1  # by this publish, or by one that was under way when it was killed
    assert [revision.number for revision in await store.history(GROUP)] == list(range(newest + 1, 0, -1))
    assert verify_audit(await store.audit(GROUP)) == ()
    for number in range(1, newest + 2):
        assert len((await store.snapshot(GROUP, number)).resources) == 60


async def _head_reaches(store: EtcdStore, number: int) -> int:
    async with asyncio.timeout(60), aclosing(store.watch()) as heads:
        return await anext(revision.number async for revision in heads if revision.number >= number)
