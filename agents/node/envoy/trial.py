"""A generation that is new to an Envoy: if Envoy crashes with it again and again, it is the culprit. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Trial:
    """From `since_s`, when Envoy was first served `generation`, until it was ready for `trial_s` without a break."""

    generation: str
    since_s: float
    limit: int
    trial_s: float
    crashes: int = 0

    def is_over(self, ready_since_s: float, now_s: float) -> bool:
        """Whether Envoy has lived with it long enough: what happens from now on is not its fault."""
        return now_s - max(self.since_s, ready_since_s) >= self.trial_s

    def crashed(self) -> bool:
        """Count a crash; whether that was one too many."""
        self.crashes += 1
        return self.crashes >= self.limit

    @property
    def words(self) -> str:
        times = "once" if self.crashes == 1 else f"{self.crashes} times"
        return f"{times} since it was served generation {self.generation}"
