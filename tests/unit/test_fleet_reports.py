"""What agents report, in the fleet's books: kept as the last word, and counted for nodes below a relay alone."""

from __future__ import annotations

from collections.abc import Iterable

from api.nodes.limits import ReportLimits
from api.nodes.report import Agent, Envoy, NodeReport, Refusal, Standing, Statistics
from tests.unit.test_fleet import GROUP, Books, acked, rejected
from xds.fleet import Fleet, NodeState
from xds.fleet.reports import Reporter
from xds.protocol.plan import Acked, Sent, Settled
from xds.protocol.types import CLUSTER, LISTENER, GroupName, NodeId, Nonce

RELAY = 100


class ReportBooks(Books):
    """A fleet that agents report to."""

    def __init__(self, limits: ReportLimits | None = None, **options: float) -> None:
        super().__init__(**options)
        self.fleet = Fleet(report_limits=limits, **options)  # type: ignore[arg-type]

    def begins(self, reporter: int, node: str, *, relay: bool = False) -> None:
        self.now_s += 1
        self.fleet.reporting(Reporter(reporter, NodeId(node), GROUP, relay, "10.0.0.1:1", self.now_s))

    def says(self, reporter: int, *reports: NodeReport, gone: Iterable[str] = ()) -> set[GroupName]:
        self.now_s += 1
        return self.fleet.reported(reporter, reports, gone, self.now_s)

    def has(self, reporter: int, node: str, revision: int, *refusals: Refusal) -> set[GroupName]:
        return self.says(reporter, NodeReport(node, GROUP, standing=Standing(revision, refusals)))

    def ends(self, reporter: int) -> None:
        self.now_s += 1
        self.fleet.reports_ended(reporter, self.now_s)

    def report(self, node: str = "edge") -> NodeReport:
        status = self.fleet.node(node)
        assert status is not None
        assert status.reported is not None
        return status.reported.report

    def a_relay(self, revision: int = 1) -> None:
        """With a stream of its own that has all of the revision."""
        self.fleet.published(GROUP, revision)
        self.connects(1, "relay")
        self.subscribes(1, CLUSTER)
        self.sees(1, Sent(CLUSTER, Nonce("1"), revision, 1, 0), acked(revision))
        self.begins(RELAY, "relay", relay=True)


def test_a_part_that_is_told_replaces_the_one_before_and_others_stay() -> None:
    books = ReportBooks()
    books.begins(1, "edge")
    books.says(1, NodeReport("", agent=Agent("1.0"), envoy=Envoy("1.40", ready=True)))
    books.says(1, NodeReport("", envoy=Envoy("1.41")))

    report = books.report()
    assert (report.node, report.group) == ("edge", GROUP)
    assert report.agent == Agent("1.0")
    assert report.envoy == Envoy("1.41")
    assert report.envoy.ready is None  # not known any more, which is not "no"


def test_nothing_new_is_a_word_too() -> None:
    books = ReportBooks()
    books.begins(1, "edge")
    books.says(1, NodeReport("", agent=Agent("1.0")))
    books.says(1)

    status = books.fleet.node("edge")
    assert status is not None
    assert status.reported is not None
    assert status.reported.heard_s == books.now_s


def test_an_agent_whose_envoy_takes_nothing_is_known_as_offline() -> None:
    books = ReportBooks()
    books.fleet.published(GROUP, 1)
    books.begins(1, "edge")
    books.says(1, NodeReport("", envoy=Envoy(live=False)))

    assert books.state() is NodeState.OFFLINE
    assert [node.id for node in books.fleet.nodes(GROUP)] == ["edge"]
    assert (books.fleet.counts(GROUP).offline, books.fleet.counts(GROUP).total) == (1, 0)


def test_what_a_node_says_of_itself_changes_nothing_of_what_its_own_stream_tells() -> None:
    books = ReportBooks()
    books.fleet.published(GROUP, 2)
    books.connects(1)
    books.subscribes(1, CLUSTER)
    books.sees(1, Sent(CLUSTER, Nonce("1"), 1, 1, 0), acked(1))
    books.begins(2, "edge")
    before = books.fleet.counts(GROUP), books.fleet.progress(GROUP, 2)
    books.says(2, NodeReport("", standing=Standing(2, (Refusal(CLUSTER, ("one",), 2, 3, "no"),))))

    assert books.state() is NodeState.BEHIND
    assert (books.fleet.counts(GROUP), books.fleet.progress(GROUP, 2)) == before
    assert books.fleet.rejections(GROUP) == ()


def test_what_a_relay_says_of_a_connected_node_changes_nothing_of_it() -> None:
    books = ReportBooks()
    books.a_relay(2)
    books.connects(2, "edge")
    books.subscribes(2, CLUSTER)
    books.sees(2, rejected(2))
    before = books.fleet.node("edge"), books.fleet.counts(GROUP), books.fleet.rejections(GROUP)
    books.has(RELAY, "edge", 2)

    after = books.fleet.node("edge")
    assert after is not None
    assert before[0] is not None
    assert (after.state, after.revision, after.types, after.via) == (NodeState.REJECTED, 0, before[0].types, "")
    assert (books.fleet.counts(GROUP), books.fleet.rejections(GROUP)) == before[1:]
    books.sees(2, acked(3))
    books.leaves(2)
    assert books.state() is NodeState.CURRENT  # now the relay is all there is


