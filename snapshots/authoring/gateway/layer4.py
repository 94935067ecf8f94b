"""TLSRoute, TCPRoute and UDPRoute: proxies that pass connections and packets on. Pure.

A share of a route that leads nowhere is closed, or dropped: the cluster that it names is never there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from snapshots.authoring.gateway.backends import Backends, BackendTarget
from snapshots.authoring.gateway.complaints import Complaint, Complaints
from snapshots.authoring.gateway.envoy import NO_BACKEND, Messages
from snapshots.authoring.gateway.packet_shares import PacketShare, PacketShares, unmixable
from snapshots.authoring.kinds.references import BackendRef
from snapshots.authoring.objects import AuthoredObject, ObjectKey
from snapshots.authoring.yaml_nodes import Path

TCP_PROXY = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
UDP_PROXY = "envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig"
UDP_ROUTE = "envoy.extensions.filters.udp.udp_proxy.v3.Route"
# What the statistics of a proxy are called that no route stands behind.
NO_ROUTE = "no-route"
_REFS: Path = ("spec", "rules", 0, "backendRefs")


@dataclass(frozen=True, slots=True)
class Share:
    """One backendRef of some weight, and what it leads to; None: nowhere."""

    target: BackendTarget | None
    weight: int

    @property
    def cluster(self) -> str:
        return self.target.cluster if self.target else NO_BACKEND


@dataclass(frozen=True, slots=True)
class Again:
    """TLS that ended here: what is shown where it begins again, or ""."""

    client_certificate: str = ""


@dataclass(slots=True)
class Layer4Routes:
    """Makes the proxies of routes. A reference is resolved, and complained of, once for each route."""

    messages: Messages
    backends: Backends
    complaints: Complaints
    packet_shares: PacketShares
    _shares: dict[ObjectKey, tuple[Share, ...]] = field(default_factory=dict)

    def proxy(self, route: AuthoredObject | None, again: Again | None = None) -> dict[str, Any]:
        """The network filter that passes a route's connections on; without a route it closes them. `again`: their TLS
        ended here, and begins again where a policy asks for it."""
        shares = self.shares(route) if route else ()
        if again is not None:
            shares = tuple(Share(self._in_tls(each.target, again), each.weight) for each in shares)
        fields = {"stat_prefix": _name(route)} | _destinations(shares)
        return self.messages.extension("envoy.filters.network.tcp_proxy", TCP_PROXY, fields)

    def udp_proxy(self, route: AuthoredObject | None) -> dict[str, Any]:
        """The listener filter that passes packets on, those of one client to one endpoint; without a route it drops
        them."""
        cluster = self._packets_to(route, self.shares(route)) if route else NO_BACKEND
        action = self.messages.extension("route", UDP_ROUTE, {"cluster": cluster})
        fields = {"stat_prefix": _name(route), "matcher": {"on_no_match": {"action": action}}}
        return self.messages.extension("envoy.filters.udp_listener.udp_proxy", UDP_PROXY, fields)

    def _in_tls(self, target: BackendTarget | None, again: Again) -> BackendTarget | None:
        if target is None:
            return None
        return self.backends.presenting(self.backends.encrypted(target), again.client_certificate)

    def _packets_to(self, route: AuthoredObject, shares: Sequence[Share]) -> str:
        """Envoy's UDP proxy knows one cluster only: several backends are made one, of weighted endpoints."""
        if len(shares) < 2:
            return shares[0].cluster if shares else NO_BACKEND
        return self.packet_shares.cluster(route, [PacketShare(each.target, each.weight) for each in shares])

    def shares(self, route: AuthoredObject) -> tuple[Share, ...]:
        """The backends of a route that have a weight."""
        if route.key not in self._shares:
            found = zip(route.model.spec.rules[0].backend_refs, self._targets(route), strict=True)
            self._shares[route.key] = tuple(Share(target, ref.weight) for ref, target in found if ref.weight > 0)
        return self._shares[route.key]

    def _targets(self, route: AuthoredObject) -> Iterator[BackendTarget | None]:
        refs: Sequence[BackendRef] = route.model.spec.rules[0].backend_refs
        is_udp = route.key.kind == "UDPRoute"
        mixed = is_udp and sum(ref.weight > 0 for ref in refs) > 1
        for index, ref in enumerate(refs):
            found = self.backends.resolve(route, ref, (*_REFS, index), "udp" if is_udp else "tcp")
            if isinstance(found, BackendTarget) and mixed:
                found = unmixable(route, found, (*_REFS, index)) or found
            if isinstance(found, Complaint):
                self.complaints.add(found)
            yield found if isinstance(found, BackendTarget) else None


def _name(route: AuthoredObject | None) -> str:
    return f"{route.key.kind}/{route.namespace}/{route.name}" if route else NO_ROUTE


def _destinations(shares: Sequence[Share]) -> dict[str, Any]:
    """`cluster`, or `weighted_clusters`, of a TcpProxy."""
    if not shares:
        return {"cluster": NO_BACKEND}
    if len(shares) == 1:
        return {"cluster": shares[0].cluster}
    return {"weighted_clusters": {"clusters": [{"name": each.cluster, "weight": each.weight} for each in shares]}}
