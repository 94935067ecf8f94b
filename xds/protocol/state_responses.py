"""What responses of the state of the world carry: the full state, where absence is removal, or a part of it.

LDS and CDS, and whatever is subscribed by wildcard, are the full state; the others are partial and remove nothing.
xDS: "Resource types", "SotW".
"""

from __future__ import annotations

from collections.abc import Set

from xds.protocol.content import Content, fingerprint
from xds.protocol.due import removals_due, removals_held, updates_due
from xds.protocol.missing import NOTHING_MISSING, Missing
from xds.protocol.plan import ResourceError
from xds.protocol.resource import Resource
from xds.protocol.served import ServedType
from xds.protocol.splitting import split
from xds.protocol.subscription import Subscription
from xds.protocol.types import CLUSTER, LISTENER, RUNTIME

# In the state of the world Envoy 1.40 lets go of these when their time is over. When that of an assignment or a route
# configuration is, it crashes.
EXPIRING_IN_STATE = frozenset({CLUSTER, LISTENER, RUNTIME})


class StateResponses:
    """The state of the world."""

    variant = "state-of-the-world"

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes

    def answer(self, subscription: Subscription, served: ServedType) -> tuple[Content, ...]:
        """What was just asked for. Rule 21: everything, when the client has just that, needs no answer."""
        if _is_full_state(subscription):
            if _comes_back_with_it(subscription, served):
                return ()
            return self._full(subscription, served, _asked(subscription, served), reduced=False)
        found = served.select(sorted(subscription.asked))  # already what the names stand for
        missing = Missing.asked_for(subscription, served)
        return self._partial(served, found, missing) if found or missing.names else ()

    def additions(
        self, subscription: Subscription, served: ServedType, due: tuple[Resource, ...], gone: tuple[str, ...] = ()
    ) -> tuple[Content, ...]:
        """`due`, next to all the rest where the type wants a full state: also what is removed only later."""
        if _is_full_state(subscription):
            return self._full(subscription, served, due, reduced=False)
        return self._partial(served, due)

    def removals(self, subscription: Subscription, served: ServedType, due: tuple[str, ...]) -> tuple[Content, ...]:
        """The full state without the names in `due`, which the client held until now."""
        return self._full(subscription, served, (), reduced=True, gone=due)

    def removed_with(self, subscription: Subscription, served: ServedType) -> tuple[str, ...]:
        """Names to be told as gone in the same breath as what is new: a full state does so by itself."""
        return ()

    def removals_due(self, subscription: Subscription, served: ServedType) -> tuple[str, ...]:
        """Names to be told as gone: by absence, where that means something (rules 17 and 18)."""
        return removals_due(subscription, served) if _is_full_state(subscription) else ()

    def tells_all(self, subscription: Subscription) -> bool:
        """Whether every response is the full state."""
        return _is_full_state(subscription)

    def may_expire(self, subscription: Subscription) -> bool:
        """Whether a time to live can be told of this type: Envoy does not survive the end of any."""
        return subscription.type.url in EXPIRING_IN_STATE

    def held_already(self, subscription: Subscription, served: ServedType) -> tuple[Resource, ...]:
        """What the client brought from an earlier stream as it is served now, and is therefore not sent."""
        return served.everything() if _comes_back_with_it(subscription, served) else ()

    def is_behind(self, subscription: Subscription, served: ServedType) -> bool:
        """Whether the client has another state from an earlier stream than it is served now."""
        return subscription.version not in ("", served.version)

    def lost_meanwhile(self, subscription: Subscription, served: ServedType) -> Set[str]:
        """Names of the state that the client has and that are gone, as long as that state is known."""
        position = served.position_of(subscription.version) if subscription.asked_everything else None
        if position is None or not subscription.type.full_state:
            return frozenset()
        removed = served.shown_since(position).removed
        return {name for name in removed if name in served.departed and served.log.existed(name, position)}

    def renewals(
        self, subscription: Subscription, served: ServedType, leased: tuple[Resource, ...]
    ) -> tuple[Content, ...]:
        """What the client holds, again and with its body, under the version that the client says it has.

        Not heartbeats: in this variant Envoy lets what has only those expire, and takes what a response of clusters or
        listeners leaves out as removed. A full state that the client does not have, or is about to have, is no renewal.
        """
        if subscription.awaiting or not subscription.version:
            return ()
        if _is_full_state(subscription):
            (whole,) = self._full(subscription, served, (), reduced=False)
            return (whole,) if whole.version == subscription.version else ()
        version, pieces = subscription.version, split(leased, (), self._limit_bytes)
        key = (*served.identity, self.variant, version)
        return tuple(Content(version, piece, (), (), (*key, fingerprint(piece))) for piece, _ in pieces)

    def _full(
        self,
        subscription: Subscription,
        served: ServedType,
        fresh: tuple[Resource, ...],
        *,
        reduced: bool,
        gone: tuple[str, ...] = (),
    ) -> tuple[Content, ...]:
        held = (name for name in removals_held(subscription, served) if not (reduced and name in gone))
        extra = tuple(served.departed[name] for name in held if name in served.departed)
        named = subscription.interest.own & served.on_demand if served.on_demand else ()
        if subscription.interest.wildcard:
            extra = (*extra, *served.select(sorted(named)))
            resources = (*served.everything(), *extra) if extra else served.everything()
            version = served.version_with(extra) if extra else served.version
        else:
            resources = (*served.select(sorted(subscription.interest.own)), *extra)
            version = fingerprint(resources).hex()  # some names are not the state that a wildcard has
        errors = Missing.asked_for(subscription, served).beside(resources, self._limit_bytes)
        key = (*served.identity, self.variant, version, fingerprint((), (), errors) if errors else b"")
        return (Content(version, resources, fresh, (), key, errors),)

    def _partial(
        self, served: ServedType, resources: tuple[Resource, ...], missing: Missing = NOTHING_MISSING
    ) -> tuple[Content, ...]:
        pieces = split(resources, missing.names, self._limit_bytes, missing.because)
        return tuple(self._piece(served, piece, missing.among(absent)) for piece, absent in pieces)

    def _piece(self, served: ServedType, resources: tuple[Resource, ...], errors: tuple[ResourceError, ...]) -> Content:
        key = (*served.identity, self.variant, fingerprint(resources, (), errors))
        return Content(served.version, resources, resources, (), key, errors)


def _asked(subscription: Subscription, served: ServedType) -> tuple[Resource, ...]:
    if subscription.asked_everything:
        return served.everything()
    due = {resource.name for resource in updates_due(subscription, served)}
    return served.select(sorted(due | subscription.asked))


def _comes_back_with_it(subscription: Subscription, served: ServedType) -> bool:
    """A version says what a new stream's client holds only where no part of a state ever went by the same version."""
    fresh = subscription.asked_everything and not subscription.asked and not subscription.last_nonce
    return fresh and subscription.type.full_state and subscription.version == served.version


def _is_full_state(subscription: Subscription) -> bool:
    return subscription.type.full_state or subscription.interest.wildcard
