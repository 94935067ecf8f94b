"""From the start of a server with its embedded etcd until it is ready, and what it holds in memory when idle.

With an empty store, and with 10,000 resources in it. Memory is resident memory when it has settled, of the server's own
process; etcd's is told beside it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from api.management.client import ManagementClient
from bench.documents import cluster_documents
from bench.fairlead import FairleadServer
from bench.report import Report, children_of, memory_mib, percentile

RESOURCES = 10_000
RUNS = 7
SETTLE_S = 3.0
EMPTY_LIMIT_S, FULL_LIMIT_S, MEMORY_LIMIT_MIB = 1.5, 5.0, 120.0


async def run(report: Report) -> None:
    with TemporaryDirectory(prefix="fairlead-bench-") as directory:
        new_s = [await _ready_s(Path(directory, f"new-{number}")) for number in range(RUNS)]
        report.figure("empty", percentile(new_s, 50), "s until ready, empty store (median)", limit=EMPTY_LIMIT_S)
        report.figure("empty.slowest", max(new_s), f"s, of {RUNS} starts")
        idle_mib, etcd_mib = await _idle_mib(Path(directory, "new-0"))
        report.figure("empty.memory", idle_mib, "MiB resident when idle", limit=MEMORY_LIMIT_MIB)
        report.figure("empty.memory.etcd", etcd_mib, "MiB resident of its etcd")
        full = Path(directory, "full")
        published_mib, _ = await _idle_mib(full, publish=RESOURCES)
        full_s = [await _ready_s(full) for _ in range(RUNS)]
        report.figure("full", percentile(full_s, 50), f"s until ready with {RESOURCES} (median)", limit=FULL_LIMIT_S)
        report.figure("full.slowest", max(full_s), f"s, of {RUNS} starts")
        idle_mib, etcd_mib = await _idle_mib(full)
        report.figure("full.memory", idle_mib, f"MiB resident when idle with {RESOURCES} resources")
        report.figure("full.memory.etcd", etcd_mib, "MiB resident of its etcd")
        report.figure("full.memory.published", published_mib, "MiB of a server that took their publication itself")


async def _ready_s(directory: Path) -> float:
    server = await FairleadServer.start(directory)
    await server.stop()
    return server.ready_s


async def _idle_mib(directory: Path, *, publish: int = 0) -> tuple[float, float]:
    """Of the server and of its etcd, after so many resources were published to it."""
    server = await FairleadServer.start(directory)
    try:
        if publish:
            async with ManagementClient(server.management, 60.0) as author:
                await author.publish(cluster_documents("cluster", publish), group="bench")
        await asyncio.sleep(SETTLE_S)
        return memory_mib(server.pid), sum(map(memory_mib, children_of(server.pid)))
    finally:
        await server.stop()
