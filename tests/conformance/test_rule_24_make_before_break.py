"""Rule 24: additions in dependency order, each after the ACK of what it needs; removals strictly last."""

from __future__ import annotations

import pytest

from tests.builders import assignment, cluster, extension, listener, route, scoped_route, secret, shop_host
from tests.transcripts import DELTA, STATE, Edge, an_edge
from xds.protocol.plan import Settled
from xds.protocol.resource import Resource
from xds.protocol.types import (
    CLUSTER,
    ENDPOINT,
    EXTENSION,
    LISTENER,
    ROUTE,
    SCOPED_ROUTE,
    SECRET,
    VIRTUAL_HOST,
)
from xds.protocol.variant import Variant


def a_state(name: str) -> list[Resource]:
    """A listener, its route, and the cluster of that name which it sends to."""
    return [
        cluster(name, endpoints=name),
        assignment(name),
        listener("main", route="main"),
        route("main", name, to=(name,)),
    ]


def a_gateway(variant: Variant) -> Edge:
    """An Envoy that runs on the old state."""
    edge = an_edge(variant, a_state("old"))
    edge.acks_all(edge.asks(CLUSTER))
    edge.acks_all(edge.asks(ENDPOINT, "old"))
    edge.acks_all(edge.asks(LISTENER))
    edge.acks_all(edge.asks(ROUTE, "main"))
    return edge


def test_a_route_moves_to_a_new_cluster_without_a_gap(variant: Variant) -> None:
    edge = a_gateway(variant)

    answer = edge.is_served(*a_state("new"))
    assert (answer.types, answer.removed) == ([CLUSTER], set()), "the cluster first, alone"
    if variant is STATE:
        assert answer.names == {"old", "new"}, "nothing is removed by absence yet"

    assert edge.acks(CLUSTER).responses == (), "the route waits for the endpoints of the new cluster"
    assert edge.asks(ENDPOINT, "new").types == [ENDPOINT]

    answer = edge.acks(ENDPOINT)
    assert (answer.types, answer.removed) == ([ROUTE], set()), "now the route may send there"

    answer = edge.acks(ROUTE)
    assert answer.types == [CLUSTER], "only now does the old cluster go"
    assert answer.removed == {"old"} if variant is DELTA else answer.names == {"new"}

    answer = edge.acks(CLUSTER)
    assert answer.removed == ({"old"} if variant is DELTA else set()), "its endpoints last of all"


def test_the_state_in_between_has_a_version_of_its_own() -> None:
    edge = a_gateway(STATE)
    between = edge.is_served(*a_state("new")).only
    edge.acks(CLUSTER)
    edge.asks(ENDPOINT, "new")
    edge.acks(ENDPOINT)
    final = edge.acks(ROUTE).only
    assert final.type_url == CLUSTER
    assert final.version != between.version


def test_referrers_are_removed_before_what_they_refer_to() -> None:
    edge = a_gateway(DELTA)
    answer = edge.is_served()
    order = []
    while answer.responses:
        assert len(answer.responses) == 1
        order.append(answer.only.type_url)
        answer = edge.acks(answer.only.type_url)
    assert order == [LISTENER, ROUTE, CLUSTER, ENDPOINT]


def test_removals_that_had_to_wait_still_go_one_type_after_the_other() -> None:
    edge = a_gateway(DELTA)
    edge.asks(ROUTE, "main")
    assert edge.is_served().responses == (), "the answer to the route is under way"
    assert edge.is_served(secret("unrelated")).responses == ()
    assert edge.acks(ROUTE).types == [LISTENER]
    assert edge.acks(LISTENER).types == [ROUTE]
    assert edge.acks(ROUTE).types == [CLUSTER]


def test_a_state_in_between_keeps_what_came_and_went_before_its_removal_may_go() -> None:
    edge = an_edge(STATE, [cluster("old")])
    edge.acks_all(edge.asks(CLUSTER))
    assert edge.is_served(cluster("brief")).names == {"old", "brief"}
    edge.is_served()
    edge.is_served(cluster("new"))
    assert edge.acks(CLUSTER).names == {"old", "brief", "new"}
    assert edge.acks(CLUSTER).names == {"new"}


def test_what_was_withheld_and_is_gone_holds_nothing_any_more() -> None:
    edge = a_gateway(DELTA)
    edge.is_served(*a_state("new"))
    edge.nacks(CLUSTER)
    answer = edge.is_served()
    followed = edge.acks_all(answer)
    assert answer.removed | followed.removed >= {"main", "old"}
    assert {settled.type_url for settled in followed.seen(Settled)} == {LISTENER, ROUTE, CLUSTER, ENDPOINT}


