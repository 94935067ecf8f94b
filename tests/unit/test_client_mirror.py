"""One stream of an upstream from the client's side: requests out, answers in, what may not be taken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.builders import a_node, assignment, cluster, for_a_time, route, shop_host
from tests.mirrors import Agent
from xds.client.answers import Abandon, Answer, Outcome, Received, Refused
from xds.client.mirror import UNPROVED, Mirror
from xds.client.wants import Wants
from xds.protocol.catalogue import Catalogue
from xds.protocol.requests import DeltaRequest, ErrorDetail
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, ENDPOINT, ROUTE, VIRTUAL_HOST, GroupName, TypeUrl

NODE = a_node("agent-1")
WEB, API = cluster("web"), cluster("api")
BAD = ErrorDetail(3, "no good")


class Stream:
    """A mirror and the answers that it gets, numbered as on one stream."""

    def __init__(self, *seed: Resource, floor: int = 0) -> None:
        self.wants = Wants()
        self.mirror = Mirror(self.wants, floor)
        self.mirror.seed(seed)
        self.nonce, self.now_s = 0, 0.0

    def wants_(self, type_url: TypeUrl, *names: str) -> tuple[DeltaRequest, ...]:
        self.wants.put("envoy", type_url, "*" in names, {name for name in names if name != "*"})
        return self.mirror.want().requests

    def connects(self) -> tuple[DeltaRequest, ...]:
        self.nonce, self.now_s = 0, 0.0
        return self.mirror.connected(NODE).requests

    def hears(self, type_url: TypeUrl, *resources: Resource, revision: int | None = 1, **said: Any) -> Outcome:
        self.nonce += 1
        answer = replace(Answer(type_url, str(self.nonce), "v", revision, resources), **said)
        return self.mirror.receive(answer, self.now_s)

    def takes(self, type_url: TypeUrl, *resources: Resource, revision: int | None = 1, **said: Any) -> Received:
        outcome = self.hears(type_url, *resources, revision=revision, **said)
        assert isinstance(outcome, Received)
        return outcome

    def last_verdict(self, error: ErrorDetail | None = None) -> DeltaRequest | None:
        return self.mirror.settle(str(self.nonce), error)


def connected(*names: str, type_url: TypeUrl = CLUSTER, seed: tuple[Resource, ...] = (), floor: int = 0) -> Stream:
    stream = Stream(*seed, floor=floor)
    stream.wants_(type_url, *names)
    stream.connects()
    return stream


def test_each_wanted_type_is_opened_in_order_and_the_first_names_the_node() -> None:
    stream = Stream()
    stream.wants_(ROUTE, "main")
    stream.wants_(ENDPOINT, "web", "api")
    assert stream.wants_(CLUSTER, "*") == ()
    assert stream.connects() == (
        DeltaRequest(CLUSTER, ("*",), node=NODE),
        DeltaRequest(ENDPOINT, ("api", "web")),
        DeltaRequest(ROUTE, ("main",)),
    )


def test_what_is_held_and_wanted_is_said_when_a_type_is_opened() -> None:
    stream = Stream(WEB, assignment("web"), assignment("api"))
    stream.wants_(CLUSTER, "*")
    stream.wants_(ENDPOINT, "web")
    first, second = stream.connects()
    assert first.initial_resource_versions == {"web": WEB.version}
    assert second.initial_resource_versions == {"web": assignment("web").version}


def test_only_the_difference_is_asked_for_then() -> None:
    stream = connected("web")
    assert stream.wants_(CLUSTER, "web", "api") == (DeltaRequest(CLUSTER, ("api",)),)
    assert stream.wants_(CLUSTER, "*", "api") == (DeltaRequest(CLUSTER, ("*",), ("web",)),)
    assert stream.wants_(CLUSTER, "*", "api") == ()
    assert stream.wants_(ENDPOINT, "web") == (DeltaRequest(ENDPOINT, ("web",)),)


def test_an_answer_is_changes_and_news() -> None:
    stream = connected("*", "gone", seed=(API,))
    received = stream.takes(CLUSTER, WEB, removed=("api", "gone"), whole=True, revision=7)
    assert received.changes == ((None, WEB), (API, None))
    (learned,) = received.learned
    assert (learned.answered, learned.everything, received.revision) == (frozenset({"gone"}), True, 7)
    assert stream.mirror.held(CLUSTER) == {"web": WEB}
    assert stream.last_verdict() == DeltaRequest(CLUSTER, response_nonce="1")
    assert stream.last_verdict() is None


def test_everything_is_known_with_its_last_piece() -> None:
    stream = connected("*")
    assert stream.takes(CLUSTER, WEB, whole=False).learned[0].everything is None
    assert not stream.mirror.answered
    assert stream.takes(CLUSTER, API, whole=True).learned[0].everything
    assert stream.mirror.answered


def test_a_server_that_does_not_say_so_answers_everything_with_its_first_response() -> None:
    stream = connected("*")
    received = stream.takes(CLUSTER, WEB, revision=None)
    assert (received.learned[0].everything, received.revision) == (True, 1)


def test_what_was_not_all_taken_is_not_everything() -> None:
    stream = connected("*")
    assert isinstance(stream.hears(CLUSTER, replace(WEB, body=b"other"), whole=False), Refused)
    assert stream.takes(CLUSTER, API, whole=True).learned[0].everything is None


def test_upstream_has_answered_when_all_names_are_that_are_not_held() -> None:
    stream = connected("web", "api", "gone", seed=(WEB,))
    assert not stream.mirror.answered
    stream.takes(CLUSTER, API)
    assert not stream.mirror.answered
    stream.takes(CLUSTER, removed=("gone",))
    assert stream.mirror.answered
    stream.mirror.disconnected()
    assert not stream.mirror.answered


def test_a_wrong_digest_a_name_twice_and_another_type_are_refused() -> None:
    stream = connected("*", seed=(API,))
    for resources, removed, words in (
        ((replace(WEB, body=b"flipped"),), (), "'web' has version"),
        ((replace(WEB, ttl_ms=5),), (), "'web' has version"),
        ((WEB, WEB), (), "'web' is told twice"),
        ((WEB,), ("web",), "'web' is told twice"),
        ((route("web"),), (), "in a response of"),
        ((for_a_time(WEB).without_body(),), (), "not held"),
    ):
        refused = stream.hears(CLUSTER, *resources, removed=removed)
        assert isinstance(refused, Refused)
        assert words in refused.error.message
        assert refused.request.response_nonce == str(stream.nonce)
        assert refused.request.error_detail == refused.error
    assert stream.mirror.held(CLUSTER) == {"api": API}


def test_many_faults_are_told_in_few_words() -> None:
    stream = connected("*")
    refused = stream.hears(CLUSTER, *(replace(cluster(f"c{number}"), version="1") for number in range(50)))
    assert isinstance(refused, Refused)
    assert refused.error.message.endswith("; and 47 more")


def test_an_older_revision_may_change_nothing() -> None:
    stream = connected("*", "gone", seed=(WEB,), floor=7)
    for resources, removed in (((API,), ()), ((), ("web",)), ((cluster("web", "b"),), ())):
        outcome = stream.hears(CLUSTER, *resources, removed=removed, revision=6)
        assert isinstance(outcome, Abandon)
        assert "revision 6" in outcome.because
    assert stream.takes(CLUSTER, WEB, revision=6, whole=True).changes == ()
    assert (stream.mirror.floor, stream.mirror.held(CLUSTER)) == (7, {"web": WEB})
    stream.takes(CLUSTER, API, revision=8)
    assert stream.mirror.floor == 8


def test_an_older_revision_may_tell_of_a_name_that_nobody_here_ever_knew() -> None:
    """What is asked for first from a relay of which nothing else was asked lately; it is no step back."""
    stream = connected("web", "new", "none", seed=(WEB,), floor=7)
    stream.takes(CLUSTER, removed=("none",), revision=6)
    assert stream.takes(CLUSTER, cluster("new"), revision=6).changes == ((None, cluster("new")),)
    assert isinstance(stream.hears(CLUSTER, cluster("none"), revision=6), Abandon), "it was known not to exist"
    assert isinstance(stream.hears(CLUSTER, removed=("new",), revision=6), Abandon), "it is known by now"


def test_a_relay_that_is_halfway_may_not_change_what_was_taken_elsewhere() -> None:
    stream = connected("*", seed=(WEB,), floor=7)
    for complete, outcome in ((6, Abandon), (7, Received)):
        assert isinstance(stream.hears(CLUSTER, API, revision=8, complete=complete), outcome)


def test_on_one_stream_a_relay_goes_forward_in_parts() -> None:
    stream = connected("*", seed=(WEB,), floor=7)
    stream.takes(CLUSTER, API, revision=9, complete=7)
    assert stream.takes(CLUSTER, removed=("api",), revision=9, complete=8).changes == ((API, None),)
    stream.mirror.disconnected()
    stream.connects()
    assert isinstance(stream.hears(CLUSTER, API, revision=9, complete=8), Abandon), "another may have less of it"


def test_a_revision_is_complete_with_the_last_that_comes_of_it() -> None:
    stream = connected("*")
    stream.takes(CLUSTER, WEB, revision=3)
    stream.takes(CLUSTER, API, revision=4, has_more=True)
    assert (stream.mirror.floor, stream.mirror.complete) == (4, 3)
    stream.takes(CLUSTER, revision=4)
    assert stream.mirror.complete == 4


def test_a_heartbeat_keeps_the_body() -> None:
    timed = for_a_time(WEB)
    stream = connected("*")
    stream.takes(CLUSTER, timed)
    assert stream.takes(CLUSTER, timed.without_body()).changes == ()
    assert stream.mirror.held(CLUSTER) == {"web": timed}


def test_what_lives_for_a_time_only_is_held_for_that_and_known_to_be_gone() -> None:
    timed = for_a_time(WEB, ttl_s=10)
    stream = connected("web")
    stream.takes(CLUSTER, timed)
    stream.now_s = 6
    assert stream.takes(CLUSTER, timed.without_body()).renewed == ("web",)
    assert stream.mirror.expires_at_s == 16
    assert stream.mirror.expire(15.9).changes == ()
    asked = stream.mirror.expire(16)
    assert (asked.changes, asked.learned[0].answered) == (((timed, None),), {"web"})
    assert stream.mirror.expires_at_s is None
    assert isinstance(stream.hears(CLUSTER, timed.without_body()), Refused), "so upstream tells it whole"


def test_of_what_lives_for_a_time_only_nothing_comes_from_the_disk() -> None:
    """Nobody knows how much of its time is left."""
    stream = connected("*", seed=(for_a_time(WEB), API))
    assert stream.mirror.held(CLUSTER) == {"api": API}


def test_what_was_refused_or_never_answered_is_told_again_on_the_next_stream() -> None:
    stream = connected("*")
    stream.takes(CLUSTER, WEB)
    stream.last_verdict(BAD)
    stream.takes(CLUSTER, API)
    stream.last_verdict()
    stream.takes(CLUSTER, cluster("late"))
    stream.mirror.disconnected()
    (request,) = stream.connects()
    assert request.initial_resource_versions == {"web": UNPROVED, "api": API.version, "late": UNPROVED}
    again = stream.takes(CLUSTER, WEB, cluster("late"))
    assert (again.changes, again.refused) == ((), BAD)
    stream.last_verdict()
    stream.mirror.disconnected()
    (request,) = stream.connects()
    assert UNPROVED not in request.initial_resource_versions.values()


def test_newer_content_of_a_refused_name_was_not_refused() -> None:
    stream = connected("*")
    stream.takes(CLUSTER, WEB)
    stream.last_verdict(BAD)
    assert stream.takes(CLUSTER, cluster("web", "b")).refused is None


def test_a_verdict_that_comes_after_the_stream_is_not_sent_on_the_next() -> None:
    stream = connected("*")
    stream.takes(CLUSTER, WEB)
    stream.mirror.disconnected()
    assert stream.last_verdict() is None


def test_what_is_wanted_no_more_is_held_no_more() -> None:
    stream = connected("web", "api", "gone", seed=(WEB, API))
    stream.takes(CLUSTER, removed=("gone",))
    stream.wants.put("envoy", CLUSTER, False, {"web"})
    asked = stream.mirror.want()
    assert asked.requests == (DeltaRequest(CLUSTER, unsubscribe=("api", "gone")),)
    assert (asked.changes, asked.learned[0].forgotten) == (((API, None),), frozenset({"gone"}))
    assert stream.takes(CLUSTER, API).changes == (), "it was on its way"


def test_a_name_dropped_while_everything_is_wanted_stays() -> None:
    stream = connected("*", "web", seed=(WEB, API))
    stream.wants.put("envoy", CLUSTER, True, set())
    assert stream.mirror.want().changes == ()


def test_everything_dropped_leaves_the_names() -> None:
    stream = connected("*", "web", seed=(WEB, API))
    stream.wants.put("envoy", CLUSTER, False, {"web"})
    asked = stream.mirror.want()
    assert (asked.changes, asked.learned[0].everything) == (((API, None),), False)


def test_everything_that_is_asked_for_again_is_asked_for_on_another_stream() -> None:
    """What was on its way for the first wish would be taken for an answer to the second."""
    server = Catalogue(GroupName("edge"))
    server.load(1, [WEB, API])
    agent = Agent()
    agent.wants.put("envoy", CLUSTER, True, set())
    agent.connects_to(server)
    agent.goes_up()
    for wildcard in (False, True):
        agent.wants.put("envoy", CLUSTER, wildcard, set())
        agent.wants_something_else()
    agent.goes_down()
    server.load(2, [WEB])
    agent.settles_down()
    assert dict(agent.mirror.held(CLUSTER)) == {"web": WEB}


def test_what_is_held_unasked_goes_when_everything_is_asked_for_on_an_open_stream() -> None:
    """Upstream is not told that it is held, and would not say that it is gone."""
    stream = connected("web", seed=(WEB, API))
    stream.wants.put("envoy", CLUSTER, True, {"web"})
    asked = stream.mirror.want()
    assert (asked.requests, asked.changes) == ((DeltaRequest(CLUSTER, ("*",)),), ((API, None),))


def test_what_came_from_disk_and_nobody_wants_can_be_forgotten() -> None:
    stream = connected("web", seed=(WEB, API, route("main")))
    assert set(stream.mirror.forget_unwanted().changes) == {(API, None), (route("main"), None)}
    assert list(stream.mirror.everything_held()) == [WEB]


def test_a_type_that_nobody_wants_any_more_changes_nothing() -> None:
    stream = connected("web")
    stream.wants_(CLUSTER)
    assert stream.takes(CLUSTER, WEB, removed=("api",)).changes == ()


def test_hosts_are_followed_by_what_they_stand_for() -> None:
    web, api = shop_host("web", "www"), shop_host("api", "api")
    stream = connected("shop/www", "shop/no", type_url=VIRTUAL_HOST)
    told = ((web.name, ("shop/www",)),)
    received = stream.takes(VIRTUAL_HOST, web, api, aliases=told, unresolved=("shop/no",))
    assert received.changes == ((None, web),), "nobody asked for the other"
    assert received.learned[0].answered == {"shop/www", "shop/no"}
    assert stream.mirror.answered
    stream.last_verdict()
    stream.mirror.disconnected()
    (request,) = stream.connects()
    assert request.initial_resource_versions == {web.name: web.version, "shop/no": ""}
    stream.wants.put("envoy", VIRTUAL_HOST, False, {"shop/no"})
    assert stream.mirror.want().changes == ((web, None),)


def test_a_host_that_was_never_answered_is_answered_with_what_is_held_for_it() -> None:
    """Upstream says nothing of it otherwise: what it stands for is held as it is."""
    web = shop_host("web", "www")
    stream = connected("*", "shop/www", type_url=VIRTUAL_HOST, seed=(web,))
    assert stream.mirror.held(VIRTUAL_HOST) == {web.name: web}
    stream.mirror.disconnected()
    (request,) = stream.connects()
    assert request.initial_resource_versions == {web.name: UNPROVED}
    stream.takes(VIRTUAL_HOST, web, aliases=((web.name, ("shop/www",)),), whole=True)
    stream.last_verdict()
    stream.mirror.disconnected()
    (request,) = stream.connects()
    assert request.initial_resource_versions == {web.name: web.version}
