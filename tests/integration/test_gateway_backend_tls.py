"""TLS to backends with a real Envoy: whom it trusts there, by which name, and what it shows."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from examples.demo.envoy import Envoy
from snapshots.store.etcd.ports import free_port
from tests.echoes import Echo, ask
from tests.gateways import Object, a_backend, a_gateway, a_route, an_object, to_backend
from tests.listeners import terminating
from tests.spine import ServerProcess, wait_for
from tests.whole_servers import a_workspace

pytestmark = pytest.mark.envoy

OURS, FOREIGN, CLIENTS = trustme.CA(), trustme.CA(), trustme.CA()


def a_server_context() -> ssl.SSLContext:
    """Shows a certificate for carts.internal, and takes none but our gateway's client certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    OURS.issue_cert("carts.internal").configure_cert(context)
    CLIENTS.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def a_policy(backend: str, authority: str, hostname: str = "carts.internal") -> Object:
    reference = {"group": "", "kind": "ConfigMap", "name": authority}
    validation = {"hostname": hostname, "caCertificateRefs": [reference]}
    return an_object("BackendTLSPolicy", backend, spec={"targetRefs": [to_backend(backend)], "validation": validation})


def documents(ports: dict[str, int], upstream: int) -> list[Object]:
    """One backend under five names, each with another policy. Requests for it come in the clear, connections in TLS."""
    pair = CLIENTS.issue_cert("edge.internal")
    secret = {
        "tls.crt": pair.cert_chain_pems[0].bytes().decode(),
        "tls.key": pair.private_key_pem.bytes().decode(),
    }
    listener = {"name": "http", "port": ports["http"], "protocol": "HTTP"}
    ended = terminating("tls", ports["tls"], "carts.example", protocol="TLS", secret="edge")
    shown = {"backend": {"clientCertificateRef": {"name": "edge"}}}
    names = ("right", "foreign", "misnamed", "untrusted", "plain")
    matched = [{"matches": [{"path": {"value": f"/{each}"}}], "backendRefs": [to_backend(each)]} for each in names]
    place = {"address": "127.0.0.1", "port": upstream}
    return [
        a_gateway("edge", listener, ended, tls=shown, addresses=[{"value": "127.0.0.1"}]),
        a_route("web", rules=matched),
        a_route("carts", to_backend("right"), kind="TLSRoute", hostnames=["carts.example"]),
        an_object("Secret", "edge", stringData=secret),
        an_object("ConfigMap", "ours", data={"ca.crt": OURS.cert_pem.bytes().decode()}),
        an_object("ConfigMap", "foreign", data={"ca.crt": FOREIGN.cert_pem.bytes().decode()}),
        *(a_backend(each, endpoints=[place]) for each in names),
        a_policy("right", "ours"),
        a_policy("foreign", "foreign"),
        a_policy("misnamed", "ours", "stock.internal"),
        a_policy("untrusted", "missing"),
    ]


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    directory: Path = tmp_path_factory.mktemp("tls")
    with ExitStack() as stack:
        upstream = stack.enter_context(Echo("carts", a_server_context()))
        listening = {"http": free_port(), "tls": free_port()}
        authored = directory / "authored"
        authored.mkdir()
        (authored / "fairlead.yaml").write_bytes(a_workspace().content)
        for number, each in enumerate(documents(listening, upstream.port)):
            (authored / f"{number}.yaml").write_text(json.dumps(each))
        server = ServerProcess(directory / "server", "--memory").start()
        stack.callback(server.stop)
        done = server.run("apply", str(authored), "--partial")
        assert done.code == 0, done
        envoy = Envoy.start(directory / "envoy", server.xds, group="edge")
        stack.callback(envoy.stop)
        wait_for(lambda: _status(listening["http"], "/right") == 200, "the backend")
        yield listening


@pytest.fixture
def port(ports: dict[str, int]) -> int:
    """Where requests come in the clear."""
    return ports["http"]


def _status(port: int, path: str) -> int:
    try:
        return ask(port, path).status
    except OSError:
        return 0


def test_a_backend_is_reached_by_its_name_with_the_gateways_certificate(port: int) -> None:
    assert ask(port, "/right/7").echo["path"] == "/right/7"


def test_where_tls_of_connections_ended_it_begins_again_with_the_gateways_certificate(ports: dict[str, int]) -> None:
    """The upstream takes nobody who shows none."""
    assert ask(ports["tls"], "/7", sni="carts.example").echo["name"] == "carts"


@pytest.mark.parametrize(("path", "status"), [("/foreign", 503), ("/misnamed", 503), ("/untrusted", 500)])
def test_a_backend_that_cannot_be_trusted_is_not_spoken_to(port: int, path: str, status: int) -> None:
    assert _status(port, path) == status


def test_without_a_policy_nothing_is_encrypted(port: int) -> None:
    assert _status(port, "/plain") in (502, 503), "the upstream speaks TLS only"
