"""Endpoints apart from configuration, real etcd: from ChangeEndpoints to bytes at a client, and a storm of changes.

A group of 10,000 clusters and one of type EDS with 100 endpoints, of which one is drained and put back. The storm is
1,000 such changes of that one cluster in a second, asked for one by one; counted is what becomes of them. Author,
server, etcd and the client that receives are processes of their own.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from api.management.client import ManagementClient
from api.management.v1 import management_pb2 as pb
from bench.children import Child
from bench.documents import cluster_documents, endpoint_address, endpoints_document
from bench.fairlead import FairleadServer
from bench.report import Report, cpu_s, percentile
from xds.protocol.types import ENDPOINT

GROUP = "bench"
CLUSTER = "backends"
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
                where = {"target": server.xds, "cluster": GROUP, "type_url": ENDPOINT, "names": [CLUSTER]}
                await load.ask("connect", streams=1, connections=1, **where)
                await _single(report, author, load, server)
                await _storm(report, author, load, server)
        finally:
            await load.stop()
            await server.stop()


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
