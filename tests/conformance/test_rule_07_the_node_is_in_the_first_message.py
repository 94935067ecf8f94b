"""Rule 7: the node is in the first message only; another id or cluster later is an error."""

from __future__ import annotations

import pytest

from tests.builders import a_node, cluster
from tests.transcripts import DELTA, an_edge
from xds.protocol.requests import DeltaRequest, Node
from xds.protocol.types import CLUSTER, LISTENER
from xds.protocol.variant import Variant


def test_it_is_remembered(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")])
    edge.asks(CLUSTER)
    assert edge.asks(LISTENER).close is None
    assert edge.session.node == a_node()


def test_a_stream_without_a_node_is_told_what_is_missing(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")])
    edge.node = None
    close = edge.asks(CLUSTER).close
    assert close is not None
    assert close.status == "INVALID_ARGUMENT"
    assert "node.id" in close.message


@pytest.mark.parametrize("other", [a_node("edge-2"), a_node(cluster="other")], ids=["id", "cluster"])
def test_another_node_later_ends_the_stream(other: Node) -> None:
    edge = an_edge(DELTA, [cluster("web")])
    edge.asks(CLUSTER)
    close = edge.sends(DeltaRequest(LISTENER, node=other)).close
    assert close is not None
    assert close.status == "INVALID_ARGUMENT"
    assert "'edge-1'" in close.message
    assert repr(other.id) in close.message


def test_its_metadata_may_change() -> None:
    edge = an_edge(DELTA, [cluster("web")])
    edge.asks(CLUSTER)
    assert edge.sends(DeltaRequest(LISTENER, node=a_node(stage="canary"))).close is None
    assert edge.session.node is not None
    assert edge.session.node.metadata == {"stage": "canary"}
