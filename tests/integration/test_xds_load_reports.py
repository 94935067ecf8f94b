"""Load reporting by raw clients: what they are asked for, what their reports come to, and what ends their streams."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest

from api.errors import Denied
from tests.clients import DeltaClient, LoadClient
from tests.edges import GROUP, EdgeForTests, a_cluster, an_edge, eventually
from xds.fleet.load import ClusterLoad, Locality, MetricSum
from xds.protocol.types import CLUSTER, GroupName
from xds.transport import load_reports
from xds.transport.limits import Limits
from xds.transport.server import XdsOptions

HERE = {"region": "eu", "zone": "eu-1", "sub_zone": "a"}


class OlderClient(LoadClient):
    """Has to be told which clusters."""

    features = ()


def some_load(cluster: str = "web", **counts: Any) -> Mapping[str, Any]:
    return {"cluster_name": cluster, "upstream_locality_stats": [{"locality": HERE, **counts}]}


def the_cluster(edge: EdgeForTests, name: str = "web") -> ClusterLoad:
    (cluster,) = edge.server.loads.told(GROUP, name).clusters
    return cluster


async def reported(edge: EdgeForTests, number: int) -> None:
    await eventually(lambda: edge.server.loads.told(GROUP).reports >= number, f"{number} reports have come")


@asynccontextmanager
async def a_serving_edge(**limits: Any) -> AsyncIterator[EdgeForTests]:
    async with an_edge(XdsOptions(limits=Limits(**limits), load_reporting_interval_s=2.5)) as edge:
        edge.serve(a_cluster("web"), a_cluster("api"))
        yield edge


async def test_a_client_that_understands_it_is_asked_for_all_its_clusters() -> None:
    async with a_serving_edge() as edge, LoadClient(edge.address) as client:
        await client.report()
        asked = await client.asked()
        assert (asked.send_all_clusters, list(asked.clusters)) == (True, [])
        assert asked.load_reporting_interval.ToMilliseconds() == 2500
        assert not asked.report_endpoint_granularity


async def test_others_are_asked_for_the_clusters_of_their_group_and_again_when_these_change() -> None:
    async with a_serving_edge() as edge, OlderClient(edge.address) as client:
        await client.report()
        asked = await client.asked()
        assert (asked.send_all_clusters, list(asked.clusters)) == (False, ["api", "web"])
        edge.serve(a_cluster("web"), a_cluster("api", "changed"))
        edge.serve(a_cluster("web"))
        assert list((await client.asked()).clusters) == ["web"]


async def test_a_report_is_counted_by_cluster_and_locality() -> None:
    async with a_serving_edge() as edge, LoadClient(edge.address) as client:
        await client.report()
        await client.asked()
        load = some_load(
            total_issued_requests=20,
            total_successful_requests=15,
            total_error_requests=3,
            total_requests_in_progress=2,
            load_metric_stats=[
                {"metric_name": "queue", "num_requests_finished_with_metric": 4, "total_metric_value": 1.5},
                {"metric_name": "broken", "num_requests_finished_with_metric": 4, "total_metric_value": "NaN"},
            ],
            cpu_utilization={"num_requests_finished_with_metric": 4, "total_metric_value": 2},
        )
        dropped = {"total_dropped_requests": 5, "dropped_requests": [{"category": "overload", "dropped_count": 4}]}
        await client.report({**load, **dropped, "cluster_service_name": "web-endpoints"})
        await reported(edge, 2)

        cluster = the_cluster(edge)
        assert (cluster.service, cluster.dropped, cluster.drops) == ("web-endpoints", 5, {"overload": 4})
        (locality,) = cluster.localities
        assert locality.locality == Locality("eu", "eu-1", "a")
        assert locality.metrics == (MetricSum("cpu_utilization", 4, 2.0), MetricSum("queue", 4, 1.5))
        load_of = locality.load
        assert (load_of.issued, load_of.successful, load_of.errors, load_of.in_progress) == (20, 15, 3, 2)
        assert (load_of.issued_per_s, load_of.finished_per_s, load_of.errors_per_s) == (2.0, 1.8, 0.3)


async def test_what_a_client_counted_before_it_came_back_is_in_its_first_message() -> None:
    async with a_serving_edge() as edge, LoadClient(edge.address) as client:
        await client.report(some_load(total_issued_requests=7))
        await client.asked()
        await reported(edge, 1)
        assert the_cluster(edge).load.issued == 7


async def test_a_client_that_leaves_counts_no_longer_for_what_goes_on() -> None:
    async with a_serving_edge() as edge, LoadClient(edge.address, "edge-1") as stays:
        async with LoadClient(edge.address, "edge-2") as leaves:
            for client in (stays, leaves):
                await client.report(some_load(total_requests_in_progress=3, total_issued_requests=10))
            await reported(edge, 2)
            assert (the_cluster(edge).load.in_progress, edge.server.loads.told(GROUP).reporters) == (6, 2)
        await eventually(lambda: edge.server.loads.told(GROUP).reporters == 1, "one has left")
        assert (the_cluster(edge).load.in_progress, the_cluster(edge).load.issued) == (3, 20)
    await eventually(lambda: edge.server.loads.told(GROUP).reporters == 0, "both have left")
    assert (the_cluster(edge).load.issued, the_cluster(edge).load.issued_per_s) == (20, 0)


async def test_a_client_that_falls_silent_counts_no_longer_for_what_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_reports, "SILENT_S", 0.2)
    monkeypatch.setattr(load_reports, "SILENT_INTERVALS", 0)
    async with a_serving_edge() as edge, LoadClient(edge.address) as client:
        await client.report(some_load(total_requests_in_progress=3))
        await reported(edge, 1)
        await eventually(lambda: the_cluster(edge).load.in_progress == 0, "its silence is noticed")
        assert edge.server.loads.told(GROUP).reporters == 1


async def test_a_client_of_no_group_is_asked_when_the_group_appears_and_not_before() -> None:
    later = GroupName("later")
    async with an_edge() as edge, LoadClient(edge.address, cluster=later) as client:
        await client.report(some_load(total_issued_requests=1))
        assert await client.hears_nothing()
        assert edge.server.loads.groups() == ()
        edge.serve(a_cluster("web"), group=later)
        assert (await client.asked()).send_all_clusters
        await client.report(some_load(total_issued_requests=2))
        await eventually(lambda: edge.server.loads.told(later).reports, "its report has come")
        assert edge.server.loads.told(later).clusters[0].load.issued == 2


async def test_with_an_interval_of_nothing_nobody_is_asked() -> None:
    async with an_edge(XdsOptions(load_reporting_interval_s=0)) as edge, LoadClient(edge.address) as client:
        edge.serve(a_cluster("web"))
        await client.report()
        assert await client.hears_nothing()


async def test_one_who_reports_is_no_node_of_the_fleet_and_is_among_the_open_streams() -> None:
    async with a_serving_edge() as edge, LoadClient(edge.address) as client:
        await client.report()
        await client.asked()
        assert edge.fleet.node("edge-1") is None
        assert edge.server.streams == 1


async def test_the_first_message_must_name_the_node() -> None:
    async with a_serving_edge() as edge, LoadClient(edge.address, node="") as client:
        await client.report()
        code, words = await client.status()
        assert (code.name, "must carry a node with an id" in words) == ("INVALID_ARGUMENT", True)
        assert [close.status for close in edge.observer.refusals] == ["INVALID_ARGUMENT"]


async def test_the_node_may_be_said_again_and_must_stay_the_same() -> None:
    async with a_serving_edge() as edge, LoadClient(edge.address) as client:
        for node in ("edge-1", "edge-1", "edge-2"):
            client.node, client._named = node, False
            await client.report()
        code, words = await client.status()
        assert (code.name, "open a new stream for another node" in words) == ("INVALID_ARGUMENT", True)


@pytest.mark.parametrize("named", [False, True], ids=["first", "later"])
async def test_what_is_no_report_ends_the_stream_with_words(named: bool) -> None:
    async with a_serving_edge() as edge, LoadClient(edge.address) as client:
        if named:
            await client.report()
            await client.asked()
        await client.send_bytes(b"\xff\x00rubbish")
        code, words = await client.status()
        assert (code.name, "LoadStatsRequest" in words) == ("INVALID_ARGUMENT", True)
        await eventually(lambda: edge.server.streams == 0, "the stream is let go of")
        assert edge.server.loads.told(GROUP).reporters == 0


async def test_a_report_larger_than_a_request_may_be_ends_the_stream() -> None:
    async with a_serving_edge(request_bytes=1000) as edge, LoadClient(edge.address) as client:
        await client.report(some_load("x" * 2000))
        assert (await client.status())[0].name == "RESOURCE_EXHAUSTED"


async def test_more_entries_than_are_read_are_left_out_and_told() -> None:
    async with a_serving_edge(load_entries=4) as edge, LoadClient(edge.address) as client:
        await client.report(*(some_load(f"c{number}", total_issued_requests=1) for number in range(5)))
        await client.report({"total_dropped_requests": 1})
        await reported(edge, 2)
        told = edge.server.loads.told(GROUP)
        assert [one.cluster for one in told.clusters] == ["c0", "c1"]
        assert told.over_limit == {"entry": 4}


async def test_names_that_would_upset_a_terminal_are_escaped_and_cut() -> None:
    async with a_serving_edge() as edge, LoadClient(edge.address) as client:
        await client.report(some_load("web\x1b[31m"), some_load("x" * 300))
        await reported(edge, 1)
        first, second = (one.cluster for one in edge.server.loads.told(GROUP).clusters)
        assert first == "web\\x1b[31m"
        assert second == "x" * 256 + " … (44 more characters)"


async def test_a_client_that_closes_its_half_is_ended_well() -> None:
    async with a_serving_edge() as edge, LoadClient(edge.address) as client:
        await client.report(some_load(total_issued_requests=1))
        await client.asked()
        await client.call.done_writing()
        assert (await client.status())[0] is grpc.StatusCode.OK
        assert the_cluster(edge).load.issued == 1


async def test_a_stream_that_never_reports_is_ended() -> None:
    async with a_serving_edge(first_request_s=0.2) as edge, LoadClient(edge.address) as client:
        assert (await client.status())[0].name == "DEADLINE_EXCEEDED"


async def test_streams_of_both_kinds_are_bounded_together() -> None:
    async with a_serving_edge(streams=1) as edge, DeltaClient(edge.address) as discovers:
        await discovers.subscribe(CLUSTER)
        await discovers.next()
        async with LoadClient(edge.address) as client:
            assert (await client.status())[0].name == "RESOURCE_EXHAUSTED"


async def test_a_server_that_goes_away_says_so() -> None:
    async with a_serving_edge() as edge, LoadClient(edge.address) as client:
        await client.report()
        await client.asked()
        await edge.server.drain(1.0)
        code, words = await client.status()
        assert (code.name, "connect again" in words) == ("UNAVAILABLE", True)


async def test_a_node_that_is_not_known_is_denied() -> None:
    def nobody(node: Any, proved: Any) -> GroupName:
        raise Denied(f"node {node.id!r} is not known here")

    async with an_edge(XdsOptions(identify=nobody)) as edge, LoadClient(edge.address) as client:
        await client.report()
        code, words = await client.status()
        assert (code.name, words) == ("PERMISSION_DENIED", "node 'edge-1' is not known here")
