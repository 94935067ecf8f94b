"""Rule 15: an unknown name is told at once, stays subscribed, and is pushed when it appears."""

from __future__ import annotations

from tests.builders import assignment, cluster, listener, route, shop_host
from tests.transcripts import DELTA, STATE, Answer, an_edge
from xds.protocol.plan import Settled
from xds.protocol.session import Limits
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, ROUTE, VIRTUAL_HOST
from xds.protocol.variant import Variant

NOT_FOUND = 5


def errors(answer: Answer) -> dict[str, str]:
    found = [error for response in answer.responses for error in response.errors]
    assert {error.code for error in found} <= {NOT_FOUND}
    return {error.name: error.message for error in found}


def test_an_unknown_name_is_an_error_beside_what_exists(variant: Variant) -> None:
    edge = an_edge(variant, [route("main")])
    answer = edge.asks(ROUTE, "main", "unknown")
    assert answer.only.resources == (route("main"),)
    assert errors(answer) == {"unknown": "group 'edge' has no route of this name"}


def test_a_name_alone_is_answered_too_and_comes_when_it_appears(variant: Variant) -> None:
    edge = an_edge(variant, [route("main")])
    answer = edge.asks(ROUTE, "unknown")
    assert (answer.names, set(errors(answer))) == (set(), {"unknown"})
    assert edge.acks(ROUTE).seen(Settled) == [Settled(ROUTE, 1)]
    later = edge.is_served(route("main"), route("unknown"))
    assert (later.names, errors(later)) == ({"unknown"}, {})


def test_the_incremental_variant_removes_it_as_well() -> None:
    edge = an_edge(DELTA, [route("main")])
    answer = edge.asks(ROUTE, "unknown")
    assert answer.only.removed == ("unknown",)
    assert set(errors(answer)) == {"unknown"}


def test_it_is_told_once(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")])
    edge.asks(CLUSTER, "web", "unknown")
    assert edge.acks(CLUSTER).responses == ()
    changed = edge.is_served(cluster("web", "b"))
    assert (changed.names, errors(changed)) == ({"web"}, {})
    edge.acks(CLUSTER)
    assert set(errors(edge.asks(CLUSTER, "stranger"))) == {"stranger"}


def test_a_full_state_has_the_names_that_exist_beside_the_error() -> None:
    edge = an_edge(STATE, [listener("http"), listener("other")])
    answer = edge.asks(LISTENER, "http", "unknown")
    assert answer.only.resources == (listener("http"),)
    assert set(errors(answer)) == {"unknown"}


def test_a_wildcard_has_no_unknown_names(variant: Variant) -> None:
    edge = an_edge(variant)
    assert errors(edge.asks(CLUSTER)) == {}


def test_a_name_beside_a_wildcard_has(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")])
    answer = edge.asks(CLUSTER, "*", "unknown")
    assert (answer.names, set(errors(answer))) == ({"web"}, {"unknown"})


def test_what_is_removed_later_or_let_go_of_is_no_error() -> None:
    edge = an_edge(DELTA, [cluster("web"), cluster("api")])
    edge.acks_all(edge.asks(CLUSTER, "*", "web"))
    removed = edge.is_served(cluster("api"))
    assert (removed.removed, errors(removed)) == ({"web"}, {})
    edge.acks_all(removed)
    dropped = edge.drops(CLUSTER, "web")
    assert (dropped.removed, errors(dropped)) == ({"web"}, {})


def test_nothing_is_an_error_before_the_group_exists(variant: Variant) -> None:
    edge = an_edge(variant, [route("main")], in_group=False)
    assert edge.asks(ROUTE, "unknown").responses == ()
    assert set(errors(edge.joins())) == {"unknown"}


def test_equal_answers_are_shared_and_those_with_other_errors_are_not(variant: Variant) -> None:
    edge = an_edge(variant, [route("main")])
    others = [an_edge(variant, catalogue=edge.catalogue) for _ in range(2)]
    key = edge.asks(ROUTE, "main", "unknown").only.share_key
    assert others[0].asks(ROUTE, "main", "unknown").only.share_key == key
    assert others[1].asks(ROUTE, "main", "stranger").only.share_key != key
    assert edge.reconnects().asks(ROUTE, "main").only.share_key != key


def test_many_unknown_names_are_told_in_pieces(variant: Variant) -> None:
    edge = an_edge(variant, [assignment("web")], limits=Limits(response_bytes=2_000))
    names = [f"unknown-{number}" for number in range(100)]
    answer = edge.asks(ENDPOINT, "web", *names)
    assert len(answer.responses) > 5
    assert (answer.names, set(errors(answer))) == ({"web"}, set(names))
    assert edge.acks_all(answer).seen(Settled) == [Settled(ENDPOINT, 1)]


def test_a_full_state_that_cannot_be_split_keeps_its_errors_within_the_limit() -> None:
    edge = an_edge(STATE, [listener("http")], limits=Limits(response_bytes=2_000))
    names = [f"unknown-{number}" for number in range(100)]
    answer = edge.asks(LISTENER, "http", *names)
    assert answer.only.resources == (listener("http"),)
    assert 0 < len(errors(answer)) < 20


def test_a_host_that_the_client_still_holds_is_removed_and_not_only_unknown() -> None:
    """A name that stands for no virtual host is told without a body, which takes nothing from the client."""
    edge = an_edge(DELTA, [shop_host("web")])
    edge.asks(VIRTUAL_HOST, "*")
    assert edge.is_served().responses == (), "its removal waits for the answer to what came first"
    assert edge.asks(VIRTUAL_HOST, "shop/web").removed == {"shop/web"}
