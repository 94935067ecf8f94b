"""Every gateway of examples/, served by a real Envoy: requests, calls, connections and packets go where its documents
say, in the shares that they say. Beside them stands what docs/authoring shows: Envoy takes all of it.

One server and one Envoy for all: each example is a workspace of one group. `fairlead dev` follows the shop's directory.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from api.management.client import ManagementClient
from examples.demo.envoy import Envoy
from tests.authoring_pages import SHOWING, servable
from tests.authorizers import PASS, over_grpc, over_http
from tests.callees import call, callee
from tests.echoes import Answer, Echo, ask
from tests.example_sites import EXAMPLES, GATEWAYS, Ports, documents, written
from tests.http2 import ask_http2
from tests.namers import Namer, over_tcp, over_tls, over_udp
from tests.shares import likely
from tests.spine import ServerProcess, wait_for
from tests.websockets import WebSocketEcho, converse

pytestmark = pytest.mark.envoy

# The ports of upstreams, as the examples show them, and who answers there.
ECHOES = {
    10081: "carts", 10082: "carts-next", 10083: "catalogue", 10102: "page", 10142: "www", 10161: "service",
    10171: "service", 10172: "next", 10181: "current-1", 10182: "current-2", 10183: "next", 10191: "service",
    10202: "pages", 10203: "levels", 10211: "orders", 10221: "patched", 10241: "shop",
}  # fmt: skip
NAMERS = {
    10111: ("first", "tcp"), 10112: ("second", "tcp"), 10121: ("mail.example.com", "tls"),
    10122: ("files.example.com", "tls"), 10131: ("first", "udp"), 10132: ("second", "udp"),
}  # fmt: skip
CALLEES = {10091: "carts", 10092: "carts-next"}
SOCKET, IN_TLS, WHO, POLICY = 10101, 10151, 10242, 10243


@dataclass(frozen=True)
class Edge:
    """All examples as they are served, on ports of their own, and the upstreams that count what they are asked."""

    ports: Ports
    server: ServerProcess
    echoes: dict[int, Echo]
    envoy: Envoy

    def ask(self, listener: int, path: str, host: str, **options: Any) -> Answer:
        """A request to the listener that the example shows with this port."""
        return ask(self.ports.of(listener), path, host=host, **options)

    def asks(self, times: int, listener: int, path: str, host: str) -> Counter[str]:
        """Who answers how many of so many requests."""
        return Counter(self.ask(listener, path, host).echo["name"] for _ in range(times))


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    directory = tmp_path_factory.mktemp("examples")
    with ExitStack() as stack:
        echoes = {port: stack.enter_context(Echo(name)) for port, name in ECHOES.items()}
        echoes[IN_TLS] = stack.enter_context(Echo("carts", _own_certificate()))
        ports = Ports(
            {port: each.port for port, each in echoes.items()}
            | {port: stack.enter_context(Namer(name, kind)).port for port, (name, kind) in NAMERS.items()}
            | {port: stack.enter_context(callee(name)) for port, name in CALLEES.items()}
            | {SOCKET: stack.enter_context(WebSocketEcho("socket")).port}
            | {WHO: stack.enter_context(over_http()).port, POLICY: stack.enter_context(over_grpc()).port}
        )
        shop = written("shop", ports, directory / "shop")
        server = ServerProcess(directory / "server", str(shop), "--memory").start()
        stack.callback(server.stop)
        asyncio.run(_publish(server, ports))
        envoy = Envoy.start(directory / "envoy", server.xds, group="edge")
        stack.callback(envoy.stop)
        wait_for(lambda: _is_current(server), "the gateway's acknowledgements")
        yield Edge(ports, server, echoes, envoy)


def _own_certificate() -> ssl.SSLContext:
    """That of the service that the example of TLS to backends comes with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(EXAMPLES / "backend_tls" / "upstream.pem")
    return context


async def _publish(server: ServerProcess, ports: Ports) -> None:
    async with ManagementClient(server.management) as client:
        for name in GATEWAYS:
            if name != "shop":
                await client.publish(documents(name, ports), group="edge", workspace=name.replace("_", "-"))
        for page in SHOWING:
            await client.publish(servable(page), group="edge", workspace=f"page-{page.stem.lower()}")


