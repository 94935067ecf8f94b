"""Endpoint sets: they take the place of what the configuration says of a cluster's endpoints, without a revision."""

from __future__ import annotations

import pytest

from tests.builders import assignment, cluster, listener, secret
from tests.transcripts import Answer, Edge, an_edge
from xds.protocol.catalogue import Catalogue
from xds.protocol.changelog import Changes
from xds.protocol.plan import Acked, Rejected, Sent, Settled
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, SECRET, GroupName
from xds.protocol.variant import Variant

WEB, API = cluster("web", endpoints="web"), cluster("api", endpoints="api")
CONFIGURED, DRAINED, GROWN = assignment("web"), assignment("web", "drained"), assignment("web", "grown")
EMPTY = b"\x0a\x03web"

both = pytest.mark.parametrize("variant", list(Variant), ids=lambda variant: variant.value)


def a_settled_edge(variant: Variant, *resources: Resource) -> Edge:
    """It subscribes to all clusters and to the endpoints of web and api, and has them."""
    edge = an_edge(variant, resources)
    edge.acks_all(edge.asks(CLUSTER))
    edge.acks_all(edge.asks(ENDPOINT, "web", "api"))
    return edge


def bodies(answer: Answer) -> list[bytes]:
    return [resource.body for resource in answer.only.resources]


@both
def test_an_endpoint_set_goes_alone_and_at_once(variant: Variant) -> None:
    edge = a_settled_edge(variant, WEB, API, CONFIGURED, assignment("api"))
    answer = edge.has_endpoints(DRAINED)
    assert (answer.types, bodies(answer)) == ([ENDPOINT], [DRAINED.body])
    assert edge.acks_all(answer).responses == ()


@both
def test_it_takes_the_place_of_the_empty_assignment_and_gives_it_back(variant: Variant) -> None:
    edge = a_settled_edge(variant, WEB)
    answer = edge.has_endpoints(DRAINED)
    assert bodies(answer) == [DRAINED.body]
    edge.acks_all(answer)
    assert bodies(edge.has_endpoints(cleared=["web"])) == [EMPTY]


@both
def test_equal_content_is_not_sent(variant: Variant) -> None:
    edge = a_settled_edge(variant, WEB, CONFIGURED)
    assert edge.has_endpoints(CONFIGURED).plan.observations == ()
    assert edge.has_endpoints(cleared=["web"]).plan.observations == ()
    assert edge.has_endpoints(cleared=["never set"]).plan.observations == ()


@both
def test_a_revision_changes_nothing_under_it_and_counts_when_it_is_cleared(variant: Variant) -> None:
    edge = a_settled_edge(variant, WEB, CONFIGURED)
    edge.acks_all(edge.has_endpoints(DRAINED))
    assert edge.is_served(WEB, assignment("web", "newer")).responses == ()
    assert bodies(edge.has_endpoints(cleared=["web"])) == [assignment("web", "newer").body]


@both
def test_a_revision_without_the_assignment_leaves_it_standing(variant: Variant) -> None:
    edge = a_settled_edge(variant, WEB, CONFIGURED)
    edge.acks_all(edge.has_endpoints(DRAINED))
    assert edge.is_served(WEB).responses == ()
    assert bodies(edge.has_endpoints(cleared=["web"])) == [EMPTY]


@both
def test_it_is_served_only_while_a_cluster_refers_to_it(variant: Variant) -> None:
    edge = a_settled_edge(variant, API, assignment("api"))
    assert edge.has_endpoints(DRAINED).responses == ()
    appeared = edge.is_served(WEB, API, assignment("api"))
    assert bodies(appeared.of(ENDPOINT)) == [DRAINED.body]
    edge.acks_all(appeared)
    edge.acks_all(edge.is_served(API, assignment("api")))
    assert "web" not in edge.catalogue.served(ENDPOINT).resources
    again = edge.is_served(cluster("other", endpoints="web"), API, assignment("api"))
    assert bodies(again.of(ENDPOINT)) == [DRAINED.body]


