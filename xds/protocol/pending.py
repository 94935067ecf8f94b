"""What a client asked for and upstream has not answered yet: it stays asked, and is answered when it is known.

Only where the catalogue mirrors an upstream. A response that is the full state says of all that it leaves out that it
does not exist: so it waits until all that was asked of it is known. It sends nothing.
"""

from __future__ import annotations

from xds.protocol.due import removed_unseen
from xds.protocol.responses import Responses
from xds.protocol.served import ServedType
from xds.protocol.subscription import Pending, Subscription


def set_aside(subscription: Subscription, served: ServedType, responses: Responses, until_s: float) -> None:
    """Leave in `asked` what can be answered now. `until_s`: how long other types wait for the rest, at most."""
    lost = removed_unseen(subscription, served)
    if subscription.pending is not None:
        until_s = subscription.pending.until_s
        _ask_again(subscription, subscription.pending)
    elif not (lost or subscription.asked or subscription.asked_everything):
        return
    names = {*lost, *(name for name in subscription.asked if _is_unknown(subscription, served, name))}
    everything = subscription.asked_everything and served.awaits_everything
    # Of what a client brings, virtual hosts may have to go or change with those that come, for two may not have one
    # domain; and whether they do is known when all of the client's names are.
    as_one = responses.tells_all(subscription) or (subscription.type.aliased and bool(subscription.brought))
    if as_one and (names or everything):
        names, everything = names | subscription.asked, subscription.asked_everything
    subscription.pending = None
    if names or everything:
        subscription.pending = Pending(names, everything, until_s, as_one or everything)
        subscription.settled_at = -1  # it is told again when the rest has come
    subscription.asked -= names
    subscription.asked_everything &= not everything


def _ask_again(subscription: Subscription, pending: Pending) -> None:
    subscription.asked |= pending.names
    subscription.asked_everything |= pending.everything and subscription.interest.wildcard


def _is_unknown(subscription: Subscription, served: ServedType, name: str) -> bool:
    """One that was let go of beside everything is told as everything has it."""
    return served.awaits(name) and (name in subscription.interest.names or served.awaits_everything)
