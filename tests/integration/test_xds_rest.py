"""REST polling and the unary methods over real sockets: what is asked, what is answered, and what is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf import json_format
from grpc import aio

from api.envoy.registry import load_default
from api.hosting.address import Address
from api.hosting.http import HttpServer
from tests.edges import a_cluster, an_assignment, an_edge
from tests.integration.test_xds_services import a_resource
from tests.whole_servers import WholeServer, whole_server
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, ENDPOINT, SECRET, GroupName, TypeUrl
from xds.server.json_encoding import JsonEncoder
from xds.server.rest import HTTP_STATUS, REQUEST_LIMIT_BYTES, rest_route
from xds.transport.services import DISCOVERY_SERVICES, DiscoveryService

EDGE = GroupName("edge")
NODE = {"id": "edge-1", "cluster": "edge"}
CLUSTERS = "/v3/discovery:clusters"
POLLED = [pytest.param(row, id=row.path) for row in DISCOVERY_SERVICES if row.path]
LISTENER_API = "envoy.config.listener.v3.Listener"
MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"


@dataclass(frozen=True)
class Polled:
    server: WholeServer
    web: httpx.AsyncClient

    def serve(self, *resources: Resource) -> None:
        groups = self.server.parts.xds.groups
        groups.load(EDGE, groups.revision(EDGE) + 1, resources)

    async def poll(self, path: str = CLUSTERS, version: str = "", names: Iterable[str] = ()) -> httpx.Response:
        request = {"node": NODE, "version_info": version, "resource_names": list(names)}
        return await self.web.post(path, json=request)


@asynccontextmanager
async def a_polled_server(**flags: object) -> AsyncIterator[Polled]:
    async with (
        whole_server(rest_polling=True, **flags) as server,
        httpx.AsyncClient(base_url=f"http://{server.parts.addresses.http}") as web,
    ):
        yield Polled(server, web)


def read(answer: httpx.Response) -> Any:
    """The DiscoveryResponse, as another implementation of protobuf's JSON reads it."""
    assert answer.status_code == 200, answer.text
    message = load_default().new("envoy.service.discovery.v3.DiscoveryResponse")
    return json_format.Parse(answer.content, message, descriptor_pool=load_default().pool)


def refusal(answer: httpx.Response, code: int, status: str) -> str:
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (code, code, status), answer.text
    return str(error["message"])


@pytest.mark.parametrize("row", POLLED)
async def test_each_path_serves_its_type_in_full(row: DiscoveryService) -> None:
    assert row.only_type is not None
    wanted = [a_resource(row.only_type, name) for name in ("one", "two")]
    async with a_polled_server() as polled:
        polled.serve(*wanted, a_cluster("other"))
        response = read(await polled.poll(row.path, names=["one", "two"]))
    assert response.type_url == row.only_type
    assert response.control_plane.identifier.startswith("fairlead ")
    assert [(one.type_url, one.value) for one in response.resources] == [(each.type_url, each.body) for each in wanted]


async def test_what_is_nested_in_any_is_written_out() -> None:
    listener: Any = load_default().new(LISTENER_API)
    listener.name = "http"
    manager: Any = load_default().new(MANAGER.rpartition("/")[2])
    manager.stat_prefix = "ingress_http"
    filter_ = listener.filter_chains.add().filters.add()
    filter_.typed_config.type_url, filter_.typed_config.value = MANAGER, manager.SerializeToString()
    type_url = TypeUrl(f"type.googleapis.com/{LISTENER_API}")
    async with a_polled_server() as polled:
        polled.serve(Resource.of(type_url, "http", listener.SerializeToString()))
        (told,) = (await polled.poll("/v3/discovery:listeners")).json()["resources"]
    (chain,) = told["filter_chains"]
    assert chain["filters"][0]["typed_config"] == {"@type": MANAGER, "stat_prefix": "ingress_http"}


