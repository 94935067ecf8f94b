"""Rule 28: two clusters can share one EDS name; the second sends no request."""

from __future__ import annotations

from tests.builders import assignment, cluster
from tests.transcripts import an_edge
from xds.protocol.types import CLUSTER, ENDPOINT
from xds.protocol.variant import Variant


def test_the_second_cluster_is_followed_by_the_endpoints_that_it_does_not_ask_for(variant: Variant) -> None:
    web, shared = cluster("web", endpoints="shared"), assignment("shared")
    edge = an_edge(variant, [web, shared])
    edge.acks_all(edge.asks(CLUSTER))
    edge.acks_all(edge.asks(ENDPOINT, "shared"))

    answer = edge.is_served(web, cluster("second", endpoints="shared"), shared)

    assert answer.types == [CLUSTER, ENDPOINT]
    assert answer.of(ENDPOINT).names == {"shared"}


def test_one_of_two_clusters_goes_and_the_endpoints_stay(variant: Variant) -> None:
    web, api = cluster("web", endpoints="shared"), cluster("api", endpoints="shared")
    edge = an_edge(variant, [web, api])
    edge.acks_all(edge.asks(CLUSTER))
    edge.acks_all(edge.asks(ENDPOINT, "shared"))
    answer = edge.is_served(web)
    assert answer.types == [CLUSTER]
    assert edge.acks_all(answer).responses == ()
