"""Whatever bytes arrive, in whatever order: a request is answered, ignored or refused with words, never a traceback."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from api.envoy.registry import load_default
from tests.builders import (
    assignment,
    cluster,
    extension,
    listener,
    route,
    runtime,
    scoped_route,
    secret,
    shop_host,
)
from xds.protocol.catalogue import Catalogue
from xds.protocol.plan import Close, Plan
from xds.protocol.requests import DeltaRequest, ErrorDetail, Node, StateRequest
from xds.protocol.resource import Resource
from xds.protocol.session import Limits, Session
from xds.protocol.types import BY_URL, CLUSTER, ENDPOINT, GroupName
from xds.protocol.variant import Variant
from xds.transport.decoding import RequestDecoder, StreamRefused
from xds.transport.encoding import ResponseEncoder
from xds.transport.limits import Limits as EdgeLimits

STATUSES = {"INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"}
DECODER = RequestDecoder(load_default(), EdgeLimits())

urls = st.sampled_from((*BY_URL, "", "nonsense", "type.googleapis.com/no.Such"))
names = st.lists(
    st.sampled_from(("*", "", "a", "b", "ü/?*", "xdstp://a/b?c=d", "shop/a", "shop/b", "x" * 300)) | st.text(),
    max_size=4,
)
nonces = st.sampled_from(("", "1", "2", "3", "4", "-1", "one")) | st.text(max_size=3)
errors = st.none() | st.builds(ErrorDetail, st.integers(-(2**31), 2**31 - 1), st.text(max_size=20))
nodes = st.none() | st.builds(Node, st.sampled_from(("", "edge", "other")), st.sampled_from(("", "here")))
delta_requests = st.builds(
    DeltaRequest,
    type_url=urls,
    subscribe=names.map(tuple),
    unsubscribe=names.map(tuple),
    initial_resource_versions=st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=3),
    response_nonce=nonces,
    error_detail=errors,
    node=nodes,
)
state_requests = st.builds(
    StateRequest,
    type_url=urls,
    version_info=st.text(max_size=3),
    resource_names=names.map(tuple),
    response_nonce=nonces,
    error_detail=errors,
    node=nodes,
)
moves = st.sampled_from(("publish", "wait", "nothing"))


def some_resources(content: str) -> list[Resource]:
    return [
        cluster("a", content, endpoints="a", secret="b"),
        cluster("b", endpoints="ü/?*"),
        assignment("a", content),
        listener("a", content, route="a"),
        route("a", content, to=("a",)),
        secret("b", content),
        extension("a", content),
        runtime("a", content),
        scoped_route("a", content, route="a"),
        shop_host("a", "b", content=content),
    ]


def check(plan: Plan, variant: Variant, encoder: ResponseEncoder) -> Close | None:
    for response in plan.responses:
        encoder.encode(variant, response)
        told = [resource.name for resource in response.resources] + list(response.removed)
        assert len(told) == len(set(told)), "a name twice in one response"
        failed = {error.name for error in response.errors}
        assert failed.isdisjoint(resource.name for resource in response.resources)
    if plan.close is not None:
        assert plan.close.status in STATUSES
        assert plan.close.message
    return plan.close


def drive(variant: Variant, requests: list[Any], happens: list[str], only_type: Any) -> None:
    catalogue, encoder = Catalogue(GroupName("edge")), ResponseEncoder(1_000_000)
    catalogue.load(1, some_resources("a"))
    session = Session(variant, count(1), only_type=only_type, limits=Limits(names=12, response_bytes=500))
    now_s, served = 0.0, False
    for number, request in enumerate(requests):
        if check(session.receive(request, now_s), variant, encoder):
            return
        if not served and session.node is not None:
            served = True
            check(session.serve(catalogue, now_s), variant, encoder)
        move = happens[number % len(happens)]
        if move == "publish":
            catalogue.load(number + 2, some_resources(str(number))[number % 3 :])
        now_s += 6.0 if move == "wait" else 0.0
        if check(session.advance(now_s), variant, encoder):
            return
    assert repr(session)


@given(st.lists(delta_requests, max_size=12), st.lists(moves, min_size=1), st.sampled_from((None, ENDPOINT)))
@settings(max_examples=300, deadline=None)
def test_any_incremental_requests(requests: list[Any], happens: list[str], only_type: Any) -> None:
    drive(Variant.DELTA, _introduced(requests), happens, only_type)


@given(st.lists(state_requests, max_size=12), st.lists(moves, min_size=1), st.sampled_from((None, ENDPOINT)))
@settings(max_examples=300, deadline=None)
def test_any_state_requests(requests: list[Any], happens: list[str], only_type: Any) -> None:
    drive(Variant.STATE_OF_THE_WORLD, _introduced(requests), happens, only_type)


@given(st.binary(max_size=200))
@settings(max_examples=500, deadline=None)
def test_any_bytes(data: bytes) -> None:
    for decode in (DECODER.delta, DECODER.state):
        refused = refusal(lambda decode=decode: decode(data))  # type: ignore[misc]
        assert refused is None or (refused.status in STATUSES and refused.message)


def refusal(decode: Callable[[], object]) -> Close | None:
    try:
        decode()
    except StreamRefused as refused:
        return refused.close
    return None


def _introduced(requests: list[Any]) -> list[Any]:
    """Most begin with a node, or nothing but a refusal would be seen."""
    first = DeltaRequest(CLUSTER, node=Node("edge", "here"))
    if requests and isinstance(requests[0], StateRequest):
        return [StateRequest(CLUSTER, node=Node("edge", "here")), *requests]
    return [first, *requests] if requests else []
