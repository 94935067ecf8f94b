"""4,000 streams open at the same moment: all are served, none is dropped (grpc drops beyond its limits in silence)."""

from __future__ import annotations

from bench.children import Child
from bench.report import Report, cpu_s
from xds.protocol.types import CLUSTER

STREAMS = 4_000
CONNECTIONS = 50
RESOURCES = 5
SIZE_BYTES = 100


async def run(report: Report) -> None:
    server = await Child.start("bench.serve")
    load = await Child.start("bench.load")
    try:
        address = (await server.ask("fill", resources=RESOURCES, size_bytes=SIZE_BYTES))["address"]
        before_s = cpu_s(server.pid)
        where = {"target": address, "cluster": "bench", "type_url": CLUSTER}
        connected = await load.ask("connect", streams=STREAMS, connections=CONNECTIONS, **where)
        total = (await server.ask("counts"))["total"]
        report.figure("served", total, f"streams of {STREAMS} that opened at once")
        report.figure("seconds", connected["seconds"], "s until each has its first state")
        report.figure("cpu", (cpu_s(server.pid) - before_s) / STREAMS * 1e6, "us of server CPU per stream opened")
    finally:
        await load.stop()
        await server.stop()
