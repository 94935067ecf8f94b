"""What a real Envoy does with requests, by the HTTPRoutes and GRPCRoutes of one gateway."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
import trustme

from examples.demo.envoy import Envoy
from snapshots.store.etcd.ports import free_port
from tests.echoes import Answer, Echo, ask
from tests.gateways import an_object, to_backend
from tests.shares import likely
from tests.spine import ServerProcess, wait_for
from tests.whole_servers import a_workspace

pytestmark = pytest.mark.envoy

Object = dict[str, Any]
BLUE, GREEN, MISSING = to_backend("blue"), to_backend("green"), to_backend("missing")


def rule(
    path: str, *refs: Object, filters: tuple[Object, ...] = (), match: Object | None = None, **more: Any
) -> Object:
    matches = [{"path": {"type": "PathPrefix", "value": path}, **(match or {})}]
    return {"matches": matches, "backendRefs": refs, "filters": filters, **more}


def modified(direction: str, **changes: Any) -> Object:
    lists = {
        action: [{"name": name, "value": value} for name, value in values.items()] if action != "remove" else values
        for action, values in changes.items()
    }
    return {"type": f"{direction}HeaderModifier", f"{direction[0].lower()}{direction[1:]}HeaderModifier": lists}


def rewritten(**fields: Any) -> Object:
    return {"type": "URLRewrite", "urlRewrite": fields}


def prefix_by(value: str) -> Object:
    return {"type": "ReplacePrefixMatch", "replacePrefixMatch": value}


def mirrored(ref: Object, **fields: Any) -> Object:
    return {"type": "RequestMirror", "requestMirror": {"backendRef": ref, **fields}}


def redirected(**fields: Any) -> Object:
    return {"type": "RequestRedirect", "requestRedirect": fields}


LONG = "/" + "long" * 60
# Backend headers are changed after the rule's, and what the rule set is there to be changed.
RULE_HEADERS = modified("Request", set={"x-a": "rule", "x-b": "rule"}, add={"x-c": "rule"}, remove=["x-d"])
BLUE_HEADERS = modified("Request", set={"x-a": "blue 100%"}, remove=["x-b"], add={"x-c": "blue", "x-d": "blue"})
COOKIES = {"sessionName": "seat", "absoluteTimeout": "1h"}

RULES = [
    rule("/plain", BLUE),
    rule("/headers", {**BLUE, "filters": [BLUE_HEADERS]}, {**GREEN, "weight": 0}, filters=(RULE_HEADERS,)),
    rule("/shares", {**BLUE, "filters": [BLUE_HEADERS]}, {**MISSING, "weight": 0}, GREEN, filters=(RULE_HEADERS,)),
    rule("/host", BLUE, filters=(modified("Request", set={"Host": "inside.example"}),)),
    rule("/strip", BLUE, filters=(rewritten(path=prefix_by("")),)),
    rule(LONG, BLUE, filters=(rewritten(path=prefix_by("/")),)),
    rule("/swap", BLUE, filters=(rewritten(path=prefix_by("/new/")),)),
    rule("/full", BLUE, filters=(rewritten(path={"type": "ReplaceFullPath", "replaceFullPath": r"/a\1b"}),)),
    rule("/moved", filters=(redirected(path=prefix_by("/"), scheme="https"),)),
    rule("/half", BLUE, {**MISSING, "weight": 1}),
    rule("/none", MISSING),
    rule("/empty", to_backend("empty")),
    rule(
        "/refused", BLUE, filters=({"type": "ExtensionRef", "extensionRef": {"group": "a", "kind": "B", "name": "c"}},)
    ),
    rule("/split", {**BLUE, "weight": 3, "filters": [rewritten(path=prefix_by("/of-blue"))]}, GREEN),
    rule("/copied", BLUE, filters=(mirrored(GREEN), mirrored(BLUE, percent=0))),
    rule("/again", BLUE, retry={"codes": [503], "attempts": 2, "backoff": "1ms"}),
    rule("/once", BLUE),
    rule("/seat", BLUE, {**GREEN, "weight": 1}, sessionPersistence=COOKIES),
    rule("/header-seat", to_backend("both"), sessionPersistence={"sessionName": "x-seat", "type": "Header"}),
    rule("/cookie-seat", to_backend("both"), sessionPersistence={}),
    rule("/page", BLUE, filters=({"type": "CORS", "cors": {"allowOrigins": ["https://*.example:443"]}},)),
    {"matches": [{"path": {"type": "RegularExpression", "value": "(?!no)"}}], "backendRefs": [BLUE]},
]


# What Envoy would reject the whole route configuration for, if it were passed on as it is.
ODD_NAME, ODD_VALUE = "!#$%&'*+-.^_`|~", "%A% %REQ(x)% 100% {}"
ODD = [
    rule("/head", BLUE, filters=(modified("Request", set={ODD_NAME: ODD_VALUE, "HOST": "a%b"}, remove=["te"]),)),
    rule("/a;b,c=d:e@!$&'()*+~%20", BLUE, filters=(rewritten(path=prefix_by("/x?y=%20#z")),)),
    rule("/query", BLUE, match={"queryParams": [{"name": ODD_NAME, "value": "a b\u00e9"}]}),
    rule("/late", BLUE, timeouts={"request": "99999h99999h"}, retry={"attempts": 10**12, "backoff": "99999h"}),
    rule("/seat", BLUE, GREEN, sessionPersistence={"sessionName": ODD_NAME, "absoluteTimeout": "1ms"}),
    rule("/copied", BLUE, filters=(mirrored(GREEN, fraction={"numerator": 1, "denominator": 3}),)),
    rule("/all", {**BLUE, "weight": 1_000_000, "filters": [rewritten(hostname="a")]}, GREEN),
    {"matches": [{"path": {"type": "RegularExpression", "value": ""}}], "backendRefs": [BLUE]},
]


def documents(ports: dict[str, int], upstreams: dict[str, int]) -> list[Object]:
    """One gateway with an HTTP listener and, on one port, two HTTPS listeners."""
    secret = trustme.CA().issue_cert("a.example", "b.example")
    pem = {"tls.crt": secret.cert_chain_pems[0].bytes(), "tls.key": secret.private_key_pem.bytes()}
    data = {name: base64.b64encode(value).decode() for name, value in pem.items()}
    tls = {"certificateRefs": [{"name": "pair"}]}
    listeners = [
        {"name": "http", "port": ports["http"], "protocol": "HTTP"},
        {"name": "calls", "port": ports["calls"], "protocol": "HTTP"},
        *(
            {"name": name, "port": ports["https"], "protocol": "HTTPS", "hostname": f"{name}.example", "tls": tls}
            for name in ("a", "b")
        ),
    ]
    addresses = [{"type": "IPAddress", "value": "127.0.0.1"}]
    gateway = {"gatewayClassName": "fairlead", "addresses": addresses, "listeners": listeners}
    places = {name: [{"address": "127.0.0.1", "port": port}] for name, port in upstreams.items()}
    places["both"] = [*places["blue"], *places["green"]]
    backends = [an_object("Backend", name, spec={"endpoints": found}) for name, found in places.items()]
    return [
        an_object("Gateway", "edge", spec=gateway),
        an_object("Secret", "pair", type="kubernetes.io/tls", data=data),
        *backends,
        an_object("Backend", "empty", spec={"endpoints": "dynamic"}),
        a_route_at("http", "paths-1", RULES[:11], ["shop.example"]),
        a_route_at("http", "paths-2", RULES[11:], ["shop.example"]),
        a_route_at("http", "odd", ODD, ["odd.example"]),
        # Hostnames: the more specific one first, whatever the paths, and then the less specific.
        a_route_at("http", "wild", [rule("/deep/path", GREEN), rule("/wild", GREEN)], ["*.example"]),
        a_route_at("http", "exact", [rule("/deep", BLUE)], ["deep.example"]),
        a_route_at("a", "a", [rule("/", BLUE)], []),
        a_route_at("b", "b", [rule("/", GREEN)], []),
        an_object("GRPCRoute", "calls", spec={"parentRefs": [PARENT | {"sectionName": "calls"}], "rules": CALLS}),
    ]


PARENT = {"name": "edge"}
CALLS = [
    {"matches": [{"method": {"service": "shop.Carts"}}], "backendRefs": [to_backend("calls")]},
    {"matches": [{"method": {"method": "Broken"}}], "backendRefs": [MISSING]},
]


def a_route_at(listener: str, name: str, rules: list[Object], hostnames: list[str]) -> Object:
    spec = {"parentRefs": [PARENT | {"sectionName": listener}], "hostnames": hostnames, "rules": rules}
    return an_object("HTTPRoute", name, spec=spec)


@dataclass(frozen=True)
class Edge:
    """One Envoy with the whole gateway, and what is behind it."""

    http: int
    https: int
    calls: int
    blue: Echo
    green: Echo

    def ask(self, path: str, **options: Any) -> Answer:
        return ask(self.http, path, **options)


class _Calls(grpc.GenericRpcHandler):
    """Answers every call with its path."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        return grpc.unary_unary_rpc_method_handler(lambda request, context: details.method.encode())


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    directory = tmp_path_factory.mktemp("gateway")
    ports = {name: free_port() for name in ("http", "https", "calls")}
    with ExitStack() as stack:
        blue, green = (stack.enter_context(Echo(name)) for name in ("blue", "green"))
        callee = grpc.server(ThreadPoolExecutor(2), handlers=(_Calls(),))
        upstreams = {"blue": blue.port, "green": green.port, "calls": callee.add_insecure_port("127.0.0.1:0")}
        callee.start()
        stack.callback(callee.stop, None)
        authored = directory / "authored"
        authored.mkdir()
        (authored / "fairlead.yaml").write_bytes(a_workspace().content)
        for number, each in enumerate(documents(ports, upstreams)):
            (authored / f"{number}.yaml").write_text(json.dumps(each))
        server = ServerProcess(directory / "server", "--memory").start()
        stack.callback(server.stop)
        done = server.run("apply", str(authored), "--partial", "--yes")
        assert done.code == 0, done
        envoy = Envoy.start(directory / "envoy", server.xds, group="edge")
        stack.callback(envoy.stop)
        made = Edge(ports["http"], ports["https"], ports["calls"], blue, green)
        wait_for(lambda: _answers(made), "the listeners")
        yield made


