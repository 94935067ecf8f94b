"""Endpoints apart from configuration, as the store keeps them: nouns and one Protocol. No etcd and no proto here.

An endpoint set takes the place of what the configuration says of one cluster's endpoints, without a new revision. It
has a version, a fence and an audit trail of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from xds.protocol.types import GroupName


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


class EndpointStore(Protocol):
    """Endpoint sets of groups. Every method raises StoreUnavailable when the store cannot answer now."""

    async def endpoint_set(self, group: GroupName, name: str) -> EndpointSet | None:
        """The newest version, also when cleared; None if there never was one."""

    async def endpoint_sets(self, group: GroupName) -> tuple[EndpointSet, ...]:
        """The newest version of every name of the group that is not cleared, sorted by name."""

    async def put_endpoint_set(self, wanted: EndpointSet) -> EndpointSet:
        """Store `wanted` as the version it names, in one fenced transaction with its audit record.

        Raises Conflict when the newest version is not `wanted.version - 1`, naming the newest one and its author.
        """

    def watch_endpoint_sets(self) -> AsyncIterator[tuple[EndpointSet, ...]]:
        """First all sets of all groups that are not cleared, in one batch (also when there are none); then what
        changes.

        Versions in between may be skipped, the newest is always delivered; a cleared set is delivered with an empty
        body. Never ends by itself: it resumes after a lost connection, and after a compaction delivers what differs.
        """
