"""A client with the feature `fairlead.dev/revision` is told the revision of each response, before the version."""

from __future__ import annotations

from dataclasses import replace

from tests.builders import a_node, assignment, cluster, for_a_time, listener, shop_host
from tests.transcripts import DELTA, STATE, Edge, an_edge
from xds.client.telling import Told, told
from xds.protocol.features import RESOURCE_TTL, REVISION
from xds.protocol.resource import Resource
from xds.protocol.session import Limits
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, VIRTUAL_HOST
from xds.protocol.variant import Variant

NODE = replace(a_node(), client_features=(REVISION, RESOURCE_TTL))


def one_who_understands(*serving: Resource, variant: Variant = DELTA, limits: Limits | None = None) -> Edge:
    edge = an_edge(variant, serving, limits=limits)
    edge.node = NODE
    return edge


def test_each_response_says_its_revision() -> None:
    edge = one_who_understands(cluster("web"), assignment("web"))
    plain = edge.reconnects().asks(CLUSTER).only
    assert told(edge.asks(CLUSTER).only.version) == Told(plain.version, 1, whole=True, complete=1)
    assert told(edge.asks(ENDPOINT, "web").only.version)[1:3] == (1, False)
    edge.acks(CLUSTER)
    edge.acks(ENDPOINT)
    assert told(edge.is_served(cluster("web", "b"), assignment("web")).only.version)[1:3] == (2, False)


def test_the_same_content_of_another_revision_has_other_bytes() -> None:
    edge = one_who_understands(assignment("web"))
    plain = edge.reconnects().asks(ENDPOINT, "web").only
    first = edge.asks(ENDPOINT, "web").only
    edge.catalogue.advance(2, [])
    again = edge.asks(ENDPOINT, "web").only
    assert len({first.share_key, again.share_key, plain.share_key}) == 3
    assert told(again.version)[:2] == (plain.version, 2)


def test_the_last_piece_of_everything_says_so() -> None:
    clusters = [cluster(f"c{number}", "x" * 100) for number in range(30)]
    edge = one_who_understands(*clusters, limits=Limits(response_bytes=2_000))
    pieces = edge.asks(CLUSTER).responses
    assert len(pieces) > 2
    assert [told(piece.version).whole for piece in pieces] == [*(False for _ in pieces[1:]), True]


def test_everything_that_waits_for_its_turn_says_so_then() -> None:
    edge = one_who_understands(shop_host("one", "a"), shop_host("two", "b"))
    edge.asks(VIRTUAL_HOST, "shop/a")
    edge.is_served(shop_host("two", "a"))
    assert edge.asks(VIRTUAL_HOST, "*").responses == (), "what is due takes names from what is held"
    assert told(edge.acks(VIRTUAL_HOST).only.version)[1:3] == (2, True)


def test_it_is_told_that_more_of_a_revision_is_to_come() -> None:
    edge = one_who_understands(cluster("web"), listener("http"))
    edge.acks_all(edge.asks(CLUSTER))
    edge.acks_all(edge.asks(LISTENER))
    first = edge.is_served(cluster("web", "b"), cluster("new"), listener("http", "b")).only
    second = edge.acks(first).only
    assert [(one.type_url, told(one.version).has_more) for one in (first, second)] == [
        (CLUSTER, True),
        (LISTENER, False),
    ]
    edge.acks(second)
    gone = edge.is_served(cluster("web", "c"), listener("http", "b"))
    assert [told(one.version).has_more for one in gone.responses] == [True]
    removal = edge.acks_all(gone)
    assert (removal.removed, told(removal.only.version).has_more) == ({"new"}, False)


def test_when_nothing_is_left_of_what_was_to_come_that_is_said_by_itself() -> None:
    edge = one_who_understands(cluster("web"), listener("http"))
    edge.acks_all(edge.asks(CLUSTER))
    edge.acks_all(edge.asks(LISTENER))
    first = edge.is_served(cluster("web", "b"), listener("http", "b")).only
    assert told(first.version).has_more
    word = edge.is_served(cluster("web", "b"), listener("http")).only
    assert (word.resources, word.removed, told(word.version)[1:]) == ((), (), (3, False, 3, False, False))
    assert edge.acks(first).responses == ()
    assert edge.acks(word).responses == ()


def test_a_relay_that_is_halfway_says_of_which_revision_it_has_all() -> None:
    edge = one_who_understands(cluster("web"))
    edge.catalogue.advance(7, [])
    edge.catalogue.complete = 5
    edge.catalogue.is_old = True
    assert edge.asks(CLUSTER).only.version.endswith("*~5?")
    assert told("7@abc*~5?+") == Told("abc", 7, whole=True, complete=5, is_old=True, has_more=True)


def test_heartbeats_say_it_too() -> None:
    edge = one_who_understands(for_a_time(cluster("web"), 10))
    edge.asks(CLUSTER)
    edge.acks(CLUSTER)
    assert told(edge.waits(6).only.version)[1:3] == (1, False)


def test_in_the_state_of_the_world_a_version_is_a_version() -> None:
    plain = an_edge(STATE, [cluster("web")]).asks(CLUSTER).only
    assert one_who_understands(cluster("web"), variant=STATE).asks(CLUSTER).only.version == plain.version


def test_a_version_of_any_other_form_says_no_revision() -> None:
    for text in ("", "abc", "0@abc", "@abc", "x@abc", "-1@a", "１@a", "9" * 30 + "@a"):
        assert told(text) == Told(text)
    assert told("7@a@b*c*") == Told("a@b*c", 7, whole=True, complete=7)
