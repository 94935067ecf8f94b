"""Clusters on their way to a client, and the endpoints without which they do not become warm (rules 25 to 28).

Envoy warms a cluster anew with every update of it. Until it has answered the endpoints, nothing may come to send
requests there, and nothing that is used instead may go. It decides no order: it says for how long to wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from xds.protocol.catalogue import Catalogue
from xds.protocol.resource import Resource
from xds.protocol.siblings import Membership
from xds.protocol.subscription import Push, Subscription
from xds.protocol.types import CLUSTER, ENDPOINT, TypeUrl
from xds.protocol.withholding import is_new


class Warming:
    """Of one session; without ADS, of all sessions of its client."""

    def __init__(self, subscriptions: Mapping[TypeUrl, Subscription], patience_s: float) -> None:
        self._by_url = subscriptions
        self._patience_s = patience_s
        self._until_s: dict[str, float] = {}  # EDS names of clusters just sent -> how long routes wait for them
        self._membership: Membership | None = None

    def join(self, membership: Membership) -> None:
        """The client has its endpoints on other streams."""
        self._membership = membership
        self._until_s = membership.siblings.warming

    def latest_s(self, now_s: float) -> float:
        """Until when to wait, if nothing is answered before; not after `now_s` when nothing is warming."""
        return max(self._until_s.values(), default=now_s)

    def expire(self, now_s: float) -> None:
        """What had its time is no longer waited for."""
        for name in [name for name, until_s in self._until_s.items() if until_s <= now_s]:
            del self._until_s[name]

    def follow(self, sent: Subscription, clusters: Iterable[Resource], catalogue: Catalogue, push: Push) -> None:
        """Clusters go to the client with `push`: their endpoints are owed, changed or not, and waited for."""
        if ENDPOINT in self._by_url:
            self._follow_here(sent, clusters, catalogue, push)
        elif self._membership and push.since >= 0 and self._membership.siblings.take_more_than_clusters:
            # Without ADS, Envoy opens a stream for the endpoints of each cluster it is sent, and is answered there.
            # While an update of a cluster that it has is warming, it goes on with the one before.
            for cluster in clusters:
                if is_new(sent, catalogue, cluster.name):
                    self._until_s.update(dict.fromkeys(_endpoint_names(cluster), push.sent_at_s + self._patience_s))

    def answered(self, subscription: Subscription, push: Push, *, rejected: bool) -> None:
        """The client took or refused a push: what it has endpoints of is warm, what it refused never will be."""
        if not self._until_s:
            return
        if subscription.type.url == ENDPOINT:
            for resource in push.resources:
                self._until_s.pop(resource.name, None)
        if subscription.type.url == CLUSTER and rejected:
            for name in (name for cluster in push.fresh for name in _endpoint_names(cluster)):
                self._until_s.pop(name, None)

    def _follow_here(self, sent: Subscription, clusters: Iterable[Resource], catalogue: Catalogue, push: Push) -> None:
        endpoints = self._by_url[ENDPOINT]
        for cluster in clusters:
            for name in _endpoint_names(cluster):
                if name in endpoints.interest:
                    endpoints.owed.add(name)
                elif push.since >= 0 and not is_new(sent, catalogue, cluster.name):
                    continue
                self._until_s[name] = push.sent_at_s + self._patience_s


def _endpoint_names(cluster: Resource) -> tuple[str, ...]:
    return tuple(reference.name for reference in cluster.references if reference.type_url == ENDPOINT)
