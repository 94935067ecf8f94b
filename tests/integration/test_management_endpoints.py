"""Endpoints apart from configuration, over a real gRPC server: list, change, watch, and who did it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import cast

import grpc
import pytest
from grpc import aio

from api.envoy.registry import load_default
from api.errors import Conflict, InvalidConfig, NotFound, RateExceeded, StoreUnavailable
from api.management.client import ManagementClient
from api.management.events import Event
from api.management.rates import BURST, Rates
from api.management.v1 import management_pb2 as pb
from api.management.v1 import management_pb2_grpc as rpc
from snapshots.model import Document
from snapshots.store.endpoint_records import verify_endpoint_audit
from snapshots.store.endpoint_sets import EndpointSet
from snapshots.store.etcd.client import EtcdClient
from snapshots.store.etcd.settings import EtcdSettings
from snapshots.store.etcd_store import EtcdStore
from tests.etcds import newest_etcd, running
from tests.whole_servers import (
    WholeServer,
    a_cluster_document,
    a_workspace,
    an_eds_cluster_document,
    until,
    whole_server,
)
from xds.protocol.types import ENDPOINT, GroupName

EDGE = GroupName("edge")
SHOP = (
    a_workspace(),
    a_cluster_document("static"),
    an_eds_cluster_document("carts", ("10.0.0.1", 80), ("10.0.0.2", 80)),
    an_eds_cluster_document("orders", service="orders/v2"),
)


@pytest.fixture
async def server() -> AsyncIterator[WholeServer]:
    async with whole_server() as server:
        await server.client.publish(SHOP, author="ann")
        yield server


def endpoint(address: str, port: int = 80, **given: object) -> pb.Endpoint:
    return pb.Endpoint(address=address, port=port, **given)  # type: ignore[arg-type]


def replace(*endpoints: pb.Endpoint) -> pb.EndpointChange:
    return pb.EndpointChange(replace=pb.EndpointChange.Wanted(endpoints=endpoints))


def upsert(*endpoints: pb.Endpoint) -> pb.EndpointChange:
    return pb.EndpointChange(upsert=pb.EndpointChange.Wanted(endpoints=endpoints))


def remove(*addresses: str) -> pb.EndpointChange:
    return pb.EndpointChange(remove=pb.EndpointChange.Places(places=_places(addresses)))


def drain(*addresses: str) -> pb.EndpointChange:
    draining = pb.EndpointChange.HealthOf(places=_places(addresses), health=pb.Endpoint.DRAINING)
    return pb.EndpointChange(set_health=draining)


def _places(addresses: tuple[str, ...]) -> list[pb.EndpointPlace]:
    return [pb.EndpointPlace(address=address, port=80) for address in addresses]


CLEAR = pb.EndpointChange(clear=pb.EndpointChange.Clear())


def addresses(cluster: pb.ClusterEndpoints) -> list[str]:
    return [one.address for one in cluster.endpoints]


async def the(server: WholeServer, cluster: str = "carts") -> pb.ClusterEndpoints:
    (found,) = await server.client.list_endpoints("edge", cluster)
    return found


async def test_every_cluster_that_takes_endpoints_is_listed_with_their_source(server: WholeServer) -> None:
    carts, orders = await server.client.list_endpoints("edge")

    assert (carts.cluster, carts.service_name, carts.source) == ("carts", "carts", pb.ClusterEndpoints.CONFIGURATION)
    assert (carts.version, carts.in_use, addresses(carts)) == (0, True, ["10.0.0.1", "10.0.0.2"])
    assert (orders.cluster, orders.service_name, addresses(orders)) == ("orders", "orders/v2", [])
    one = carts.endpoints[0]
    assert (one.port, one.weight, one.priority, one.zone, one.health) == (80, 1, 0, "", pb.Endpoint.HEALTHY)
    assert all(one.HasField(name) for name in ("weight", "region", "zone", "sub_zone", "priority"))


async def test_a_change_has_a_version_an_author_and_says_what_is_different(server: WholeServer) -> None:
    answer = await server.client.change_endpoints(
        "edge",
        "carts",
        [upsert(endpoint("10.0.0.3", zone="fra-1", weight=2)), drain("10.0.0.1"), remove("10.0.0.2")],
        author="ann",
        message="move",
    )

    assert answer.changed
    assert (answer.version, answer.source, answer.endpoints, answer.healthy) == (1, pb.ClusterEndpoints.SET, 2, 1)
    kinds = pb.Change
    assert [(one.kind, one.before.address or one.after.address) for one in answer.differences] == [
        (kinds.CHANGED, "10.0.0.1"),
        (kinds.REMOVED, "10.0.0.2"),
        (kinds.ADDED, "10.0.0.3"),
    ]
    carts = await the(server)
    assert (carts.version, addresses(carts)) == (1, ["10.0.0.1", "10.0.0.3"])
    assert (carts.author, carts.message) == ("ann", "move")
    assert carts.changed.seconds > 0
    (version,) = await server.client.list_endpoint_changes("edge", "carts")
    assert (version.version, version.changes[0].author, version.changes[0].message) == (1, "ann", "move")
    assert version.changes[0].what == "set 10.0.0.3:80; draining: 10.0.0.1:80; removed 10.0.0.2:80"
    assert (await server.client.get_revision("edge")).number == 1


async def test_a_partial_change_stands_on_the_configuration_and_keeps_its_policy(server: WholeServer) -> None:
    await server.client.change_endpoints("edge", "carts", [drain("10.0.0.1")])

    kept = await server.store.endpoint_set(EDGE, "carts")
    assert kept is not None
    assignment = load_default().parse(ENDPOINT, kept.body)  # what Envoy gets
    assert assignment.policy.overprovisioning_factor.value == 150  # type: ignore[attr-defined]


async def test_what_changes_nothing_makes_no_version(server: WholeServer) -> None:
    await server.client.change_endpoints("edge", "carts", [drain("10.0.0.1")])
    again = await server.client.change_endpoints("edge", "carts", [drain("10.0.0.1")])

    assert (again.changed, again.version, list(again.differences)) == (False, 1, [])
    assert len(await server.client.list_endpoint_changes("edge", "carts")) == 1


async def test_clearing_brings_the_configuration_back_and_the_version_goes_on(server: WholeServer) -> None:
    await server.client.change_endpoints("edge", "carts", [replace(endpoint("10.0.9.9"))])
    cleared = await server.client.change_endpoints("edge", "carts", [CLEAR])

    assert (cleared.source, cleared.version) == (pb.ClusterEndpoints.CONFIGURATION, 2)
    assert addresses(await the(server)) == ["10.0.0.1", "10.0.0.2"]
    assert [one.version for one in await server.client.list_endpoints("edge")] == [2, 0]


async def test_a_cluster_is_named_as_it_is_served_and_the_set_as_eds_calls_it(server: WholeServer) -> None:
    await server.client.change_endpoints("edge", "orders", [replace(endpoint("10.0.0.5"))])

    assert await server.store.endpoint_set(EDGE, "orders/v2") is not None
    assert addresses(await the(server, "orders")) == ["10.0.0.5"]


async def test_a_set_whose_cluster_is_gone_is_shown_and_can_be_cleared(server: WholeServer) -> None:
    await server.client.change_endpoints("edge", "carts", [replace(endpoint("10.0.0.5"))])
    await server.client.publish(SHOP[:2], beyond_budgets=True)

    (left,) = await server.client.list_endpoints("edge")
    assert (left.cluster, left.in_use, addresses(left)) == ("carts", False, ["10.0.0.5"])
    await server.client.change_endpoints("edge", "carts", [CLEAR], confirmed=True)
    assert await server.client.list_endpoints("edge") == ()


async def test_a_plan_warns_of_endpoints_that_a_set_hides(server: WholeServer) -> None:
    async def hidden(*documents: Document) -> list[pb.Finding]:
        return [each for each in (await server.client.plan(documents)).findings if each.code == "W1005"]

    moved = (*SHOP[:2], an_eds_cluster_document("carts", ("10.0.0.7", 80)))
    assert await hidden(*moved) == []
    await server.client.change_endpoints("edge", "carts", [drain("10.0.0.1")], author="ann")

    (finding,) = await hidden(*moved)
    assert (finding.severity, finding.path) == (pb.Finding.WARNING, "carts.yaml")
    assert "version 1 by ann" in finding.message
    assert await hidden(*SHOP) == []
    await server.client.change_endpoints("edge", "carts", [CLEAR])
    assert await hidden(*moved) == []


@pytest.mark.parametrize(
    ("group", "cluster", "error", "words"),
    [
        ("edge", "cart", NotFound, 'no cluster "cart"; did you mean "carts"'),
        ("edge", "nothing-like-it", NotFound, "fairlead endpoints list"),
        ("edge", "static", InvalidConfig, "not of type EDS"),
        ("edge", "", InvalidConfig, "name a cluster"),
        ("edges", "carts", NotFound, "there are: edge"),
        ("", "carts", InvalidConfig, "name a group"),
    ],
)
async def test_what_cannot_be_changed_says_why(
    server: WholeServer, group: str, cluster: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        await server.client.change_endpoints(group, cluster, [replace(endpoint("10.0.0.1"))])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (pb.EndpointChange(), None),
        (pb.EndpointChange(set_health=pb.EndpointChange.HealthOf(places=_places(("10.0.0.1",)))), None),
        (replace(endpoint("carts.internal")), "E1001"),
        (upsert(endpoint("10.0.0.1", weight=0)), "E1001"),
        (replace(), "E1002"),
        (drain("10.0.0.1", "10.0.0.2"), "E1002"),
    ],
)
async def test_a_change_that_is_wrong_stores_nothing(
    server: WholeServer, change: pb.EndpointChange, code: str | None
) -> None:
    with pytest.raises(InvalidConfig) as refused:
        await server.client.change_endpoints("edge", "carts", [change])

    assert [finding.code for finding in refused.value.findings] == ([code] if code else [])
    assert (await the(server)).version == 0


async def test_an_outage_that_is_meant_is_confirmed(server: WholeServer) -> None:
    answer = await server.client.change_endpoints("edge", "carts", [replace()], confirmed=True)
    assert (answer.endpoints, answer.version) == (0, 1)


async def test_texts_without_end_are_refused(server: WholeServer) -> None:
    with pytest.raises(InvalidConfig, match="message has 1001 characters"):
        await server.client.change_endpoints("edge", "carts", [CLEAR], message="x" * 1001)


async def test_a_stale_base_names_the_newest_version_and_its_author(server: WholeServer) -> None:
    await server.client.change_endpoints("edge", "carts", [drain("10.0.0.1")], author="grace", base=0)

    with pytest.raises(Conflict, match="version 1 by grace"):
        await server.client.change_endpoints("edge", "carts", [remove("10.0.0.1")], base=0)
    await server.client.change_endpoints("edge", "carts", [remove("10.0.0.1")], base=1)


async def test_a_caller_that_is_too_fast_is_told_when_to_come_again(server: WholeServer) -> None:
    server.parts.management.service._endpoints._rates = Rates(per_s=0.001, burst=1)
    await server.client.change_endpoints("edge", "carts", [drain("10.0.0.1")])
    with pytest.raises(RateExceeded, match="try again in"):
        await server.client.change_endpoints("edge", "carts", [drain("10.0.0.1")])

    async with aio.insecure_channel(server.parts.addresses.management) as channel:
        with pytest.raises(grpc.RpcError) as refused:
            await rpc.ManagementStub(channel).ChangeEndpoints(pb.ChangeEndpointsRequest(group="edge"))
    failure = cast(aio.AioRpcError, refused.value)
    assert failure.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    trailing = dict(cast(tuple[tuple[str, str]], failure.trailing_metadata()))
    assert int(trailing["grpc-retry-pushback-ms"]) > 1000


async def test_a_watch_has_the_state_now_and_then_every_newest(server: WholeServer) -> None:
    async with asyncio.timeout(60), aclosing(server.client.watch_endpoints("edge", "carts")) as states:  # type: ignore[type-var]
        assert (await anext(states)).version == 0
        await server.client.change_endpoints("edge", "carts", [drain("10.0.0.1")])
        assert (await anext(states)).version == 1
        for number in range(3, 20):
            await server.client.change_endpoints("edge", "carts", [upsert(endpoint(f"10.0.0.{number}"))])
        seen = [1]
        while seen[-1] < 18:
            seen.append((await anext(states)).version)
        assert seen == sorted(set(seen))


async def test_a_watch_of_a_group_tells_of_new_clusters_and_of_the_configuration(server: WholeServer) -> None:
    async with asyncio.timeout(60), aclosing(server.client.watch_endpoints("edge")) as states:  # type: ignore[type-var]
        assert {(await anext(states)).cluster for _ in range(2)} == {"carts", "orders"}
        await server.client.publish(
            (*SHOP[:2], an_eds_cluster_document("fresh", ("10.0.7.7", 80))), beyond_budgets=True
        )
        fresh = await anext(states)
        assert (fresh.cluster, addresses(fresh)) == ("fresh", ["10.0.7.7"])


async def test_a_watch_of_a_cluster_that_goes_ends_and_says_so(server: WholeServer) -> None:
    async with asyncio.timeout(60), aclosing(server.client.watch_endpoints("edge", "carts")) as states:  # type: ignore[type-var]
        await anext(states)
        await server.client.publish(SHOP[:2], beyond_budgets=True)
        with pytest.raises(NotFound, match='no cluster "carts"'):
            await anext(states)


async def test_a_watch_outlives_a_store_that_does_not_answer(
    server: WholeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[object] = []

    async def fail(*arguments: object) -> None:
        failed.append(arguments)
        raise StoreUnavailable("away")

    async with asyncio.timeout(60), aclosing(server.client.watch_endpoints("edge", "carts")) as states:  # type: ignore[type-var]
        await anext(states)
        with monkeypatch.context() as patched:
            patched.setattr(server.store, "endpoint_set", fail)
            server.parts.management.service._backend.hub.report(Event(1.0, "endpoints-changed", "edge"))
            await until(lambda: bool(failed), "the watch to look")
        await server.client.change_endpoints("edge", "carts", [drain("10.0.0.1")])
        assert (await anext(states)).version == 1


async def test_events_tell_of_endpoints(server: WholeServer) -> None:
    async with asyncio.timeout(60), aclosing(server.client.watch_events("edge")) as events:  # type: ignore[type-var]
        following = asyncio.ensure_future(anext(events))
        await until(server.parts.management.is_watched, "somebody who watches")
        await server.client.change_endpoints("edge", "carts", [drain("10.0.0.1")], author="ann", message="deploy")
        event = await following
        while event.kind != "endpoints-changed":
            event = await anext(events)
        assert (event.group, event.message) == ("edge", "carts version 1, ann: deploy")


# -- many callers, on a real etcd


@contextmanager
def an_etcd(directory: Path) -> Iterator[str]:
    with running(newest_etcd(), directory) as member:
        yield member.endpoint


def a_store(endpoint: str) -> EtcdStore:
    return EtcdStore(EtcdClient(EtcdSettings((endpoint,))), lambda: 1.0)


@pytest.mark.etcd
async def test_a_storm_of_changes_on_two_servers_is_few_versions_and_loses_none(tmp_path: Path) -> None:
    with an_etcd(tmp_path) as etcd:
        async with whole_server(a_store(etcd)) as one, whole_server(a_store(etcd)) as two:
            await one.client.publish(SHOP)
            storm = [
                server.client.change_endpoints("edge", "carts", [upsert(endpoint(f"10.1.{number}.{half}"))])
                for half, server in enumerate((one, two), 1)
                for number in range(150)
            ]
            answers = await asyncio.gather(*storm)
            final = await the(one)

            assert {each.changed for each in answers} == {True}
            assert len(addresses(final)) == 302
            assert final.version == max(each.version for each in answers) < 150
            audit = await one.store.endpoint_audit(EDGE, "carts", limit=1000)
            assert sum(len(record.changes) for record in audit) == 300
            assert verify_endpoint_audit(audit) == ()


@pytest.mark.etcd
async def test_a_caller_that_gives_up_takes_nothing_from_those_behind_it(tmp_path: Path) -> None:
    with an_etcd(tmp_path) as etcd:
        store = a_store(etcd)
        async with whole_server(store) as server:
            await server.client.publish(SHOP)
            put, entered, go_on = store.put_endpoint_set, asyncio.Event(), asyncio.Event()

            async def slow(wanted: EndpointSet, *rest: object) -> EndpointSet:
                entered.set()
                await go_on.wait()
                return await put(wanted, *rest)  # type: ignore[arg-type]

            store.put_endpoint_set = slow  # type: ignore[assignment, method-assign]
            async with ManagementClient(server.parts.addresses.management) as leaving:
                first = asyncio.ensure_future(leaving.change_endpoints("edge", "carts", [upsert(endpoint("10.3.0.1"))]))
                await entered.wait()
                others = [
                    asyncio.ensure_future(
                        server.client.change_endpoints("edge", "carts", [upsert(endpoint(f"10.3.0.{number}"))])
                    )
                    for number in (2, 3)
                ]
                queue = server.parts.management.service._endpoints._writing._queues[EDGE, "carts"]
                await until(lambda: len(queue.waiting) == 3, "three callers")
                first.cancel()
                await asyncio.wait([first])
                await until(lambda: len(queue.waiting) == 2, "the first to be gone")
            go_on.set()
            async with asyncio.timeout(60):
                answers = await asyncio.gather(*others)
            assert {each.changed for each in answers} == {True}
            assert {"10.3.0.2", "10.3.0.3"} <= set(addresses(await the(server)))


def test_a_burst_is_larger_than_what_a_deployment_does_at_once() -> None:
    assert BURST >= 1000
