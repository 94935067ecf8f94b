"""What one subscription is owed: the log from its cursor to the head, cut to what is wanted, but for the exceptions."""

from __future__ import annotations

from collections.abc import Set

from xds.protocol.changelog import ABSENT, Changes
from xds.protocol.interest import Interest
from xds.protocol.resource import Resource
from xds.protocol.served import ServedType
from xds.protocol.subscription import Subscription


def updates_due(subscription: Subscription, served: ServedType) -> tuple[Resource, ...]:
    """Additions and updates, sorted by name. O(what changed), and one shared tuple when there are no exceptions."""
    if subscription.quiet:
        if subscription.sent_to >= served.log.newest:
            return ()
        if subscription.interest.wildcard and not subscription.interest.names:
            return served.updates_since(subscription.sent_to)
    names = _changes(subscription.interest, served, subscription.sent_to).updated
    # What was answered ahead of the cursor may since have gone back to what it was there: no change to the log.
    beside = (*subscription.owed, *subscription.withheld, *subscription.ahead)
    extra = [name for name in beside if name in subscription.interest]
    found = served.select(sorted({*names, *extra}) if extra else names)
    return tuple(
        resource for resource in found if resource.name in subscription.owed or not _needless(subscription, resource)
    )


def removals_due(subscription: Subscription, served: ServedType) -> tuple[str, ...]:
    """Names that the client may still hold and that are gone, sorted."""
    if subscription.gone_to >= served.log.newest and not (subscription.lingering or subscription.let_go):
        return ()
    names = _removed_since(subscription, served)
    if subscription.pending is not None:
        names = tuple(name for name in names if name not in subscription.pending.names)
    if subscription.ahead:
        names = tuple(name for name in names if subscription.ahead.get(name) != ABSENT)
    if not (subscription.lingering or subscription.let_go):
        return names
    kept = (name for name in subscription.lingering if name not in served.resources and name in subscription.interest)
    let_go = (name for name in subscription.let_go if name not in served.resources or name not in subscription.interest)
    return tuple(sorted({*names, *kept, *let_go}))


def removed_unseen(subscription: Subscription, served: ServedType) -> Set[str]:
    """Names that went from here without being known to be gone upstream: it is no removal until they are."""
    if subscription.gone_to >= served.log.newest or not subscription.started:
        return frozenset()
    removed = _changes(subscription.interest, served, subscription.gone_to).removed
    return {name for name in removed if name in subscription.interest.names and served.awaits(name)}


def removals_held(subscription: Subscription, served: ServedType) -> tuple[str, ...]:
    """Those of `removals_due` that a client of full states holds: a state in between must not add what never came."""
    level, pushed = subscription.gone_to, subscription.pushed_to
    return tuple(
        name
        for name in removals_due(subscription, served)
        if name in subscription.lingering or served.log.existed(name, level) or served.log.existed(name, pushed)
    )


def _removed_since(subscription: Subscription, served: ServedType) -> tuple[str, ...]:
    if served.remembers(subscription.gone_to) or subscription.interest.wildcard:
        return _changes(subscription.interest, served, subscription.gone_to).removed
    unserved = (name for name in subscription.interest.names if name not in served.resources)
    return tuple(sorted(name for name in unserved if not served.awaits(name)))


def _changes(interest: Interest, served: ServedType, since: int) -> Changes:
    """What changed of what is wanted: by name, and with everything as far as everything goes."""
    if interest.wildcard and not interest.names:
        return served.shown_since(since)
    named = served.changes_since(since).cut(interest.named)
    if not interest.wildcard:
        return named
    others = served.shown_since(since).cut(lambda names: tuple(name for name in names if not interest.owns(name)))
    updated, removed = (*others.updated, *named.updated), (*others.removed, *named.removed)
    return Changes(tuple(sorted(updated)), tuple(sorted(removed)))


def _needless(subscription: Subscription, resource: Resource) -> bool:
    return subscription.ahead.get(resource.name) == resource.version or subscription.refuses(resource)
