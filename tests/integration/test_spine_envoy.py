"""The spine with a real Envoy and a real etcd: a change reaches the edge, a bad one does not, nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.demo.envoy import Envoy
from examples.demo.traffic import Traffic, Upstream
from tests.spine import ServerProcess, Site, a_site, wait_for
from xds.protocol.variant import Variant

pytestmark = [pytest.mark.envoy, pytest.mark.etcd]
BOTH_VARIANTS = pytest.mark.parametrize("variant", [Variant.DELTA, Variant.STATE_OF_THE_WORLD], ids=["delta", "sotw"])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path / "server").start()
    yield process
    process.stop()


@pytest.fixture
def blue() -> Iterator[Upstream]:
    with Upstream("blue") as upstream:
        yield upstream


@pytest.fixture
def green() -> Iterator[Upstream]:
    with Upstream("green") as upstream:
        yield upstream


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return a_site(tmp_path / "site")


@pytest.fixture
def envoys(tmp_path: Path, server: ServerProcess) -> Iterator[Envoys]:
    running = Envoys(tmp_path / "envoy", server)
    yield running
    running.stop()


class Envoys:
    """Envoys of one test, ended with it."""

    def __init__(self, directory: Path, server: ServerProcess) -> None:
        self._directory = directory
        self._server = server
        self._running: list[Envoy] = []

    def start(self, variant: Variant = Variant.DELTA, node: str = "edge-1") -> Envoy:
        envoy = Envoy.start(self._directory, self._server.xds, node=node, group="edge", variant=variant)
        self._running.append(envoy)
        return envoy

    def stop(self) -> None:
        for envoy in self._running:
            envoy.stop()


def apply(server: ServerProcess, site: Site, *arguments: str) -> str:
    done = server.run("apply", str(site.directory), "--yes", *arguments)
    assert done.code == 0, done
    return done.out + done.err


def dynamic_names(envoy: Envoy) -> set[str]:
    """Names of the clusters and routes that Envoy runs by its own account."""
    names = set()
    for section in envoy.config_dump().get("configs", ()):
        for entry in section.get("dynamic_active_clusters", ()):
            names.add(entry["cluster"]["name"])
        for entry in section.get("dynamic_route_configs", ()):
            names.add(entry["route_config"]["name"])
    return names


@BOTH_VARIANTS
def test_a_change_reaches_envoy_and_config_dump_shows_it(
    server: ServerProcess, site: Site, blue: Upstream, green: Upstream, envoys: Envoys, variant: Variant
) -> None:
    apply(server, site.points_at(blue))
    envoy = envoys.start(variant)
    envoy.wait_until(lambda: dynamic_names(envoy) == {"blue", "web"}, "blue in config_dump")

    apply(server, site.points_at(green), "--wait")

    envoy.wait_until(lambda: dynamic_names(envoy) == {"green", "web"}, "green, without blue, in config_dump")
    node = server.run("nodes", "-o", "json").json()["nodes"][0]
    assert (node["id"], node["group"], node["state"], node["revision"]) == ("edge-1", "edge", "current", 2)


@BOTH_VARIANTS
def test_what_envoy_rejects_is_explained_with_its_words_and_line_while_it_serves_the_old(
    server: ServerProcess, site: Site, blue: Upstream, envoys: Envoys, variant: Variant
) -> None:
    apply(server, site.points_at(blue))
    envoy = envoys.start(variant)
    envoy.wait_until(lambda: site.listens, "the listener")
    with Traffic(site.port) as traffic:
        wait_for(lambda: traffic.last == "blue", "traffic to blue")
        bad = site.points_at(blue, route_match='{safe_regex: {regex: "(unclosed"}}')
        done = server.run("apply", str(bad.directory), "--wait")
        assert done.code == 6, done

        why = server.run("why", "web", "--group", "edge")
        assert "edge-1" in why.out, why
        assert "missing ): (unclosed" in why.out, why
        assert "routes.yaml:1" in why.out, why

        undone = server.run("rollback", "1", "--group", "edge", "--wait", "--yes")
        assert undone.code == 0, undone
        seen = traffic.total
        wait_for(lambda: traffic.total > seen + 10, "more traffic")
    assert traffic.failures == []
    assert server.run("nodes", "-o", "json").json()["nodes"][0]["state"] == "current"


@BOTH_VARIANTS
def test_a_killed_server_comes_back_and_resends_nothing_that_envoy_has(
    server: ServerProcess, site: Site, blue: Upstream, envoys: Envoys, variant: Variant
) -> None:
    apply(server, site.points_at(blue))
    envoy = envoys.start(variant)
    envoy.wait_until(lambda: site.listens, "the listener")
    with Traffic(site.port) as traffic:
        wait_for(lambda: traffic.last == "blue", "traffic to blue")
        server.kill()
        wait_for(lambda: envoy.statistics("control_plane.connected_state")["control_plane.connected_state"] == 0,
                 "Envoy to notice")  # fmt: skip
        before = changes(envoy)
        assert sum(before.values()) >= 3
        server.start()
        wait_for(lambda: node_state(server) == "current", "Envoy to be back and current")
        seen = traffic.total
        wait_for(lambda: traffic.total > seen + 10, "more traffic")
    assert traffic.failures == []
    assert changes(envoy) == before
    if variant is Variant.DELTA:
        assert resources_sent(server) == 0


def changes(envoy: Envoy) -> dict[str, int]:
    """How many listeners, clusters and routes Envoy has added, modified or removed since it started."""
    names = r"(listener_manager\.listener_(added|modified|removed)|cluster_manager\.cluster_(added|modified|removed)"
    return envoy.statistics(names + r"|config_reload)$")


def node_state(server: ServerProcess) -> str:
    nodes = server.run("nodes", "-o", "json")
    found = nodes.json()["nodes"] if nodes.code == 0 else []
    return str(found[0]["state"]) if found else ""


def resources_sent(server: ServerProcess) -> float:
    """Resources in all responses since the server started, by its own metrics.

    A state-of-the-world client that asks by name is always answered (docs/xds.md, rule 21): Envoy is given routes and
    endpoints again, and changes nothing.
    """
    status, text = server.ask("/metrics")
    assert status == 200
    assert "fairlead_xds_connects_total{" in text
    rows = [row for row in text.splitlines() if row.startswith("fairlead_xds_pushed_resources_total{")]
    return sum(float(row.rsplit(" ", 1)[1]) for row in rows)


def test_rollback_restores_the_same_bytes(server: ServerProcess, site: Site, blue: Upstream, green: Upstream) -> None:
    apply(server, site.points_at(blue))
    first = server.run("show", "1", "--group", "edge", "-o", "json").json()
    apply(server, site.points_at(green))
    assert server.run("rollback", "1", "--group", "edge", "--yes").code == 0

    again = server.run("show", "3", "--group", "edge", "-o", "json").json()
    assert again["resources"] == first["resources"]
    assert again["revision"]["snapshot"] == first["revision"]["snapshot"]
    assert again["revision"]["rolled_back_to"] == 1
