"""Make before break: what of a session may go now, and what waits for an answer of the client (rule 24).

Additions and updates: clusters, endpoints, listeners, routes, each after the ACK of what it may refer to. Removals
last, after every addition was answered, referrers before what they refer to. Waiting is bounded: a rejection is an
answer, and a type that says nothing for `patience_s` is no longer waited for.
xDS: "Eventual consistency considerations". It decides no content and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from xds.protocol.catalogue import Catalogue
from xds.protocol.served import ServedType
from xds.protocol.siblings import Membership
from xds.protocol.subscription import Subscription
from xds.protocol.types import (
    BY_URL,
    CLUSTER,
    ENDPOINT,
    EXTENSION,
    LISTENER,
    ROUTE,
    RUNTIME,
    SCOPED_ROUTE,
    SECRET,
    VIRTUAL_HOST,
    TypeUrl,
)
from xds.protocol.warming import Warming

# Referrers before what they refer to; types without a row of their own go first: nothing known refers to them.
REMOVAL_ORDER = (LISTENER, SCOPED_ROUTE, ROUTE, VIRTUAL_HOST, CLUSTER, ENDPOINT, EXTENSION, SECRET, RUNTIME)
_REMOVAL_PLACE: dict[TypeUrl, int] = {type_url: place for place, type_url in enumerate(REMOVAL_ORDER)}
KEPT_WHILE_REFERRED_TO = frozenset({SECRET, EXTENSION})  # rule 29
_CLUSTER_REFERRERS = frozenset({LISTENER, ROUTE, VIRTUAL_HOST})
_ENDPOINT_ORDER = BY_URL[ENDPOINT].order
_ABOVE_ALL = 1 + max(row.order for row in BY_URL.values())


class Turn:
    """One moment of one session. `wake_at_s`: when the first of those that are waited for has had its time."""

    def __init__(
        self,
        subscriptions: Sequence[Subscription],
        catalogue: Catalogue,
        warming: Warming,
        now_s: float,
        patience_s: float,
        membership: Membership | None = None,
        *,
        is_alone: bool = False,
    ) -> None:
        self.wake_at_s: float | None = None
        self.catalogue = catalogue
        self.now_s = now_s
        self._subscriptions = subscriptions
        self._warming = warming
        self._patience_s = patience_s
        self._membership = membership
        self._is_alone = is_alone

    def may_answer(self, subscription: Subscription) -> bool:
        """Whether the client has taken what is new of all that the first answer of a type may refer to."""
        order = subscription.type.order
        upstream = [other for other in self._subscriptions if other.type.order < order]
        under_way = [other for other in upstream if self._is_under_way(other)]
        if under_way or not self._is_warm():
            return False
        return not self._wait_for_first(filter(self._is_under_way, self._behind(lambda url: BY_URL[url].order < order)))

    def has_referrers(self, subscription: Subscription) -> bool:
        """Whether the client may have what refers to this type, on this stream or on others."""
        return not self._is_alone and not subscription.type.aliased and subscription.type.url != REMOVAL_ORDER[0]

    def are_referrers_under_way(self, subscription: Subscription) -> bool:
        """Whether something that may refer to this type is yet to be answered, or taken, or removed."""
        place = _removal_place(subscription)
        here = (other for other in self._subscriptions if _removal_place(other) < place)
        there = self._behind(lambda url: _REMOVAL_PLACE[url] < place)
        return any(other.lingering or self._is_under_way(other) for other in (*here, *there))

    def may_add(self, subscription: Subscription) -> bool:
        """Whether all that its resources may refer to was answered, as of their last change.

        Endpoints that changed apart from configuration need no more of their clusters than the revision brought.
        """
        needed = min(self.catalogue.served(subscription.type.url).log.newest, self.catalogue.revised_at)
        order = subscription.type.order
        upstream = (other for other in self._subscriptions if other.type.order < order)
        if subscription.owed:
            # Envoy answers clusters when they are warm, and they are warm when it has their endpoints (rule 25).
            upstream = (one for one in upstream if one.type.url != CLUSTER or one.sent_to < needed)
        warm = order <= _ENDPOINT_ORDER or self._is_warm()
        return self._all_answered(upstream, needed) and warm and self._siblings_answered(needed, order)

    def may_remove(self, subscription: Subscription, *, freed: bool) -> bool:
        """Whether every addition up to the removal was answered; `freed`: by what stopped using it only now."""
        newest = self.catalogue.served(subscription.type.url).log.newest
        needed = self.catalogue.revised_at if freed else min(newest, self.catalogue.revised_at)
        answered = self._all_answered(self._subscriptions, needed) and self._is_warm()
        return answered and self._siblings_answered(needed) and self._siblings_removed(subscription)

    def is_parting(self, subscription: Subscription, name: str) -> bool:
        """Whether a client that names its clusters still uses one that is gone, and may for a while.

        gRPC ACKs routes when it has read them and calls by them when it has the clusters they name; until then the old
        ones are in use. It lets go of a name when its last call is done, and needs no removal then.
        """
        names_it = subscription.type.url == CLUSTER and not subscription.interest.wildcard
        if not names_it or not any(one.type.url in _CLUSTER_REFERRERS for one in self._subscriptions):
            return False
        if not self.may_remove(subscription, freed=True):
            return True
        return self.is_before(subscription.parting.setdefault(name, self.now_s + self._patience_s))

    def is_waited_for(self, subscription: Subscription) -> bool:
        """Whether a response of this type is under way, and not for too long."""
        if not subscription.awaiting or subscription.unsolicited:
            return False
        deadline_s = min(push.sent_at_s for push in subscription.awaiting.values()) + self._patience_s
        return self.is_before(deadline_s)

    def served(self, subscription: Subscription) -> ServedType:
        """The state of its type."""
        return self.catalogue.served(subscription.type.url)

    def family(self) -> Sequence[Subscription]:
        """Whose rejections count here: of this stream, and without ADS of the client's others."""
        return [*self._membership.troubled(), *self._subscriptions] if self._membership else self._subscriptions

    def in_removal_order(self) -> list[Subscription]:
        return sorted(self._subscriptions, key=_removal_place)

    def _all_answered(self, subscriptions: Iterable[Subscription], position: int) -> bool:
        # All are asked, not only the first that waits: every deadline counts for the wake-up.
        answers = [self._is_unanswered(subscription, position) for subscription in subscriptions]
        return True not in answers

    def _is_under_way(self, subscription: Subscription) -> bool:
        if subscription.is_unanswered:
            return True
        return any(push.names for push in subscription.awaiting.values()) and self.is_waited_for(subscription)

    def _behind(self, types: Callable[[TypeUrl], bool]) -> Iterable[Subscription]:
        """Without ADS: those of the client's other streams, of some types, that may have to hear of the revision."""
        return self._membership.siblings.behind(types) if self._membership else ()

    def _is_unanswered(self, subscription: Subscription, position: int) -> bool:
        if subscription.confirmed_to >= position or subscription.unsolicited:
            return False
        if subscription.pending is not None and subscription.pending.holds_back and not subscription.awaiting:
            return self.is_before(subscription.pending.until_s)
        return self.is_waited_for(subscription) if subscription.awaiting else True

    def _is_warm(self) -> bool:
        until_s = self._warming.latest_s(self.now_s)
        if self._membership and until_s > self.now_s:
            self._membership.wait_for(None)
        return not self.is_before(until_s)

    def _siblings_answered(self, position: int, below: int = _ABOVE_ALL) -> bool:
        """Without ADS: whether the other streams of the client, of types of an order below, have answered too."""
        if self._membership is None:
            return True
        behind = self._behind(lambda type_url: BY_URL[type_url].order < below)
        return not self._wait_for_first(other for other in behind if self._is_unanswered(other, position))

    def _siblings_removed(self, subscription: Subscription) -> bool:
        """Without ADS: whether what may refer to this type is gone from the other streams of the client."""
        if self._membership is None:
            return True
        place = _removal_place(subscription)
        removing = self._membership.siblings.removing(lambda type_url: _REMOVAL_PLACE[type_url] < place)
        return not self._wait_for_first(other for other in removing if not other.awaiting or self.is_waited_for(other))

    def _wait_for_first(self, blockers: Iterable[Subscription]) -> bool:
        first = next(iter(blockers), None)
        if first is not None and self._membership:
            self._membership.wait_for(first)
        return first is not None

    def is_before(self, deadline_s: float) -> bool:
        """Whether there is something to wait for, which then counts for the wake-up."""
        if deadline_s <= self.now_s:
            return False
        self.wake_at_s = deadline_s if self.wake_at_s is None else min(self.wake_at_s, deadline_s)
        return True


def _removal_place(subscription: Subscription) -> int:
    return _REMOVAL_PLACE.get(subscription.type.url, -1)
