"""How a figure is printed: `name: value unit`, one a line, so that people and programs can read it."""

from __future__ import annotations

import math
import resource
from collections.abc import Sequence
from pathlib import Path


class Report:
    """Prints as figures come."""

    def __init__(self, scenario: str) -> None:
        self._scenario = scenario

    def figure(self, name: str, value: float, unit: str, *, limit: float | None = None) -> None:
        """`limit`: what the value has to stay below, in the same unit; printed with the verdict."""
        verdict = "" if limit is None else f" (limit {_rounded(limit)}: {'held' if value < limit else 'MISSED'})"
        print(f"{self._scenario}.{name}: {_rounded(value)} {unit}{verdict}", flush=True)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def cpu_s(pid: int) -> float:
    """User and system time of a process so far, in seconds; its threads included, its children not."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS


def memory_mib(pid: int) -> float:
    """Resident memory of a process, in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def memory_shares_mib(pid: int) -> tuple[float, float]:
    """Of a process, in MiB: its own and its part of what it shares with others (PSS); its own alone (USS)."""
    rows = (line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    kib = {row[0]: int(row[1]) for row in rows}
    return kib["Pss:"] / 1024, (kib["Private_Clean:"] + kib["Private_Dirty:"]) / 1024


def children_of(pid: int) -> tuple[int, ...]:
    """The processes that its main thread has started and not seen end."""
    return tuple(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def allow_many_files() -> None:
    """As many open files (sockets) as this user may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


_CLOCK_TICKS = 100  # Linux tells /proc times in USER_HZ, which is 100 on every architecture we run on


def _rounded(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
