"""Routes by hostname, in order of precedence: the virtual hosts of one port. Pure.

A request belongs to the listener whose hostname is the most specific for it, and sees only the routes of that listener.
Gateway API: "Listener isolation", and HTTPRoute "hostnames" for the order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from snapshots.authoring.gateway.hostnames import EVERY_HOST, covers
from snapshots.authoring.gateway.http_routes import RouteEntry


@dataclass(frozen=True, slots=True)
class HostedRoutes:
    """What one listener (by its hostname; EVERY_HOST: none) serves under one hostname."""

    listener_hostname: str
    hostname: str
    entries: tuple[RouteEntry, ...]


def virtual_hosts(listener_hostnames: Iterable[str], hosted: Sequence[HostedRoutes]) -> list[dict[str, Any]]:
    """The fields of the VirtualHosts, by domain. A listener's own hostname is there without routes too: 404."""
    own = sorted(set(listener_hostnames))
    by_domain: dict[str, list[RouteEntry]] = {name: [] for name in own}
    for each in hosted:
        if _owner(each.hostname, own) == each.listener_hostname:
            by_domain.setdefault(each.hostname, []).extend(each.entries)
    return [_virtual_host(domain, by_domain[domain]) for domain in sorted(by_domain)]


def _owner(hostname: str, listeners: Sequence[str]) -> str:
    """The most specific listener hostname that takes `hostname`."""
    taking = (each for each in listeners if each in (hostname, EVERY_HOST) or covers(each, hostname))
    return max(taking, key=lambda each: (each == hostname, len(each)), default=EVERY_HOST)


def _virtual_host(domain: str, entries: Iterable[RouteEntry]) -> dict[str, Any]:
    routes = [entry.fields for entry in _distinct(sorted(entries, key=lambda entry: entry.order))]
    return {"name": domain or "*", "domains": [domain or "*"], "routes": routes}


def _distinct(entries: Iterable[RouteEntry]) -> Iterator[RouteEntry]:
    """A route that reaches a listener by two parentRefs is there once."""
    seen = set()
    for entry in entries:
        if entry.place not in seen:
            seen.add(entry.place)
            yield entry
