"""Rule 22: a response is cut to the subscription as it is when sent."""

from __future__ import annotations

from tests.builders import assignment
from tests.transcripts import DELTA, an_edge
from xds.protocol.types import ENDPOINT
from xds.protocol.variant import Variant


def test_a_name_dropped_while_its_change_waits_is_not_sent(variant: Variant) -> None:
    edge = an_edge(variant, [assignment("web"), assignment("api")])
    edge.asks(ENDPOINT, "web", "api")
    edge.is_served(assignment("web", "b"), assignment("api", "b"))
    assert "web" not in edge.drops(ENDPOINT, "web").names | edge.acks(ENDPOINT).names


def test_a_name_taken_up_while_changes_wait_is_sent_once() -> None:
    edge = an_edge(DELTA, [assignment("web"), assignment("api")])
    first = edge.asks(ENDPOINT, "web").only
    edge.is_served(assignment("web", "b"), assignment("api", "b"))
    second = edge.asks(ENDPOINT, "api")
    assert second.names == {"api"}
    followed = [*edge.acks(first).responses, *edge.acks(second.only).responses]
    assert [resource.name for response in followed for resource in response.resources] == ["web"]
