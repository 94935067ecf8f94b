"""Rule 11: naming nothing means everything for LDS and CDS, until the first name was sent on that stream and type."""

from __future__ import annotations

import pytest

from tests.builders import assignment, cluster, listener, route
from tests.transcripts import DELTA, STATE, an_edge
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, ROUTE, TypeUrl
from xds.protocol.variant import Variant

SERVED = [cluster("web"), listener("web"), route("web"), assignment("web")]


@pytest.mark.parametrize("type_url", [CLUSTER, LISTENER], ids=["clusters", "listeners"])
def test_naming_nothing_first_means_everything(variant: Variant, type_url: TypeUrl) -> None:
    assert an_edge(variant, SERVED).asks(type_url).names == {"web"}


@pytest.mark.parametrize("type_url", [ROUTE, ENDPOINT], ids=["routes", "endpoints"])
def test_for_other_types_it_means_nothing(variant: Variant, type_url: TypeUrl) -> None:
    assert an_edge(variant, SERVED).asks(type_url).names == set()


def test_after_a_name_naming_nothing_unsubscribes_from_everything() -> None:
    edge = an_edge(STATE, [cluster("web"), cluster("api")])
    edge.acks_all(edge.asks(CLUSTER, "web"))
    edge.acks_all(edge.drops(CLUSTER, "web"))
    assert edge.is_served(cluster("web", "b"), cluster("api", "b")).names == set()


def test_a_client_that_names_something_first_never_means_everything(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web"), cluster("api")])
    edge.acks_all(edge.asks(CLUSTER, "web"))
    assert edge.is_served(cluster("web", "b"), cluster("api", "b")).names == {"web"}


def test_a_named_state_of_the_world_replaces_everything() -> None:
    edge = an_edge(STATE, [cluster("web"), cluster("api")])
    edge.acks_all(edge.asks(CLUSTER))
    edge.acks_all(edge.asks(CLUSTER, "web"))
    assert edge.is_served(cluster("web", "b"), cluster("api", "b")).names == {"web"}


def test_in_the_incremental_variant_everything_is_kept_until_it_is_dropped() -> None:
    edge = an_edge(DELTA, [cluster("web"), cluster("api")])
    edge.acks_all(edge.asks(CLUSTER))
    edge.acks_all(edge.asks(CLUSTER, "web"))
    edge.acks_all(edge.is_served(cluster("web", "b"), cluster("api", "b")))
    edge.acks_all(edge.drops(CLUSTER, "*"))
    assert edge.is_served(cluster("web", "c"), cluster("api", "c")).names == {"web"}
