"""What the operator at 3 a.m. meets: etcd gone and back, two servers on one etcd, a server that is told to stop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from examples.demo.envoy import Envoy
from examples.demo.traffic import Traffic, Upstream
from tests.etcds import Member, newest_etcd, running
from tests.spine import ServerProcess, Site, a_site, wait_for

pytestmark = [pytest.mark.envoy, pytest.mark.etcd]


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[Member]:
    with running(newest_etcd(), tmp_path / "etcd") as member:
        yield member


@pytest.fixture
def server(tmp_path: Path, etcd: Member) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path / "server", "--etcd", etcd.endpoint, command="serve").start()
    yield process
    process.stop()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return a_site(tmp_path / "site")


@pytest.fixture
def upstreams() -> Iterator[tuple[Upstream, Upstream]]:
    with Upstream("blue") as blue, Upstream("green") as green:
        yield blue, green


def test_with_etcd_dead_the_edge_is_served_and_publishing_says_why_not(
    tmp_path: Path, etcd: Member, server: ServerProcess, site: Site, upstreams: tuple[Upstream, Upstream]
) -> None:
    blue, green = upstreams
    assert server.run("apply", str(site.points_at(blue).directory)).code == 0
    with ExitStack() as stack:
        first = _an_envoy(stack, tmp_path, server, "edge-1")
        first.wait_until(lambda: site.listens, "the listener")
        traffic = stack.enter_context(Traffic(site.port))
        wait_for(lambda: traffic.last == "blue", "traffic to blue")

        etcd.kill()
        wait_for(lambda: server.ask("/readyz")[0] == 503, "readiness to say so")
        assert server.ask("/healthz")[0] == 200
        refused = server.run("apply", str(site.points_at(green).directory), "--yes")
        assert refused.code == 4, refused
        assert "etcd" in refused.err
        assert "Traceback" not in refused.err
        status = server.run("status", "-o", "json")
        assert status.code == 0, status
        assert status.json()["store"]["reachable"] is False
        second = _an_envoy(stack, tmp_path, server, "edge-2")
        second.wait_until(lambda: _clusters(second) == {"blue"}, "a newcomer to be served while etcd is dead")

        etcd.start()
        wait_for(lambda: server.ask("/readyz")[0] == 200, "the server to heal")
        applied = server.run("apply", str(site.directory), "--yes", "--wait")
        assert applied.code == 0, applied
        wait_for(lambda: traffic.last == "green", "traffic to green")
    assert traffic.failures == []


def test_two_servers_on_one_etcd_serve_the_same_and_a_gateway_can_move_between_them(
    tmp_path: Path, etcd: Member, server: ServerProcess, site: Site, upstreams: tuple[Upstream, Upstream]
) -> None:
    blue, green = upstreams
    assert server.run("apply", str(site.points_at(blue).directory)).code == 0
    with ExitStack() as stack:
        other = ServerProcess(tmp_path / "other", "--etcd", etcd.endpoint, command="serve").start()
        stack.callback(other.stop)
        assert other.run("apply", str(site.points_at(green).directory), "--yes").code == 0

        wait_for(lambda: _shown(server) == _shown(other), "both to know revision 2")
        envoy = _an_envoy(stack, tmp_path, server, "edge-1")
        envoy.wait_until(lambda: _clusters(envoy) == {"green"}, "what was applied at the other server")


def test_a_server_told_to_stop_ends_with_code_0_and_its_etcd_with_it(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "server").start()
    assert server.stop() == 0
    again = server.start()
    assert again.stop() == 0


def _an_envoy(stack: ExitStack, directory: Path, server: ServerProcess, node: str) -> Envoy:
    # One listener port for all: gateways of one group bind the same, and SO_REUSEPORT lets them share it here.
    envoy = Envoy.start(directory / "envoy", server.xds, node=node, group="edge")
    stack.callback(envoy.stop)
    return envoy


def _clusters(envoy: Envoy) -> set[str]:
    return {
        entry["cluster"]["name"]
        for section in envoy.config_dump().get("configs", ())
        for entry in section.get("dynamic_active_clusters", ())
    }


def _shown(server: ServerProcess) -> object:
    done = server.run("show", "2", "--group", "edge", "-o", "json")
    return done.json() if done.code == 0 else done.err
