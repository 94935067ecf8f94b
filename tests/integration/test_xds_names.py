"""Names of any character and names that stand for others, over a real server: published, asked for, explained."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from api.envoy.registry import load_default
from snapshots.model import Document
from tests.clients import DeltaClient, StateClient, names
from tests.whole_servers import WholeServer, a_workspace, whole_server
from xds.protocol.types import CLUSTER, VIRTUAL_HOST

NAMES = ("xdstp://authority/envoy.config.cluster.v3.Cluster/a/b?c=d#e", "a b/c", "a*b", "größe-名前-🚀", "x" * 5_000)


def a_document(number: int, type_url: str, name: str, rest: str, *, on_demand: bool = False) -> Document:
    annotations = ', annotations: {fairlead.dev/on-demand: "true"}' if on_demand else ""
    text = (
        f"apiVersion: fairlead.dev/v1\nkind: EnvoyResource\nmetadata: {{name: document-{number}{annotations}}}\nspec:\n"
        f'  "@type": {type_url}\n  name: {json.dumps(name, ensure_ascii=False)}\n  {rest}\n'
    )
    return Document(f"{number}.yaml", text.encode())


@pytest.fixture
async def server() -> AsyncIterator[WholeServer]:
    clusters = [a_document(number, CLUSTER, name, "connect_timeout: 1s") for number, name in enumerate(NAMES)]
    host = a_document(99, VIRTUAL_HOST, "routes/a b/web", 'domains: ["*.example.com"]', on_demand=True)
    async with whole_server() as server:
        await server.client.publish([a_workspace(), *clusters, host])
        yield server


@pytest.mark.parametrize("name", NAMES, ids=lambda name: repr(name[:24]))
async def test_a_cluster_of_any_name_is_served_and_explained(server: WholeServer, name: str) -> None:
    async with server.an_edge() as delta, StateClient(server.parts.addresses.xds, "edge-2", "edge") as state:
        await delta.subscribe(CLUSTER, [name])
        assert names(await delta.next()) == [name]
        await state.subscribe(CLUSTER, [name])
        (one,) = (await state.next()).resources
        assert load_default().parse(one.type_url, one.value).name == name  # type: ignore[attr-defined]
    (why,) = await server.client.explain("edge", f"cluster/{name}")
    assert why.resource.name == name


async def test_everything_has_them_all(server: WholeServer) -> None:
    async with server.an_edge() as client:
        await client.subscribe(CLUSTER, ["*"])
        assert set(names(await client.next())) == set(NAMES)


async def test_a_host_is_told_under_its_own_name_and_the_one_that_was_asked_for(server: WholeServer) -> None:
    async with server.an_edge() as client:
        await client.subscribe(VIRTUAL_HOST)
        assert names(await client.next()) == []
        await client.ack(VIRTUAL_HOST)
        await client.subscribe(VIRTUAL_HOST, ["routes/a b/www.example.com", "routes/a b/unknown"])
        response = await client.next()
        web, unknown = response.resources
        assert (web.name, list(web.aliases)) == ("routes/a b/web", ["routes/a b/www.example.com"])
        assert (web.resource.type_url, bool(web.version)) == (VIRTUAL_HOST, True)
        assert (unknown.name, list(unknown.aliases)) == ("routes/a b/unknown", ["routes/a b/unknown"])
        assert (unknown.HasField("resource"), unknown.version) == (False, "")
        assert list(response.removed_resources) == []
    (why,) = await server.client.explain("edge", "virtual-host/routes/a b/web")
    assert why.resource.name == "routes/a b/web"


async def test_the_service_of_virtual_hosts_answers_the_same(server: WholeServer) -> None:
    method = "/envoy.service.route.v3.VirtualHostDiscoveryService/DeltaVirtualHosts"
    async with DeltaClient(server.parts.addresses.xds, "edge-1", "edge", method=method) as client:
        await client.subscribe(VIRTUAL_HOST, ["routes/a b/www.example.com"])
        assert names(await client.next()) == ["routes/a b/web"]
