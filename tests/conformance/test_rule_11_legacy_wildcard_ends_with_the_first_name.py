"""Rule 11: naming nothing means everything for LDS and CDS, until the first name was sent on that stream and type."""

from __future__ import annotations

import pytest

from tests.builders import assignment, cluster, listener, route, scoped_route, shop_host
from tests.transcripts import DELTA, STATE, an_edge
from xds.protocol.requests import DeltaRequest
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, ROUTE, SCOPED_ROUTE, VIRTUAL_HOST, TypeUrl
from xds.protocol.variant import Variant

SERVED = [cluster("web"), listener("web"), route("web"), assignment("web"), scoped_route("web")]


@pytest.mark.parametrize("type_url", [CLUSTER, LISTENER, SCOPED_ROUTE], ids=["clusters", "listeners", "scoped routes"])
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


def test_virtual_hosts_know_it_too_where_there_is_such_a_variant() -> None:
    assert an_edge(DELTA, [shop_host("web")]).asks(VIRTUAL_HOST).names == {"shop/web"}


def test_everything_by_its_name_ends_it_as_any_name_does() -> None:
    edge = an_edge(STATE, [cluster("web")])
    edge.acks_all(edge.asks(CLUSTER, "*"))
    edge.acks_all(edge.drops(CLUSTER, "*"))
    assert edge.is_served(cluster("web", "b")).responses == (), "naming nothing is nothing now"


def test_dropping_every_name_leaves_nothing_in_the_incremental_variant() -> None:
    edge = an_edge(DELTA, [cluster("web")])
    edge.acks_all(edge.asks(CLUSTER, "web"))
    edge.drops(CLUSTER, "web")
    edge.sends(DeltaRequest(CLUSTER))
    assert edge.is_served(cluster("web", "b")).responses == ()
