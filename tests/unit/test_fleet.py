"""The fleet's books: states, counts, rejections, reconnects."""

from __future__ import annotations

from xds.fleet import Fleet, NodeState, printable
from xds.protocol.plan import Acked, Observation, Rejected, Sent, Settled, Stale, Subscribed
from xds.protocol.requests import Node
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, GroupName, Nonce, TypeUrl

GROUP = GroupName("shop")


class Books:
    """A fleet with a clock that counts the events."""

    def __init__(self, **options: float) -> None:
        self.fleet = Fleet(**options)  # type: ignore[arg-type]
        self.now_s = 0.0

    def connects(self, stream_id: int, node: str = "edge", *, group: str = GROUP, aggregated: bool = True) -> None:
        self.now_s += 1
        told = Node(node, group)
        self.fleet.connected(
            stream_id, told, GroupName(group), "delta", f"10.0.0.1:{stream_id}", self.now_s, aggregated=aggregated
        )

    def sees(self, stream_id: int, *observations: Observation) -> None:
        for observation in observations:
            self.now_s += 1
            self.fleet.observe(stream_id, observation, self.now_s)

    def subscribes(self, stream_id: int, *types: TypeUrl) -> None:
        self.sees(stream_id, *(Subscribed(url, True, 0) for url in types))

    def leaves(self, stream_id: int) -> None:
        self.now_s += 1
        self.fleet.disconnected(stream_id, self.now_s)

    def state(self, node: str = "edge") -> NodeState:
        status = self.fleet.node(node)
        assert status is not None
        return status.state


def acked(revision: int, url: TypeUrl = CLUSTER) -> Acked:
    return Acked(url, Nonce("1"), revision)


def rejected(revision: int, message: str = "no", names: tuple[str, ...] = ("one",)) -> Rejected:
    return Rejected(CLUSTER, Nonce("1"), revision, 3, message, names)


def test_node_of_a_group_without_a_revision_is_unassigned() -> None:
    books = Books()
    books.connects(1)
    assert books.state() is NodeState.UNASSIGNED
    assert books.fleet.counts(GROUP).unassigned == 1


def test_node_is_current_when_every_type_it_subscribes_to_has_the_head() -> None:
    books = Books()
    books.fleet.published(GROUP, 3)
    books.connects(1)
    books.subscribes(1, CLUSTER, LISTENER)
    books.sees(1, Sent(CLUSTER, Nonce("1"), 3, 1, 0), acked(3))
    assert books.state() is NodeState.BEHIND
    books.sees(1, Settled(LISTENER, 3))
    assert books.state() is NodeState.CURRENT
    assert books.fleet.counts(GROUP).current == 1
    books.fleet.published(GROUP, 4)
    assert books.state() is NodeState.BEHIND
    counts = books.fleet.counts(GROUP)
    assert (counts.behind, counts.current) == (1, 0)


def test_revision_of_a_node_is_the_least_of_its_types() -> None:
    books = Books()
    books.fleet.published(GROUP, 5)
    books.connects(1)
    books.subscribes(1, CLUSTER, LISTENER)
    books.sees(1, acked(5), acked(4, LISTENER))
    status = books.fleet.node("edge")
    assert status is not None
    assert status.revision == 4
    assert {t.type_url: t.acked_revision for t in status.types} == {CLUSTER: 5, LISTENER: 4}


def test_type_that_is_not_wanted_any_more_holds_nothing_back() -> None:
    books = Books()
    books.fleet.published(GROUP, 5)
    books.connects(1)
    books.subscribes(1, CLUSTER, LISTENER)
    books.sees(1, acked(5))
    books.sees(1, Subscribed(LISTENER, False, 0))
    assert books.state() is NodeState.CURRENT


def test_stale_answer_changes_nothing() -> None:
    books = Books()
    books.fleet.published(GROUP, 5)
    books.connects(1)
    books.subscribes(1, CLUSTER)
    before = books.fleet.node("edge")
    books.sees(1, Stale(CLUSTER, Nonce("0")))
    assert books.fleet.node("edge") == before


