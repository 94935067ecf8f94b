"""Whose turn a sync is, and what orders make of it: tables over the decisions; and who may publish beside it."""

from __future__ import annotations

from typing import Any

import pytest

from api.errors import Denied, InvalidConfig
from api.management.syncing import admit_change, ordered, reported
from api.management.v1 import management_pb2 as pb
from snapshots.model import WorkspaceName
from snapshots.store.memory import MemoryStore
from snapshots.store.syncs import Sync, SyncOrders, SyncReport
from xds.protocol.types import GroupName

GROUP, SHOP = GroupName("edge"), WorkspaceName("shop")
NEWS = SyncReport(state="synced")


def a_sync(holder: str = "one", until_s: float = 110.0, **more: Any) -> Sync:
    return Sync(GROUP, SHOP, 1, holder, until_s, **more)


@pytest.mark.parametrize(
    ("sync", "holder", "wanted_holder", "until_s", "is_kept"),
    [
        pytest.param(Sync(GROUP, SHOP, 0), "one", "one", 115.0, True, id="the first takes the turn"),
        pytest.param(a_sync(), "one", "one", 110.0, True, id="half of it has not passed: it is not written anew"),
        pytest.param(a_sync(until_s=105), "one", "one", 115.0, True, id="half of it has passed"),
        pytest.param(a_sync(), "two", "one", 110.0, False, id="another waits"),
        pytest.param(a_sync(until_s=100), "two", "two", 115.0, True, id="another takes what is over"),
        pytest.param(a_sync(until_s=900), "one", "one", 115.0, True, id="a longer turn becomes as long as is asked"),
    ],
)
def test_a_turn(sync: Sync, holder: str, wanted_holder: str, until_s: float, is_kept: bool) -> None:
    after = reported(sync, NEWS, holder, 15.0, 100.0)
    assert (after.holder, after.until_s) == (wanted_holder, until_s)
    assert (after.report == NEWS) is is_kept


def test_the_same_report_again_changes_nothing() -> None:
    sync = reported(a_sync(), NEWS, "one", 15.0, 100.0)
    assert reported(sync, NEWS, "one", 15.0, 101.0) == sync


def test_a_follower_that_ends_leaves_its_turn() -> None:
    assert reported(a_sync(), NEWS, "one", 1.0, 100.0).until_s == 101.0


def test_orders() -> None:
    sync = a_sync(orders=SyncOrders(looks=3))
    assert ordered(sync, pb.OrderSyncRequest.NOW, "ada", "", 7).orders == SyncOrders(looks=4)
    suspended = ordered(sync, pb.OrderSyncRequest.SUSPEND, "ada", "the sale", 7)
    assert suspended.orders == SyncOrders(3, "ada", "the sale")
    assert ordered(suspended, pb.OrderSyncRequest.RESUME, "ada", "", 7).orders == SyncOrders(4, resumed_revision=7)
    with pytest.raises(InvalidConfig):
        ordered(sync, 0, "ada", "", 7)


class OnlyAStore:
    """As much of a Backend as is asked."""

    def __init__(self, sync: Sync | None) -> None:
        self.store = MemoryStore(lambda: 100.0)
        self._sync = sync

    async def filled(self) -> Any:
        if self._sync is not None:
            assert await self.store.put_sync(self._sync)
        return self


@pytest.mark.parametrize(
    ("sync", "header", "source"),
    [
        pytest.param(None, {}, "here", id="nothing is followed"),
        pytest.param(a_sync(), {"sync_holder": "one"}, "here", id="the follower itself"),
        pytest.param(a_sync(), {"sync_holder": "two"}, None, id="a follower without the turn"),
        pytest.param(a_sync(), {}, None, id="by hand"),
        pytest.param(a_sync(), {"break_glass": True}, "break-glass: here", id="an emergency"),
        pytest.param(a_sync(report=SyncReport(mode="report")), {}, "here", id="it only reports"),
        pytest.param(a_sync(orders=SyncOrders(suspended_by="ada")), {}, "break-glass: here", id="suspended by order"),
        pytest.param(
            a_sync(report=SyncReport(state="suspended")), {}, "break-glass: here", id="suspended by a rollback"
        ),
    ],
)
async def test_who_may_publish_beside_a_sync(sync: Sync | None, header: dict[str, Any], source: str | None) -> None:
    backend = await OnlyAStore(sync).filled()
    upload = pb.UploadHeader(source="here", **header)
    if source is None:
        with pytest.raises(Denied):
            await admit_change(backend, GROUP, SHOP, upload)
    else:
        assert await admit_change(backend, GROUP, SHOP, upload) == source
