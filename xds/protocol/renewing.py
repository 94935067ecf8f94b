"""Keeps clients going with what they hold for a time only: what was taken is leased, and told again in time (rule 32).

Where the catalogue mirrors an upstream, that is who says what goes on: each of its renewals is passed on as it comes,
and there are no others, so that time runs out for the client as it would without anybody in between.

A name whose newer content is under way is left out, for nobody knows which version the client has of it; so is one that
is gone. xDS: "TTL".
"""

from __future__ import annotations

from collections.abc import Iterable

from xds.protocol.content import Content
from xds.protocol.leases import LONG_AGO_S, Leases
from xds.protocol.plan import Rejected
from xds.protocol.requests import ErrorDetail
from xds.protocol.resource import Resource
from xds.protocol.responses import Responses
from xds.protocol.served import ServedType
from xds.protocol.subscription import Push, Subscription
from xds.protocol.types import Nonce


def lease(subscription: Subscription, push: Push, *, whole: bool) -> None:
    """The client took `push`; `whole`: it was the full state, and the client holds nothing else."""
    if subscription.leases is None and not any(resource.ttl_ms for resource in push.resources):
        return
    leases = _leases(subscription)
    if whole:
        leases.held.clear()
    leases.take(_wanted(subscription, push.resources), push.removed, push.sent_at_s)


def lease_again(subscription: Subscription, held: Iterable[Resource]) -> None:
    """The client came back with these, and nobody knows how much of their time is left."""
    timed = tuple(resource for resource in _wanted(subscription, held) if resource.ttl_ms)
    if timed:
        _leases(subscription).take(timed, (), LONG_AGO_S)


def renewals_due(
    subscription: Subscription, served: ServedType, responses: Responses, now_s: float
) -> tuple[Content, ...]:
    """What goes now to keep the client going."""
    if subscription.leases is None or subscription.unsolicited:
        return ()
    leases, knowledge = subscription.leases, served.knowledge
    over = leases.due(now_s) if knowledge is None else leases.passed_on(knowledge.renewed, knowledge.renewals)
    under_way = {name for push in subscription.awaiting.values() for name in push.names}
    due = tuple(
        resource
        for resource in _wanted(subscription, over)
        if resource.name in served.resources and resource.name not in under_way
    )
    return responses.renewals(subscription, served, due) if due else ()


def heard(
    subscription: Subscription, served: ServedType, nonce: str, error: ErrorDetail | None, revision: int
) -> tuple[Rejected, ...]:
    """The answer to a renewal. An ACK says nothing new.

    A client rejects a heartbeat of what it has let go of, its time being over: it is sent the resource itself, now and
    from now on. If it rejects that too, it is spared further ones.
    """
    leases = _leases(subscription)
    told = leases.beating.pop(nonce)
    if error is None:
        return ()
    if not any(resource.body for resource in told):
        leases.whole = True
        _owe(subscription, served, told)
        return ()
    leases.refused = True
    names = tuple(resource.name for resource in told)
    return (Rejected(subscription.type.url, Nonce(nonce), revision, error.code, error.message, names),)


def _owe(subscription: Subscription, served: ServedType, told: Iterable[Resource]) -> None:
    for resource in told:
        _leases(subscription).held.pop(resource.name, None)
        current = served.resources.get(resource.name)
        if current is not None and not subscription.refuses(current):
            subscription.owed.add(resource.name)


def _leases(subscription: Subscription) -> Leases:
    if subscription.leases is None:
        subscription.leases = Leases()
    return subscription.leases


def _wanted(subscription: Subscription, resources: Iterable[Resource]) -> Iterable[Resource]:
    return (resource for resource in resources if resource.name in subscription.interest)
