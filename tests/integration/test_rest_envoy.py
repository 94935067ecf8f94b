"""A real Envoy that polls for everything: it starts so, follows changes, and keeps what it has without an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.demo.envoy import Envoy
from examples.demo.traffic import Traffic, Upstream
from tests.spine import ServerProcess, Site, a_site, wait_for
from xds.bootstrap import CLUSTER_NAME, Place, envoy_bootstrap

pytestmark = pytest.mark.envoy

# Envoy adds up to as much again at random.
POLLS = {
    "api_type": "REST",
    "transport_api_version": "V3",
    "cluster_names": [CLUSTER_NAME],
    "refresh_delay": "0.2s",
    "request_timeout": "10s",
}
SOURCE = {"resource_api_version": "V3", "api_config_source": POLLS}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path / "server", "--memory", "--rest-polling").start()
    yield process
    process.stop()


@pytest.fixture
def envoy(tmp_path: Path, server: ServerProcess) -> Iterator[Envoy]:
    running = Envoy.run(tmp_path / "envoy", "edge-1", json.dumps(polling_bootstrap(server.http)))
    yield running
    running.stop()


def polling_bootstrap(address: str) -> dict[str, Any]:
    """The bootstrap of an Envoy that has HTTP/1.1 and nothing else."""
    host, _, port = address.rpartition(":")
    bootstrap = envoy_bootstrap("edge-1", "edge", Place(host, int(port)))
    (cluster,) = bootstrap["static_resources"]["clusters"]
    del cluster["typed_extension_protocol_options"]
    return {**bootstrap, "dynamic_resources": {"lds_config": SOURCE, "cds_config": SOURCE}}


def publish(server: ServerProcess, site: Site, upstream: Upstream, beside: Upstream | None = None) -> None:
    """The demo's documents with traffic to `upstream`, and with another cluster `beside` it; all found by polling."""
    if beside is not None:
        site.points_at(beside)
        (site.directory / "upstream.yaml").rename(site.directory / "beside.yaml")
    site.points_at(upstream)
    for document in site.directory.glob("*.yaml"):
        text = document.read_text().replace("{resource_api_version: V3, ads: {}}", json.dumps(SOURCE))
        document.write_text(text)
    done = server.run("apply", str(site.directory), "--yes")
    assert done.code == 0, done


def cds(envoy: Envoy, counter: str) -> int:
    return envoy.statistics(rf"^cluster_manager\.cds\.{counter}$").get(f"cluster_manager.cds.{counter}", 0)


def test_envoy_starts_from_rest_follows_a_change_and_outlives_the_server(
    tmp_path: Path, server: ServerProcess, envoy: Envoy
) -> None:
    site = a_site(tmp_path / "site")
    with Upstream("blue") as blue, Upstream("green") as green:
        wait_for(lambda: cds(envoy, "update_failure") > 0, "a poll for a group that does not exist")
        publish(server, site, blue)
        envoy.wait_until(lambda: site.listens, "the listener")
        with Traffic(site.port) as traffic:
            wait_for(lambda: traffic.last == "blue", "traffic to blue")
            # Polls know no order between types, so whoever publishes makes before breaking.
            publish(server, site, blue, beside=green)
            wait_for(
                lambda: b'"green"' in envoy.ask("/config_dump?resource=dynamic_active_clusters"), "green to be warm"
            )
            publish(server, site, green, beside=blue)
            wait_for(lambda: traffic.last == "green", "traffic to green")
            updates, attempts = cds(envoy, "update_success"), cds(envoy, "update_attempt")
            wait_for(lambda: cds(envoy, "update_attempt") > attempts + 2, "more polls")
            assert cds(envoy, "update_success") == updates  # what did not change is not told again
            server.kill()
            failures = cds(envoy, "update_failure")
            wait_for(lambda: cds(envoy, "update_failure") > failures + 1, "polls in vain")
            seen = traffic.total
            wait_for(lambda: traffic.total > seen + 10, "more traffic")
        assert traffic.failures == []
    assert cds(envoy, "update_rejected") == 0
