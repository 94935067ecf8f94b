"""A client that comes back: what was published while it was away reaches it in order too (rules 20 and 24).

It says what it has: with versions by name, or, in the state of the world, as the version of a state that is still
known. Envoy opens all types of an ADS stream in quick succession, clusters first. So an answer that takes something
away waits a moment to see what else is opened. It takes it away at once, unless something that may refer to it is on
its way: then that goes as any removal does. And what may refer to new clusters waits until the client has those.
"""

from __future__ import annotations

from collections.abc import Set

from xds.protocol.ordering import Turn
from xds.protocol.responses import Responses
from xds.protocol.subscription import Subscription
from xds.protocol.types import BY_URL, ENDPOINT

GATHERING_S = 0.05
_ENDPOINT_ORDER = BY_URL[ENDPOINT].order


def waits(subscription: Subscription, turn: Turn, responses: Responses) -> bool:
    """Whether the first answer of a type stays out for now. O(what the client brings), once it brings anything.

    Where the catalogue mirrors an upstream, `*` may be answered later than names, and is a first answer as well.
    """
    asks = subscription.asked_everything or bool(subscription.asked)
    if subscription.started and not (subscription.asked_everything and subscription.brought):
        return False
    if not (subscription.brought or subscription.version) or (subscription.pending is not None and not asks):
        return False  # or nothing can be answered yet
    served = turn.served(subscription)
    depends = subscription.type.order > _ENDPOINT_ORDER
    if depends and not turn.may_answer(subscription) and responses.is_behind(subscription, served):
        return True
    lost = responses.lost_meanwhile(subscription, served)
    if not lost or not turn.has_referrers(subscription):
        return False
    if subscription.gathers_until_s is None:
        subscription.gathers_until_s = turn.now_s + GATHERING_S
    if turn.is_before(subscription.gathers_until_s):
        return True
    if turn.are_referrers_under_way(subscription):
        _leave(subscription, lost)
    if not (subscription.started or subscription.is_unanswered):  # all that was asked for stays
        subscription.start(turn.catalogue.position)
        subscription.compared()
    return False


def _leave(subscription: Subscription, lost: Set[str]) -> None:
    """The answer says nothing of these, and they go when nothing refers to them any more."""
    subscription.lingering |= lost
    subscription.asked -= lost
    subscription.forget_brought(lost)
