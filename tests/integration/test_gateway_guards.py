"""Rules that ask a service first (ExternalAuth), with a real Envoy: who is let in, what is shown, and what goes on."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from api.management.client import ManagementClient
from examples.demo.envoy import Envoy
from snapshots.model import Document
from snapshots.store.etcd.ports import free_port
from tests.authorizers import PASS, Authorizer, over_grpc, over_http
from tests.echoes import TIMEOUT_S, Answer, Echo, ask
from tests.gateways import Object, a_backend, a_gateway, a_route, an_object, to_backend
from tests.spine import ServerProcess, wait_for

pytestmark = pytest.mark.envoy


def asks_http(backend: str = "by-http", **more: Any) -> Object:
    auth = {"protocol": "HTTP", "backendRef": to_backend(backend), "http": {}} | more
    return {"type": "ExternalAuth", "externalAuth": auth}


def asks_grpc(backend: str = "by-grpc", **more: Any) -> Object:
    auth = {"protocol": "GRPC", "backendRef": to_backend(backend), "grpc": {}} | more
    return {"type": "ExternalAuth", "externalAuth": auth}


MOVED = {"type": "RequestRedirect", "requestRedirect": {"hostname": "elsewhere.example"}}
CHANGING = {"path": "/check/", "allowedHeaders": ["X-Tenant"]}
GUARDED: dict[str, list[Object]] = {
    "/open": [],
    "/http": [asks_http(http=CHANGING)],
    "/few": [asks_http(http={"allowedResponseHeaders": ["X-User"]})],
    "/http-body": [asks_http(forwardBody={"maxSize": 16})],
    "/grpc": [asks_grpc()],
    "/grpc-body": [asks_grpc(grpc={"allowedHeaders": ["authorization"]}, forwardBody={"maxSize": 16})],
    "/both": [asks_http(), asks_grpc()],
    "/down": [asks_http("down")],
    "/grpc-down": [asks_grpc("down")],
    "/missing": [asks_http("missing")],
    "/odd": [asks_http(http={"path": "check"})],
}


@dataclass(frozen=True)
class Edge:
    port: int
    server: ServerProcess
    upstreams: dict[str, int]
    by_http: Authorizer
    by_grpc: Authorizer

    def ask(self, path: str, **options: Any) -> Answer:
        return ask(self.port, path, **options)

    def publish(self, guarded: dict[str, list[Object]]) -> None:
        """All documents, with these filters by path."""
        asyncio.run(self._publish("shop", documents(self.port, self.upstreams, guarded)))

    def publish_large(self, port: int, hosts: list[str], filters: list[Object]) -> None:
        """A workspace of its own, with these hosts; the first sixteen have the filters."""
        asyncio.run(self._publish("large", large_documents(port, self.upstreams, hosts, filters)))

    async def _publish(self, workspace: str, objects: list[Object]) -> None:
        files = [Document(f"{number:03}.yaml", json.dumps(each).encode()) for number, each in enumerate(objects)]
        async with ManagementClient(self.server.management) as client:
            await client.publish(files, group="edge", workspace=workspace, partial=True, beyond_budgets=True)


def documents(port: int, upstreams: dict[str, int], guarded: dict[str, list[Object]]) -> list[Object]:
    listener = {"name": "http", "port": port, "protocol": "HTTP"}
    rules = [
        {"matches": [{"path": {"value": path}}], "filters": filters, "backendRefs": [to_backend("service")]}
        for path, filters in guarded.items()
    ]
    rules.append({"matches": [{"path": {"value": "/moved"}}], "filters": [asks_http(), MOVED]})
    places = {name: [{"address": "127.0.0.1", "port": each}] for name, each in upstreams.items()}
    return [
        a_gateway("edge", listener, addresses=[{"value": "127.0.0.1"}]),
        a_route("web", rules=rules),
        *(a_backend(name, endpoints=found) for name, found in places.items()),
    ]


def large_documents(port: int, upstreams: dict[str, int], hosts: list[str], filters: list[Object]) -> list[Object]:
    """In a namespace of their own."""
    listener = {"name": "http", "port": port, "protocol": "HTTP"}
    gateway = {"gatewayClassName": "fairlead", "addresses": [{"value": "127.0.0.1"}], "listeners": [listener]}
    found = [an_object("Gateway", "large", "large", spec=gateway)]
    for at in range(0, len(hosts), 16):
        rule = {"backendRefs": [to_backend("service")], "filters": [] if at else filters}
        spec = {"parentRefs": [{"name": "large"}], "hostnames": hosts[at : at + 16], "rules": [rule]}
        found.append(an_object("HTTPRoute", f"from-{at}", "large", spec=spec))
    for name in ("service", "by-http"):
        spec = {"endpoints": [{"address": "127.0.0.1", "port": upstreams[name]}]}
        found.append(an_object("Backend", name, "large", spec=spec))
    return found


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    directory = tmp_path_factory.mktemp("guards")
    with ExitStack() as stack:
        by_http, by_grpc = stack.enter_context(over_http()), stack.enter_context(over_grpc())
        service = stack.enter_context(Echo("service"))
        server = ServerProcess(directory / "server", "--memory").start()
        stack.callback(server.stop)
        upstreams = {"service": service.port, "by-http": by_http.port, "by-grpc": by_grpc.port, "down": free_port()}
        made = Edge(free_port(), server, upstreams, by_http, by_grpc)
        made.publish(GUARDED)
        envoy = Envoy.start(directory / "envoy", server.xds, group="edge")
        stack.callback(envoy.stop)
        wait_for(lambda: all(_passes(made, each) for each in ("/open", "/http", "/grpc")), "the services")
        yield made


def _passes(edge: Edge, path: str) -> bool:
    try:
        return edge.ask(path, Authorization=PASS).status == 200
    except OSError:
        return False


@pytest.mark.parametrize(("path", "status"), [("/http", 401), ("/few", 401), ("/grpc", 403), ("/both", 403)])
def test_who_is_not_let_in_gets_the_services_answer(edge: Edge, path: str, status: int) -> None:
    assert edge.ask(path).status == status
    assert edge.ask(path, Authorization=PASS).status == 200


def test_all_that_a_rule_asks_must_agree(edge: Edge) -> None:
    before = len(edge.by_http.shown), len(edge.by_grpc.shown)
    assert edge.ask("/both", Authorization=PASS).echo["name"] == "service"
    assert (len(edge.by_http.shown), len(edge.by_grpc.shown)) == (before[0] + 1, before[1] + 1)


def test_the_refusal_has_the_services_own_headers(edge: Edge) -> None:
    assert edge.ask("/http").headers["www-authenticate"] == "Bearer"


def test_nobody_is_asked_of_rules_without_a_guard(edge: Edge) -> None:
    before = len(edge.by_http.shown), len(edge.by_grpc.shown)
    assert edge.ask("/open").status == 200
    assert edge.ask("/nowhere").status == 404
    assert (len(edge.by_http.shown), len(edge.by_grpc.shown)) == before


def test_a_service_over_http_is_shown_what_it_must_be_and_what_the_rule_allows(edge: Edge) -> None:
    edge.ask("/http/a?b=c", method="POST", body="a body", host="shop.example", X_Tenant="one", X_Other="no")

    shown = edge.by_http.of("/check/http/a?b=c")
    assert (shown.headers["host"], shown.headers["x-tenant"], shown.headers["content-length"]) == (
        "shop.example", "one", "0",
    )  # fmt: skip
    assert (shown.headers.get("x-other"), shown.body) == (None, "")


def test_a_service_over_grpc_is_shown_all_headers_or_those_that_the_rule_allows(edge: Edge) -> None:
    edge.ask("/grpc/a", X_Tenant="one", Authorization=PASS)
    assert edge.by_grpc.of("/grpc/a").headers["x-tenant"] == "one"
    edge.ask("/grpc-body/a", X_Tenant="one", Authorization=PASS)
    assert set(edge.by_grpc.of("/grpc-body/a").headers) == {"authorization"}


@pytest.mark.parametrize("path", ["/http-body", "/grpc-body"])
def test_a_body_is_shown_up_to_its_limit_and_reaches_the_backend_whole(edge: Edge, path: str) -> None:
    answer = edge.ask(path, method="POST", body="sixteen octets..", Authorization=PASS)

    service = edge.by_http if path == "/http-body" else edge.by_grpc
    assert service.of(path).body == "sixteen octets.."
    assert (answer.status, answer.echo["body"]) == (200, "sixteen octets..")
    assert edge.ask(path, method="POST", body="seventeen octets.", Authorization=PASS).status == 413


@pytest.mark.parametrize(("path", "more"), [("/http", "1"), ("/few", None), ("/grpc", None)])
def test_what_the_service_says_of_a_request_reaches_the_backend(edge: Edge, path: str, more: str | None) -> None:
    sent = {"X_User": "mallory", "Content_Type": "text/plain", "Authorization": PASS}
    echo = edge.ask(path, method="POST", body="a body", **sent).echo

    assert (echo["headers"]["x-user"], echo["headers"].get("x-more")) == ("alice", more)
    # Of the message nothing is changed.
    assert (echo["body"], echo["headers"]["content-type"], echo["headers"]["host"]) == (
        "a body", "text/plain", "shop.example",
    )  # fmt: skip


def test_a_redirect_is_guarded_as_well(edge: Edge) -> None:
    assert edge.ask("/moved").status == 401
    assert edge.ask("/moved", Authorization=PASS).headers["location"].startswith("http://elsewhere.example")


@pytest.mark.parametrize(("path", "status"), [("/down", 403), ("/grpc-down", 403), ("/missing", 500), ("/odd", 500)])
def test_nothing_passes_where_nobody_can_be_asked(edge: Edge, path: str, status: int) -> None:
    assert edge.ask(path, Authorization=PASS).status == status


def test_connections_that_are_open_stay_guarded_when_the_guard_changes(edge: Edge) -> None:
    """They go on with the filters they have; the routes must go on with them."""
    connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=TIMEOUT_S)
    assert _status(connection, "/http") == 401

    edge.publish(
        GUARDED | {"/http": [asks_http(http=CHANGING | {"allowedHeaders": ["X-New"]})], "/open": [asks_http()]}
    )
    wait_for(lambda: edge.ask("/open").status == 401, "the guards")
    edge.ask("/http/new", X_New="1")

    assert edge.by_http.of("/check/http/new").headers["x-new"] == "1"
    assert _status(connection, "/http") == 401
    connection.close()


def test_connections_from_before_the_first_guard_of_a_large_listener_find_back_past_none(edge: Edge) -> None:
    """Its hosts were in slices, and what looks for routes again cannot turn a guard on."""
    port, hosts = free_port(), [f"a-host-with-a-long-name-{number}.shop.example" for number in range(16 * 40)]
    edge.publish_large(port, hosts, [])
    wait_for(lambda: _answers(port, hosts[0]) == 200, "the hosts")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    assert [_status(connection, "/", each) for each in (hosts[0], hosts[-1])] == [200, 200]

    edge.publish_large(port, hosts, [asks_http()])
    wait_for(lambda: _answers(port, hosts[0]) == 401, "the guard")

    assert _answers(port, hosts[0], Authorization=PASS) == 200
    # The slices go when all that takes their place is there. A connection that was closed is opened anew, and asks.
    wait_for(lambda: _status(connection, "/", hosts[0]) in (403, 401), "the end of the slices")
    assert _status(connection, "/", hosts[-1]) == 200
    connection.close()


def _answers(port: int, host: str, **headers: str) -> int:
    """0: not yet."""
    try:
        return ask(port, host=host, **headers).status
    except OSError:
        return 0


def _status(connection: http.client.HTTPConnection, path: str, host: str = "shop.example") -> int:
    connection.request("GET", path, headers={"Host": host})
    response = connection.getresponse()
    response.read()
    return response.status
