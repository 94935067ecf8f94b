"""Rule 4: a NACK is the presence of `error_detail`; subscription changes in it still apply."""

from __future__ import annotations

from tests.builders import assignment, cluster
from tests.transcripts import DELTA, STATE, an_edge
from xds.protocol.plan import Acked, Rejected
from xds.protocol.requests import DeltaRequest, ErrorDetail, StateRequest
from xds.protocol.types import CLUSTER, ENDPOINT
from xds.protocol.variant import Variant


def test_a_rejection_is_told_in_the_words_of_the_client(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")])
    response = edge.asks(CLUSTER).only
    (rejected,) = edge.nacks(CLUSTER, because="connect_timeout: must be > 0s").seen(Rejected)
    assert rejected == Rejected(CLUSTER, response.nonce, 1, 3, "connect_timeout: must be > 0s", ("web",))


def test_the_version_in_a_request_decides_nothing() -> None:
    edge = an_edge(STATE, [cluster("web")])
    response = edge.asks(CLUSTER).only
    answer = edge.sends(StateRequest(CLUSTER, response.version, (), response.nonce, ErrorDetail(3, "no")))
    assert answer.seen(Rejected)
    assert not answer.seen(Acked)


def test_a_rejection_without_words_is_one_all_the_same(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")])
    edge.asks(CLUSTER)
    assert edge.nacks(CLUSTER, because="").seen(Rejected)


def test_subscriptions_in_a_rejection_apply() -> None:
    edge = an_edge(DELTA, [assignment("web"), assignment("api")])
    nonce = edge.asks(ENDPOINT, "web").only.nonce
    request = DeltaRequest(ENDPOINT, subscribe=("api",), response_nonce=nonce, error_detail=ErrorDetail(3, "no"))
    assert edge.sends(request).names == {"api"}


def test_names_in_a_rejection_apply_in_the_state_of_the_world_too() -> None:
    edge = an_edge(STATE, [assignment("web"), assignment("api")])
    response = edge.asks(ENDPOINT, "web").only
    request = StateRequest(ENDPOINT, "", ("web", "api"), response.nonce, ErrorDetail(3, "no"))
    assert edge.sends(request).names == {"api"}
