"""Rule 24, without ADS: a client's streams of one type each wait for each other as the types of one stream do."""

from __future__ import annotations

import pytest

from tests.builders import assignment, cluster, listener, route, secret
from tests.transcripts import DELTA, Answer, Edge, an_edge
from xds.protocol.catalogue import Catalogue
from xds.protocol.resource import Resource
from xds.protocol.siblings import Siblings
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, ROUTE, SECRET, GroupName, TypeUrl
from xds.protocol.variant import Variant

BLUE = (cluster("blue", endpoints="blue"), assignment("blue"), route("main", to=("blue",)))
GREEN = (cluster("green", endpoints="green"), assignment("green"), route("main", "b", to=("green",)))


class Client:
    """One client without ADS: a stream for each type, and for each cluster's endpoints."""

    def __init__(self, variant: Variant, *serving: Resource) -> None:
        self.variant = variant
        self.siblings = Siblings()
        self.catalogue = Catalogue(GroupName("edge"))
        self.catalogue.load(1, serving)

    def has(self, type_url: TypeUrl, *names: str) -> Edge:
        """A stream on which it has asked and accepted the answer."""
        edge = self.opens(type_url)
        edge.acks_all(edge.asks(type_url, *names))
        return edge

    def opens(self, type_url: TypeUrl) -> Edge:
        return an_edge(self.variant, catalogue=self.catalogue, only_type=type_url, siblings=self.siblings)

    def is_served(self, *resources: Resource) -> None:
        """The group has this from now on; each stream is asked by itself."""
        self.catalogue.load(self.catalogue.revision + 1, resources)


def gone(variant: Variant, answer: Answer, name: str) -> bool:
    """Whether the answer removes a cluster or a listener, by name or by absence."""
    return name in answer.removed if variant is DELTA else bool(answer.responses) and name not in answer.names


def test_routes_wait_for_a_new_cluster_and_the_old_one_goes_after_them(variant: Variant) -> None:
    client = Client(variant, *BLUE)
    routes, clusters = client.has(ROUTE, "main"), client.has(CLUSTER)
    blue = client.has(ENDPOINT, "blue")
    client.is_served(*GREEN)

    assert routes.waits(0).responses == blue.waits(0).responses == ()
    assert "green" in clusters.waits(0).names
    assert clusters.acks(CLUSTER).responses == ()
    assert routes.waits(0).responses == ()
    endpoints = client.has(ENDPOINT, "green")
    assert routes.waits(0).names == {"main"}
    assert clusters.waits(0).responses == endpoints.waits(0).responses == ()
    assert routes.acks(ROUTE).responses == ()
    assert gone(variant, clusters.waits(0), "blue")


def test_whoever_waits_is_told_when_to_be_asked_again(variant: Variant) -> None:
    client = Client(variant, *BLUE)
    routes, clusters = client.has(ROUTE, "main"), client.has(CLUSTER)
    client.is_served(*GREEN)
    client.siblings.freed()

    routes.waits(0)
    assert client.siblings.freed() == ()
    clusters.waits(0)
    assert client.siblings.freed() == (routes.session,)
    routes.waits(0)
    clusters.acks(CLUSTER)
    assert client.siblings.freed() == ()  # it waits for the endpoints now
    client.has(ENDPOINT, "green")
    assert set(client.siblings.freed()) == {routes.session, clusters.session}


def test_a_new_clusters_endpoints_are_waited_for_with_a_bound(variant: Variant) -> None:
    client = Client(variant, *BLUE)
    routes, clusters = client.has(ROUTE, "main"), client.has(CLUSTER)
    client.is_served(*GREEN)
    clusters.acks(clusters.waits(0).only)

    assert routes.waits(4.9).wake_at_s == 5.0
    assert routes.waits(0.1).names == {"main"}


def test_a_silent_stream_is_waited_for_with_a_bound(variant: Variant) -> None:
    client = Client(variant, cluster("web"), route("main", to=("web",)))
    routes, clusters = client.has(ROUTE, "main"), client.has(CLUSTER)
    client.is_served(cluster("web", "b"), route("main", "b", to=("web",)))
    clusters.waits(0)

    assert routes.waits(4.9).wake_at_s == 5.0
    assert routes.waits(0.1).names == {"main"}