def _is_current(server: ServerProcess) -> bool:
    nodes = server.run("nodes", "-o", "json").json()["nodes"]
    return [each["state"] for each in nodes] == ["current"]


# The shop: canary weights, a redirect, a rewrite, a grant, endpoints set by API.

SHOP, HOST = 10080, "shop.example.com"


def test_a_tenth_of_the_requests_goes_to_the_next_version(edge: Edge) -> None:
    found = edge.asks(400, SHOP, "/carts/7", HOST)

    assert set(found) == {"carts", "carts-next"}
    assert found["carts-next"] in likely(400, 1 / 10)


def test_who_asks_for_the_next_version_gets_it(edge: Edge) -> None:
    assert {edge.ask(SHOP, "/carts", HOST, x_canary="yes").echo["name"] for _ in range(20)} == {"carts-next"}


def test_the_catalogue_of_another_namespace_is_reached_by_its_grant(edge: Edge) -> None:
    answer = edge.ask(SHOP, "/shoes?size=42", HOST)
    assert (answer.echo["name"], answer.echo["path"]) == ("catalogue", "/shoes?size=42")
    assert answer.echo["headers"]["x-shop"] == "web"


def test_requests_in_http_2_go_the_same_way(edge: Edge) -> None:
    answer = ask_http2(edge.ports.of(SHOP), "/shoes?size=42", HOST)
    assert answer.is_ok
    echo = json.loads(answer.body)
    assert (echo["name"], echo["path"], echo["headers"]["host"]) == ("catalogue", "/shoes?size=42", HOST)


def test_the_old_path_leads_to_the_new_one(edge: Edge) -> None:
    answer = edge.ask(SHOP, "/basket", HOST)
    assert answer.status == 301
    assert answer.headers["location"].endswith("/carts")


def test_programs_reach_the_carts_by_their_own_path(edge: Edge) -> None:
    answer = edge.ask(SHOP, "/v1/carts/7", "api.example.com")
    assert (answer.echo["name"], answer.echo["path"]) == ("carts", "/carts/7")
    assert edge.ask(SHOP, "/carts", "api.example.com").status == 404


def test_hosts_that_nobody_claims_are_not_found(edge: Edge) -> None:
    assert edge.ask(SHOP, "/", "other.example.com").status == 404
    assert edge.ask(SHOP, "/", "example.org").status == 404


def test_endpoints_that_documents_leave_open_are_set_through_the_endpoints_api(edge: Edge) -> None:
    assert edge.ask(SHOP, "/search", HOST).status == 503

    with Echo("search") as upstream:
        place = f"127.0.0.1:{upstream.port}"
        done = edge.server.run("endpoints", "set", "Backend/shop/search", place, "--group", "edge")
        assert done.code == 0, done
        wait_for(lambda: edge.ask(SHOP, "/search", HOST).status == 200, "the endpoint")
        assert edge.ask(SHOP, "/search?q=shoes", HOST).echo["name"] == "search"


# grpc


def test_a_fifth_of_the_calls_goes_to_the_next_version_and_a_new_method_always(edge: Edge) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{edge.ports.of(10090)}") as channel:
        found = Counter(call(channel, "/shop.v1.Carts/Get").text for _ in range(400))
        assert set(found) == {"carts", "carts-next"}
        assert found["carts-next"] in likely(400, 1 / 5)
        assert {call(channel, "/shop.v1.Carts/Merge").text for _ in range(10)} == {"carts-next"}
        assert ("x-gateway", "calls") in call(channel, "/shop.v1.Carts/Get").seen
        assert call(channel, "/shop.v1.Orders/Get").status == "UNIMPLEMENTED"


# websocket


def test_a_websocket_is_opened_and_both_sides_speak(edge: Edge) -> None:
    said = converse(edge.ports.of(10100), "/socket/7", "live.example.com", "one", "two")

    assert said == ["socket /socket/7: one", "socket /socket/7: two"]
    assert edge.ask(10100, "/", "live.example.com").echo["name"] == "page"


# tcp, passthrough, udp


def test_three_of_four_connections_go_to_the_first_database(edge: Edge) -> None:
    found = Counter(over_tcp(edge.ports.of(10110)) for _ in range(400))

    assert set(found) == {"first", "second"}
    assert found["first"] in likely(400, 3 / 4)


