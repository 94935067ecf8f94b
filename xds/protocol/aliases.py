"""Which resource a name stands for that is no resource's own: `shop/www.example.com` for the virtual host `shop/web`.

A virtual host is asked for by a host of its route configuration, and answers to its domains. A domain may have a `*`
at one end: exact domains win, then the longest `*.example.com`, then the longest `www.*`, then `*`, as Envoy routes.
Found by the lengths that occur, not by looking through the domains. Names only; no session is known here.
Envoy: "Virtual Host Discovery Service", and `domains` of `config.route.v3.VirtualHost`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from xds.protocol.resource import Resource

NOTHING: frozenset[str] = frozenset()


class AliasIndex:
    """The aliases of every resource of one type. `changes` counts: the same number, the same answers."""

    def __init__(self) -> None:
        self.changes = 0
        self._spaces: dict[str, _Space] = {}

    def replace(self, before: Resource | None, after: Resource | None) -> None:
        """A resource changed, appeared or went. O(its aliases), and nothing when they are the same."""
        if before is not None and after is not None and before.aliases == after.aliases:
            return
        self.changes += 1
        if before is not None:
            self._drop(before)
        if after is not None:
            self._put(after)

    def targets(self, name: str) -> frozenset[str]:
        """The resources that `name` stands for: none or one, or two for a host with a port, with it and without.

        Whether the port counts is for the route configuration to say, and for its client to apply.
        """
        space, host = _parted(name)
        found = self._spaces.get(space)
        if found is None:
            return NOTHING
        return frozenset(target for each in {host, _without_port(host)} if (target := found.target(each)))

    def _put(self, resource: Resource) -> None:
        for alias in resource.aliases:
            space, pattern = _parted(alias)
            self._spaces.setdefault(space, _Space()).put(pattern, resource.name)

    def _drop(self, resource: Resource) -> None:
        for alias in resource.aliases:
            space, pattern = _parted(alias)
            if space in self._spaces and self._spaces[space].drop(pattern, resource.name):
                del self._spaces[space]


class _Space:
    """One route configuration: its domains, each with the resources that have it."""

    def __init__(self) -> None:
        self._holders: dict[str, set[str]] = {}
        self._heads: Counter[int] = Counter()  # of `www.*`: how many patterns have this many characters before the `*`
        self._tails: Counter[int] = Counter()

    def put(self, pattern: str, holder: str) -> None:
        if pattern not in self._holders:
            self._holders[pattern] = set()
            self._count(pattern, 1)
        self._holders[pattern].add(holder)

    def drop(self, pattern: str, holder: str) -> bool:
        """Returns whether nothing is left."""
        holders = self._holders.get(pattern, set())
        holders.discard(holder)
        if not holders and self._holders.pop(pattern, None) is not None:
            self._count(pattern, -1)
        return not self._holders

    def target(self, host: str) -> str | None:
        # A domain belongs to one virtual host; of several that claim it, the first by name.
        return next((min(self._holders[key]) for key in self._patterns(host) if key in self._holders), None)

    def _patterns(self, host: str) -> Iterator[str]:
        """What `host` matches, best first. A `*` stands for one character at least."""
        yield host
        for length in sorted(self._tails, reverse=True):
            if length < len(host):
                yield "*" + host[-length:]
        for length in sorted(self._heads, reverse=True):
            if length < len(host):
                yield host[:length] + "*"
        yield "*"

    def _count(self, pattern: str, by: int) -> None:
        if pattern == "*" or "*" not in (pattern[:1], pattern[-1:]):
            return
        lengths = self._tails if pattern[0] == "*" else self._heads
        lengths[len(pattern) - 1] += by
        if not lengths[len(pattern) - 1]:
            del lengths[len(pattern) - 1]


def _parted(name: str) -> tuple[str, str]:
    """The route configuration's name, which may have slashes, and the host, which has none and no case."""
    space, _, host = name.rpartition("/")
    return space, host.lower()


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() and (":" not in name or name.endswith("]")) else host