def test_a_name_asked_for_while_its_removal_waits_is_removed_all_the_same() -> None:
    edge = an_edge(STATE, [cluster("web")])
    edge.asks(CLUSTER, "*")
    edge.is_served()
    assert edge.asks(CLUSTER, "*", "web").names == {"web"}
    assert edge.acks(CLUSTER).only.resources == ()


def test_what_is_explicitly_asked_for_never_waits(variant: Variant) -> None:
    edge = an_edge(variant, a_state("web"))
    edge.asks(CLUSTER)
    assert edge.asks(ENDPOINT, "web").names == {"web"}
    assert edge.asks(LISTENER).names == {"main"}
    assert edge.asks(ROUTE, "main").names == {"main"}


def test_only_types_of_this_stream_are_waited_for(variant: Variant) -> None:
    edge = an_edge(variant, a_state("old"))
    edge.acks_all(edge.asks(ROUTE, "main"))
    assert edge.is_served(*a_state("new")).types == [ROUTE]


def test_a_change_of_every_type_goes_in_the_order_in_which_they_refer_to_each_other(variant: Variant) -> None:
    def state(content: str) -> list[Resource]:
        endpoints, routes = assignment("web", content), route("web", content, to=("web",))
        beside = [secret("web", content), extension("web", content), scoped_route("web", content, route="web")]
        return [cluster("web", content), endpoints, listener("web", content), routes, *beside, host(content)]

    def host(content: str) -> Resource:
        return shop_host("web", content=content)

    order = [SECRET, CLUSTER, ENDPOINT, EXTENSION, LISTENER, SCOPED_ROUTE, ROUTE, VIRTUAL_HOST]
    edge = an_edge(variant, state("a"))
    for type_url in reversed(order):
        edge.acks_all(edge.asks(type_url, "shop/web" if type_url == VIRTUAL_HOST else "web"))

    answer = edge.is_served(*state("b"))
    assert [*answer.types, *edge.acks_all(answer).types] == order


def test_a_silent_type_is_waited_for_only_so_long(variant: Variant) -> None:
    edge = a_gateway(variant)
    answer = edge.is_served(cluster("old", "b"), *a_state("old")[1:3], route("main", "b"))
    assert answer.types[0] == CLUSTER
    assert ROUTE not in answer.types
    assert answer.wake_at_s == 5.0
    assert edge.waits(4.9).responses == ()
    assert edge.waits(0.1).types == [ROUTE]


def test_a_new_cluster_whose_endpoints_nobody_asks_for_holds_routes_only_so_long(variant: Variant) -> None:
    edge = a_gateway(variant)
    edge.is_served(*a_state("new"))
    assert edge.acks(CLUSTER).wake_at_s == 5.0
    assert ROUTE in edge.waits(5).types


def test_a_silent_client_is_still_cleaned_up_after(variant: Variant) -> None:
    edge = a_gateway(variant)
    edge.is_served(cluster("old", endpoints="old"), assignment("old", "b"))
    answer = edge.waits(5)
    assert answer.types == [LISTENER], "removals no longer wait for the endpoints' ACK"


def test_a_rejection_is_an_answer(variant: Variant) -> None:
    edge = a_gateway(variant)
    edge.is_served(cluster("old", "b", endpoints="old"), *a_state("old")[1:3], route("main", "b", to=("old",)))
    assert edge.nacks(CLUSTER).responses == (), "the endpoints that follow the cluster are under way"
    assert edge.acks(ENDPOINT).types == [ROUTE]
    assert [edge.last[ROUTE].resources[0].body] == [route("main", "b", to=("old",)).body]


@pytest.mark.parametrize("waited_s", [0, 3600])
def test_after_a_rejected_new_cluster_the_old_way_keeps_working(variant: Variant, waited_s: float) -> None:
    edge = a_gateway(variant)
    edge.is_served(*a_state("new"))

    answer = edge.nacks(CLUSTER)

    assert answer.responses == (), "the route would send to nowhere, and the old cluster is still in use"
    assert edge.waits(waited_s).responses == ()


