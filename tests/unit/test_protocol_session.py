"""A session as a whole: what it tells about itself, what it shares, what it remembers, and how much work it does."""

from __future__ import annotations

import sys

import pytest

from tests.builders import assignment, cluster, listener
from tests.transcripts import DELTA, STATE, Edge, an_edge
from xds.protocol.catalogue import Catalogue
from xds.protocol.plan import Acked, Sent, Settled, Subscribed
from xds.protocol.splitting import split
from xds.protocol.types import CLUSTER, ENDPOINT, GroupName
from xds.protocol.variant import Variant

both = pytest.mark.parametrize("variant", list(Variant), ids=lambda variant: variant.value)
MANY = [cluster(f"c{number}") for number in range(2_000)]


def test_it_reads_as_a_story() -> None:
    edge = an_edge(DELTA, [cluster("web"), cluster("api")])
    assert repr(edge.session) == "<Session delta of a node yet to say its name, no group yet: nothing asked>"
    edge.asks(CLUSTER)
    edge.nacks(CLUSTER)
    edge.asks(ENDPOINT, "web")
    assert repr(edge.session) == (
        "<Session delta of node 'edge-1', group 'edge' at 1: cluster [*] sent to 1 rejected api, web; "
        "endpoint [1 names] sent to 1 awaiting 2>"
    )


