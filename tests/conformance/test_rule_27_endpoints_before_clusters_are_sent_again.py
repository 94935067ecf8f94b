"""Rule 27: on a delta reconnect Envoy can ask for EDS before CDS; its EDS is sent again after the CDS response."""

from __future__ import annotations

from tests.builders import assignment, cluster
from tests.transcripts import DELTA, an_edge
from xds.protocol.types import CLUSTER, ENDPOINT

WEB, ENDPOINTS = cluster("web", endpoints="web"), assignment("web")


def test_the_endpoints_follow_the_cluster() -> None:
    edge = an_edge(DELTA, [WEB, ENDPOINTS])
    edge.acks_all(edge.asks(ENDPOINT, "web", having={"web": ENDPOINTS.version}))
    answer = edge.asks(CLUSTER, having={"web": "an older one"})
    assert answer.types == [CLUSTER, ENDPOINT]
    assert answer.of(ENDPOINT).names == {"web"}


def test_a_cluster_that_the_client_has_brings_none() -> None:
    edge = an_edge(DELTA, [WEB, ENDPOINTS])
    edge.acks_all(edge.asks(ENDPOINT, "web", having={"web": ENDPOINTS.version}))
    assert edge.asks(CLUSTER, having={"web": WEB.version}).types == [CLUSTER]
