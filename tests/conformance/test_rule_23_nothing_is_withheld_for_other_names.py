"""Rule 23: nothing is withheld because a snapshot holds more or fewer names than were asked for."""

from __future__ import annotations

from tests.builders import assignment
from tests.transcripts import an_edge
from xds.protocol.types import ENDPOINT
from xds.protocol.variant import Variant


def test_what_exists_is_sent_whatever_else_was_asked_for(variant: Variant) -> None:
    edge = an_edge(variant, [assignment("web"), assignment("not asked for")])
    assert edge.asks(ENDPOINT, "web", "missing").names == {"web"}


def test_a_subscription_outlives_its_answers(variant: Variant) -> None:
    edge = an_edge(variant, [assignment("web")])
    edge.acks_all(edge.asks(ENDPOINT, "web"))
    for content in "bcd":
        answer = edge.is_served(assignment("web", content))
        assert answer.names == {"web"}
        edge.acks_all(answer)
