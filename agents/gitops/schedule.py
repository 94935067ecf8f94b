"""When to look again: evenly with some jitter, rarer after each failure in a row. Pure: chance and time are given."""

from __future__ import annotations

from dataclasses import dataclass

JITTER = 0.1
BACKOFF_LIMIT_S = 300.0


@dataclass(frozen=True, slots=True)
class Pace:
    """`pause_s`: between two looks, however many knock. `heartbeat_s`: how often the server is told, and asked what
    people want."""

    pause_s: float = 0.5
    heartbeat_s: float = 2.0
    turn_s: float = 15.0


USUAL = Pace()


@dataclass(frozen=True, slots=True)
class Schedule:
    """`poll_s`: seconds between two looks while all is well."""

    poll_s: float

    def wait_s(self, failures: int, chance: float) -> float:
        """Seconds until the next look, after `failures` in a row; `chance` from 0 to 1 spreads processes."""
        longest_s = max(self.poll_s, BACKOFF_LIMIT_S)
        base_s = min(self.poll_s * float(1 << min(failures, 16)), longest_s)
        return base_s * (1 - JITTER + 2 * JITTER * chance)
