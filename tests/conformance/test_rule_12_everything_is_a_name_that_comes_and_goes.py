"""Rule 12: `*` can be subscribed to and unsubscribed from explicitly, alone or with names."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.builders import assignment, cluster
from tests.transcripts import DELTA, an_edge
from xds.protocol.types import CLUSTER, ENDPOINT
from xds.protocol.variant import Variant

A, B = cluster("a"), cluster("b")


def test_everything_by_its_name(variant: Variant) -> None:
    assert an_edge(variant, [A, B]).asks(CLUSTER, "*").names == {"a", "b"}


def test_everything_for_a_type_that_has_no_legacy_form(variant: Variant) -> None:
    edge = an_edge(variant, [assignment("web")])
    edge.acks_all(edge.asks(ENDPOINT, "*"))
    assert edge.is_served(assignment("web"), assignment("api")).names >= {"api"}


def test_with_names_and_taken_back_the_names_stay(variant: Variant) -> None:
    edge = an_edge(variant, [A, B])
    edge.acks_all(edge.asks(CLUSTER, "*", "a"))
    edge.acks_all(edge.drops(CLUSTER, "*"))
    assert edge.is_served(cluster("a", "b"), cluster("b", "b")).names == {"a"}


def test_names_first_and_everything_later(variant: Variant) -> None:
    edge = an_edge(variant, [A, B])
    edge.acks_all(edge.asks(CLUSTER, "a"))
    assert edge.asks(CLUSTER, "*").names == {"a", "b"}


def test_taken_back_and_asked_for_again_it_is_told_again() -> None:
    edge = an_edge(DELTA, [A, B])
    edge.acks_all(edge.asks(CLUSTER, "*"))
    edge.acks_all(edge.drops(CLUSTER, "*"))
    assert edge.is_served(cluster("a", "b"), B).responses == ()
    assert edge.asks(CLUSTER, "*").names == {"a", "b"}


def test_dropping_the_legacy_form_by_its_name() -> None:
    edge = an_edge(DELTA, [A])
    edge.acks_all(edge.asks(CLUSTER))
    edge.acks_all(edge.drops(CLUSTER, "*"))
    assert edge.is_served(cluster("a", "b")).responses == ()


@pytest.mark.parametrize("order", list(permutations(("+*", "+a", "-*", "-a"))), ids=" ".join)
def test_in_any_order_what_is_left_is_what_is_served(variant: Variant, order: tuple[str, ...]) -> None:
    edge = an_edge(variant, [A, B, cluster("marker")])
    edge.acks_all(edge.asks(CLUSTER, "marker"))
    for step in order:
        edge.acks_all((edge.asks if step[0] == "+" else edge.drops)(CLUSTER, step[1:]))
    left = {name for name in ("*", "a") if order.index(f"+{name}") > order.index(f"-{name}")}
    changed = edge.is_served(*(cluster(name, "changed") for name in ("a", "b", "marker")))
    assert changed.names == {"marker", *(("a", "b") if "*" in left else left)}
