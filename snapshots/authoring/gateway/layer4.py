"""TLSRoute and TCPRoute: filter chains that pass connections on. Pure.

A route whose backends are all wrong still takes connections, and closes them: the cluster that it names is never there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from snapshots.authoring.gateway.backends import Backends, BackendTarget
from snapshots.authoring.gateway.complaints import Complaint, Complaints
from snapshots.authoring.gateway.envoy import NO_BACKEND, Messages
from snapshots.authoring.kinds.references import BackendRef
from snapshots.authoring.objects import AuthoredObject, ObjectKey
from snapshots.authoring.yaml_nodes import Path

TCP_PROXY = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"


@dataclass(slots=True)
class Layer4Routes:
    """Makes the network filters of routes. A reference is resolved, and complained of, once for each route."""

    messages: Messages
    backends: Backends
    complaints: Complaints
    _destinations: dict[ObjectKey, dict[str, Any]] = field(default_factory=dict)

    def proxy(self, route: AuthoredObject) -> dict[str, Any]:
        """The network filter that passes a route's connections on."""
        fields = {"stat_prefix": f"{route.key.kind}/{route.namespace}/{route.name}"} | self.destinations(route)
        return self.messages.extension("envoy.filters.network.tcp_proxy", TCP_PROXY, fields)

    def destinations(self, route: AuthoredObject) -> dict[str, Any]:
        """`cluster`, or `weighted_clusters`, of a TcpProxy."""
        if route.key not in self._destinations:
            self._destinations[route.key] = _weighted(list(self._shares(route)))
        return self._destinations[route.key]

    def _shares(self, route: AuthoredObject) -> Iterator[tuple[str, int]]:
        refs: Sequence[BackendRef] = route.model.spec.rules[0].backend_refs
        for index, ref in enumerate(refs):
            at: Path = ("spec", "rules", 0, "backendRefs", index)
            target = self.backends.resolve(route, ref, at, "udp" if route.key.kind == "UDPRoute" else "tcp")
            if isinstance(target, Complaint):
                self.complaints.add(target)
            yield (target.cluster if isinstance(target, BackendTarget) else NO_BACKEND), ref.weight


def _weighted(shares: Sequence[tuple[str, int]]) -> dict[str, Any]:
    counted = [(cluster, weight) for cluster, weight in shares if weight > 0]
    if not counted:
        return {"cluster": NO_BACKEND}
    if len(counted) == 1:
        return {"cluster": counted[0][0]}
    return {"weighted_clusters": {"clusters": [{"name": cluster, "weight": weight} for cluster, weight in counted]}}
