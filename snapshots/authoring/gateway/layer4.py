"""TLSRoute, TCPRoute and UDPRoute: proxies that pass connections and packets on. Pure.

A share of a route that leads nowhere is closed, or dropped: the cluster that it names is never there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from snapshots.authoring.gateway.backends import Backends, BackendTarget
from snapshots.authoring.gateway.complaints import Complaint, Complaints
from snapshots.authoring.gateway.envoy import NO_BACKEND, Messages
from snapshots.authoring.gateway.packet_shares import PacketShare, packet_cluster_name, unmixable
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


@dataclass(frozen=True, slots=True)
class Layer4Route:
    """The backends of a route that have a weight, what is wrong with it, and the policies that it has to do with."""

    shares: tuple[Share, ...]
    complaints: tuple[Complaint, ...]
    policies: frozenset[ObjectKey]


def layer4_route(backends: Backends, route: AuthoredObject) -> Layer4Route:
    """A TLSRoute, TCPRoute or UDPRoute with its references looked up."""
    complaints, concerned = Complaints(), set[ObjectKey]()
    found = zip(route.model.spec.rules[0].backend_refs, _targets(backends, route, complaints, concerned), strict=True)
    shares = tuple(Share(target, ref.weight) for ref, target in found if ref.weight > 0)
    return Layer4Route(shares, tuple(complaints.found), frozenset(concerned))


def packet_shares_of(route: Layer4Route) -> tuple[PacketShare, ...]:
    """Those of a UDPRoute that need a cluster of their own: Envoy's UDP proxy knows one cluster only."""
    shares = route.shares
    return tuple(PacketShare(each.target, each.weight) for each in shares) if len(shares) > 1 else ()


@dataclass(frozen=True, slots=True)
class Layer4Routes:
    """Makes the proxies of routes. `found`: a route with its references looked up. `targets` and `mixed` are added to:
    what is led to, and routes whose backends are made one."""

    messages: Messages
    backends: Backends
    found: Callable[[ObjectKey], Layer4Route | None]
    targets: list[BackendTarget] = field(default_factory=list)
    mixed: list[ObjectKey] = field(default_factory=list)

    def proxy(self, route: AuthoredObject | None, again: Again | None = None) -> dict[str, Any]:
        """The network filter that passes a route's connections on; without a route it closes them. `again`: their TLS
        ended here, and begins again where a policy asks for it."""
        shares = self._shares(route) if route else ()
        if again is not None:
            shares = tuple(Share(self._in_tls(each.target, again), each.weight) for each in shares)
        self.targets.extend(each.target for each in shares if each.target)
        fields = {"stat_prefix": _name(route)} | _destinations(shares)
        return self.messages.extension("envoy.filters.network.tcp_proxy", TCP_PROXY, fields)

    def udp_proxy(self, route: AuthoredObject | None) -> dict[str, Any]:
        """The listener filter that passes packets on, those of one client to one endpoint; without a route it drops
        them."""
        cluster = self._packets_to(route, self._shares(route)) if route else NO_BACKEND
        action = self.messages.extension("route", UDP_ROUTE, {"cluster": cluster})
        fields = {"stat_prefix": _name(route), "matcher": {"on_no_match": {"action": action}}}
        return self.messages.extension("envoy.filters.udp_listener.udp_proxy", UDP_PROXY, fields)

    def _in_tls(self, target: BackendTarget | None, again: Again) -> BackendTarget | None:
        if target is None:
            return None
        return self.backends.encrypted(target).presenting(again.client_certificate)

    def _packets_to(self, route: AuthoredObject, shares: Sequence[Share]) -> str:
        """Envoy's UDP proxy knows one cluster only: several backends are made one, of weighted endpoints."""
        if len(shares) < 2:
            self.targets.extend(each.target for each in shares if each.target)
            return shares[0].cluster if shares else NO_BACKEND
        self.mixed.append(route.key)
        return packet_cluster_name(route.key)

    def _shares(self, route: AuthoredObject) -> tuple[Share, ...]:
        found = self.found(route.key)
        return found.shares if found is not None else ()


def _targets(
    backends: Backends, route: AuthoredObject, complaints: Complaints, concerned: set[ObjectKey]
) -> Iterator[BackendTarget | None]:
    refs: Sequence[BackendRef] = route.model.spec.rules[0].backend_refs
    is_udp = route.key.kind == "UDPRoute"
    mixed = is_udp and sum(ref.weight > 0 for ref in refs) > 1
    for index, ref in enumerate(refs):
        found = backends.resolve(route, ref, (*_REFS, index), "udp" if is_udp else "tcp", concerned)
        if isinstance(found, BackendTarget) and mixed:
            found = unmixable(route, found, (*_REFS, index)) or found
        if isinstance(found, Complaint):
            complaints.add(found)
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
