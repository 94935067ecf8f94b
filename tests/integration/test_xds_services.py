"""Every service of the table over a real gRPC server: those that Envoy's API describes, and as it describes them."""

from __future__ import annotations

from collections import Counter

import pytest
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from api.envoy.registry import load_default
from tests.clients import DeltaClient, StateClient, names
from tests.edges import GROUP, an_edge, eventually
from xds.protocol.resource import Resource
from xds.protocol.types import (
    CLUSTER,
    ENDPOINT,
    EXTENSION,
    LISTENER,
    RESOURCE_TYPES,
    ROUTE,
    RUNTIME,
    SCOPED_ROUTE,
    SECRET,
    VIRTUAL_HOST,
    TypeUrl,
)
from xds.transport.services import DISCOVERY_SERVICES, DiscoveryService

SINGLE = tuple(row for row in DISCOVERY_SERVICES if row.only_type is not None)
BOTH = [
    pytest.param(row, kind, method, id=method)
    for row in SINGLE
    for kind, method in ((StateClient, row.state), (DeltaClient, row.delta))
    if method
]
NAME_FIELDS: dict[TypeUrl, str] = {ENDPOINT: "cluster_name"}


def a_resource(type_url: TypeUrl, name: str) -> Resource:
    """The smallest message of a type that says its name."""
    message = load_default().new(type_url.rpartition("/")[2])
    setattr(message, NAME_FIELDS.get(type_url, "name"), name)
    return Resource.of(type_url, name, message.SerializeToString())


def said_names(response: object, kind: type[DeltaClient | StateClient]) -> list[str]:
    if kind is DeltaClient:
        return names(response)
    api = load_default()
    messages = [api.parse(one.type_url, one.value) for one in response.resources]  # type: ignore[attr-defined]
    return [getattr(message, NAME_FIELDS.get(TypeUrl(response.type_url), "name")) for message in messages]  # type: ignore[attr-defined]


def test_every_type_has_a_service_of_its_own() -> None:
    assert Counter(row.only_type for row in SINGLE) == Counter(row.url for row in RESOURCE_TYPES)


@pytest.mark.parametrize("row", DISCOVERY_SERVICES, ids=lambda row: row.name)
def test_every_streaming_method_of_envoys_api_is_served_and_no_other(row: DiscoveryService) -> None:
    described = load_default().pool.FindServiceByName(row.name)
    streaming = {method.name for method in described.methods if method.client_streaming and method.server_streaming}
    assert streaming == {row.state, row.delta} - {""}


@pytest.mark.parametrize(("row", "kind", "method"), BOTH)
async def test_a_service_serves_its_type_and_no_other(
    row: DiscoveryService, kind: type[DeltaClient | StateClient], method: str
) -> None:
    assert row.only_type is not None
    async with an_edge() as edge, kind(edge.address, method=f"/{row.name}/{method}") as client:
        edge.serve(*(a_resource(kept.url, name) for kept in RESOURCE_TYPES for name in ("one", "two")))
        await client.subscribe(row.only_type, ["two"])
        response = await client.next()
        assert response.type_url == row.only_type
        # Clusters and listeners may be told in full; nobody is told more than it named.
        assert said_names(response, kind) == ["two"]
        await client.ack(row.only_type)
        await eventually(lambda: edge.fleet.counts(GROUP).current == 1, "the ACK is known")
        other = SECRET if row.only_type != SECRET else CLUSTER
        await client.send(other)
        code, message = await client.status()
        assert (code.name, "use ADS" in message) == ("INVALID_ARGUMENT", True)


@pytest.mark.parametrize("kind", [DeltaClient, StateClient])
async def test_every_type_can_be_had_on_one_aggregated_stream(kind: type[DeltaClient | StateClient]) -> None:
    order = (SECRET, CLUSTER, ENDPOINT, EXTENSION, LISTENER, SCOPED_ROUTE, ROUTE, VIRTUAL_HOST, RUNTIME)
    async with an_edge() as edge, kind(edge.address) as client:
        edge.serve(*(a_resource(row.url, "one") for row in RESOURCE_TYPES))
        for type_url in order:
            await client.subscribe(type_url, ["one"])
            response = await client.next()
            assert (response.type_url, said_names(response, kind)) == (type_url, ["one"])
            await client.ack(type_url)
        await eventually(lambda: edge.fleet.counts(GROUP).current == 1, "every type was acknowledged")


async def test_virtual_hosts_have_no_state_of_the_world_service() -> None:
    method = "/envoy.service.route.v3.VirtualHostDiscoveryService/StreamVirtualHosts"
    async with an_edge() as edge, StateClient(edge.address, method=method) as client:
        assert (await client.status())[0].name == "UNIMPLEMENTED"


@pytest.mark.parametrize("type_url", [row.url for row in RESOURCE_TYPES if row.legacy_wildcard])
async def test_a_first_request_without_names_means_everything_of_some_types(type_url: TypeUrl) -> None:
    row = next(row for row in SINGLE if row.only_type == type_url)
    async with an_edge() as edge, DeltaClient(edge.address, method=f"/{row.name}/{row.delta}") as client:
        edge.serve(a_resource(type_url, "one"), a_resource(type_url, "two"))
        await client.subscribe(type_url)
        assert names(await client.next()) == ["one", "two"]


def test_virtual_hosts_are_among_them() -> None:
    """Envoy's first VHDS request names nothing: it wants the virtual hosts of its route configurations."""
    wild = {row.url for row in RESOURCE_TYPES if row.legacy_wildcard}
    assert wild == {CLUSTER, LISTENER, SCOPED_ROUTE, VIRTUAL_HOST}


@pytest.mark.parametrize("row", DISCOVERY_SERVICES, ids=lambda row: row.name)
async def test_health_is_told_for_every_service(row: DiscoveryService) -> None:
    async with an_edge() as edge, aio.insecure_channel(edge.address) as channel:
        request = health_pb2.HealthCheckRequest(service=row.name)
        reply = await health_pb2_grpc.HealthStub(channel).Check(request, timeout=30)
        assert reply.status == health_pb2.HealthCheckResponse.SERVING
