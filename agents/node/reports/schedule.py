"""What is due to be looked at. No clock: times are given, in seconds of any clock that does not go back. Pure.

Statistics are looked at once an interval. What Envoy runs costs it more to tell, so it is looked at when something has
changed, again while something differs, and otherwise every few minutes; never so often that it took more than a small
share of the time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

SETTLE_S: Final = 3.0
DIFFERS_S: Final = 30.0
ANYWAY_S: Final = 300.0
SHARE: Final = 1 / 20


@dataclass(slots=True)
class Schedule:
    """`saw` what there is now; do what is `due`; say what was `looked` at and what that took."""

    interval_s: float
    _statistics_at_s: float = 0.0
    _dump_at_s: float = 0.0
    _not_before_s: float = 0.0
    _seen: object = field(default_factory=object)

    def saw(self, state: object, now_s: float) -> None:
        """`state`: another whenever what Envoy should run, or Envoy itself, is another."""
        if state != self._seen:
            self._seen = state
            self._statistics_at_s = min(self._statistics_at_s, now_s)
            self._dump_at_s = min(self._dump_at_s, now_s + SETTLE_S)

    def statistics_due(self, now_s: float) -> bool:
        return now_s >= self._statistics_at_s

    def dump_due(self, now_s: float) -> bool:
        return now_s >= max(self._dump_at_s, self._not_before_s)

    def asked(self, now_s: float, took_s: float) -> None:
        """Statistics were looked at; `took_s` is 0 where no answer came."""
        self._statistics_at_s = now_s + max(self.interval_s, took_s / SHARE) - took_s

    def looked(self, now_s: float, took_s: float, *, differs: bool) -> None:
        """What Envoy runs was looked at; where no answer came, `took_s` is 0, and it `differs`."""
        self._dump_at_s = now_s + (DIFFERS_S if differs else ANYWAY_S)
        self._not_before_s = now_s + took_s / SHARE

    def next_s(self, now_s: float) -> float:
        """How long nothing will be due."""
        due_s = min(self._statistics_at_s, max(self._dump_at_s, self._not_before_s))
        return min(max(0.0, due_s - now_s), self.interval_s)
