"""Every way from one subscription to another: nothing, names, everything by its name, everything by naming nothing.

What a subscription is shows in what the client is told when all that is served changes.
"""

from __future__ import annotations

import pytest

from tests.builders import cluster, route
from tests.transcripts import DELTA, STATE, Edge, an_edge
from xds.protocol.requests import DeltaRequest, StateRequest
from xds.protocol.types import CLUSTER, ROUTE, TypeUrl

NAMES = ("a", "b")
Names = tuple[str, ...]
NOTHING: Names = ()
EVERYTHING = {"a", "b"}


def hears(edge: Edge, type_url: TypeUrl) -> set[str]:
    """Of what the client is told when everything changes."""
    make = cluster if type_url == CLUSTER else route
    told = edge.is_served(*(make(name, f"at {edge.catalogue.revision}") for name in NAMES))
    names = told.names
    edge.acks_all(told)
    return names


def an_incremental_client(type_url: TypeUrl, *requests: tuple[Names, Names]) -> Edge:
    """One that sends these requests one after the other: what it subscribes to, and what it lets go of."""
    edge = an_edge(DELTA, [cluster(name) for name in NAMES] + [route(name) for name in NAMES])
    for subscribe, unsubscribe in requests:
        edge.wants[type_url] = ()
        edge.acks_all(edge.sends(DeltaRequest(type_url, subscribe, unsubscribe)))
    return edge


@pytest.mark.parametrize(
    ("requests", "heard"),
    [
        # Everything by naming nothing: only at first.
        ([((), ())], EVERYTHING),
        ([((), ()), ((), ())], EVERYTHING),
        ([((), ()), (("a",), ())], EVERYTHING),
        ([((), ()), (("a",), ()), ((), ("*",))], {"a"}),
        ([((), ()), ((), ("*",))], set()),
        ([((), ()), ((), ("*",)), ((), ())], set()),
        ([((), ()), ((), ("*",)), (("*",), ())], EVERYTHING),
        ([((), ()), ((), ("a",))], EVERYTHING),
        ([((), ()), (("*",), ()), ((), ("*",))], set()),
        ([((), ("a",))], EVERYTHING),
        # Everything by its name.
        ([(("*",), ())], EVERYTHING),
        ([(("*",), ()), ((), ("*",))], set()),
        ([(("*",), ()), (("a",), ()), ((), ("a",))], EVERYTHING),
        ([(("*",), ()), (("a",), ("*",))], {"a"}),
        ([(("*", "a"), ()), ((), ("*",))], {"a"}),
        ([(("*", "a"), ()), ((), ("a",)), ((), ("*",))], set()),
        ([(("*", "a"), ()), ((), ("a", "*"))], set()),
        ([(("*",), ()), (("*",), ("*",))], EVERYTHING),
        # Names, and what comes after them.
        ([(("a",), ())], {"a"}),
        ([(("a",), ()), ((), ())], {"a"}),
        ([(("a",), ()), ((), ("a",))], set()),
        ([(("a",), ()), ((), ("a",)), ((), ())], set()),
        ([(("a",), ()), (("*",), ())], EVERYTHING),
        ([(("a",), ()), (("*",), ()), ((), ("*",))], {"a"}),
        ([(("a",), ()), (("b",), ("a",))], {"b"}),
        ([(("a",), ()), ((), ("*",))], {"a"}),
        ([(("a",), ()), ((), ("b",))], {"a"}),
        ([(("a",), ("a",))], {"a"}),
    ],
)
def test_incremental(requests: list[tuple[Names, Names]], heard: set[str]) -> None:
    assert hears(an_incremental_client(CLUSTER, *requests), CLUSTER) == heard


@pytest.mark.parametrize(
    ("requests", "heard"),
    [
        ([((), ())], set()),
        ([((), ()), ((), ())], set()),
        ([((), ()), (("*",), ())], EVERYTHING),
        ([(("*",), ()), ((), ("*",))], set()),
        ([(("*", "a"), ()), ((), ("*",))], {"a"}),
    ],
)
def test_incremental_for_a_type_that_knows_everything_only_by_its_name(
    requests: list[tuple[Names, Names]], heard: set[str]
) -> None:
    assert hears(an_incremental_client(ROUTE, *requests), ROUTE) == heard


def a_client_of_full_states(type_url: TypeUrl, *requests: Names) -> Edge:
    """One that sends these names, one request after the other; each ACK repeats them."""
    edge = an_edge(STATE, [cluster(name) for name in NAMES] + [route(name) for name in NAMES])
    for names in requests:
        edge.wants[type_url] = names
        last = edge.last.get(type_url)
        nonce, version = (last.nonce, last.version) if last else ("", "")
        edge.acks_all(edge.sends(StateRequest(type_url, version, names, nonce)))
    return edge


@pytest.mark.parametrize(
    ("requests", "heard"),
    [
        ([NOTHING], EVERYTHING),
        ([NOTHING, NOTHING], EVERYTHING),
        ([NOTHING, ("a",)], {"a"}),
        ([NOTHING, ("*",)], EVERYTHING),
        ([NOTHING, ("*",), NOTHING], set()),
        ([NOTHING, ("a",), NOTHING], set()),
        ([NOTHING, ("a",), ("*",)], EVERYTHING),
        ([("*",)], EVERYTHING),
        ([("*",), NOTHING], set()),
        ([("*",), NOTHING, ("*",)], EVERYTHING),
        ([("*",), ("a",)], {"a"}),
        ([("*",), ("*", "a")], EVERYTHING),
        ([("*", "a"), ("a",)], {"a"}),
        ([("*", "a"), ("*",)], EVERYTHING),
        ([("*", "a"), NOTHING], set()),
        ([("a",)], {"a"}),
        ([("a",), NOTHING], set()),
        ([("a",), NOTHING, ("b",)], {"b"}),
        ([("a",), ("b",)], {"b"}),
        ([("a",), ("a", "b")], EVERYTHING),
        ([("a",), ("*",)], EVERYTHING),
    ],
)
def test_state_of_the_world(requests: list[Names], heard: set[str]) -> None:
    assert hears(a_client_of_full_states(CLUSTER, *requests), CLUSTER) == heard


@pytest.mark.parametrize(
    ("requests", "heard"),
    [
        ([NOTHING], set()),
        ([("*",)], EVERYTHING),
        ([("*",), ("a",)], {"a"}),
        ([("a",), ("*", "a"), NOTHING], set()),
    ],
)
def test_state_of_the_world_for_a_type_that_knows_everything_only_by_its_name(
    requests: list[Names], heard: set[str]
) -> None:
    assert hears(a_client_of_full_states(ROUTE, *requests), ROUTE) == heard
