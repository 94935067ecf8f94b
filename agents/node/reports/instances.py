"""Which Envoy process it is whose counters are told: counters begin again with each. Pure."""

from __future__ import annotations

from dataclasses import dataclass

JITTER_S = 2
"""Uptime is told in whole seconds, so when a process began is known to a second or two."""


@dataclass(slots=True)
class Instances:
    """Gives each process a number that is greater than that of the one before, also across a restart of the agent:
    when it began, in Unix seconds, or one more than the last."""

    instance: int | None = None
    started_s: int | None = None
    _process: tuple[int | None, int] | None = None

    def see(self, process: tuple[int | None, int], uptime_s: int | None, now_s: float) -> None:
        """`process`: pid and epoch, as far as they are known."""
        started_s = self.started_s if uptime_s is None else int(now_s) - uptime_s
        is_later = self.started_s is not None and started_s is not None and started_s > self.started_s + JITTER_S
        if self.instance is None or process != self._process or is_later:
            began_s = started_s if started_s is not None else int(now_s)
            self.instance = max(began_s, (self.instance or 0) + 1)
            self.started_s = started_s
        elif self.started_s is None:
            self.started_s = started_s
        self._process = process
