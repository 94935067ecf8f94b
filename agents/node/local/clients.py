"""Who is connected to the local server, which of them is the own Envoy, and what all of them want together.

What an Envoy wanted counts for a while after it has gone, so that a restart of it costs nothing upstream; and for as
long as no other comes in its place, since it is the reason for the agent to be there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import inf

from xds.client.wants import Wants
from xds.protocol.catalogue import Catalogue
from xds.protocol.requests import Node
from xds.protocol.session import Session
from xds.protocol.subscription import Subscription
from xds.protocol.types import RESOURCE_TYPES, TypeUrl
from xds.transport.observer import StreamInfo

KEPT_S = 300.0
SETTLING_S = 2.0

SessionOf = Callable[[int], Session | None]


class Clients:
    """`own_id`: the node id of the own Envoy. Times are of the clock that `Wants` is asked with."""

    def __init__(self, own_id: str, wants: Wants, session_of: SessionOf) -> None:
        self._own_id = own_id
        self._wants = wants
        self._session_of = session_of
        self._open: dict[int, StreamInfo] = {}
        self._own_left: set[int] = set()
        self._own_came_s = -inf

    @property
    def own(self) -> tuple[StreamInfo, ...]:
        """The streams of the own Envoy, oldest first: in a hot restart there are those of both."""
        return tuple(info for info in self._open.values() if self.is_own(info))

    @property
    def others(self) -> tuple[StreamInfo, ...]:
        return tuple(info for info in self._open.values() if not self.is_own(info))

    @property
    def own_node(self) -> Node | None:
        """What the own Envoy says of itself; None while it is not connected."""
        own = self.own
        return own[-1].node if own else None

    def is_own(self, info: StreamInfo) -> bool:
        return info.node.id == self._own_id

    def opened(self, info: StreamInfo, now_s: float) -> None:
        """A client has named itself. What an own Envoy before it wanted counts no longer than for a while."""
        self._open[info.id] = info
        if self.is_own(info):
            self._own_came_s = now_s
            for member in self._own_left:
                self._wants.leave(member, now_s + KEPT_S)
            self._own_left.clear()

    def closed(self, info: StreamInfo, now_s: float) -> None:
        """A client has gone."""
        self._open.pop(info.id, None)
        if not self.is_own(info) or self.own:
            self._wants.leave(info.id, now_s + KEPT_S)
        else:
            self._own_left.add(info.id)
            self._wants.leave(info.id, inf)

    def asked(self, info: StreamInfo, type_url: TypeUrl) -> None:
        """A client may want something else of this type than before."""
        session = self._session_of(info.id)
        subscription = session.subscription(type_url) if session is not None else None
        if subscription is not None:
            interest = subscription.interest
            self._wants.put(info.id, type_url, interest.wildcard, interest.names)

    def own_brought(self) -> Iterator[tuple[TypeUrl, Mapping[str, str]]]:
        """What the own Envoy said it has when it came, as long as nothing was answered to that.

        In the state of the world nobody says which versions those are.
        """
        for subscription in self._own_subscriptions():
            if subscription.brought:
                yield subscription.type.url, subscription.brought
            elif subscription.version:
                yield subscription.type.url, dict.fromkeys(subscription.interest.names or {"*"}, subscription.version)

    def brought(self, type_url: TypeUrl) -> Mapping[str, str]:
        """The same of one type, where each version is told by name."""
        subscription = self.subscription(type_url)
        return (subscription.brought if subscription is not None else None) or {}

    @property
    def own_is_new(self) -> bool:
        """Whether there is an own Envoy, and it came with nothing: it starts."""
        return bool(self.own) and next(self.own_brought(), None) is None

    @property
    def own_types(self) -> set[TypeUrl]:
        """What the own Envoy has asked for by now."""
        return {subscription.type.url for subscription in self._own_subscriptions()}

    def own_has_all(self, catalogue: Catalogue) -> bool:
        """Whether the own Envoy has taken everything that it wants of what is served now."""
        found = list(self._own_subscriptions())
        return bool(found) and all(_has_all(subscription, catalogue) for subscription in found)

    def is_settling(self, now_s: float) -> bool:
        """Whether the own Envoy came so lately that it may not have said yet what all it wants."""
        return now_s - self._own_came_s < SETTLING_S

    def _own_subscriptions(self) -> Iterator[Subscription]:
        for row in RESOURCE_TYPES:
            yield from self.subscriptions(row.url)

    def subscription(self, type_url: TypeUrl) -> Subscription | None:
        """The own Envoy's of this type; the newest one that there is."""
        return next(iter(self.subscriptions(type_url)), None)

    def subscriptions(self, type_url: TypeUrl) -> tuple[Subscription, ...]:
        """The own Envoy's of this type: the newest of a stream for all types, or all of streams for this type alone."""
        alone: list[Subscription] = []
        for info in reversed(self.own):
            session = self._session_of(info.id)
            found = session.subscription(type_url) if session is not None else None
            if found is not None and info.only_type is None:
                return tuple(alone) or (found,)
            if found is not None:
                alone.append(found)
        return tuple(alone)


def _has_all(subscription: Subscription, catalogue: Catalogue) -> bool:
    """Nothing is owed and nothing awaited, as the session told when it was last so, and nothing has changed since.

    Endpoints that only others want are no news to it, and it is not asked about them.
    """
    if subscription.settled_at < catalogue.revised_at:
        return False
    changes = catalogue.served(subscription.type.url).changes_since(subscription.settled_at)
    return not any(name in subscription.interest for name in (*changes.updated, *changes.removed))
