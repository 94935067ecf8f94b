"""Load reports added up: counts that never go back, what goes on now, and a memory that does not grow."""

from __future__ import annotations

import math

import pytest

from tests.builders import a_cluster_report, a_locality_report
from xds.fleet import Loads
from xds.fleet.load import OTHERS, ClusterLoad, ClusterReport, LoadLimits, Locality, MetricSum
from xds.protocol.types import GroupName

EDGE = GroupName("edge")
HERE, THERE = Locality("eu", "eu-1", "a"), Locality("eu", "eu-2", "a")


def loads_of(*streams: int, limits: LoadLimits | None = None) -> Loads:
    loads = Loads(limits)
    for stream in streams:
        loads.opened(stream, EDGE)
    return loads


def the_cluster(loads: Loads, name: str = "web") -> ClusterLoad:
    (cluster,) = loads.told(EDGE, name).clusters
    return cluster


def test_reports_of_all_streams_add_up_by_locality() -> None:
    loads = loads_of(1, 2)
    loads.reported(1, [a_cluster_report(a_locality_report(HERE, issued=10, successful=8, errors=2))], 100)
    loads.reported(2, [a_cluster_report(a_locality_report(HERE, issued=5), a_locality_report(THERE, issued=1))], 100)
    loads.reported(2, [a_cluster_report(a_locality_report(HERE, issued=1))], 110)

    cluster = the_cluster(loads)
    assert [(one.locality, one.load.issued) for one in cluster.localities] == [(HERE, 16), (THERE, 1)]
    assert (cluster.load.issued, cluster.load.successful, cluster.load.errors) == (17, 8, 2)
    assert (cluster.service, cluster.reported_at_s) == ("web-endpoints", 110)


def test_what_goes_on_now_is_the_last_report_of_every_open_stream() -> None:
    loads = loads_of(1, 2)
    loads.reported(1, [a_cluster_report(a_locality_report(HERE, in_progress=7, issued=20))], 100)
    loads.reported(2, [a_cluster_report(a_locality_report(HERE, in_progress=2, issued=30))], 101)
    assert (the_cluster(loads).load.in_progress, the_cluster(loads).load.issued_per_s) == (9, 5.0)

    loads.reported(1, [a_cluster_report(a_locality_report(HERE, in_progress=1, issued=10))], 110)
    assert (the_cluster(loads).load.in_progress, the_cluster(loads).load.issued_per_s) == (3, 4.0)

    loads.closed(2)
    assert (the_cluster(loads).load.in_progress, the_cluster(loads).load.issued_per_s) == (1, 1.0)
    assert the_cluster(loads).load.issued == 60


def test_a_cluster_that_a_report_leaves_out_has_nothing_in_progress() -> None:
    loads = loads_of(1)
    loads.reported(1, [a_cluster_report(a_locality_report(HERE, in_progress=7, issued=20))], 100)
    loads.reported(1, [], 110)
    assert the_cluster(loads).load.in_progress == the_cluster(loads).load.issued_per_s == 0
    assert the_cluster(loads).load.issued == 20


def test_a_silent_stream_says_nothing_of_now_until_it_reports_again() -> None:
    loads = loads_of(1)
    report = a_cluster_report(a_locality_report(HERE, in_progress=7, issued=20))
    loads.reported(1, [report], 100)
    loads.silent(1)
    assert the_cluster(loads).load.in_progress == 0
    loads.reported(1, [report], 200)
    assert the_cluster(loads).load.in_progress == 7
    assert loads.told(EDGE).reporters == 1


def test_without_an_interval_a_rate_is_that_since_the_report_before() -> None:
    loads = loads_of(1)
    loads.reported(1, [a_cluster_report(a_locality_report(HERE, issued=20), interval_s=0)], 100)
    assert the_cluster(loads).load.issued_per_s == 0
    loads.reported(1, [a_cluster_report(a_locality_report(HERE, issued=20), interval_s=0)], 105)
    assert the_cluster(loads).load.issued_per_s == 4