def _answers(edge: Edge) -> bool:
    try:
        plain, secure = edge.ask("/plain"), ask(edge.https, host="a.example", sni="a.example")
        return (plain.status, secure.status) == (200, 200)
    except OSError:
        return False


def test_headers_are_changed_by_the_rule_and_then_by_the_backend(edge: Edge) -> None:
    for path in ("/headers", "/shares"):
        found = (edge.ask(path, x_a="client", x_d="client").echo for _ in range(200))
        echo = next(each for each in found if each["name"] == "blue")

        changed = {name: value for name, value in echo["headers"].items() if name in ("x-a", "x-b", "x-c", "x-d")}
        assert changed == {"x-a": "blue 100%", "x-c": "rule,blue", "x-d": "blue"}, path


def test_host_is_set_like_a_header(edge: Edge) -> None:
    assert edge.ask("/host").echo["headers"]["host"] == "inside.example"
    assert edge.ask("/plain", host=f"shop.example:{edge.http}").echo["headers"]["host"] == f"shop.example:{edge.http}"


@pytest.mark.parametrize(
    ("asked", "received"),
    [
        ("/strip", "/"),
        ("/strip/", "/"),
        ("/strip?a=1", "/?a=1"),
        ("/strip/one/two?a=1", "/one/two?a=1"),
        (f"{LONG}/one", "/one"),
        ("/swap", "/new"),
        ("/swap/one", "/new/one"),
        ("/full/one?a=1", r"/a\1b?a=1"),
    ],
)
def test_paths_are_rewritten(edge: Edge, asked: str, received: str) -> None:
    assert edge.ask(asked).echo["path"] == received


