"""On-demand virtual hosts and clusters with a real Envoy, by the documents of examples/on_demand.

Envoy holds a request while it asks. An answer that it does not understand would hold it for ever, or for the `timeout`
of the filter, which is made longer than anybody here waits.
"""

from __future__ import annotations

import http.client
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from examples.demo.envoy import Envoy
from examples.demo.traffic import Upstream
from snapshots.store.etcd.ports import free_port
from tests.spine import ROOT, ServerProcess, wait_for

pytestmark = [pytest.mark.envoy, pytest.mark.etcd]
EXAMPLE = ROOT / "examples" / "on_demand"
NOT_PATIENT_S = 15  # and Envoy is told to wait for a cluster for much longer
OVER_ADS = "ads: {}"
ON_STREAMS_OF_THEIR_OWN = (
    "api_config_source: {api_type: DELTA_GRPC, transport_api_version: V3, "
    "grpc_services: [{envoy_grpc: {cluster_name: fairlead}}]}"
)


@dataclass(frozen=True)
class Gateway:
    """A server, an Envoy, and the documents that reach it."""

    server: ServerProcess
    envoy: Envoy
    directory: Path
    port: int

    def get(self, host: str, cluster: str = "none") -> tuple[int, str]:
        """One request; its status and what answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=NOT_PATIENT_S)
        connection.request("GET", "/", headers={"Host": host, "x-cluster": cluster})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, body

    def change(self, file: str, old: str, new: str) -> None:
        """Publish a document with something else in it."""
        path = self.directory / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        done = self.server.run("apply", str(self.directory), "--yes", "--wait")
        assert done.code == 0, done

    def clusters(self) -> set[str]:
        """The clusters that Envoy was sent."""
        sections = self.envoy.config_dump().get("configs", ())
        return {row["cluster"]["name"] for section in sections for row in section.get("dynamic_active_clusters", ())}

    def virtual_hosts(self) -> set[str]:
        """The virtual hosts that Envoy was sent."""
        sections = self.envoy.config_dump().get("configs", ())
        routes = [row["route_config"] for section in sections for row in section.get("dynamic_route_configs", ())]
        return {host["name"] for route in routes for host in route.get("virtual_hosts", ())}


@pytest.fixture
def blue() -> Iterator[Upstream]:
    with Upstream("blue") as upstream:
        yield upstream


@pytest.fixture
def source() -> str:
    """How Envoy is told to ask for what it needs."""
    return OVER_ADS


@pytest.fixture
def gateway(tmp_path: Path, blue: Upstream, source: str) -> Iterator[Gateway]:
    directory, port = tmp_path / "documents", free_port()
    shutil.copytree(EXAMPLE, directory)
    for file, old, new in (
        ("listener.yaml", "10000", str(port)),
        ("listener.yaml", "timeout: 1s", "timeout: 600s"),
        ("listener.yaml", OVER_ADS, source),
        ("routes.yaml", OVER_ADS, source),
        ("clusters.yaml", "9000", str(blue.port)),
    ):
        (directory / file).write_text((directory / file).read_text().replace(old, new))
    server = ServerProcess(tmp_path / "server", str(directory)).start()
    envoy = Envoy.start(tmp_path / "envoy", server.xds, group="edge")
    ready = Gateway(server, envoy, directory, port)
    try:
        envoy.wait_until(lambda: ready.virtual_hosts() == {"web/status"}, "what is not on demand")
        yield ready
    finally:
        envoy.stop()
        server.stop()


@pytest.mark.parametrize("source", [OVER_ADS, ON_STREAMS_OF_THEIR_OWN], ids=["ads", "own-streams"])
def test_hosts_and_clusters_are_fetched_when_they_are_asked_for_and_what_is_unknown_fails_at_once(
    gateway: Gateway,
) -> None:
    assert gateway.clusters() == set()
    assert gateway.get("status.example.com") == (200, "fine")
    assert gateway.get("unknown.example.com")[0] == 404
    assert gateway.get("any.example.com", cluster="unknown")[0] == 503
    assert (gateway.virtual_hosts(), gateway.clusters()) == ({"web/status", "web/any"}, set())

    assert gateway.get("shop.example.com") == (200, "blue")
    assert gateway.get("deep.in.the.shop.example.com") == (200, "blue")
    assert gateway.get("any.example.com", cluster="shop") == (200, "blue")
    assert gateway.get("any.example.com", cluster="another")[0] == 503
    assert gateway.clusters() == {"shop"}
    assert gateway.get("another.example.com")[0] == 404


def test_what_was_fetched_is_kept_up_to_date_and_what_was_missing_comes(gateway: Gateway) -> None:
    assert gateway.get("shop.example.com") == (200, "blue")
    assert gateway.get("late.example.com")[0] == 404
    with Upstream("green") as green:
        documents = (gateway.directory / "clusters.yaml").read_text()
        port = documents.partition("port_value: ")[2].partition("}")[0]
        gateway.change("clusters.yaml", port, str(green.port))
        wait_for(lambda: gateway.get("shop.example.com") == (200, "green"), "the cluster's change")
        gateway.change("routes.yaml", "domains: [shop.example.com", "domains: [late.example.com")
        wait_for(lambda: gateway.get("late.example.com") == (200, "green"), "a host that nothing stood for")
        wait_for(lambda: gateway.get("shop.example.com")[0] == 404, "a host that nothing stands for any more")
    gateway.change("routes.yaml", "name: web/shop", "name: web/renamed")
    wait_for(lambda: "web/renamed" in gateway.virtual_hosts(), "the virtual host under its new name")
    assert "web/shop" not in gateway.virtual_hosts()
    rejected = gateway.envoy.statistics("update_rejected$")
    assert len(rejected) > 3
    assert set(rejected.values()) == {0}


def test_a_server_that_comes_back_resends_nothing_that_was_fetched(gateway: Gateway) -> None:
    assert gateway.get("shop.example.com") == (200, "blue")
    assert gateway.get("unknown.example.com")[0] == 404
    assert gateway.get("any.example.com", cluster="unknown")[0] == 503
    gateway.server.kill()
    connected = "control_plane.connected_state"
    wait_for(lambda: gateway.envoy.statistics(connected).get(connected) == 0, "Envoy to notice")
    gateway.server.start()
    wait_for(lambda: node_state(gateway.server) == "current", "Envoy to be back and current")
    assert gateway.get("shop.example.com") == (200, "blue")
    assert sent(gateway.server) == 0
    gateway.change("clusters.yaml", "connect_timeout: 1s", "connect_timeout: 2s")
    assert sent(gateway.server) == 1


def node_state(server: ServerProcess) -> str:
    nodes = server.run("nodes", "-o", "json")
    found = nodes.json()["nodes"] if nodes.code == 0 else []
    return str(found[0]["state"]) if found else ""


def sent(server: ServerProcess) -> float:
    """Resources in all responses since the server started."""
    rows = [row for row in server.ask("/metrics")[1].splitlines() if row.startswith("fairlead_xds_pushed_resources_")]
    return sum(float(row.rsplit(" ", 1)[1]) for row in rows if "_total{" in row)
