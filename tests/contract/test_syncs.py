"""What every SyncStore does, whatever it keeps syncs in."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from api.errors import Finding
from snapshots.model import WorkspaceName
from snapshots.store.codec import Damaged
from snapshots.store.endpoint_sets import Store
from snapshots.store.sync_records import decode_sync, encode_sync
from snapshots.store.syncs import Sync, SyncOrders, SyncReport
from tests.contract.publications import GROUP
from xds.protocol.types import GroupName

OTHER = GroupName("other/group")
SHOP, PAY = WorkspaceName("shop"), WorkspaceName("pay")
REPORT = SyncReport(
    source="shop", url="https://git.example.com/shop.git", commit="9f3c2", why="ein Fehler: ü", committed_at_s=17,
    findings=(Finding("E0301", "no such field", "web.yaml", 7, 3),),
)  # fmt: skip


def a_sync(version: int = 1, workspace: WorkspaceName = SHOP, group: GroupName = GROUP) -> Sync:
    return Sync(group, workspace, version, "one:/var/lib", 1_700_000_000.5, REPORT, SyncOrders(2, "ada", "the sale", 5))


async def test_a_sync_is_kept_as_it_was_given(store: Store) -> None:
    assert await store.sync(GROUP, SHOP) is None
    assert await store.syncs() == ()
    assert await store.put_sync(a_sync())
    assert await store.sync(GROUP, SHOP) == a_sync()


async def test_syncs_are_listed_by_group_and_workspace(store: Store) -> None:
    every = (a_sync(1, PAY), a_sync(), a_sync(1, SHOP, OTHER))
    for each in reversed(every):
        assert await store.put_sync(each)
    assert await store.syncs() == tuple(sorted(every, key=lambda sync: (sync.group, sync.workspace)))
    assert await store.syncs(OTHER) == (a_sync(1, SHOP, OTHER),)
    assert await store.syncs(GroupName("other")) == ()


@pytest.mark.parametrize("version", [0, 1, 3])
async def test_only_the_next_version_is_taken(store: Store, version: int) -> None:
    assert await store.put_sync(a_sync())
    assert not await store.put_sync(replace(a_sync(version), holder="another"))
    assert await store.sync(GROUP, SHOP) == a_sync()
    assert await store.put_sync(a_sync(2))


async def test_of_many_that_write_the_same_version_one_wins(store: Store) -> None:
    wanted = [replace(a_sync(), holder=f"number {number}") for number in range(8)]
    won = await asyncio.gather(*map(store.put_sync, wanted))
    assert sum(won) == 1
    assert await store.sync(GROUP, SHOP) == wanted[won.index(True)]


@pytest.mark.parametrize("data", [b"", b"{}", b'{"format":1}', b"[]", encode_sync(a_sync()).replace(b"until_s", b"u")])
def test_a_damaged_record_is_told(data: bytes) -> None:
    with pytest.raises(Damaged):
        decode_sync(data)


def test_a_record_is_one_line_that_people_can_read() -> None:
    encoded = encode_sync(a_sync())
    assert decode_sync(encoded) == a_sync()
    assert b"\n" not in encoded
    assert b'"holder":"one:/var/lib"' in encoded
