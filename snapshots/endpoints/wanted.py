"""Whether what a change names can be an endpoint at all: said of every one that cannot, before anything is applied.

Addresses are IPs because Envoy and gRPC take nothing else from EDS: a name would be refused by every gateway at once.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from api.envoy.problem import quoted
from api.errors import Finding, InvalidConfig
from snapshots import codes
from snapshots.endpoints.model import Change, Place, Remove, Replace, SetHealth, Upsert, Wanted
from snapshots.endpoints.state import HIGHEST_WEIGHT

HIGHEST_PORT: Final = 65535
HIGHEST_PRIORITY: Final = 128  # Envoy's
LONGEST_TEXT: Final = 256


def check_changes(changes: Sequence[Change]) -> None:
    """Raises InvalidConfig with a finding for everything that is wrong by itself."""
    findings = tuple(finding for change in changes for finding in _wrong(change))
    if not changes:
        findings = (Finding(codes.ENDPOINT_INVALID, "a change of endpoints must say what to change"),)
    if findings:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        raise InvalidConfig(f"{findings[0].message}{more}", findings=findings)


def _wrong(change: Change) -> Iterator[Finding]:
    match change:
        case Replace(endpoints) | Upsert(endpoints):
            yield from _twice([each.place for each in endpoints])
            for wanted in endpoints:
                yield from _mistakes(wanted)
        case Remove(places) | SetHealth(places):
            yield from _twice(places)
    if isinstance(change, Upsert) and not change.endpoints:
        yield Finding(codes.ENDPOINT_INVALID, "name the endpoints to add or to change")
    if isinstance(change, Remove | SetHealth) and not change.places:
        yield Finding(codes.ENDPOINT_INVALID, "name the endpoints by address and port")


def _twice(places: Sequence[Place]) -> Iterator[Finding]:
    for place, count in Counter(places).items():
        if count > 1:
            yield _finding(place, "is named twice; an endpoint can be there once")


def _mistakes(wanted: Wanted) -> Iterator[Finding]:
    place = wanted.place
    yield from _address_mistakes(place)
    if not 1 <= place.port <= HIGHEST_PORT:
        yield _finding(place, f"has port {place.port}; ports are 1 to {HIGHEST_PORT}")
    if wanted.weight is not None and not 1 <= wanted.weight <= HIGHEST_WEIGHT:
        yield _finding(place, f"has weight {wanted.weight}; weights are 1 to {HIGHEST_WEIGHT}; to take none, drain it")
    if wanted.priority is not None and not 0 <= wanted.priority <= HIGHEST_PRIORITY:
        yield _finding(place, f"has priority {wanted.priority}; priorities are 0, the first, to {HIGHEST_PRIORITY}")
    for field in ("region", "zone", "sub_zone"):
        text = getattr(wanted, field) or ""
        if len(text) > LONGEST_TEXT or not text.isprintable():
            limit = f"at most {LONGEST_TEXT} characters that print"
            yield _finding(place, f"has {field} {quoted(text)}; it takes {limit}")


def _address_mistakes(place: Place) -> Iterator[Finding]:
    try:
        address = ipaddress.ip_address(place.address)
    except ValueError:
        hint = "EDS takes IPs: give the addresses that the name stands for, or use a cluster of type STRICT_DNS"
        yield _finding(place, f"has address {quoted(place.address)}, which is no IP", hint)
        return
    if address.is_unspecified or address.is_multicast or getattr(address, "scope_id", None):
        yield _finding(place, "is no address of one machine")


def _finding(place: Place, message: str, suggestion: str = "") -> Finding:
    shown = quoted(str(place))[1:-1]
    return Finding(codes.ENDPOINT_INVALID, f"endpoint {shown} {message}", resource=shown, suggestion=suggestion)
