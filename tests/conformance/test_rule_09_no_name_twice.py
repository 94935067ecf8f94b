"""Rule 9: no name twice in one response."""

from __future__ import annotations

from tests.builders import assignment, cluster
from tests.transcripts import DELTA, STATE, an_edge
from xds.protocol.requests import StateRequest
from xds.protocol.types import CLUSTER, ENDPOINT
from xds.protocol.variant import Variant


def test_a_name_asked_for_twice_is_told_once() -> None:
    edge = an_edge(DELTA, [assignment("web")])
    response = edge.asks(ENDPOINT, "web", "web", "none", "none").only
    assert [resource.name for resource in response.resources] == ["web"]
    assert response.removed == ("none",)


def test_everything_and_a_name_of_it_is_told_once(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")])
    assert [resource.name for resource in edge.asks(CLUSTER, "*", "web").only.resources] == ["web"]


def test_a_full_state_in_between_names_the_old_and_the_new_once() -> None:
    edge = an_edge(STATE, [cluster("old"), cluster("web")])
    edge.asks(CLUSTER, "*", "old", "web")
    edge.acks(CLUSTER)
    response = edge.is_served(cluster("web", "b")).only
    assert sorted(resource.name for resource in response.resources) == ["old", "web"]


def test_a_state_of_the_world_that_names_something_twice_gets_it_once() -> None:
    edge = an_edge(STATE, [assignment("web")])
    response = edge.sends(StateRequest(ENDPOINT, resource_names=("web", "web", "none", "none"))).only
    assert [resource.name for resource in response.resources] == ["web"]
    assert [error.name for error in response.errors] == ["none"]
