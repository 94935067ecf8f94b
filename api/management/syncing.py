"""What is followed into workspaces: whose turn it is, what people ask of it, and who else may publish there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from api.errors import Denied, InvalidConfig, LimitExceeded, NotFound
from api.management.backend import Backend
from api.management.sync_messages import orders_message, report_from, sync_message
from api.management.v1 import management_pb2 as pb
from snapshots.authoring.names import name_problem
from snapshots.model import WorkspaceName
from snapshots.store import refusals
from snapshots.store.syncs import BROKEN_GLASS, Sync, SyncOrders, SyncReport
from xds.protocol.types import GroupName

ATTEMPTS: Final = 16
SHORTEST_LEASE_S, LONGEST_LEASE_S = 1.0, 600.0
HOLDER_LIMIT_CHARACTERS = 256
Order = pb.OrderSyncRequest


class Syncing:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def report(self, request: pb.ReportSyncRequest) -> pb.ReportSyncResponse:
        """Keep what its follower says, if it is its turn. Raises InvalidConfig, LimitExceeded."""
        lease_s = min(max(request.lease_ms / 1000, SHORTEST_LEASE_S), LONGEST_LEASE_S)
        if not request.holder or len(request.holder) > HOLDER_LIMIT_CHARACTERS:
            raise InvalidConfig(f"a holder is one word of at most {HOLDER_LIMIT_CHARACTERS} characters")
        report, now_s = report_from(request.report), self._backend.now()
        key = _key(request.group, request.workspace)
        kept = await self._changed(key, lambda sync: reported(sync, report, request.holder, lease_s, now_s))
        acting = kept.holder == request.holder
        return pb.ReportSyncResponse(acting=acting, holder=kept.holder, orders=orders_message(kept.orders))

    async def listing(self, request: pb.ListSyncsRequest) -> pb.ListSyncsResponse:
        now_s = self._backend.now()
        found = await self._backend.store.syncs(GroupName(request.group) if request.group else None)
        return pb.ListSyncsResponse(syncs=[sync_message(each, now_s) for each in found])

    async def order(self, request: pb.OrderSyncRequest) -> pb.Sync:
        """Raises NotFound when nothing is followed into the workspace, InvalidConfig for an order that is none."""
        key = _key(request.group, request.workspace)
        standing = await self._last_change(key)
        known = await self._backend.store.sync(*key)
        if known is None:
            raise NotFound(
                f'nothing is followed into workspace "{key[1]}" of group "{key[0]}"; see `fairlead sync status`'
            )
        author, why = request.author[:HOLDER_LIMIT_CHARACTERS] or "somebody", request.message[:1024]
        kept = await self._changed(key, lambda sync: ordered(sync, request.order, author, why, standing))
        return sync_message(kept, self._backend.now())

    async def _last_change(self, key: tuple[GroupName, WorkspaceName]) -> int:
        """The revision that last changed the workspace; 0 for none."""
        head = await self._backend.store.head(key[0])
        return head.workspaces.get(key[1], 0) if head else 0

    async def _changed(self, key: tuple[GroupName, WorkspaceName], change: Callable[[Sync], Sync]) -> Sync:
        """What is kept after `change`, which is asked again when another server was first."""
        for _ in range(ATTEMPTS):
            known = await self._backend.store.sync(*key) or Sync(*key, version=0)
            wanted = change(known)
            if wanted == known:
                return known
            wanted = replace(wanted, version=known.version + 1)
            if await self._backend.store.put_sync(wanted):
                return wanted
        raise refusals.lost_too_often(key[0], ATTEMPTS)


async def admit_change(backend: Backend, group: GroupName, workspace: WorkspaceName, header: pb.UploadHeader) -> str:
    """What the revision's record says of where it came from, if the change may be made.

    Raises Denied when a repository is followed into the workspace, and this is neither its follower nor an emergency.
    """
    sync = await backend.store.sync(group, workspace)
    if sync is None:
        return header.source
    if header.sync_holder:
        if sync.holder != header.sync_holder:
            raise Denied(f"another process has the turn of the sync into workspace {workspace}; this one waits")
        return header.source
    if sync.report.mode != "enforce":
        return header.source
    if sync.refuses_changes_by_hand and not header.break_glass:
        raise Denied(
            f"workspace {workspace} follows {sync.report.reference} of {sync.report.url}: change it there. "
            f"`fairlead sync suspend {workspace}` stops that for now; --break-glass takes a change all the same"
        )
    return BROKEN_GLASS + header.source


def reported(sync: Sync, report: SyncReport, holder: str, lease_s: float, now_s: float) -> Sync:
    """The sync after a report. Whoever has not the turn changes nothing; a turn that is over anybody takes.

    A turn is not written anew with each report: half of it may pass. One that is to be shorter is, so that a follower
    that ends can leave it to the next.
    """
    if sync.holder != holder and now_s < sync.until_s:
        return sync
    same_turn = sync.holder == holder and lease_s / 2 < sync.until_s - now_s <= lease_s
    return replace(sync, holder=holder, until_s=sync.until_s if same_turn else now_s + lease_s, report=report)


def ordered(sync: Sync, order: int, author: str, why: str, last_change: int) -> Sync:
    """The sync after an order. Raises InvalidConfig."""
    orders = sync.orders
    if order == Order.NOW:
        return replace(sync, orders=replace(orders, looks=orders.looks + 1))
    if order == Order.SUSPEND:
        return replace(sync, orders=replace(orders, suspended_by=author, suspended_why=why))
    if order == Order.RESUME:
        return replace(sync, orders=SyncOrders(orders.looks + 1, resumed_revision=last_change))
    raise InvalidConfig("an order is to look now, to suspend or to resume")


def _key(group: str, workspace: str) -> tuple[GroupName, WorkspaceName]:
    for what, name in (("group", group), ("workspace", workspace)):
        if not name or name_problem(name):
            raise InvalidConfig(f'the {what} name "{name[:80]}" {name_problem(name) or "is empty"}')
    if len(group) + len(workspace) > 1024:
        raise LimitExceeded("the names of group and workspace are too long")
    return GroupName(group), WorkspaceName(workspace)
