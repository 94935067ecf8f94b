"""Rule 13: unsubscribing a name while `*` is held is answered with the resource, or its removal."""

from __future__ import annotations

from tests.builders import cluster
from tests.transcripts import DELTA, an_edge
from xds.protocol.types import CLUSTER


def test_one_that_exists_is_sent() -> None:
    edge = an_edge(DELTA, [cluster("web"), cluster("api")])
    edge.acks_all(edge.asks(CLUSTER, "*", "web"))
    assert edge.drops(CLUSTER, "web").names == {"web"}


def test_one_that_does_not_is_removed() -> None:
    edge = an_edge(DELTA, [cluster("api")])
    edge.acks_all(edge.asks(CLUSTER, "*", "missing"))
    assert edge.drops(CLUSTER, "missing").removed == {"missing"}


def test_without_a_wildcard_nothing_is_said() -> None:
    edge = an_edge(DELTA, [cluster("web")])
    edge.acks_all(edge.asks(CLUSTER, "web"))
    assert edge.drops(CLUSTER, "web").responses == ()


def test_dropping_what_was_never_asked_for_disturbs_nothing() -> None:
    edge = an_edge(DELTA, [cluster("web")])
    edge.acks_all(edge.asks(CLUSTER, "web"))
    assert edge.drops(CLUSTER, "never").close is None
    assert edge.is_served(cluster("web", "b")).names == {"web"}
