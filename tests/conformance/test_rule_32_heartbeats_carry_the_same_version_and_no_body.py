"""Rule 32: Heartbeats (TTL) carry the same version and no body, and only go to clients that advertise support.

In the state of the world Envoy does not count them, and takes the absence of a body as that of the resource: there a
resource is renewed by sending it again, whole and under the same version.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from tests.builders import a_node, assignment, cluster, for_a_time, listener, runtime
from tests.transcripts import DELTA, STATE, Answer, Edge, an_edge
from xds.protocol.catalogue import Catalogue
from xds.protocol.plan import Acked, Rejected, Renewed, Sent
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, RUNTIME
from xds.protocol.variant import Variant

TTL = "xds.config.supports-resource-ttl"
WRAPPER = "xds.config.resource-in-sotw"


def an_edge_that_takes_ttl(
    variant: Variant,
    serving: Iterable[Resource] = (),
    *,
    catalogue: Catalogue | None = None,
    features: tuple[str, ...] = (TTL, WRAPPER),
) -> Edge:
    edge = an_edge(variant, serving, catalogue=catalogue)
    edge.node = replace(a_node(), client_features=features)
    return edge


def told(answer: Answer) -> list[tuple[str, str]]:
    """Names and versions."""
    return [(one.name, one.version) for response in answer.responses for one in response.resources]


def bodies(answer: Answer) -> list[bytes]:
    return [one.body for response in answer.responses for one in response.resources]


def test_a_heartbeat_comes_when_half_of_the_time_is_over_and_again_and_again(variant: Variant) -> None:
    web = for_a_time(runtime("web"), ttl_s=10)
    edge = an_edge_that_takes_ttl(variant, [web, runtime("api")])
    first = edge.asks(RUNTIME, "web", "api").only
    assert first.tells_ttl
    assert edge.acks(first).wake_at_s == 5
    assert edge.waits(4.9).responses == ()
    for _ in range(3):
        beat = edge.waits(5)
        assert told(beat) == [("web", web.version)]
        assert beat.only.tells_ttl
        assert edge.acks(beat.only).responses == ()


def test_incrementally_a_heartbeat_has_no_body() -> None:
    edge = an_edge_that_takes_ttl(DELTA, [for_a_time(runtime("web"))])
    edge.acks_all(edge.asks(RUNTIME, "web"))
    assert bodies(edge.waits(5)) == [b""]


def test_in_the_state_of_the_world_it_is_sent_whole_under_the_version_that_the_client_has() -> None:
    web = for_a_time(runtime("web"))
    edge = an_edge_that_takes_ttl(STATE, [web, runtime("api")])
    first = edge.asks(RUNTIME, "web").only
    edge.acks(first)
    edge.is_served(web, runtime("api", "b"))  # another version of the type, and none of what this client wants
    beat = edge.waits(5)
    assert bodies(beat) == [web.body]
    assert beat.only.version == first.version


@pytest.mark.parametrize("type_url", [CLUSTER, LISTENER])
def test_a_full_state_is_renewed_as_a_whole_for_what_it_leaves_out_is_removed(type_url: str) -> None:
    build = cluster if type_url == CLUSTER else listener
    serving = [for_a_time(build("web")), build("api")]
    edge = an_edge_that_takes_ttl(STATE, serving)
    first = edge.asks(serving[0].type_url).only
    edge.acks(first)
    beat = edge.waits(5).only
    assert (beat.version, beat.resources) == (first.version, first.resources)


@pytest.mark.parametrize(
    ("features", "takes"),
    [
        ((), {DELTA: False, STATE: False}),
        ((TTL,), {DELTA: True, STATE: False}),
        ((WRAPPER,), {DELTA: False, STATE: False}),  # a gRPC client says this
        ((TTL, WRAPPER), {DELTA: True, STATE: True}),
        ((TTL, "xds.config.supports-resource-in-sotw"), {DELTA: True, STATE: True}),
    ],
)
def test_only_clients_that_say_so_are_told(
    variant: Variant, features: tuple[str, ...], takes: dict[Variant, bool]
) -> None:
    edge = an_edge_that_takes_ttl(variant, [for_a_time(cluster("web"))], features=features)
    first = edge.asks(CLUSTER)
    assert first.names == {"web"}
    assert first.only.tells_ttl is takes[variant]
    assert edge.acks(first.only).wake_at_s == (5 if takes[variant] else None)
    assert bool(edge.waits(60).responses) is takes[variant]


def test_what_lives_for_ever_costs_nothing(variant: Variant) -> None:
    edge = an_edge_that_takes_ttl(variant, [cluster("web")])
    first = edge.asks(CLUSTER).only
    assert not first.tells_ttl
    assert edge.acks(first).wake_at_s is None
    assert edge.waits(1_000_000).responses == ()


def test_clients_with_and_without_do_not_share_their_responses(variant: Variant) -> None:
    edge = an_edge_that_takes_ttl(variant, [for_a_time(cluster("web"))])
    without = an_edge(variant, catalogue=edge.catalogue)
    keys = {edge.asks(CLUSTER).only.share_key, without.asks(CLUSTER).only.share_key}
    assert len(keys) == 2
    another = an_edge_that_takes_ttl(variant, catalogue=edge.catalogue)
    assert another.asks(CLUSTER).only.share_key in keys


def test_a_heartbeat_and_the_resource_itself_do_not_share_either() -> None:
    edge = an_edge_that_takes_ttl(DELTA, [for_a_time(runtime("web"))])
    first = edge.asks(RUNTIME, "web").only
    edge.acks(first)
    assert edge.waits(5).only.share_key != first.share_key


def test_what_was_not_acknowledged_is_not_renewed(variant: Variant) -> None:
    edge = an_edge_that_takes_ttl(variant, [for_a_time(runtime("web"))])
    first = edge.asks(RUNTIME, "web").only
    assert edge.waits(9).responses == ()
    edge.nacks(first)
    assert edge.waits(60).responses == ()


def test_what_the_client_kept_when_it_rejected_newer_content_goes_on(variant: Variant) -> None:
    old = for_a_time(runtime("web", "a"))
    edge = an_edge_that_takes_ttl(variant, [old])
    edge.acks_all(edge.asks(RUNTIME, "web"))
    pushed = edge.is_served(for_a_time(runtime("web", "b"))).only
    assert edge.waits(6).responses == ()  # nobody knows which of the two the client has now
    edge.nacks(pushed)
    assert told(edge.waits(5)) == [("web", old.version)]


def test_no_heartbeat_overtakes_newer_content_that_waits_for_its_turn() -> None:
    old = for_a_time(listener("http", "a"), ttl_s=4)
    edge = an_edge_that_takes_ttl(DELTA, [old, cluster("web", "a")])
    edge.acks_all(edge.asks(CLUSTER))
    edge.acks_all(edge.asks(LISTENER))
    pushed = edge.is_served(for_a_time(listener("http", "b"), ttl_s=4), cluster("web", "b"))
    assert pushed.types == [CLUSTER]  # and the client does not answer
    assert told(edge.waits(2)) == [("http", old.version)]


def test_what_is_removed_or_no_longer_wanted_is_not_renewed(variant: Variant) -> None:
    resources = [for_a_time(runtime(name)) for name in ("gone", "dropped", "kept")]
    edge = an_edge_that_takes_ttl(variant, resources)
    edge.acks_all(edge.asks(RUNTIME, "gone", "dropped", "kept"))
    edge.acks_all(edge.is_served(*resources[1:]))
    edge.acks_all(edge.drops(RUNTIME, "dropped"))
    assert edge.waits(5).names == {"kept"}


def test_a_time_to_live_that_comes_goes_or_changes_reaches_the_client(variant: Variant) -> None:
    edge = an_edge_that_takes_ttl(variant, [runtime("web")])
    edge.acks_all(edge.asks(RUNTIME, "web"))
    for ttl_s in (10, 30):
        pushed = edge.is_served(for_a_time(runtime("web"), ttl_s))
        (resource,) = pushed.only.resources
        assert resource.ttl_ms == ttl_s * 1000
        edge.acks(pushed.only)
        assert edge.waits(ttl_s / 2 - 0.1).responses == ()
        assert edge.waits(0.1).names == {"web"}
        edge.acks(RUNTIME)
    last = edge.is_served(runtime("web"))
    assert last.names == {"web"}
    edge.acks(last.only)
    assert edge.waits(600).responses == ()


def test_times_to_live_are_renewed_each_in_its_own_time_and_together_where_they_are_equal() -> None:
    resources = [for_a_time(runtime(name), ttl_s) for name, ttl_s in (("a", 10), ("b", 10), ("c", 60))]
    edge = an_edge_that_takes_ttl(DELTA, resources)
    edge.acks_all(edge.asks(RUNTIME, "a", "b", "c"))
    assert [one.name for one in edge.waits(5).only.resources] == ["a", "b"]
    assert edge.waits(25).names == {"a", "b", "c"}


def test_many_heartbeats_are_split_by_size_like_anything_else() -> None:
    edge = an_edge_that_takes_ttl(DELTA, [for_a_time(cluster(f"{number:05}")) for number in range(60_000)])
    edge.acks_all(edge.asks(CLUSTER))
    beats = edge.waits(5)
    assert len(beats.responses) > 1
    assert len(beats.names) == 60_000
    assert all(edge.acks(beat).responses == () for beat in beats.responses)


def test_a_heartbeat_is_no_push_nobody_waits_for_its_answer(variant: Variant) -> None:
    edge = an_edge_that_takes_ttl(variant, [for_a_time(cluster("web")), listener("http")])
    edge.acks_all(edge.asks(CLUSTER))
    edge.acks_all(edge.asks(LISTENER))
    beat = edge.waits(5)
    assert [(type(seen), seen.resources) for seen in beat.seen(Renewed)] == [(Renewed, 1)]
    assert beat.seen(Sent) == []
    pushed = edge.is_served(for_a_time(cluster("web", "b")), listener("http", "b"))  # the beat is still unanswered
    assert pushed.types == [CLUSTER]
    answer = edge.acks(beat.only)
    assert answer.seen(Acked) == []
    assert edge.acks(pushed.only).types == [LISTENER]


def test_a_client_that_has_let_go_of_it_and_rejects_the_heartbeat_is_sent_the_resource() -> None:
    """It heard nothing for too long, and says so with the only word that it has."""
    web = for_a_time(runtime("web"))
    edge = an_edge_that_takes_ttl(DELTA, [web, runtime("api")])
    edge.acks_all(edge.asks(RUNTIME, "web", "api"))
    again = edge.nacks(edge.waits(5).only, because="what is this?")
    assert again.seen(Rejected) == []
    assert (told(again), bodies(again)) == ([("web", web.version)], [web.body])
    edge.acks(again.only)
    assert bodies(edge.waits(5)) == [web.body]  # from now on


def test_a_client_that_rejects_the_resource_again_is_spared_and_told_of() -> None:
    edge = an_edge_that_takes_ttl(STATE, [for_a_time(runtime("web"))])
    edge.acks_all(edge.asks(RUNTIME, "web"))
    (seen,) = edge.nacks(edge.waits(5).only, because="not again").seen(Rejected)
    assert isinstance(seen, Rejected)
    assert (seen.names, seen.message) == (("web",), "not again")
    assert edge.waits(600).responses == ()
    assert edge.is_served(for_a_time(runtime("web", "b"))).names == {"web"}


def test_rejected_content_does_not_come_back_when_what_the_client_kept_is_gone() -> None:
    edge = an_edge_that_takes_ttl(DELTA, [for_a_time(runtime("web", "a"))])
    edge.acks_all(edge.asks(RUNTIME, "web"))
    edge.nacks(edge.is_served(for_a_time(runtime("web", "b"))).only)
    assert edge.nacks(edge.waits(5).only, because="it is gone").responses == ()


def test_a_client_that_comes_back_with_it_hears_at_once_that_it_goes_on() -> None:
    """Nobody knows how much of its time is left."""
    web, api = for_a_time(cluster("web")), for_a_time(cluster("api"))
    edge = an_edge_that_takes_ttl(DELTA, [web, api])
    answer = edge.asks(CLUSTER, having={"web": web.version, "api": "older"})
    assert [[(one.name, bool(one.body)) for one in each.resources] for each in answer.responses] == [
        [("api", True)],
        [("web", False)],
    ]
    state = an_edge_that_takes_ttl(STATE, [web])
    version = state.asks(CLUSTER).only.version
    again = an_edge_that_takes_ttl(STATE, catalogue=state.catalogue).asks(CLUSTER, version=version)
    assert again.only.version == version
    assert again.names == {"web"}


def test_a_silent_client_is_sent_heartbeats_that_do_not_pile_up() -> None:
    edge = an_edge_that_takes_ttl(DELTA, [for_a_time(runtime("web"))])
    edge.acks_all(edge.asks(RUNTIME, "web"))
    for _ in range(1_000):
        assert edge.waits(5).names == {"web"}
    (subscription,) = edge.session._subscriptions.values()
    assert subscription.leases is not None
    assert len(subscription.leases.beating) == 1


def test_in_the_state_of_the_world_only_what_envoy_survives_the_end_of_has_one(variant: Variant) -> None:
    edge = an_edge_that_takes_ttl(variant, [for_a_time(assignment("web"))])
    first = edge.asks(ENDPOINT, "web").only
    assert first.tells_ttl is (variant is DELTA)
    assert bool(edge.acks(first).wake_at_s) is (variant is DELTA)
