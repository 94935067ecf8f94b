"""Which connections a change cuts, as tables; `tests/integration/test_plan_effects.py` holds them against Envoy."""

from __future__ import annotations

from typing import Any

import pytest

from api.envoy.deterministic import serialize
from api.envoy.json_form import from_json
from api.envoy.registry import load_default
from snapshots.effects import Drain, Warming, drain_of, effects
from tests.builders import cluster, route
from xds.protocol.resource import Resource
from xds.protocol.types import LISTENER


def a_chain(name: str, host: str = "a.example") -> dict[str, Any]:
    return {"name": name, "filter_chain_match": {"server_names": [host]}}


def a_listener(*chains: dict[str, Any], **fields: Any) -> Resource:
    api = load_default()
    parsed = from_json(api, {"@type": LISTENER, "name": "web", "filter_chains": list(chains), **fields})
    assert parsed.message is not None, parsed.problems
    return Resource.of(LISTENER, "web", serialize(api, parsed.message))


def a_udp_listener(port: int) -> Resource:
    return a_listener(address={"socket_address": {"address": "127.0.0.1", "port_value": port, "protocol": "UDP"}})


A, B = a_chain("a"), a_chain("b", "b.example")
TWO_FILTERS = [{"name": "one"}, {"name": "two"}]


@pytest.mark.parametrize(
    ("before", "after", "chains"),
    [
        (a_listener(A, B), a_listener(B, A), ()),
        (a_listener(A), a_listener(A, B), ()),
        (a_listener(A, B), a_listener(A), ("b",)),
        (a_listener(A, B), a_listener(A, a_chain("b", "c.example")), ("b",)),
        (a_listener(A, a_chain("")), a_listener(A, a_chain("", "c.example")), ("#1",)),
        (a_listener(A, default_filter_chain=B), a_listener(A), ("default",)),
        (a_listener(A), a_listener(A, default_filter_chain=B), ()),
        (a_listener(A, listener_filters=TWO_FILTERS), a_listener(A, listener_filters=TWO_FILTERS[::-1]), ()),
    ],
)
def test_where_only_filter_chains_change_only_those_that_go_are_cut(
    before: Resource, after: Resource, chains: tuple[str, ...]
) -> None:
    drain = drain_of(load_default(), before, after)
    assert (drain.filter_chains if drain else ()) == chains
    assert drain is None or not drain.whole


@pytest.mark.parametrize(
    ("before", "after", "because"),
    [
        (a_listener(A), a_listener(A, tcp_backlog_size=1), "tcp_backlog_size changed"),
        (a_listener(A), a_listener(B, stat_prefix="x"), "stat_prefix changed"),
        (a_listener(A), a_listener(), "filter_chains changed"),
        (a_udp_listener(80), a_udp_listener(81), "address changed"),
        (a_listener(A), None, "it is removed"),
    ],
)
def test_anything_else_cuts_all_connections(before: Resource, after: Resource | None, because: str) -> None:
    assert drain_of(load_default(), before, after) == Drain("web", True, (), because)


def test_what_is_new_cuts_nothing() -> None:
    assert drain_of(load_default(), None, a_listener(A)) is None


def test_clusters_warm_when_they_are_made_anew_and_routes_change_nothing() -> None:
    changes = [
        (cluster("web", "a"), cluster("web", "b")),
        (None, cluster("carts")),
        (cluster("old"), None),
        (route("web", "a"), route("web", "b")),
    ]
    found = effects(load_default(), changes)
    assert found.warmings == (Warming("carts", rebuilt=False), Warming("web", rebuilt=True))
    assert found.drains == ()
    assert effects(load_default(), [(a_listener(A), None)]).drains == (Drain("web", True, (), "it is removed"),)