def test_dropped_requests_are_told_in_all_and_by_category() -> None:
    loads = loads_of(1)
    for at_s in (100, 110):
        loads.reported(1, [a_cluster_report(dropped=10, drops=(("overload", 7), ("lottery", 2)))], at_s)
    cluster = the_cluster(loads)
    assert (cluster.dropped, cluster.drops, cluster.dropped_per_s) == (20, {"lottery": 4, "overload": 14}, 1.0)
    loads.closed(1)
    assert (the_cluster(loads).dropped, the_cluster(loads).dropped_per_s) == (20, 0)


def test_metrics_of_backends_are_counted_and_summed() -> None:
    loads = loads_of(1)
    metrics = (MetricSum("queue", 2, 0.5), MetricSum("cpu", 1, 0.25))
    for at_s in (100, 110):
        loads.reported(1, [a_cluster_report(a_locality_report(HERE, metrics=metrics))], at_s)
    (locality,) = the_cluster(loads).localities
    assert locality.metrics == (MetricSum("cpu", 2, 0.5), MetricSum("queue", 4, 1.0))


def test_a_sum_of_metrics_never_becomes_infinite() -> None:
    loads = loads_of(1)
    for at_s in (100, 110, 120):
        report = a_locality_report(HERE, metrics=(MetricSum("queue", 1, 1.7e308), MetricSum("debt", 1, -1.7e308)))
        loads.reported(1, [a_cluster_report(report)], at_s)
    (locality,) = the_cluster(loads).localities
    assert [math.isfinite(metric.total) for metric in locality.metrics] == [True, True]


def test_groups_are_apart_and_one_that_never_reported_is_forgotten() -> None:
    loads = loads_of(1)
    loads.opened(2, GroupName("other"))
    assert loads.groups() == ("edge", "other")
    loads.reported(1, [a_cluster_report()], 100)
    loads.closed(1)
    loads.closed(2)
    loads.closed(2)
    assert loads.groups() == ("edge",)
    assert loads.told(GroupName("other")).clusters == ()


def test_an_unknown_stream_is_ignored() -> None:
    loads = loads_of()
    loads.reported(1, [a_cluster_report()], 100)
    loads.silent(1)
    assert loads.groups() == ()


def test_clusters_beyond_the_limit_are_counted_as_others() -> None:
    loads = loads_of(1, limits=LoadLimits(clusters=2))
    names = ("web", "api", "cart", "mail")
    loads.reported(1, [a_cluster_report(a_locality_report(HERE, issued=1), cluster=name) for name in names], 100)
    told = loads.told(EDGE)
    assert {one.cluster: one.load.issued for one in told.clusters} == {"web": 1, "api": 1, OTHERS: 2}
    assert told.over_limit == {"cluster": 2}


def test_what_a_cluster_beyond_the_limit_drops_by_category_alone_is_counted_as_others() -> None:
    loads = loads_of(1, limits=LoadLimits(clusters=1))
    loads.reported(1, [a_cluster_report(cluster="a"), a_cluster_report(cluster="b", drops=(("throttle", 2),))], 0)
    assert [(one.cluster, one.drops) for one in loads.told(EDGE).clusters] == [(OTHERS, {"throttle": 2}), ("a", {})]


def test_a_cluster_that_nobody_reports_any_more_makes_room_and_its_counts_stay() -> None:
    loads = loads_of(1, limits=LoadLimits(clusters=2, cluster_kept_s=60))
    old = a_cluster_report(a_locality_report(HERE, issued=3), cluster="v1", dropped=4, drops=(("overload", 4),))
    loads.reported(1, [old, a_cluster_report(cluster="stays")], 100)
    loads.reported(1, [a_cluster_report(cluster="stays")], 150)
    loads.reported(1, [a_cluster_report(a_locality_report(HERE, issued=1), cluster="v2")], 170)
    told = {one.cluster: (one.load.issued, one.dropped) for one in loads.told(EDGE).clusters}
    assert told == {"stays": (0, 0), "v2": (1, 0), OTHERS: (3, 4)}
    assert loads.told(EDGE).over_limit == {}


