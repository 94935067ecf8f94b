"""However changes, answers and time interleave: a heartbeat is of what the client holds, and changes nothing of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import a_node, cluster, for_a_time, runtime
from tests.transcripts import Answer, Edge, an_edge
from xds.protocol.plan import Response
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, RUNTIME, TypeUrl
from xds.protocol.variant import Variant

NAMES = ("a", "b", "c")
FEATURES = ("xds.config.supports-resource-ttl", "xds.config.resource-in-sotw")
TTL_S = 10.0

contents = st.dictionaries(
    st.sampled_from(NAMES), st.tuples(st.sampled_from("xy"), st.sampled_from((0.0, TTL_S, 3 * TTL_S)))
)
steps = st.one_of(
    st.tuples(st.just("serve"), contents),
    st.tuples(st.just("wait"), st.sampled_from((1.0, 4.0, 5.0, 16.0))),
    st.tuples(st.just("ack"), st.none()),
    st.tuples(st.just("nack"), st.none()),
)


@dataclass
class Client:
    """Takes responses in their order, as the specification says, and answers the oldest when it is told to."""

    edge: Edge
    type_url: TypeUrl
    held: dict[str, tuple[str, bytes, int]] = field(default_factory=dict)
    version: str = ""
    pending: list[Response] = field(default_factory=list)

    def hears(self, answer: Answer) -> None:
        self.pending += answer.responses

    def acks(self) -> None:
        if not self.pending:
            return
        response = self.pending.pop(0)
        before, known = dict(self.held), self.version
        self._take(response)
        if response.version == known and self.edge.variant is Variant.STATE_OF_THE_WORLD:
            assert self._contents() == {name: (version, body) for name, (version, body, _) in before.items()}
        self.hears(self.edge.acks(response))

    def nacks(self) -> None:
        """Content only: a client has no reason to refuse what it holds."""
        if self.pending and any(one.body for one in self.pending[0].resources) and self.pending[0].version:
            self.hears(self.edge.nacks(self.pending.pop(0)))

    def _contents(self) -> dict[str, tuple[str, bytes]]:
        return {name: (version, body) for name, (version, body, _) in self.held.items()}

    def _take(self, response: Response) -> None:
        if self.edge.variant is Variant.STATE_OF_THE_WORLD and self.type_url == CLUSTER:
            self.held.clear()
        for resource in response.resources:
            if resource.body:
                self.held[resource.name] = (resource.version, resource.body, resource.ttl_ms)
            else:
                assert resource.name in self.held, "a heartbeat of what the client does not have"
                version, _, ttl_ms = self.held[resource.name]
                assert (resource.version, resource.ttl_ms) == (version, ttl_ms), "a heartbeat of another version"
        for name in response.removed:
            self.held.pop(name, None)
        self.version = response.version


@pytest.mark.parametrize("type_url", [CLUSTER, RUNTIME])
@pytest.mark.parametrize("variant", list(Variant))
@settings(deadline=None)  # a busy machine is no defect
@given(script=st.lists(steps, max_size=25))
def test_heartbeats_change_nothing(variant: Variant, type_url: TypeUrl, script: list[tuple[str, object]]) -> None:
    edge = an_edge(variant, [resource(type_url, name, "x", TTL_S) for name in NAMES])
    edge.node = replace(a_node(), client_features=FEATURES)
    client = Client(edge, type_url)
    client.hears(edge.asks(type_url, *(() if type_url == CLUSTER else NAMES)))
    for step, value in script:
        if step == "serve":
            assert isinstance(value, dict)
            client.hears(edge.is_served(*(resource(type_url, name, *what) for name, what in value.items())))
        elif step == "wait":
            assert isinstance(value, float)
            client.hears(edge.waits(value))
        elif step == "ack":
            client.acks()
        else:
            client.nacks()
    while client.pending:
        client.acks()


def resource(type_url: TypeUrl, name: str, content: str, ttl_s: float) -> Resource:
    made = cluster(name, content) if type_url == CLUSTER else runtime(name, content)
    return for_a_time(made, ttl_s) if ttl_s else made