@both
def test_without_a_cluster_the_configuration_counts(variant: Variant) -> None:
    edge = a_settled_edge(variant, API, CONFIGURED)
    assert edge.has_endpoints(DRAINED).responses == ()
    edge.acks_all(edge.is_served(WEB, API, CONFIGURED))
    assert edge.catalogue.served(ENDPOINT).resources["web"] == DRAINED


def test_what_is_known_before_the_first_load_is_served_from_the_start() -> None:
    catalogue = Catalogue(GroupName("edge"))
    assert catalogue.is_blank
    assert catalogue.set_endpoints([("web", DRAINED)]) == ()
    assert not catalogue.is_blank
    catalogue.load(1, [WEB, CONFIGURED])
    assert catalogue.served(ENDPOINT).resources == {"web": DRAINED}
    assert catalogue.served(ENDPOINT).changes_since(1) == Changes()


def test_loading_a_whole_state_again_compares_what_was_configured() -> None:
    catalogue = Catalogue(GroupName("edge"))
    catalogue.load(1, [WEB, CONFIGURED])
    catalogue.set_endpoints([("web", DRAINED)])
    catalogue.load(2, [WEB])
    catalogue.set_endpoints([("web", None)])
    assert catalogue.served(ENDPOINT).resources["web"].body == EMPTY


def test_the_position_moves_with_what_is_served_and_the_revision_does_not() -> None:
    catalogue = Catalogue(GroupName("edge"))
    catalogue.load(3, [WEB, CONFIGURED])
    assert (catalogue.revision, catalogue.position, catalogue.revised_at) == (3, 1, 1)
    assert catalogue.set_endpoints([("web", DRAINED), ("unknown", assignment("unknown"))]) == ("web",)
    assert (catalogue.revision, catalogue.position, catalogue.revised_at) == (3, 2, 1)
    assert catalogue.set_endpoints([("web", DRAINED)]) == ()
    assert catalogue.position == 2


def test_the_version_is_the_one_that_the_configuration_would_have() -> None:
    apart, configured = Catalogue(GroupName("edge")), Catalogue(GroupName("edge"))
    apart.load(1, [WEB, CONFIGURED])
    apart.set_endpoints([("web", DRAINED)])
    configured.load(7, [WEB, DRAINED])
    assert apart.served(ENDPOINT).version == configured.served(ENDPOINT).version


@both
def test_a_push_of_endpoints_is_told_from_one_of_a_revision(variant: Variant) -> None:
    edge = a_settled_edge(variant, WEB, CONFIGURED)
    (apart,) = edge.has_endpoints(DRAINED).seen(Sent)
    assert (apart.apart, apart.revision, apart.position) == (True, 1, 2)
    (acked,) = edge.acks(ENDPOINT).seen(Acked)
    assert (acked.revision, acked.position) == (1, 2)
    sent = edge.is_served(cluster("web", "b", endpoints="web"), CONFIGURED).seen(Sent)
    assert [one.apart for one in sent] == [False, False]  # the cluster, and its endpoints with it (rule 25)


@both
def test_other_types_hear_nothing_of_it(variant: Variant) -> None:
    edge = a_settled_edge(variant, WEB, CONFIGURED)
    answer = edge.has_endpoints(DRAINED)
    settled = [*answer.seen(Settled), *edge.acks_all(answer).seen(Settled)]
    assert [one.type_url for one in settled] == [ENDPOINT]


@both
def test_a_session_that_wants_none_of_them_need_not_be_asked(variant: Variant) -> None:
    edge = a_settled_edge(variant, WEB, cluster("other", endpoints="other"))
    catalogue, session = edge.catalogue, edge.session
    catalogue.set_endpoints([("other", assignment("other", "b"))])
    assert not session.is_concerned()
    catalogue.set_endpoints([("web", DRAINED)])
    assert session.is_concerned()
    edge.acks_all(edge.waits(0))
    assert not session.is_concerned()
    catalogue.advance(2, [])
    assert session.is_concerned()


