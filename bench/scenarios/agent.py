"""A node agent of 1,000 clusters: what it costs while nothing happens, what it adds to a change, a start from disk.

The server is an edge in a process of its own that is handed resources; the agent runs a real Envoy of one worker. A
second Envoy follows the server itself, in a group that is alike, and both are given a change in turns.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from grpc import aio

from bench.asking import Client
from bench.children import Child
from bench.counting import counting
from bench.gateways import ALIVE
from bench.load import LoadStream
from bench.node_agent import NodeAgent
from bench.report import Report, cpu_s, memory_mib, memory_shares_mib, percentile
from examples.demo.envoy import Envoy
from snapshots.store.etcd.ports import free_port
from xds.protocol.types import CLUSTER

CLUSTERS = 1_000
CHANGES, WARM_UP = 200, 20
STARTS = 10
SETTLE_S, IDLE_S, PAUSE_S = 8.0, 60.0, 0.02
PATIENCE_S = 60.0
EDGE, DIRECT = "edge", "direct"

MEMORY_LIMIT_MIB, CPU_LIMIT_PERCENT, REPORT_LIMIT_BYTES = 64.0, 0.5, 1024.0
ADDED_LIMIT_MS, START_LIMIT_S = 10.0, 2.0


@dataclass(frozen=True, slots=True)
class Site:
    """The server, and the agent of the group EDGE, whose Envoy listens on `port`."""

    server: Child
    address: str
    agent: NodeAgent
    port: int


async def run(report: Report) -> None:
    # A Unix socket's path has little room.
    with TemporaryDirectory(prefix="fl-") as scratch:
        async with _a_site(Path(scratch)) as site:
            await _idle(report, site)
            await _latency(report, site, Path(scratch))
            await _passage(report, site)
            await _afterwards(report, site)
        await _from_disk(report, site)


@asynccontextmanager
async def _a_site(scratch: Path) -> AsyncIterator[Site]:
    server = await Child.start("bench.gateways")
    ports = {EDGE: free_port(), DIRECT: free_port()}
    address = (await server.ask("fill", groups=ports, clusters=CLUSTERS))["address"]
    agent = NodeAgent(scratch / "a", EDGE, "--envoy-arguments=--concurrency,1")
    try:
        # From now on there is a generation, and its bytecode as where it is installed.
        await agent.start(address, "--bake-s=1")
        await agent.has_good(1)
        await agent.stop()
        yield Site(server, address, agent, ports[EDGE])
    finally:
        await agent.stop()
        await server.stop()


async def _idle(report: Report, site: Site) -> None:
    """Reports go as often as they do by default."""
    async with counting(site.address) as wire:
        await site.agent.start(wire.address)
        await _answers(site.port)
        await asyncio.sleep(SETTLE_S)
        _tell_memory(report, "idle", site.agent)
        before, before_s = wire.up, cpu_s(site.agent.pid)
        await asyncio.sleep(IDLE_S)
        used_s = cpu_s(site.agent.pid) - before_s
        report.figure("idle.cpu", used_s / IDLE_S * 100, "% of a core while idle", limit=CPU_LIMIT_PERCENT)
        sent = (wire.up - before) / IDLE_S * 10
        report.figure("idle.sent", sent, "bytes to the server in 10 s while idle", limit=REPORT_LIMIT_BYTES)
        await site.agent.stop()


async def _latency(report: Report, site: Site, scratch: Path) -> None:
    """From a change to Envoy's ACK at the server, in turns with an Envoy that has no agent."""
    await site.agent.start(site.address)
    envoy = await asyncio.to_thread(Envoy.start, scratch / "envoy", site.address, DIRECT, DIRECT)
    taken_s: dict[str, list[float]] = {EDGE: [], DIRECT: []}
    try:
        await _answers(site.port)
        for number in range(WARM_UP + CHANGES):
            for group, delays_s in taken_s.items():
                delays_s.append((await site.server.ask("change", group=group, number=number))["seconds"])
                await asyncio.sleep(PAUSE_S)
    finally:
        await asyncio.to_thread(envoy.stop)
    for percent in (50, 99):
        through, direct = (percentile(taken_s[group][WARM_UP:], percent) * 1000 for group in (EDGE, DIRECT))
        report.figure(f"ack.p{percent}", through, "ms from a change to Envoy's ACK at the server, through the agent")
        report.figure(f"ack.p{percent}.direct", direct, "ms without an agent")
        report.figure(f"ack.p{percent}.added", through - direct, "ms more", limit=ADDED_LIMIT_MS)


