"""Routes by hostname, in order of precedence: the virtual hosts of one route configuration. Pure.

A request belongs to the listener whose hostname is the most specific for it, and sees only the routes of that listener.
Gateway API: "hostname" of Listener (isolation, misdirected requests), and HTTPRoute "hostnames" for the order. Each is
made by itself: one changed route costs the hosts that it serves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from snapshots.authoring.gateway.envoy import Messages
from snapshots.authoring.gateway.hostnames import EVERY_HOST, covers, wildcards_above
from snapshots.authoring.gateway.http_routes import RouteEntry
from snapshots.authoring.gateway.routing import ServedHost

VIRTUAL_HOST = "envoy.config.route.v3.VirtualHost"
MISDIRECTED = "/misdirected"  # no hostname is written so
_MISDIRECTED = 421


def owner_of(hostname: str, listeners: Collection[str]) -> str:
    """The most specific listener hostname that takes `hostname`."""
    taking = (each for each in (hostname, *wildcards_above(hostname)) if each in listeners)
    return next(taking, EVERY_HOST)


def asked_hostname(hostname: str, asked: Sequence[str]) -> str:
    """Of a route's own hostnames, the most specific one that takes in `hostname`; EVERY_HOST of a route without."""
    taking = (each for each in asked if each == hostname or covers(each, hostname))
    return max(taking, key=hostname_length, default=EVERY_HOST)


def hostname_length(hostname: str) -> tuple[int, int]:
    """How specific: the characters of a hostname without wildcard, and of any."""
    return (0 if hostname.startswith("*.") else len(hostname), len(hostname))


def rank(asked: str, entry: RouteEntry) -> tuple[Any, ...]:
    """The place of a route under a hostname, the smallest first: by the hostname that it asks for, then its own order.

    `asked` is the hostname of the route's own that takes in the one it is served under.
    """
    return (tuple(-each for each in hostname_length(asked)), entry.order)


def virtual_host(messages: Messages, domain: str, ranked: Iterable[tuple[Any, RouteEntry]]) -> ServedHost:
    """A domain with the routes that serve it: those of that very hostname, and of those that take it in, by rank."""
    entries = list(_reachable(ranked))
    name = domain or "*"
    part = messages.holding(VIRTUAL_HOST, {"name": name, "domains": [name]}, "routes", (each.part for each in entries))
    targets = {id(target): target for each in entries for target in each.targets}
    return ServedHost(name, part, tuple(targets.values()))


def _reachable(ranked: Iterable[tuple[Any, RouteEntry]]) -> Iterator[RouteEntry]:
    """Each once, up to the first that takes every request: nothing comes by it."""
    seen = set()
    for _, entry in ranked:
        if entry.order not in seen:
            seen.add(entry.order)
            yield entry
            if entry.takes_all:
                return


def misdirected(messages: Messages, hostnames: Collection[str]) -> ServedHost:
    """One virtual host for all that other listeners answer: requests for them came to the wrong one."""
    answer = {"match": {"prefix": "/"}, "direct_response": {"status": _MISDIRECTED}}
    fields = {"name": MISDIRECTED, "domains": [name or "*" for name in sorted(hostnames)], "routes": [answer]}
    return ServedHost(MISDIRECTED, messages.part(VIRTUAL_HOST, fields))
