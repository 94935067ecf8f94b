"""Rule 5: a NACK never causes a resend; newer content goes at once."""

from __future__ import annotations

from tests.builders import assignment, cluster
from tests.transcripts import DELTA, STATE, an_edge
from xds.protocol.plan import Settled
from xds.protocol.types import CLUSTER, ENDPOINT
from xds.protocol.variant import Variant


def test_a_rejection_is_not_answered(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")])
    edge.asks(CLUSTER)
    assert edge.nacks(CLUSTER).responses == ()
    assert edge.waits(3600).responses == ()


def test_newer_content_goes_at_once(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web")])
    edge.asks(CLUSTER)
    edge.nacks(CLUSTER)
    assert edge.is_served(cluster("web", "b")).names == {"web"}


def test_newer_content_goes_without_what_was_rejected_beside_it() -> None:
    edge = an_edge(DELTA, [cluster("web"), cluster("api")])
    edge.asks(CLUSTER)
    edge.nacks(CLUSTER)
    assert edge.is_served(cluster("web", "b"), cluster("api")).names == {"web"}


def test_content_rejected_twice_over_does_not_come_back_with_a_rollback() -> None:
    edge = an_edge(DELTA, [cluster("web")])
    edge.asks(CLUSTER)
    edge.nacks(CLUSTER)
    edge.is_served(cluster("web", "b"))
    edge.nacks(CLUSTER)
    assert edge.is_served(cluster("web")).responses == ()


def test_a_full_state_names_what_was_rejected_next_to_what_is_newer() -> None:
    edge = an_edge(STATE, [cluster("web"), cluster("api")])
    edge.asks(CLUSTER)
    edge.nacks(CLUSTER)
    assert edge.is_served(cluster("web", "b"), cluster("api")).names == {"web", "api"}


def test_a_change_elsewhere_brings_no_full_state_with_rejected_content() -> None:
    edge = an_edge(STATE, [cluster("web")])
    edge.asks(CLUSTER)
    edge.nacks(CLUSTER)
    assert edge.is_served(cluster("web"), assignment("web")).responses == ()


def test_a_new_subscription_gets_rejected_content(variant: Variant) -> None:
    edge = an_edge(variant, [assignment("web"), assignment("api")])
    edge.asks(ENDPOINT, "web", "api")
    edge.nacks(ENDPOINT)
    edge.drops(ENDPOINT, "web")
    assert edge.asks(ENDPOINT, "web").names == {"web"}


def test_a_rejected_state_is_not_called_settled_until_newer_content_is_taken(variant: Variant) -> None:
    edge = an_edge(variant, [cluster("web"), cluster("api")])
    edge.asks(CLUSTER)
    assert not edge.nacks(CLUSTER).seen(Settled)
    edge.is_served(cluster("web", "b"), cluster("api"))
    assert edge.acks(CLUSTER).seen(Settled) == [Settled(CLUSTER, 2)]