@both
def test_what_happened_is_observed_in_its_order(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")])
    asked = edge.asks(CLUSTER)
    nonce = asked.only.nonce
    assert asked.plan.observations == (Subscribed(CLUSTER, True, 0), Sent(CLUSTER, nonce, 1, 1, 0))
    assert edge.acks(CLUSTER).plan.observations == (Acked(CLUSTER, nonce, 1), Settled(CLUSTER, 1))


def test_an_answer_says_whether_the_client_still_refuses_something() -> None:
    edge = an_edge(DELTA, [cluster("web")])
    edge.asks(CLUSTER)
    edge.nacks(CLUSTER)
    edge.is_served(cluster("web"), cluster("api"))
    assert [seen.whole for seen in edge.acks(CLUSTER).seen(Acked)] == [False]
    edge.is_served(cluster("web", "b"), cluster("api"))
    assert [seen.whole for seen in edge.acks(CLUSTER).seen(Acked)] == [True]


@both
def test_a_change_that_is_not_for_it_settles_at_once(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")])
    edge.acks_all(edge.asks(CLUSTER))
    assert edge.is_served(cluster("web"), listener("main")).plan.observations == (Settled(CLUSTER, 2),)
    assert edge.waits(1).plan.observations == ()


def sessions(variant: Variant, count: int) -> list[Edge]:
    first = an_edge(variant, MANY[:10])
    return [first, *(an_edge(variant, catalogue=first.catalogue) for _ in range(count - 1))]


@both
def test_sessions_that_stand_at_the_same_place_share_their_responses(variant: Variant) -> None:
    one, other = sessions(variant, 2)
    first = [edge.asks(CLUSTER).only for edge in (one, other)]
    assert first[0].share_key == first[1].share_key
    assert first[0].resources is first[1].resources
    one.acks(CLUSTER)
    other.acks(CLUSTER)
    one.catalogue.advance(2, [(None, cluster("c1", "b"))])
    pushed = [edge.waits(0).only for edge in (one, other)]
    assert pushed[0].share_key == pushed[1].share_key
    assert pushed[0].share_key != first[0].share_key


@both
def test_sessions_with_different_names_share_what_happens_to_be_the_same(variant: Variant) -> None:
    catalogue = Catalogue(GroupName("edge"))
    catalogue.load(1, [assignment(name) for name in "abc"])
    one, other = an_edge(variant, catalogue=catalogue), an_edge(variant, catalogue=catalogue)
    assert one.asks(ENDPOINT, "a", "b").only.share_key != other.asks(ENDPOINT, "b", "c").only.share_key
    one.acks(ENDPOINT)
    other.acks(ENDPOINT)
    catalogue.advance(2, [(None, assignment("b", "b"))])
    assert one.waits(0).only.share_key == other.waits(0).only.share_key


def test_equal_content_of_two_groups_is_not_shared() -> None:
    one, other = Catalogue(GroupName("one")), Catalogue(GroupName("other"))
    for catalogue in (one, other):
        catalogue.load(1, [cluster("web")])
    keys = [an_edge(DELTA, catalogue=catalogue).asks(CLUSTER).only.share_key for catalogue in (one, other)]
    assert keys[0] != keys[1]


@both
def test_memory_does_not_grow_with_the_configuration(variant: Variant) -> None:
    small, large = an_edge(variant, MANY[:10]), an_edge(variant, MANY)
    for edge in (small, large):
        edge.acks_all(edge.asks(CLUSTER))
        edge.is_served(*MANY[:9], cluster("c9", "b"))
        edge.acks(CLUSTER)
    assert weight(small) == weight(large)


def weight(edge: Edge) -> int:
    """Bytes of what the subscription itself holds on to."""
    subscription = edge.session._subscriptions[CLUSTER]
    held = [getattr(subscription, name) for name in subscription.__slots__]
    return sum(sys.getsizeof(one) for one in held)


def test_a_client_far_behind_the_log_is_sent_away_with_words() -> None:
    edge = an_edge(DELTA, MANY[:10])
    edge.asks(CLUSTER)
    edge.catalogue.served(CLUSTER).log._removed_names_limit = 3
    close = edge.is_served(*MANY[:3]).close
    assert close is not None
    assert close.status == "UNAVAILABLE"
    assert "initial_resource_versions" in close.message


def test_a_full_state_needs_no_log() -> None:
    edge = an_edge(STATE, MANY[:10])
    edge.asks(CLUSTER)
    edge.catalogue.served(CLUSTER).log._removed_names_limit = 3
    assert edge.is_served(*MANY[:3]).close is None
    assert edge.acks(CLUSTER).names == {"c0", "c1", "c2"}


def test_a_session_stays_in_its_group() -> None:
    edge = an_edge(DELTA, [cluster("web")])
    edge.asks(CLUSTER)
    with pytest.raises(ValueError, match="cannot move to group 'other'"):
        edge.session.serve(Catalogue(GroupName("other")), 0.0)


def test_an_empty_catalogue_is_not_a_state() -> None:
    edge = an_edge(DELTA, catalogue=Catalogue(GroupName("edge")))
    assert edge.asks(CLUSTER).responses == ()
    edge.catalogue.load(1, [cluster("web")])
    assert edge.waits(0).names == {"web"}


@pytest.mark.parametrize(
    ("sizes", "limit", "pieces"),
    [
        pytest.param([], 1000, [0], id="nothing is one empty piece"),
        pytest.param([10, 10], 1000, [2], id="what fits stays together"),
        pytest.param([500, 500], 1000, [1, 1], id="the envelope counts"),
        pytest.param([5000], 1000, [1], id="too large goes alone"),
        pytest.param([10, 5000, 10], 1000, [1, 1, 1], id="and splits its neighbours"),
    ],
)
def test_splitting(sizes: list[int], limit: int, pieces: list[int]) -> None:
    resources = tuple(cluster(str(number), "x" * size) for number, size in enumerate(sizes))
    found = split(resources, (), limit)
    assert [len(piece) for piece, _ in found] == pieces
    assert tuple(resource for piece, _ in found for resource in piece) == resources


def calls(edge: Edge) -> int:
    """How many functions run to bring one change to a session that is up to date."""
    edge.acks_all(edge.asks(CLUSTER))
    counted = 0

    def count_call(frame: object, event: str, argument: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    sys.setprofile(count_call)
    try:
        edge.catalogue.advance(2, [(None, cluster("c5", "b"))])
        edge.session.advance(0.0)
    finally:
        sys.setprofile(None)
    return counted


def test_a_change_costs_what_it_changes_and_not_what_the_configuration_weighs() -> None:
    assert calls(an_edge(DELTA, MANY[:10])) == calls(an_edge(DELTA, MANY))