def test_and_newer_content_of_it_frees_what_waited(variant: Variant) -> None:
    edge = a_gateway(variant)
    edge.is_served(*a_state("new"))
    edge.nacks(CLUSTER)
    fixed = [cluster("new", "fixed", endpoints="new"), *a_state("new")[1:]]
    assert edge.is_served(*fixed).types == [CLUSTER]
    edge.acks(CLUSTER)
    edge.asks(ENDPOINT, "new")
    assert edge.acks(ENDPOINT).types == [ROUTE]
    assert edge.acks(ROUTE).types == [CLUSTER]


def test_a_rejected_listener_holds_nothing_that_it_does_not_need(variant: Variant) -> None:
    edge = a_gateway(variant)
    edge.is_served(*a_state("old")[:2], listener("main", "bad", route="main"), route("main", "old", to=("old",)))
    edge.nacks(LISTENER)
    answer = edge.is_served(
        cluster("old", "b", endpoints="old"), assignment("old"), listener("main", "bad", route="main"),
        route("main", "b", to=("old",)),
    )  # fmt: skip
    followed = edge.acks_all(answer)
    assert ROUTE in [*answer.types, *followed.types]


def test_what_a_rejected_update_still_uses_is_not_removed() -> None:
    edge = a_gateway(DELTA)
    edge.is_served(*a_state("old"), cluster("other"))
    edge.acks(CLUSTER)
    edge.is_served(cluster("other"), a_state("old")[2], route("main", "bad", to=("other",)))
    assert edge.nacks(ROUTE).removed == set(), "the client still sends to the old cluster"
    assert edge.is_served(cluster("other"), a_state("old")[2], route("main", "good", to=("other",))).types == [ROUTE]
    assert edge.acks(ROUTE).removed == {"old"}


def a_service(variant: Variant) -> Edge:
    """A gRPC client that runs on the old state: it names all it wants, clusters too."""
    edge = an_edge(variant, a_state("old"))
    edge.acks_all(edge.asks(LISTENER, "main"))
    edge.acks_all(edge.asks(ROUTE, "main"))
    edge.acks_all(edge.asks(CLUSTER, "old"))
    edge.acks_all(edge.asks(ENDPOINT, "old"))
    return edge


def moved_to_new(edge: Edge) -> None:
    """The client has taken the new route and asks for what it names; its calls still go to the old cluster."""
    assert edge.is_served(*a_state("new")).types == [ROUTE]
    assert edge.acks(ROUTE).responses == (), "the client has read the route; it calls by it when it has the cluster"
    assert "new" in edge.asks(CLUSTER, "new").names
    assert edge.acks(CLUSTER).responses == ()
    assert edge.asks(ENDPOINT, "new").names == {"new"}
    assert edge.acks(ENDPOINT).responses == ()


def test_a_cluster_that_a_client_names_goes_when_it_lets_go_of_it(variant: Variant) -> None:
    edge = a_service(variant)
    moved_to_new(edge)
    answer = edge.drops(CLUSTER, "old")
    assert answer.names == set()
    assert answer.removed == ({"old"} if variant is DELTA else set()), "its endpoints may go now"
    assert CLUSTER not in answer.types, "it needs no removal"
    assert Settled(CLUSTER, 2) in answer.seen(Settled)
    assert edge.waits(60).responses == ()


def test_a_cluster_that_a_client_goes_on_naming_is_not_kept_for_ever(variant: Variant) -> None:
    edge = a_service(variant)
    moved_to_new(edge)
    answer = edge.waits(4.9)
    assert answer.responses == ()
    assert answer.wake_at_s is not None
    answer = edge.waits(answer.wake_at_s - edge.now_s)
    assert answer.types == [CLUSTER]
    assert answer.removed == {"old"} if variant is DELTA else answer.names == {"new"}


def test_a_cluster_that_comes_back_while_it_is_named_gets_its_full_time_when_it_goes_again(variant: Variant) -> None:
    edge = a_service(variant)
    moved_to_new(edge)
    edge.waits(3)
    edge.acks_all(edge.is_served(*a_state("new"), cluster("old", endpoints="old")))
    edge.acks_all(edge.is_served(*a_state("new")))
    assert edge.waits(4.9).responses == ()
    assert edge.waits(0.1).types == [CLUSTER]


def test_a_cluster_is_not_kept_for_a_client_that_has_nothing_to_call_it_by(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("old"), cluster("new")])
    edge.acks_all(edge.asks(CLUSTER, "old", "new"))
    answer = edge.is_served(cluster("new"))
    assert answer.removed == {"old"} if variant is DELTA else answer.names == {"new"}
