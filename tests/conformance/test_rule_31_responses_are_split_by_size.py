"""Rule 31: C-core clients take 4 MiB a message: delta responses are split by size."""

from __future__ import annotations

from tests.builders import assignment, cluster
from tests.transcripts import DELTA, STATE, an_edge
from xds.protocol.plan import Settled
from xds.protocol.resource import Resource
from xds.protocol.session import Limits
from xds.protocol.splitting import RESPONSE_LIMIT_BYTES
from xds.protocol.types import CLUSTER, ENDPOINT

BIG = [Resource.of(CLUSTER, f"c{index}", b"x" * 1_000_000) for index in range(7)]
SMALL = Limits(response_bytes=400)


def test_ten_megabytes_come_in_pieces_with_a_nonce_each() -> None:
    edge = an_edge(DELTA, BIG)
    answer = edge.asks(CLUSTER)
    assert len(answer.responses) == 3
    assert len({response.nonce for response in answer.responses}) == 3
    assert len({response.share_key for response in answer.responses}) == 3
    assert answer.names == {resource.name for resource in BIG}
    assert all(sum(len(one.body) for one in response.resources) < 4 * 2**20 for response in answer.responses)
    assert RESPONSE_LIMIT_BYTES < 4 * 2**20


def test_every_piece_is_awaited() -> None:
    edge = an_edge(DELTA, BIG)
    first, second, third = edge.asks(CLUSTER).responses
    assert not edge.acks(first).seen(Settled)
    edge.is_served(*BIG[1:], cluster("new"))
    assert edge.acks(second).responses == ()
    assert edge.acks(third).names == {"new"}


def test_removals_are_split_too() -> None:
    edge = an_edge(DELTA, [cluster(f"{index:0100}") for index in range(8)], limits=SMALL)
    edge.acks_all(edge.asks(CLUSTER))
    answer = edge.is_served()
    assert len(answer.responses) == 8
    assert len(answer.removed) == 8


def test_a_full_state_cannot_be_split() -> None:
    edge = an_edge(STATE, BIG)
    assert edge.asks(CLUSTER).names == {resource.name for resource in BIG}
    assert len(edge.last[CLUSTER].resources) == 7


def test_endpoints_of_the_state_of_the_world_can() -> None:
    edge = an_edge(STATE, [assignment(name) for name in "abcdef"], limits=SMALL)
    answer = edge.asks(ENDPOINT, *"abcdef")
    assert len(answer.responses) > 1
    assert answer.names == set("abcdef")
    settled = [edge.acks(response).seen(Settled) for response in answer.responses]
    assert settled[-1] == [Settled(ENDPOINT, 1)]
    assert not any(settled[:-1])
