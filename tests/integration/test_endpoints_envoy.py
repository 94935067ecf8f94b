"""Endpoints apart from configuration, with a real Envoy under traffic: no request fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.demo.envoy import Envoy
from examples.demo.traffic import Traffic, Upstream
from tests.commands import told
from tests.spine import ServerProcess, a_site, wait_for
from xds.protocol.variant import Variant

pytestmark = [pytest.mark.envoy, pytest.mark.etcd]


def only(traffic: Traffic, name: str) -> None:
    """Returns when 50 answers in a row were this upstream's."""

    def fifty_more() -> bool:
        others, seen = traffic.total - traffic.answers[name], traffic.total
        wait_for(lambda: traffic.total >= seen + 50, "50 more answers")
        return traffic.total - traffic.answers[name] == others

    wait_for(fifty_more, f"traffic to {name} alone")


def test_endpoints_are_drained_replaced_and_cleared_under_traffic_without_a_failed_request(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "server").start()
    site = a_site(tmp_path / "site")
    with Upstream("blue") as blue, Upstream("green") as green:
        told(server.run("apply", str(site.points_at(blue).directory)), 0)
        envoy = Envoy.start(tmp_path / "envoy", server.xds, node="edge-1", group="edge", variant=Variant.DELTA)
        try:
            envoy.wait_until(lambda: site.listens, "the listener")
            with Traffic(site.port) as traffic:
                only(traffic, "blue")
                told(server.run("endpoints", "set", "blue", "--add", f"127.0.0.1:{green.port},weight=1"), 0)
                wait_for(lambda: traffic.last == "green", "traffic to both")
                told(server.run("endpoints", "drain", "blue", f"127.0.0.1:{blue.port}"), 0)
                only(traffic, "green")
                told(server.run("endpoints", "undrain", "blue", f"127.0.0.1:{blue.port}"), 0)
                wait_for(lambda: traffic.last == "blue", "traffic to both again")
                told(server.run("endpoints", "set", "blue", f"127.0.0.1:{green.port}"), 0)
                only(traffic, "green")
                told(server.run("endpoints", "clear", "blue"), 0)
                only(traffic, "blue")
            assert traffic.failures == []
            node = server.run("nodes", "-o", "json").json()["nodes"][0]
            assert (node["state"], node["revision"]) == ("current", 1)
        finally:
            envoy.stop()
            assert server.stop() == 0
