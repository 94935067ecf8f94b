"""Rule 2: SotW: a request with a stale nonce is ignored and not answered."""

from __future__ import annotations

from tests.builders import assignment, cluster
from tests.transcripts import STATE, an_edge
from xds.protocol.plan import Acked, Stale
from xds.protocol.requests import StateRequest
from xds.protocol.types import CLUSTER, ENDPOINT


def test_what_goes_with_a_stale_nonce_is_void() -> None:
    edge = an_edge(STATE, [assignment("web"), assignment("api")])
    first = edge.asks(ENDPOINT, "web").only
    edge.acks(ENDPOINT)
    edge.is_served(assignment("web", "b"), assignment("api"))

    answer = edge.sends(StateRequest(ENDPOINT, first.version, ("web", "api"), first.nonce))

    assert answer.responses == ()
    assert answer.seen(Stale) == [Stale(ENDPOINT, first.nonce)]
    assert edge.acks(ENDPOINT).seen(Acked)


def test_the_names_count_when_they_come_with_the_current_nonce() -> None:
    edge = an_edge(STATE, [assignment("web"), assignment("api")])
    edge.asks(ENDPOINT, "web")
    edge.acks(ENDPOINT)
    assert edge.asks(ENDPOINT, "api").names == {"api"}


def test_a_nonce_that_never_was_acknowledges_nothing() -> None:
    edge = an_edge(STATE, [cluster("web")])
    edge.asks(CLUSTER)
    answer = edge.sends(StateRequest(CLUSTER, response_nonce="never was"))
    assert answer.responses == ()
    assert answer.seen(Stale)
    assert not answer.seen(Acked)
