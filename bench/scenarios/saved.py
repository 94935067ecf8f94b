"""From saving a file under `fairlead dev DIR` to a real Envoy answering with what it says; 1,000 and 10,000 HTTPRoutes.

Each route has a Backend; `bench.routes` says how they lie in the directory. First all are moved into it at once, under
a server that has nothing, and every one is asked for; then one after the other is changed. Server, its etcd and Envoy
are processes of their own; requests, answers and the upstream are this one, and cost CPU too. Stages are from the
server's traces, in a run of their own.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.asking import Client, all_answered, an_upstream
from bench.fairlead import FairleadServer
from bench.report import Report, children_of, cpu_s, memory_mib, percentile
from bench.routes import HEADER, Layout, Routes
from bench.spans import Collector, Span
from examples.demo.envoy import Envoy
from snapshots.store.etcd.ports import free_port

CHANGE_LIMIT_MS = {1_000: 150.0, 10_000: 200.0}
ALL_LIMIT_S = {1_000: 2.0, 10_000: 20.0}
MEMORY_LIMIT_MIB = 1024.0
CPU_LIMIT_S = 0.05
ROUNDS = 20
# What a change leaves to be done (Envoy's, etcd's) is not to be measured with the next one.
PAUSE_S = 0.3
SAMPLE_S = 0.05
PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True)
class Case:
    """One run. `memory`: with the store in memory in place of etcd."""

    layout: Layout
    count: int
    memory: bool = False

    @property
    def name(self) -> str:
        return f"{self.layout.value}.{self.count}" + (".memory" if self.memory else "")


CASES = (
    *(Case(layout, count) for count in (1_000, 10_000) for layout in Layout),
    *(Case(Layout.FILES, count, memory=True) for count in (1_000, 10_000)),
)


@dataclass(frozen=True, slots=True)
class Cpu:
    """Seconds of CPU of each process."""

    server_s: float = 0.0
    etcd_s: float = 0.0
    envoy_s: float = 0.0

    @classmethod
    def now(cls, server_pid: int, envoy_pid: int) -> Cpu:
        return cls(cpu_s(server_pid), sum(map(cpu_s, children_of(server_pid))), cpu_s(envoy_pid))

    def since(self, before: Cpu) -> Cpu:
        return Cpu(self.server_s - before.server_s, self.etcd_s - before.etcd_s, self.envoy_s - before.envoy_s)


@dataclass(slots=True)
class Measured:
    """Seconds and MiB. `saved_s` are the Unix times of the changes; `changes_cpu` is that of all of them together."""

    all_s: float = 0.0
    all_cpu: Cpu = field(default_factory=Cpu)
    saved_s: list[float] = field(default_factory=list)
    answered_s: list[float] = field(default_factory=list)
    changes_cpu: Cpu = field(default_factory=Cpu)
    peak_mib: float = 0.0


async def run(report: Report) -> None:
    for case in CASES:
        measured, _ = await measure(case)
        _tell(report, case, measured)
    for count in (1_000, 10_000):
        case = Case(Layout.FILES, count)
        measured, spans = await measure(case, traced=True)
        _tell_stages(report, case, measured, spans)


async def measure(case: Case, *, rounds: int = ROUNDS, traced: bool = False) -> tuple[Measured, Sequence[Span]]:
    """Everything of one case; with `traced` the server's spans as well."""
    collector = Collector() if traced else None
    try:
        with TemporaryDirectory(prefix="fairlead-bench-") as scratch:
            measured = await _measured(case, Path(scratch), rounds, collector.endpoint if collector else "")
        return measured, collector.spans() if collector else ()
    finally:
        if collector:
            collector.stop()


async def _measured(case: Case, scratch: Path, rounds: int, endpoint: str) -> Measured:
    measured = Measured()
    (scratch / "documents").mkdir()
    flags = [str(scratch / "documents"), *(["--memory"] if case.memory else [])]
    flags += [f"--otlp-endpoint={endpoint}"] if endpoint else []
    async with an_upstream() as upstream, _a_server(scratch, flags) as server, _an_envoy(scratch, server) as envoy:
        routes = Routes(case.layout, case.count, free_port(), upstream)
        sampling = asyncio.create_task(_sample_memory(server.pid, measured))
        began = Cpu.now(server.pid, envoy.pid)
        await _all(routes, scratch / "documents/shop", measured)
        loaded = Cpu.now(server.pid, envoy.pid)
        await _changes(routes, scratch / "documents/shop", measured, rounds)
        measured.all_cpu, measured.changes_cpu = loaded.since(began), Cpu.now(server.pid, envoy.pid).since(loaded)
        sampling.cancel()
    return measured


