"""Decides, for all types of one session together, in which order its responses go: the one place where cursors move.

What was asked for goes at once; additions and updates in make-before-break order; removals last; heartbeats beside.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from xds.protocol.adding import Adding
from xds.protocol.answering import Answering
from xds.protocol.catalogue import Catalogue
from xds.protocol.completing import Completing
from xds.protocol.delta_responses import DeltaResponses
from xds.protocol.following import follow
from xds.protocol.healing import Healing
from xds.protocol.ordering import KEPT_WHILE_REFERRED_TO, Turn
from xds.protocol.pending import set_aside
from xds.protocol.plan import Close, Observation, Plan, Settled
from xds.protocol.removing import Removing
from xds.protocol.renewing import lease, renewals_due
from xds.protocol.responses import Responses
from xds.protocol.returning import waits
from xds.protocol.sending import Sending
from xds.protocol.settling import rejection_stands
from xds.protocol.siblings import Membership, Siblings
from xds.protocol.subscription import Push, Subscription
from xds.protocol.types import TypeUrl
from xds.protocol.warming import Warming
from xds.protocol.withholding import unusable


class Dispatch:
    """The open subscriptions of a session in push order, and what crosses from one type to another."""

    def __init__(
        self,
        subscriptions: dict[TypeUrl, Subscription],
        responses: Responses,
        nonces: Iterator[int],
        patience_s: float,
        *,
        is_one_type: bool,
    ) -> None:
        self._by_url = subscriptions
        self._ordered: list[Subscription] = []
        self._responses = responses
        self._patience_s = patience_s
        self._is_one_type = is_one_type
        self._membership: Membership | None = None
        self._healing = Healing(subscriptions, patience_s)
        self._warming = Warming(subscriptions, patience_s)
        self._sending = Sending(responses, nonces, self._warming)
        self._answering = Answering(responses, self._sending)
        self._removing = Removing(responses, self._sending)
        self._adding = Adding(responses, self._sending, self._removing)
        self._completing = Completing(responses, self._sending)

    def open(self, subscription: Subscription) -> Subscription:
        """A type appears on the stream."""
        self._by_url[subscription.type.url] = subscription
        self._ordered = sorted(self._by_url.values(), key=lambda one: (one.type.order, one.type.url))
        return subscription

    def join(self, siblings: Siblings, member: Hashable) -> None:
        """The client has other types on streams of their own: what crosses from one to another is known there."""
        self._membership = Membership(siblings, member)
        self._warming.join(self._membership)

    def leave(self) -> None:
        """The stream has ended."""
        if self._membership:
            for subscription in self._ordered:
                self._membership.siblings.leave(subscription)

    def take_features(self, *, ttl: bool, revision: bool) -> None:
        """Whether the client takes times to live, and revisions, as it says itself."""
        self._sending.takes_ttl, self._sending.takes_revision = ttl, revision

    def answered(self, subscription: Subscription, push: Push, *, rejected: bool) -> None:
        """The client took or refused a push."""
        if self._sending.takes_ttl and not rejected and self._responses.may_expire(subscription):
            lease(subscription, push, whole=self._responses.tells_all(subscription))
        self._warming.answered(subscription, push, rejected=rejected)

    def miss_clusters(self) -> None:
        """A client that comes back asks for endpoints and not for clusters: it may never ask (rule 30)."""
        self._healing.miss_clusters()

    def decide(self, catalogue: Catalogue, now_s: float, seen: tuple[Observation, ...]) -> Plan:
        """Everything that may go now."""
        self._sending.begin(seen)
        self._heal(now_s)
        self._warming.expire(now_s)
        if self._membership:
            self._membership.siblings.reach(catalogue.revised_at)
        turn = self._turn(catalogue, now_s)
        for subscription in self._ordered:
            if self._is_too_late(subscription, catalogue):
                return Plan(observations=tuple(self._sending.seen), close=_ask_again(subscription))
            if catalogue.is_partial:
                set_aside(subscription, turn.served(subscription), self._responses, now_s + self._patience_s)
            if not waits(subscription, turn, self._responses):
                follow(subscription, turn.served(subscription))
                self._answering.answer(subscription, turn)
        family = turn.family()
        broken = unusable(family, catalogue) if any(one.rejected for one in family) else set()
        for subscription in self._ordered:
            self._adding.add(subscription, turn, broken)
        self._removing.remove(turn)
        if self._sending.takes_revision:
            self._completing.tell(self._ordered, turn)
        self._settle(catalogue)
        self._renew(catalogue, now_s)
        self._leave_word()
        return Plan(tuple(self._sending.sent), tuple(self._sending.seen), self._wake_at(turn))

    def _turn(self, catalogue: Catalogue, now_s: float) -> Turn:
        alone = self._is_one_type and self._membership is None
        patience_s, membership = self._patience_s, self._membership
        return Turn(self._ordered, catalogue, self._warming, now_s, patience_s, membership, is_alone=alone)

    def _heal(self, now_s: float) -> None:
        missed = self._healing.due(now_s)
        if missed is not None:
            self.open(missed)

    def _is_too_late(self, subscription: Subscription, catalogue: Catalogue) -> bool:
        everything = subscription.interest.wildcard and subscription.started and not subscription.asked_everything
        remembered = catalogue.served(subscription.type.url).remembers(subscription.gone_to)
        return everything and not remembered and isinstance(self._responses, DeltaResponses)

    def _leave_word(self) -> None:
        if self._membership:
            for subscription in self._ordered:
                self._membership.siblings.hear(subscription, is_removing=self._removing.is_removing)

    def _renew(self, catalogue: Catalogue, now_s: float) -> None:
        for subscription in self._ordered if self._sending.takes_ttl else ():
            served = catalogue.served(subscription.type.url)
            due = renewals_due(subscription, served, self._responses, now_s)
            self._sending.renew(subscription, due, catalogue.revision)

    def _settle(self, catalogue: Catalogue) -> None:
        position = catalogue.position
        for one in self._ordered:
            served = catalogue.served(one.type.url)
            touched_at = max(catalogue.revised_at, served.log.newest)  # changed endpoints are no news of other types
            if one.settled_at == touched_at or one.awaiting or one.unsolicited or one.withheld or one.pending:
                continue
            owes = one.let_go or (one.lingering and one.type.url not in KEPT_WHILE_REFERRED_TO)
            if one.sent_to == one.gone_to == position and not owes and not rejection_stands(one, served):
                one.settled_at = touched_at
                self._sending.seen.append(Settled(one.type.url, catalogue.revision, position))

    def _wake_at(self, turn: Turn) -> float | None:
        times = [turn.wake_at_s, self._healing.wake_at_s]
        if self._sending.takes_ttl:
            times += [one.leases.wake_at_s for one in self._ordered if one.leases]
        return min((time_s for time_s in times if time_s is not None), default=None)


def _ask_again(subscription: Subscription) -> Close:
    message = (
        f"this client has not answered for so long that removals of {subscription.type.short}s were forgotten; "
        "connect again and say which versions it has (initial_resource_versions)"
    )
    return Close("UNAVAILABLE", message)
