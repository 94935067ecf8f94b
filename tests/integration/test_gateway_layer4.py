"""What a real Envoy does with connections and packets: TCP, TLS passed through and ended, client certificates, UDP."""

from __future__ import annotations

import base64
import json
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from examples.demo.envoy import Envoy
from snapshots.store.etcd.ports import free_port
from tests.gateways import Object, a_backend, a_gateway, an_object, conditions, to_backend
from tests.listeners import a_listener, passthrough, terminating
from tests.namers import AUTHORITY, TIMEOUT_S, Namer, over_tcp, over_tls, over_udp, shown
from tests.shares import likely
from tests.spine import ServerProcess, wait_for
from tests.whole_servers import a_workspace

pytestmark = pytest.mark.envoy

CLIENTS, STRANGERS = trustme.CA(), trustme.CA()


@dataclass
class Edge:
    """The gateway's ports by the names of its listeners, and the server that it takes its configuration from."""

    ports: dict[str, int]
    server: ServerProcess

    def told(self, gateway: str) -> dict[str, tuple[str, str]]:
        """The conditions of a Gateway, as `fairlead status` shows them."""
        objects = self.server.run("status", "-o", "json").json()["objects"]
        return conditions(next(each["status"] for each in objects if each["name"] == gateway))


def _pair(name: str, *hostnames: str) -> Object:
    issued = AUTHORITY.issue_cert(*hostnames)
    values = {"tls.crt": issued.cert_chain_pems[0].bytes(), "tls.key": issued.private_key_pem.bytes()}
    data = {key: base64.b64encode(value).decode() for key, value in values.items()}
    return an_object("Secret", name, type="kubernetes.io/tls", data=data)


def _route(kind: str, section: str, *refs: Object, name: str = "", **spec: object) -> Object:
    parents = [{"name": "edge", "sectionName": section}]
    rules = [{"backendRefs": refs}]
    return an_object(kind, name or section, spec={"parentRefs": parents, "rules": rules, **spec})


def documents(ports: dict[str, int], upstreams: dict[str, int]) -> list[Object]:
    """One gateway with a listener of each protocol and mode, and routes for most of them."""
    trust = {"caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "clients"}]}
    fallback = {"port": ports["optional"], "tls": {"validation": trust | {"mode": "AllowInsecureFallback"}}}
    gateway = a_gateway(
        "edge",
        a_listener("tcp", ports["tcp"], "TCP"),
        a_listener("halves", ports["halves"], "TCP"),
        a_listener("lonely", ports["lonely"], "TCP"),
        passthrough("through", ports["tls"], "*.example"),
        terminating("ended", ports["tls"], "ended.example", protocol="TLS"),
        terminating("asking", ports["asking"], "ended.example"),
        terminating("optional", ports["optional"], "ended.example"),
        a_listener("udp", ports["udp"], "UDP"),
        a_listener("one", ports["one"], "UDP"),
        addresses=[{"value": "127.0.0.1"}],
        tls={"frontend": {"default": {"validation": trust}, "perPort": [fallback]}},
    )
    # An address of RFC 5737, which is no host's.
    astray = a_gateway("astray", a_listener("tcp", ports["tcp"], "TCP"), addresses=[{"value": "192.0.2.1"}])
    return [
        gateway,
        astray,
        _pair("pair", "ended.example"),
        an_object("ConfigMap", "clients", data={"ca.crt": CLIENTS.cert_pem.bytes().decode()}),
        *(a_backend(each, endpoints=[{"address": "127.0.0.1", "port": port}]) for each, port in upstreams.items()),
        _route("TCPRoute", "tcp", to_backend("a", weight=3), to_backend("b"), to_backend("c", weight=0)),
        _route("TCPRoute", "tcp", to_backend("c"), name="younger"),
        _route("TCPRoute", "halves", to_backend("a"), to_backend("missing")),
        _route("TLSRoute", "through", to_backend("x"), hostnames=["x.example", "ended.example"]),
        _route("TLSRoute", "through", to_backend("y"), name="y", hostnames=["*.y.example"]),
        _route("TLSRoute", "ended", to_backend("a"), hostnames=["ended.example"]),
        _route("UDPRoute", "udp", to_backend("u", weight=3), to_backend("v"), to_backend("w", weight=0)),
        _route("UDPRoute", "one", to_backend("u"), to_backend("missing", weight=0)),
    ]


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    directory = tmp_path_factory.mktemp("layer4")
    names = ("tcp", "halves", "lonely", "tls", "asking", "optional", "udp", "one")
    ports = {name: free_port() for name in names}
    with ExitStack() as stack:
        kinds = {**dict.fromkeys("abc", "tcp"), "x.example": "tls", "a.y.example": "tls", **dict.fromkeys("uvw", "udp")}
        namers = [stack.enter_context(Namer(name, kind)) for name, kind in kinds.items()]
        upstreams = {each.name.split(".")[-2] if "." in each.name else each.name: each.port for each in namers}
        authored = _written(directory / "authored", documents(ports, upstreams))
        server = ServerProcess(directory / "server", "--memory").start()
        stack.callback(server.stop)
        done = server.run("apply", str(authored), "--partial", "--yes")
        assert done.code == 0, done
        envoy = Envoy.start(directory / "envoy", server.xds, group="edge")
        stack.callback(envoy.stop)
        streams = [ports[each] for each in names if each not in ("udp", "one")]
        wait_for(lambda: all(_is_bound(port) for port in streams), "the listeners")
        for each in ("udp", "one"):
            wait_for(_asking(ports[each]), "a UDP listener")
        yield Edge(ports, server)


def _written(authored: Path, objects: list[Object]) -> Path:
    authored.mkdir()
    (authored / "fairlead.yaml").write_bytes(a_workspace().content)
    for number, each in enumerate(objects):
        (authored / f"{number:02}.yaml").write_text(json.dumps(each))
    return authored


def _is_bound(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), TIMEOUT_S).close()
    except OSError:
        return False
    return True