def test_a_node_below_a_relay_is_counted_by_what_is_reported() -> None:
    books = ReportBooks()
    books.a_relay(1)
    assert books.has(RELAY, "edge", 0) == {GROUP}
    assert books.state() is NodeState.BEHIND
    books.has(RELAY, "edge", 1)

    status = books.fleet.node("edge")
    assert status is not None
    assert (status.state, status.via, status.revision) == (NodeState.CURRENT, "relay", 1)
    assert books.fleet.counts(GROUP).current == 2
    books.fleet.published(GROUP, 2)
    assert books.fleet.progress(GROUP, 2).waiting == 2


def test_what_a_node_below_a_relay_refuses_is_told() -> None:
    books = ReportBooks()
    books.a_relay(2)
    books.has(RELAY, "edge", 1, Refusal(CLUSTER, ("one",), 2, 3, "no"))

    assert books.state() is NodeState.REJECTED
    (rejection,) = books.fleet.rejections(GROUP)
    assert (rejection.node, rejection.revision, rejection.message) == ("edge", 2, "no")
    assert books.fleet.progress(GROUP, 2).rejected == 1
    books.has(RELAY, "edge", 2)
    assert books.fleet.rejections(GROUP) == ()


def test_a_revision_that_brings_the_relay_nothing_reaches_those_below_with_it() -> None:
    books = ReportBooks()
    books.a_relay(1)
    books.has(RELAY, "edge", 1)
    books.fleet.published(GROUP, 2)
    assert books.state() is NodeState.BEHIND
    books.sees(1, Settled(CLUSTER, 2))
    assert books.state() is NodeState.CURRENT


def test_a_revision_that_the_relay_was_sent_is_waited_for_below_it() -> None:
    books = ReportBooks()
    books.a_relay(1)
    books.has(RELAY, "edge", 1)
    books.fleet.published(GROUP, 2)
    books.sees(1, Sent(CLUSTER, Nonce("2"), 2, 1, 0), acked(2))
    assert books.state("relay") is NodeState.CURRENT
    assert books.state() is NodeState.BEHIND
    assert books.fleet.progress(GROUP, 2).waiting == 1
    books.has(RELAY, "edge", 2)
    assert books.state() is NodeState.CURRENT


def test_nodes_of_a_relay_that_is_gone_are_offline_and_their_last_word_is_kept() -> None:
    books = ReportBooks()
    books.a_relay(1)
    books.has(RELAY, "edge", 1)
    books.has(RELAY, "other", 1)
    books.says(RELAY, gone=["other"])
    assert books.state("other") is NodeState.OFFLINE
    books.ends(RELAY)

    status = books.fleet.node("edge")
    assert status is not None
    assert status.reported is not None
    assert (status.state, status.reported.connected) == (NodeState.OFFLINE, False)
    assert books.fleet.counts(GROUP).offline == 2


def test_a_node_that_moves_from_one_relay_to_another_stays() -> None:
    books = ReportBooks()
    books.a_relay(1)
    books.begins(RELAY + 1, "relay-2", relay=True)
    books.has(RELAY, "edge", 1)
    books.has(RELAY + 1, "edge", 1)
    books.ends(RELAY)

    status = books.fleet.node("edge")
    assert status is not None
    assert (status.state, status.via) == (NodeState.CURRENT, "relay-2")


def test_the_own_envoy_of_a_relay_counts_beside_what_the_relay_takes_at_once() -> None:
    books = ReportBooks()
    books.a_relay(revision=7)
    assert books.fleet.progress(GROUP, 7).acked == 1
    books.has(RELAY, "", 6)
    assert books.state("relay") is NodeState.BEHIND
    books.has(RELAY, "", 7)
    assert books.state("relay") is NodeState.CURRENT


def test_what_the_own_envoy_of_a_relay_refuses_is_told() -> None:
    books = ReportBooks()
    books.a_relay(revision=7)
    books.has(RELAY, "", 6, Refusal(CLUSTER, ("web",), 7, 3, "no such thing"))
    (found,) = books.fleet.rejections(GROUP)
    assert (found.node, found.names, found.message) == ("relay", ("web",), "no such thing")
    status = books.fleet.node("relay")
    assert status is not None
    assert (status.state, status.streams) == (NodeState.REJECTED, 1)
    books.ends(RELAY)
    assert books.state("relay") is NodeState.CURRENT


def test_the_own_envoy_of_a_relay_holds_up_nobody_below_it() -> None:
    books = ReportBooks()
    books.a_relay(revision=7)
    books.has(RELAY, "", 3)
    books.has(RELAY, "edge", 7)
    books.fleet.published(GROUP, 8)
    books.sees(1, Settled(CLUSTER, 8))
    assert (books.state("edge"), books.state("relay")) == (NodeState.CURRENT, NodeState.BEHIND)


