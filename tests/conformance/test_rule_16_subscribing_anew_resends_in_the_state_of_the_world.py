"""Rule 16: state of the world: unsubscribe, then subscribe again at the same version, and it is sent again."""

from __future__ import annotations

from tests.builders import assignment
from tests.transcripts import STATE, an_edge
from xds.protocol.types import ENDPOINT


def test_a_name_that_was_dropped_is_sent_again() -> None:
    edge = an_edge(STATE, [assignment("web"), assignment("api")])
    edge.acks_all(edge.asks(ENDPOINT, "web", "api"))
    edge.acks_all(edge.drops(ENDPOINT, "web"))
    assert "web" in edge.asks(ENDPOINT, "web").names


def test_a_name_that_was_kept_is_not() -> None:
    edge = an_edge(STATE, [assignment("web"), assignment("api")])
    edge.acks_all(edge.asks(ENDPOINT, "web"))
    assert edge.asks(ENDPOINT, "web").responses == ()


def test_a_name_that_comes_to_others_is_answered_with_at_least_itself() -> None:
    edge = an_edge(STATE, [assignment("web"), assignment("api")])
    edge.acks_all(edge.asks(ENDPOINT, "web"))
    assert "api" in edge.asks(ENDPOINT, "api").names
