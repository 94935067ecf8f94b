"""What a plan says of listeners that drain and clusters that warm is what a real Envoy does, by its own counters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.management.v1 import management_pb2 as pb
from examples.demo.envoy import Envoy
from snapshots.model import Document
from snapshots.store.etcd.ports import free_port
from tests.whole_servers import WholeServer, a_workspace, until, whole_server

pytestmark = pytest.mark.envoy
GROUP = "edge"
TCP = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
INSPECTOR = "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"
COUNTERS = ("listener_modified", "listener_in_place_updated", "cluster_modified")
GAUGES = ("total_filter_chains_draining", "total_listeners_draining")


def a_resource(name: str, type_name: str, spec: str) -> Document:
    head = f'apiVersion: fairlead.dev/v1\nkind: EnvoyResource\nmetadata: {{name: {name}}}\nspec:\n  "@type": '
    return Document(f"{name}.yaml", f"{head}type.googleapis.com/envoy.config.{type_name}\n{spec}".encode())


def a_chain(name: str, prefix: str) -> str:
    proxy = f'{{"@type": {TCP}, stat_prefix: {prefix}, cluster: carts}}'
    match = f"{{server_names: [{name}.example]}}"
    return f"  - {{name: {name}, filter_chain_match: {match}, filters: [{{name: tcp, typed_config: {proxy}}}]}}\n"


@dataclass(frozen=True)
class Site:
    """One listener with its filter chains (name -> prefix of its statistics), one cluster and its endpoints."""

    port: int
    chains: tuple[tuple[str, str], ...] = (("a", "a"), ("b", "b"))
    backlog: int = 100
    connect_timeout: str = "1s"
    endpoint: int = 1

    def documents(self) -> list[Document]:
        address = f"  address: {{socket_address: {{address: 127.0.0.1, port_value: {self.port}}}}}\n"
        filters = f'  listener_filters: [{{name: tls, typed_config: {{"@type": {INSPECTOR}}}}}]\n'
        chains = "".join(a_chain(*each) for each in self.chains)
        fields = f"  tcp_backlog_size: {self.backlog}\n{filters}  filter_chains:\n{chains}"
        source = "eds_cluster_config: {eds_config: {ads: {}, resource_api_version: V3}}"
        cluster = f"  name: carts\n  type: EDS\n  connect_timeout: {self.connect_timeout}\n  {source}\n"
        place = f"{{socket_address: {{address: 127.0.0.1, port_value: {self.endpoint}}}}}"
        endpoints = f"  cluster_name: carts\n  endpoints: [{{lb_endpoints: [{{endpoint: {{address: {place}}}}}]}}]\n"
        return [
            a_workspace("shop", GROUP),
            a_resource("listener", "listener.v3.Listener", f"  name: web\n{address}{fields}"),
            a_resource("cluster", "cluster.v3.Cluster", cluster),
            a_resource("endpoints", "endpoint.v3.ClusterLoadAssignment", endpoints),
        ]


def counted(envoy: Envoy) -> dict[str, int]:
    found = envoy.statistics("^(listener_manager|cluster_manager)")
    return {name.partition(".")[2]: value for name, value in found.items() if name.endswith((*COUNTERS, *GAUGES))}


async def applied(server: WholeServer, site: Site) -> pb.PlanResponse:
    """The plan for a site, once it is published and acknowledged."""
    plan = await server.client.plan(site.documents())
    revision = (await server.client.publish(site.documents())).revision.number
    fleet = server.parts.xds.fleet
    await until(lambda: fleet.progress(GROUP, revision).acked == 1, f"revision {revision} to be acknowledged")
    return plan


async def becomes(ask: Callable[[], dict[str, int]], wanted: dict[str, int]) -> None:
    """Wait until Envoy's counters are these: it writes them a little after it acknowledges."""
    found: dict[str, int] = {}
    for _ in range(600):
        found = await asyncio.to_thread(ask)
        if found == wanted:
            return
        await asyncio.sleep(0.02)
    assert found == wanted


async def test_what_a_plan_says_of_connections_is_what_envoy_does(tmp_path: Path) -> None:
    async with whole_server() as server:
        site = Site(free_port())
        await server.client.publish(site.documents())
        envoy = await asyncio.to_thread(Envoy.start, tmp_path, server.parts.addresses.xds, "edge-1", GROUP)
        try:
            await until(lambda: server.parts.xds.fleet.progress(GROUP, 1).acked == 1, "the first revision")
            await follow(server, site, lambda: counted(envoy))
        finally:
            await asyncio.to_thread(envoy.stop)


async def follow(server: WholeServer, site: Site, ask: Callable[[], dict[str, int]]) -> None:
    """One change after the other, and what each adds to Envoy's counters."""
    now = dict.fromkeys((*COUNTERS, *GAUGES), 0)
    await becomes(ask, now)

    changed = Site(site.port, (("a", "a"), ("b", "other")))
    plan = await applied(server, changed)
    assert [(each.listener, each.whole, list(each.filter_chains)) for each in plan.drains] == [("web", False, ["b"])]
    await becomes(
        ask, now := now | {"listener_modified": 1, "listener_in_place_updated": 1, "total_filter_chains_draining": 1}
    )

    wider = Site(site.port, (("b", "other"), ("c", "c"), ("a", "a")))
    plan = await applied(server, wider)
    assert (list(plan.drains), list(plan.warmings)) == ([], [])
    await becomes(ask, now := now | {"listener_modified": 2, "listener_in_place_updated": 2})

    plan = await applied(server, Site(site.port, wider.chains, endpoint=2))
    assert (list(plan.drains), list(plan.warmings), plan.nodes_reached) == ([], [], 1)
    await becomes(ask, now)

    plan = await applied(server, Site(site.port, wider.chains, endpoint=2, connect_timeout="2s"))
    assert [(each.cluster, each.rebuilt) for each in plan.warmings] == [("carts", True)]
    await becomes(ask, now := now | {"cluster_modified": 1})

    plan = await applied(server, Site(site.port, wider.chains, 200, "2s", 2))
    assert [(each.whole, each.because) for each in plan.drains] == [(True, "tcp_backlog_size changed")]
    await becomes(ask, now | {"listener_modified": 3, "total_listeners_draining": 1})
