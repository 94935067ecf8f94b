"""Rule 26: a cluster without endpoints gets an empty ClusterLoadAssignment, or warming hangs for 15 s."""

from __future__ import annotations

from tests.builders import assignment, cluster
from tests.transcripts import an_edge
from xds.protocol.types import CLUSTER, ENDPOINT
from xds.protocol.variant import Variant


def test_it_is_made_of_the_name_alone(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web", endpoints="web-endpoints")])
    (resource,) = edge.asks(ENDPOINT, "web-endpoints").only.resources
    assert resource.body == b"\x0a\x0dweb-endpoints"


def test_a_long_name_is_encoded_right(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web", endpoints="e" * 300)])
    (resource,) = edge.asks(ENDPOINT, "e" * 300).only.resources
    assert resource.body == b"\x0a\xac\x02" + b"e" * 300


def test_the_real_one_takes_its_place_and_gives_it_back(variant: Variant) -> None:
    web = cluster("web", endpoints="web")
    edge = an_edge(variant, [web])
    edge.acks_all(edge.asks(ENDPOINT, "web"))
    real = edge.is_served(web, assignment("web"))
    assert [resource.body for resource in real.only.resources] == [assignment("web").body]
    edge.acks_all(real)
    assert [resource.body for resource in edge.is_served(web).only.resources] == [b"\x0a\x03web"]


def test_it_goes_with_the_last_cluster_that_needs_it(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web", endpoints="shared"), cluster("api", endpoints="shared")])
    edge.is_served(cluster("api", endpoints="shared"))
    assert edge.asks(ENDPOINT, "shared").names == {"shared"}
    edge.is_served(cluster("api"))
    assert edge.reconnects().asks(ENDPOINT, "shared").names == set()


def test_a_cluster_of_another_kind_needs_none(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("static")])
    assert edge.asks(ENDPOINT, "static").names == set()
    assert edge.asks(CLUSTER).names == {"static"}
