"""Endpoints in documents that nobody would be served, because a set counts in place of them: a warning each."""

from __future__ import annotations

from collections.abc import Iterable

from api.errors import Finding
from api.management.v1 import management_pb2 as pb
from snapshots import codes
from snapshots.store.endpoint_sets import EndpointSet, Store
from xds.protocol.types import ENDPOINT, GroupName


async def hidden_endpoints(store: Store, group: GroupName, changes: Iterable[pb.Change]) -> list[Finding]:
    """One for each change of endpoints that a set hides."""
    changed = [change for change in changes if change.type_url == ENDPOINT]
    if not changed:
        return []
    sets = {each.name: each for each in await store.endpoint_sets(group)}
    return [_finding(change, sets[change.name]) for change in changed if change.name in sets]


def _finding(change: pb.Change, hiding: EndpointSet) -> Finding:
    by = f" by {hiding.author}" if hiding.author else ""
    return Finding(
        code=codes.ENDPOINTS_HIDDEN,
        message=f'a set of endpoints (version {hiding.version}{by}) counts in place of these of "{change.name}"',
        path=change.origin.path,
        line=change.origin.line,
        column=change.origin.column,
        resource=change.name,
        suggestion="to serve what is written here, `fairlead endpoints clear` the cluster",
        severity="warning",
    )