@pytest.mark.parametrize("name", ["mail.example.com", "files.example.com"])
def test_tls_is_passed_through_to_the_service_whose_certificate_is_shown(edge: Edge, name: str) -> None:
    assert over_tls(edge.ports.of(10120), name) == name


def test_who_asks_for_a_name_of_no_service_is_turned_away(edge: Edge) -> None:
    assert over_tls(edge.ports.of(10120), "other.example.com") == ""


def test_packets_go_to_both_name_servers(edge: Edge) -> None:
    found = Counter(over_udp(edge.ports.of(10130)) for _ in range(400))

    assert set(found) == {"first", "second"}
    assert found["first"] in likely(400, 1 / 2)


# tls, backend_tls


def test_who_comes_without_tls_is_sent_to_the_port_that_has_it(edge: Edge) -> None:
    answer = edge.ask(10140, "/a?b=c", "www.example.com")
    assert (answer.status, answer.headers["location"]) == (
        301, f"https://www.example.com:{edge.ports.of(10141)}/a?b=c",
    )  # fmt: skip


def test_tls_ends_at_the_gateway(edge: Edge) -> None:
    answer = edge.ask(10141, "/a", "www.example.com", sni="www.example.com")

    assert (answer.status, answer.echo["name"], answer.echo["headers"]["x-forwarded-proto"]) == (200, "www", "https")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_a_backend_that_shows_the_right_name_is_spoken_to_in_tls(edge: Edge) -> None:
    assert edge.ask(10150, "/carts/7", "carts.example.com").echo["path"] == "/carts/7"


# rewrites, mirror, sessions, retries


@pytest.mark.parametrize(
    ("path", "received", "host"),
    [("/v2/carts/7?a=1", "/carts/7?a=1", "carts.internal"), ("/app/any/where", "/index.html", "www.example.com")],
)
def test_paths_and_hosts_are_rewritten(edge: Edge, path: str, received: str, host: str) -> None:
    echo = edge.ask(10160, path, "www.example.com").echo
    assert (echo["path"], echo["headers"]["host"]) == (received, host)


def test_what_moved_is_redirected_with_the_rest_of_its_path(edge: Edge) -> None:
    answer = edge.ask(10160, "/old/shoes?size=42", "www.example.com")
    assert (answer.status, answer.headers["location"]) == (308, "https://www.example.com:443/new/shoes?size=42")


def test_headers_are_set_added_and_taken_away(edge: Edge) -> None:
    answer = edge.ask(10160, "/", "headers.example.com", x_tier="none", x_via="client", x_debug="1")

    seen = {name: answer.echo["headers"].get(name) for name in ("x-tier", "x-via", "x-debug")}
    assert seen == {"x-tier": "gold", "x-via": "client,edge", "x-debug": None}
    assert answer.headers["cache-control"] == "no-store"


def test_scripts_of_other_sites_are_told_what_they_may_ask(edge: Edge) -> None:
    wanted = {"method": "OPTIONS", "Access_Control_Request_Method": "POST"}
    ours = edge.ask(10160, "/api", "headers.example.com", Origin="https://www.example.com", **wanted)
    foreign = edge.ask(10160, "/api", "headers.example.com", Origin="https://example.org", **wanted)

    assert ours.headers["access-control-allow-origin"] == "https://www.example.com"
    assert ours.headers["access-control-max-age"] == "600"
    assert "access-control-allow-origin" not in foreign.headers


def test_copies_of_searches_all_go_to_the_next_version_and_of_others_one_in_four(edge: Edge) -> None:
    service, copies = edge.echoes[10171], edge.echoes[10172]
    assert edge.asks(300, 10170, "/other", "any.example.com") == {"service": 300}
    assert edge.asks(10, 10170, "/search", "any.example.com") == {"service": 10}

    wait_for(lambda: copies.asked["/search"] == 10, "the copies")
    wait_for(lambda: copies.asked["/other"] >= min(likely(300, 1 / 4)), "the copies of one in four")
    assert copies.asked["/other"] in likely(300, 1 / 4)
    assert (service.asked["/other"], service.asked["/search"]) == (300, 10)


