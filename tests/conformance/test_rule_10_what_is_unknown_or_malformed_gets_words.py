"""Rule 10: an unknown nonce, type URL or malformed request gets a clear status or is ignored, never a traceback."""

from __future__ import annotations

import pytest

from tests.builders import assignment, cluster
from tests.transcripts import DELTA, an_edge
from xds.protocol.plan import Acked, Rejected, Stale
from xds.protocol.requests import DeltaRequest, ErrorDetail, StateRequest
from xds.protocol.session import Limits
from xds.protocol.types import CLUSTER, ENDPOINT, TypeUrl
from xds.protocol.variant import Variant


@pytest.mark.parametrize("type_url", ["", "clusters", "/", "a/", "/b"])
def test_what_is_no_type_url_ends_the_stream_with_words(variant: Variant, type_url: str) -> None:
    close = an_edge(variant).asks(TypeUrl(type_url)).close
    assert close is not None
    assert close.status == "INVALID_ARGUMENT"
    assert repr(type_url) in close.message


def test_a_type_that_nobody_knows_takes_nothing_from_the_others(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")])
    assert edge.asks(TypeUrl("type.googleapis.com/no.such.Type"), "one").close is None
    assert edge.asks(CLUSTER).names == {"web"}


def test_a_nonce_that_never_was_is_ignored(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")])
    edge.acks_all(edge.asks(CLUSTER))
    request = DeltaRequest if variant is DELTA else StateRequest
    answer = edge.sends(request(CLUSTER, response_nonce="never"))
    assert answer.responses == ()
    assert answer.close is None
    assert [one.nonce for one in answer.seen(Stale)] == ["never"]
    assert edge.is_served(cluster("web", "b")).names == {"web"}


def test_a_rejection_without_a_nonce_rejects_nothing(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")])
    edge.acks_all(edge.asks(CLUSTER))
    request = DeltaRequest if variant is DELTA else StateRequest
    answer = edge.sends(request(CLUSTER, error_detail=ErrorDetail(3, "no good")))
    assert answer.close is None
    assert not answer.seen(Rejected)
    assert edge.is_served(cluster("web", "b")).names == {"web"}


def test_more_names_than_are_allowed_end_the_stream_with_the_limit(variant: Variant) -> None:
    edge = an_edge(variant, limits=Limits(names=10))
    close = edge.asks(CLUSTER, *(str(number) for number in range(11))).close
    assert close is not None
    assert close.status == "RESOURCE_EXHAUSTED"
    assert "10" in close.message


def test_an_answer_to_the_response_of_another_type_settles_neither(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web"), assignment("web")])
    clusters, endpoints = edge.asks(CLUSTER).only, edge.asks(ENDPOINT, "web").only
    request = DeltaRequest if variant is DELTA else StateRequest
    answer = edge.sends(request(ENDPOINT, response_nonce=clusters.nonce))
    assert answer.seen(Stale)
    assert answer.responses == ()
    assert edge.acks(clusters).seen(Acked)
    assert edge.acks(endpoints).seen(Acked)