async def _passage(report: Report, site: Site) -> None:
    """Two clients of this process are told the same change: one by the server, one by the agent."""
    targets = (site.address, (await site.agent.addresses())["xds"])
    channels = [aio.insecure_channel(target, [("grpc.max_receive_message_length", -1)]) for target in targets]
    watchers = [LoadStream(channel, "watcher", EDGE, CLUSTER) for channel in channels]
    for watcher in watchers:
        watcher.open({})
    await asyncio.gather(*(watcher.silence(1.0) for watcher in watchers))
    added_s = []
    for number in range(WARM_UP + CHANGES):
        for watcher in watchers:
            watcher.forget()
        await site.server.ask("change", group=EDGE, number=number)
        await asyncio.gather(*(watcher.next_state() for watcher in watchers))
        direct, through = watchers
        added_s.append(through.received_at_s - direct.received_at_s)
        await asyncio.sleep(PAUSE_S)
    for watcher, channel in zip(watchers, channels, strict=True):
        await watcher.end()
        await channel.close(None)
    words = f"ms later than from the server, of {CHANGES} changes"
    report.figure("passage.p50", percentile(added_s[WARM_UP:], 50) * 1000, words)
    report.figure("passage.p99", percentile(added_s[WARM_UP:], 99) * 1000, words, limit=ADDED_LIMIT_MS)


async def _afterwards(report: Report, site: Site) -> None:
    """After so many changes."""
    await asyncio.sleep(SETTLE_S)
    _tell_memory(report, "changed", site.agent)
    before_s = cpu_s(site.agent.pid)
    await asyncio.sleep(IDLE_S / 2)
    used_s = cpu_s(site.agent.pid) - before_s
    report.figure("changed.cpu", used_s / (IDLE_S / 2) * 100, "% of a core", limit=CPU_LIMIT_PERCENT)


def _tell_memory(report: Report, name: str, agent: NodeAgent) -> None:
    words = f"MiB resident with {CLUSTERS} clusters"
    report.figure(f"{name}.memory", memory_mib(agent.pid), words, limit=MEMORY_LIMIT_MIB)
    shared_mib, own_mib = memory_shares_mib(agent.pid)
    report.figure(f"{name}.memory.pss", shared_mib, "MiB with its part of what it shares")
    report.figure(f"{name}.memory.uss", own_mib, "MiB that are its own alone")


async def _from_disk(report: Report, site: Site) -> None:
    """No server is left. From the start of the agent until a client of its Envoy is answered."""
    with _silent() as silent:
        for name, server in (("refused", f"127.0.0.1:{free_port()}"), ("silent", silent)):
            starts = [await _start(site, server) for _ in range(STARTS)]
            answered_s = [start["answered"] for start in starts]
            words = f"s from the agent's start to Envoy's answer, no control plane (median of {STARTS})"
            report.figure(f"disk.{name}", percentile(answered_s, 50), words, limit=START_LIMIT_S)
            report.figure(f"disk.{name}.slowest", max(answered_s), "s", limit=START_LIMIT_S)
            for stage in ("listening", *STAGES.values()):
                report.figure(f"disk.{name}.{stage}", percentile([start[stage] for start in starts], 50), "s of that")


STAGES = {"Envoy is started": "envoy", "no upstream answers: serving what is on the disk": "served"}
"""What the agent logs of them."""


async def _start(site: Site, server: str) -> dict[str, float]:
    """When each stage was reached, in seconds from the start."""
    clock = asyncio.get_running_loop().time
    began_s = clock()
    await site.agent.start(server)
    try:
        await site.agent.addresses()
        listening_s = clock() - began_s
        await _answers(site.port)
        answered_s = clock() - began_s
        logged = {STAGES[event]: at_s for event, at_s in site.agent.logged() if event in STAGES}
    finally:
        await site.agent.stop()
    return {"listening": listening_s, "answered": answered_s, **logged}


async def _answers(port: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await Client(port).until("shop", ALIVE, lambda status, _: status == 200)


@contextmanager
def _silent() -> Iterator[str]:
    """An address where connections are taken and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0), backlog=1_000) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
