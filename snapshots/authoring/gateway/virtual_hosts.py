"""Routes by hostname, in order of precedence: the virtual hosts of one route configuration. Pure.

A request belongs to the listener whose hostname is the most specific for it, and sees only the routes of that listener.
Gateway API: "hostname" of Listener (isolation, misdirected requests), and HTTPRoute "hostnames" for the order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from snapshots.authoring.gateway.hostnames import EVERY_HOST, covers, wildcards_above
from snapshots.authoring.gateway.http_routes import RouteEntry

_MISDIRECTED = 421


@dataclass(frozen=True, slots=True)
class HostedRoutes:
    """What one listener (by its hostname; EVERY_HOST: none) serves under one hostname.

    `asked` is the hostname of the route's own that takes in `hostname`: it decides which route goes first.
    """

    listener_hostname: str
    hostname: str
    asked: str
    entries: tuple[RouteEntry, ...]


def virtual_hosts(
    listener_hostnames: Iterable[str], hosted: Iterable[HostedRoutes], others: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """The fields of the VirtualHosts, by domain. A listener's own hostname is there without routes too: 404.

    `others`: hostnames of listeners that share the port but not this configuration; their requests came to the wrong
    one, and are answered 421.
    """
    own = frozenset(listener_hostnames)
    elsewhere = frozenset(others) - own
    by_host = _by_host(hosted, own | elsewhere)
    domains = sorted(own | {name for _, name in by_host})
    found = [_virtual_host(name, _under(name, owner_of(name, own), by_host)) for name in domains]
    return [*found, *_misdirected(sorted(elsewhere - set(domains)))]


def owner_of(hostname: str, listeners: Collection[str]) -> str:
    """The most specific listener hostname that takes `hostname`."""
    taking = (each for each in (hostname, *wildcards_above(hostname)) if each in listeners)
    return next(taking, EVERY_HOST)


def asked_hostname(hostname: str, asked: Sequence[str]) -> str:
    """Of a route's own hostnames, the most specific one that takes in `hostname`; EVERY_HOST of a route without."""
    taking = (each for each in asked if each == hostname or covers(each, hostname))
    return max(taking, key=hostname_length, default=EVERY_HOST)


_Hosts = Mapping[tuple[str, str], Sequence[HostedRoutes]]


def _by_host(hosted: Iterable[HostedRoutes], listeners: Collection[str]) -> _Hosts:
    """By listener and hostname, without the hostnames that a more specific listener has."""
    found: dict[tuple[str, str], list[HostedRoutes]] = {}
    for each in hosted:
        if owner_of(each.hostname, listeners) == each.listener_hostname:
            found.setdefault((each.listener_hostname, each.hostname), []).append(each)
    return found


def _under(hostname: str, listener: str, by_host: _Hosts) -> Iterator[HostedRoutes]:
    """What serves a hostname: routes of that very hostname, and of those that take it in."""
    for name in (hostname, *wildcards_above(hostname)):
        yield from by_host.get((listener, name), ())


def hostname_length(hostname: str) -> tuple[int, int]:
    """How specific: the characters of a hostname without wildcard, and of any."""
    return (0 if hostname.startswith("*.") else len(hostname), len(hostname))


def _virtual_host(domain: str, hosted: Iterable[HostedRoutes]) -> dict[str, Any]:
    ranked = ((tuple(-each for each in hostname_length(one.asked)), entry) for one in hosted for entry in one.entries)
    ordered = sorted(ranked, key=lambda pair: (pair[0], pair[1].order))
    routes = [entry.fields for entry in _reachable(entry for _, entry in ordered)]
    return {"name": domain or "*", "domains": [domain or "*"], "routes": routes}


def _reachable(entries: Iterable[RouteEntry]) -> Iterator[RouteEntry]:
    """Each once, up to the first that takes every request: nothing comes by it."""
    seen = set()
    for entry in entries:
        if entry.place not in seen:
            seen.add(entry.place)
            yield entry
            if _takes_everything(entry.fields["match"]):
                return


def _takes_everything(match: Mapping[str, Any]) -> bool:
    return match.get("prefix") == "/" and not any(value for key, value in match.items() if key != "prefix")


def _misdirected(hostnames: Sequence[str]) -> Iterator[dict[str, Any]]:
    """One virtual host for all that other listeners answer."""
    if hostnames:
        answer = {"match": {"prefix": "/"}, "direct_response": {"status": _MISDIRECTED}}
        # No hostname is written so.
        yield {"name": "/misdirected", "domains": [name or "*" for name in hostnames], "routes": [answer]}
