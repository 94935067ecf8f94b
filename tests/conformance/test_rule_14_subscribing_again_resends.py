"""Rule 14: subscribing to a name that the client already has resends it."""

from __future__ import annotations

from tests.builders import route
from tests.transcripts import DELTA, an_edge
from xds.protocol.types import ROUTE


def test_a_name_asked_for_again_is_sent_again() -> None:
    edge = an_edge(DELTA, [route("main"), route("other")])
    edge.acks_all(edge.asks(ROUTE, "main", "other"))
    assert edge.asks(ROUTE, "main").names == {"main"}


def test_what_was_sent_again_ahead_of_its_turn_is_taken_back_when_the_content_goes_back() -> None:
    """To the log nothing has changed since the cursor; the client must not be left with what it asked for meanwhile."""
    edge = an_edge(DELTA, [route("main", "a"), route("other", "a")])
    first = edge.asks(ROUTE, "main", "other").only
    assert edge.is_served(route("main", "b"), route("other", "b")).responses == ()
    again = edge.asks(ROUTE, "main").only
    assert again.resources == (route("main", "b"),)
    edge.is_served(route("main", "a"), route("other", "b"))
    edge.acks(first)
    assert edge.acks(again).names == {"main", "other"}


def test_what_was_told_as_gone_ahead_of_its_turn_comes_back_with_its_old_content() -> None:
    edge = an_edge(DELTA, [route("main", "a"), route("other", "a")])
    first = edge.asks(ROUTE, "main", "other").only
    assert edge.is_served(route("other", "b")).responses == ()
    gone = edge.asks(ROUTE, "main").only
    assert gone.removed == ("main",)
    edge.is_served(route("main", "a"), route("other", "b"))
    edge.acks(first)
    assert edge.acks(gone).names == {"main", "other"}
