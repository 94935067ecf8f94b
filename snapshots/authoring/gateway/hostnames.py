"""Host names and their wildcards: which takes in which, and what two have in common. Pure.

Source: Gateway API, "hostname" of Listener and "hostnames" of each route kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

EVERY_HOST = ""


def covers(wildcard: str, name: str) -> bool:
    """Whether `*.example.com` takes in `name`: one or more labels more, itself perhaps a wildcard."""
    return wildcard.startswith("*.") and name.endswith(wildcard[1:]) and name != wildcard


def intersection(listener: str | None, route: Sequence[str]) -> tuple[str, ...]:
    """The hostnames that both mean; none when they have nothing in common.  Gateway API: HTTPRoute "hostnames"."""
    if not route:
        return (listener or EVERY_HOST,)
    if not listener:
        return tuple(dict.fromkeys(route))
    return tuple(dict.fromkeys(_common(listener, route)))


def _common(listener: str, route: Sequence[str]) -> Iterator[str]:
    for name in route:
        if name == listener or covers(listener, name):
            yield name
        elif covers(name, listener):
            yield listener


def wildcards_above(name: str) -> Iterator[str]:
    """All that take in `name`, the most specific first: `*.b.c`, `*.c` and EVERY_HOST for `a.b.c`."""
    if name == EVERY_HOST:
        return
    labels = name.removeprefix("*.").split(".")
    first = 0 if name.startswith("*.") else 1
    for start in range(first, len(labels)):
        wildcard = "*." + ".".join(labels[start:])
        if wildcard != name:
            yield wildcard
    yield EVERY_HOST


class HostSet:
    """Host names among which it is asked, at a price of a few look-ups, whether one overlaps with a new one."""

    def __init__(self) -> None:
        self._names: dict[str, object] = {}
        self._above: dict[str, object] = {}

    def add(self, name: str, whose: object) -> None:
        """Of two that have one name the first stays."""
        self._names.setdefault(name, whose)
        for wildcard in wildcards_above(name):
            self._above.setdefault(wildcard, whose)

    def overlapping(self, name: str) -> object | None:
        """Whose name is the same as `name`, takes it in, or is taken in by it; None: nobody's."""
        for each in (name, *wildcards_above(name)):
            if each in self._names:
                return self._names[each]
        return self._above.get(name)