@asynccontextmanager
async def _a_server(scratch: Path, flags: Sequence[str]) -> AsyncIterator[FairleadServer]:
    server = await FairleadServer.start(scratch / "server", *flags)
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def _an_envoy(scratch: Path, server: FairleadServer) -> AsyncIterator[Envoy]:
    envoy = await asyncio.to_thread(Envoy.start, scratch / "envoy", server.xds)
    try:
        yield envoy
    finally:
        await asyncio.to_thread(envoy.stop)


async def _sample_memory(pid: int, measured: Measured) -> None:
    while True:
        measured.peak_mib = max(measured.peak_mib, memory_mib(pid))
        await asyncio.sleep(SAMPLE_S)


async def _all(routes: Routes, directory: Path, measured: Measured) -> None:
    building = directory.parents[1] / "building"
    routes.write(building)
    await asyncio.sleep(PAUSE_S)
    saved_s = time.monotonic()
    os.rename(building, directory)
    async with asyncio.timeout(PATIENCE_S):
        await all_answered(routes.port, [(routes.host(each), routes.path(each)) for each in range(routes.count)])
    measured.all_s = time.monotonic() - saved_s


async def _changes(routes: Routes, directory: Path, measured: Measured, rounds: int) -> None:
    client = Client(routes.port)
    for number in range(rounds):
        await asyncio.sleep(PAUSE_S)
        index = number * (routes.count // rounds)
        measured.saved_s.append(time.time())
        began_s = time.monotonic()
        routes.change(directory, index, f"change-{number}")
        await client.until(routes.host(index), routes.path(index), _says(f"change-{number}"))
        measured.answered_s.append(time.monotonic() - began_s)
    await asyncio.sleep(PAUSE_S)
    client.close()


def _says(change: str) -> Callable[[int, str], bool]:
    return lambda _, head: f"{HEADER}: {change}\r\n" in head


def _tell(report: Report, case: Case, measured: Measured) -> None:
    count = len(measured.answered_s)
    answered_ms = [seconds * 1000 for seconds in measured.answered_s]
    limits = (CHANGE_LIMIT_MS[case.count], ALL_LIMIT_S[case.count])
    report.figure(f"{case.name}.p50", percentile(answered_ms, 50), "ms from save to answer", limit=limits[0])
    report.figure(f"{case.name}.slowest", max(answered_ms), f"ms, of {count} changes")
    cpu, all_cpu = measured.changes_cpu, measured.all_cpu
    report.figure(f"{case.name}.cpu", cpu.server_s / count, "s of server CPU a change", limit=CPU_LIMIT_S)
    report.figure(f"{case.name}.cpu.etcd", cpu.etcd_s / count, "s of its etcd")
    report.figure(f"{case.name}.cpu.envoy", cpu.envoy_s / count, "s of Envoy, requests included")
    report.figure(f"{case.name}.all", measured.all_s, "s from nothing to all answered", limit=limits[1])
    report.figure(f"{case.name}.all.cpu", all_cpu.server_s, f"s of server CPU, {all_cpu.envoy_s:.1f} s of Envoy")
    report.figure(f"{case.name}.memory", measured.peak_mib, "MiB of the server at its peak", limit=MEMORY_LIMIT_MIB)


def _tell_stages(report: Report, case: Case, measured: Measured, spans: Sequence[Span]) -> None:
    """The median begin and end of each span, from the save on."""
    begin_ms, end_ms = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    for saved_s, took_s in zip(measured.saved_s, measured.answered_s, strict=True):
        for span in spans:
            if saved_s <= span.started_s <= saved_s + took_s:
                begin_ms[span.name].append((span.started_s - saved_s) * 1000)
                end_ms[span.name].append((span.ended_s - saved_s) * 1000)
    for name in sorted(begin_ms, key=lambda each: percentile(begin_ms[each], 50)):
        begin, end = percentile(begin_ms[name], 50), percentile(end_ms[name], 50)
        report.figure(f"{case.name}.stage.{name.replace(' ', '_')}", end - begin, f"ms, {begin:.1f} ms after the save")
    report.figure(f"{case.name}.stage.answer", percentile(measured.answered_s, 50) * 1000, "ms after the save")
