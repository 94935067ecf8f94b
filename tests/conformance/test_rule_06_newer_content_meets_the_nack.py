"""Rule 6: if the snapshot has moved on when the NACK arrives, the newer content goes at once."""

from __future__ import annotations

from tests.builders import cluster
from tests.transcripts import an_edge
from xds.protocol.types import CLUSTER
from xds.protocol.variant import Variant


def test_a_rejection_that_was_overtaken_is_answered_with_the_newer_content(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")])
    edge.asks(CLUSTER)
    assert edge.is_served(cluster("web", "b")).responses == (), "one unanswered push per type"

    answer = edge.nacks(CLUSTER)

    assert [resource.body for resource in answer.only.resources] == [cluster("web", "b").body]


def test_a_storm_of_changes_comes_down_to_the_last_one(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")])
    edge.asks(CLUSTER)
    for content in "bcdef":
        edge.is_served(cluster("web", content))
    assert [resource.body for resource in edge.acks(CLUSTER).only.resources] == [cluster("web", "f").body]
    assert edge.acks(CLUSTER).responses == ()
