"""What is told of nodes, groups and revisions: plain values, made anew for whoever asks.  No I/O and no clock here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from xds.fleet.reports import Reported
from xds.protocol.types import GroupName, NodeId, TypeUrl


class NodeState(StrEnum):
    UNASSIGNED = "unassigned"
    CURRENT = "current"
    BEHIND = "behind"
    REJECTED = "rejected"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A standing NACK, in the node's words (escaped and capped). `names_omitted`: how many `names` were cut off."""

    node: NodeId
    group: GroupName
    type_url: TypeUrl
    names: tuple[str, ...]
    names_omitted: int
    revision: int
    code: int
    message: str
    since_s: float


@dataclass(frozen=True, slots=True)
class TypeStatus:
    """One resource type of one node. Revisions are 0 where there is none yet."""

    type_url: TypeUrl
    wildcard: bool = False
    names: int = 0
    sent_revision: int = 0
    acked_revision: int = 0
    changed_at_s: float = 0.0
    rejection: Rejection | None = None


def together(one: TypeStatus, other: TypeStatus) -> TypeStatus:
    """One type that a client takes on two streams: all its names, the least of the revisions, the newest rejection."""
    rejections = [rejection for rejection in (one.rejection, other.rejection) if rejection]
    return TypeStatus(
        one.type_url,
        one.wildcard or other.wildcard,
        one.names + other.names,
        min(one.sent_revision, other.sent_revision),
        min(one.acked_revision, other.acked_revision),
        max(one.changed_at_s, other.changed_at_s),
        max(rejections, key=lambda rejection: (rejection.revision, rejection.since_s), default=None),
    )


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One node. `streams` over 1: a reconnect that overlaps, or two clients with one id; the newest is shown.

    `via`: the relay whose reports are all that is known of it. `reported`: the last word of its agent, if it has one.
    """

    id: NodeId
    group: GroupName
    state: NodeState
    revision: int
    address: str
    user_agent: str
    region: str
    zone: str
    variant: str
    since_s: float
    streams: int
    types: tuple[TypeStatus, ...]
    via: str = ""
    reported: Reported | None = None


@dataclass(frozen=True, slots=True)
class GroupCounts:
    """How many nodes of a group are in each state. `total` leaves out the offline ones."""

    total: int = 0
    unassigned: int = 0
    current: int = 0
    behind: int = 0
    rejected: int = 0
    offline: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a revision has come. Offline nodes are counted apart: they are neither a success nor waited for."""

    group: GroupName
    revision: int
    head: int
    total: int
    acked: int
    rejected: int
    offline: int

    @property
    def waiting(self) -> int:
        return self.total - self.acked - self.rejected
