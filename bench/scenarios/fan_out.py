"""One change to 1,000 streams that want everything: how long until each has it, and what it costs the server.

Measured beside a bare grpc.aio loop that writes the same bytes and knows nothing, in the same run, taking turns.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from bench.children import Child
from bench.report import Report, cpu_s, memory_mib, percentile
from xds.protocol.types import CLUSTER

STREAMS = 1_000
CONNECTIONS = 1_000
RESOURCES = 200
SIZE_BYTES = 1_000
ROUNDS = 20


@dataclass(slots=True)
class Party:
    """One server, its load, and what was measured. Times in seconds."""

    server: Child
    load: Child
    connect_s: float = 0.0
    memory_mib: float = 0.0
    delays_s: list[float] = field(default_factory=list)
    slowest_s: list[float] = field(default_factory=list)
    cpu_s: float = 0.0

    @property
    def cpu_us(self) -> float:
        """Of the server, for each update delivered and acknowledged."""
        return self.cpu_s / (ROUNDS * STREAMS) * 1e6


async def run(report: Report) -> None:
    children: list[Child] = []
    try:
        ours = await _connected("bench.serve", children)
        bare = await _connected("bench.bare", children)
        for number in range(ROUNDS):
            await _round(ours, number)
            await _round(bare, number)
        _tell(report, ours, bare)
    finally:
        for child in reversed(children):
            await child.stop()


async def _connected(module: str, children: list[Child]) -> Party:
    party = Party(await Child.start(module), await Child.start("bench.load"))
    children += [party.server, party.load]
    address = (await party.server.ask("fill", resources=RESOURCES, size_bytes=SIZE_BYTES))["address"]
    empty_mib = memory_mib(party.server.pid)
    connected = await party.load.ask(
        "connect", target=address, streams=STREAMS, connections=CONNECTIONS, cluster="bench", type_url=CLUSTER
    )
    party.connect_s = connected["seconds"]
    await _all_current(party.server)
    party.memory_mib = memory_mib(party.server.pid) - empty_mib
    return party


async def _round(party: Party, number: int) -> None:
    await party.load.ask("forget")
    before_s = cpu_s(party.server.pid)
    published_at_s = (await party.server.ask("change", number=number))["published_at_s"]
    received_at_s = (await party.load.ask("expect"))["received_at_s"]
    await _all_current(party.server)
    party.cpu_s += cpu_s(party.server.pid) - before_s
    delays = [at_s - published_at_s for at_s in received_at_s]
    party.delays_s += delays
    party.slowest_s.append(max(delays))


async def _all_current(server: Child) -> None:
    while (counts := await server.ask("counts"))["current"] < STREAMS:
        if counts["total"] < STREAMS:
            raise RuntimeError(f"streams were lost: {counts}")
        await asyncio.sleep(0.02)


def _tell(report: Report, ours: Party, bare: Party) -> None:
    report.figure("streams", STREAMS, "streams, each on a connection of its own")
    report.figure("connect", ours.connect_s, f"s until every stream has its {RESOURCES} resources")
    report.figure("memory", ours.memory_mib * 1024 / STREAMS, "KiB a stream")
    report.figure("memory_bare", bare.memory_mib * 1024 / STREAMS, "KiB a stream of a bare grpc.aio loop")
    for percent in (50, 99):
        report.figure(f"p{percent}", percentile(ours.delays_s, percent) * 1000, "ms from publish to received")
        report.figure(f"p{percent}_bare", percentile(bare.delays_s, percent) * 1000, "ms with a bare grpc.aio loop")
    report.figure("last", percentile(ours.slowest_s, 50) * 1000, "ms until the last stream has it (median of rounds)")
    report.figure("cpu", ours.cpu_us, "us of server CPU per update delivered and acknowledged")
    report.figure("cpu_bare", bare.cpu_us, "us with a bare grpc.aio loop")
    report.figure("cpu_ratio", ours.cpu_us / bare.cpu_us, "times a bare grpc.aio loop")
