"""One check of a doctor: what was looked at, how it came out, what to do. What is checked, each process says itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

SKEW_S = 2.0


class Verdict(StrEnum):
    """How a check came out. DOUBTFUL works today."""

    GOOD = "good"
    DOUBTFUL = "doubtful"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was found, and, when it is not good, what to do."""

    name: str
    verdict: Verdict
    found: str
    remedy: str = ""

    def document(self) -> dict[str, str]:
        return {"check": self.name, "verdict": self.verdict.value, "found": self.found, "remedy": self.remedy}


def clock_check(skew_s: float) -> Check:
    """`skew_s`: the server's clock minus this machine's."""
    if abs(skew_s) <= SKEW_S:
        return Check("clock", Verdict.GOOD, f"this machine and the server agree to {SKEW_S:g} s")
    remedy = "times in history and events will mislead; run NTP (timedatectl set-ntp true) on both"
    return Check("clock", Verdict.DOUBTFUL, f"the server's clock is {skew_s:+.1f} s from this machine's", remedy)


def text_lines(check: Check, paint: Callable[[Verdict, str], str] = lambda verdict, text: text) -> list[str]:
    """For people: the verdict, what was found, and below it what to do. `paint` colours the verdict."""
    head = f"{paint(check.verdict, check.verdict.value.ljust(8))}  {check.name.ljust(12)}  {check.found}"
    return [head, f"{'':24}-> {check.remedy}"] if check.remedy else [head]
