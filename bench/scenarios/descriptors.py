"""Envoy's API as descriptors: how long a fresh process takes to load it, and how large it is on disk and in memory.

Loading fills the pool; a message's class is made when it is first asked for, which is measured beside it.
"""

from __future__ import annotations

import asyncio
import json
import sys

from bench.fairlead import ROOT
from bench.report import Report, percentile

RUNS = 15
LIMIT_MS = 60.0
_LOAD = """
import json, os, time
from api.envoy.registry import EnvoyApi
from bench.report import memory_mib
before_mib = memory_mib(os.getpid())
started_s = time.perf_counter()
api = EnvoyApi.load()
loaded_s = time.perf_counter()
api.new("envoy.config.listener.v3.Listener")
used_s = time.perf_counter()
print(json.dumps([(loaded_s - started_s) * 1000, (used_s - loaded_s) * 1000, memory_mib(os.getpid()) - before_mib]))
"""


async def run(report: Report) -> None:
    loads = [await _load() for _ in range(RUNS)]
    loaded_ms, used_ms, grown_mib = zip(*loads, strict=True)
    report.figure("load", percentile(loaded_ms, 50), "ms to load in a fresh process (median)", limit=LIMIT_MS)
    report.figure("load.slowest", max(loaded_ms), f"ms, of {RUNS} processes")
    report.figure("first_use", percentile(used_ms, 50), "ms for the first message, a Listener (median)")
    report.figure("memory", percentile(grown_mib, 50), "MiB more resident after that (median)")
    size_bytes = (ROOT / "api" / "envoy" / "descriptors.binpb").stat().st_size
    report.figure("size", size_bytes / 2**20, "MiB on disk")


async def _load() -> tuple[float, float, float]:
    """Milliseconds to load and to make the first message, and MiB that the process grew by."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _LOAD), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    printed, _ = await process.communicate()
    loaded_ms, used_ms, grown_mib = json.loads(printed)
    return loaded_ms, used_ms, grown_mib
