"""How long people wait for the command line: `--help`, and `validate` of 1,000 documents, each in a cold process."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.documents import cluster_documents, write_documents
from bench.fairlead import FAIRLEAD, ROOT
from bench.report import Report, percentile

DOCUMENTS = 1_000
HELP_RUNS, VALIDATE_RUNS = 21, 7
HELP_LIMIT_MS, VALIDATE_LIMIT_S = 150.0, 2.0


async def run(report: Report) -> None:
    bare_ms = [await wall_s(sys.executable, "-c", "pass") * 1000 for _ in range(HELP_RUNS)]
    help_ms = [await wall_s(*FAIRLEAD, "--help") * 1000 for _ in range(HELP_RUNS)]
    report.figure("help", percentile(help_ms, 50), "ms for fairlead --help (median)", limit=HELP_LIMIT_MS)
    report.figure("help.slowest", max(help_ms), f"ms, of {HELP_RUNS} runs")
    report.figure("help.python", percentile(bare_ms, 50), "ms of that for an interpreter that does nothing")
    with TemporaryDirectory(prefix="fairlead-bench-") as directory:
        write_documents(Path(directory), cluster_documents("cluster", DOCUMENTS))
        validate_s = [await wall_s(*FAIRLEAD, "validate", directory) for _ in range(VALIDATE_RUNS)]
    words = f"s for fairlead validate of {DOCUMENTS} documents (median)"
    report.figure("validate", percentile(validate_s, 50), words, limit=VALIDATE_LIMIT_S)
    report.figure("validate.slowest", max(validate_s), f"s, of {VALIDATE_RUNS} runs")


async def wall_s(*command: str) -> float:
    """How long a command takes from its start to its end. Raises RuntimeError unless it ends with 0."""
    started_s = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, cwd=ROOT
    )
    if await process.wait() != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return time.perf_counter() - started_s
