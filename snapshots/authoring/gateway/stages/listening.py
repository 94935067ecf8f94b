"""Envoy listeners, with the proxies of TLSRoutes, TCPRoutes and UDPRoutes. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from snapshots.authoring.gateway.backends import Backends, BackendTarget
from snapshots.authoring.gateway.bound import Bind, BoundListener, ListenerId
from snapshots.authoring.gateway.clusters import among
from snapshots.authoring.gateway.connections import Connections
from snapshots.authoring.gateway.envoy import Messages
from snapshots.authoring.gateway.frame import Frame
from snapshots.authoring.gateway.http_serving import route_groups
from snapshots.authoring.gateway.layer4 import Layer4Routes, packet_shares_of
from snapshots.authoring.gateway.packet_shares import packet_cluster
from snapshots.authoring.gateway.serving import envoy_listener
from snapshots.authoring.gateway.stages.hosting import HostingStages
from snapshots.authoring.gateway.stages.results import Product, Results
from snapshots.authoring.gateway.stages.routes import RouteStages
from snapshots.authoring.gateway.world import World
from snapshots.authoring.objects import AuthoredObject, ObjectKey
from snapshots.authoring.sheet import Gathered, Made, Sheet


@dataclass(frozen=True, slots=True)
class Listening:
    """One Envoy listener, where it leads, and the UDPRoutes whose backends it needs as one cluster."""

    product: Product
    targets: tuple[BackendTarget, ...]
    mixed: tuple[ObjectKey, ...]


class ListeningStages:
    """`listeners`: by bind."""

    def __init__(
        self,
        sheet: Sheet,
        world: World,
        messages: Messages,
        frames: Made[tuple[()], Frame],
        backends: Backends,
        routes: RouteStages,
        hosting: HostingStages,
        results: Results,
    ) -> None:
        self._world, self._messages, self._frames = world, messages, frames
        self._backends, self._routes, self._hosting, self._results = backends, routes, hosting, results
        self._bound: Made[Bind, tuple[BoundListener, ...]] = Made(sheet, self._bound_at)
        self._mixed: Gathered[ObjectKey, None] = Gathered(sheet)
        self.listeners: Made[Bind, Listening] = Made(sheet, self._listen, self._put)
        self._packets: Made[ObjectKey, tuple[Product, ...]] = Made(sheet, self._packet_cluster, results.produce)
        self._mixed.drive(self._packets)

    def framed(self, key: tuple[()], before: Frame | None, after: Frame | None) -> None:
        """A follower of the frame."""
        self.listeners.want_just(before.binds if before else (), after.binds if after else ())

    def _bound_at(self, bind: Bind) -> tuple[BoundListener, ...] | None:
        found = self._frames.get(())
        return found.binds.get(bind) if found is not None else None

    def _routes_of(self, listener: ListenerId) -> list[tuple[AuthoredObject, tuple[str, ...]]]:
        """In order of precedence."""
        found = ((self._world.at(key), names) for _, (key, names) in self._routes.at.get(listener))
        return [(route, names) for route, names in found if route is not None]

    def _listen(self, bind: Bind) -> Listening | None:
        bound = self._bound.get(bind)
        if bound is None:
            return None
        layer4 = Layer4Routes(self._messages, self._backends, self._routes.layer4.get)
        connections = Connections(self._messages, layer4, self._routes_of, self._hosting.shown)
        resource = envoy_listener(self._messages, connections, self._hosting.routing, bind, bound)
        asked = (target for group, _ in route_groups(bind, bound) for target in self._hosting.asked(group.name))
        led_to = among(resource.references, (*layer4.targets, *asked))
        return Listening(Product(bound[0].gateway.key, resource), led_to, tuple(layer4.mixed))

    def _put(self, bind: Bind, before: Listening | None, after: Listening | None) -> None:
        self._results.produce(bind, before and before.product, after and after.product)
        self._mixed.change(
            [(route, bind, None) for route in before.mixed] if before else [],
            [(route, bind, None) for route in after.mixed] if after else [],
        )

    def _packet_cluster(self, key: ObjectKey) -> tuple[Product, ...]:
        route = self._routes.layer4.get(key)
        shares = packet_shares_of(route) if route is not None else ()
        return tuple(Product(key, each) for each in packet_cluster(self._messages, self._world, key, shares))
