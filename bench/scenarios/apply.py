"""One changed resource in a group of 10,000: from the call of Publish to its bytes at a connected client, real etcd.

Three times: it is one of 10, of 1,000, and of 10,000 files in its workspace, all of which are uploaded, because a
publication is the whole of its workspace; another workspace has the rest of the group. Author, server, etcd and the
client that receives are processes of their own; the time includes that client's reading.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from api.management.client import ManagementClient
from api.management.v1 import management_pb2 as pb
from bench.children import Child
from bench.documents import cluster_document, cluster_documents
from bench.fairlead import FairleadServer
from bench.report import Report, cpu_s, percentile
from snapshots.model import Document
from xds.protocol.types import CLUSTER

GROUP = "bench"
RESOURCES = 10_000
WORKSPACES = (10, 1_000, 10_000)
ROUNDS = 40
LIMIT_MS = 50.0
TIMEOUT_S = 60.0


@dataclass(slots=True)
class Measured:
    """Seconds, one of each a change: until the bytes were received, until Publish was answered, server CPU."""

    received_s: list[float] = field(default_factory=list)
    answered_s: list[float] = field(default_factory=list)
    cpu_s: float = 0.0


async def run(report: Report) -> None:
    for changing in WORKSPACES:
        with TemporaryDirectory(prefix="fairlead-bench-") as directory:
            _tell(report, f"of_{changing}", await _measure(Path(directory), RESOURCES - changing, changing))


async def _measure(directory: Path, beside: int, changing: int) -> Measured:
    """Changes of one resource in a workspace of `changing`, in a group that has `beside` more."""
    server = await FairleadServer.start(directory)
    load = await Child.start("bench.load")
    try:
        async with ManagementClient(server.management, TIMEOUT_S) as author:
            if beside:
                await _publish(author, "beside", cluster_documents("beside", beside))
            documents = cluster_documents("changing", changing)
            await _publish(author, "changing", documents)
            await load.ask("connect", target=server.xds, streams=1, connections=1, cluster=GROUP, type_url=CLUSTER)
            return await _changes(author, load, server, documents)
    finally:
        await load.stop()
        await server.stop()


async def _changes(
    author: ManagementClient, load: Child, server: FairleadServer, documents: list[Document]
) -> Measured:
    measured = Measured()
    before_s = cpu_s(server.pid)
    for number in range(1, ROUNDS + 1):
        index = number % len(documents)
        documents[index] = cluster_document(documents[index].path.removesuffix(".yaml"), number)
        await load.ask("forget")
        published_s = time.monotonic()
        await _publish(author, "changing", documents)
        measured.answered_s.append(time.monotonic() - published_s)
        (received_s,) = (await load.ask("expect"))["received_at_s"]
        measured.received_s.append(received_s - published_s)
    measured.cpu_s = (cpu_s(server.pid) - before_s) / ROUNDS
    return measured


async def _publish(author: ManagementClient, workspace: str, documents: Sequence[Document]) -> pb.PublishResponse:
    answer = await author.publish(documents, group=GROUP, workspace=workspace)
    if not answer.created:
        raise RuntimeError(f"nothing was published: {answer}")
    return answer


def _tell(report: Report, name: str, measured: Measured) -> None:
    received_ms = [seconds * 1000 for seconds in measured.received_s]
    report.figure(f"{name}.p50", percentile(received_ms, 50), "ms from Publish to received", limit=LIMIT_MS)
    report.figure(f"{name}.p99", percentile(received_ms, 99), f"ms, of {len(received_ms)} changes")
    report.figure(f"{name}.answered", percentile(measured.answered_s, 50) * 1000, "ms until Publish answers (median)")
    report.figure(f"{name}.cpu", measured.cpu_s * 1000, "ms of server CPU a change")