def test_odd_values_are_taken_as_they_are_written(edge: Edge) -> None:
    received = edge.ask("/head", host="odd.example").echo["headers"]
    assert (received[ODD_NAME], received["host"]) == (ODD_VALUE, "a%b")


def test_what_begins_like_a_prefix_is_another_path(edge: Edge) -> None:
    assert edge.ask("/stripped").status == 404


def test_redirects_name_the_port_that_their_scheme_has(edge: Edge) -> None:
    answer = edge.ask("/moved/one?a=1", host=f"shop.example:{edge.http}")

    assert (answer.status, answer.headers["location"]) == (302, "https://shop.example:443/one?a=1")


@pytest.mark.parametrize(("path", "status"), [("/none", 500), ("/empty", 503), ("/refused", 500), ("/nowhere", 404)])
def test_what_cannot_be_served_is_answered_by_its_kind(edge: Edge, path: str, status: int) -> None:
    assert edge.ask(path).status == status


def test_a_wrong_share_answers_500_for_itself_only(edge: Edge) -> None:
    found = Counter(edge.ask("/half").status for _ in range(200))

    assert set(found) == {200, 500}
    assert found[500] in likely(200, 1 / 2)


def test_shares_with_filters_of_their_own_keep_their_weights(edge: Edge) -> None:
    found = Counter(edge.ask("/split/x").echo["path"] for _ in range(400))

    assert set(found) == {"/of-blue/x", "/split/x"}
    assert found["/of-blue/x"] in likely(400, 3 / 4)


