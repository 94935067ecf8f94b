"""Rule 30: a client that comes back asks for endpoints and not for clusters may never ask. It is sent them unasked."""

from __future__ import annotations

from collections.abc import Mapping

from xds.protocol.interest import Interest
from xds.protocol.subscription import Subscription
from xds.protocol.types import BY_URL, CLUSTER, TypeUrl


class Healing:
    """Of one session. It gives the client time to ask."""

    def __init__(self, subscriptions: Mapping[TypeUrl, Subscription], patience_s: float) -> None:
        self._by_url = subscriptions
        self._patience_s = patience_s
        self._clusters_missed = False
        self._at_s: float | None = None

    @property
    def wake_at_s(self) -> float | None:
        """When the client has had its time."""
        return self._at_s if self._clusters_missed else None

    def miss_clusters(self) -> None:
        """The client asks for the endpoints that it had, and has not asked for clusters."""
        self._clusters_missed = True

    def due(self, now_s: float) -> Subscription | None:
        """A subscription to open for the client, once."""
        if not self._clusters_missed:
            return None
        if CLUSTER in self._by_url:
            self._clusters_missed = False
        elif self._at_s is None:
            self._at_s = now_s + self._patience_s
        elif self._at_s <= now_s:
            self._clusters_missed = False
            interest = Interest(legacy=True, wildcard=True)
            return Subscription(BY_URL[CLUSTER], interest, asked_everything=True, unsolicited=True)
        return None
