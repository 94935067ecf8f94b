"""Rule 19: a first wildcard is answered even by nothing once the group exists; without a group nothing is said."""

from __future__ import annotations

from tests.builders import cluster
from tests.transcripts import an_edge
from xds.protocol.types import CLUSTER, LISTENER
from xds.protocol.variant import Variant


def test_an_empty_group_answers_with_an_empty_state(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")])
    answer = edge.asks(LISTENER).only
    assert (answer.resources, answer.removed) == ((), ())


def test_after_that_only_changes_are_sent(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")])
    edge.acks_all(edge.asks(LISTENER))
    assert edge.is_served(cluster("web", "b")).responses == ()


def test_without_a_group_nothing_is_said_until_it_appears(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")], in_group=False)
    assert edge.asks(CLUSTER).responses == ()
    assert edge.asks(LISTENER).responses == ()
    assert edge.joins().names == {"web"}
