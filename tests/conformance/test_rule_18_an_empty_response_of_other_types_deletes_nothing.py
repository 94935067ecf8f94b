"""Rule 18: state of the world: an empty EDS or RDS response deletes nothing, so none is sent to delete something."""

from __future__ import annotations

import pytest

from tests.builders import assignment, route
from tests.transcripts import STATE, an_edge
from xds.protocol.resource import Resource
from xds.protocol.types import ENDPOINT, ROUTE, TypeUrl


@pytest.mark.parametrize(
    ("type_url", "resource"), [(ENDPOINT, assignment("web")), (ROUTE, route("web"))], ids=["endpoints", "routes"]
)
def test_nothing_is_sent_for_what_is_only_gone(type_url: TypeUrl, resource: Resource) -> None:
    edge = an_edge(STATE, [resource])
    edge.acks_all(edge.asks(type_url, "web"))
    assert edge.is_served().responses == ()


def test_and_it_is_sent_when_it_comes_back_changed() -> None:
    edge = an_edge(STATE, [route("web")])
    edge.acks_all(edge.asks(ROUTE, "web"))
    edge.is_served()
    assert edge.is_served(route("web", "b")).names == {"web"}
