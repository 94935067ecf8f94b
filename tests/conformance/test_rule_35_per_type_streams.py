"""Rule 35: an Envoy without ADS opens a stream per type, or one per cluster."""

from __future__ import annotations

from tests.builders import assignment, cluster, route
from tests.transcripts import an_edge
from xds.protocol.types import CLUSTER, ENDPOINT, ROUTE
from xds.protocol.variant import Variant


def test_a_stream_of_one_type_waits_for_no_other(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web", endpoints="web")], only_type=ENDPOINT)
    edge.acks_all(edge.asks(ENDPOINT, "web"))
    assert edge.is_served(cluster("web", "b", endpoints="web"), assignment("web")).types == [ENDPOINT]


def test_streams_of_different_clients_are_apart(variant: Variant) -> None:
    clusters = an_edge(variant, [cluster("web"), route("main", to=("web",))], only_type=CLUSTER)
    routes = an_edge(variant, catalogue=clusters.catalogue, only_type=ROUTE)
    clusters.asks(CLUSTER)
    routes.acks_all(routes.asks(ROUTE, "main"))
    clusters.is_served(cluster("web", "b"), route("main", "b", to=("web",)))
    assert routes.waits(0).names == {"main"}
