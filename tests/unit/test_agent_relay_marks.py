"""What a relay vouches for while what it is told by may be older than what others have."""

from __future__ import annotations

from agents.node.relay.downstream import Downstream
from api.envoy.registry import load_default
from tests.builders import a_node, cluster
from xds.client.answers import Answer, Received
from xds.client.mirror import Mirror
from xds.client.wants import Wants
from xds.fleet import Fleet
from xds.protocol.types import CLUSTER, GroupName
from xds.transport.server import XdsServer

WEB, API = cluster("web"), cluster("api")


class Below:
    """A relay below one whose own upstream is away, and who is asked for everything."""

    def __init__(self) -> None:
        wants = Wants()
        self.mirror = Mirror(wants)
        self.downstream = Downstream("relay", GroupName("edge"), self.mirror, wants)
        self.downstream.serve_on(XdsServer(load_default(), Fleet(), observer=self.downstream))
        wants.put("below", CLUSTER, True, set())
        self.mirror.connected(a_node("relay"))
        self.downstream.upstream_is_old()

    def is_told(self, answer: Answer) -> tuple[int, int]:
        """The revision that it tells from then on, and the one that it says to have all of."""
        received = self.mirror.receive(answer, 0.0)
        assert isinstance(received, Received)
        self.downstream.take(received)
        return self.downstream.catalogue.revision, self.downstream.catalogue.complete


def test_a_relay_that_begins_below_one_that_is_cut_off_vouches_for_what_that_does() -> None:
    """Nothing at all would pass for all of what it tells."""
    below = Below()
    assert below.is_told(Answer(CLUSTER, "1", "v", 6, (WEB,), whole=True, complete=4, is_old=True)) == (6, 4)
    assert below.downstream.catalogue.is_old


def test_it_vouches_for_no_more_until_that_is_over() -> None:
    below = Below()
    below.is_told(Answer(CLUSTER, "1", "v", 4, (WEB,), whole=True, is_old=True))
    assert below.is_told(Answer(CLUSTER, "2", "v", 6, (API,), whole=False, is_old=True)) == (6, 4)
