"""Where a catalogue mirrors an upstream, a name that upstream has not answered is awaited: nothing is said of it."""

from __future__ import annotations

import pytest

from tests.builders import assignment, cluster, listener, route, shop_host
from tests.transcripts import DELTA, STATE, Answer, Edge, an_edge
from xds.protocol.catalogue import Catalogue, Change
from xds.protocol.holding import Hold
from xds.protocol.knowledge import Learned
from xds.protocol.plan import Settled
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, ROUTE, VIRTUAL_HOST, GroupName, TypeUrl
from xds.protocol.variant import Variant


def a_mirror(*resources: Resource, everything_of: tuple[TypeUrl, ...] = ()) -> Catalogue:
    """What upstream has answered of revision 1."""
    catalogue = Catalogue(GroupName("edge"), partial=True)
    learned = [Learned(url, everything=True) for url in everything_of]
    catalogue.change(1, [(None, resource) for resource in resources], learned)
    return catalogue


def learns(edge: Edge, *resources: Resource, gone: tuple[Resource, ...] = (), news: Learned | None = None) -> Answer:
    """Upstream says more of the revision that it is at."""
    changes: list[Change] = [(None, one) for one in resources]
    changes += [(one, None) for one in gone]
    moved = edge.catalogue.change(edge.catalogue.revision, changes, [news] if news else [])
    assert edge.session.is_concerned() is moved
    return edge.waits(0)


def absent(type_url: TypeUrl, *names: str) -> Learned:
    return Learned(type_url, answered=frozenset(names))


def errors(answer: Answer) -> set[str]:
    return {error.name for response in answer.responses for error in response.errors}


def test_what_is_known_is_answered_and_the_rest_when_it_comes(variant: Variant) -> None:
    edge = an_edge(variant, catalogue=a_mirror(route("main")))
    answer = edge.asks(ROUTE, "main", "other")
    assert (answer.names, answer.removed, errors(answer)) == ({"main"}, set(), set())
    assert edge.acks(ROUTE).seen(Settled) == []
    later = learns(edge, route("other"))
    assert later.names == {"other"}
    assert edge.acks(ROUTE).seen(Settled) == [Settled(ROUTE, 1)]


def test_a_name_that_turns_out_not_to_exist_is_told_so_then(variant: Variant) -> None:
    edge = an_edge(variant, catalogue=a_mirror(route("main")))
    assert edge.asks(ROUTE, "other").responses == ()
    later = learns(edge, news=absent(ROUTE, "other"))
    assert (later.names, errors(later)) == (set(), {"other"})
    assert later.removed == ({"other"} if variant is DELTA else set())
    assert edge.acks(ROUTE).seen(Settled) == [Settled(ROUTE, 1)]


def test_everything_is_awaited_until_all_of_it_is_known(variant: Variant) -> None:
    edge = an_edge(variant, catalogue=a_mirror(cluster("web")))
    assert edge.asks(CLUSTER).responses == ()
    assert learns(edge, cluster("api")).responses == (), "there may be more"
    assert learns(edge, news=Learned(CLUSTER, everything=True)).names == {"web", "api"}


def test_everything_that_is_nothing_is_told_too(variant: Variant) -> None:
    edge = an_edge(variant, catalogue=a_mirror(route("main")))
    assert edge.asks(CLUSTER).responses == ()
    assert learns(edge, news=Learned(CLUSTER, everything=True)).only.resources == ()


def test_a_name_beside_everything_is_known_by_an_answer_of_its_own() -> None:
    """It may be there on demand only, and everything does not say so."""
    edge = an_edge(DELTA, catalogue=a_mirror(cluster("web"), everything_of=(CLUSTER,)))
    answer = edge.asks(CLUSTER, "*", "rare")
    assert (answer.names, answer.removed) == ({"web"}, set())
    assert learns(edge, news=absent(CLUSTER, "rare")).removed == {"rare"}


def test_a_full_state_waits_until_all_that_was_asked_for_is_known() -> None:
    """What it leaves out, the client deletes."""
    edge = an_edge(STATE, catalogue=a_mirror(listener("http")))
    assert edge.asks(LISTENER, "http", "https").responses == ()
    assert learns(edge, listener("https")).names == {"http", "https"}
    edge.acks(LISTENER)
    edge.asks(LISTENER, "http", "https", "more")
    edge.catalogue.change(2, [(listener("http"), listener("http", "b"))])
    assert edge.waits(0).responses == ()
    answer = learns(edge, news=absent(LISTENER, "more"))
    assert (answer.names, errors(answer)) == ({"http", "https"}, {"more"})


def test_updates_of_what_the_client_has_do_not_wait_for_a_name_of_the_incremental_variant() -> None:
    edge = an_edge(DELTA, catalogue=a_mirror(cluster("web")))
    edge.asks(CLUSTER, "web", "other")
    edge.acks(CLUSTER)
    assert learns(edge, cluster("web", "b")).names == {"web"}