async def test_no_change_is_304_and_a_change_is_told_once() -> None:
    async with a_polled_server() as polled:
        polled.serve(a_cluster("web"), an_assignment("web"))
        for path, names in ((CLUSTERS, []), ("/v3/discovery:endpoints", ["web"])):
            version = read(await polled.poll(path, names=names)).version_info
            same = await polled.poll(path, version, names)
            assert (same.status_code, same.content) == (304, b"")
        version = read(await polled.poll()).version_info
        polled.serve(a_cluster("web", "again"), an_assignment("web"))
        changed = read(await polled.poll(version=version))
        assert changed.version_info != version
        assert (await polled.poll(version=changed.version_info)).status_code == 304


async def test_names_that_do_not_exist_are_told_and_delete_nothing() -> None:
    async with a_polled_server() as polled:
        polled.serve(an_assignment("web"))
        response = read(await polled.poll("/v3/discovery:endpoints", names=["wbe"]))
    assert [error.resource_name.name for error in response.resource_errors] == ["wbe"]
    assert list(response.resources) == []


async def test_a_node_without_a_group_is_told_to_keep_what_it_has() -> None:
    async with a_polled_server() as polled:
        assert "keep what you have" in refusal(await polled.poll(), 503, "UNAVAILABLE")
        assert polled.server.parts.xds.groups.served(EDGE) is None  # a question makes no group
        polled.serve(a_cluster("web"))
        assert len(read(await polled.poll()).resources) == 1


async def test_while_polling_is_off_the_paths_say_so() -> None:
    async with whole_server() as server, httpx.AsyncClient() as web:
        for path in (CLUSTERS, "/v3/discovery:secrets"):
            answer = await web.post(f"http://{server.parts.addresses.http}{path}", json={"node": NODE})
            assert "rest_polling" in refusal(answer, 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not a envoy.service.discovery.v3.DiscoveryRequest in JSON"),
        (b"{", "in JSON"),
        (b"\xff\xfe", "in JSON"),
        (b"1", "in JSON"),
        (b"[" * 100_000, "in JSON"),
        (b'{"node": 1}', "in JSON"),
        (b'{"node": {"id": "\\ud800"}}', "in JSON"),
        (b'{"resource_names": "web"}', "in JSON"),
        (b'{"node": {"id": "a", "metadata": {"a": NaN}}}', "metadata has no JSON form"),
        (b"{}", "node with an id"),
        (b"[]", "node with an id"),
        (b'{"node": {"id": ""}}', "node with an id"),
        (b'{"node": {"id": "a"}, "type_url": "' + SECRET.encode() + b'"}', "serves"),
        (b'{"node": {"id": "a", "metadata": {"a": "' + b"x" * 200_000 + b'"}}}', "at most 131072"),
    ],
)
async def test_a_body_that_is_no_request_is_400_in_words(body: bytes, words: str) -> None:
    async with a_polled_server() as polled:
        polled.serve(a_cluster("web"))
        answer = await polled.web.post(CLUSTERS, content=body, headers={"Content-Type": "application/json"})
        assert words in refusal(answer, 400, "INVALID_ARGUMENT")
        assert len(read(await polled.poll()).resources) == 1


async def test_requests_of_another_form_are_refused() -> None:
    async with a_polled_server() as polled:
        polled.serve(a_cluster("web"))
        form = await polled.web.post(CLUSTERS, data={"node": "edge-1"})
        assert "application/json" in refusal(form, 400, "INVALID_ARGUMENT")
        assert refusal(await polled.web.get(CLUSTERS), 405, "INVALID_ARGUMENT").startswith("ask with POST")
        assert CLUSTERS in refusal(await polled.poll("/v3/discovery:cluster"), 404, "NOT_FOUND")
        large = await polled.web.post(CLUSTERS, content=b" " * (REQUEST_LIMIT_BYTES + 1))
        refusal(large, 413, "RESOURCE_EXHAUSTED")
        many = await polled.poll(names=[str(number) for number in range(60_000)])
        assert "50000" in refusal(many, 413, "RESOURCE_EXHAUSTED")


async def test_fields_of_a_newer_envoy_and_other_spellings_are_taken() -> None:
    async with a_polled_server() as polled:
        polled.serve(a_cluster("web"))
        request = {"node": {**NODE, "of_tomorrow": {"a": 1}}, "resourceNames": ["web"], "typeUrl": CLUSTER}
        answer = await polled.web.post(CLUSTERS, content=json.dumps(request))  # and no content type at all
        assert len(read(answer).resources) == 1


