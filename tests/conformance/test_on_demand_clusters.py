"""On-demand CDS: a client names a cluster when a request is routed to it, beside everything or on a stream of its own.

Envoy holds the request until it has the cluster, or hears that there is none: by a removal of that name, at once.
"""

from __future__ import annotations

from tests.builders import assignment, cluster, on_demand
from tests.transcripts import DELTA, STATE, Edge, an_edge
from xds.protocol.plan import Settled
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, ENDPOINT
from xds.protocol.variant import Variant

WEB, SHOP = cluster("web"), on_demand(cluster("shop"))


def an_envoy(*serving: Resource, variant: Variant = DELTA) -> Edge:
    """It has everything, as its `cds_config` wants it."""
    edge = an_edge(variant, serving)
    edge.acks_all(edge.asks(CLUSTER, "*"))
    return edge


def test_everything_is_what_is_not_on_demand(variant: Variant) -> None:
    assert an_edge(variant, [WEB, SHOP]).asks(CLUSTER).names == {"web"}


def test_a_name_brings_what_is_on_demand(variant: Variant) -> None:
    edge = an_envoy(WEB, SHOP, variant=variant)
    assert "shop" in edge.asks(CLUSTER, "shop").names


def test_the_incremental_variant_brings_nothing_else() -> None:
    answer = an_envoy(WEB, SHOP).asks(CLUSTER, "shop")
    assert (answer.only.resources, answer.removed) == ((SHOP,), set())


def test_one_that_does_not_exist_is_removed_at_once() -> None:
    answer = an_envoy(WEB, SHOP).asks(CLUSTER, "unknown")
    assert (answer.names, answer.removed) == (set(), {"unknown"})
    assert [error.name for error in answer.only.errors] == ["unknown"]


def test_it_comes_when_it_appears(variant: Variant) -> None:
    edge = an_envoy(WEB, variant=variant)
    edge.acks_all(edge.asks(CLUSTER, "shop"))
    assert "shop" in edge.is_served(WEB, SHOP).names


def test_its_changes_go_to_who_named_it_and_to_nobody_else(variant: Variant) -> None:
    edge = an_envoy(WEB, SHOP, variant=variant)
    other = an_edge(variant, catalogue=edge.catalogue)
    other.acks_all(other.asks(CLUSTER))
    edge.acks_all(edge.asks(CLUSTER, "shop"))
    assert "shop" in edge.is_served(WEB, on_demand(cluster("shop", "b"))).names
    assert other.waits(0).responses == ()


def test_everything_goes_on_beside_it() -> None:
    edge = an_envoy(WEB, SHOP)
    edge.acks_all(edge.asks(CLUSTER, "shop", "unknown"))
    answer = edge.is_served(cluster("web", "b"), cluster("new"), SHOP)
    assert answer.names == {"web", "new"}
    edge.acks_all(answer)
    assert edge.is_served(cluster("new"), SHOP).removed == {"web"}


def test_it_is_removed_like_any_other(variant: Variant) -> None:
    edge = an_edge(variant, [SHOP, on_demand(cluster("other"))])
    edge.acks_all(edge.asks(CLUSTER, "shop", "other"))
    answer = edge.is_served(SHOP)
    if variant is DELTA:
        assert answer.removed == {"other"}
    else:
        assert answer.names == {"shop"}


def test_who_never_had_it_hears_nothing_of_its_removal(variant: Variant) -> None:
    edge = an_envoy(WEB, SHOP, variant=variant)
    assert edge.is_served(WEB).responses == ()


def test_on_a_stream_that_names_clusters_only_nothing_else_is_sent() -> None:
    edge = an_edge(DELTA, [WEB, SHOP], only_type=CLUSTER)
    edge.acks_all(edge.asks(CLUSTER, "shop"))
    assert edge.asks(CLUSTER, "unknown").removed == {"unknown"}
    edge.acks(CLUSTER)
    assert edge.is_served(cluster("web", "b"), cluster("unknown"), SHOP).names == {"unknown"}


def test_its_endpoints_follow_it() -> None:
    shop = on_demand(cluster("shop", endpoints="shop"))
    edge = an_envoy(WEB, shop, assignment("shop"))
    edge.acks_all(edge.asks(CLUSTER, "shop"))
    assert edge.asks(ENDPOINT, "shop").names == {"shop"}


def test_unsubscribing_under_everything_takes_it_away() -> None:
    edge = an_envoy(WEB, SHOP)
    edge.acks_all(edge.asks(CLUSTER, "shop", "web"))
    answer = edge.drops(CLUSTER, "shop", "web")
    assert (answer.names, answer.removed) == ({"web"}, {"shop"})


def test_what_becomes_on_demand_leaves_who_wants_everything_and_comes_back() -> None:
    edge, naming = an_envoy(WEB, cluster("shop")), an_edge(DELTA)
    naming.catalogue = edge.catalogue
    naming.acks_all(naming.asks(CLUSTER, "*", "shop"))
    answer = edge.is_served(WEB, SHOP)
    assert (answer.names, answer.removed) == (set(), {"shop"})
    assert edge.acks_all(answer).seen(Settled) == [Settled(CLUSTER, 2)]
    assert naming.waits(0).responses == ()
    back = edge.is_served(WEB, cluster("shop"))
    assert (back.names, back.removed) == ({"shop"}, set())
    assert naming.waits(0).responses == ()


def test_a_full_state_without_it_is_what_becomes_of_everything() -> None:
    edge = an_envoy(WEB, cluster("shop"), variant=STATE)
    answer = edge.is_served(WEB, SHOP)
    assert (answer.only.resources, edge.acks_all(answer).responses) == ((WEB,), ())


def test_a_reconnect_that_brings_it_is_sent_nothing_again() -> None:
    edge = an_edge(DELTA, [WEB, SHOP])
    having = {"web": WEB.version, "shop": SHOP.version}
    answer = edge.asks(CLUSTER, "*", "shop", "unknown", having=having)
    assert (answer.names, answer.removed) == (set(), {"unknown"})


def test_a_reconnect_that_no_longer_names_it_is_told_to_let_go() -> None:
    edge = an_edge(DELTA, [WEB, SHOP])
    answer = edge.asks(CLUSTER, "*", having={"web": WEB.version, "shop": SHOP.version})
    assert (answer.names, answer.removed) == (set(), {"shop"})