@both
def test_a_refused_endpoint_set_stands_until_a_newer_one_is_taken(variant: Variant) -> None:
    edge = a_settled_edge(variant, WEB, API, CONFIGURED)
    edge.has_endpoints(DRAINED)
    (refused,) = edge.nacks(ENDPOINT, "no such locality").seen(Rejected)
    assert (refused.revision, refused.message, refused.names) == (1, "no such locality", ("web",))
    assert edge.has_endpoints(DRAINED).responses == ()
    edge.has_endpoints(assignment("api", "b"))
    assert [one.whole for one in edge.acks(ENDPOINT).seen(Acked)] == [False]
    edge.has_endpoints(GROWN)
    assert [one.whole for one in edge.acks(ENDPOINT).seen(Acked)] == [True]


@both
def test_a_storm_becomes_one_push_while_the_client_is_busy_and_the_last_one_is_delivered(variant: Variant) -> None:
    edge = a_settled_edge(variant, WEB, CONFIGURED)
    first = edge.has_endpoints(DRAINED)
    for number in range(50):
        assert edge.has_endpoints(assignment("web", str(number))).responses == ()
    assert bodies(edge.acks(first.only)) == [assignment("web", "49").body]


@both
def test_endpoints_do_not_wait_for_an_answer_about_clusters_that_no_revision_brought(variant: Variant) -> None:
    edge = an_edge(variant, [WEB, API, CONFIGURED])
    edge.acks_all(edge.asks(CLUSTER, "web"))
    edge.acks_all(edge.asks(ENDPOINT, "web"))
    edge.acks_all(edge.has_endpoints(DRAINED))
    edge.asks(CLUSTER, "api")  # the answer is under way
    assert edge.has_endpoints(GROWN).types == [ENDPOINT]


@both
def test_endpoints_wait_for_their_new_cluster(variant: Variant) -> None:
    edge = a_settled_edge(variant, API)
    pushed = edge.is_served(WEB, API)
    assert pushed.types[0] == CLUSTER
    assert edge.has_endpoints(DRAINED).types == []
    assert edge.acks_all(pushed).of(ENDPOINT).names == {"web"}
    assert edge.last[ENDPOINT].resources[0].version == DRAINED.version


@both
def test_unanswered_endpoints_do_not_hold_back_a_revision_for_ever(variant: Variant) -> None:
    edge = a_settled_edge(variant, WEB, CONFIGURED)
    edge.acks_all(edge.asks(LISTENER))
    edge.has_endpoints(DRAINED)  # never answered
    assert edge.is_served(WEB, CONFIGURED, listener("main")).types == []
    assert edge.waits(6).types == [LISTENER]


def test_an_endless_storm_lets_go_what_is_no_longer_used() -> None:
    secured, tls = cluster("api", secret="tls"), secret("tls")
    edge = an_edge(Variant.DELTA, [WEB, secured, CONFIGURED, tls])
    for type_url, name in ((CLUSTER, "*"), (ENDPOINT, "web"), (SECRET, "tls")):
        edge.acks_all(edge.asks(type_url, name))
    edge.acks_all(edge.is_served(WEB, secured, CONFIGURED))
    under_way = [edge.has_endpoints(DRAINED).only]
    edge.acks_all(edge.is_served(WEB, cluster("api"), CONFIGURED).of(CLUSTER))
    removed: set[str] = set()
    for number in range(5):
        edge.has_endpoints(assignment("web", str(number)))
        answer = edge.acks(under_way[-1])
        under_way += answer.of(ENDPOINT).responses
        removed |= answer.of(SECRET).removed
    assert removed == {"tls"}


@both
def test_an_endless_storm_lets_removals_through(variant: Variant) -> None:
    edge = a_settled_edge(variant, WEB, API, CONFIGURED)
    pushed = [edge.has_endpoints(DRAINED).only]
    edge.is_served(WEB, CONFIGURED)
    said: list[Answer] = []
    for number in range(5):
        edge.has_endpoints(assignment("web", str(number)))
        said.append(edge.acks(pushed[-1]))
        pushed += said[-1].of(ENDPOINT).responses
    if variant is Variant.DELTA:
        assert any("api" in one.of(CLUSTER).removed for one in said)
    else:
        assert any(one.of(CLUSTER).names == {"web"} for one in said)
