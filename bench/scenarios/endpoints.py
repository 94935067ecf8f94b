"""Endpoints apart from configuration, real etcd: from ChangeEndpoints to bytes at a client, and a storm of changes.

A group of 10,000 clusters and one of type EDS with 100 endpoints, of which one is drained and put back. The storm is
1,000 such changes of that one cluster in a second, asked for one by one; counted is what becomes of them. Author,
server, etcd and the client that receives are processes of their own. `serving` is the part behind the store alone, from
its put to the bytes at the client: the server is in this process there, and writes to etcd itself.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from api.envoy.registry import load_default
from api.management.client import ManagementClient
from api.management.v1 import management_pb2 as pb
from bench.children import Child
from bench.documents import cluster_documents, endpoint_address, endpoints_document
from bench.fairlead import FairleadServer
from bench.report import Report, cpu_s, percentile
from snapshots.store.endpoint_sets import EndpointSet
from snapshots.store.etcd.client import EtcdClient
from snapshots.store.etcd.embedded import EmbeddedEtcd
from snapshots.store.etcd.settings import EtcdSettings
from snapshots.store.etcd_store import EtcdStore
from xds.fleet import Fleet
from xds.protocol.resource import Reference, Resource
from xds.protocol.types import CLUSTER as CLUSTER_TYPE
from xds.protocol.types import ENDPOINT, GroupName
from xds.server.follow_endpoints import EndpointFollower
from xds.server.observer import SilentServerObserver
from xds.transport.server import XdsServer

GROUP = "bench"
CLUSTER = "backends"
WANTED = {"cluster": GROUP, "type_url": ENDPOINT, "names": [CLUSTER]}
BESIDE = 10_000
ENDPOINTS = 100
ROUNDS = 40
STORM = 1_000
STORM_S = 1.0
# Longer than what coalesces changes of one set, so that each round is a first change.
PAUSE_S = 0.15
QUIET_S = 0.5
TIMEOUT_S = 60.0


async def run(report: Report) -> None:
    with TemporaryDirectory(prefix="fairlead-bench-") as directory:
        server = await FairleadServer.start(Path(directory))
        load = await Child.start("bench.load")
        try:
            async with ManagementClient(server.management, TIMEOUT_S) as author:
                await author.publish(cluster_documents("beside", BESIDE), group=GROUP, workspace="beside")
                await author.publish([endpoints_document(CLUSTER, ENDPOINTS)], group=GROUP, workspace="changing")
                await load.ask("connect", target=server.xds, streams=1, connections=1, **WANTED)
                await _single(report, author, load, server)
                await _storm(report, author, load, server)
        finally:
            await load.stop()
            await server.stop()
    with TemporaryDirectory(prefix="fairlead-bench-") as directory:
        report.figure(
            "serving", await _serving_ms(Path(directory)), f"ms from the store's put to received, of {ROUNDS}"
        )


async def _serving_ms(directory: Path) -> float:
    async with AsyncExitStack() as stack:
        etcd = await stack.enter_async_context(await EmbeddedEtcd.start(directory))
        store = EtcdStore(EtcdClient(EtcdSettings((etcd.endpoint,))), time.time)
        stack.push_async_callback(store.close)
        server, observer = XdsServer(load_default(), Fleet()), SilentServerObserver()
        await server.start()
        stack.push_async_callback(server.drain, 0)
        following = asyncio.create_task(EndpointFollower(store, server.groups, observer).run())
        stack.callback(following.cancel)
        server.groups.load(GroupName(GROUP), 1, [_eds_cluster()])
        load = await Child.start("bench.load")
        stack.push_async_callback(load.stop)
        await load.ask("connect", target=server.address, streams=1, connections=1, **WANTED)
        return percentile([await _served_ms(store, load, version) for version in range(1, ROUNDS + 1)], 50)


async def _served_ms(store: EtcdStore, load: Child, version: int) -> float:
    await asyncio.sleep(PAUSE_S)
    await load.ask("forget")
    put_s = time.monotonic()
    await store.put_endpoint_set(EndpointSet(GroupName(GROUP), CLUSTER, version, _assignment(version)))
    (received_s,) = (await load.ask("expect"))["received_at_s"]
    return (float(received_s) - put_s) * 1000


def _eds_cluster() -> Resource:
    message: Any = load_default().new("envoy.config.cluster.v3.Cluster")
    message.name = CLUSTER
    return Resource.of(CLUSTER_TYPE, CLUSTER, message.SerializeToString(), (Reference(ENDPOINT, CLUSTER),))


def _assignment(version: int) -> bytes:
    """So many endpoints, none as in the version before."""
    message: Any = load_default().new("envoy.config.endpoint.v3.ClusterLoadAssignment")
    message.cluster_name = CLUSTER
    locality = message.endpoints.add()
    for number in range(ENDPOINTS):
        address = locality.lb_endpoints.add().endpoint.address.socket_address
        address.address, address.port_value = endpoint_address(number), 8000 + version
    body: bytes = message.SerializeToString(deterministic=True)
    return body


async def _single(report: Report, author: ManagementClient, load: Child, server: FairleadServer) -> None:
    received_ms, answered_ms = [], []
    before_s = cpu_s(server.pid)
    for number in range(ROUNDS):
        await asyncio.sleep(PAUSE_S)
        await load.ask("forget")
        called_s = time.monotonic()
        await _change(author, number)
        answered_ms.append((time.monotonic() - called_s) * 1000)
        (received_s,) = (await load.ask("expect"))["received_at_s"]
        received_ms.append((received_s - called_s) * 1000)
    report.figure("p50", percentile(received_ms, 50), "ms from ChangeEndpoints to received")
    report.figure("p99", percentile(received_ms, 99), f"ms, of {ROUNDS} changes")
    report.figure("answered", percentile(answered_ms, 50), "ms until ChangeEndpoints answers (median)")
    report.figure("cpu", (cpu_s(server.pid) - before_s) / ROUNDS * 1000, "ms of server CPU a change")


async def _storm(report: Report, author: ManagementClient, load: Child, server: FairleadServer) -> None:
    await asyncio.sleep(PAUSE_S)
    await load.ask("forget")
    before_s, started_s = cpu_s(server.pid), time.monotonic()
    async with asyncio.TaskGroup() as calls:
        for number in range(ROUNDS, ROUNDS + STORM):
            await asyncio.sleep(started_s + (number - ROUNDS) * STORM_S / STORM - time.monotonic())
            calls.create_task(_change(author, number))
    took_s = time.monotonic() - started_s
    settled = await load.ask("settle", quiet_s=QUIET_S)
    newest = (await author.list_endpoint_changes(GROUP, CLUSTER, limit=1))[0].version
    report.figure("storm.pushes", settled["responses"][0], f"responses for {STORM} changes")
    report.figure("storm.versions", newest - ROUNDS, f"versions stored for {STORM} changes")
    report.figure("storm.answered", took_s, "s until all were answered")
    report.figure(
        "storm.last", (settled["received_at_s"][0] - started_s - took_s) * 1000, "ms from then to the last push"
    )
    report.figure("storm.cpu", (cpu_s(server.pid) - before_s) / STORM * 1000, "ms of server CPU a change")


async def _change(author: ManagementClient, number: int) -> None:
    """One endpoint is drained, and put back the next time."""
    turn, index = divmod(number, ENDPOINTS)
    health = pb.Endpoint.HEALTHY if turn % 2 else pb.Endpoint.DRAINING
    place = pb.EndpointPlace(address=endpoint_address(index), port=8080)
    change = pb.EndpointChange(set_health=pb.EndpointChange.HealthOf(places=[place], health=health))
    await author.change_endpoints(GROUP, CLUSTER, [change], author="bench", confirmed=True)
