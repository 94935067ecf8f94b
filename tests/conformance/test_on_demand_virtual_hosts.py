"""On-demand VHDS: a client names a host of a route configuration and is told the virtual host that it stands for.

Envoy wants everything first and then names hosts, one by one; while it waits for one, a request waits with it. It
takes a virtual host whose aliases have the name that it asked for, or a resource without a body: there is none.
"""

from __future__ import annotations

import pytest

from tests.builders import shop_host
from tests.transcripts import DELTA, STATE, Answer, Edge, an_edge
from xds.protocol.plan import Settled
from xds.protocol.resource import Resource
from xds.protocol.types import VIRTUAL_HOST

WWW = shop_host("www", "www.example.com", "example.com", on_demand=True)
API = shop_host("api", "*.api.example.com", on_demand=True)
COMMON = shop_host("common", "common.example.com")


def an_envoy(*serving: Resource) -> Edge:
    """Its first request wants everything."""
    edge = an_edge(DELTA, serving)
    edge.acks_all(edge.asks(VIRTUAL_HOST))
    return edge


def aliases(answer: Answer) -> dict[str, tuple[str, ...]]:
    return {name: found for response in answer.responses for name, found in response.aliases}


def unresolved(answer: Answer) -> set[str]:
    return {name for response in answer.responses for name in response.unresolved}


def test_everything_is_what_is_not_on_demand() -> None:
    assert an_edge(DELTA, [WWW, API, COMMON]).asks(VIRTUAL_HOST).names == {"shop/common"}


def test_a_host_is_answered_with_its_virtual_host_and_the_name_that_was_asked_for() -> None:
    edge = an_envoy(WWW, API, COMMON)
    answer = edge.asks(VIRTUAL_HOST, "shop/www.example.com")
    assert answer.only.resources == (WWW,)
    assert aliases(answer) == {"shop/www": ("shop/www.example.com",)}
    assert edge.acks(VIRTUAL_HOST).responses == ()


def test_a_second_host_of_it_is_answered_with_both_names() -> None:
    edge = an_envoy(WWW)
    edge.acks_all(edge.asks(VIRTUAL_HOST, "shop/www.example.com"))
    assert aliases(edge.asks(VIRTUAL_HOST, "shop/example.com")) == {
        "shop/www": ("shop/example.com", "shop/www.example.com")
    }


def test_what_it_has_already_is_told_again_under_the_name_that_it_asks_for() -> None:
    edge = an_envoy(COMMON)
    assert aliases(edge.asks(VIRTUAL_HOST, "shop/common.example.com:8080")) == {
        "shop/common": ("shop/common.example.com:8080",)
    }


def test_a_host_that_nothing_stands_for_is_told_at_once_without_a_removal() -> None:
    edge = an_envoy(WWW)
    answer = edge.asks(VIRTUAL_HOST, "shop/unknown.example.com")
    assert (answer.names, answer.removed, unresolved(answer)) == (set(), set(), {"shop/unknown.example.com"})
    assert [error.name for error in answer.only.errors] == ["shop/unknown.example.com"]
    assert edge.acks(VIRTUAL_HOST).responses == ()


def test_it_is_told_once_and_comes_when_it_appears() -> None:
    edge = an_envoy(WWW)
    edge.acks_all(edge.asks(VIRTUAL_HOST, "shop/a.api.example.com"))
    assert edge.is_served(shop_host("www", "www.example.com", content="b", on_demand=True)).responses == ()
    appeared = edge.is_served(WWW, API)
    assert appeared.only.resources == (API,)
    assert aliases(appeared) == {"shop/api": ("shop/a.api.example.com",)}


def test_hosts_known_and_unknown_are_answered_together() -> None:
    answer = an_envoy(WWW).asks(VIRTUAL_HOST, "shop/example.com", "shop/unknown")
    assert (answer.only.resources, unresolved(answer)) == ((WWW,), {"shop/unknown"})


def test_a_change_of_it_follows_and_a_change_of_another_does_not() -> None:
    edge = an_envoy(WWW, API)
    edge.acks_all(edge.asks(VIRTUAL_HOST, "shop/www.example.com"))
    changed = shop_host("www", "www.example.com", "example.com", content="b", on_demand=True)
    answer = edge.acks_all(edge.is_served(changed, API))
    assert answer.responses == ()
    other = shop_host("api", "*.api.example.com", content="b", on_demand=True)
    assert edge.is_served(changed, other).responses == ()
    assert edge.is_served(WWW, other).only.resources == (WWW,)