def test_a_mirror_gets_the_request_and_its_host(edge: Edge) -> None:
    before = edge.blue.asked["/copied"]
    for _ in range(5):
        assert edge.ask("/copied").echo["name"] == "blue"

    wait_for(lambda: edge.green.asked["/copied"] >= 5, "the mirrored requests")
    assert edge.blue.asked["/copied"] == before + 5


def test_codes_are_tried_again_as_often_as_the_rule_says(edge: Edge) -> None:
    assert edge.ask("/again?fails=2&id=enough").status == 200
    assert edge.ask("/again?fails=3&id=too-many").status == 503
    assert edge.ask("/once?fails=1&id=none").status == 503


def test_a_session_by_cookie_stays_with_its_backend_whatever_the_weights(edge: Edge) -> None:
    for _ in range(4):
        first = edge.ask("/seat")
        cookie = first.headers["set-cookie"]
        assert "Max-Age=3600" in cookie
        assert "HttpOnly" in cookie
        found = {edge.ask("/seat", Cookie=cookie.split(";")[0]).echo["name"] for _ in range(10)}
        assert found == {first.echo["name"]}


def test_a_session_stays_with_its_endpoint(edge: Edge) -> None:
    first = edge.ask("/header-seat")
    found = {edge.ask("/header-seat", x_seat=first.headers["x-seat"]).echo["name"] for _ in range(10)}
    assert found == {first.echo["name"]}

    first = edge.ask("/cookie-seat")
    cookie = first.headers["set-cookie"]
    assert "Max-Age" not in cookie
    found = {edge.ask("/cookie-seat", Cookie=cookie.split(";")[0]).echo["name"] for _ in range(10)}
    assert found == {first.echo["name"]}


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://www.example", True),
        ("https://a.b.example", True),
        ("http://www.example", False),
        ("https://www.example:8443", False),
        ("https://www.example.org", False),
    ],
)
def test_origins_are_compared_by_scheme_host_and_port(edge: Edge, origin: str, allowed: bool) -> None:
    answer = edge.ask("/page", method="OPTIONS", Origin=origin, Access_Control_Request_Method="GET")

    assert answer.status == 200
    assert answer.headers.get("access-control-allow-origin") == (origin if allowed else None)


def test_the_more_specific_hostname_goes_first_and_leaves_the_rest_to_the_others(edge: Edge) -> None:
    names = {
        path: edge.ask(path, host="deep.example").echo.get("name") for path in ("/deep/path", "/deep", "/wild", "/none")
    }
    assert names == {"/deep/path": "blue", "/deep": "blue", "/wild": "green", "/none": None}


@pytest.mark.parametrize(
    ("sni", "host", "status"),
    [("a.example", "a.example", 200), ("a.example", "b.example", 421), ("a.example", "c.example", 404)],
)
def test_requests_on_the_connection_of_another_listener_are_misdirected(
    edge: Edge, sni: str, host: str, status: int
) -> None:
    assert ask(edge.https, host=host, sni=sni).status == status


def test_calls_go_to_their_service_and_are_told_unavailable_without_one(edge: Edge) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{edge.calls}") as channel:
        assert channel.unary_unary("/shop.Carts/Add")(b"", timeout=30) == b"/shop.Carts/Add"
        codes = {}
        for path in ("/shop.Other/Broken", "/shop.Other/Add"):
            with pytest.raises(grpc.RpcError) as raised:
                channel.unary_unary(path)(b"", timeout=30)
            codes[path] = raised.value.code()  # type: ignore[attr-defined]  # a call too, says gRPC
    assert codes == {
        "/shop.Other/Broken": grpc.StatusCode.UNAVAILABLE,
        "/shop.Other/Add": grpc.StatusCode.UNIMPLEMENTED,
    }
