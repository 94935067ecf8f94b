"""Rule 21: SotW reconnect: a pure wildcard at the current version needs no answer; a named one does."""

from __future__ import annotations

from tests.builders import assignment, cluster
from tests.transcripts import STATE, an_edge
from xds.protocol.plan import Subscribed
from xds.protocol.requests import StateRequest
from xds.protocol.types import CLUSTER, ENDPOINT


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


def test_a_type_whose_state_comes_in_parts_is_answered_whatever_the_version() -> None:
    """A part goes by the version of the whole: it says nothing of what else the client holds."""
    edge = an_edge(STATE, [assignment("web"), assignment("api")])
    part = edge.asks(ENDPOINT, "web").only
    assert edge.reconnects().asks(ENDPOINT, "*", version=part.version).names == {"web", "api"}


def test_everything_asked_for_again_on_the_same_stream_is_answered() -> None:
    """The client let go of what it did not name in between."""
    edge = an_edge(STATE, [cluster("web"), cluster("api")])
    whole = edge.asks(CLUSTER, "*").only
    edge.acks(CLUSTER)
    named = edge.sends(StateRequest(CLUSTER, whole.version, ("web",), whole.nonce))
    assert named.seen(Subscribed)
    again = edge.sends(StateRequest(CLUSTER, whole.version, ("*",), edge.last[CLUSTER].nonce))
    assert again.names == {"web", "api"}
