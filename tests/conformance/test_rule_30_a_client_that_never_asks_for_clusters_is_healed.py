"""Rule 30: after a CDS NACK on delta an Envoy that reconnects may never ask for CDS again."""

from __future__ import annotations

from tests.builders import assignment, cluster, listener, route
from tests.transcripts import DELTA, Edge, an_edge
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, ROUTE

SERVED = (cluster("web", endpoints="web"), assignment("web"))


def a_returning_edge() -> Edge:
    """It brings endpoints from an earlier stream, and says nothing of clusters."""
    edge = an_edge(DELTA, SERVED)
    edge.asks(ENDPOINT, "web", having={"web": SERVED[1].version})
    return edge


def test_the_clusters_are_pushed_without_being_asked_for() -> None:
    edge = a_returning_edge()
    answer = edge.waits(5)
    assert answer.of(CLUSTER).names == {"web"}
    assert answer.of(ENDPOINT).names == {"web"}


def test_once_answered_it_is_a_subscription_like_any_other() -> None:
    edge = a_returning_edge()
    edge.wants[CLUSTER] = ()
    edge.acks_all(edge.waits(5))
    assert edge.is_served(cluster("web", "b", endpoints="web"), SERVED[1]).of(CLUSTER).names == {"web"}


def test_a_client_that_asks_in_time_is_left_alone() -> None:
    edge = a_returning_edge()
    edge.acks_all(edge.asks(CLUSTER, having={"web": SERVED[0].version}))
    assert edge.waits(5).responses == ()


def test_a_client_that_dropped_it_and_asks_later_is_served_as_usual() -> None:
    edge = a_returning_edge()
    edge.acks_all(edge.waits(5).of(ENDPOINT))
    edge.acks_all(edge.asks(CLUSTER))
    assert edge.is_served(cluster("web", "b", endpoints="web"), SERVED[1]).of(CLUSTER).names == {"web"}


def test_a_client_that_wants_no_clusters_is_not_held_up_by_it() -> None:
    edge = a_returning_edge()
    edge.acks_all(edge.asks(LISTENER))
    edge.acks_all(edge.asks(ROUTE, "main"))
    edge.acks_all(edge.waits(5).of(ENDPOINT))
    assert edge.is_served(*SERVED, listener("main"), route("main")).types == [LISTENER]


def test_a_first_connection_is_left_alone() -> None:
    edge = an_edge(DELTA, SERVED)
    edge.acks_all(edge.asks(ENDPOINT, "web"))
    assert edge.waits(60).responses == ()


def test_a_stream_of_endpoints_alone_is_left_alone() -> None:
    edge = an_edge(DELTA, SERVED, only_type=ENDPOINT)
    edge.asks(ENDPOINT, "web", having={"web": SERVED[1].version})
    assert edge.waits(60).responses == ()