def _asking(port: int) -> Callable[[], bool]:
    return lambda: over_udp(port, patience_s=0.5) != ""


def test_connections_go_to_backends_by_weight_and_of_two_routes_the_first_has_all(edge: Edge) -> None:
    found = Counter(over_tcp(edge.ports["tcp"]) for _ in range(400))

    assert set(found) == {"a", "b"}
    assert found["a"] in likely(400, 3 / 4)


def test_the_share_of_a_wrong_backend_is_closed_and_so_is_a_listener_without_a_route(edge: Edge) -> None:
    found = Counter(over_tcp(edge.ports["halves"]) for _ in range(200))

    assert set(found) == {"a", ""}
    assert found[""] in likely(200, 1 / 2)
    assert over_tcp(edge.ports["lonely"]) == ""


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("x.example", "x.example"),
        ("a.y.example", "a.y.example"),
        # The more specific listener has it, though a route of the other one names it too.
        ("ended.example", "a"),
        ("other.example", ""),
        ("a.other", ""),
    ],
)
def test_tls_is_told_apart_by_the_name_asked_for(edge: Edge, name: str, answer: str) -> None:
    """The client checks certificates: what is passed through shows the backend's own."""
    assert over_tls(edge.ports["tls"], name) == answer


@pytest.mark.parametrize(
    ("listener", "authority", "is_served"),
    [
        ("asking", CLIENTS, True),
        ("asking", STRANGERS, False),
        ("asking", None, False),
        ("optional", CLIENTS, True),
        ("optional", STRANGERS, True),
        ("optional", None, True),
    ],
)
def test_clients_show_certificates_where_the_gateway_asks_for_them(
    edge: Edge, listener: str, authority: trustme.CA | None, is_served: bool
) -> None:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    if authority is not None:
        context = shown(authority, "client@example.com", ssl.Purpose.SERVER_AUTH)
    assert _status_line(edge.ports[listener], context) == ("HTTP/1.1 404" if is_served else "")


def _status_line(port: int, context: ssl.SSLContext) -> str:
    """How the answer to a request begins; empty without one."""
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as plain:
        try:
            with context.wrap_socket(plain, server_hostname="ended.example") as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: ended.example\r\n\r\n")
                return connection.recv(12).decode()
        except (ssl.SSLError, ConnectionError):
            return ""


def test_packets_go_to_backends_by_weight_each_client_to_one(edge: Edge) -> None:
    found = Counter(over_udp(edge.ports["udp"]) for _ in range(400))

    assert set(found) == {"u", "v"}
    assert found["u"] in likely(400, 3 / 4)


def test_a_backend_alone_takes_all_packets(edge: Edge) -> None:
    assert {over_udp(edge.ports["one"]) for _ in range(5)} == {"u"}


def test_an_address_that_the_host_does_not_have_is_told_to_its_gateway_alone(edge: Edge) -> None:
    wait_for(lambda: edge.told("astray")["Programmed"] == ("False", "AddressNotUsable"), "Envoy's words")

    assert edge.told("astray")["Accepted"] == ("True", "Accepted")
    assert edge.told("edge")["Programmed"] == ("True", "Programmed")