def test_nobody_below_a_relay_has_all_of_a_revision_before_the_relay_has() -> None:
    books = ReportBooks()
    books.a_relay(revision=7)
    books.fleet.published(GROUP, 8)
    books.sees(1, Sent(CLUSTER, Nonce("2"), 8, 1, 0))
    books.has(RELAY, "edge", 8)
    assert books.state("edge") is NodeState.BEHIND
    books.sees(1, acked(8))
    assert books.state("edge") is NodeState.CURRENT


def test_who_is_sent_more_of_a_revision_that_comes_in_steps_has_not_all_of_it() -> None:
    books = ReportBooks()
    books.fleet = Fleet(in_steps=True)
    books.fleet.published(GROUP, 7)
    books.connects(1)
    books.subscribes(1, CLUSTER, LISTENER)
    books.sees(1, Sent(LISTENER, Nonce("0"), 7, 1, 0, position=1))
    status = books.fleet.node("edge")
    assert status is not None
    assert status.revision == 0
    books.sees(1, Settled(CLUSTER, 7, 1), Settled(LISTENER, 7, 1))
    assert books.state() is NodeState.CURRENT
    books.sees(1, Sent(LISTENER, Nonce("1"), 7, 1, 0, position=2))
    assert books.state() is NodeState.BEHIND
    books.sees(1, Acked(LISTENER, Nonce("1"), 7, position=2))
    assert books.state() is NodeState.CURRENT


def test_a_mark_is_another_when_something_is_told_otherwise() -> None:
    books = ReportBooks()
    books.a_relay(revision=7)

    def changes(*reports: NodeReport) -> bool:
        before = dict(books.fleet.marks())
        books.says(RELAY, *reports)
        return before != dict(books.fleet.marks())

    assert changes(NodeReport("edge", GROUP, standing=Standing(6)))
    assert not changes(NodeReport("edge", GROUP, standing=Standing(6)))
    assert not changes()
    assert changes(NodeReport("edge", standing=Standing(7)))
    assert changes(NodeReport("edge", standing=Standing(7, (Refusal(CLUSTER, ("web",), 8, 3, "no"),))))
    assert changes(NodeReport("edge", standing=Standing(7, (Refusal(CLUSTER, ("web",), 8, 3, "never"),))))
    assert changes(NodeReport("edge", envoy=Envoy("1.41")))
    before = dict(books.fleet.marks())
    books.ends(RELAY)
    assert before != dict(books.fleet.marks())


def test_only_a_relay_tells_of_others() -> None:
    books = ReportBooks()
    books.begins(1, "edge")
    books.has(1, "victim", 1)
    assert books.fleet.node("victim") is None
    assert books.fleet.reports.over_limit == 1


def test_nodes_beyond_a_limit_are_left_out_and_counted() -> None:
    books = ReportBooks(ReportLimits(stream_nodes=3))
    books.begins(1, "relay", relay=True)
    for number in range(5):
        books.says(1, NodeReport(f"edge-{number}", agent=Agent("1")))
    assert books.fleet.reports.over_limit == 2
    books.says(1, NodeReport("edge-0", agent=Agent("2")), gone=["edge-1"])
    books.says(1, NodeReport("edge-4", agent=Agent("2")))
    assert books.fleet.reports.over_limit == 2


def test_the_nodes_own_agent_is_believed_before_a_relay() -> None:
    books = ReportBooks()
    books.begins(1, "edge")
    books.begins(2, "relay", relay=True)
    books.says(1, NodeReport("", statistics=Statistics(downstream_requests=1)))
    books.says(2, NodeReport("edge", statistics=Statistics(downstream_requests=2)))
    assert books.report().statistics == Statistics(downstream_requests=1)
    books.ends(1)
    assert books.report().statistics == Statistics(downstream_requests=2)


def test_a_group_is_what_the_first_word_on_a_node_says() -> None:
    books = ReportBooks()
    books.a_relay(1)
    books.has(RELAY, "edge", 1)
    books.says(RELAY, NodeReport("edge", "elsewhere", standing=Standing(1)))
    assert books.report().group == GROUP
    assert books.fleet.nodes("elsewhere") == ()


def test_last_words_that_are_kept_are_bounded() -> None:
    books = ReportBooks(offline_limit=2)
    for number in range(5):
        books.begins(number + 1, f"edge-{number}")
        books.says(number + 1, NodeReport("", agent=Agent("1")))
        books.ends(number + 1)
    assert sum(books.fleet.reports.of(f"edge-{number}") is not None for number in range(5)) == 2
    assert len(books.fleet.nodes()) <= 2


def test_a_node_below_a_relay_that_takes_nothing_is_offline_and_not_waited_for() -> None:
    books = ReportBooks()
    books.a_relay(1)
    books.says(RELAY, NodeReport("edge", GROUP, agent=Agent("1"), envoy=Envoy(live=False)))
    status = books.fleet.node("edge")
    assert status is not None
    assert (status.state, status.group, status.via) == (NodeState.OFFLINE, GROUP, "relay")
    assert books.fleet.progress(GROUP, 1).waiting == 0
    books.has(RELAY, "edge", 0)
    assert books.state() is NodeState.BEHIND