def test_what_is_removed_is_removed_by_its_own_name_and_can_be_asked_for_again() -> None:
    edge = an_envoy(WWW, API)
    edge.acks_all(edge.asks(VIRTUAL_HOST, "shop/www.example.com"))
    gone = edge.is_served(API)
    assert (gone.names, gone.removed) == (set(), {"shop/www"})
    edge.acks_all(gone)
    assert unresolved(edge.asks(VIRTUAL_HOST, "shop/www.example.com")) == {"shop/www.example.com"}
    edge.acks(VIRTUAL_HOST)
    assert edge.is_served(API, WWW).names == {"shop/www"}


@pytest.mark.parametrize("names", [("shop/common",), ("*", "shop/common")])
def test_a_name_asked_for_while_its_removal_waits_is_removed_and_unresolved(names: tuple[str, ...]) -> None:
    """A request may wait for a host that is called so; the virtual host that was called so is still to go."""
    edge = an_envoy(COMMON, API)
    under_way = edge.asks(VIRTUAL_HOST, "shop/a.api.example.com").only
    assert edge.is_served(API).responses == ()
    answer = edge.asks(VIRTUAL_HOST, *names)
    told = [(response.removed, response.unresolved) for response in answer.responses]
    assert told == [(("shop/common",), ()), ((), ("shop/common",))]
    assert edge.acks(under_way).responses == ()


def test_a_host_that_moves_takes_the_old_virtual_host_away_in_the_same_response() -> None:
    """Envoy refuses two virtual hosts with one domain."""
    edge = an_envoy(WWW)
    edge.acks_all(edge.asks(VIRTUAL_HOST, "shop/www.example.com"))
    moved = shop_host("new", "www.example.com", on_demand=True)
    answer = edge.is_served(moved, shop_host("www", "example.com", on_demand=True))
    assert (answer.only.resources, answer.only.removed) == ((moved,), ("shop/www",))
    assert aliases(answer) == {"shop/new": ("shop/www.example.com",)}
    assert edge.acks(VIRTUAL_HOST).seen(Settled) == [Settled(VIRTUAL_HOST, 2)]


def test_a_virtual_host_that_is_renamed_is_replaced_in_one_response() -> None:
    edge = an_envoy(COMMON)
    renamed = shop_host("renamed", "common.example.com")
    answer = edge.is_served(renamed)
    assert (answer.only.resources, answer.only.removed) == ((renamed,), ("shop/common",))


def test_everything_asked_for_again_during_a_rename_comes_with_what_goes() -> None:
    edge = an_envoy(COMMON, API)
    under_way = edge.asks(VIRTUAL_HOST, "shop/a.api.example.com").only
    renamed = shop_host("renamed", "common.example.com")
    assert edge.is_served(renamed, API).responses == ()
    assert edge.asks(VIRTUAL_HOST, "*").responses == (), "two virtual hosts would have one domain"
    answer = edge.acks(under_way)
    assert (answer.only.resources, answer.only.removed) == ((renamed,), ("shop/common",))


def test_an_exact_domain_that_appears_takes_a_host_from_a_wildcard() -> None:
    edge = an_envoy(API)
    edge.acks_all(edge.asks(VIRTUAL_HOST, "shop/a.api.example.com", "shop/b.api.example.com"))
    better = shop_host("better", "a.api.example.com", on_demand=True)
    answer = edge.is_served(API, better)
    assert (answer.only.resources, answer.removed) == ((better,), set())


def test_what_becomes_on_demand_stays_with_who_names_it_and_leaves_the_others() -> None:
    edge, other = an_envoy(COMMON), an_edge(DELTA)
    edge.acks_all(edge.asks(VIRTUAL_HOST, "shop/common.example.com"))
    other.catalogue = edge.catalogue
    other.acks_all(other.asks(VIRTUAL_HOST))
    hidden = shop_host("common", "common.example.com", on_demand=True)
    assert edge.is_served(hidden).responses == ()
    assert other.waits(0).removed == {"shop/common"}
    other.acks(VIRTUAL_HOST)
    assert edge.is_served(COMMON).responses == ()
    assert other.waits(0).names == {"shop/common"}


