"""Rule 25: a CDS add or update is followed by EDS for it, even if the endpoints did not change."""

from __future__ import annotations

from tests.builders import assignment, cluster, listener, route
from tests.transcripts import an_edge
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, ROUTE
from xds.protocol.variant import Variant


def test_unchanged_endpoints_follow_an_updated_cluster(variant: Variant) -> None:
    web, api = cluster("web", endpoints="web"), cluster("api", endpoints="api")
    edge = an_edge(variant, [web, api, assignment("web"), assignment("api")])
    edge.acks_all(edge.asks(CLUSTER))
    edge.acks_all(edge.asks(ENDPOINT, "web", "api"))

    answer = edge.is_served(cluster("web", "b", endpoints="web"), api, assignment("web"), assignment("api"))

    assert answer.types == [CLUSTER, ENDPOINT]
    assert answer.of(ENDPOINT).names == {"web"}
    assert edge.acks_all(answer).responses == ()


def test_endpoints_that_nobody_subscribes_to_do_not(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web", endpoints="web")])
    edge.acks_all(edge.asks(CLUSTER))
    edge.acks_all(edge.asks(ENDPOINT, "other"))
    assert edge.is_served(cluster("web", "b", endpoints="web")).types == [CLUSTER]


def test_a_listener_is_not_followed_by_its_routes(variant: Variant) -> None:
    edge = an_edge(variant, [listener("main", route="main"), route("main")])
    edge.acks_all(edge.asks(LISTENER))
    edge.acks_all(edge.asks(ROUTE, "main"))
    assert edge.is_served(listener("main", "b", route="main"), route("main")).types == [LISTENER]


def test_endpoints_that_change_with_their_cluster_do_not_wait_for_its_answer(variant: Variant) -> None:
    """Envoy answers clusters when they are warm: it would wait for the endpoints, and they for its answer."""
    edge = an_edge(variant, [cluster("web", endpoints="web"), assignment("web")])
    edge.acks_all(edge.asks(CLUSTER))
    edge.acks_all(edge.asks(ENDPOINT, "web"))
    answer = edge.is_served(cluster("web", "b", endpoints="web"), assignment("web", "b"))
    assert answer.types == [CLUSTER, ENDPOINT]
