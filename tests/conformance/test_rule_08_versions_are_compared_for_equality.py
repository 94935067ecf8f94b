"""Rule 8: a version is a content hash: equal on every replica and after every restart."""

from __future__ import annotations

from tests.builders import cluster
from tests.transcripts import DELTA, an_edge
from xds.protocol.types import CLUSTER
from xds.protocol.variant import Variant


def test_two_servers_that_came_different_ways_name_the_same_state_alike(variant: Variant) -> None:
    one = an_edge(variant, [cluster("web"), cluster("old")])
    one.is_served(cluster("api"), cluster("web", "b"))
    other = an_edge(variant, [cluster("web", "b"), cluster("api")])
    assert one.asks(CLUSTER).only.version == other.asks(CLUSTER).only.version


def test_different_content_has_a_different_version(variant: Variant) -> None:
    one, other = an_edge(variant, [cluster("web")]), an_edge(variant, [cluster("web", "b")])
    assert one.asks(CLUSTER).only.version != other.asks(CLUSTER).only.version


def test_a_version_that_would_sort_after_ours_is_only_another_one(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")])
    later = "f" * 64
    answer = edge.asks(CLUSTER, having={"web": later}) if variant is DELTA else edge.asks(CLUSTER, version=later)
    assert answer.names == {"web"}
