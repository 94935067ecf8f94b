"""Endpoints apart from configuration: what each cluster has, changing it, following it, and who changed it.

Everything is read from the store, so every server of it answers alike, whatever it serves itself just now.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Final

from api.envoy.problem import did_you_mean
from api.errors import Finding, InvalidConfig, NotFound
from api.management.backend import Backend
from api.management.conversion import timestamp
from api.management.endpoint_messages import difference_message, endpoint_message, request_from, version_message
from api.management.endpoint_writing import EndpointWriting, configured_endpoints
from api.management.rates import Rates
from api.management.reading import DEFAULT_PAGE, LONGEST_PAGE, find_revision
from api.management.v1 import management_pb2 as pb
from snapshots import codes
from snapshots.endpoints.edit import Endpoints
from snapshots.store.endpoint_sets import EndpointSet
from snapshots.store.protocol import Revision
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, ENDPOINT, GroupName

# A storm of changes is a few messages to each that watches.
PACE_S: Final = 0.05
LONGEST_AUTHOR: Final = 256
LONGEST_MESSAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class _Cluster:
    """A cluster, and what EDS calls its endpoints. `in_use`: it is in the group's newest revision."""

    group: GroupName
    name: str
    service: str
    in_use: bool = True


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
        head = await find_revision(self._store, request.group, 0)
        return pb.ListEndpointsResponse(clusters=await self._states(head, request.cluster))

    async def change(self, request: pb.ChangeEndpointsRequest, caller: str) -> pb.ChangeEndpointsResponse:
        """Raises RateExceeded, InvalidConfig, NotFound, Conflict for a stale base, LimitExceeded, StoreUnavailable."""
        self._rates.take(caller, self._monotonic())
        _check_texts(request)
        wanted = request_from(request)
        cluster = await self._cluster(await find_revision(self._store, request.group, 0), request.cluster)
        written = await self._writing.change(cluster.group, cluster.service, wanted)
        outcome = written.outcome
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
        """The state now, then what differs from it. Ends with NotFound when the cluster is no longer served."""
        told: dict[str, pb.ClusterEndpoints] = {}
        with self._hub.content_following(request.group) as moved:
            while True:
                moved.clear()
                head = await find_revision(self._store, request.group, 0)
                for state in await self._states(head, request.cluster):
                    if told.get(state.cluster) != state:
                        told[state.cluster] = state
                        yield state
                await moved.wait()
                await asyncio.sleep(PACE_S)

    async def changes(self, request: pb.ListEndpointChangesRequest) -> pb.ListEndpointChangesResponse:
        """Raises NotFound."""
        cluster = await self._cluster(await find_revision(self._store, request.group, 0), request.cluster)
        limit = min(request.limit or DEFAULT_PAGE, LONGEST_PAGE)
        found = await self._store.endpoint_audit(cluster.group, cluster.service, limit=limit)
        return pb.ListEndpointChangesResponse(versions=map(version_message, found))

    async def _states(self, head: Revision, named: str) -> list[pb.ClusterEndpoints]:
        if named:
            cluster = await self._cluster(head, named)
            newest = await self._store.endpoint_set(head.group, cluster.service)
            configured = await configured_endpoints(self._store, head.group, cluster.service)
            return [self._state(cluster, newest, configured)]
        snapshot = await self._store.snapshot(head.group, head.number)
        sets = {each.name: each for each in await self._store.endpoint_sets(head.group, with_cleared=True)}
        configured_by = {one.name: one.body for one in snapshot.resources if one.type_url == ENDPOINT}
        return [
            self._state(cluster, sets.get(cluster.service), configured_by.get(cluster.service, b""))
            for cluster in _clusters(head.group, snapshot.resources, sets.values())
        ]

    async def _cluster(self, head: Revision, name: str) -> _Cluster:
        """Raises NotFound, naming the nearest, and InvalidConfig for a cluster that gets its endpoints otherwise."""
        if not name:
            raise InvalidConfig("name a cluster")
        resource = await self._store.resource(head.group, head.number, CLUSTER, name)
        if resource is None:
            # What is left of a cluster that went can be looked at and cleared.
            if await self._store.endpoint_set(head.group, name) is not None:
                return _Cluster(head.group, name, name, in_use=False)
            raise NotFound(await self._unknown(head, name))
        service = _service(resource)
        if service is None:
            message = f'cluster "{name}" of group "{head.group}" is not of type EDS: its endpoints stand in the cluster'
            finding = Finding(codes.CLUSTER_WITHOUT_EDS, message, resource=name)
            raise InvalidConfig(f"{message}; change them there, and apply", findings=(finding,))
        return _Cluster(head.group, name, service)

    async def _unknown(self, head: Revision, name: str) -> str:
        origins = await self._store.origins(head.group, head.number)
        known = [cluster for type_url, cluster in origins if type_url == CLUSTER]
        hint = did_you_mean(name, known) or "`fairlead endpoints list` shows those that there are"
        return f'group "{head.group}" has no cluster "{name}"; {hint}'

    def _state(self, cluster: _Cluster, newest: EndpointSet | None, configured: bytes) -> pb.ClusterEndpoints:
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


def _clusters(group: GroupName, resources: Iterable[Resource], sets: Iterable[EndpointSet]) -> list[_Cluster]:
    """Those of the revision, and those of which only a set is left, by name."""
    served = [(one.name, _service(one)) for one in resources if one.type_url == CLUSTER]
    found = [_Cluster(group, name, service) for name, service in served if service is not None]
    used = {cluster.service for cluster in found}
    found += [_Cluster(group, each.name, each.name, False) for each in sets if each.name not in used and each.body]
    return sorted(found, key=lambda cluster: cluster.name)


def _service(cluster: Resource) -> str | None:
    return next((reference.name for reference in cluster.references if reference.type_url == ENDPOINT), None)


def _check_texts(request: pb.ChangeEndpointsRequest) -> None:
    for name, text, limit in (
        ("author", request.author, LONGEST_AUTHOR),
        ("message", request.message, LONGEST_MESSAGE),
    ):
        if len(text) > limit:
            raise InvalidConfig(f"the {name} has {len(text)} characters; at most {limit} are kept with a change")
