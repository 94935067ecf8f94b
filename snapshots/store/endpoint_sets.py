"""Endpoints apart from configuration, as the store keeps them: nouns and one Protocol. No etcd and no proto here.

An endpoint set takes the place of what the configuration says of one cluster's endpoints, without a new revision. It
has a version, a fence and an audit trail of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from snapshots.store.protocol import SnapshotStore
from snapshots.store.syncs import SyncStore
from xds.protocol.types import GroupName

# With its audit record it has to fit into one request to etcd, which takes 1.5 MiB.
ENDPOINT_SET_LIMIT_BYTES: Final = 1024 * 1024
ENDPOINT_RECORDS_KEPT: Final = 256


@dataclass(frozen=True, slots=True)
class EndpointSet:
    """One version of a cluster's endpoints.

    `name`: what EDS calls it (the cluster's `service_name`, or its name). `version`: 1, 2, 3 … of this group and name;
    it never goes back, also not when the set is cleared and set again. `body`: a serialised ClusterLoadAssignment;
    empty when cleared, and then the configuration counts again.
    """

    group: GroupName
    name: str
    version: int
    body: bytes
    author: str = ""
    message: str = ""
    created_s: float = 0.0

    @property
    def cleared(self) -> bool:
        return not self.body


@dataclass(frozen=True, slots=True)
class SetChange:
    """What one caller wanted of a set, in words (`what`), and who and why. Several can make one version together."""

    author: str
    message: str
    what: str = ""


@dataclass(frozen=True, slots=True)
class EndpointAudit:
    """Who did what, when, to one set. `number` is the version that came of it, `body` the SHA-256 of what is served.

    `previous` is the digest of the record of the version before: a set's records are a chain of their own, so that
    changes of different clusters do not wait for one another.
    """

    group: GroupName
    name: str
    number: int
    changes: tuple[SetChange, ...]
    cleared: bool
    body: str
    created_at_s: float
    previous: str
    digest: str


class EndpointStore(Protocol):
    """Endpoint sets of groups. Every method raises StoreUnavailable when the store cannot answer now."""

    async def endpoint_set(self, group: GroupName, name: str) -> EndpointSet | None:
        """The newest version, also when cleared; None if there never was one."""

    async def endpoint_sets(self, group: GroupName, *, with_cleared: bool = False) -> tuple[EndpointSet, ...]:
        """The newest version of every name of the group that is not cleared (or of every one), sorted by name."""

    async def put_endpoint_set(self, wanted: EndpointSet, changes: Sequence[SetChange] = ()) -> EndpointSet:
        """Store `wanted` as the version it names, in one fenced transaction with its audit record; returns it as it is
        kept, with the store's time.

        `changes` are what the record says it was made of; without them it is one, by the author, for the message.
        Raises Conflict when the newest version is not `wanted.version - 1`, naming the newest one and its author;
        LimitExceeded for a body over ENDPOINT_SET_LIMIT_BYTES.
        """

    async def endpoint_audit(self, group: GroupName, name: str, *, limit: int = 50) -> tuple[EndpointAudit, ...]:
        """Newest first; at least the newest ENDPOINT_RECORDS_KEPT are kept. Empty if there never was such a set."""

    def watch_endpoint_sets(self) -> AsyncIterator[tuple[EndpointSet, ...]]:
        """First all sets of all groups that are not cleared, in one batch (also when there are none); then what
        changes.

        Versions in between may be skipped, the newest is always delivered; a cleared set is delivered with an empty
        body. Never ends by itself: it resumes after a lost connection, and after a compaction delivers what differs.
        """


class Store(SnapshotStore, EndpointStore, SyncStore, Protocol):
    """All that a server keeps: snapshots, endpoints apart from them, and what is followed into workspaces."""
