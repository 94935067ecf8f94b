"""Decides, for all types of one session together, which responses go now. The one place where cursors move.

What was asked for goes at once; additions and updates in make-before-break order, one unanswered push per type, so
that a storm of changes coalesces by itself; removals last.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

from xds.protocol.catalogue import Catalogue
from xds.protocol.changelog import ABSENT
from xds.protocol.due import updates_due
from xds.protocol.following import follow, postpone
from xds.protocol.interest import Interest
from xds.protocol.ordering import KEPT_WHILE_REFERRED_TO, Name, Turn, is_new, kept, unusable
from xds.protocol.plan import Close, Observation, Plan, Renewed, Response, Sent, Settled
from xds.protocol.renewing import lease, lease_again, renewals_due
from xds.protocol.resource import Reference, Resource
from xds.protocol.responses import Content, DeltaResponses, Responses
from xds.protocol.served import ServedType
from xds.protocol.settling import rejection_stands
from xds.protocol.siblings import Membership, Siblings
from xds.protocol.subscription import Push, Subscription, Withheld
from xds.protocol.types import BY_URL, CLUSTER, ENDPOINT, Nonce, TypeUrl

NEW = -1  # the `since` of a push to a client that holds nothing of it


class Dispatch:
    """The open subscriptions of a session in push order, and what crosses from one type to another."""

    def __init__(
        self,
        subscriptions: dict[TypeUrl, Subscription],
        responses: Responses,
        nonces: Iterator[int],
        patience_s: float,
    ) -> None:
        self._by_url = subscriptions
        self._ordered: list[Subscription] = []
        self._responses = responses
        self._nonces = nonces
        self._patience_s = patience_s
        self.takes_ttl = False  # the client says so
        self._warming: dict[str, float] = {}  # EDS names of clusters just sent -> how long routes wait for them
        self._membership: Membership | None = None
        self._is_removing = False
        self._clusters_missed = False
        self._heal_at_s: float | None = None
        self._sent: list[Response] = []
        self._seen: list[Observation] = []

    def open(self, subscription: Subscription) -> Subscription:
        """A type appears on the stream."""
        self._by_url[subscription.type.url] = subscription
        self._ordered = sorted(self._by_url.values(), key=lambda one: (one.type.order, one.type.url))
        return subscription

    def join(self, siblings: Siblings, member: Hashable) -> None:
        """The client has other types on streams of their own: what crosses from one to another is known there."""
        self._membership = Membership(siblings, member)
        self._warming = siblings.warming

    def leave(self) -> None:
        """The stream has ended."""
        if self._membership:
            for subscription in self._ordered:
                self._membership.siblings.leave(subscription)

    def answered(self, subscription: Subscription, push: Push, *, rejected: bool) -> None:
        """The client took or refused a push."""
        if self.takes_ttl and not rejected and self._responses.may_expire(subscription):
            lease(subscription, push, whole=self._responses.tells_all(subscription))
        if subscription.type.url == ENDPOINT:
            for resource in push.resources if self._warming else ():
                self._warming.pop(resource.name, None)
        if subscription.type.url == CLUSTER and rejected:
            for resource in push.fresh if self._warming else ():
                for name in _endpoint_names(resource):
                    self._warming.pop(name, None)

    def miss_clusters(self) -> None:
        """A client that comes back asks for endpoints and not for clusters: it may never ask (rule 30)."""
        self._clusters_missed = True

    def decide(self, catalogue: Catalogue, now_s: float, seen: tuple[Observation, ...]) -> Plan:
        """Everything that may go now."""
        self._sent, self._seen = [], list(seen)
        self._heal(now_s)
        for name in [name for name, until_s in self._warming.items() if until_s <= now_s]:
            del self._warming[name]
        if self._membership:
            self._membership.siblings.reach(catalogue.revised_at)
        for subscription in self._ordered:
            if _too_late(subscription, catalogue, self._responses):
                return Plan(observations=tuple(self._seen), close=_ask_again(subscription))
            follow(subscription, catalogue.served(subscription.type.url))
            self._answer(subscription, catalogue, now_s)
        turn = Turn(self._ordered, catalogue, self._warming, now_s, self._patience_s, self._membership)
        family = self._family()
        broken = unusable(family, catalogue) if any(one.rejected for one in family) else set()
        for subscription in self._ordered:
            self._add(subscription, catalogue, turn, broken, now_s)
        self._remove(catalogue, turn, now_s)
        self._settle(catalogue)
        self._renew(catalogue, now_s)
        self._leave_word()
        return Plan(tuple(self._sent), tuple(self._seen), self._wake_at(turn))

    def _family(self) -> list[Subscription]:
        """Whose rejections count here: of this stream, and without ADS of the client's others."""
        return [*self._membership.troubled(), *self._ordered] if self._membership else self._ordered

    def _leave_word(self) -> None:
        if self._membership:
            for subscription in self._ordered:
                self._membership.siblings.hear(subscription, is_removing=self._is_removing)

    def _answer(self, subscription: Subscription, catalogue: Catalogue, now_s: float) -> None:
        if not (subscription.asked or subscription.asked_everything):
            return
        served = catalogue.served(subscription.type.url)
        if not subscription.started:
            subscription.started = True
            subscription.sent_to = subscription.gone_to = catalogue.position
        elif subscription.type.aliased and not subscription.asked_everything:
            self._wait_for_the_rest(subscription, served)
        for content in self._responses.answer(subscription, served):
            self._send(subscription, content, catalogue, NEW, now_s)
        if self._tells_ttl(subscription, served):
            lease_again(subscription, self._responses.held_already(subscription, served))
        self._move_after_answer(subscription, served, catalogue.position)
        subscription.asked = set()
        subscription.asked_everything = False
        subscription.brought = None

    def _wait_for_the_rest(self, subscription: Subscription, served: ServedType) -> None:
        """What is asked for goes in turn when more is due: a part of a state may give two virtual hosts one domain."""
        others = {resource.name for resource in updates_due(subscription, served)} - subscription.asked
        if others - subscription.withheld.keys() or self._responses.removed_with(subscription, served):
            postpone(subscription, served)

    def _move_after_answer(self, subscription: Subscription, served: ServedType, position: int) -> None:
        if subscription.asked_everything or self._responses.tells_all(subscription):
            subscription.sent_to = position
            subscription.owed.clear()
            subscription.ahead.clear()
            subscription.withheld.clear()
        if self._responses.tells_all(subscription):
            return  # what is gone goes with the reduced state
        subscription.owed -= subscription.asked
        for name in subscription.asked & subscription.withheld.keys():
            del subscription.withheld[name]
        level = subscription.sent_to == subscription.gone_to == position
        for name in () if level else subscription.asked:
            resource = served.resources.get(name)
            if resource is not None or not subscription.type.aliased:  # a name that stands for nothing is no removal
                subscription.ahead[name] = ABSENT if resource is None else resource.version

    def _add(
        self, subscription: Subscription, catalogue: Catalogue, turn: Turn, broken: set[Name], now_s: float
    ) -> None:
        served = catalogue.served(subscription.type.url)
        for name in [name for name in subscription.withheld if name not in served.resources]:
            del subscription.withheld[name]
        due = updates_due(subscription, served)
        if broken and due and not self._responses.tells_all(subscription):
            due = self._withhold(subscription, catalogue, due, broken)
        if not due:
            subscription.owed.clear()  # what is left of it no longer exists
            if not subscription.awaiting:
                subscription.confirmed_to = catalogue.position
            self._advance(subscription, catalogue.position)
            return
        if subscription.awaiting or not turn.may_add(subscription):
            return
        gone = self._responses.removed_with(subscription, served)
        for content in self._responses.additions(subscription, served, due, gone):
            self._send(subscription, content, catalogue, subscription.sent_to, now_s, removes=bool(content.removed))
        for resource in due if not subscription.quiet else ():
            subscription.owed.discard(resource.name)
            subscription.ahead.pop(resource.name, None)
            subscription.withheld.pop(resource.name, None)
        subscription.postponed.clear()
        self._advance(subscription, catalogue.position)
        if gone:
            self._told_removed(subscription, served, gone, catalogue.position)

    def _advance(self, subscription: Subscription, position: int) -> None:
        subscription.sent_to = position
        if subscription.gone_to == position:
            subscription.ahead.clear()

    def _withhold(
        self, subscription: Subscription, catalogue: Catalogue, due: tuple[Resource, ...], broken: set[Name]
    ) -> tuple[Resource, ...]:
        """Keep back what comes to refer to something that the client refused: its old version still works.

        Where that refers to it too, nothing is lost by an update (and gRPC uses what is valid in what it refuses).
        """
        usable = []
        for resource in due:
            keeps = _held_references(subscription, catalogue, resource.name)
            if not any((one.type_url, one.name) in broken for one in resource.references if one not in keeps):
                usable.append(resource)
            elif resource.name not in subscription.withheld:
                new = is_new(subscription, catalogue, resource.name)
                subscription.withheld[resource.name] = Withheld(new, keeps)
        return tuple(usable)

    def _remove(self, catalogue: Catalogue, turn: Turn, now_s: float) -> None:
        held: set[Name] | None = None
        self._is_removing = False
        for subscription in turn.in_removal_order():
            served = catalogue.served(subscription.type.url)
            due = self._responses.removals_due(subscription, served)
            lingered = subscription.lingering
            if due or lingered:
                held = kept(self._family()) if held is None else held
                due = self._linger(subscription, catalogue, due, held, turn)
            self._is_removing |= bool(due) or _removes(subscription)
            if not due:
                self._nothing_to_remove(subscription, served, catalogue.position)
            elif not subscription.awaiting:
                if not turn.may_remove(subscription, freed=not lingered.isdisjoint(due)):
                    return
                self._send_removals(subscription, served, due, catalogue, now_s)
            if (due or _removes(subscription)) and turn.is_waited_for(subscription):
                return  # what it refers to goes after its answer

    def _send_removals(
        self, subscription: Subscription, served: ServedType, due: tuple[str, ...], catalogue: Catalogue, now_s: float
    ) -> None:
        for content in self._responses.removals(subscription, served, due):
            self._send(subscription, content, catalogue, subscription.sent_to, now_s, removes=True)
        self._told_removed(subscription, served, due, catalogue.position)

    def _told_removed(
        self, subscription: Subscription, served: ServedType, due: tuple[str, ...], position: int
    ) -> None:
        subscription.lingering.difference_update(due)
        subscription.let_go.difference_update(due)
        for name in subscription.parting.keys() & due:
            del subscription.parting[name]
        self._nothing_to_remove(subscription, served, position)

    def _nothing_to_remove(self, subscription: Subscription, served: ServedType, position: int) -> None:
        subscription.gone_to = max(subscription.gone_to, subscription.sent_to)
        if subscription.gone_to == subscription.sent_to == position:
            subscription.ahead.clear()
        subscription.let_go.clear()
        for name in [name for name in subscription.rejected if name not in served.resources]:
            del subscription.rejected[name]

    def _linger(
        self, subscription: Subscription, catalogue: Catalogue, due: tuple[str, ...], held: set[Name], turn: Turn
    ) -> tuple[str, ...]:
        """Removals that would break what is served or held stay out, until nothing needs them any more (rule 29)."""
        type_url = subscription.type.url
        needed = set()
        for name in due:
            served_needs = type_url in KEPT_WHILE_REFERRED_TO and catalogue.is_referred_to(type_url, name)
            if served_needs or (type_url, name) in held or turn.is_parting(subscription, name):
                needed.add(name)
                departed = catalogue.served(type_url).departed.get(name)
                held.update((one.type_url, one.name) for one in (departed.references if departed else ()))
        free = tuple(name for name in due if name not in needed)
        subscription.lingering = needed | subscription.lingering.intersection(free)  # those go when they were sent
        for name in subscription.parting.keys() - due:
            del subscription.parting[name]
        return free

    def _send(
        self,
        subscription: Subscription,
        content: Content,
        catalogue: Catalogue,
        since: int,
        now_s: float,
        *,
        removes: bool = False,
    ) -> None:
        url, position = subscription.type.url, catalogue.position
        nonce = Nonce(str(next(self._nonces)))
        tells_ttl = self._tells_ttl(subscription, catalogue.served(url))
        self._sent.append(_response(url, nonce, content, tells_ttl=tells_ttl))
        counts = (len(content.resources), len(content.removed))
        apart = since >= catalogue.revised_at and catalogue.served(url).log.newest > since
        self._seen.append(Sent(url, nonce, catalogue.revision, *counts, apart, position))
        fresh = content.fresh
        if self._responses.tells_all(subscription):
            fresh = (*fresh, *_unanswered(subscription, content))
            subscription.awaiting.clear()  # a full state replaces whatever is under way
        brought = (content.resources, fresh, content.removed)
        subscription.awaiting[nonce] = Push(nonce, since, position, catalogue.revision, *brought, now_s, removes)
        subscription.last_nonce = nonce
        subscription.pushed_to = position
        subscription.confirmed_to = min(subscription.confirmed_to, position - 1)
        if url == CLUSTER and ENDPOINT in self._by_url:
            self._warm(content.fresh, subscription, catalogue, since, now_s)
        elif url == CLUSTER and self._membership and since >= 0:
            self._warm_apart(content.fresh, subscription, catalogue, now_s)

    def _warm(
        self, clusters: Iterable[Resource], sent: Subscription, catalogue: Catalogue, since: int, now_s: float
    ) -> None:
        """Clusters are followed by their endpoints, changed or not: Envoy warms them anew (rules 25, 27 and 28)."""
        endpoints = self._by_url[ENDPOINT]
        for cluster in clusters:
            for name in _endpoint_names(cluster):
                if name in endpoints.interest:
                    endpoints.owed.add(name)
                elif since >= 0 and not is_new(sent, catalogue, cluster.name):
                    continue
                self._warming[name] = now_s + self._patience_s

    def _warm_apart(self, clusters: Iterable[Resource], sent: Subscription, catalogue: Catalogue, now_s: float) -> None:
        """Without ADS, Envoy opens a stream for the endpoints of each cluster it is sent, and is answered there.

        While an update of a cluster that it has is warming, it goes on with the one before.
        """
        if self._membership is None or not self._membership.siblings.take_more_than_clusters:
            return
        for cluster in clusters:
            if is_new(sent, catalogue, cluster.name):
                self._warming.update(dict.fromkeys(_endpoint_names(cluster), now_s + self._patience_s))

    def _tells_ttl(self, subscription: Subscription, served: ServedType) -> bool:
        return self.takes_ttl and bool(served.timed) and self._responses.may_expire(subscription)

    def _renew(self, catalogue: Catalogue, now_s: float) -> None:
        """Heartbeats. Nobody waits for their answers, and they bring nobody to a newer revision."""
        for subscription in self._ordered if self.takes_ttl else ():
            url = subscription.type.url
            contents = renewals_due(subscription, catalogue.served(url), self._responses, now_s)
            if subscription.leases and contents:
                subscription.leases.beating.clear()
            for content in contents:
                nonce = Nonce(str(next(self._nonces)))
                self._sent.append(_response(url, nonce, content, tells_ttl=True, renews=True))
                self._seen.append(Renewed(url, sum(resource.ttl_ms > 0 for resource in content.resources)))
                subscription.last_nonce = nonce
                if subscription.leases:
                    subscription.leases.beating[nonce] = content.resources

    def _heal(self, now_s: float) -> None:
        if not self._clusters_missed:
            return
        if CLUSTER in self._by_url:
            self._clusters_missed = False
        elif self._heal_at_s is None:
            self._heal_at_s = now_s + self._patience_s
        elif self._heal_at_s <= now_s:
            self._clusters_missed = False
            interest = Interest(legacy=True, wildcard=True)
            self.open(Subscription(BY_URL[CLUSTER], interest, asked_everything=True, unsolicited=True))

    def _settle(self, catalogue: Catalogue) -> None:
        position = catalogue.position
        for one in self._ordered:
            served = catalogue.served(one.type.url)
            touched_at = max(catalogue.revised_at, served.log.newest)  # changed endpoints are no news of other types
            if one.settled_at == touched_at or one.awaiting or one.unsolicited or one.withheld:
                continue
            owes = one.let_go or (one.lingering and one.type.url not in KEPT_WHILE_REFERRED_TO)
            if one.sent_to == one.gone_to == position and not owes and not rejection_stands(one, served):
                one.settled_at = touched_at
                self._seen.append(Settled(one.type.url, catalogue.revision, position))

    def _wake_at(self, turn: Turn) -> float | None:
        times = [turn.wake_at_s, self._heal_at_s if self._clusters_missed else None]
        if self.takes_ttl:
            times += [one.leases.wake_at_s for one in self._ordered if one.leases]
        return min((time_s for time_s in times if time_s is not None), default=None)


