"""What is followed into a workspace: as its follower last said, and what people asked of it. No etcd here.

Small records that change when something happens. They decide who acts, whether a change by hand is taken, and what
people see; what is served never depends on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from api.errors import Finding
from snapshots.model import WorkspaceName
from xds.protocol.types import GroupName

# In front of where a revision came from: somebody changed by hand what a repository is followed into.
BROKEN_GLASS = "break-glass: "


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a follower says of one source. `served` is the commit that the workspace was last published from; times are
    Unix seconds, 0: never. `rewritten`: the commit followed before, where history no longer has it."""

    source: str = ""
    url: str = ""
    reference: str = ""
    path: str = ""
    mode: str = "enforce"
    state: str = "starting"
    why: str = ""
    commit: str = ""
    author: str = ""
    message: str = ""
    committed_at_s: int = 0
    served: str = ""
    revision: int = 0
    rewritten: str = ""
    since_s: float = 0.0
    nodes_acked: int = 0
    nodes_total: int = 0
    nodes_rejected: int = 0
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class SyncOrders:
    """What people asked: `looks` counts requests to look now; `suspended_by` is empty while nobody suspended it;
    `resumed_revision` is the change by hand that a sync may go on from."""

    looks: int = 0
    suspended_by: str = ""
    suspended_why: str = ""
    resumed_revision: int = 0


@dataclass(frozen=True, slots=True)
class Sync:
    """One workspace's. `version` counts 1, 2, 3 …; `holder` acts until `until_s` (Unix), and nobody else before."""

    group: GroupName
    workspace: WorkspaceName
    version: int
    holder: str = ""
    until_s: float = 0.0
    report: SyncReport = SyncReport()
    orders: SyncOrders = SyncOrders()

    @property
    def refuses_changes_by_hand(self) -> bool:
        """Whether what is applied by hand would be put back: then it is not taken at all."""
        return self.report.mode == "enforce" and not self.orders.suspended_by and self.report.state != "suspended"


class SyncStore(Protocol):
    """Syncs by group and workspace. Every method raises StoreUnavailable when the store cannot answer now."""

    async def sync(self, group: GroupName, workspace: WorkspaceName) -> Sync | None:
        """None if nothing is followed into the workspace."""

    async def syncs(self, group: GroupName | None = None) -> tuple[Sync, ...]:
        """Of one group, or of all, sorted by group and workspace."""

    async def put_sync(self, wanted: Sync) -> bool:
        """Store it as the version it names. False when that is not the next one: read again, decide again."""
