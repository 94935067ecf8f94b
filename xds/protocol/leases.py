"""What a client holds for a time only, and when it has to be told again that it may go on (rule 32).

Only of clients that take times to live, and only of resources that have one. What the client holds is what it took: the
version that it acknowledged, whatever is served by now. No clock.  xDS: "TTL".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from xds.protocol.resource import Resource

HEARTBEATS_PER_TTL = 2
LONG_AGO_S = float("-inf")
_MS_PER_S = 1000


@dataclass(slots=True)
class Leases:
    """Those of one type on one stream. Resources of the same time to live are renewed together."""

    held: dict[str, Resource] = field(default_factory=dict)
    renewed_at_s: dict[int, float] = field(default_factory=dict)  # by time to live, in ms
    beating: dict[str, tuple[Resource, ...]] = field(default_factory=dict)  # the last renewal: nonce -> what it said
    passed_to: int | None = None  # of what upstream renews, this was passed on
    whole: bool = False  # the client rejected a heartbeat: it is sent bodies
    refused: bool = False  # it rejected those as well: it is sent no more of either

    def take(self, resources: Iterable[Resource], removed: Iterable[str], at_s: float) -> None:
        """The client acknowledged a response that was sent at `at_s`."""
        for name in removed:
            self.held.pop(name, None)
        for resource in resources:
            if resource.ttl_ms:
                self.held[resource.name] = resource
                self.renewed_at_s.setdefault(resource.ttl_ms, at_s)
            else:
                self.held.pop(resource.name, None)

    def due(self, now_s: float) -> tuple[Resource, ...]:
        """What has to be renewed now, sorted by name; it counts as renewed."""
        times = {ttl_ms for ttl_ms in self.renewed_at_s if self._next_at_s(ttl_ms) <= now_s}
        if not times or self.refused:
            return ()
        found = sorted((one for one in self.held.values() if one.ttl_ms in times), key=lambda one: one.name)
        left = {resource.ttl_ms for resource in found}
        for ttl_ms in times:
            if ttl_ms in left:
                self.renewed_at_s[ttl_ms] = now_s
            else:
                del self.renewed_at_s[ttl_ms]
        return tuple(found)

    def passed_on(self, renewed: Mapping[str, int], renewals: int) -> tuple[Resource, ...]:
        """What is to be told because upstream has (`renewed`: which of its `renewals` was the last of a name), sorted.

        What the client came back with is told at once, for its time may be nearly over.
        """
        returned = {ttl_ms for ttl_ms, at_s in self.renewed_at_s.items() if at_s == LONG_AGO_S}
        self.renewed_at_s.clear()  # there is nothing to be done by the clock
        since, self.passed_to = renewals if self.passed_to is None else self.passed_to, renewals
        if self.refused or not (returned or renewals > since):
            return ()
        held = (one for one in self.held.values() if one.ttl_ms in returned or renewed.get(one.name, 0) > since)
        return tuple(sorted(held, key=lambda one: one.name))

    @property
    def wake_at_s(self) -> float | None:
        """When something is due next."""
        if self.refused:
            return None
        return min(map(self._next_at_s, self.renewed_at_s), default=None)

    def _next_at_s(self, ttl_ms: int) -> float:
        return self.renewed_at_s[ttl_ms] + ttl_ms / _MS_PER_S / HEARTBEATS_PER_TTL
