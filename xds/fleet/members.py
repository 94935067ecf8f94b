"""The books behind the fleet: tallies, streams, members, one census per group.  Only `xds.fleet` reads them."""

from __future__ import annotations

from dataclasses import dataclass, field

from xds.fleet.status import Rejection, TypeStatus
from xds.protocol.requests import Node
from xds.protocol.types import GroupName, NodeId, TypeUrl


class Tally:
    """How many of each number, forgetting those at none."""

    __slots__ = ("_counts", "total")

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.total = 0

    def add(self, number: int) -> None:
        self._counts[number] = self._counts.get(number, 0) + 1
        self.total += 1

    def remove(self, number: int) -> None:
        self.total -= 1
        self._counts[number] -= 1
        if not self._counts[number]:
            del self._counts[number]

    def least(self) -> int:
        return min(self._counts, default=0)

    def greatest(self) -> int:
        return max(self._counts, default=0)

    def at_least(self, number: int) -> int:
        return sum(count for key, count in self._counts.items() if key >= number)


@dataclass(slots=True)
class TypeRecord:
    """A TypeStatus as it is kept: written with every observation, told as a TypeStatus when somebody asks."""

    wildcard: bool = False
    names: int = 0
    sent_revision: int = 0
    acked_revision: int = 0
    changed_at_s: float = 0.0
    rejection: Rejection | None = None
    rejected_position: int = 0  # of the newest rejection, to order it within a revision
    sent_position: int = 0
    acked_position: int = 0

    @property
    def acked_whole(self) -> int:
        """Where revisions come in steps: what is acknowledged, unless more of that was sent since."""
        return max(0, self.acked_revision - (self.sent_position > self.acked_position))

    def told(self, type_url: TypeUrl) -> TypeStatus:
        revisions = (self.sent_revision, self.acked_revision)
        return TypeStatus(type_url, self.wildcard, self.names, *revisions, self.changed_at_s, self.rejection)


@dataclass(slots=True)
class Stream:
    """One xDS stream. `acked` and `rejected` sum up its types: the least acknowledged, the newest rejected revision.

    One with a `via` is none of the node's own: it stands for what that relay reports of a node below it.
    """

    id: int
    node: Node
    group: GroupName
    variant: str
    address: str
    aggregated: bool
    since_s: float
    types: dict[TypeUrl, TypeRecord] = field(default_factory=dict)
    acked: int = 0
    rejected: int = 0
    via: str = ""

    def summed_up(self, *, in_steps: bool = False) -> tuple[int, int]:
        """What `acked` and `rejected` should be now. `in_steps`: who is sent more of a revision has not all of it."""
        acked = [record.acked_whole if in_steps else record.acked_revision for record in self.types.values()]
        rejected = [record.rejection.revision for record in self.types.values() if record.rejection]
        return min(acked, default=0), max(rejected, default=0)


@dataclass(slots=True)
class Member:
    """One node and its streams, oldest first. `main` is the newest aggregated stream, or else the newest of all; what a
    relay reports comes last, and counts only for a node without a stream of its own.

    It outlives the last stream, so that a node that left can still be told of.
    """

    id: NodeId
    main: Stream
    streams: dict[int, Stream] = field(default_factory=dict)
    acked: Tally = field(default_factory=Tally)
    rejected: Tally = field(default_factory=Tally)
    offline_since_s: float = 0.0

    def counts(self, stream: Stream) -> bool:
        """Of several aggregated streams only the newest counts; streams of one type each all do."""
        return not stream.aggregated or stream is self.main

    def join(self, stream: Stream) -> None:
        """Take in a stream; an aggregated one supersedes the one before, and any what was only reported."""
        main_lives = self.main.id in self.streams and self.main.aggregated
        supersedes = stream.aggregated or bool(self.main.via)
        if stream.via and any(not other.via for other in self.streams.values()):
            self.streams[stream.id] = stream
            return
        if supersedes and main_lives:
            self.exclude(self.main)
        if supersedes or not main_lives:
            self.main = stream
        self.streams[stream.id] = stream
        self.include(stream)

    def leave(self, stream_id: int) -> None:
        """Let a stream go; when it was the main one, the newest of the others takes its place."""
        stream = self.streams.pop(stream_id)
        if self.counts(stream):
            self.exclude(stream)
        if stream is not self.main or not self.streams:
            return
        others = sorted(self.streams.values(), key=lambda other: (not other.via, other.aggregated))  # and by age
        self.main = others[-1]
        if self.main.aggregated:
            self.include(self.main)

    def include(self, stream: Stream) -> None:
        self.acked.add(stream.acked)
        if stream.rejected:
            self.rejected.add(stream.rejected)

    def exclude(self, stream: Stream) -> None:
        self.acked.remove(stream.acked)
        if stream.rejected:
            self.rejected.remove(stream.rejected)


@dataclass(slots=True)
class Census:
    """One group's nodes, counted. Healthy and rejecting nodes by revision, so that a new head moves no node."""

    head: int = 0
    healthy: Tally = field(default_factory=Tally)
    rejecting: Tally = field(default_factory=Tally)
    rejectors: dict[NodeId, None] = field(default_factory=dict)
    offline: int = 0

    @property
    def empty(self) -> bool:
        return not (self.head or self.healthy.total or self.rejecting.total or self.offline)
