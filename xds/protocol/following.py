"""Keeps what a subscription's names stand for up to date: before anything is decided, and at little cost if it is.

Names are looked up when they are asked for, and all of them again only when some alias of the type changed.
"""

from __future__ import annotations

from xds.protocol.aliases import NOTHING
from xds.protocol.served import ServedType
from xds.protocol.subscription import Subscription


def follow(subscription: Subscription, served: ServedType) -> None:
    """Point every name at its resource: what is newly wanted is owed, what is wanted no more is let go of.

    `asked` becomes the resources that were asked for; a name that stands for nothing stays, and is told as missing.
    """
    interest = subscription.interest
    interest.hidden = served.on_demand
    if not subscription.type.aliased:
        return
    standing = interest.standing
    subscription.asked |= subscription.postponed & interest.names
    subscription.postponed.clear()
    asked = subscription.asked & interest.names
    for name in asked if standing.seen == served.aliases.changes else interest.names:
        is_own = name in served.resources or name in subscription.pending_names
        standing.put(name, NOTHING if is_own else served.aliases.targets(name))
    standing.seen = served.aliases.changes
    if subscription.anew:
        subscription.doubt_brought({target for name in subscription.anew for target in standing.targets(name)})
    standing.ask(asked)
    subscription.asked = {target for name in subscription.asked for target in standing.targets(name)}
    _settle(subscription, served)


def postpone(subscription: Subscription, served: ServedType) -> None:
    """What was asked for and is there goes with what else is due; its names are kept, for it may go before that."""
    interest, ready = subscription.interest, subscription.asked & served.resources.keys()
    for name in ready:
        subscription.postponed.update(interest.standing.names_of(name) if name in interest.standing else (name,))
    subscription.owed |= ready
    subscription.asked -= ready


def _settle(subscription: Subscription, served: ServedType) -> None:
    interest, standing = subscription.interest, subscription.interest.standing
    # What only its new name wants may be older than the cursor, and what is held is told under its new name.
    subscription.owed |= {name for name in standing.gained if name in standing}
    for name in standing.released:
        if name not in interest or name not in served.resources:
            subscription.forget(name)
            subscription.let_go.add(name)
    subscription.let_go -= standing.gained
    standing.gained.clear()
    standing.released.clear()