def test_a_stream_that_ended_is_not_waited_for(variant: Variant) -> None:
    client = Client(variant, cluster("web"), route("main", to=("web",)))
    routes, clusters = client.has(ROUTE, "main"), client.has(CLUSTER)
    client.is_served(cluster("web", "b"), route("main", "b", to=("web",)))
    assert routes.waits(0).responses == ()

    clusters.session.leave()
    assert client.siblings.freed() == (routes.session,)
    assert routes.waits(0).names == {"main"}


def test_what_one_client_does_holds_up_no_other(variant: Variant) -> None:
    client = Client(variant, cluster("web"), route("main", to=("web",)))
    clusters = client.has(CLUSTER)
    other = an_edge(variant, catalogue=client.catalogue, only_type=ROUTE, siblings=Siblings())
    other.acks_all(other.asks(ROUTE, "main"))
    client.is_served(cluster("web", "b"), route("main", "b", to=("web",)))
    assert clusters.waits(0).names == {"web"}
    assert other.waits(0).names == {"main"}


def test_a_client_that_takes_clusters_alone_is_told_at_once_what_is_gone(variant: Variant) -> None:
    client = Client(variant, *BLUE)
    clusters = client.has(CLUSTER)
    client.is_served(*GREEN)
    assert gone(variant, clusters.acks(clusters.waits(0).only), "blue")


def test_listeners_go_before_the_clusters_that_they_use(variant: Variant) -> None:
    client = Client(variant, listener("http"), cluster("web"))
    clusters, listeners = client.has(CLUSTER), client.has(LISTENER)
    client.is_served()

    assert clusters.waits(0).responses == ()
    assert gone(variant, listeners.waits(0), "http")
    assert clusters.waits(0).responses == ()
    listeners.acks(LISTENER)
    assert gone(variant, clusters.waits(0), "web")


def test_secrets_come_before_the_listener_that_shows_them(variant: Variant) -> None:
    client = Client(variant, secret("old"), listener("https", secret="old"))
    listeners, secrets = client.has(LISTENER), client.has(SECRET, "old")
    client.is_served(secret("old", "b"), listener("https", "b", secret="old"))

    assert listeners.waits(0).responses == ()
    secrets.acks_all(secrets.waits(0))
    assert listeners.waits(0).names == {"https"}


def test_after_a_new_cluster_was_rejected_the_routes_stay_where_they_are(variant: Variant) -> None:
    client = Client(variant, *BLUE)
    routes, clusters = client.has(ROUTE, "main"), client.has(CLUSTER)
    client.is_served(*GREEN)
    assert clusters.nacks(clusters.waits(0).only).responses == ()
    assert routes.waits(0).responses == ()
    assert clusters.waits(60).responses == routes.waits(60).responses == ()

    mended = cluster("green", "mended", endpoints="green")
    client.is_served(mended, *GREEN[1:])
    assert "green" in clusters.waits(0).names
    clusters.acks(CLUSTER)
    client.has(ENDPOINT, "green")
    routes.acks_all(routes.waits(0))
    assert gone(variant, clusters.waits(0), "blue")


def test_after_a_route_was_rejected_its_old_cluster_stays(variant: Variant) -> None:
    client = Client(variant, *BLUE)
    routes, clusters = client.has(ROUTE, "main"), client.has(CLUSTER)
    client.is_served(*GREEN)
    clusters.acks(clusters.waits(0).only)
    endpoints = client.has(ENDPOINT, "green")
    routes.nacks(routes.waits(0).only)
    assert not gone(variant, clusters.waits(60), "blue")

    client.is_served(*GREEN[:2], route("main", "mended", to=("green",)))
    assert not gone(variant, clusters.waits(0), "blue")
    assert endpoints.waits(0).responses == ()
    routes.acks(routes.waits(0).only)
    assert gone(variant, clusters.waits(0), "blue")


@pytest.mark.parametrize("rounds", [3])
def test_back_and_forth(variant: Variant, rounds: int) -> None:
    client = Client(variant, *BLUE)
    routes, clusters = client.has(ROUTE, "main"), client.has(CLUSTER)
    for number in range(rounds):
        told, name, other = ((GREEN, "green", "blue"), (BLUE, "blue", "green"))[number % 2]
        client.is_served(*told)
        clusters.acks(clusters.waits(0).only)
        endpoints = client.has(ENDPOINT, name)
        routes.acks(routes.waits(0).only)
        answer = clusters.waits(0)
        assert gone(variant, answer, other)
        clusters.acks_all(answer)
        endpoints.session.leave()  # in time for the next round: Envoy ends it when the cluster is gone
