"""Rule 17: state of the world: LDS and CDS responses are the full state; those of other types may be partial."""

from __future__ import annotations

import pytest

from tests.builders import assignment, cluster, listener
from tests.transcripts import STATE, an_edge
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, TypeUrl


@pytest.mark.parametrize(
    ("type_url", "stays", "changes", "changed"),
    [
        (CLUSTER, cluster("stays"), cluster("changes"), cluster("changes", "b")),
        (LISTENER, listener("stays"), listener("changes"), listener("changes", "b")),
    ],
    ids=["clusters", "listeners"],
)
def test_what_did_not_change_is_named_too(
    type_url: TypeUrl, stays: Resource, changes: Resource, changed: Resource
) -> None:
    edge = an_edge(STATE, [stays, changes])
    edge.acks_all(edge.asks(type_url))
    assert edge.is_served(stays, changed).names == {"stays", "changes"}


def test_what_is_gone_is_gone_by_not_being_named() -> None:
    edge = an_edge(STATE, [cluster("web"), cluster("old")])
    edge.acks_all(edge.asks(CLUSTER))
    reduced = edge.is_served(cluster("web")).only
    assert [resource.name for resource in reduced.resources] == ["web"]


def test_the_last_one_gone_is_an_empty_state() -> None:
    edge = an_edge(STATE, [cluster("web")])
    edge.acks_all(edge.asks(CLUSTER))
    assert edge.is_served().only.resources == ()


def test_other_types_may_carry_only_what_changed() -> None:
    edge = an_edge(STATE, [assignment("web"), assignment("api")])
    edge.acks_all(edge.asks(ENDPOINT, "web", "api"))
    assert edge.is_served(assignment("web", "b"), assignment("api")).names == {"web"}