def test_what_a_client_brings_is_compared_when_it_is_known() -> None:
    web, api = assignment("web"), assignment("api")
    edge = an_edge(DELTA, catalogue=a_mirror(cluster("web")))
    edge.asks(CLUSTER)
    having = {"web": web.version, "api": "older", "gone": "1"}
    assert edge.asks(ENDPOINT, *having, having=having).responses == ()
    assert learns(edge, web).responses == (), "it has that"
    assert learns(edge, api).names == {"api"}
    assert learns(edge, news=absent(ENDPOINT, "gone")).removed == {"gone"}


def test_what_a_client_brings_of_everything_is_not_gone_before_all_is_known() -> None:
    web, api = cluster("web"), cluster("api")
    edge = an_edge(DELTA, catalogue=a_mirror(web))
    having = {"web": web.version, "api": api.version, "gone": "1"}
    assert edge.asks(CLUSTER, "*", "web", having=having).responses == ()
    assert edge.waits(1).responses == ()
    assert learns(edge, api).responses == ()
    assert learns(edge, news=Learned(CLUSTER, everything=True)).responses == (), "other types may follow (rule 20)"
    answer = edge.waits(0.1)
    assert (answer.names, answer.removed) == (set(), {"gone"})


def test_what_is_gone_waits_for_what_may_refer_to_it_also_when_all_is_known_after_a_name() -> None:
    web = cluster("web")
    edge = an_edge(DELTA, catalogue=a_mirror(web, route("main", "b")))
    assert edge.asks(CLUSTER, "*", "web", having={"web": web.version, "gone": "1"}).responses == ()
    assert edge.asks(ROUTE, "main", having={"main": "a"}).names == {"main"}
    assert learns(edge, news=Learned(CLUSTER, everything=True)).responses == ()
    assert edge.waits(1).removed == set(), "the route that the client has may lead there"
    edge.acks(CLUSTER)
    assert edge.acks(ROUTE).removed == {"gone"}


def test_a_name_that_is_brought_beside_everything_is_not_gone_before_it_is_known() -> None:
    edge = an_edge(DELTA, catalogue=a_mirror(cluster("web"), everything_of=(CLUSTER,)))
    answer = edge.asks(CLUSTER, "*", "rare", having={"web": cluster("web").version, "rare": "1"})
    assert (answer.removed, edge.waits(1).removed) == (set(), set())
    assert learns(edge, cluster("rare")).names == {"rare"}


def test_what_is_followed_no_more_is_awaited_again_and_not_gone() -> None:
    edge = an_edge(DELTA, catalogue=a_mirror(assignment("web")))
    edge.acks_all(edge.asks(ENDPOINT, "web"))
    forgotten = Learned(ENDPOINT, forgotten=frozenset({"web"}))
    assert learns(edge, gone=(assignment("web"),), news=forgotten).responses == ()
    assert learns(edge, news=absent(ENDPOINT, "web")).removed == {"web"}


def test_endpoints_are_awaited_and_never_made_up() -> None:
    edge = an_edge(DELTA, catalogue=a_mirror(cluster("web", endpoints="web"), everything_of=(CLUSTER,)))
    edge.acks_all(edge.asks(CLUSTER))
    assert edge.asks(ENDPOINT, "web").responses == ()
    assert learns(edge, assignment("web")).names == {"web"}


def test_a_host_is_known_when_upstream_has_answered_it() -> None:
    """What is held may stand for it, and upstream have a virtual host that does so better."""
    edge = an_edge(DELTA, catalogue=a_mirror(shop_host("web", "*"), everything_of=(VIRTUAL_HOST,)))
    edge.acks_all(edge.asks(VIRTUAL_HOST, "*"))
    assert edge.asks(VIRTUAL_HOST, "shop/api").responses == ()
    edge.catalogue.change(1, [(None, shop_host("api", "api"))], [absent(VIRTUAL_HOST, "shop/api")])
    answer = edge.waits(0)
    assert answer.names == {"shop/api"}
    assert answer.only.aliases == (("shop/api", ("shop/api",)),) or answer.only.aliases == ()
    edge.acks_all(answer)
    assert edge.asks(VIRTUAL_HOST, "shop/more").responses == ()
    assert dict(learns(edge, news=absent(VIRTUAL_HOST, "shop/more")).only.aliases) == {"shop/web": ("shop/more",)}


def test_a_host_that_stands_for_nothing_is_told_when_upstream_said_so() -> None:
    edge = an_edge(DELTA, catalogue=a_mirror(shop_host("web", "www")))
    assert edge.asks(VIRTUAL_HOST, "shop/no").responses == ()
    assert learns(edge, news=absent(VIRTUAL_HOST, "shop/no")).only.unresolved == ("shop/no",)


def test_virtual_hosts_that_are_brought_stay_until_all_hosts_are_known() -> None:
    web, api = shop_host("web", "www"), shop_host("api", "api")
    edge = an_edge(DELTA, catalogue=a_mirror(web))
    edge.catalogue.change(1, [], [absent(VIRTUAL_HOST, "shop/www"), Learned(VIRTUAL_HOST, everything=True)])
    having = {web.name: web.version, api.name: api.version, "shop/gone": "1"}
    first = edge.asks(VIRTUAL_HOST, "shop/www", "shop/of-api", "shop/other", having=having)
    assert (first.removed, edge.waits(1).removed) == (set(), set())
    both = shop_host("api", "of-api")
    edge.catalogue.change(1, [(None, both)], [absent(VIRTUAL_HOST, "shop/of-api")])
    assert edge.waits(0).removed == set()
    answer = learns(edge, news=absent(VIRTUAL_HOST, "shop/other"))
    assert answer.removed == {"shop/gone"}


