"""Listeners that want the same place, and those whose TLS overlaps. Pure.

Source: Gateway API, "Distinct Listeners" and "OverlappingTLSConfig"; GEP-1713, "Listener Precedence". Among the
listeners of one Gateway, or of one ListenerSet, nobody wins: all that are not distinct are out. A Gateway goes before
its ListenerSets, an older object before a younger one: what is new never takes down what is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from snapshots.authoring.gateway.bound import Bind, BoundListener
from snapshots.authoring.gateway.complaints import Complaint, Complaints
from snapshots.authoring.gateway.hostnames import wildcards_above
from snapshots.codes import LISTENER_CONFLICT

# Which protocols share a port, told apart by host name. HTTP and HTTPS on one port are taken for a mistake: no client
# expects it.
_SHARING = {"HTTP": "http", "HTTPS": "tls", "TLS": "tls", "TCP": "tcp", "UDP": "udp"}
_NAMELESS = ("TCP", "UDP")

_CONFLICTS = ("HostnameConflict", "ProtocolConflict", "ListenerConflict")
# What leaves no place that a listener could want: nobody knows how it is shared, or its Gateway is not served at all.
_PLACELESS = ("UnsupportedProtocol", "InvalidParameters", "UnsupportedAddress", *_CONFLICTS)

# A reason, and who is in the way.
_Conflict = tuple[str, BoundListener]


@dataclass(slots=True)
class _Places:
    """Who is at each bind, by what shares it, and at each bind and host name; the first of each."""

    sharing: dict[Bind, dict[str, BoundListener]] = field(default_factory=dict)
    hosts: dict[tuple[Bind, str], BoundListener] = field(default_factory=dict)

    def add(self, each: BoundListener) -> None:
        for bind in each.binds:
            self.sharing.setdefault(bind, {}).setdefault(_SHARING[each.listener.protocol], each)
            self.hosts.setdefault((bind, each.hostname), each)

    def conflict(self, each: BoundListener) -> _Conflict | None:
        for bind in each.binds:
            for sharing, other in self.sharing.get(bind, {}).items():
                if sharing != _SHARING[each.listener.protocol]:
                    return "ProtocolConflict", other
            twin = self.hosts.get((bind, each.hostname))
            if twin is not None and twin is not each:
                return "ListenerConflict" if each.listener.protocol in _NAMELESS else "HostnameConflict", twin
        return None


def without_conflicts(listeners: Iterable[BoundListener], complaints: Complaints) -> Iterator[BoundListener]:
    """The listeners in the same order, which is that of precedence; those in conflict with that problem."""
    taken = _Places()
    for _, of_owner in groupby(listeners, key=lambda each: each.owner.key):
        # Who is in the way of what was there before is out, and in nobody's way any more.
        own = [_with(each, _conflict(taken, each), complaints) for each in of_owner]
        found = [_with(each, conflict, complaints) for each, conflict in zip(own, _among(own), strict=True)]
        for each in found:
            if _wants_place(each):
                taken.add(each)
        yield from found


def _wants_place(each: BoundListener) -> bool:
    """Also a listener that cannot be served, for want of a certificate perhaps: nobody younger is to take its hosts."""
    return not any(problem.reason in _PLACELESS for problem in each.problems)


def _conflict(places: _Places, each: BoundListener) -> _Conflict | None:
    return places.conflict(each) if _wants_place(each) else None


def _among(own: Sequence[BoundListener]) -> list[_Conflict | None]:
    """For each of one owner's listeners, which other of them it is in conflict with."""
    forward, backward = _Places(), _Places()
    wanting = [each for each in own if _wants_place(each)]
    for each in wanting:
        forward.add(each)
    for each in reversed(wanting):
        backward.add(each)
    # Who is the first at a place finds the last there, and the others find the first.
    return [_conflict(forward, each) or _conflict(backward, each) for each in own]


def _with(each: BoundListener, conflict: _Conflict | None, complaints: Complaints) -> BoundListener:
    if conflict is None:
        return each
    reason, other = conflict
    how = {
        "ProtocolConflict": f"speaks {other.listener.protocol}",
        "HostnameConflict": f'has the same hostname "{each.hostname}"' if each.hostname else "has no hostname either",
        "ListenerConflict": "takes all that comes there",
    }[reason]
    text = f"port {each.listener.port} is that of {_name(each, other)}, which {how}"
    hint = "choose another port" if reason != "HostnameConflict" else "choose another port or hostname"
    complaint = complaints.add(Complaint(each.owner, each.path, LISTENER_CONFLICT, reason, text, hint))
    return replace(each, problems=(*each.problems, complaint))


def _name(each: BoundListener, other: BoundListener) -> str:
    """How to name the other. What is in a ListenerSet of another namespace is not told."""
    if other.owner.key == each.owner.key:
        return f'listener "{other.listener.name}"'
    if other.owner.key.kind == "Gateway" or other.owner.namespace == each.owner.namespace:
        return f'listener "{other.listener.name}" of {other.owner.key}'
    return "a listener of another ListenerSet"


def with_overlaps(listeners: Sequence[BoundListener]) -> Iterator[BoundListener]:
    """The same listeners; those whose TLS could be used for the requests of another, and the other, marked."""
    hosts: dict[tuple[Bind, str], BoundListener] = {}
    terminating = [each for each in listeners if each.usable and each.terminates]
    for each in terminating:
        hosts.update({(bind, each.hostname): each for bind in each.binds})
    overlapping = set()
    for each in terminating:
        for bind in each.binds:
            above = (hosts.get((bind, name)) for name in wildcards_above(each.hostname))
            for other in above:
                if other is not None:
                    overlapping |= {each.id, other.id}
    for each in listeners:
        yield replace(each, overlaps=True) if each.id in overlapping else each
