"""The clusters of a group that take endpoints, and what EDS calls those. Read from the store; no endpoint is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from api.envoy.problem import did_you_mean
from api.errors import Finding, InvalidConfig, NotFound
from api.management.reading import find_revision
from snapshots import codes
from snapshots.store.endpoint_sets import EndpointSet, Store
from snapshots.store.protocol import Revision
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, ENDPOINT, GroupName


@dataclass(frozen=True, slots=True)
class EdsCluster:
    """A cluster of type EDS as of a revision. `service`: what EDS calls its endpoints; `in_use`: it is served."""

    group: GroupName
    revision: int
    name: str
    service: str
    in_use: bool = True


async def find_cluster(store: Store, group: str, name: str) -> EdsCluster:
    """Raises NotFound, naming the nearest, and InvalidConfig for a cluster that gets its endpoints in another way."""
    head = await find_revision(store, group, 0)
    if not name:
        raise InvalidConfig("name a cluster")
    resource = await store.resource(head.group, head.number, CLUSTER, name)
    if resource is None:
        # What is left of a cluster that went can be looked at and cleared.
        if await store.endpoint_set(head.group, name) is not None:
            return EdsCluster(head.group, head.number, name, name, in_use=False)
        raise NotFound(await _unknown(store, head, name))
    service = _service(resource)
    if service is None:
        message = f'cluster "{name}" of group "{head.group}" is not of type EDS: its endpoints stand in the cluster'
        finding = Finding(codes.CLUSTER_WITHOUT_EDS, message, resource=name)
        raise InvalidConfig(f"{message}; change them there, and apply", findings=(finding,))
    return EdsCluster(head.group, head.number, name, service)


def clusters_of(head: Revision, resources: Iterable[Resource], sets: Iterable[EndpointSet]) -> list[EdsCluster]:
    """Those of a revision, and those of which only a set is left, by name."""
    served = [(one.name, _service(one)) for one in resources if one.type_url == CLUSTER]
    found = [EdsCluster(head.group, head.number, name, service) for name, service in served if service is not None]
    used = {cluster.service for cluster in found}
    left = [each.name for each in sets if each.name not in used and not each.cleared]
    found += [EdsCluster(head.group, head.number, name, name, in_use=False) for name in left]
    return sorted(found, key=lambda cluster: cluster.name)


async def configured_endpoints(store: Store, cluster: EdsCluster) -> bytes:
    """What the configuration says of a cluster's endpoints; empty when it says nothing."""
    resource = await store.resource(cluster.group, cluster.revision, ENDPOINT, cluster.service)
    return resource.body if resource else b""


def _service(cluster: Resource) -> str | None:
    return next((reference.name for reference in cluster.references if reference.type_url == ENDPOINT), None)


async def _unknown(store: Store, head: Revision, name: str) -> str:
    origins = await store.origins(head.group, head.number)
    known = [cluster for type_url, cluster in origins if type_url == CLUSTER]
    hint = did_you_mean(name, known) or "`fairlead endpoints list` shows those that there are"
    return f'group "{head.group}" has no cluster "{name}"; {hint}'