def _response(type_url: TypeUrl, nonce: Nonce, content: Content, *, tells_ttl: bool, renews: bool = False) -> Response:
    key = ("ttl", renews, content.share_key) if tells_ttl else content.share_key
    what = (content.version, content.resources, content.removed, key, content.errors)
    return Response(type_url, nonce, *what, content.aliases, content.unresolved, tells_ttl)


def _removes(subscription: Subscription) -> bool:
    return any(push.removes for push in subscription.awaiting.values())


def _endpoint_names(cluster: Resource) -> tuple[str, ...]:
    return tuple(reference.name for reference in cluster.references if reference.type_url == ENDPOINT)


def _unanswered(subscription: Subscription, content: Content) -> tuple[Resource, ...]:
    """What a full state repeats of responses that it replaces: the client's answer to it is the answer to that too."""
    if not subscription.awaiting:
        return ()
    pushes = subscription.awaiting.values()
    before = {(one.name, one.version) for push in pushes for one in push.fresh}
    before -= {(one.name, one.version) for one in content.fresh}
    return tuple(one for one in content.resources if (one.name, one.version) in before)


def _held_references(subscription: Subscription, catalogue: Catalogue, name: str) -> tuple[Reference, ...]:
    """What the version that the client holds refers to, as far as anybody remembers."""
    kept = subscription.withheld.get(name) or subscription.rejected.get(name)
    if kept is not None:
        return kept.keeps
    mark = catalogue.served(subscription.type.url).log.held_at(name, subscription.sent_to)
    return mark.references if mark is not None else ()


def _too_late(subscription: Subscription, catalogue: Catalogue, responses: Responses) -> bool:
    everything = subscription.interest.wildcard and subscription.started and not subscription.asked_everything
    incremental = isinstance(responses, DeltaResponses)
    return everything and incremental and not catalogue.served(subscription.type.url).remembers(subscription.gone_to)


def _ask_again(subscription: Subscription) -> Close:
    message = (
        f"this client has not answered for so long that removals of {subscription.type.short}s were forgotten; "
        "connect again and say which versions it has (initial_resource_versions)"
    )
    return Close("UNAVAILABLE", message)
