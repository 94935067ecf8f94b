"""What stays back because the client refused something: what would come to refer to it, and what that still needs.

The old version of a referrer works, so it is left to the client, and so is all that the old version refers to.
xDS: "ACK and NACK semantics summary" leaves this to the server. No order is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from xds.protocol.catalogue import Catalogue
from xds.protocol.changelog import ABSENT
from xds.protocol.resource import Reference, Resource
from xds.protocol.subscription import Subscription, Withheld
from xds.protocol.types import TypeUrl

Name = tuple[str, str]  # type URL, resource name


def unusable(subscriptions: Iterable[Subscription], catalogue: Catalogue) -> set[Name]:
    """What the client refused and holds no earlier version of, and what is new and cannot work without it."""
    by_url = {subscription.type.url: subscription for subscription in subscriptions}
    pending: list[Name] = [
        (subscription.type.url, name)
        for subscription in by_url.values()
        for name, rejection in subscription.rejected.items()
        if rejection.is_new
    ]
    found: set[Name] = set()
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(_new_referrers(by_url, catalogue, name))
    return found


def withhold(
    subscription: Subscription, catalogue: Catalogue, due: tuple[Resource, ...], broken: set[Name]
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


def is_new(subscription: Subscription, catalogue: Catalogue, name: str) -> bool:
    """Whether the client holds no version of `name` yet."""
    if name in subscription.rejected:
        return subscription.rejected[name].is_new
    if name in subscription.withheld:
        return subscription.withheld[name].is_new
    mark = catalogue.served(subscription.type.url).log.held_at(name, subscription.sent_to)
    return mark is not None and mark.version == ABSENT


def kept(subscriptions: Iterable[Subscription]) -> set[Name]:
    """What the client still needs for the versions that it holds instead of those that it refused or waits for."""
    found: set[Name] = set()
    for subscription in subscriptions:
        for rejection in subscription.rejected.values():
            found.update((needed.type_url, needed.name) for needed in rejection.keeps)
        for withheld in subscription.withheld.values():
            found.update((needed.type_url, needed.name) for needed in withheld.keeps)
    return found


def _new_referrers(by_url: Mapping[TypeUrl, Subscription], catalogue: Catalogue, name: Name) -> Iterable[Name]:
    for type_url, referrer in catalogue.references.referrers(*name):
        subscription = by_url.get(TypeUrl(type_url))
        if subscription is not None and is_new(subscription, catalogue, referrer):
            yield (type_url, referrer)


def _held_references(subscription: Subscription, catalogue: Catalogue, name: str) -> tuple[Reference, ...]:
    """What the version that the client holds refers to, as far as anybody remembers."""
    kept_back = subscription.withheld.get(name) or subscription.rejected.get(name)
    if kept_back is not None:
        return kept_back.keeps
    mark = catalogue.served(subscription.type.url).log.held_at(name, subscription.sent_to)
    return mark.references if mark is not None else ()
