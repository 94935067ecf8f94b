"""2,000 streams that hold everything come back at once: what is sent again (nothing), how long it takes."""

from __future__ import annotations

from bench.children import Child
from bench.report import Report, cpu_s
from xds.protocol.types import CLUSTER

STREAMS = 2_000
CONNECTIONS = 2_000
RESOURCES = 500
SIZE_BYTES = 500


async def run(report: Report) -> None:
    server = await Child.start("bench.serve")
    load = await Child.start("bench.load")
    try:
        address = (await server.ask("fill", resources=RESOURCES, size_bytes=SIZE_BYTES))["address"]
        where = {"target": address, "cluster": "bench", "type_url": CLUSTER}
        connected = await load.ask("connect", streams=STREAMS, connections=CONNECTIONS, **where)
        report.figure("streams", STREAMS, "streams, each on a connection of its own")
        report.figure("first", connected["seconds"], f"s until each has its {RESOURCES} resources")
        before_s = cpu_s(server.pid)
        again = await load.ask("reconnect", **where)
        used_s = cpu_s(server.pid) - before_s
        report.figure("seconds", again["seconds"], "s until each is answered again")
        report.figure("resent", again["resources"], f"resources sent again, of {STREAMS * again['held']} held")
        report.figure("cpu", used_s / STREAMS * 1e6, "us of server CPU per reconnect")
    finally:
        await load.stop()
        await server.stop()
