"""A generation that is new to an Envoy: if Envoy crashes with it again and again, it is the culprit. Pure.

Content may change all the time, endpoints above all. So crashes with what came shortly before it, and had not baked,
count against the next as well: a loop is one, however often something else changed in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


@dataclass(slots=True)
class Trial:
    """From `since_s`, when Envoy was first served `generation`, until it was ready for `trial_s` without a break."""

    generation: str
    since_s: float
    limit: int
    trial_s: float
    crashes: int = 0
    last_crash_s: float = -inf
    inherited: int = 0  # of the crashes, those with what came before
    is_baked: bool = False  # it is good as far as the disk goes; a crash may still be its fault, and no other's

    def followed_by(self, generation: str, now_s: float) -> Trial:
        """The trial of what Envoy is served next, before this one was over."""
        counts = not self.is_baked and now_s - self.last_crash_s < self.trial_s
        crashes = self.crashes if counts else 0
        return Trial(generation, now_s, self.limit, self.trial_s, crashes, self.last_crash_s, inherited=crashes)

    def is_over(self, ready_since_s: float, now_s: float) -> bool:
        """Whether Envoy has lived with it long enough: what happens from now on is not its fault."""
        return now_s - max(self.since_s, ready_since_s) >= self.trial_s

    def crashed(self, now_s: float) -> bool:
        """Count a crash; whether that was one too many."""
        self.crashes += 1
        self.last_crash_s = now_s
        return self.crashes >= self.limit

    @property
    def words(self) -> str:
        times = "once" if self.crashes == 1 else f"{self.crashes} times"
        before = " or what came shortly before" if self.inherited else ""
        return f"{times} since it was served generation {self.generation}{before}"


def next_trial(before: Trial | None, generation: str, now_s: float, limit: int, trial_s: float) -> Trial:
    """Of what is new to Envoy; `before`: the trial that is not over yet."""
    if before is not None:
        return before.followed_by(generation, now_s)
    return Trial(generation, now_s, limit, trial_s)
