"""examples/shop, served by a real Envoy: requests go where its documents say, in the shares that they say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from examples.demo.envoy import Envoy
from snapshots.store.etcd.ports import free_port
from tests.echoes import Answer, Echo, ask
from tests.spine import ROOT, ServerProcess, wait_for

pytestmark = pytest.mark.envoy

SHOP = ROOT / "examples" / "shop"
# The ports of the documents, each the one of an upstream.
UPSTREAMS = {"carts": 10081, "carts-next": 10082, "catalogue": 10083}
LISTENER_PORT = 10080


@dataclass(frozen=True)
class Shop:
    """The example as it is served, on ports of its own."""

    port: int
    server: ServerProcess

    def ask(self, path: str, host: str = "shop.example.com", **headers: Any) -> Answer:
        return ask(self.port, path, host=host, **headers)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    directory = tmp_path_factory.mktemp("shop")
    with ExitStack() as stack:
        ports = {port: stack.enter_context(Echo(name)).port for name, port in UPSTREAMS.items()}
        ports[LISTENER_PORT] = free_port()
        _write(directory / "authored", ports)
        server = ServerProcess(directory / "server", "--memory").start()
        stack.callback(server.stop)
        done = server.run("apply", str(directory / "authored"))
        assert done.code == 0, done
        envoy = Envoy.start(directory / "envoy", server.xds, group="edge")
        stack.callback(envoy.stop)
        served = Shop(ports[LISTENER_PORT], server)
        wait_for(lambda: _answers(served), "the shop")
        yield served


def _write(directory: Path, ports: dict[int, int]) -> None:
    """The documents with other ports: those of the example may be taken here."""
    directory.mkdir()
    for each in SHOP.glob("*.yaml"):
        text = each.read_text()
        for shown, free in ports.items():
            text = text.replace(f"port: {shown}", f"port: {free}")
        (directory / each.name).write_text(text)


def _answers(shop: Shop) -> bool:
    try:
        return shop.ask("/").status == 200
    except OSError:
        return False


def test_a_tenth_of_the_requests_goes_to_the_next_version(shop: Shop) -> None:
    found = Counter(shop.ask("/carts/7").echo["name"] for _ in range(400))

    assert set(found) == {"carts", "carts-next"}
    # 40 are expected; less than 12 or more than 80 come once in a million runs.
    assert 12 <= found["carts-next"] <= 80


def test_who_asks_for_the_next_version_gets_it(shop: Shop) -> None:
    assert {shop.ask("/carts", x_canary="yes").echo["name"] for _ in range(20)} == {"carts-next"}


def test_the_catalogue_of_another_namespace_is_reached_by_its_grant(shop: Shop) -> None:
    answer = shop.ask("/shoes?size=42")
    assert (answer.echo["name"], answer.echo["path"]) == ("catalogue", "/shoes?size=42")
    assert answer.echo["headers"]["x-shop"] == "web"


def test_the_old_path_leads_to_the_new_one(shop: Shop) -> None:
    answer = shop.ask("/basket")
    assert answer.status == 301
    assert answer.headers["location"].endswith("/carts")


def test_programs_reach_the_carts_by_their_own_path(shop: Shop) -> None:
    answer = shop.ask("/v1/carts/7", host="api.example.com")
    assert (answer.echo["name"], answer.echo["path"]) == ("carts", "/carts/7")
    assert shop.ask("/carts", host="api.example.com").status == 404


def test_hosts_that_nobody_claims_are_not_found(shop: Shop) -> None:
    assert shop.ask("/", host="other.example.com").status == 404
    assert shop.ask("/", host="example.org").status == 404


def test_endpoints_that_documents_leave_open_are_set_through_the_endpoints_api(shop: Shop) -> None:
    assert shop.ask("/search").status == 503

    with Echo("search") as upstream:
        place = f"127.0.0.1:{upstream.port}"
        done = shop.server.run("endpoints", "set", "Backend/shop/search", place, "--group", "edge")
        assert done.code == 0, done
        wait_for(lambda: shop.ask("/search").status == 200, "the endpoint")
        assert shop.ask("/search?q=shoes").echo["name"] == "search"
