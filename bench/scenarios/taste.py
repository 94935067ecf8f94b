"""How long a real Envoy takes to taste HTTPRoutes with a Backend each, and what it costs to look for shadowed ones.

The routes of one hostname are the worst for both: one virtual host holds them all.
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from api.envoy.registry import load_default
from bench.report import Report, percentile
from bench.routes import Layout, Routes
from snapshots.authoring.compile import Compilation, compile_documents
from snapshots.authoring.files import read_documents
from snapshots.checks.shadowing import Demand, shadowed
from xds.server.taste.program import find_envoy
from xds.server.taste.tasting import taste

COUNTS = (1, 1_000, 10_000)
RUNS = 5
DEMANDS = 10_000


async def run(report: Report) -> None:
    program = find_envoy()
    for count in COUNTS:
        found = _compiled(count)
        taken = [
            await taste(load_default(), found.resources, program, group=found.group, timeout_s=300) for _ in range(RUNS)
        ]
        words = f"s for Envoy {program.version} to load {count} HTTPRoutes and Backends, its start included (median)"
        report.figure(f"{count}", percentile([each.took_s for each in taken], 50), words)
    for name, demands in _lists().items():
        started_s = time.perf_counter()
        assert not list(shadowed(demands))
        report.figure(f"shadows.{name}", (time.perf_counter() - started_s) * 1000, f"ms for {DEMANDS} routes")


def _compiled(count: int) -> Compilation:
    with TemporaryDirectory(prefix="fairlead-bench-") as scratch:
        Routes(Layout.ONE_HOST, count, 10080, 10081).write(Path(scratch, "documents"))
        found = compile_documents(load_default(), read_documents([Path(scratch, "documents")]))
    assert found.ok, found.findings[:3]
    return found


def _lists() -> dict[str, list[Demand]]:
    """Routes of one virtual host that are told apart by their paths, and by one header of many."""
    numbers = range(DEMANDS)
    return {
        "paths": [Demand("segments", f"/api/{number}") for number in numbers],
        "headers": [Demand("prefix", "/", frozenset({("method",), ("tenant", str(number))})) for number in numbers],
    }
