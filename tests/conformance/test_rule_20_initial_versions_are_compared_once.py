"""Rule 20: what a client has at the current version is not resent; what it has and should not is removed."""

from __future__ import annotations

from tests.builders import assignment, cluster, shop_host
from tests.transcripts import DELTA, an_edge
from xds.protocol.returning import GATHERING_S
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, VIRTUAL_HOST

WEB, API, NEW = cluster("web"), cluster("api"), cluster("new")


def test_only_the_difference_is_sent() -> None:
    edge = an_edge(DELTA, [WEB, API, NEW])
    answer = edge.asks(CLUSTER, having={"web": WEB.version, "api": "an older one"})
    assert (answer.names, answer.removed) == ({"api", "new"}, set())


def test_what_is_gone_goes_with_the_first_response_a_moment_later() -> None:
    """That long it is seen what else the client opens: what refers to it may have to come first (rule 24)."""
    edge = an_edge(DELTA, [WEB, API])
    answer = edge.asks(CLUSTER, having={"web": WEB.version, "api": "an older one", "gone": "1"})
    assert (answer.responses, answer.wake_at_s) == ((), GATHERING_S)
    answer = edge.waits(GATHERING_S)
    assert (answer.only.resources, answer.only.removed) == ((API,), ("gone",))
    assert edge.acks(CLUSTER).responses == ()


def test_on_a_stream_of_one_type_that_nobody_shares_it_goes_at_once() -> None:
    edge = an_edge(DELTA, [WEB], only_type=CLUSTER)
    assert edge.asks(CLUSTER, having={"web": WEB.version, "gone": "1"}).removed == {"gone"}


def test_listeners_go_at_once_for_nothing_refers_to_them() -> None:
    assert an_edge(DELTA, [WEB]).asks(LISTENER, having={"gone": "1"}).removed == {"gone"}


def test_a_client_that_has_everything_gets_an_empty_answer() -> None:
    edge = an_edge(DELTA, [WEB, API])
    response = edge.asks(CLUSTER, having={"web": WEB.version, "api": API.version}).only
    assert (response.resources, response.removed) == ((), ())


def test_a_client_that_has_its_names_gets_none() -> None:
    web = assignment("web")
    edge = an_edge(DELTA, [web, assignment("api")])
    assert edge.asks(ENDPOINT, "web", having={"web": web.version}).responses == ()
    assert edge.is_served(assignment("web", "b")).names == {"web"}


def test_a_name_that_went_meanwhile_is_removed() -> None:
    edge = an_edge(DELTA, [assignment("api")])
    assert edge.asks(ENDPOINT, "web", having={"web": "1"}).responses == ()
    assert edge.waits(GATHERING_S).removed == {"web"}


def test_a_name_asked_for_again_before_the_first_response_is_sent_again() -> None:
    edge = an_edge(DELTA, [WEB, API])
    edge.asks(CLUSTER, having={"web": WEB.version, "api": API.version, "gone": "1"})
    edge.asks(CLUSTER, "web")
    assert edge.waits(GATHERING_S).names == {"web"}


def test_a_name_that_is_gone_and_asked_for_again_before_the_first_response_is_removed() -> None:
    had = {"shop/web": "1"}
    edge = an_edge(DELTA, [WEB, shop_host("api")])
    edge.asks(CLUSTER)
    assert edge.asks(VIRTUAL_HOST, having=had).responses == (), "the cluster that is new comes first"
    edge.asks(VIRTUAL_HOST, "shop/web")
    assert edge.acks(CLUSTER).of(VIRTUAL_HOST).removed == {"shop/web"}


def test_a_name_let_go_of_before_the_first_response_is_not_removed() -> None:
    edge = an_edge(DELTA, [assignment("api")])
    edge.asks(ENDPOINT, "web", having={"web": "1"})
    edge.drops(ENDPOINT, "web")
    assert edge.waits(GATHERING_S).responses == ()


def test_versions_count_in_the_first_request_of_a_type_only() -> None:
    edge = an_edge(DELTA, [assignment("web")])
    edge.acks_all(edge.asks(ENDPOINT, "web"))
    assert edge.asks(ENDPOINT, "web", having={"web": assignment("web").version}).names == {"web"}
