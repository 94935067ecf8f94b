"""What the disk does not keep, while it is served: awaited, remembered, and nobody is told that it is gone."""

from __future__ import annotations

from agents.node.generations.generation import Contents, ResourceName
from agents.node.local.content import Content, Source
from tests.builders import a_node, cluster, for_a_time
from xds.client.answers import Answer, Received
from xds.client.mirror import Mirror
from xds.client.wants import Wants
from xds.protocol.catalogue import Catalogue
from xds.protocol.types import CLUSTER, SECRET, GroupName

PAIR, HIDDEN = ResourceName(SECRET, "pair"), ResourceName(CLUSTER, "hidden")
KEPT = Contents(7, (cluster("web"),), whole=(CLUSTER,), left_out=(PAIR, HIDDEN))


EXPERIMENT = for_a_time(cluster("experiment"))


def content() -> Content:
    made = Content(Catalogue(GroupName("edges"), partial=True), Mirror(Wants()))
    made.seed(KEPT)
    return made


def test_an_envoy_that_has_a_secret_agrees_with_a_disk_that_has_it_not() -> None:
    assert content().agrees_with(SECRET, {"pair": "any"})
    assert not content().agrees_with(SECRET, {"other": "any"})


def test_an_envoy_that_would_be_told_to_drop_what_was_left_out_does_not_agree() -> None:
    """Everything of a type that is known in full, and is not there, is told to be gone."""
    web = cluster("web").version
    assert content().agrees_with(CLUSTER, {"web": web})
    assert not content().agrees_with(CLUSTER, {"web": web, "hidden": "any"})


def test_what_was_left_out_is_remembered_while_the_disk_is_served() -> None:
    """So that what is written then is no other content than what is there."""
    served = content()
    served.show_disk()
    assert (served.source, served.left_out) == (Source.DISK, (PAIR, HIDDEN))
    served.show(8)
    assert (served.source, served.left_out) == (Source.UPSTREAM, ())


def test_what_lives_for_a_time_only_does_not_begin_anew_from_the_disk() -> None:
    """It is told to be gone, so that who waits for it goes on without."""
    catalogue = Catalogue(GroupName("edges"), partial=True)
    served = Content(catalogue, Mirror(Wants()))
    served.seed(Contents(7, (cluster("web"), EXPERIMENT)))
    assert not served.agrees_with(CLUSTER, {"experiment": EXPERIMENT.version})
    served.show_disk()
    clusters = catalogue.served(CLUSTER)
    assert (set(clusters.resources), clusters.awaits("experiment")) == ({"web"}, False)


def test_what_upstream_renews_is_served_beside_what_was_fallen_back_to_until_it_runs_out() -> None:
    wants, catalogue = Wants(), Catalogue(GroupName("edges"), partial=True)
    wants.put("envoy", CLUSTER, True, set())
    mirror = Mirror(wants)
    mirror.connected(a_node())
    served = Content(catalogue, mirror)
    received = mirror.receive(Answer(CLUSTER, "1", "v", 8, (cluster("web", "bad"), EXPERIMENT)), 0)
    assert isinstance(received, Received)
    served.take(received)
    assert served.fall_back(Contents(7, (cluster("web"), EXPERIMENT)), served.versions, "crashed")
    clusters = catalogue.served(CLUSTER)
    assert set(clusters.resources) == {"web", "experiment"}
    served.carry_out(mirror.expire(10))
    assert set(clusters.resources) == {"web"}
