"""Whatever happens in whatever order, the fleet's running counts are what counting the nodes would give."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from xds.fleet import Fleet, NodeState
from xds.protocol.plan import Acked, Rejected, Settled, Subscribed
from xds.protocol.requests import Node
from xds.protocol.types import CLUSTER, LISTENER, GroupName, Nonce

GROUPS = (GroupName("a"), GroupName("b"))
STREAMS = st.integers(0, 5)
REVISIONS = st.integers(1, 4)
POSITIONS = st.integers(0, 2)
TYPES = st.sampled_from([CLUSTER, LISTENER])
NONCE = Nonce("1")
EVENTS = st.one_of(
    st.tuples(st.just("connect"), st.sampled_from(["x", "y", "z"]), st.sampled_from(GROUPS), st.booleans()),
    st.tuples(st.just("leave"), STREAMS),
    st.tuples(st.just("publish"), st.sampled_from(GROUPS), REVISIONS),
    st.tuples(st.just("see"), STREAMS, st.builds(Subscribed, TYPES, st.booleans(), st.integers(0, 1))),
    st.tuples(st.just("see"), STREAMS, st.builds(Acked, TYPES, st.just(NONCE), REVISIONS, st.booleans(), POSITIONS)),
    st.tuples(st.just("see"), STREAMS, st.builds(Settled, TYPES, REVISIONS)),
    st.tuples(
        st.just("see"),
        STREAMS,
        st.builds(Rejected, TYPES, st.just(NONCE), REVISIONS, st.just(3), st.just("no"), st.just(("n",)), POSITIONS),
    ),
)


@given(st.lists(EVENTS, max_size=60))
def test_counts_are_what_counting_would_give(events: list[tuple]) -> None:  # type: ignore[type-arg]
    fleet = Fleet(offline_limit=2)
    newest = -1
    for now_s, (kind, *given_) in enumerate(events):
        if kind == "connect":
            newest += 1
            node, group, aggregated = given_
            fleet.connected(newest, Node(node, group), group, "delta", "", now_s, aggregated=aggregated)
        elif kind == "leave":
            fleet.disconnected(newest - given_[0], now_s)
        elif kind == "publish":
            fleet.published(*given_)
        else:
            fleet.observe(newest - given_[0], given_[1], now_s)
        for group in GROUPS:
            _compare(fleet, group)


def _compare(fleet: Fleet, group: GroupName) -> None:
    nodes = fleet.nodes(group)
    states = Counter(status.state for status in nodes)
    counts = fleet.counts(group)
    told = (counts.unassigned, counts.current, counts.behind, counts.rejected, counts.offline)
    order = (NodeState.UNASSIGNED, NodeState.CURRENT, NodeState.BEHIND, NodeState.REJECTED, NodeState.OFFLINE)
    if counts.unassigned:  # a rejection before the first revision is no state of its own
        assert counts.unassigned == states[NodeState.UNASSIGNED]
    else:
        assert told == tuple(states[state] for state in order)
    assert len(fleet.rejections(group)) == sum(
        1 for s in nodes if s.state is not NodeState.OFFLINE for t in s.types if t.rejection
    )