async def test_secrets_are_not_told_in_plaintext_to_other_machines() -> None:
    """The route as it is on a port that others can reach; the socket here is on loopback all the same."""
    async with an_edge() as edge:
        edge.serve(a_resource(SECRET, "key"), a_cluster("web"))
        route = rest_route(edge.server.poller, JsonEncoder(load_default(), 1_000_000), on_loopback=False)
        http = HttpServer(Address("127.0.0.1", 0), lambda: "", [route])
        await http.start()
        try:
            async with httpx.AsyncClient(base_url=f"http://{http.address}") as web:
                secrets = await web.post("/v3/discovery:secrets", json={"node": {"id": "a"}})
                assert "plaintext" in refusal(secrets, 403, "PERMISSION_DENIED")
                assert len(read(await web.post(CLUSTERS, json={"node": {"id": "a"}})).resources) == 1
        finally:
            await http.stop()


async def test_many_who_poll_at_once_get_the_same_bytes() -> None:
    async with a_polled_server() as polled:
        polled.serve(*(a_cluster(f"c{number}") for number in range(200)))
        answers = await asyncio.gather(*(polled.poll() for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert len(read(answers[0]).resources) == 200


@pytest.mark.parametrize("row", POLLED)
async def test_the_unary_method_answers_the_same_in_protobuf(row: DiscoveryService) -> None:
    assert row.only_type is not None
    async with an_edge() as edge:
        edge.serve(*(a_resource(row.only_type, name) for name in ("one", "two")))
        response = await fetch(edge.address, row, resource_names=["two"])
        assert [one.value for one in response.resources] == [a_resource(row.only_type, "two").body]
        again = await fetch(edge.address, row, resource_names=["two"], version_info=response.version_info)
        assert again == response  # gRPC has no "not modified", and an empty answer would delete


@pytest.mark.parametrize(
    ("node", "status"), [("", grpc.StatusCode.INVALID_ARGUMENT), ("edge-1", grpc.StatusCode.UNAVAILABLE)]
)
async def test_the_unary_method_refuses_with_a_status(node: str, status: grpc.StatusCode) -> None:
    row = next(row for row in DISCOVERY_SERVICES if row.only_type == ENDPOINT)
    async with an_edge() as edge:
        with pytest.raises(aio.AioRpcError) as refused:
            await fetch(edge.address, row, node)
    assert refused.value.code() is status


async def fetch(address: str, row: DiscoveryService, node: str = "edge-1", **fields: Any) -> Any:
    request: Any = load_default().new("envoy.service.discovery.v3.DiscoveryRequest")
    request.node.id = node
    for name, value in fields.items():
        request.MergeFrom(type(request)(**{name: value}))
    async with aio.insecure_channel(address) as channel:
        data = await channel.unary_unary(f"/{row.name}/{row.fetch}")(request.SerializeToString(), timeout=30)
    response = load_default().new("envoy.service.discovery.v3.DiscoveryResponse")
    response.ParseFromString(data)
    return response


@pytest.mark.parametrize("row", POLLED)
def test_paths_and_unary_methods_are_those_of_envoys_api(row: DiscoveryService) -> None:
    method = load_default().pool.FindServiceByName(row.name).FindMethodByName(row.fetch)
    options = method.GetOptions().SerializeToString()  # google.api.http { post: path, body: "*" }
    assert options.endswith(b'"%c%b:\x01*' % (len(row.path), row.path.encode()))


def test_every_unary_method_of_envoys_api_is_served() -> None:
    for row in DISCOVERY_SERVICES:
        methods = load_default().pool.FindServiceByName(row.name).methods
        assert {method.name for method in methods if not method.server_streaming} == {row.fetch} - {""}


def test_every_status_that_a_session_ends_with_has_one_in_http() -> None:
    statuses = {"INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "PERMISSION_DENIED", "UNAUTHENTICATED", "UNAVAILABLE"}
    assert statuses <= HTTP_STATUS.keys()
