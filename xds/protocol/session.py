"""One xDS stream, either variant: requests and the catalogue's moves in, plans out. No I/O, no clock, no proto.

A session is a cursor: per type where it is in the catalogue's log, what it subscribes to, and its few exceptions.
xDS: "xDS REST and gRPC protocol". The rules it keeps are in docs/xds.md, a test for each in tests/conformance.
"""

from __future__ import annotations

from collections.abc import Iterator

from xds.protocol.admission import Limits, refuse_names, refuse_node, refuse_type
from xds.protocol.catalogue import Catalogue
from xds.protocol.dispatch import Dispatch
from xds.protocol.features import takes_revision, takes_ttl
from xds.protocol.holding import Holding, holdings, wanted_at_most
from xds.protocol.interest import Interest, Wanted
from xds.protocol.plan import Close, Observation, Plan, Rejected, Stale, Subscribed
from xds.protocol.renewing import heard
from xds.protocol.requests import DeltaRequest, Node, StateRequest
from xds.protocol.responses import BY_VARIANT
from xds.protocol.served import ServedType
from xds.protocol.settling import settle
from xds.protocol.siblings import Siblings
from xds.protocol.subscription import Subscription
from xds.protocol.types import BY_URL, ENDPOINT, Nonce, ResourceType, TypeUrl
from xds.protocol.variant import Variant

__all__ = ["Limits", "Session", "Variant"]

_UNKNOWN_ORDER = 9  # types without a row go last


