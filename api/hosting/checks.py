"""One check of a doctor: what was looked at, how it came out, what to do. What is checked, each process says itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
