"""`fairlead validate` of 1,000 HTTPRoutes with 1,000 Backends in a cold process; and again, one changed, by a warm one.

The warm process is a server that is asked to check them, by a client that has asked before: what an editor would do.
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from api.management.client import ManagementClient
from bench.fairlead import FAIRLEAD, FairleadServer
from bench.report import Report, cpu_s, percentile
from bench.routes import Layout, Routes
from bench.scenarios.command_line import wall_s
from snapshots.authoring.files import read_documents

COUNT = 1_000
COLD_RUNS, WARM_RUNS = 7, 20
COLD_LIMIT_S, WARM_LIMIT_MS = 2.0, 300.0


async def run(report: Report) -> None:
    for layout in Layout:
        with TemporaryDirectory(prefix="fairlead-bench-") as scratch:
            routes, directory = Routes(layout, COUNT, 10080, 10081), Path(scratch, "documents")
            routes.write(directory)
            cold_s = [await wall_s(*FAIRLEAD, "validate", str(directory)) for _ in range(COLD_RUNS)]
            words = f"s for fairlead validate of {COUNT} HTTPRoutes and Backends (median)"
            report.figure(f"{layout.value}.cold", percentile(cold_s, 50), words, limit=COLD_LIMIT_S)
            await _warm(report, routes, directory, Path(scratch))


async def _warm(report: Report, routes: Routes, directory: Path, scratch: Path) -> None:
    name = routes.layout.value
    server = await FairleadServer.start(scratch / "server", "--memory")
    try:
        async with ManagementClient(server.management) as client:
            await client.check(read_documents([directory]))
            warm_ms = []
            before_s = cpu_s(server.pid)
            for number in range(WARM_RUNS):
                routes.change(directory, number, f"change-{number}")
                began_s = time.monotonic()
                answer = await client.check(read_documents([directory]))
                warm_ms.append((time.monotonic() - began_s) * 1000)
                if answer.findings:
                    raise RuntimeError(f"something is wrong: {answer.findings[0]}")
            cpu_ms = (cpu_s(server.pid) - before_s) / WARM_RUNS * 1000
    finally:
        await server.stop()
    words = "ms to read them again and have them checked, one changed (median)"
    report.figure(f"{name}.warm", percentile(warm_ms, 50), words, limit=WARM_LIMIT_MS)
    report.figure(f"{name}.warm.cpu", cpu_ms, "ms of server CPU for each")
