"""Client Status Discovery, asked as grpcdebug asks: what each node has, rejected, or was never sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from grpc import aio

from api.envoy.registry import load_default
from tests.clients import DeltaClient, StateClient, XdsClient
from tests.edges import GROUP, EdgeForTests, a_cluster, an_assignment, an_edge, eventually
from tests.whole_servers import whole_server
from xds.protocol.types import CLUSTER, ENDPOINT, GroupName
from xds.transport.csds import CLIENT_STATUS, Audience
from xds.transport.limits import Limits
from xds.transport.server import XdsOptions

FETCH = f"/{CLIENT_STATUS}/FetchClientStatus"


def a_request(*node_ids: str) -> Any:
    request: Any = load_default().new("envoy.service.status.v3.ClientStatusRequest")
    for node_id in node_ids:
        request.node_matchers.add().node_id.exact = node_id
    return request


def parsed(data: bytes) -> Any:
    response: Any = load_default().new("envoy.service.status.v3.ClientStatusResponse")
    response.ParseFromString(data)
    return response


async def fetch(edge: EdgeForTests, request: Any | bytes) -> Any:
    async with aio.insecure_channel(edge.address) as channel:
        data = request if isinstance(request, bytes) else request.SerializeToString()
        return parsed(await channel.unary_unary(FETCH)(data, timeout=30))


async def rows(edge: EdgeForTests, *node_ids: str) -> dict[tuple[str, str, str], tuple[str, str, str]]:
    """By node, type and name: (config status, client status, version)."""
    response = await fetch(edge, a_request(*node_ids))
    told = [
        ((config.node.id, row.type_url, row.name), (*statuses(row), row.version_info))
        for config in response.config
        for row in config.generic_xds_configs
    ]
    assert len(dict(told)) == len(told), "no row twice"
    return dict(told)


def statuses(row: Any) -> tuple[str, str]:
    return label(row, "config_status"), label(row, "client_status")


def label(row: Any, field: str) -> str:
    enum = row.DESCRIPTOR.fields_by_name[field].enum_type
    return str(enum.values_by_number[getattr(row, field)].name)


@contextmanager
def is_refused(status: str, words: str) -> Iterator[None]:
    with pytest.raises(aio.AioRpcError) as caught:
        yield
    assert caught.value.code().name == status
    assert words in (caught.value.details() or "")


async def test_a_nodes_resources_from_asked_for_to_acknowledged_to_left_behind_to_gone() -> None:
    async with an_edge() as edge, DeltaClient(edge.address) as client:
        await client.subscribe(CLUSTER, ["web", "nobody"])
        await eventually(lambda: edge.fleet.node("edge-1"), "the node is known")
        web, nobody = ("edge-1", CLUSTER, "web"), ("edge-1", CLUSTER, "nobody")
        assert await rows(edge) == {web: ("NOT_SENT", "REQUESTED", ""), nobody: ("NOT_SENT", "REQUESTED", "")}

        edge.serve(a_cluster("web"))
        await client.next()
        assert await rows(edge) == {web: ("STALE", "REQUESTED", ""), nobody: ("NOT_SENT", "DOES_NOT_EXIST", "")}
        await client.ack(CLUSTER)
        await eventually(lambda: edge.fleet.counts(GROUP).current, "the ACK is known")
        assert (await rows(edge))[web] == ("SYNCED", "ACKED", a_cluster("web").version)

        edge.serve(a_cluster("web", "changed"))
        await client.next()
        assert (await rows(edge))[web] == ("STALE", "ACKED", a_cluster("web").version)


async def test_a_nodes_types_are_told_where_there_are_too_many_resources() -> None:
    options = XdsOptions(limits=Limits(status_rows=1))
    async with an_edge(options) as edge, DeltaClient(edge.address) as client:
        edge.serve(a_cluster("one"))
        await client.subscribe(CLUSTER)
        await client.next()
        assert set(await rows(edge)) == {("edge-1", CLUSTER, "one")}
        await client.ack(CLUSTER)

        edge.serve(a_cluster("one"), a_cluster("two"))
        await client.next()
        whole = ("edge-1", CLUSTER, "")
        assert await rows(edge) == {whole: ("STALE", "ACKED", "1")}
        assert await rows(edge, "edge-1") == {whole: ("STALE", "ACKED", "1")}
        await client.ack(CLUSTER)
        await eventually(lambda: edge.fleet.counts(GROUP).current, "the ACK is known")
        assert await rows(edge) == {whole: ("SYNCED", "ACKED", "2")}


async def test_an_answer_that_would_be_too_large_resource_by_resource_tells_types() -> None:
    long_names = [f"{number}-{'x' * 4_000}" for number in range(1_000)]
    async with an_edge() as edge, StateClient(edge.address) as client:
        edge.serve(a_cluster("one"))
        await client.subscribe(CLUSTER, long_names)
        await client.next()
        assert set(await rows(edge)) == {("edge-1", CLUSTER, "")}


@pytest.mark.parametrize("kind", [DeltaClient, StateClient])
@pytest.mark.parametrize(
    ("status_rows", "version"), [(10, a_cluster("one").version), (0, "1")], ids=["resource", "type"]
)
async def test_a_rejection_is_told_in_the_nodes_words(
    kind: type[DeltaClient | StateClient], status_rows: int, version: str
) -> None:
    async with an_edge(XdsOptions(limits=Limits(status_rows=status_rows))) as edge, kind(edge.address) as client:
        edge.serve(a_cluster("one"))
        await client.subscribe(CLUSTER)
        await client.next()
        await client.nack(CLUSTER, "no such \x1b[31m filter")
        await eventually(lambda: edge.fleet.rejections(GROUP), "the rejection is known")
        (config,) = (await fetch(edge, a_request())).config
        (row,) = config.generic_xds_configs
        assert statuses(row) == ("ERROR", "NACKED")
        assert row.error_state.details == "no such \\x1b[31m filter"
        assert row.error_state.version_info == version
        assert abs(row.error_state.last_update_attempt.seconds - time.time()) < 60
        assert abs(row.last_updated.seconds - time.time()) < 60
        assert not row.HasField("xds_config")


async def test_what_streams_of_one_type_each_want_is_told_together() -> None:
    options = {"method": "/envoy.service.cluster.v3.ClusterDiscoveryService/DeltaClusters"}
    also = {"method": "/envoy.service.endpoint.v3.EndpointDiscoveryService/DeltaEndpoints"}
    async with an_edge() as edge, DeltaClient(edge.address, **options) as one, DeltaClient(edge.address, **also) as two:
        edge.serve(a_cluster("web"), an_assignment("web"))
        await one.subscribe(CLUSTER, ["web"])
        await two.subscribe(ENDPOINT, ["web"])
        await eventually(lambda: len(edge.fleet.streams("edge-1")) == 2, "both streams are known")
        assert set(await rows(edge)) == {("edge-1", CLUSTER, "web"), ("edge-1", ENDPOINT, "web")}


async def test_all_groups_and_nodes_are_told_and_each_can_be_asked_for_by_its_id() -> None:
    async with (
        an_edge() as edge,
        DeltaClient(edge.address, "edge-1") as one,
        StateClient(edge.address, "edge-2") as two,
    ):
        async with DeltaClient(edge.address, "edge-3", cluster="other") as three:
            edge.serve(a_cluster("one"), an_assignment("one"))
            edge.serve(a_cluster("one"), group=GroupName("other"))
            for client in (one, two, three):
                await client.subscribe(CLUSTER)
                await client.next()
            await two.subscribe(ENDPOINT, ["one"])
            await two.next()
            config = (await fetch(edge, a_request())).config
            assert [(one.node.id, one.client_scope) for one in config] == [
                ("edge-1", "default/edge-1"),
                ("edge-2", "default/edge-2"),
                ("edge-3", "other/edge-3"),
            ]
            assert set(await rows(edge, "edge-2", "edge-2", "nobody")) == {
                ("edge-2", CLUSTER, "one"),
                ("edge-2", ENDPOINT, "one"),
            }
            assert await rows(edge, "nobody") == {}
        await eventually(lambda: edge.fleet.counts("other").offline, "the third has left")
        assert {node for node, _, _ in await rows(edge)} == {"edge-1", "edge-2"}
        assert await rows(edge, "edge-3") == {}


async def test_a_stream_is_answered_anew_for_every_request() -> None:
    async with an_edge() as edge, DeltaClient(edge.address) as client:
        call = client.channel.stream_stream(f"/{CLIENT_STATUS}/StreamClientStatus")()
        await call.write(a_request().SerializeToString())
        assert not parsed(await call.read()).config
        await client.subscribe(CLUSTER)
        await eventually(lambda: edge.fleet.node("edge-1"), "the node is known")
        await call.write(a_request().SerializeToString())
        assert [config.node.id for config in parsed(await call.read()).config] == ["edge-1"]
        await call.done_writing()
        assert await call.code() is grpc.StatusCode.OK


async def test_what_is_no_request_and_what_no_exact_id_is_refused_with_words() -> None:
    prefix, caseless, metadata = a_request(), a_request("edge-1"), a_request("edge-1")
    prefix.node_matchers.add().node_id.prefix = "edge"
    caseless.node_matchers[0].node_id.ignore_case = True
    metadata.node_matchers[0].node_metadatas.add()
    anybody = a_request()
    anybody.node_matchers.add()
    async with an_edge() as edge:
        for request in (prefix, caseless, metadata, anybody):
            with is_refused("INVALID_ARGUMENT", "exact node_id"):
                await fetch(edge, request)
        with is_refused("INVALID_ARGUMENT", "not a envoy.service.status.v3.ClientStatusRequest"):
            await fetch(edge, b"\xff\x00rubbish")
        async with XdsClient(edge.address, method=f"/{CLIENT_STATUS}/StreamClientStatus") as client:
            await client.send_bytes(b"\xff\x00rubbish")
            assert (await client.status())[0].name == "INVALID_ARGUMENT"


async def test_a_server_may_tell_nobody() -> None:
    async with (
        whole_server(client_status="off") as server,
        aio.insecure_channel(server.parts.addresses.xds) as channel,
    ):
        with is_refused("UNIMPLEMENTED", ""):
            await channel.unary_unary(FETCH)(b"", timeout=30)


async def test_a_caller_who_may_not_ask_is_told_who_may() -> None:
    class Nobody:
        def includes(self, address: str) -> bool:
            return not address.startswith("127.0.0.1:")

    async with an_edge(XdsOptions(client_status=Nobody())) as edge:  # type: ignore[arg-type]  # as if from elsewhere
        with is_refused("PERMISSION_DENIED", "client_status"):
            await rows(edge)


@pytest.mark.parametrize(
    ("address", "audiences"),
    [
        ("127.0.0.1:4711", {Audience.LOOPBACK, Audience.ON}),
        ("[::1]:4711", {Audience.LOOPBACK, Audience.ON}),
        ("10.0.0.7:4711", {Audience.ON}),
        ("[fe80::1]:4711", {Audience.ON}),
    ],
)
def test_an_audience_is_known_by_address(address: str, audiences: set[Audience]) -> None:
    assert {audience for audience in Audience if audience.includes(address)} == audiences


async def test_more_nodes_than_are_told_at_once_have_to_be_asked_for_by_name() -> None:
    async with an_edge(XdsOptions(limits=Limits(status_nodes=1))) as edge:
        edge.serve(a_cluster("one"))
        async with DeltaClient(edge.address, "edge-1") as one, DeltaClient(edge.address, "edge-2") as two:
            for client in (one, two):
                await client.subscribe(CLUSTER)
                await client.next()
            with is_refused("RESOURCE_EXHAUSTED", "2 nodes are connected"):
                await rows(edge)
            with is_refused("RESOURCE_EXHAUSTED", "2 nodes are asked for"):
                await rows(edge, "edge-1", "edge-2")
            assert {node for node, _, _ in await rows(edge, "edge-2")} == {"edge-2"}


async def test_calls_at_a_time_are_bounded_and_let_go_of() -> None:
    async with (
        an_edge(XdsOptions(limits=Limits(status_calls=1))) as edge,
        aio.insecure_channel(edge.address) as channel,
    ):
        call = channel.stream_stream(f"/{CLIENT_STATUS}/StreamClientStatus")()
        await call.write(a_request().SerializeToString())
        await call.read()
        with is_refused("RESOURCE_EXHAUSTED", "try again later"):
            await rows(edge)
        call.cancel()
        async with asyncio.timeout(60):
            while True:
                try:
                    assert await rows(edge) == {}
                    break
                except aio.AioRpcError:
                    await asyncio.sleep(0.01)


async def test_a_stream_that_never_asks_is_ended() -> None:
    limits = Limits(first_request_s=0.2)
    method = f"/{CLIENT_STATUS}/StreamClientStatus"
    async with an_edge(XdsOptions(limits=limits)) as edge, XdsClient(edge.address, method=method) as client:
        assert (await client.status())[0].name == "DEADLINE_EXCEEDED"