def test_rejection_is_told_with_its_names_and_words_until_newer_content_is_taken() -> None:
    books = Books()
    books.fleet.published(GROUP, 2)
    books.connects(1)
    books.subscribes(1, CLUSTER)
    books.sees(1, acked(1), rejected(2, "bad\x00 thing", ("one", "two")))
    assert books.state() is NodeState.REJECTED
    (rejection,) = books.fleet.rejections(GROUP)
    assert (rejection.node, rejection.names, rejection.message) == ("edge", ("one", "two"), "bad\\x00 thing")
    assert books.fleet.progress(GROUP, 2).rejected == 1
    books.sees(1, Settled(CLUSTER, 2))
    assert books.state() is NodeState.REJECTED
    books.fleet.published(GROUP, 3)
    assert books.fleet.progress(GROUP, 3).rejected == 0
    assert books.fleet.progress(GROUP, 3).waiting == 1 - books.fleet.progress(GROUP, 3).acked
    books.sees(1, acked(3))
    assert books.state() is NodeState.CURRENT
    assert books.fleet.rejections(GROUP) == ()


def test_rejection_ends_when_the_group_goes_back_to_what_the_node_has() -> None:
    books = Books()
    books.fleet.published(GROUP, 3)
    books.connects(1)
    books.subscribes(1, CLUSTER)
    books.sees(1, acked(1), rejected(2), Settled(CLUSTER, 3))
    assert books.state() is NodeState.CURRENT


def test_rejection_within_a_revision_ends_with_a_newer_answer_within_it() -> None:
    books = Books()
    books.fleet.published(GROUP, 2)
    books.connects(1)
    books.subscribes(1, CLUSTER)
    books.sees(1, acked(2), Rejected(CLUSTER, Nonce("2"), 2, 3, "no", ("one",), position=7))
    assert books.state() is NodeState.REJECTED
    books.sees(1, Acked(CLUSTER, Nonce("1"), 2, position=6))
    assert books.state() is NodeState.REJECTED
    books.sees(1, Acked(CLUSTER, Nonce("3"), 2, position=8))
    assert books.state() is NodeState.CURRENT


def test_node_that_takes_something_else_still_rejects_what_it_refused() -> None:
    books = Books()
    books.fleet.published(GROUP, 3)
    books.connects(1)
    books.subscribes(1, CLUSTER)
    books.sees(1, acked(1), rejected(2), Acked(CLUSTER, Nonce("2"), 3, whole=False))
    assert books.state() is NodeState.REJECTED
    assert (books.fleet.progress(GROUP, 3).rejected, books.fleet.progress(GROUP, 3).acked) == (1, 0)


def test_long_words_and_many_names_are_cut_and_counted() -> None:
    books = Books()
    books.connects(1)
    books.sees(1, rejected(1, "x" * 5_000, tuple(f"n{number}" for number in range(1_500))))
    status = books.fleet.node("edge")
    assert status is not None
    rejection = status.types[0].rejection
    assert rejection is not None
    assert len(rejection.message) < 2_100
    assert "3000 more characters" in rejection.message
    assert (len(rejection.names), rejection.names_omitted) == (1_000, 500)


def test_node_that_left_is_offline_and_keeps_what_it_had() -> None:
    books = Books()
    books.fleet.published(GROUP, 2)
    books.connects(1)
    books.subscribes(1, CLUSTER)
    books.sees(1, acked(2))
    books.leaves(1)
    status = books.fleet.node("edge")
    assert status is not None
    assert (status.state, status.revision, status.streams) == (NodeState.OFFLINE, 2, 0)
    progress = books.fleet.progress(GROUP, 2)
    assert (progress.total, progress.acked, progress.offline) == (0, 0, 1)


def test_node_that_comes_back_is_not_offline_any_more() -> None:
    books = Books()
    books.fleet.published(GROUP, 2)
    books.connects(1)
    books.leaves(1)
    books.connects(2)
    assert books.state() is NodeState.BEHIND
    assert books.fleet.counts(GROUP).offline == 0


