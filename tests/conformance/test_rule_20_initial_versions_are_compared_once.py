"""Rule 20: what a client has at the current version is not resent; what it has and should not is removed."""

from __future__ import annotations

from tests.builders import assignment, cluster
from tests.transcripts import DELTA, an_edge
from xds.protocol.types import CLUSTER, ENDPOINT

WEB, API, NEW = cluster("web"), cluster("api"), cluster("new")


def test_only_the_difference_is_sent() -> None:
    edge = an_edge(DELTA, [WEB, API, NEW])
    answer = edge.asks(CLUSTER, having={"web": WEB.version, "api": "an older one", "gone": "1"})
    assert answer.names == {"api", "new"}
    assert answer.removed == {"gone"}


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
    assert edge.asks(ENDPOINT, "web", having={"web": "1"}).removed == {"web"}


def test_versions_count_in_the_first_request_of_a_type_only() -> None:
    edge = an_edge(DELTA, [assignment("web")])
    edge.acks_all(edge.asks(ENDPOINT, "web"))
    assert edge.asks(ENDPOINT, "web", having={"web": assignment("web").version}).names == {"web"}
