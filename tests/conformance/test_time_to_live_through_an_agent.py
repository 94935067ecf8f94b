"""What lives for a time only runs out below an agent as it would without one: who renews it is upstream alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builders import a_node, cluster, for_a_time, runtime
from tests.mirrors import Agent, Local
from xds.protocol.catalogue import Catalogue
from xds.protocol.features import RESOURCE_IN_SOTW, RESOURCE_TTL
from xds.protocol.plan import Response
from xds.protocol.requests import DeltaRequest, ErrorDetail, StateRequest
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, RUNTIME, GroupName, TypeUrl
from xds.protocol.variant import Variant

DELTA, STATE = Variant.DELTA, Variant.STATE_OF_THE_WORLD
ENVOY = replace(a_node(), client_features=(RESOURCE_TTL, RESOURCE_IN_SOTW))
TTL_S = 10.0
EXPERIMENT = for_a_time(runtime("experiment"), TTL_S)


class Chain:
    """A server, an agent and an Envoy that takes everything at once, at a time that is told."""

    def __init__(self, variant: Variant, type_url: TypeUrl, *resources: Resource) -> None:
        self.server = Catalogue(GroupName("edge"))
        self.server.load(1, resources)
        self.agent = Agent()
        self.agent.connects_to(self.server)
        self.envoy = Local(self.agent, "envoy", variant)
        self.type_url = type_url
        self.envoy.sends(self.asking(*(resource.name for resource in resources)))
        self.heard: list[Response] = []
        self.settle()

    def asking(self, *names: str) -> DeltaRequest | StateRequest:
        if self.envoy.variant is DELTA:
            return DeltaRequest(self.type_url, names, node=ENVOY)
        return StateRequest(self.type_url, resource_names=names, node=ENVOY)

    def settle(self) -> None:
        while self.agent.requests or self.agent.responses or self.envoy.inbox:
            self.agent.settles_down()
            while self.envoy.inbox:
                self.takes(self.envoy.inbox.popleft())

    def takes(self, response: Response, error: ErrorDetail | None = None) -> None:
        self.heard.append(response)
        if self.envoy.variant is DELTA:
            self.envoy.sends(DeltaRequest(response.type_url, response_nonce=response.nonce, error_detail=error))
            return
        names = self.envoy.session.subscription(response.type_url).interest.names  # type: ignore[union-attr]
        said = (response.type_url, response.version, tuple(sorted(names)), response.nonce)
        self.envoy.sends(StateRequest(*said, error_detail=error))

    def waits(self, seconds: float) -> list[Response]:
        """What Envoy hears in that time, second by second."""
        self.heard.clear()
        for _ in range(round(seconds)):
            self.agent.now_s += 1
            self.agent.upstream_moves()
            self.settle()
            self.agent.expires()
            self.envoy.advances(self.agent.now_s)
            self.settle()
        return list(self.heard)

    @property
    def served(self) -> set[str]:
        return set(self.agent.catalogue.served(self.type_url).resources)


def test_upstreams_heartbeats_are_passed_on_as_they_come(variant: Variant) -> None:
    chain = Chain(variant, RUNTIME, EXPERIMENT)
    beats = chain.waits(3 * TTL_S)
    assert [[one.version for one in beat.resources] for beat in beats] == [[EXPERIMENT.version]] * 6
    assert {one.body for beat in beats for one in beat.resources} == {b"" if variant is DELTA else EXPERIMENT.body}
    assert chain.served == {"experiment"}


def test_while_upstream_is_away_nobody_renews_and_it_is_over_in_time(variant: Variant) -> None:
    chain = Chain(variant, RUNTIME, EXPERIMENT)
    chain.agent.disconnects()
    assert chain.waits(TTL_S - 1) == []
    assert chain.served == {"experiment"}
    last = chain.waits(1)
    assert chain.served == set()
    assert [response.removed for response in last] == ([("experiment",)] if variant is DELTA else [])
    assert chain.waits(3 * TTL_S) == []


def test_a_full_state_is_without_what_is_over() -> None:
    chain = Chain(STATE, CLUSTER, for_a_time(cluster("borrowed"), TTL_S), cluster("lasting"))
    chain.agent.disconnects()
    (last,) = chain.waits(TTL_S)
    assert {one.name for one in last.resources} == {"lasting"}


def test_who_asks_when_it_is_over_is_told_that_there_is_none(variant: Variant) -> None:
    chain = Chain(variant, RUNTIME, EXPERIMENT)
    chain.agent.disconnects()
    chain.waits(TTL_S)
    late = Local(chain.agent, "late", variant)
    late.sends(chain.asking("experiment"))
    assert {error.name for response in late.inbox for error in response.errors} == {"experiment"}


def test_it_is_back_when_upstream_is(variant: Variant) -> None:
    chain = Chain(variant, RUNTIME, EXPERIMENT)
    chain.agent.disconnects()
    chain.waits(2 * TTL_S)
    chain.agent.connects_to(chain.server)
    assert [one for beat in chain.waits(1) for one in beat.resources] == [EXPERIMENT]
    assert len(chain.waits(TTL_S)) == 2


def test_an_upstream_that_stops_renewing_it_has_let_it_go() -> None:
    chain = Chain(DELTA, RUNTIME, EXPERIMENT)
    chain.agent.upstream_moves = lambda: None  # type: ignore[method-assign, assignment, return-value]
    assert [response.removed for response in chain.waits(TTL_S)] == [("experiment",)]
    assert chain.agent.mirror.is_connected


def test_an_envoy_that_comes_back_with_it_is_renewed_at_once() -> None:
    chain = Chain(DELTA, RUNTIME, EXPERIMENT)
    again = Local(chain.agent, "again", DELTA)
    having = {"experiment": EXPERIMENT.version}
    again.sends(DeltaRequest(RUNTIME, ("experiment",), initial_resource_versions=having, node=ENVOY))
    (beat,) = again.inbox
    assert [(one.version, one.body) for one in beat.resources] == [(EXPERIMENT.version, b"")]


def test_a_heartbeat_waits_for_no_verdict() -> None:
    chain = Chain(DELTA, RUNTIME, EXPERIMENT)
    chain.agent.now_s += TTL_S / 2
    chain.agent.upstream_moves()
    received = chain.agent.goes_down()
    assert (received.brought, received.renewed) == ((), ("experiment",))  # type: ignore[union-attr]


def test_who_refused_newer_content_goes_on_with_what_it_has() -> None:
    """Upstream renews what was taken; the agent holds what was not."""
    chain = Chain(DELTA, RUNTIME, EXPERIMENT)
    chain.agent._awaits_verdicts = True
    newer = for_a_time(runtime("experiment", "worse"), TTL_S)
    chain.server.load(2, [newer])
    chain.agent.upstream_moves()
    chain.agent.goes_down()
    bad = ErrorDetail(3, "no good")
    chain.takes(chain.envoy.inbox.popleft(), bad)
    chain.agent.settles(bad)
    beats = chain.waits(2 * TTL_S)
    assert {one.version for beat in beats for one in beat.resources} == {EXPERIMENT.version}
    assert (len(beats), chain.agent.refused) == (4, [])


@pytest.mark.parametrize("type_url", [CLUSTER, RUNTIME])
def test_what_lasts_again_does_not_run_out(type_url: TypeUrl) -> None:
    build = cluster if type_url == CLUSTER else runtime
    chain = Chain(DELTA, type_url, for_a_time(build("web"), TTL_S))
    chain.server.load(2, [build("web")])
    chain.waits(1)
    chain.agent.disconnects()
    chain.waits(2 * TTL_S)
    assert chain.served == {"web"}
