"""Rule 21: SotW reconnect: a pure wildcard at the current version needs no answer; a named one does."""

from __future__ import annotations

from tests.builders import cluster
from tests.transcripts import STATE, an_edge
from xds.protocol.types import CLUSTER


def test_a_wildcard_at_the_current_version_is_not_answered_and_still_served() -> None:
    edge = an_edge(STATE, [cluster("web")])
    version = edge.asks(CLUSTER).only.version
    again = edge.reconnects()
    assert again.asks(CLUSTER, version=version).responses == ()
    assert again.is_served(cluster("web", "b")).names == {"web"}


def test_a_wildcard_at_another_version_is() -> None:
    edge = an_edge(STATE, [cluster("web")])
    assert edge.asks(CLUSTER, version="another").names == {"web"}


def test_a_named_one_is() -> None:
    edge = an_edge(STATE, [cluster("web")])
    version = edge.asks(CLUSTER, "web").only.version
    assert edge.reconnects().asks(CLUSTER, "web", version=version).names == {"web"}


def test_the_version_of_a_state_in_between_is_not_the_current_one() -> None:
    edge = an_edge(STATE, [cluster("old")])
    edge.acks_all(edge.asks(CLUSTER))
    between = edge.is_served(cluster("new")).only
    assert {resource.name for resource in between.resources} == {"old", "new"}
    assert edge.reconnects().asks(CLUSTER, version=between.version).names == {"new"}


def test_the_version_of_some_names_is_not_that_of_everything() -> None:
    edge = an_edge(STATE, [cluster("web"), cluster("api")])
    edge.acks_all(edge.asks(CLUSTER, "web"))
    assert edge.asks(CLUSTER, "*").names == {"web", "api"}
    named = edge.reconnects().asks(CLUSTER, "web").only
    assert edge.reconnects().asks(CLUSTER, version=named.version).names == {"web", "api"}
