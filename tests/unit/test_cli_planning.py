"""What a plan comes to, in the words of a terminal."""

from __future__ import annotations

from typing import Any

from api.cli.planning import plan_document, summary_lines
from api.management.v1 import management_pb2 as pb

ROUTE = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"


def a_plan(**fields: Any) -> pb.PlanResponse:
    changes = [pb.Change(kind=pb.Change.CHANGED, type_url=ROUTE, name="web", before_version="1", after_version="2")]
    reached = {"nodes_reached": 412, "nodes_total": 1200}
    return pb.PlanResponse(group="edge", workspace="shop", base=1841, changes=changes, **reached, **fields)


def places(**regions: int) -> list[pb.Locality]:
    return [pb.Locality(region=region, zone="a", nodes=nodes) for region, nodes in regions.items()]


def test_a_plan_that_cuts_nothing_says_so() -> None:
    assert summary_lines(a_plan(localities=places(eu=250, us=12) + places(eu=150))) == [
        "xDS: 1 route changed. Reaches 412 of 1200 gateways (eu 400, us 12).",
        "Drains no listener. Warms no cluster. Base: revision 1841",
    ]


def test_gateways_that_do_not_say_where_they_are_are_elsewhere_or_not_told_apart() -> None:
    nowhere = [pb.Locality(nodes=400)]
    assert summary_lines(a_plan(localities=nowhere))[0].endswith("Reaches 412 of 1200 gateways.")
    assert summary_lines(a_plan(localities=nowhere + places(us=12)))[0].endswith("(elsewhere 400, us 12).")


def test_each_listener_that_drains_and_each_cluster_that_is_made_anew_has_a_line() -> None:
    drains = [
        pb.Drain(listener="web", whole=True, because="address changed"),
        pb.Drain(listener="tls\x1b", filter_chains=["a", "b"], because="changed or removed"),
    ]
    warmings = [pb.Warming(cluster="carts", rebuilt=True), pb.Warming(cluster="new")]
    assert summary_lines(a_plan(drains=drains, warmings=warmings))[1:] == [
        "drains listener web: address changed; all its connections are cut",
        r"drains of listener tls\x1b filter chain a, b: changed or removed; its connections are cut",
        "warms cluster carts anew: its connections to backends are closed",
        "Drains 1 listener and 2 filter chains. Warms 2 clusters. Base: revision 1841",
    ]


def test_programs_are_told_the_same() -> None:
    drain = pb.Drain(listener="web", whole=True, because="it is removed")
    document = plan_document(a_plan(localities=places(eu=412), drains=[drain]))
    assert document["localities"] == [{"region": "eu", "zone": "a", "nodes": 412}]
    assert document["drains"] == [{"listener": "web", "whole": True, "filter_chains": [], "because": "it is removed"}]
    assert (document["warmings"], document["beyond_budgets"], document["objects"]) == ([], [], [])
