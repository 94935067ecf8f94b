"""What clients report, as the management API and the metrics tell it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from api.errors import NotFound
from api.management.v1 import management_pb2 as pb
from api.telemetry import metrics
from tests.clients import LoadClient
from tests.whole_servers import WholeServer, a_cluster_document, a_workspace, until, whole_server
from xds.protocol.types import GroupName

HERE = {"region": "eu", "zone": "eu-1", "sub_zone": "a"}
NEXT_DOOR = {**HERE, "sub_zone": "b"}
ANY_NUMBER = 2**64 - 1


@pytest.fixture
async def server() -> AsyncIterator[WholeServer]:
    metrics.start()
    async with whole_server() as server:
        for group in ("edge", "other"):
            await server.client.publish((a_workspace(group=group), a_cluster_document("web")))
        await until(lambda: len(server.parts.follower.heads) == 2, "both groups")
        yield server
    metrics.stop()


def a_client(server: WholeServer, node: str = "edge-1", group: str = "edge") -> LoadClient:
    return LoadClient(server.parts.addresses.xds, node, group)


def load(cluster: str, *localities: Mapping[str, Any], **fields: Any) -> Mapping[str, Any]:
    return {"cluster_name": cluster, "upstream_locality_stats": localities, **fields}


async def reported(server: WholeServer, number: int = 1, group: str = "edge") -> None:
    loads = server.parts.xds.loads
    await until(lambda: loads.told(GroupName(group)).reports >= number, f"{number} reports")


async def test_load_is_told_by_group_cluster_and_locality(server: WholeServer) -> None:
    async with a_client(server) as one, a_client(server, "edge-2", "other") as two:
        counts = {"total_issued_requests": 20, "total_successful_requests": 9, "total_error_requests": 1}
        metric = {"metric_name": "queue", "num_requests_finished_with_metric": 2, "total_metric_value": 0.5}
        web = load(
            "web",
            {"locality": HERE, **counts, "total_requests_in_progress": 10, "load_metric_stats": [metric]},
            cluster_service_name="web-endpoints",
            total_dropped_requests=5,
            dropped_requests=[{"category": "overload", "dropped_count": 4}],
        )
        await one.report(web, load("api"))
        await two.report(load("web"))
        await reported(server)
        await reported(server, group="other")

        edge, other = await server.client.get_load()
        assert [(told.group, told.reporters, told.reports) for told in (edge, other)] == [
            ("edge", 1, 1), ("other", 1, 1),
        ]  # fmt: skip
        api, told = edge.clusters
        assert (api.cluster, told.cluster, told.service) == ("api", "web", "web-endpoints")
        assert (told.dropped, told.dropped_per_s, dict(told.drops)) == (5, 0.5, {"overload": 4})
        expected = pb.Load(
            issued=20, successful=9, errors=1, in_progress=10, issued_per_s=2, finished_per_s=1, errors_per_s=0.1
        )
        assert told.load == expected
        assert list(told.localities) == [
            pb.LocalityLoad(**HERE, load=expected, metrics=[pb.BackendMetric(name="queue", count=2, total=0.5)])
        ]
        (only,) = await server.client.get_load("edge", "api")
        assert [one.cluster for one in only.clusters] == ["api"]
        (nothing,) = await server.client.get_load("edge", "unheard-of")
        assert not nothing.clusters


async def test_a_group_that_is_not_served_has_no_load(server: WholeServer) -> None:
    with pytest.raises(NotFound, match="there is no group 'nope'; there are: edge, other"):
        await server.client.get_load("nope")


async def test_a_group_that_nobody_reports_for_is_empty(server: WholeServer) -> None:
    (told,) = await server.client.get_load("edge")
    assert (told.group, told.reporters, len(told.clusters)) == ("edge", 0, 0)


async def test_any_number_may_be_reported_again_and_again(server: WholeServer) -> None:
    counts = dict.fromkeys(("total_issued_requests", "total_error_requests", "total_requests_in_progress"), ANY_NUMBER)
    async with a_client(server) as client:
        for _ in range(2):
            web = load("web", {"locality": HERE, **counts}, {"locality": NEXT_DOOR, **counts})
            await client.report({**web, "total_dropped_requests": ANY_NUMBER}, interval_s=1e-9)
        await reported(server, 2)
        (told,) = (await server.client.get_load("edge"))[0].clusters
        assert (told.load.issued, told.load.in_progress, told.dropped) == (ANY_NUMBER,) * 3
        assert told.load.issued_per_s > 1e27


async def test_metrics_tell_it_by_zone_and_outcome(server: WholeServer) -> None:
    async with a_client(server) as client:
        counts = {"total_issued_requests": 5, "total_successful_requests": 2, "total_error_requests": 1}
        drops = {"total_dropped_requests": 5, "dropped_requests": [{"category": "overload", "dropped_count": 4}]}
        rows = [{"locality": where, **counts, "total_requests_in_progress": 2} for where in (HERE, NEXT_DOOR)]
        await client.report(load("web", *rows, **drops), {})
        await reported(server)
        text = metrics.prometheus_text()[0].decode()
    place = 'cluster="web",group="edge"'
    where = 'region="eu",zone="eu-1"'
    for row in (
        f"fairlead_traffic_issued_total{{{place},{where}}} 10.0",
        f'fairlead_traffic_finished_total{{{place},outcome="success",{where}}} 4.0',
        f'fairlead_traffic_finished_total{{{place},outcome="error",{where}}} 2.0',
        f"fairlead_traffic_in_progress{{{place},{where}}} 4.0",
        f'fairlead_traffic_dropped_total{{category="overload",{place}}} 4.0',
        f'fairlead_traffic_dropped_total{{category="(none)",{place}}} 1.0',
        'fairlead_load_reports_received_total{group="edge"} 1.0',
        'fairlead_load_reports_streams{group="edge"} 1.0',
        'fairlead_load_reports_over_limit_total{group="edge",what="entry"} 1.0',
    ):
        assert row in text.splitlines()
