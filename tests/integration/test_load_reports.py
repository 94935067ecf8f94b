"""Load reports from end to end: a real Envoy and a real gRPC client report, and commands and metrics tell of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.demo.envoy import Envoy
from examples.demo.traffic import Traffic, Upstream
from tests.proxyless import GROUP, Backend, Services, assert_none_failed, everybody, more
from tests.spine import ServerProcess, Site, a_site, wait_for

OFTEN = "--load-reporting-interval-s=0.2"
RECEIVED, STREAMS = "fairlead_load_reports_received_total", "fairlead_load_reports_streams"
ISSUED, FINISHED = "fairlead_traffic_issued_total", "fairlead_traffic_finished_total"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path / "server", "--memory", OFTEN).start()
    yield process
    process.stop()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return a_site(tmp_path / "site")


@pytest.fixture
def blue() -> Iterator[Upstream]:
    with Upstream("blue") as upstream:
        yield upstream


@pytest.fixture
def envoy(server: ServerProcess, site: Site, blue: Upstream, tmp_path: Path) -> Iterator[Envoy]:
    """It serves the site, and reports."""
    assert server.run("apply", str(site.points_at(blue).directory)).code == 0
    done = server.run("bootstrap", "envoy", "--node", "edge-1", "--load-reports")
    assert done.code == 0, done
    running = Envoy.run(tmp_path / "envoy", "edge-1", done.out)
    try:
        running.wait_until(lambda: site.listens, "the listener")
        yield running
    finally:
        running.stop()


def top(server: ServerProcess, *arguments: str) -> dict[str, Any]:
    """Clusters by name, of the only group that is told of."""
    done = server.run("top", "-o", "json", *arguments)
    assert done.code == 0, done
    (group,) = done.json()["groups"] or [{"clusters": []}]
    return {cluster["cluster"]: cluster for cluster in group["clusters"]}


def metric(server: ServerProcess, name: str, **labels: str) -> float:
    """The sum of a metric's rows that have these labels."""
    status, text = server.ask("/metrics")
    assert status == 200
    rows = re.findall(rf"^{name}{{(.*)}} (\S+)$", text, re.M)
    return sum(float(value) for told, value in rows if all(f'{key}="{labels[key]}"' in told for key in labels))


def reports_again(server: ServerProcess) -> None:
    """Wait until what was known before is in a report: the second from now, for the next may be under way."""
    before = metric(server, RECEIVED)
    wait_for(lambda: metric(server, RECEIVED) >= before + 2, "further reports")


@pytest.mark.envoy
def test_what_an_envoy_sends_is_what_the_server_tells(server: ServerProcess, envoy: Envoy, site: Site) -> None:
    reports_again(server)  # an Envoy leaves out what it counted of a cluster before it first reported of it
    with Traffic(site.port) as traffic:
        wait_for(lambda: metric(server, ISSUED, group="edge", cluster="blue") > 50, "requests to be reported")
        busy = top(server)["blue"]["load"]
        rows = server.run("top", "-o", "wide").out.splitlines()
    assert traffic.failures == []
    assert busy["issued_per_s"] > 0
    assert rows[0].split()[:3] == ["CLUSTER", "LOCALITY", "REQUESTS/S"]
    assert rows[1].split()[:2] == ["blue", "all"]

    wait_for(lambda: metric(server, ISSUED, cluster="blue") == traffic.total, f"all of {traffic.total} requests")
    reports_again(server)
    (locality,) = top(server, "blue")["blue"]["localities"]
    load = locality["load"]
    assert (load["issued"], load["successful"], load["errors"]) == (traffic.total, traffic.total, 0)
    assert (load["in_progress"], load["issued_per_s"]) == (0, 0)
    assert metric(server, FINISHED, cluster="blue", outcome="success") == traffic.total
    assert metric(server, STREAMS, group="edge") == 1


@pytest.mark.envoy
def test_an_upstream_that_is_gone_shows_as_errors_and_an_envoy_that_is_gone_counts_no_longer(
    server: ServerProcess, envoy: Envoy, site: Site, blue: Upstream
) -> None:
    reports_again(server)
    blue.__exit__()
    with Traffic(site.port):
        wait_for(lambda: metric(server, FINISHED, cluster="blue", outcome="error") > 10, "failures to be reported")
    reports_again(server)
    errors = metric(server, FINISHED, cluster="blue", outcome="error")
    envoy.stop()
    wait_for(lambda: metric(server, STREAMS, group="edge") == 0, "the stream to end")
    load = top(server)["blue"]["load"]
    assert load["errors"] == errors
    assert (load["in_progress"], load["issued_per_s"], load["errors_per_s"]) == (0, 0, 0)


def test_grpc_clients_report_what_they_call_in_each_zone(server: ServerProcess, tmp_path: Path) -> None:
    services = Services(tmp_path / "services")
    with Backend("blue") as blue, Backend("green") as green:
        services.routes("cart", {"v1": 1}).spread("v1", {"a": [blue], "b": [green]})
        assert server.run("apply", services.written(), "--yes").code == 0
        bootstrap = tmp_path / "bootstrap.json"
        bootstrap.write_text(server.run("bootstrap", "grpc", "--node", "cart-1", "--group", GROUP).out)
        with everybody("cart", bootstrap) as everyone:
            wait_for(lambda: metric(server, STREAMS, group=GROUP) == len(everyone), "everybody to report")
            more(everyone)
            for zone in ("a", "b"):
                wait_for(lambda zone=zone: metric(server, FINISHED, zone=zone, outcome="success") > 20, f"zone {zone}")
            (cluster,) = top(server, "--group", GROUP).values()
            told = {row["zone"]: row["load"]["successful"] for row in cluster["localities"]}
    assert_none_failed(everyone)
    called = {zone: sum(calls.answers[name] for calls in everyone) for zone, name in (("a", "blue"), ("b", "green"))}
    assert set(told) == {"a", "b"}
    assert all(told[zone] <= called[zone] for zone in told)
    assert cluster["load"]["errors"] == 0
    wait_for(lambda: metric(server, STREAMS, group=GROUP) == 0, "the streams to end")
