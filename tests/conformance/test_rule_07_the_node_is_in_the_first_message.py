"""Rule 7: the node is in the first message only; another id or cluster later is an error."""

from __future__ import annotations

from typing import Any

import pytest

from api.envoy.registry import load_default
from tests.builders import a_node, cluster
from tests.transcripts import DELTA, STATE, an_edge
from xds.protocol.requests import DeltaRequest, Node, StateRequest
from xds.protocol.types import CLUSTER, LISTENER
from xds.protocol.variant import Variant
from xds.transport.decoding import DELTA_REQUEST, STATE_REQUEST, RequestDecoder
from xds.transport.limits import Limits

REQUEST: dict[Variant, type[DeltaRequest | StateRequest]] = {DELTA: DeltaRequest, STATE: StateRequest}


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
def test_another_node_later_ends_the_stream(variant: Variant, other: Node) -> None:
    edge = an_edge(variant, [cluster("web")])
    edge.asks(CLUSTER)
    close = edge.sends(REQUEST[variant](LISTENER, node=other)).close
    assert close is not None
    assert close.status == "INVALID_ARGUMENT"
    assert "'edge-1'" in close.message
    assert repr(other.id) in close.message


def test_its_metadata_may_change(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")])
    edge.asks(CLUSTER)
    assert edge.sends(REQUEST[variant](LISTENER, node=a_node(stage="canary"))).close is None
    assert edge.session.node is not None
    assert edge.session.node.metadata == {"stage": "canary"}


def test_its_dynamic_parameters_may_change(variant: Variant) -> None:
    """Said in the messages of Envoy's API, as a client says it."""
    api = load_default()
    decoder = RequestDecoder(api, Limits())
    edge = an_edge(variant, [cluster("web")])
    for zone in ("a", "b"):
        message: Any = api.new(DELTA_REQUEST if variant is DELTA else STATE_REQUEST)
        message.type_url, message.node.id, message.node.cluster = CLUSTER, "edge-1", "edges"
        message.node.dynamic_parameters[CLUSTER].params["zone"] = zone
        decode = decoder.delta if variant is DELTA else decoder.state
        assert edge.sends(decode(message.SerializeToString())).close is None