def test_what_took_a_domain_comes_with_the_removal_of_what_had_it() -> None:
    """Envoy would refuse two virtual hosts with one domain; what goes is known when all that was asked for is."""
    web, old = shop_host("web", "www", "api"), shop_host("api", "api")
    edge = an_edge(DELTA, catalogue=a_mirror(web, everything_of=(VIRTUAL_HOST,)))
    having = {web.name: "older", old.name: old.version}
    assert edge.asks(VIRTUAL_HOST, "*", "shop/other", having=having).responses == ()
    answer = learns(edge, news=absent(VIRTUAL_HOST, "shop/other"))
    assert (answer.names, answer.removed) == ({web.name}, {old.name})


def test_a_host_that_is_asked_for_again_is_answered_with_what_was_brought_for_it() -> None:
    web = shop_host("web", "www")
    edge = an_edge(DELTA, catalogue=a_mirror(web, everything_of=(VIRTUAL_HOST,)))
    edge.asks(VIRTUAL_HOST, "*", "shop/www", having={web.name: web.version})
    edge.asks(VIRTUAL_HOST, "shop/www")
    answer = learns(edge, news=absent(VIRTUAL_HOST, "shop/www"))
    assert dict(answer.only.aliases) == {web.name: ("shop/www",)}


def test_once_upstream_is_given_up_nothing_is_awaited(variant: Variant) -> None:
    edge = an_edge(variant, catalogue=a_mirror(cluster("web")))
    edge.asks(CLUSTER, "*")
    edge.asks(ROUTE, "main")
    edge.catalogue.give_up()
    answer = edge.waits(0)
    assert (answer.of(CLUSTER).names, errors(answer.of(ROUTE))) == ({"web"}, {"main"})
    edge.acks_all(answer)
    edge.catalogue.give_up(False)
    assert edge.waits(0).responses == ()
    assert edge.asks(ROUTE, "other").responses == ()
    assert learns(edge, route("main")).names == {"main"}


def test_a_type_that_waits_for_upstream_holds_others_back_for_a_while_only() -> None:
    edge = an_edge(STATE, catalogue=a_mirror(cluster("web"), listener("http")))
    edge.acks_all(edge.asks(CLUSTER, "web"))
    edge.acks_all(edge.asks(LISTENER, "http"))
    edge.asks(CLUSTER, "web", "awaited")
    edge.catalogue.change(2, [(listener("http"), listener("http", "b")), (cluster("web"), cluster("web", "b"))])
    assert edge.waits(0).responses == ()
    assert edge.waits(6).names == {"http"}


def test_people_who_ask_are_told_that_it_waits() -> None:
    edge = an_edge(DELTA, catalogue=a_mirror(cluster("web")))
    edge.acks_all(edge.asks(CLUSTER, "web", "other"))
    assert {one.name: one.hold for one in edge.session.holdings()} == {"web": Hold.CURRENT, "other": Hold.WAITING}


def test_one_revision_comes_in_several_steps_and_goes_back_to_an_older_state(variant: Variant) -> None:
    edge = an_edge(variant, catalogue=a_mirror(cluster("web", "new"), everything_of=(CLUSTER,)))
    edge.catalogue.change(9, [])
    edge.acks_all(edge.asks(CLUSTER, "*"))
    edge.catalogue.change(9, [(None, cluster("more"))])
    edge.acks_all(edge.waits(0))
    assert edge.catalogue.replace(4, [cluster("web", "old")])
    back = edge.waits(0)
    assert {one for one in back.responses[0].resources if one.name == "web"} == {cluster("web", "old")}
    settled = edge.acks_all(back).seen(Settled)
    assert (settled[-1].revision, edge.catalogue.revision) == (4, 4)
    assert not edge.catalogue.replace(4, [cluster("web", "old")])


def test_a_catalogue_of_a_server_learns_nothing() -> None:
    catalogue = Catalogue(GroupName("edge"))
    with pytest.raises(ValueError, match="no upstream"):
        catalogue.give_up()
    with pytest.raises(ValueError, match="no upstream"):
        catalogue.change(1, [], [absent(CLUSTER, "web")])


def test_a_name_asked_for_later_is_not_settled_before_it_is_known() -> None:
    edge = an_edge(DELTA, catalogue=a_mirror(route("main")))
    assert edge.acks_all(edge.asks(ROUTE, "main")).seen(Settled) == [Settled(ROUTE, 1)]
    edge.asks(ROUTE, "other")
    waiting = edge.session.subscription(ROUTE)
    assert waiting is not None
    assert waiting.settled_at == -1
    assert edge.catalogue.change(1, [], [absent(ROUTE, "other")])
    assert edge.acks_all(edge.waits(0)).seen(Settled) == [Settled(ROUTE, 1)]