def test_who_let_go_of_a_host_is_told_no_more_of_it() -> None:
    edge = an_edge(DELTA, [WWW])
    edge.acks_all(edge.asks(VIRTUAL_HOST, "shop/www.example.com", "shop/example.com"))
    assert edge.drops(VIRTUAL_HOST, "shop/example.com").removed == set()
    assert edge.drops(VIRTUAL_HOST, "shop/www.example.com").removed == {"shop/www"}
    edge.acks(VIRTUAL_HOST)
    assert edge.is_served(API).responses == ()


def test_a_reconnect_that_brings_what_is_served_is_sent_nothing_again() -> None:
    edge = an_envoy(WWW, COMMON)
    edge.acks_all(edge.asks(VIRTUAL_HOST, "shop/www.example.com", "shop/unknown"))
    having = {"shop/www": WWW.version, "shop/common": COMMON.version, "shop/unknown": ""}
    again = edge.reconnects()
    answer = again.asks(VIRTUAL_HOST, "*", "shop/www.example.com", "shop/unknown", having=having)
    assert (answer.names, answer.removed, unresolved(answer)) == (set(), set(), set())
    again.acks_all(answer)
    changed = shop_host("www", "www.example.com", content="b", on_demand=True)
    assert again.is_served(changed, COMMON).only.resources == (changed,)


def test_a_reconnect_is_told_what_changed_meanwhile() -> None:
    edge = an_envoy(WWW, API)
    edge.acks_all(edge.asks(VIRTUAL_HOST, "shop/www.example.com", "shop/a.api.example.com"))
    having = {"shop/www": WWW.version, "shop/api": API.version}
    changed = shop_host("api", "*.api.example.com", content="b", on_demand=True)
    edge.catalogue.load(2, [changed])
    answer = edge.reconnects().asks(VIRTUAL_HOST, "*", "shop/www.example.com", "shop/a.api.example.com", having=having)
    assert (answer.only.resources, answer.removed) == ((changed,), {"shop/www"})
    assert unresolved(answer) == {"shop/www.example.com"}


def test_what_was_rejected_goes_again_for_another_of_its_names() -> None:
    edge = an_envoy(WWW)
    edge.asks(VIRTUAL_HOST, "shop/www.example.com")
    edge.nacks(VIRTUAL_HOST)
    assert edge.waits(1).responses == ()
    assert edge.asks(VIRTUAL_HOST, "shop/example.com").only.resources == (WWW,)


def test_a_virtual_host_can_be_asked_for_by_its_own_name_too() -> None:
    answer = an_envoy(WWW).asks(VIRTUAL_HOST, "shop/www")
    assert (answer.only.resources, aliases(answer)) == ((WWW,), {})


def test_in_the_state_of_the_world_the_host_stands_for_it_as_well() -> None:
    edge = an_edge(STATE, [WWW, API])
    answer = edge.asks(VIRTUAL_HOST, "shop/www.example.com", "shop/unknown")
    assert answer.names == {"shop/www"}
    edge.acks_all(answer)
    changed = shop_host("www", "www.example.com", content="b", on_demand=True)
    assert edge.is_served(changed, API).names == {"shop/www"}


def test_of_very_many_names_those_are_told_that_were_asked_for_and_some_of_the_last() -> None:
    edge = an_envoy(API)
    names = [f"shop/{number}.api.example.com" for number in range(1_000)]
    (told,) = aliases(edge.asks(VIRTUAL_HOST, *names)).values()
    assert set(told) == set(names)
    edge.acks(VIRTUAL_HOST)
    (told,) = aliases(edge.asks(VIRTUAL_HOST, names[0])).values()
    assert names[0] in told
    assert len(told) == 100
    edge.acks(VIRTUAL_HOST)
    (told,) = aliases(edge.is_served(shop_host("api", "*.api.example.com", content="b", on_demand=True))).values()
    assert names[0] in told
    assert len(told) == 100


def test_equal_answers_are_shared_and_those_under_other_names_are_not() -> None:
    edge = an_envoy(WWW)
    same, other = (an_edge(DELTA, catalogue=edge.catalogue) for _ in range(2))
    key = edge.asks(VIRTUAL_HOST, "shop/example.com").only.share_key
    assert same.asks(VIRTUAL_HOST, "shop/example.com").only.share_key == key
    assert other.asks(VIRTUAL_HOST, "shop/www.example.com").only.share_key != key
