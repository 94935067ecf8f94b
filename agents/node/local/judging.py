"""What the own Envoy has made of one answer of upstream, read from its session. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xds.protocol.holding import Hold, holdings_of
from xds.protocol.requests import ErrorDetail
from xds.protocol.served import ServedType
from xds.protocol.subscription import Subscription
from xds.protocol.types import TypeUrl

FAILED_PRECONDITION = 9  # google.rpc.Code


@dataclass(frozen=True, slots=True)
class Brought:
    """An answer of upstream: what it brought, by name and version, and the names that it took away."""

    type_url: TypeUrl
    nonce: str
    resources: tuple[tuple[str, str], ...]
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """`error`: Envoy refused it, in its words; None: it took all of it that it wants."""

    error: ErrorDetail | None = None


TAKEN = Judgement()


def together(judgements: Sequence[Judgement | None]) -> Judgement | None:
    """Of all subscriptions that Envoy has of a type; of none, it wants nothing of that."""
    refused = next((one for one in judgements if one is not None and one.error is not None), None)
    return refused or (None if None in judgements else TAKEN)


def judge(brought: Brought, subscription: Subscription, served: ServedType) -> Judgement | None:
    """None: it is still to be seen. `subscription`: one of Envoy's of the type.

    What has been overtaken by newer content is judged by that: Envoy was never sent it, or has answered it already.
    """
    if subscription.type.aliased and subscription.pending is not None:
        return None  # what its names stand for is not known before they are answered
    names = [name for name, _ in brought.resources]
    for holding in holdings_of(subscription, served, names):
        if holding.hold is Hold.REFUSED and holding.rejection is not None:
            return Judgement(ErrorDetail(holding.rejection.code, holding.rejection.message))
        if holding.name in subscription.withheld:
            return _withheld(holding.name)
        if holding.hold not in (Hold.CURRENT, Hold.MISSING):
            return None
    return None if _is_going(brought.gone, subscription, served) else TAKEN


def _withheld(name: str) -> Judgement:
    words = f"{name!r} was kept back from Envoy: it refers to what Envoy has refused"
    return Judgement(ErrorDetail(FAILED_PRECONDITION, words))


def _is_going(gone: tuple[str, ...], subscription: Subscription, served: ServedType) -> bool:
    """Whether Envoy is still to hear, or to answer, that some of these are gone.

    What stays because something refers to it goes later, and that is no affair of upstream.
    """
    wanted = {name for name in gone if name in subscription.interest}
    if not wanted:
        return False
    if any(not wanted.isdisjoint(push.removed) for push in subscription.awaiting.values()):
        return True
    due = wanted.intersection(served.changes_since(subscription.gone_to).removed)
    return not due <= subscription.lingering
