"""What a client's answer to a response means for its subscription: ACK, NACK or stale (rules 1 to 6)."""

from __future__ import annotations

from xds.protocol.changelog import ABSENT
from xds.protocol.plan import Acked, Observation, Rejected, Stale
from xds.protocol.requests import ErrorDetail
from xds.protocol.resource import Reference, Resource
from xds.protocol.served import ServedType
from xds.protocol.subscription import Push, Rejection, Subscription
from xds.protocol.types import Nonce

REMEMBERED_VERSIONS = 8
REMEMBERED_REJECTIONS = 1_000  # more than this in one response is remembered by the cursor alone


def settle(
    subscription: Subscription, served: ServedType, nonce: str, error: ErrorDetail | None
) -> tuple[Observation, Push | None]:
    """Take the answer to `nonce`; the push it settles, or None when there is none: the nonce is stale."""
    push = subscription.awaiting.pop(nonce, None)
    if push is None:
        return Stale(subscription.type.url, Nonce(nonce)), None
    if not subscription.awaiting:
        subscription.confirmed_to = max(subscription.confirmed_to, push.position)
    if error is not None:
        _remember(subscription, served, push, error)
        told = (push.nonce, push.revision, error.code, error.message, push.names, push.position)
        return Rejected(subscription.type.url, *told), push
    if subscription.rejected:
        _forgive(subscription, push)
    whole = not rejection_stands(subscription, served)
    return Acked(subscription.type.url, push.nonce, push.revision, whole, push.position), push


def rejection_stands(subscription: Subscription, served: ServedType) -> bool:
    """Whether something that the client refused is what it would be sent today."""
    resources = served.resources
    return any(name in resources and subscription.refuses(resources[name]) for name in subscription.rejected)


def _forgive(subscription: Subscription, push: Push) -> None:
    """Newer content was taken. What was refused in the same response is forgiven with it: nobody said which it was."""
    rejected = subscription.rejected
    settled = {rejected[resource.name].nonce for resource in push.resources if resource.name in rejected}
    for name in [name for name, rejection in rejected.items() if rejection.nonce in settled]:
        del rejected[name]


def _remember(subscription: Subscription, served: ServedType, push: Push, error: ErrorDetail) -> None:
    for resource in push.fresh[:REMEMBERED_REJECTIONS]:
        if resource.name in subscription.interest:
            subscription.rejected[resource.name] = _rejection(subscription, served, push, resource, error)


def _rejection(
    subscription: Subscription, served: ServedType, push: Push, resource: Resource, error: ErrorDetail
) -> Rejection:
    earlier = subscription.rejected.get(resource.name)
    if earlier is not None:
        versions = (*earlier.versions, resource.version)[-REMEMBERED_VERSIONS:]
        return Rejection(versions, push.nonce, error.code, error.message, earlier.is_new, earlier.keeps)
    new, keeps = _held_before(served, push, resource)
    return Rejection((resource.version,), push.nonce, error.code, error.message, new, keeps)


def _held_before(served: ServedType, push: Push, resource: Resource) -> tuple[bool, tuple[Reference, ...]]:
    if push.since < 0:  # it was asked for, and so is everything that refers to it: there is no older state to keep
        return False, ()
    mark = served.log.held_at(resource.name, push.since)
    if mark is None:
        return False, resource.references
    return mark.version == ABSENT, mark.references
