"""Rule 36: what gRPC clients count on. They speak the state of the world, and forgive other things than Envoy does.

They name everything they want, use the valid resources of a response they NACK, wait 15 s for what is not told, take a
close after a response as no error, and a close before any as a reason to fall back to another server. What real ones
make of it: tests/integration/test_grpc_proxyless.py.
"""

from __future__ import annotations

import pytest

from tests.builders import assignment, cluster, listener, route
from tests.clients import StateClient
from tests.edges import a_cluster, an_edge, eventually
from tests.transcripts import STATE, Answer, Edge
from tests.transcripts import an_edge as a_transcript
from xds.protocol.holding import Hold
from xds.protocol.requests import StateRequest
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, ROUTE

HALF_GOOD = 'cluster "bad": unsupported lb_policy'


def service(*, routes: str = "a", endpoints: str = "a", bad: str = "a") -> list[Resource]:
    """A listener, its routes, two clusters and their endpoints; letters stand for content."""
    return [
        listener("cart", route="cart"),
        route("cart", routes, to=("good", "bad")),
        cluster("good", endpoints="good"),
        cluster("bad", bad, endpoints="bad"),
        assignment("good", endpoints),
        assignment("bad"),
    ]


def starts(edge: Edge) -> Answer:
    """Name by name, as each answer leads to the next; returns the answer with the clusters."""
    for type_url in (LISTENER, ROUTE):
        answer = edge.asks(type_url, "cart")
        assert answer.names == {"cart"}
        edge.acks(type_url)
    return edge.asks(CLUSTER, "good", "bad")


def takes_the_good_one(edge: Edge) -> None:
    """A NACK of the clusters, and the endpoints of the one that is used all the same."""
    assert starts(edge).names == {"good", "bad"}
    assert edge.nacks(CLUSTER, HALF_GOOD).responses == ()
    assert edge.asks(ENDPOINT, "good").names == {"good"}
    edge.acks(ENDPOINT)


def test_names_lead_from_a_listener_to_endpoints() -> None:
    edge = a_transcript(STATE, service())
    assert starts(edge).names == {"good", "bad"}
    edge.acks(CLUSTER)
    assert edge.asks(ENDPOINT, "good", "bad").names == {"good", "bad"}
    assert edge.acks(ENDPOINT).responses == ()


def test_endpoints_follow_for_the_valid_cluster_of_a_rejected_response() -> None:
    edge = a_transcript(STATE, service())
    takes_the_good_one(edge)
    assert edge.is_served(*service(endpoints="b")).of(ENDPOINT).names == {"good"}


def test_routes_follow_that_lead_to_the_valid_cluster_of_a_rejected_response() -> None:
    edge = a_transcript(STATE, service())
    takes_the_good_one(edge)
    assert edge.is_served(*service(routes="b")).of(ROUTE).names == {"cart"}


def test_routes_follow_that_led_to_clusters_before_they_appeared_and_were_rejected() -> None:
    """The client has such routes: keeping newer ones back would save it nothing."""
    edge = a_transcript(STATE, [one for one in service() if one.type_url in (LISTENER, ROUTE)])
    assert {error.name for error in starts(edge).only.errors} == {"good", "bad"}
    edge.acks(CLUSTER)
    assert edge.is_served(*service()).of(CLUSTER).names == {"good", "bad"}
    edge.nacks(CLUSTER, HALF_GOOD)
    assert edge.is_served(*service(routes="b")).names == {"cart"}


def test_a_cluster_that_is_used_though_its_response_was_rejected_is_in_every_full_state() -> None:
    """Its absence would be its end; what was rejected beside it stays as well, for it was not removed."""
    edge = a_transcript(STATE, service())
    takes_the_good_one(edge)
    more = (*service(), cluster("more", endpoints="more"), assignment("more"))
    edge.is_served(*more)
    assert edge.asks(CLUSTER, "more").names == {"good", "bad", "more"}


def test_a_rejection_of_the_last_of_two_answers_is_one_of_what_the_first_brought() -> None:
    """A client that names one more cluster before it has read the first answer speaks of both with its last word."""
    edge = a_transcript(STATE, service())
    for type_url in (LISTENER, ROUTE):
        edge.acks_all(edge.asks(type_url, "cart"))
    edge.asks(CLUSTER, "bad")
    edge.wants[CLUSTER] = ("bad", "good")
    assert edge.sends(StateRequest(CLUSTER, "", edge.wants[CLUSTER])).names == {"good", "bad"}
    edge.nacks(CLUSTER, HALF_GOOD)
    told = {one.name: one.hold for one in edge.session.holdings() if one.type_url == CLUSTER}
    assert told == {"good": Hold.REFUSED, "bad": Hold.REFUSED}


def test_what_was_rejected_and_corrected_comes_at_once() -> None:
    edge = a_transcript(STATE, service())
    takes_the_good_one(edge)
    assert edge.is_served(*service(bad="b")).of(CLUSTER).names == {"good", "bad"}


def test_a_name_that_does_not_exist_is_answered_so_that_nobody_waits_for_15_s() -> None:
    edge = a_transcript(STATE, service())
    answer = edge.asks(LISTENER, "checkout")
    assert [error.name for error in answer.only.errors] == ["checkout"]
    assert answer.close is None


@pytest.mark.parametrize("in_group", [True, False], ids=["nothing changes", "its group does not exist"])
def test_a_stream_is_not_closed_for_having_nothing_to_say(in_group: bool) -> None:
    edge = a_transcript(STATE, service(), in_group=in_group)
    edge.asks(LISTENER, "cart")
    if in_group:
        edge.acks(LISTENER)
    for _ in range(24):
        assert edge.waits(3600).close is None


async def test_a_server_that_is_not_ready_leaves_a_stream_open_until_it_has_an_answer() -> None:
    async with an_edge() as edge, StateClient(edge.address) as client:
        await edge.server.set_ready(False)
        await client.subscribe(CLUSTER, ["web"])
        await eventually(lambda: edge.fleet.node("edge-1"), "the request is taken")
        assert not client.call.done()
        edge.serve(a_cluster("web"))
        assert len((await client.next()).resources) == 1


async def test_a_server_that_goes_closes_streams_after_a_response_with_words_and_takes_no_new_ones() -> None:
    async with an_edge() as edge, StateClient(edge.address) as client:
        edge.serve(a_cluster("web"))
        await client.subscribe(CLUSTER, ["web"])
        await client.next()

        await edge.server.drain(0.2)

        code, words = await client.status()
        assert (code.name, "connect again" in words) == ("UNAVAILABLE", True)
        async with StateClient(edge.address) as late:
            assert (await late.status())[0].name == "UNAVAILABLE"  # nobody listens: no stream is opened to be closed
        assert len(edge.observer.closed) == 1
        assert edge.observer.refusals == []
