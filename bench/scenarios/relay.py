"""1,000 agents below one relay: what they cost the centre, and what the relay costs beside a server with the same load.

Both have the same content and the same clients, and take turns. What the relay does for an update holds what it reports
of it: a round ends when the centre knows that all have it.
"""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from bench.children import Child
from bench.fairlead import PATIENCE_S
from bench.node_agent import NodeAgent
from bench.report import Report, cpu_s, memory_mib, percentile
from xds.protocol.features import REVISION
from xds.protocol.types import CLUSTER

AGENTS = 1_000
RESOURCES = 200
SIZE_BYTES = 1_000
ROUNDS = 10


@dataclass(slots=True)
class Party:
    """Who serves the agents (`pid`), and where what it serves comes from (`centre`). Times in seconds."""

    centre: Child
    load: Child
    pid: int
    nodes: int
    connect_s: float = 0.0
    memory_mib: float = 0.0
    cpu_s: float = 0.0
    centre_cpu_s: float = 0.0
    delays_s: list[float] = field(default_factory=list)

    @property
    def cpu_us(self) -> float:
        """For each update delivered, acknowledged and told."""
        return self.cpu_s / (ROUNDS * AGENTS) * 1e6


async def run(report: Report) -> None:
    children: list[Child | NodeAgent] = []
    with tempfile.TemporaryDirectory() as directory:
        try:
            direct = await _direct(children)
            relayed = await _relayed(Path(directory), children)
            for number in range(ROUNDS):
                await _round(direct, number)
                await _round(relayed, number)
            await _tell(report, direct, relayed)
        finally:
            for child in reversed(children):
                await child.stop()


async def _direct(children: list[Child | NodeAgent]) -> Party:
    centre, load = await Child.start("bench.serve"), await Child.start("bench.load")
    children += [centre, load]
    address = (await centre.ask("fill", resources=RESOURCES, size_bytes=SIZE_BYTES))["address"]
    return await _connected(Party(centre, load, centre.pid, AGENTS), address)


async def _relayed(directory: Path, children: list[Child | NodeAgent]) -> Party:
    centre = await Child.start("bench.serve")
    children.append(centre)
    address = (await centre.ask("fill", resources=RESOURCES, size_bytes=SIZE_BYTES))["address"]
    relay = NodeAgent(directory, "relay", "--group=bench", "--envoy=none", "--relay-address=127.0.0.1:0")
    load = await Child.start("bench.load")
    children += [relay, load]
    await relay.start(address)
    return await _connected(Party(centre, load, relay.pid, AGENTS + 1), (await relay.addresses())["relay"])


async def _connected(party: Party, address: str) -> Party:
    empty_mib = memory_mib(party.pid)
    where = {"target": address, "cluster": "bench", "type_url": CLUSTER, "features": [REVISION]}
    connected = await party.load.ask("connect", streams=AGENTS, connections=AGENTS, **where)
    party.connect_s = connected["seconds"]
    await _all_current(party)
    party.memory_mib = memory_mib(party.pid) - empty_mib
    return party


async def _round(party: Party, number: int) -> None:
    await party.load.ask("forget")
    before_s, centre_s = cpu_s(party.pid), cpu_s(party.centre.pid)
    published_at_s = (await party.centre.ask("change", number=number))["published_at_s"]
    received_at_s = (await party.load.ask("expect"))["received_at_s"]
    await _all_current(party)
    party.cpu_s += cpu_s(party.pid) - before_s
    party.centre_cpu_s += cpu_s(party.centre.pid) - centre_s
    party.delays_s += [at_s - published_at_s for at_s in received_at_s]


async def _all_current(party: Party) -> None:
    """What the centre knows of those below a relay comes by its reports."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if (await party.centre.ask("counts"))["current"] >= party.nodes:
                return
            await asyncio.sleep(0.02)


async def _tell(report: Report, direct: Party, relayed: Party) -> None:
    streams = (await relayed.centre.ask("streams"))["open"]
    report.figure("centre_streams", streams, f"streams at the centre for {AGENTS} agents, one of them for reports")
    report.figure("centre_cpu", relayed.centre_cpu_s / ROUNDS * 1e3, "ms of CPU of the centre for an update of all")
    report.figure("centre_cpu_direct", direct.centre_cpu_s / ROUNDS * 1e3, "ms where all are connected to it")
    report.figure("cpu", relayed.cpu_us, "us of the relay's CPU per update delivered, acknowledged and reported")
    report.figure("cpu_server", direct.cpu_us, "us of a server's CPU per update delivered and acknowledged")
    report.figure("cpu_ratio", relayed.cpu_us / direct.cpu_us, "times a server")
    report.figure("memory", relayed.memory_mib * 1024 / AGENTS, "KiB of the relay a stream")
    report.figure("memory_server", direct.memory_mib * 1024 / AGENTS, "KiB of a server a stream")
    report.figure("connect", relayed.connect_s, f"s until every agent has its {RESOURCES} resources")
    report.figure("connect_server", direct.connect_s, "s with a server")
    for percent in (50, 99):
        report.figure(f"p{percent}", percentile(relayed.delays_s, percent) * 1000, "ms from publish to received")
        report.figure(f"p{percent}_server", percentile(direct.delays_s, percent) * 1000, "ms with a server")
