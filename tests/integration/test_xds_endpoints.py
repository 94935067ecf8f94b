"""Endpoint sets from the store to clients: at once, coalesced under a storm, and never a moment of what was drained."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api.errors import Denied, StoreUnavailable
from api.management.v1 import management_pb2 as pb
from api.telemetry import metrics
from snapshots.store.endpoint_sets import EndpointSet, Store
from snapshots.store.etcd.client import EtcdClient
from snapshots.store.etcd.settings import EtcdSettings
from snapshots.store.etcd_store import EtcdStore
from snapshots.store.memory import MemoryStore
from tests.clients import DeltaClient, names
from tests.edges import (
    GROUP,
    EdgeForTests,
    a_cluster,
    an_assignment,
    an_edge,
    an_eds_cluster,
    eventually,
    publish,
)
from tests.etcds import Member, newest_etcd, running
from tests.whole_servers import whole_server
from xds.protocol.types import CLUSTER, ENDPOINT, GroupName
from xds.server.follow import Follower
from xds.server.follow_endpoints import INTERVAL_S, EndpointFollower

CONFIGURED, DRAINED = "10.0.0.1", "10.0.0.2"
STORM = 1_000


class FragileEndpoints(MemoryStore):
    """A MemoryStore whose endpoint sets are not told before `allowed`, and whose watches end when it is `broken`."""

    def __init__(self) -> None:
        super().__init__(time.time)
        self.allowed = asyncio.Event()
        self.allowed.set()
        self.broken: Exception | None = None
        self.watches = 0

    async def watch_endpoint_sets(self) -> AsyncGenerator[tuple[EndpointSet, ...], None]:
        if self.broken is not None:
            raise self.broken
        self.watches += 1
        await self.allowed.wait()
        async for batch in super().watch_endpoint_sets():
            if self.broken is not None:
                raise self.broken
            yield batch


@dataclass
class Following:
    """A server that follows a store, and its parts."""

    edge: EdgeForTests
    endpoints: EndpointFollower
    follower: Follower

    def client(self) -> DeltaClient:
        return DeltaClient(self.edge.address)


@asynccontextmanager
async def following(store: Store, interval_s: float = INTERVAL_S) -> AsyncIterator[Following]:
    async with an_edge() as edge:
        endpoints = EndpointFollower(store, edge.server.groups, edge.observer, interval_s)
        follower = Follower(store, edge.server.groups, edge.fleet, edge.observer, endpoints.known)
        tasks = [asyncio.create_task(each.run()) for each in (endpoints, follower)]
        try:
            yield Following(edge, endpoints, follower)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def set_endpoints(store: Store, name: str, address: str, group: GroupName = GROUP) -> None:
    """A new version of the set, with one endpoint at `address`; cleared when there is none."""
    newest = await store.endpoint_set(group, name)
    body = an_assignment(name, address).body if address else b""
    await store.put_endpoint_set(EndpointSet(group, name, newest.version + 1 if newest else 1, body))


async def endpoints_of(client: DeltaClient, *wanted: str) -> dict[str, str]:
    """Subscribe to all clusters and to these endpoints; the addresses that come."""
    await client.subscribe(CLUSTER)
    await client.next()
    await client.ack(CLUSTER)
    await client.subscribe(ENDPOINT, wanted)
    return await pushed(client)


async def pushed(client: DeltaClient) -> dict[str, str]:
    """The addresses that the next response brings, by cluster; it is taken."""
    response = await client.next()
    assert response.type_url == ENDPOINT
    await client.ack(ENDPOINT)
    return {resource.name: address(client, resource) for resource in response.resources}


def address(client: DeltaClient, resource: Any) -> str:
    message: Any = client.api.new("envoy.config.endpoint.v3.ClusterLoadAssignment")
    message.ParseFromString(resource.resource.value)
    found: str = message.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.address
    return found


@pytest.fixture
def counting() -> Iterator[None]:
    metrics.start()
    yield
    metrics.stop()


@asynccontextmanager
async def an_etcd_store(etcd: Member) -> AsyncIterator[EtcdStore]:
    store = EtcdStore(EtcdClient(EtcdSettings((etcd.endpoint,), timeout_s=10.0)), time.time)
    try:
        yield store
    finally:
        await store.close()


async def a_store() -> FragileEndpoints:
    """It has two clusters, each with an endpoint that the configuration says."""
    store = FragileEndpoints()
    both = [*map(an_eds_cluster, ("web", "api")), *(an_assignment(name, CONFIGURED) for name in ("web", "api"))]
    await publish(store, *both)
    return store


async def test_a_change_reaches_clients_and_a_clearing_goes_back_to_the_configuration() -> None:
    store = await a_store()
    async with following(store) as server, server.client() as client:
        assert await endpoints_of(client, "web", "api") == {"web": CONFIGURED, "api": CONFIGURED}
        await set_endpoints(store, "web", DRAINED)
        assert await pushed(client) == {"web": DRAINED}
        await set_endpoints(store, "web", "")
        assert await pushed(client) == {"web": CONFIGURED}
        assert server.edge.server.groups.revision(GROUP) == 1


async def test_a_storm_becomes_few_pushes_and_the_last_one_is_delivered() -> None:
    async with whole_server() as server, server.an_edge(group=GROUP) as client:
        store = server.store
        await publish(store, an_eds_cluster("web"), an_assignment("web", CONFIGURED))
        await endpoints_of(client, "web")
        started_s = time.monotonic()
        storm = asyncio.create_task(_storm(store))
        seen = [await pushed(client)]
        while seen[-1] != {"web": _storm_address(STORM - 1)}:
            seen.append(await pushed(client))
        elapsed_s = time.monotonic() - started_s
        await storm
        assert len(seen) <= elapsed_s / INTERVAL_S + 2
        assert await client.hears_nothing()


async def test_a_refused_endpoint_set_shows_in_the_fleet_and_goes_with_one_that_is_taken() -> None:
    store = await a_store()
    async with following(store) as server, server.client() as client:
        await endpoints_of(client, "web")
        fleet = server.edge.fleet
        await eventually(lambda: fleet.counts(GROUP).current == 1, "the node is current")
        await set_endpoints(store, "web", DRAINED)
        await client.next()
        assert fleet.counts(GROUP).current == 1  # it has its revision, whatever it is yet to say of endpoints
        await client.nack(ENDPOINT, "no such locality")
        await eventually(lambda: fleet.rejections(GROUP), "the rejection is told")
        (rejection,) = fleet.rejections(GROUP)
        assert (rejection.revision, rejection.names, rejection.message) == (1, ("web",), "no such locality")
        await set_endpoints(store, "web", "10.0.0.3")
        assert await pushed(client) == {"web": "10.0.0.3"}
        await eventually(lambda: fleet.counts(GROUP).current == 1, "the node is current again")


@pytest.mark.usefixtures("counting")
async def test_changes_are_counted_and_told_as_events() -> None:
    async with whole_server() as server, server.an_edge(group=GROUP) as client:
        store = server.store
        await publish(store, an_eds_cluster("web"))
        await client.subscribe(CLUSTER)
        await client.next()
        await client.ack(CLUSTER)
        await client.subscribe(ENDPOINT, ["web"])
        await client.next()
        await client.ack(ENDPOINT)
        telling = asyncio.create_task(_first_change(server.client.watch_events(GROUP)))
        seen = 0
        while not telling.done():  # whoever watches may begin to while endpoints change
            seen += 1
            await set_endpoints(store, "web", f"10.3.0.{seen % 250}")
            assert await pushed(client) == {"web": f"10.3.0.{seen % 250}"}
        assert telling.result().message.startswith("web version ")
        text = metrics.prometheus_text()[0].decode()
    assert f'fairlead_endpoints_changes_total{{group="{GROUP}"}} {seen:.1f}' in text
    assert f'fairlead_endpoints_pushes_total{{group="{GROUP}"}} {seen:.1f}' in text
    assert f'fairlead_endpoints_propagation_seconds_count{{group="{GROUP}"}} {seen:.1f}' in text


@pytest.mark.etcd
async def test_a_drained_endpoint_does_not_come_back_with_a_new_server_on_etcd(tmp_path: Path) -> None:
    with running(newest_etcd(), tmp_path) as etcd:
        async with an_etcd_store(etcd) as first, following(first) as server, server.client() as client:
            await publish(first, an_eds_cluster("web"), an_assignment("web", CONFIGURED))
            assert await endpoints_of(client, "web") == {"web": CONFIGURED}
            await set_endpoints(first, "web", DRAINED)
            assert await pushed(client) == {"web": DRAINED}
        async with an_etcd_store(etcd) as second, following(second) as server, server.client() as client:
            assert await endpoints_of(client, "web") == {"web": DRAINED}
            await set_endpoints(second, "web", "")
            assert await pushed(client) == {"web": CONFIGURED}


async def test_a_storm_on_one_cluster_delays_no_other() -> None:
    store = await a_store()
    async with following(store, interval_s=3600.0) as server, server.client() as client:
        await endpoints_of(client, "web", "api")
        await set_endpoints(store, "web", "10.1.0.1")
        assert await pushed(client) == {"web": "10.1.0.1"}
        await set_endpoints(store, "web", "10.1.0.2")  # has to wait
        await set_endpoints(store, "api", "10.1.0.3")
        assert await pushed(client) == {"api": "10.1.0.3"}


async def test_nothing_is_served_before_the_endpoint_sets_are_known() -> None:
    store = await a_store()
    await set_endpoints(store, "web", DRAINED)
    store.allowed.clear()
    async with following(store) as server, server.client() as client:
        await client.subscribe(CLUSTER)
        assert await client.hears_nothing()
        assert server.follower.not_ready_reason == "endpoint sets are still loading"
        store.allowed.set()
        assert names(await client.next()) == ["api", "web"]
        await client.ack(CLUSTER)
        await client.subscribe(ENDPOINT, ["web"])
        assert await pushed(client) == {"web": DRAINED}
        assert server.follower.ready.is_set()


async def test_a_set_of_a_cluster_that_comes_later_is_served_with_it() -> None:
    store = FragileEndpoints()
    await set_endpoints(store, "web", DRAINED)
    async with following(store) as server, server.client() as client:
        await asyncio.wait_for(server.follower.ready.wait(), 60)
        await publish(store, an_eds_cluster("web"), an_assignment("web", CONFIGURED))
        assert await endpoints_of(client, "web") == {"web": DRAINED}


async def test_what_is_known_stands_while_the_store_is_away_and_what_was_cleared_meanwhile_is_made_up_for() -> None:
    store = await a_store()
    await set_endpoints(store, "web", DRAINED)
    async with following(store) as server, server.client() as client:
        assert await endpoints_of(client, "web") == {"web": DRAINED}
        store.broken = StoreUnavailable("etcd is down")
        await set_endpoints(store, "api", DRAINED)  # ends the watch
        await eventually(lambda: server.edge.observer.endpoint_losses, "the loss is told")
        async with server.client() as other:
            assert await endpoints_of(other, "web") == {"web": DRAINED}
        await set_endpoints(store, "web", "")
        store.broken = None
        assert await pushed(client) == {"web": CONFIGURED}
        assert server.edge.observer.endpoint_losses == ["etcd is down"]  # once, however often it was tried


async def test_store_that_refuses_a_new_server_ends_it() -> None:
    store = FragileEndpoints()
    store.broken = Denied("etcd refuses the user name or password")
    with pytest.raises(ExceptionGroup) as caught:
        async with an_edge() as edge:
            await EndpointFollower(store, edge.server.groups, edge.observer).run()
    assert caught.group_contains(Denied, match="refuses")


async def test_a_group_without_endpoint_sets_costs_nothing() -> None:
    store = FragileEndpoints()
    await publish(store, a_cluster("one"))
    async with following(store) as server:
        await asyncio.wait_for(server.follower.ready.wait(), 60)
        await set_endpoints(store, "gone", DRAINED, GroupName("unknown"))
        await set_endpoints(store, "gone", "", GroupName("unknown"))
        await eventually(lambda: list(server.edge.server.groups._groups) == [GROUP], "the unknown group is forgotten")


async def _first_change(events: AsyncIterator[pb.Event]) -> pb.Event:
    async for event in events:
        if event.kind == "endpoints-changed":
            return event
    raise AssertionError("the events ended")


async def _storm(store: Store) -> None:
    for number in range(STORM):
        await set_endpoints(store, "web", _storm_address(number))
        await asyncio.sleep(0.001)


def _storm_address(number: int) -> str:
    return f"10.2.{number // 250}.{number % 250}"
