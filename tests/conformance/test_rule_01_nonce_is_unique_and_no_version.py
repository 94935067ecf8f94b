"""Rule 1: a nonce is per stream, unique per response, and never derived from the version."""

from __future__ import annotations

from tests.builders import cluster
from tests.transcripts import an_edge
from xds.protocol.plan import Acked, Stale
from xds.protocol.types import CLUSTER
from xds.protocol.variant import Variant


def test_every_response_has_a_nonce_of_its_own_even_at_the_same_version(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")])
    first = edge.asks(CLUSTER).only
    edge.acks(CLUSTER)
    second = edge.is_served(cluster("web", "b")).only
    edge.acks(CLUSTER)
    back = edge.is_served(cluster("web")).only

    assert len({first.nonce, second.nonce, back.nonce}) == 3
    assert first.version == back.version
    assert first.nonce != first.version


def test_the_nonce_of_another_stream_means_nothing_here(variant: Variant) -> None:
    one, other = an_edge(variant, [cluster("web")]), an_edge(variant, [cluster("web")])
    one.acks_all(one.asks(CLUSTER))
    elsewhere = one.is_served(cluster("web", "b")).only
    other.asks(CLUSTER)
    answer = other.acks(elsewhere)
    assert answer.seen(Stale)
    assert not answer.seen(Acked)
