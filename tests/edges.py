"""An xDS server for tests: in this process, on a free loopback port, with resources put in directly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from api.envoy.registry import load_default
from snapshots.model import CompiledResource, Origin, WorkspaceName
from snapshots.store.protocol import Publication, SnapshotStore
from xds.fleet import Fleet
from xds.protocol.plan import Close
from xds.protocol.resource import Reference, Resource
from xds.protocol.types import CLUSTER, ENDPOINT, GroupName
from xds.server.observer import SilentServerObserver
from xds.transport.observer import StreamInfo
from xds.transport.server import XdsOptions, XdsServer

GROUP = GroupName("default")
WORKSPACE = WorkspaceName("default")
KEYS = count(1)


class Recorder(SilentServerObserver):
    """Keeps what a test may ask for."""

    def __init__(self) -> None:
        self.failures: list[Exception] = []
        self.refusals: list[Close] = []
        self.closed: list[Close | None] = []
        self.group_failures: list[Exception] = []
        self.store: list[str] = []
        self.certificates: list[str] = []
        self.endpoint_losses: list[str] = []
        self.encoded = 0
        self.written_count = 0

    def written(self, stream: StreamInfo, response: Any, size_bytes: int, encoded: bool) -> None:
        self.written_count += 1
        self.encoded += encoded

    def stream_refused(self, address: str, close: Close) -> None:
        self.refusals.append(close)

    def stream_closed(self, stream: StreamInfo, close: Close | None) -> None:
        self.closed.append(close)

    def stream_failed(self, address: str, error: Exception) -> None:
        self.failures.append(error)

    def group_failed(self, group: GroupName, revision: int, error: Exception) -> None:
        self.group_failures.append(error)

    def store_lost(self, reason: str) -> None:
        self.store.append(f"lost: {reason}")

    def store_back(self) -> None:
        self.store.append("back")

    def endpoint_sets_lost(self, reason: str) -> None:
        self.endpoint_losses.append(reason)

    def certificates_loaded(self, address: str) -> None:
        self.certificates.append("loaded")

    def certificates_refused(self, address: str, reason: str) -> None:
        self.certificates.append(f"refused: {reason}")


async def publish(store: SnapshotStore, *resources: Resource, group: GroupName = GROUP) -> int:
    """Publish these as all that the group has; returns the revision's number."""
    compiled = tuple(
        CompiledResource(one, Origin(WORKSPACE, "a.yaml", 1, 1, "EnvoyResource", one.name)) for one in resources
    )
    published = await store.publish(Publication(group, WORKSPACE, compiled, (), f"key-{next(KEYS)}"))
    return published.revision.number


class EdgeForTests:
    """A running server and its parts. `serve` is one publish: what is given is all there is."""

    def __init__(self, options: XdsOptions) -> None:
        self.fleet = Fleet()
        self.observer = Recorder()
        self.server = XdsServer(load_default(), self.fleet, options, self.observer)

    @property
    def address(self) -> str:
        return self.server.address

    def serve(self, *resources: Resource, group: GroupName = GROUP) -> int:
        revision = self.server.groups.revision(group) + 1
        self.server.groups.load(group, revision, resources)
        self.fleet.published(group, revision)
        return revision


@asynccontextmanager
async def an_edge(options: XdsOptions | None = None) -> AsyncIterator[EdgeForTests]:
    """Started and ready; drained at the end, whatever happened. A defect in a stream fails the test."""
    edge = EdgeForTests(options or XdsOptions())
    await edge.server.start()
    await edge.server.set_ready(True)
    try:
        yield edge
    finally:
        await edge.server.drain(0)
    assert edge.observer.failures == []


async def eventually(condition: Callable[[], object], what: str, within_s: float = 60.0) -> None:
    """Wait for a condition; fails with `what` when it does not come."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {within_s:g} s in vain until {what}"
        await asyncio.sleep(0.01)


def a_cluster(name: str, note: str = "") -> Resource:
    """A Cluster; another `note` is another version."""
    message: Any = load_default().new("envoy.config.cluster.v3.Cluster")
    message.name, message.alt_stat_name = name, note
    return Resource.of(CLUSTER, name, message.SerializeToString(deterministic=True))


def an_eds_cluster(name: str) -> Resource:
    """A Cluster that takes its endpoints from ADS, under its own name."""
    message: Any = load_default().new("envoy.config.cluster.v3.Cluster")
    message.name, message.type = name, 3  # EDS
    message.eds_cluster_config.eds_config.ads.SetInParent()
    return Resource.of(CLUSTER, name, message.SerializeToString(deterministic=True), (Reference(ENDPOINT, name),))


def an_assignment(name: str, note: str = "10.0.0.1") -> Resource:
    """A ClusterLoadAssignment with one endpoint at `note`."""
    message: Any = load_default().new("envoy.config.endpoint.v3.ClusterLoadAssignment")
    message.cluster_name = name
    endpoint = message.endpoints.add().lb_endpoints.add().endpoint
    endpoint.address.socket_address.address, endpoint.address.socket_address.port_value = note, 8080
    return Resource.of(ENDPOINT, name, message.SerializeToString(deterministic=True))