def test_of_two_aggregated_streams_of_one_node_the_newest_counts_and_both_are_shown() -> None:
    books = Books()
    books.fleet.published(GROUP, 2)
    books.connects(1)
    books.subscribes(1, CLUSTER)
    books.connects(2)
    books.subscribes(2, CLUSTER)
    books.sees(2, acked(2))
    books.sees(1, rejected(2))
    status = books.fleet.node("edge")
    assert status is not None
    assert (status.state, status.streams, status.address) == (NodeState.CURRENT, 2, "10.0.0.1:2")
    assert books.fleet.counts(GROUP).total == 1
    books.leaves(2)
    assert books.state() is NodeState.REJECTED
    books.leaves(1)
    assert books.state() is NodeState.OFFLINE


def test_end_of_an_older_stream_changes_nothing() -> None:
    books = Books()
    books.fleet.published(GROUP, 2)
    books.connects(1)
    books.connects(2)
    books.subscribes(2, CLUSTER)
    books.sees(2, acked(2))
    books.leaves(1)
    assert books.state() is NodeState.CURRENT


def test_streams_of_one_type_each_count_together_and_beside_an_aggregated_one() -> None:
    books = Books()
    books.fleet.published(GROUP, 2)
    books.connects(1)
    books.subscribes(1, CLUSTER)
    books.sees(1, acked(2))
    for stream_id in (2, 3):
        books.connects(stream_id, aggregated=False)
        books.sees(stream_id, Subscribed(ENDPOINT, False, 1))
    assert books.state() is NodeState.BEHIND
    books.sees(2, acked(2, ENDPOINT))
    assert books.state() is NodeState.BEHIND
    books.sees(3, acked(2, ENDPOINT))
    assert books.state() is NodeState.CURRENT
    books.leaves(1)
    assert books.state() is NodeState.CURRENT


def test_a_type_on_several_streams_is_told_as_all_of_them_together() -> None:
    books = Books()
    for stream_id in (1, 2):
        books.connects(stream_id, aggregated=False)
        books.sees(stream_id, Subscribed(ENDPOINT, False, 1))
    books.sees(1, Rejected(ENDPOINT, Nonce("1"), 2, 3, "no good", ("web",)))
    books.sees(2, acked(2, ENDPOINT))
    status = books.fleet.node("edge")
    assert status is not None
    [told] = status.types
    assert (told.names, told.acked_revision) == (2, 0)
    assert told.rejection is not None
    assert told.rejection.message == "no good"
    assert [rejection.names for rejection in books.fleet.rejections(GROUP)] == [("web",)]


def test_node_that_moves_to_another_group_is_counted_there_alone() -> None:
    books = Books()
    books.connects(1, group="old")
    books.leaves(1)
    books.connects(2, group="new")
    assert books.fleet.counts("old").offline == 0
    assert books.fleet.counts("new").total == 1
    assert books.fleet.groups() == ("new",)
    assert [status.id for status in books.fleet.nodes("new")] == ["edge"]
    assert books.fleet.nodes("old") == ()


def test_offline_nodes_are_bounded_in_number() -> None:
    books = Books(offline_limit=3)
    for number in range(10):
        books.connects(number, f"edge-{number}")
        books.leaves(number)
    assert [status.id for status in books.fleet.nodes()] == ["edge-7", "edge-8", "edge-9"]
    assert books.fleet.counts(GROUP).offline == 3


def test_offline_nodes_are_bounded_in_time() -> None:
    books = Books(offline_kept_s=100.0)
    books.connects(1)
    books.leaves(1)
    books.fleet.forget_offline(books.now_s + 99)
    assert books.fleet.node("edge") is not None
    books.fleet.forget_offline(books.now_s + 101)
    assert books.fleet.node("edge") is None
    assert books.fleet.groups() == ()


def test_reports_on_unknown_streams_are_ignored() -> None:
    books = Books()
    books.sees(7, acked(1))
    books.leaves(7)
    assert books.fleet.nodes() == ()


def test_newlines_stay_and_control_characters_are_shown_as_escapes() -> None:
    assert printable("one\ntwo\x1b[31m\u202e") == "one\ntwo\\x1b[31m\\u202e"
