"""What is held for a time only, and until when: a resource with a time to live that upstream has not renewed is gone.

That is so whoever serves it on: time goes by while upstream is away, too. No clock here; times are given.  xDS: "TTL".
"""

from __future__ import annotations

from xds.protocol.resource import Resource
from xds.protocol.types import TypeUrl

_MS_PER_S = 1000


class Lifetimes:
    """Of all types of a mirror. What lives for ever is not in it."""

    def __init__(self) -> None:
        self._until_s: dict[tuple[TypeUrl, str], float] = {}

    @property
    def next_s(self) -> float | None:
        """When the first of them is over."""
        return min(self._until_s.values(), default=None)

    def told(self, resource: Resource, now_s: float) -> None:
        """Upstream has told it, or that it goes on."""
        if resource.ttl_ms:
            self._until_s[resource.type_url, resource.name] = now_s + resource.ttl_ms / _MS_PER_S
        else:
            self.forget(resource.type_url, resource.name)

    def forget(self, type_url: TypeUrl, name: str) -> None:
        """It is no longer held."""
        self._until_s.pop((type_url, name), None)

    def take_over(self, now_s: float) -> dict[TypeUrl, set[str]]:
        """Names of those whose time is over, by type; told once."""
        over: dict[TypeUrl, set[str]] = {}
        for type_url, name in [key for key, until_s in self._until_s.items() if until_s <= now_s]:
            over.setdefault(type_url, set()).add(name)
            self.forget(type_url, name)
        return over
