"""A server of gateways as a child: groups that are alike but for the port that they listen on, handed to the edge.

No documents and no store: what goes on between a change and Envoy's word is measured here. Orders: `fill` (groups, so
many clusters in each), `change` (one cluster of one group; answers once the group's first node has taken it).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import uvloop

from api.envoy.registry import load_default
from bench.children import Answer, obey
from snapshots.authoring.gateway.envoy import Messages
from snapshots.authoring.gateway.http_serving import http_connection_manager
from snapshots.authoring.gateway.routing import Routing
from xds.fleet import Fleet
from xds.protocol.plan import Acked, Observation
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, GroupName
from xds.transport.observer import SilentObserver, StreamInfo
from xds.transport.server import XdsServer

ALIVE = "/alive"
"""Answered by the gateway itself, with 200; everything else goes to clusters where nobody listens."""

PATIENCE_S = 30.0
MESSAGES = Messages(load_default())


@dataclass(slots=True)
class Site:
    """One group."""

    clusters: list[Resource]
    revision: int = 1
    taken: asyncio.Event = field(default_factory=asyncio.Event)
    taken_at_s: float = 0.0


class Gateways(SilentObserver):
    """The server, and when its gateways have taken what."""

    def __init__(self) -> None:
        self._server = XdsServer(load_default(), Fleet(), observer=self)
        self._sites: dict[GroupName, Site] = {}

    async def start(self) -> None:
        await self._server.start()

    async def stop(self) -> None:
        await self._server.drain(0)

    async def fill(self, groups: dict[str, int], clusters: int) -> Answer:
        """`groups`: name -> port."""
        for name, port in groups.items():
            site = self._sites[GroupName(name)] = Site([a_cluster(number) for number in range(clusters)])
            self._server.groups.load(GroupName(name), 1, [*site.clusters, *a_listener(port, site.clusters)])
        return {"address": self._server.address}

    async def change(self, group: str, number: int) -> Answer:
        """`seconds`: from the change to the gateway's ACK."""
        site = self._sites[GroupName(group)]
        site.revision += 1
        before, after = site.clusters[number], a_cluster(number, site.revision)
        site.clusters[number] = after
        site.taken.clear()
        began_s = time.monotonic()
        self._server.groups.advance(GroupName(group), site.revision, [(before, after)])
        async with asyncio.timeout(PATIENCE_S):
            await site.taken.wait()
        return {"seconds": site.taken_at_s - began_s}

    def observed(self, stream: StreamInfo, observation: Observation) -> None:
        site = self._sites.get(stream.group)
        if site is None or stream.node.id != stream.group or not isinstance(observation, Acked):
            return
        if observation.type_url == CLUSTER and observation.revision == site.revision:
            site.taken_at_s = time.monotonic()
            site.taken.set()


def a_cluster(number: int, change: int = 0) -> Resource:
    """Of two endpoints, about 200 bytes; `change` makes it another one of the same size."""
    name = cluster_name(number)
    endpoints = [
        {"endpoint": {"address": {"socket_address": {"address": f"127.1.{number // 250}.{each}", "port_value": 9}}}}
        for each in (1, 2)
    ]
    fields = {
        "name": name,
        "type": "STATIC",
        "connect_timeout": {"seconds": 1, "nanos": change + 1},
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
    }
    return MESSAGES.resource("envoy.config.cluster.v3.Cluster", fields)


def cluster_name(number: int) -> str:
    return f"outbound-of-the-shop-{number:05}"


def a_listener(port: int, clusters: Sequence[Resource]) -> tuple[Resource, Resource]:
    """A listener, and its routes: one to each cluster."""
    name = f"tcp/127.0.0.1:{port}"
    ads = {"ads": {}, "resource_api_version": "V3"}
    routing = Routing({"rds": {"config_source": ads, "route_config_name": name}}, ())
    chains = [{"filters": [http_connection_manager(MESSAGES, name, routing)]}]
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    routes = [
        {"match": {"path": ALIVE}, "direct_response": {"status": 200}},
        *({"match": {"prefix": f"/{each.name}/"}, "route": {"cluster": each.name}} for each in clusters),
    ]
    hosts = [{"name": "shop", "domains": ["*"], "routes": routes}]
    return (
        MESSAGES.resource(
            "envoy.config.listener.v3.Listener", {"name": name, "address": address, "filter_chains": chains}
        ),
        MESSAGES.resource("envoy.config.route.v3.RouteConfiguration", {"name": name, "virtual_hosts": hosts}),
    )


async def main() -> None:
    gateways = Gateways()
    await gateways.start()
    try:
        await obey({"fill": gateways.fill, "change": gateways.change})
    finally:
        await gateways.stop()


if __name__ == "__main__":
    uvloop.run(main())