def test_a_client_with_a_cookie_goes_on_where_it_began_and_others_go_anywhere(edge: Edge) -> None:
    firsts = Counter()
    for _ in range(60):
        first = edge.ask(10180, "/", "any.example.com")
        firsts[first.echo["name"]] += 1
        cookie = first.headers["set-cookie"]
        assert "Max-Age=3600" in cookie
        for _ in range(3):
            again = edge.ask(10180, "/", "any.example.com", Cookie=cookie.split(";")[0])
            assert again.echo["name"] == first.echo["name"]

    assert set(firsts) == {"current-1", "current-2", "next"}
    assert firsts["next"] in likely(60, 1 / 2)


def test_a_backend_that_fails_is_asked_again_as_often_as_the_rule_says(edge: Edge) -> None:
    assert edge.ask(10190, "/again?fails=2&id=example", "any.example.com").status == 200
    assert edge.ask(10190, "/again?fails=3&id=too-many", "any.example.com").status == 503
    assert edge.ask(10190, "/once?fails=1&id=never", "any.example.com").status == 503


def test_a_backend_that_takes_too_long_is_answered_for(edge: Edge) -> None:
    assert edge.ask(10190, "/quick?hangs=1", "any.example.com").status == 504


# auth


def test_who_is_known_passes_and_is_named_to_the_backend(edge: Edge) -> None:
    assert edge.ask(10240, "/", "any.example.com").status == 200
    assert edge.ask(10240, "/account", "any.example.com").status == 401
    answer = edge.ask(10240, "/account", "any.example.com", Authorization=PASS)
    assert (answer.echo["name"], answer.echo["headers"]["x-user"]) == ("shop", "alice")
    order = {"method": "POST", "body": "one"}
    assert edge.ask(10240, "/orders", "any.example.com", **order).status == 403
    assert edge.ask(10240, "/orders", "any.example.com", Authorization=PASS, **order).echo["body"] == "one"


# teams, kubernetes


def test_each_team_has_what_it_is_allowed(edge: Edge) -> None:
    who = {path: edge.ask(10200, path, "store.example.com").echo["name"] for path in ("/", "/stock/7")}
    assert who == {"/": "pages", "/stock/7": "levels"}
    assert edge.ask(10201, "/feed", "partners.example.com").echo["name"] == "pages"
    assert edge.ask(10201, "/other", "partners.example.com").status == 404
    assert edge.ask(10200, "/feed", "partners.example.com").status == 404


def test_the_pods_of_a_service_that_are_ready_are_found_by_its_endpoint_slices(edge: Edge) -> None:
    assert edge.asks(10, 10210, "/orders/7", "any.example.com") == {"orders": 10}
    assert edge.ask(10210, "/other", "any.example.com").status == 404


# patches


def test_patches_reach_the_listener_and_the_rule_that_they_name(edge: Edge) -> None:
    for_people, for_programs = (edge.ask(port, "/", "any.example.com") for port in (10220, 10222))
    assert for_people.headers["x-gateway"] == "patched"
    assert "x-gateway" not in for_programs.headers
    assert edge.ask(10220, "/slow", "any.example.com").headers["cache-control"] == "no-store, no-transform"
    assert "cache-control" not in for_people.headers


def test_filter_that_a_patch_puts_before_the_router_limits_one_listener(edge: Edge) -> None:
    assert 429 in (edge.ask(10222, "/", "any.example.com").status for _ in range(60))
    assert edge.asks(40, 10220, "/", "any.example.com") == {"patched": 40}


def test_limits_of_a_backend_are_those_of_its_patch(edge: Edge) -> None:
    limits = edge.envoy.ask("/clusters").decode().splitlines()
    assert "Backend/patched/service::default_priority::max_requests::64" in limits


def test_everything_is_accepted_and_programmed(edge: Edge) -> None:
    objects = edge.server.run("status", "-o", "json").json()["objects"]
    told = [
        (each["kind"], each["name"], condition["type"], condition["status"])
        for each in objects
        for part in (each["status"], *each["status"].get("parents", ()), *each["status"].get("listeners", ()))
        for condition in part.get("conditions", ())
        if condition["type"] in ("Accepted", "Programmed", "ResolvedRefs")
    ]
    assert {each[0] for each in told} >= {"Gateway", "ListenerSet", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute"}
    assert [each for each in told if each[3] != "True"] == []
