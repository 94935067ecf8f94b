"""Both variants over a real gRPC server: subscribe, push, acknowledge, reject, reconnect."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from tests.clients import ADS, DeltaClient, StateClient, names
from tests.edges import GROUP, EdgeForTests, a_cluster, an_assignment, an_edge, eventually
from xds.fleet import NodeState
from xds.protocol.types import CLUSTER, ENDPOINT


async def test_delta_client_gets_what_it_subscribed_to_and_then_only_what_changed() -> None:
    async with an_edge() as edge, DeltaClient(edge.address) as client:
        edge.serve(a_cluster("one"), a_cluster("two"))
        await client.subscribe(CLUSTER)
        assert names(await client.next()) == ["one", "two"]
        await client.ack(CLUSTER)

        edge.serve(a_cluster("one"), a_cluster("two", "changed"))
        response = await client.next()
        assert names(response) == ["two"]
        await client.ack(CLUSTER)

        edge.serve(a_cluster("two", "changed"))
        assert list((await client.next()).removed_resources) == ["one"]


async def test_bodies_and_versions_arrive_as_they_were_published() -> None:
    published = a_cluster("one", "note")
    async with an_edge() as edge, DeltaClient(edge.address) as client:
        edge.serve(published)
        await client.subscribe(CLUSTER)
        resource = (await client.next()).resources[0]
        assert (resource.name, resource.version) == (published.name, published.version)
        assert (resource.resource.type_url, resource.resource.value) == (CLUSTER, published.body)


async def test_state_client_gets_the_full_state_of_clusters_each_time() -> None:
    async with an_edge() as edge, StateClient(edge.address) as client:
        edge.serve(a_cluster("one"))
        await client.subscribe(CLUSTER)
        assert len((await client.next()).resources) == 1
        await client.ack(CLUSTER)
        edge.serve(a_cluster("one"), a_cluster("two"))
        response = await client.next()
        assert [any_.value for any_ in response.resources] == [a_cluster("one").body, a_cluster("two").body]


@pytest.mark.parametrize("kind", [DeltaClient, StateClient])
async def test_rejection_is_told_in_the_clients_words_and_not_sent_again(kind: type[DeltaClient | StateClient]) -> None:
    async with an_edge() as edge, kind(edge.address) as client:
        edge.serve(a_cluster("one"))
        await client.subscribe(CLUSTER)
        await client.next()
        await client.nack(CLUSTER, "bad\x1b cluster")
        await eventually(lambda: edge.fleet.rejections(GROUP), "the rejection is in the fleet")
        rejection = edge.fleet.rejections(GROUP)[0]
        assert (rejection.message, rejection.names, rejection.revision) == ("bad\\x1b cluster", ("one",), 1)
        assert await client.hears_nothing()
        edge.serve(a_cluster("one", "better"))
        await client.next()
        await client.ack(CLUSTER)
        await eventually(lambda: edge.fleet.counts(GROUP).current == 1, "the node is current")


async def test_node_without_a_group_is_answered_when_the_group_appears() -> None:
    async with an_edge() as edge, DeltaClient(edge.address, cluster="later") as client:
        await client.subscribe(CLUSTER)
        await eventually(lambda: edge.fleet.node("edge-1"), "the node is known")
        assert await client.hears_nothing()
        status = edge.fleet.node("edge-1")
        assert status is not None
        assert status.state is NodeState.UNASSIGNED
        edge.serve(a_cluster("one"), group=status.group)
        assert names(await client.next()) == ["one"]


async def test_group_that_nobody_published_is_forgotten_with_its_last_stream() -> None:
    async with an_edge() as edge:
        async with DeltaClient(edge.address, cluster="nobody's") as client:
            await client.subscribe(CLUSTER)
            await eventually(lambda: edge.server.groups.streams("nobody's"), "the stream waits for its group")  # type: ignore[arg-type]
        await eventually(lambda: not edge.server.groups._groups, "the group is forgotten")


async def test_one_change_is_encoded_once_for_all_who_want_everything() -> None:
    async with an_edge() as edge:
        edge.serve(a_cluster("one"))
        clients = [DeltaClient(edge.address, f"edge-{number}") for number in range(20)]
        for client in clients:
            await client.subscribe(CLUSTER)
            await client.next()
            await client.ack(CLUSTER)
        await eventually(lambda: edge.fleet.counts(GROUP).current == 20, "all nodes are current")
        before = edge.observer.encoded
        edge.serve(a_cluster("one", "changed"))
        for client in clients:
            assert names(await client.next()) == ["one"]
        assert edge.observer.encoded - before == 1
        for client in clients:
            await client.__aexit__(None, None, None)


async def test_storm_of_changes_reaches_a_client_that_has_not_answered_as_one() -> None:
    async with an_edge() as edge, DeltaClient(edge.address) as client:
        edge.serve(a_cluster("one"))
        await client.subscribe(CLUSTER)
        await client.next()
        for number in range(100):
            edge.serve(a_cluster("one", str(number)))
        await client.ack(CLUSTER)
        response = await client.next()
        assert response.resources[0].version == a_cluster("one", "99").version
        await client.ack(CLUSTER)
        assert await client.hears_nothing()


async def test_services_of_one_type_serve_that_type_and_refuse_others() -> None:
    method = "/envoy.service.endpoint.v3.EndpointDiscoveryService/DeltaEndpoints"
    async with an_edge() as edge:
        edge.serve(an_assignment("one"), an_assignment("two"))
        async with DeltaClient(edge.address, method=method) as client:
            await client.subscribe(ENDPOINT, ["two"])
            assert names(await client.next()) == ["two"]
            await client.send(CLUSTER)
            code, message = await client.status()
            assert code.name == "INVALID_ARGUMENT"
            assert "ADS" in message


async def test_types_can_be_left_out_where_the_service_says_it() -> None:
    method = "/envoy.service.cluster.v3.ClusterDiscoveryService/StreamClusters"
    async with an_edge() as edge, StateClient(edge.address, method=method) as client:
        edge.serve(a_cluster("one"))
        await client.subscribe("")
        assert (await client.next()).type_url == CLUSTER


async def test_many_streams_of_one_type_from_one_node_count_together() -> None:
    method = "/envoy.service.endpoint.v3.EndpointDiscoveryService/DeltaEndpoints"
    async with an_edge() as edge, DeltaClient(edge.address) as first:
        edge.serve(*(an_assignment(f"e{number}") for number in range(50)))
        streams = [DeltaClient("", method=method, channel=first.channel) for _ in range(50)]
        for number, stream in enumerate(streams):
            await stream.subscribe(ENDPOINT, [f"e{number}"])
            assert names(await stream.next()) == [f"e{number}"]
        assert edge.fleet.counts(GROUP).behind == 1
        for stream in streams:
            await stream.ack(ENDPOINT)
        await eventually(lambda: edge.fleet.counts(GROUP).current == 1, "the node is current")
        for stream in streams:
            await stream.__aexit__(None, None, None)


async def test_half_closed_stream_ends_well() -> None:
    async with an_edge() as edge, DeltaClient(edge.address) as client:
        edge.serve(a_cluster("one"))
        await client.subscribe(CLUSTER)
        await client.next()
        await client.call.done_writing()
        assert (await client.status())[0].name == "OK"
        await eventually(lambda: edge.fleet.counts(GROUP).offline == 1, "the node is offline")


async def test_nothing_stays_of_streams_that_are_gone() -> None:
    async with an_edge() as edge, DeltaClient(edge.address) as keeper:
        edge.serve(a_cluster("one"))
        await keeper.subscribe(CLUSTER)
        await keeper.next()
        for number in range(100):
            async with DeltaClient("", f"edge-{number}", channel=keeper.channel) as client:
                await client.subscribe(CLUSTER)
                await client.next()
        await eventually(lambda: edge.server.streams == 1, "only one stream is left")
        assert edge.server.groups.streams(GROUP) == 1


@pytest.mark.parametrize("kind", [DeltaClient, StateClient])
async def test_names_that_do_not_exist_are_told_at_once_and_served_when_they_do(
    kind: type[DeltaClient | StateClient],
) -> None:
    async with an_edge() as edge, kind(edge.address) as client:
        edge.serve(an_assignment("one"))
        await client.subscribe(ENDPOINT, ["two"])
        response = await client.next()
        error = response.resource_errors[0]
        assert (error.resource_name.name, error.error_detail.code) == ("two", grpc.StatusCode.NOT_FOUND.value[0])
        assert error.error_detail.message == "group 'default' has no endpoint of this name"
        assert len(response.resources) == 0
        await client.ack(ENDPOINT)
        edge.serve(an_assignment("one"), an_assignment("two"))
        response = await client.next()
        assert (len(response.resources), len(response.resource_errors)) == (1, 0)


async def test_state_client_asks_for_names_one_by_one() -> None:
    """As Envoy does for endpoints: each request names all so far, and answers the last response if there is one."""
    async with an_edge() as edge, StateClient(edge.address) as client:
        edge.serve(*(an_assignment(f"e{number}") for number in range(10)))
        asked: list[str] = []
        for number in range(10):
            asked.append(f"e{number}")
            await client.subscribe(ENDPOINT, asked)
            response = await client.next()
            assert [any_.value for any_ in response.resources] == [an_assignment(f"e{number}").body]
            await client.ack(ENDPOINT)
        assert await client.hears_nothing()


@pytest.mark.parametrize("kind", [DeltaClient, StateClient])
async def test_from_everything_to_names_and_back(kind: type[DeltaClient | StateClient]) -> None:
    async with an_edge() as edge, kind(edge.address) as client:
        edge.serve(a_cluster("one"), a_cluster("two"))
        await client.subscribe(CLUSTER)
        assert len((await client.next()).resources) == 2
        await client.ack(CLUSTER)

        await client.subscribe(CLUSTER, ["one"])  # incremental: beside everything
        assert len((await client.next()).resources) == 1
        await client.ack(CLUSTER)
        if isinstance(client, DeltaClient):
            await client.unsubscribe(CLUSTER, ["*"])
        await eventually(lambda: not _wants_everything(edge), "the client wants one cluster only")
        edge.serve(a_cluster("one"), a_cluster("two", "changed"))
        assert await client.hears_nothing()

        await client.subscribe(CLUSTER, ["one", "*"])
        assert len((await client.next()).resources) == 2
        await client.ack(CLUSTER)
        edge.serve(a_cluster("one"), a_cluster("two", "again"))
        assert len((await client.next()).resources) == (1 if isinstance(client, DeltaClient) else 2)


def _wants_everything(edge: EdgeForTests) -> bool:
    node = edge.fleet.node("edge-1")
    return node is not None and any(status.wildcard for status in node.types)


async def test_both_variants_on_two_streams_of_one_client() -> None:
    async with an_edge() as edge, DeltaClient(edge.address) as delta, StateClient("", channel=delta.channel) as state:
        edge.serve(a_cluster("one"))
        for content in ("first", "second", "third"):
            edge.serve(a_cluster("one", content))
            for client in (delta, state):
                if content == "first":
                    await client.subscribe(CLUSTER)
                assert len((await client.next()).resources) == 1
                await client.ack(CLUSTER)
        await state.nack(CLUSTER, "the newest stream of the node counts")
        await eventually(lambda: edge.fleet.counts(GROUP).current == 1, "the node has acknowledged")
        node = edge.fleet.node("edge-1")
        assert node is not None
        assert (node.streams, node.variant) == (2, "sotw")


async def test_2000_endpoint_streams_of_one_connection() -> None:
    """An Envoy without ADS opens one for each cluster."""
    method = "/envoy.service.endpoint.v3.EndpointDiscoveryService/DeltaEndpoints"
    async with an_edge() as edge, DeltaClient(edge.address) as first:
        edge.serve(*(an_assignment(f"e{number}") for number in range(2_000)))
        streams = [DeltaClient("", method=method, channel=first.channel) for _ in range(2_000)]
        try:
            for number, stream in enumerate(streams):
                await stream.subscribe(ENDPOINT, [f"e{number}"])
            for number, stream in enumerate(streams):
                assert names(await stream.next(60)) == [f"e{number}"]
                await stream.ack(ENDPOINT)
            await eventually(lambda: edge.fleet.counts(GROUP).current == 1, "all of them were acknowledged")
            edge.serve(*(an_assignment(f"e{number}", "10.0.0.2") for number in range(2_000)))
            for number, stream in enumerate(streams):
                assert names(await stream.next(60)) == [f"e{number}"]
        finally:
            await asyncio.gather(*(stream.__aexit__(None, None, None) for stream in streams))
        await eventually(lambda: edge.server.streams == 1, "nothing is left of them")


@pytest.mark.parametrize("kind", [DeltaClient, StateClient])
async def test_half_closed_streams_leave_nothing_whatever_they_did_before(
    kind: type[DeltaClient | StateClient],
) -> None:
    async with an_edge() as edge, DeltaClient(edge.address, "keeper") as keeper:
        edge.serve(a_cluster("one"))
        await keeper.subscribe(CLUSTER)
        await keeper.next()
        for asks in (True, False):
            async with kind("", channel=keeper.channel) as client:
                if asks:
                    await client.subscribe(CLUSTER)
                    await client.next()
                await client.call.done_writing()
                assert (await client.status())[0].name == "OK"
        await eventually(lambda: edge.server.streams == 1, "only the keeper's stream is left")
        assert edge.server.groups.streams(GROUP) == 1


async def test_aggregated_service_is_where_envoy_looks_for_it() -> None:
    assert DeltaClient.method == f"/{ADS}/DeltaAggregatedResources"
    assert StateClient.method == f"/{ADS}/StreamAggregatedResources"
