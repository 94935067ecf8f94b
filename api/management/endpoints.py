"""Endpoints apart from configuration: what each cluster has, changing it, following it, and who changed it.

Everything is read from the store, so every server of it answers alike, whatever it serves itself just now.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Final

from api.errors import InvalidConfig, StoreUnavailable
from api.management.backend import Backend
from api.management.conversion import timestamp
from api.management.endpoint_clusters import EdsCluster, clusters_of, configured_endpoints, find_cluster
from api.management.endpoint_messages import difference_message, endpoint_message, request_from, version_message
from api.management.endpoint_writing import EndpointWriting
from api.management.rates import Rates
from api.management.reading import DEFAULT_PAGE, LONGEST_PAGE, find_revision
from api.management.v1 import management_pb2 as pb
from snapshots.endpoints.edit import Endpoints
from snapshots.store.endpoint_sets import EndpointSet
from xds.protocol.types import ENDPOINT

# A storm of changes is a few messages to each that watches.
PACE_S: Final = 0.05
RETRY_S: Final = 0.5
LONGEST_AUTHOR: Final = 256
LONGEST_MESSAGE: Final = 1000


class ChangingEndpoints:
    """`monotonic`: seconds that never go back, for the rates of callers."""

    def __init__(
        self, backend: Backend, rates: Rates | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = backend.store
        self._envoy = backend.envoy
        self._hub = backend.hub
        self._writing = EndpointWriting(backend.store, backend.envoy)
        self._rates = rates or Rates()
        self._monotonic = monotonic

    async def listing(self, request: pb.ListEndpointsRequest) -> pb.ListEndpointsResponse:
        """Raises NotFound for a group or a cluster that is not served."""
        return pb.ListEndpointsResponse(clusters=await self._states(request.group, request.cluster))

    async def change(self, request: pb.ChangeEndpointsRequest, caller: str) -> pb.ChangeEndpointsResponse:
        """Raises RateExceeded, InvalidConfig, NotFound, Conflict for a stale base, LimitExceeded, StoreUnavailable."""
        self._rates.take(caller, self._monotonic())
        _check_texts(request)
        wanted = request_from(request)
        written = await self._writing.change(request.group, request.cluster, wanted)
        cluster, outcome = written.cluster, written.outcome
        return pb.ChangeEndpointsResponse(
            group=cluster.group,
            cluster=cluster.name,
            service_name=cluster.service,
            source=_source(outcome.after),
            version=written.newest.version if written.newest else 0,
            changed=outcome.changed,
            differences=map(difference_message, outcome.differences),
            endpoints=len(outcome.after.now.entries),
            healthy=outcome.after.now.tally.healthy,
        )

    async def watch(self, request: pb.WatchEndpointsRequest) -> AsyncIterator[pb.ClusterEndpoints]:
        """The state now, then what differs from it; a store that is away for a while ends nothing that has begun.

        Raises NotFound when the cluster is no longer served.
        """
        told: dict[str, pb.ClusterEndpoints] = {}
        with self._hub.content_following(request.group) as moved:
            while True:
                moved.clear()
                try:
                    states = await self._states(request.group, request.cluster)
                except StoreUnavailable:
                    if not told:
                        raise
                    await asyncio.sleep(RETRY_S)
                    continue
                for state in states:
                    if told.get(state.cluster) != state:
                        told[state.cluster] = state
                        yield state
                await moved.wait()
                await asyncio.sleep(PACE_S)

    async def changes(self, request: pb.ListEndpointChangesRequest) -> pb.ListEndpointChangesResponse:
        """Raises NotFound."""
        cluster = await find_cluster(self._store, request.group, request.cluster)
        limit = min(request.limit or DEFAULT_PAGE, LONGEST_PAGE)
        found = await self._store.endpoint_audit(cluster.group, cluster.service, limit=limit)
        return pb.ListEndpointChangesResponse(versions=map(version_message, found))

    async def _states(self, group: str, named: str) -> list[pb.ClusterEndpoints]:
        if named:
            cluster = await find_cluster(self._store, group, named)
            newest = await self._store.endpoint_set(cluster.group, cluster.service)
            return [self._state(cluster, newest, await configured_endpoints(self._store, cluster))]
        head = await find_revision(self._store, group, 0)
        snapshot = await self._store.snapshot(head.group, head.number)
        sets = {each.name: each for each in await self._store.endpoint_sets(head.group, with_cleared=True)}
        configured = {one.name: one.body for one in snapshot.resources if one.type_url == ENDPOINT}
        return [
            self._state(cluster, sets.get(cluster.service), configured.get(cluster.service, b""))
            for cluster in clusters_of(head, snapshot.resources, sets.values())
        ]

    def _state(self, cluster: EdsCluster, newest: EndpointSet | None, configured: bytes) -> pb.ClusterEndpoints:
        endpoints = Endpoints.read(self._envoy, cluster.service, configured, newest.body if newest else b"")
        message = pb.ClusterEndpoints(
            group=cluster.group,
            cluster=cluster.name,
            service_name=cluster.service,
            source=_source(endpoints),
            endpoints=map(endpoint_message, endpoints.now.endpoints()),
            in_use=cluster.in_use,
        )
        if newest is not None:
            message.version, message.author, message.message = newest.version, newest.author, newest.message
            message.changed.CopyFrom(timestamp(newest.created_s))
        return message


def _source(endpoints: Endpoints) -> pb.ClusterEndpoints.Source:
    return pb.ClusterEndpoints.SET if endpoints.is_set else pb.ClusterEndpoints.CONFIGURATION


def _check_texts(request: pb.ChangeEndpointsRequest) -> None:
    for name, text, limit in (
        ("author", request.author, LONGEST_AUTHOR),
        ("message", request.message, LONGEST_MESSAGE),
    ):
        if len(text) > limit:
            raise InvalidConfig(f"the {name} has {len(text)} characters; at most {limit} are kept with a change")
