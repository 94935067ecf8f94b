"""Rule 29: an ECDS or SDS resource that something served or held still references is not removed."""

from __future__ import annotations

import pytest

from tests.builders import listener, secret
from tests.transcripts import DELTA, Edge, an_edge
from xds.protocol.resource import Resource
from xds.protocol.types import EXTENSION, LISTENER, SECRET, TypeUrl


def a_gateway(kind: TypeUrl) -> tuple[Edge, Resource]:
    """An Envoy whose listener uses the resource `it` of that type."""
    using = listener("main", secret="it") if kind == SECRET else listener("main", extension="it")
    used = secret("it") if kind == SECRET else Resource.of(EXTENSION, "it", b"filter")
    edge = an_edge(DELTA, [using, used])
    edge.acks_all(edge.asks(LISTENER))
    edge.acks_all(edge.asks(kind, "it"))
    return edge, using


@pytest.mark.parametrize("kind", [SECRET, EXTENSION])
def test_it_stays_while_something_served_refers_to_it(kind: TypeUrl) -> None:
    edge, using = a_gateway(kind)
    assert edge.is_served(using).responses == ()
    assert edge.waits(3600).responses == ()


@pytest.mark.parametrize("kind", [SECRET, EXTENSION])
def test_it_goes_after_the_last_that_refers_to_it(kind: TypeUrl) -> None:
    edge, using = a_gateway(kind)
    edge.is_served(using)
    answer = edge.is_served(listener("main", "plain"))
    assert (answer.types, answer.removed) == ([LISTENER], set())
    assert edge.acks(LISTENER).removed == {"it"}


def test_it_stays_while_the_client_holds_on_to_an_old_version_that_needs_it() -> None:
    edge, _ = a_gateway(SECRET)
    edge.is_served(listener("main", "plain"))
    assert edge.nacks(LISTENER).removed == set()
    edge.is_served(listener("main", "plain and good"))
    assert edge.acks(LISTENER).removed == {"it"}


def test_a_removal_that_is_rejected_is_not_told_again() -> None:
    """Some Envoys refuse a response that only removes a secret; they keep it, and nothing else is the worse for it."""
    edge, _ = a_gateway(SECRET)
    edge.is_served(listener("main", "plain"))
    edge.acks(LISTENER)
    assert edge.nacks(SECRET, because="Missing SDS resources").responses == ()
    assert edge.waits(3600).responses == ()
    assert edge.is_served(listener("main", "plainer")).types == [LISTENER]
    edge.acks(LISTENER)
    assert edge.is_served(listener("main", secret="it"), secret("it", "b")).types == [SECRET]