def test_the_cluster_that_was_reported_longest_ago_makes_room() -> None:
    loads = loads_of(1, limits=LoadLimits(clusters=2, cluster_kept_s=60))
    loads.reported(1, [a_cluster_report(cluster="stays"), a_cluster_report(cluster="goes")], 100)
    loads.reported(1, [a_cluster_report(cluster="stays")], 150)
    loads.reported(1, [a_cluster_report(cluster="new")], 170)
    assert [one.cluster for one in loads.told(EDGE).clusters] == [OTHERS, "new", "stays"]


def test_localities_of_all_clusters_are_counted_once_each_and_given_back() -> None:
    def zones(*names: str, cluster: str) -> ClusterReport:
        return a_cluster_report(*(a_locality_report(Locality(zone=name), issued=1) for name in names), cluster=cluster)

    def told(loads: Loads, cluster: str) -> set[str]:
        return {row.locality.zone or row.locality.region for row in the_cluster(loads, cluster).localities}

    loads = loads_of(1, limits=LoadLimits(localities=2, all_localities=4))
    loads.reported(1, [zones("a", "b", "c", "d", cluster="web"), zones("a", "b", cluster="api")], 100)
    assert (told(loads, "web"), told(loads, "api")) == ({"a", "b", OTHERS}, {"a", OTHERS})

    loads = loads_of(1, limits=LoadLimits(clusters=1, all_localities=2, cluster_kept_s=60))
    loads.reported(1, [zones("a", "b", cluster="old")], 100)
    loads.reported(1, [], 110)
    loads.reported(1, [zones("a", "b", cluster="new")], 200)
    assert (told(loads, OTHERS), told(loads, "new")) == ({OTHERS}, {"a", OTHERS})


@pytest.mark.parametrize("limits", [LoadLimits(localities=3), LoadLimits(all_localities=3)])
def test_localities_beyond_a_limit_are_counted_as_others(limits: LoadLimits) -> None:
    loads = loads_of(1, limits=limits)
    report = [a_locality_report(Locality(zone=f"z{number}"), issued=1, in_progress=1) for number in range(10)]
    loads.reported(1, [a_cluster_report(*report)], 100)
    cluster = the_cluster(loads)
    assert (len(cluster.localities), cluster.load.issued, cluster.load.in_progress) == (4, 10, 10)
    assert loads.told(EDGE).over_limit == {"locality": 7}


def test_names_beyond_the_limit_grow_nothing() -> None:
    loads = loads_of(1, limits=LoadLimits(names=2))
    metrics = tuple(MetricSum(f"metric-{number}", 1, 1.0) for number in range(5))
    drops = tuple((f"category-{number}", 1) for number in range(5))
    loads.reported(1, [a_cluster_report(a_locality_report(HERE, metrics=metrics), dropped=5, drops=drops)], 100)
    cluster = the_cluster(loads)
    assert cluster.drops == {"category-0": 1, "category-1": 1, OTHERS: 3}
    assert len(cluster.localities[0].metrics) == 2
    assert loads.told(EDGE).over_limit == {"category": 3, "metric": 3}


@pytest.mark.parametrize("limits", [LoadLimits(shares=1), LoadLimits(all_shares=1)])
def test_what_goes_on_in_too_many_places_is_left_out_and_told(limits: LoadLimits) -> None:
    loads = loads_of(1, limits=limits)
    report = a_cluster_report(a_locality_report(HERE, in_progress=1, issued=1), a_locality_report(THERE, in_progress=5))
    loads.reported(1, [report], 100)
    assert the_cluster(loads).load.in_progress == 1
    assert loads.told(EDGE).over_limit == {"share": 1}
    loads.closed(1)
    assert the_cluster(loads).load.in_progress == 0


def test_entries_that_were_cut_off_are_told() -> None:
    loads = loads_of(1)
    loads.reported(1, [a_cluster_report()], 100, cut=12)
    assert loads.told(EDGE).over_limit == {"entry": 12}
