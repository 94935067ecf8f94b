"""Nobody takes its configuration from itself, however far around, whoever came first."""

from __future__ import annotations

import pytest

from agents.node.lineage import TOLD_LIMIT, circle, metadata, relays_of
from xds.protocol.requests import Node


def a_node(name: str, *relays: str) -> Node:
    return Node(name, "edge", metadata=metadata(name, relays))


def test_an_agent_that_is_no_relay_says_nothing_of_it() -> None:
    assert metadata("edge-1", ()) == {}
    assert relays_of(a_node("edge-1")) == frozenset()
    assert circle("edge-1", a_node("edge-1")) == ""


def test_a_relay_says_who_is_below_it() -> None:
    assert relays_of(a_node("one", "one", "two")) == {"one", "two"}


@pytest.mark.parametrize(
    ("own", "client", "words"),
    [
        ("one", a_node("one", "one"), "one asks itself"),
        ("one", a_node("two", "two", "one"), "one takes its configuration from two"),
        ("one", a_node("three", "three", "two", "one"), "one takes its configuration from three"),
        ("one", a_node("two", "two"), ""),
        ("one", a_node("edge-1"), ""),
    ],
)
def test_who_is_asked_by_one_that_it_takes_from_says_no(own: str, client: Node, words: str) -> None:
    assert circle(own, client).startswith(words)
    assert bool(circle(own, client)) == bool(words)


@pytest.mark.parametrize("told", ["one", {"one": 1}, [["one"]], [1, None], 7])
def test_what_others_put_there_is_no_relay(told: object) -> None:
    assert relays_of(Node("edge-1", "edge", metadata={"fairlead.dev/relays": told})) == frozenset()


def test_what_is_told_is_bounded() -> None:
    many = [f"relay-{number:05}" for number in range(TOLD_LIMIT + 1)]
    told = relays_of(a_node("one", *many))
    assert len(told) == TOLD_LIMIT
    assert "one" in told, "itself, whoever else is left out"
    assert len(relays_of(Node("one", "edge", metadata={"fairlead.dev/relays": many}))) == TOLD_LIMIT
