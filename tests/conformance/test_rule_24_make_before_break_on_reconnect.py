"""Rules 20 and 24: what was published while a client was away reaches it in order, and removals still come last.

Envoy opens all types of an ADS stream in one go, clusters first, and says of each what it has.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.builders import assignment, cluster, listener, route
from tests.transcripts import DELTA, STATE, Answer, Edge, an_edge
from xds.protocol.catalogue import Catalogue
from xds.protocol.plan import Settled
from xds.protocol.resource import Resource
from xds.protocol.returning import GATHERING_S
from xds.protocol.siblings import Siblings
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, ROUTE, GroupName, TypeUrl

WEB = listener("main", route="main")


def a_state(name: str) -> list[Resource]:
    """A listener, its route, and the cluster of that name which it sends to."""
    return [cluster(name, endpoints=name), assignment(name), WEB, route("main", name, to=(name,))]


OLD, NEW = a_state("old"), a_state("new")


def versions(of: Iterable[Resource], type_url: TypeUrl) -> dict[str, str]:
    return {one.name: one.version for one in of if one.type_url == type_url}


def after_a_restart(serving: list[Resource]) -> Edge:
    """The client of a server that knows nothing of what was before."""
    return an_edge(DELTA, serving)


def opens(edge: Edge, had: list[Resource], *types: TypeUrl) -> list[Answer]:
    names = {ENDPOINT: tuple(versions(had, ENDPOINT)), ROUTE: ("main",)}
    return [edge.asks(url, *names.get(url, ()), having=versions(had, url)) for url in types]


def test_routes_leave_a_cluster_before_it_goes() -> None:
    edge = after_a_restart(NEW)
    assert [one.types for one in opens(edge, OLD, CLUSTER, ENDPOINT, LISTENER)] == [[], [], [LISTENER]]
    edge.acks(LISTENER)
    assert opens(edge, OLD, ROUTE)[0].responses == (), "the route waits for the cluster"

    answer = edge.waits(GATHERING_S).of(CLUSTER)
    assert (answer.names, answer.removed) == ({"new"}, set()), "the old cluster stays while routes send to it"
    assert edge.asks(ENDPOINT, "new").names == {"new"}
    edge.acks(ENDPOINT)
    assert edge.acks(CLUSTER).types == [ROUTE], "the new cluster is there, and warm"

    answer = edge.acks(ROUTE)
    assert (answer.only.type_url, answer.removed) == (CLUSTER, {"old"})
    answer = edge.acks(CLUSTER)
    assert (answer.only.type_url, answer.removed) == (ENDPOINT, {"old"})
    assert {settled.type_url for settled in edge.acks(ENDPOINT).seen(Settled)} >= {ENDPOINT}


def test_with_nothing_new_of_routes_the_removal_is_in_the_first_answer() -> None:
    unused = [*NEW, cluster("unused", endpoints="unused")]
    edge = after_a_restart(NEW)
    answers = opens(edge, unused, CLUSTER, ENDPOINT, LISTENER, ROUTE)
    assert [one.types for one in answers] == [[], [], [LISTENER], []]
    edge.acks(LISTENER)
    assert edge.waits(GATHERING_S).only.removed == ("unused",)


def test_routes_wait_for_new_clusters_though_nothing_is_gone() -> None:
    edge = after_a_restart([*OLD[:2], *NEW])
    first, *_, last = opens(edge, OLD, CLUSTER, ENDPOINT, LISTENER, ROUTE)
    assert (first.types, first.names) == ([CLUSTER], {"new"})
    assert last.responses == ()
    edge.acks(LISTENER)
    edge.asks(ENDPOINT, "new")
    edge.acks(ENDPOINT)
    assert edge.acks(CLUSTER).types == [ROUTE]


def test_what_a_client_never_had_does_not_wait() -> None:
    edge = after_a_restart([*NEW, route("more", to=("new",))])
    edge.asks(CLUSTER)
    assert edge.asks(ROUTE, "main", "more").names == {"main", "more"}


def test_a_client_that_has_all_is_answered_at_once() -> None:
    edge = after_a_restart(NEW)
    answers = opens(edge, NEW, CLUSTER, ENDPOINT, LISTENER, ROUTE)
    assert [one.types for one in answers] == [[CLUSTER], [], [LISTENER], []]
    assert {one.wake_at_s for one in answers} == {None}
    assert not any(one.names or one.removed for one in answers)


@pytest.mark.parametrize("silent", [CLUSTER, ROUTE])
def test_a_silent_client_is_waited_for_only_so_long(silent: TypeUrl) -> None:
    edge = after_a_restart(NEW)
    opens(edge, OLD, CLUSTER, ENDPOINT, LISTENER, ROUTE)
    edge.acks(LISTENER)
    waiting, removed = [*edge.waits(GATHERING_S).responses], set()
    for _ in range(10):
        while waiting:
            response = waiting.pop(0)
            removed |= set(response.removed)
            if response.type_url != silent:
                waiting += edge.acks(response).responses
        answer = edge.waits(5)
        waiting += answer.responses
        if answer.wake_at_s is None and not waiting:
            break
    assert "old" in removed or silent is CLUSTER, "its own removal waits for its own answer"
    assert edge.last[ROUTE].resources == (NEW[3],)


def test_a_rejection_is_an_answer_here_too() -> None:
    edge = after_a_restart(NEW)
    opens(edge, OLD, CLUSTER, ENDPOINT, LISTENER, ROUTE)
    edge.acks(LISTENER)
    edge.waits(GATHERING_S)
    edge.asks(ENDPOINT, "new")
    edge.acks(ENDPOINT)
    assert edge.acks(CLUSTER).types == [ROUTE]
    assert edge.nacks(ROUTE).removed == {"old"}


def test_what_comes_back_while_its_removal_waits_is_not_removed() -> None:
    edge = after_a_restart(NEW)
    opens(edge, OLD, CLUSTER, ENDPOINT, LISTENER, ROUTE)
    edge.acks(LISTENER)
    edge.waits(GATHERING_S)
    answer = edge.is_served(*OLD[:2], *NEW)
    followed = edge.acks_all(answer)
    edge.asks(ENDPOINT, "new")
    followed_by = [edge.acks(ENDPOINT), edge.acks(CLUSTER), edge.waits(5)]
    removed = answer.removed | followed.removed | {name for one in followed_by for name in one.removed}
    assert removed == set()


def away(edge: Edge, *serving: Resource) -> str:
    """The stream ends, and something else is published. Returns the version of the clusters that the client has."""
    version = edge.last[CLUSTER].version
    edge.catalogue.load(edge.catalogue.revision + 1, serving)
    return version


def a_gateway_of_full_states() -> Edge:
    edge = an_edge(STATE, OLD)
    edge.acks_all(edge.asks(CLUSTER))
    return edge


def test_a_full_state_keeps_what_went_until_the_routes_have_left_it() -> None:
    edge = a_gateway_of_full_states()
    version, again = away(edge, *NEW), edge.reconnects()
    assert again.asks(CLUSTER, version=version).wake_at_s == GATHERING_S
    again.asks(ENDPOINT, "old", version="an older one")
    assert again.asks(LISTENER, version=again.catalogue.served(LISTENER).version).responses == ()
    assert again.asks(ROUTE, "main", version="an older one").responses == ()
    answer = again.waits(GATHERING_S)
    assert (answer.types, answer.names) == ([CLUSTER], {"old", "new"})
    assert again.asks(ENDPOINT, "new").names == {"new"}
    again.acks(ENDPOINT)
    assert again.acks(CLUSTER).types == [ROUTE]
    assert again.acks(ROUTE).of(CLUSTER).names == {"new"}


def test_a_full_state_of_which_nothing_else_is_opened_is_reduced_at_once() -> None:
    edge = a_gateway_of_full_states()
    version, again = away(edge, *NEW), edge.reconnects()
    assert again.asks(CLUSTER, version=version).responses == ()
    assert again.waits(GATHERING_S).names == {"new"}


def test_of_a_version_that_nobody_remembers_the_full_state_is_all_that_can_be_told() -> None:
    edge = a_gateway_of_full_states()
    away(edge, *NEW)
    assert edge.reconnects().asks(CLUSTER, version="of another server").names == {"new"}


def test_without_ads_what_refers_to_it_is_on_another_stream() -> None:
    catalogue, siblings = Catalogue(GroupName("edge")), Siblings()
    catalogue.load(1, NEW)
    clusters, routes = (
        an_edge(DELTA, catalogue=catalogue, only_type=url, siblings=siblings) for url in (CLUSTER, ROUTE)
    )
    assert opens(clusters, OLD, CLUSTER)[0].responses == ()
    opens(routes, OLD, ROUTE)
    answer = clusters.waits(GATHERING_S)
    assert (answer.names, answer.removed) == ({"new"}, set())
    clusters.acks(CLUSTER)
    routes.now_s = clusters.now_s = 5.1  # nobody asks for the endpoints of the new cluster
    assert routes.waits(0).types == [ROUTE]
    routes.acks(ROUTE)
    assert clusters.waits(0).removed == {"old"}
