"""Rule 3: delta: a stale nonce never voids a request."""

from __future__ import annotations

from tests.builders import assignment
from tests.transcripts import DELTA, an_edge
from xds.protocol.plan import Stale
from xds.protocol.requests import DeltaRequest
from xds.protocol.types import ENDPOINT


def test_subscriptions_beside_a_stale_nonce_apply() -> None:
    edge = an_edge(DELTA, [assignment("web"), assignment("api")])
    edge.asks(ENDPOINT, "web")
    answer = edge.sends(DeltaRequest(ENDPOINT, subscribe=("api",), response_nonce="long ago"))
    assert answer.names == {"api"}
    assert answer.seen(Stale)


def test_unsubscriptions_beside_a_stale_nonce_apply() -> None:
    edge = an_edge(DELTA, [assignment("web")])
    edge.asks(ENDPOINT, "web")
    edge.acks(ENDPOINT)
    edge.sends(DeltaRequest(ENDPOINT, unsubscribe=("web",), response_nonce="long ago"))
    assert edge.is_served(assignment("web", "b")).responses == ()
