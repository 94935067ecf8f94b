"""What a client holds of each name, told from the cursor and its exceptions: in both variants, from asked to gone."""

from __future__ import annotations

import pytest

from tests.builders import assignment, cluster, route
from tests.transcripts import DELTA, STATE, Edge, an_edge
from xds.protocol.holding import Hold
from xds.protocol.returning import GATHERING_S
from xds.protocol.types import CLUSTER, ENDPOINT, ROUTE, TypeUrl
from xds.protocol.variant import Variant

BOTH = pytest.mark.parametrize("variant", list(Variant), ids=lambda variant: variant.value)
FIRST, SECOND = cluster("web").version, cluster("web", "b").version


def held(edge: Edge, type_url: TypeUrl = CLUSTER) -> dict[str, tuple[Hold, str]]:
    """By name, of one type."""
    return {one.name: (one.hold, one.version) for one in edge.session.holdings() if one.type_url == type_url}


@BOTH
def test_a_name_from_asked_for_to_taken_to_left_behind_to_gone(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")], in_group=False)
    edge.asks(CLUSTER, "web")
    assert held(edge) == {"web": (Hold.WAITING, "")}
    edge.joins()
    assert held(edge) == {"web": (Hold.SENT, "")}
    edge.acks(CLUSTER)
    assert held(edge) == {"web": (Hold.CURRENT, FIRST)}
    edge.is_served(cluster("web", "b"))
    assert held(edge) == {"web": (Hold.OLDER, FIRST)}
    edge.acks(CLUSTER)
    assert held(edge) == {"web": (Hold.CURRENT, SECOND)}
    edge.acks_all(edge.is_served())
    assert held(edge) == {"web": (Hold.MISSING, "")}


@BOTH
def test_everything_is_told_name_by_name_and_with_other_names_beside_it(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web"), cluster("api")])
    edge.acks_all(edge.asks(CLUSTER))
    assert held(edge) == {"api": (Hold.CURRENT, cluster("api").version), "web": (Hold.CURRENT, FIRST)}
    edge.acks_all(edge.asks(CLUSTER, "*", "nobody"))
    assert list(held(edge)) == ["api", "nobody", "web"]
    assert held(edge)["nobody"] == (Hold.MISSING, "")
    assert edge.session.wants_at_most == 3


@BOTH
def test_what_changed_again_before_the_answer_is_older_and_not_sent(variant: Variant) -> None:
    edge = an_edge(variant, [assignment("web")])
    edge.acks_all(edge.asks(ENDPOINT, "web"))
    edge.is_served(assignment("web", "b"))
    edge.is_served(assignment("web", "c"))
    assert held(edge, ENDPOINT) == {"web": (Hold.OLDER, assignment("web").version)}
    edge.acks(ENDPOINT)
    assert held(edge, ENDPOINT) == {"web": (Hold.OLDER, assignment("web", "b").version)}


@BOTH
def test_a_rejection_is_told_in_the_clients_words_until_newer_content_is_served(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")])
    edge.asks(CLUSTER)
    edge.nacks(CLUSTER, "no such filter")
    (holding,) = edge.session.holdings()
    assert holding.hold is Hold.REFUSED
    assert holding.rejection is not None
    assert (holding.rejection.message, holding.rejection.versions) == ("no such filter", (FIRST,))
    edge.is_served(cluster("web", "b"))
    assert held(edge) == {"web": (Hold.SENT, "")}
    edge.acks(CLUSTER)
    assert held(edge) == {"web": (Hold.CURRENT, SECOND)}


def test_an_update_that_is_kept_back_is_older_in_a_version_that_nobody_remembers() -> None:
    edge = an_edge(DELTA, [route("main")])
    edge.acks_all(edge.asks(CLUSTER))
    edge.acks_all(edge.asks(ROUTE, "main"))
    edge.is_served(cluster("web"), route("main", "b", to=("web",)))
    edge.nacks(CLUSTER)
    assert held(edge, ROUTE) == {"main": (Hold.OLDER, "")}


def test_a_full_state_that_repeats_something_says_nothing_new_of_it() -> None:
    edge = an_edge(STATE, [cluster("web"), cluster("api")])
    edge.acks_all(edge.asks(CLUSTER))
    edge.is_served(cluster("web", "b"), cluster("api"))
    assert held(edge) == {"api": (Hold.CURRENT, cluster("api").version), "web": (Hold.OLDER, FIRST)}


def test_what_a_client_brings_to_a_new_stream_is_current_at_once() -> None:
    edge = an_edge(DELTA, [cluster("web"), cluster("api")])
    edge.asks(CLUSTER, having={"web": FIRST, "api": "old"})
    assert held(edge) == {"api": (Hold.SENT, ""), "web": (Hold.CURRENT, FIRST)}


def test_what_a_client_brings_and_is_left_for_now_is_older() -> None:
    edge = an_edge(DELTA, [cluster("web"), route("main", to=("web",))])
    edge.asks(CLUSTER, "gone", having={"gone": "1"})
    edge.asks(ROUTE, "main")
    edge.waits(GATHERING_S)
    assert held(edge) == {"gone": (Hold.OLDER, "")}
