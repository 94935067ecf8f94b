"""What a client holds of each name that it wants, for people who ask.  It decides nothing. No I/O.

Nobody keeps a list of it: it is what the catalogue had at the subscription's cursor, but for what waits for an answer,
what was refused, and what was kept back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from enum import StrEnum

from xds.protocol.changelog import ABSENT
from xds.protocol.resource import Resource
from xds.protocol.served import ServedType
from xds.protocol.subscription import Rejection, Subscription
from xds.protocol.types import TypeUrl


class Hold(StrEnum):
    """How a client stands with one name."""

    CURRENT = "current"  # it took what is served now
    OLDER = "older"  # it took an earlier version, and has not answered the newest, or not been sent it
    SENT = "sent"  # it has not answered, and is not known to hold an earlier version
    WAITING = "waiting"  # it asked, and was not sent it
    REFUSED = "refused"  # it rejected what is served now
    MISSING = "missing"  # nothing of this name is served


@dataclass(frozen=True, slots=True)
class Holding:
    """One resource that is wanted. `version`: what the client took; empty if it took nothing or nobody remembers."""

    type_url: TypeUrl
    name: str
    hold: Hold
    version: str = ""
    rejection: Rejection | None = None


def wanted_at_most(subscription: Subscription, served: ServedType | None) -> int:
    """No more resources than this are wanted."""
    interest = subscription.interest
    everything = len(served.resources) if served is not None and interest.wildcard else 0
    return len(interest.names) + len(interest.standing) + everything


def holdings(subscription: Subscription, served: ServedType | None) -> Iterator[Holding]:
    """All that is wanted, sorted by name. `served` None: the client's group does not exist."""
    return _told(subscription, served, _wanted(subscription, served))


def holdings_of(subscription: Subscription, served: ServedType, names: Iterable[str]) -> Iterator[Holding]:
    """The same of those of `names` that are wanted, in their order."""
    return _told(subscription, served, (name for name in names if name in subscription.interest))


def _told(subscription: Subscription, served: ServedType | None, names: Iterable[str]) -> Iterator[Holding]:
    view = _View.of(subscription, served) if served is not None and subscription.started else None
    for name in names:
        if view is None or name in subscription.asked or name in subscription.pending_names:
            yield Holding(subscription.type.url, name, Hold.WAITING)
        else:
            yield view.holding(name)


def _wanted(subscription: Subscription, served: ServedType | None) -> list[str]:
    interest = subscription.interest
    wanted = {resource_name for name in interest.names for resource_name in interest.standing.targets(name)}
    if served is not None and interest.wildcard:
        wanted.update(resource.name for resource in served.everything())
    return sorted(wanted)


@dataclass(frozen=True, slots=True)
class _View:
    """A subscription that was answered. `awaited`: name -> where the client stood before what it has not answered yet.

    `behind`: names with newer content than the client was sent.
    """

    subscription: Subscription
    served: ServedType
    awaited: Mapping[str, int]
    behind: Set[str]

    @classmethod
    def of(cls, subscription: Subscription, served: ServedType) -> _View:
        pushes = subscription.awaiting.values()
        awaited = {resource.name: push.since for push in pushes for resource in push.fresh}
        return cls(subscription, served, awaited, frozenset(served.changes_since(subscription.sent_to).updated))

    def holding(self, name: str) -> Holding:
        subscription, resource = self.subscription, self.served.resources.get(name)
        if resource is None:
            return self._gone(name)
        if subscription.refuses(resource):
            return self._told(name, Hold.REFUSED, rejection=subscription.rejected[name])
        if name in self.awaited:
            return self._older(name, self.awaited[name], Hold.SENT)
        if self._is_behind(name, resource):
            return self._older(name, subscription.sent_to, Hold.WAITING)
        return self._told(name, Hold.CURRENT, resource.version)

    def _is_behind(self, name: str, resource: Resource) -> bool:
        ahead = self.subscription.ahead.get(name) == resource.version
        return name in self.subscription.withheld or (name in self.behind and not ahead)

    def _gone(self, name: str) -> Holding:
        """Nothing of this name is served; the client may be left what it had until nothing needs it."""
        departed = self.served.departed.get(name)
        left = name in self.subscription.lingering or name in self.subscription.parting
        if left and (name in self.awaited or name in self.subscription.rejected):
            return self._told(name, Hold.SENT)
        if not left:
            return self._told(name, Hold.MISSING)
        return self._told(name, Hold.OLDER, departed.version if departed else "")

    def _older(self, name: str, position: int, nothing: Hold) -> Holding:
        """What the client took before what is on its way; `nothing` if it is not known to have anything."""
        withheld = self.subscription.withheld.get(name)
        if withheld is not None:
            return self._told(name, nothing if withheld.is_new else Hold.OLDER)
        mark = self.served.log.held_at(name, position)
        refused = name in self.subscription.rejected  # what it held before that, nobody remembers
        if position < 0 or refused or (mark is not None and mark.version == ABSENT):
            return self._told(name, nothing)
        return self._told(name, Hold.OLDER, mark.version if mark is not None else "")

    def _told(self, name: str, hold: Hold, version: str = "", rejection: Rejection | None = None) -> Holding:
        return Holding(self.subscription.type.url, name, hold, version, rejection)