class Session:
    """Call `receive` for every request, `serve` once the node's group is known, `advance` when the catalogue moved.

    `nonces` gives every response a number of its own on the stream. `only_type`: a service of one type (not ADS).
    Times are seconds of any clock that never goes back. After a plan with `close`, nothing more may be called.
    """

    def __init__(
        self,
        variant: Variant,
        nonces: Iterator[int],
        *,
        only_type: TypeUrl | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.variant = variant
        self.node: Node | None = None
        self.only_type = only_type
        self._limits = limits or Limits()
        self._catalogue: Catalogue | None = None
        self._looked_to = -1  # nothing up to this position concerns the client any more
        self._renewals = 0  # of the catalogue, as they were then
        self._subscriptions: dict[TypeUrl, Subscription] = {}
        responses = BY_VARIANT[variant](self._limits.response_bytes)
        patience_s, is_one_type = self._limits.patience_s, only_type is not None
        self._dispatch = Dispatch(self._subscriptions, responses, nonces, patience_s, is_one_type=is_one_type)

    def __repr__(self) -> str:
        node = f"node {self.node.id!r}" if self.node else "a node yet to say its name"
        catalogue = self._catalogue
        where = f"group {catalogue.group!r} at {catalogue.revision}" if catalogue else "no group yet"
        told = "; ".join(repr(subscription) for subscription in self._subscriptions.values())
        return f"<Session {self.variant.value} of {node}, {where}: {told or 'nothing asked'}>"

    def receive(self, request: StateRequest | DeltaRequest, now_s: float) -> Plan:
        """Answer one request. xDS: "Requesting resources"; the caller writes `responses` in their order."""
        type_url = request.type_url or self.only_type or request.type_url
        refusal = refuse_node(self.node, request) or refuse_type(type_url, self.only_type)
        if refusal is not None:
            return Plan(close=refusal)
        if request.node and request.node.id:
            self.node = request.node
            node, variant = request.node, self.variant
            self._dispatch.take_features(ttl=takes_ttl(node, variant), revision=takes_revision(node, variant))
        subscription = self._subscription(type_url)
        seen = self._take(subscription, request)
        refusal = self._refuse_size()
        if refusal is not None:
            return Plan(observations=seen, close=refusal)
        return self._turn(now_s, seen)

    def serve(self, catalogue: Catalogue, now_s: float, siblings: Siblings | None = None) -> Plan:
        """The group is known, or appeared: answer what was asked so far (rule 19: nothing before that).

        `siblings`: of a client without ADS, what its streams have to know of each other; this session is a member.
        """
        if self._catalogue is not None and self._catalogue is not catalogue:
            raise ValueError(f"{self!r} cannot move to group {catalogue.group!r}; close it, the client comes back")
        self._catalogue = catalogue
        if siblings is not None and self.only_type is not None:
            self._dispatch.join(siblings, self)
        return self._turn(now_s, ())

    def advance(self, now_s: float) -> Plan:
        """The catalogue moved, or `wake_at_s` of an earlier plan came."""
        return self._turn(now_s, ())

    def is_concerned(self) -> bool:
        """Whether `advance` may have something to do since the catalogue moved. Cheap: a whole group can be asked.

        It has not, when all that changed are endpoints apart from the configuration, under names that the client does
        not want.
        """
        catalogue = self._catalogue
        if catalogue is None or self._looked_to < catalogue.revised_at or self._renewals != catalogue.renewals:
            return True
        endpoints = self._subscriptions.get(ENDPOINT)
        if endpoints is not None:
            changes = catalogue.served(ENDPOINT).changes_since(self._looked_to)
            if any(name in endpoints.interest for name in (*changes.updated, *changes.removed)):
                return True
        self._looked_to = catalogue.position
        return False

    def leave(self) -> None:
        """The stream has ended: none of its siblings waits for it any more."""
        self._dispatch.leave()

    def subscription(self, type_url: TypeUrl) -> Subscription | None:
        """What the client wants of a type, and how far it was told, for those who ask; None if it asked for nothing."""
        return self._subscriptions.get(type_url)

    @property
    def wants_at_most(self) -> int:
        """No more resources than this are wanted, over all types."""
        return sum(wanted_at_most(one, self._known(one)) for one in self._subscriptions.values())

    def holdings(self) -> Iterator[Holding]:
        """What the client has of all that it wants, by type and name. Whoever takes them slowly is told newer facts."""
        for type_url in sorted(self._subscriptions):
            subscription = self._subscriptions[type_url]
            yield from holdings(subscription, self._known(subscription))

    def _turn(self, now_s: float, seen: tuple[Observation, ...]) -> Plan:
        catalogue = self._catalogue
        if catalogue is None or not catalogue.revision:
            return Plan(observations=seen)
        self._looked_to, self._renewals = catalogue.position, catalogue.renewals
        return self._dispatch.decide(catalogue, now_s, seen)

    def _subscription(self, type_url: TypeUrl) -> Subscription:
        found = self._subscriptions.get(type_url)
        if found is None:
            row = BY_URL.get(type_url) or ResourceType(type_url, type_url.rpartition(".")[2], _UNKNOWN_ORDER)
            found = self._dispatch.open(Subscription(row, Interest(row.legacy_wildcard)))
        return found

    def _take(self, subscription: Subscription, request: StateRequest | DeltaRequest) -> tuple[Observation, ...]:
        if subscription.unsolicited:
            subscription.adopt(request.response_nonce)
        opening = not subscription.interest.opened
        seen = self._settle(subscription, request)
        if isinstance(request, DeltaRequest):
            wanted = self._change(subscription, request, opening)
        elif opening or not request.response_nonce or request.response_nonce == subscription.last_nonce:
            wanted = self._replace(subscription, request)
        else:
            return seen  # rule 2: what goes with a stale nonce is void; the client says it again with the next ACK
        subscription.asked |= wanted.names
        subscription.asked_everything |= wanted.everything
        if opening or wanted.names or wanted.everything or self._dropped_any(request):
            interest = subscription.interest
            seen = (*seen, Subscribed(subscription.type.url, interest.wildcard, len(interest.names)))
        return seen

    def _settle(self, subscription: Subscription, request: StateRequest | DeltaRequest) -> tuple[Observation, ...]:
        nonce = request.response_nonce
        if not nonce:
            return ()
        if self._catalogue is None:
            return (Stale(subscription.type.url, Nonce(nonce)),)
        if subscription.leases is not None and nonce in subscription.leases.beating:
            served, revision = self._served(subscription), self._catalogue.revision
            return heard(subscription, served, nonce, request.error_detail, revision)
        observation, push = settle(subscription, self._served(subscription), nonce, request.error_detail)
        if push is not None:
            self._dispatch.answered(subscription, push, rejected=isinstance(observation, Rejected))
        return (observation,)

    def _change(self, subscription: Subscription, request: DeltaRequest, opening: bool) -> Wanted:
        if opening:
            subscription.brought = dict(request.initial_resource_versions)
            if self.only_type is None and subscription.type.url == ENDPOINT and subscription.brought:
                self._dispatch.miss_clusters()
        wanted = subscription.interest.change(request.subscribe, request.unsubscribe)
        if not opening and subscription.brought:
            subscription.doubt_brought((*request.subscribe, *request.unsubscribe))
            subscription.anew |= wanted.names
        if request.unsubscribe:
            subscription.forget_unwanted()
        return wanted

    def _replace(self, subscription: Subscription, request: StateRequest) -> Wanted:
        subscription.version = request.version_info
        wanted = subscription.interest.replace(request.resource_names)
        subscription.forget_unwanted()
        return wanted

    def _dropped_any(self, request: StateRequest | DeltaRequest) -> bool:
        return isinstance(request, DeltaRequest) and bool(request.unsubscribe)

    def _refuse_size(self) -> Close | None:
        count = sum(len(subscription.interest.names) for subscription in self._subscriptions.values())
        return refuse_names(count, self._limits.names)

    def _known(self, subscription: Subscription) -> ServedType | None:
        return self._served(subscription) if self._catalogue is not None and self._catalogue.revision else None

    def _served(self, subscription: Subscription) -> ServedType:
        assert self._catalogue is not None
        return self._catalogue.served(subscription.type.url)
