"""An upstream that has lost its own: what it says is taken where nothing better is known, and nowhere else."""

from __future__ import annotations

import pytest

from tests.builders import cluster
from xds.client.answers import Answer, Received
from xds.client.mirror import Mirror
from xds.client.telling import told
from xds.client.wants import Wants
from xds.protocol.requests import Node
from xds.protocol.types import CLUSTER

NODE = Node("edge-1", "edge")


def a_mirror(*held: str, floor: int = 0) -> Mirror:
    """It follows all clusters, and holds these in version `held`."""
    wants = Wants()
    wants.put(1, CLUSTER, True, frozenset())
    mirror = Mirror(wants, floor)
    mirror.seed(cluster(name, "held") for name in held)
    mirror.connected(NODE)
    return mirror


def says(mirror: Mirror, revision: int, *names: str, removed: tuple[str, ...] = (), is_old: bool = True) -> Received:
    told = tuple(cluster(name, "told") for name in names)
    answer = Answer(CLUSTER, "1", "v", revision, told, removed, whole=True, is_old=is_old)
    outcome = mirror.receive(answer, 0)
    assert isinstance(outcome, Received), outcome
    return outcome


def test_at_the_revision_that_is_held_it_adds_and_changes_nothing() -> None:
    mirror = a_mirror("web", "api", floor=7)
    before = mirror.held(CLUSTER)["web"]
    received = says(mirror, 7, "web", "new", removed=("api",))
    assert {after.name for _, after in received.changes if after} == {"new"}
    assert set(mirror.held(CLUSTER)) == {"web", "api", "new"}
    assert mirror.held(CLUSTER)["web"] == before


def test_a_newer_revision_of_it_is_taken_whole() -> None:
    mirror = a_mirror("web", "api", floor=6)
    says(mirror, 7, "web", removed=("api",))
    assert set(mirror.held(CLUSTER)) == {"web"}
    assert mirror.held(CLUSTER)["web"] == cluster("web", "told")


def test_one_that_has_its_upstream_changes_what_is_held() -> None:
    mirror = a_mirror("web", "api", floor=7)
    says(mirror, 7, "web", removed=("api",), is_old=False)
    assert set(mirror.held(CLUSTER)) == {"web"}


@pytest.mark.parametrize(("said", "is_old"), [("7@abc", False), ("7@abc*", False), ("7@abc?", True), ("7@abc*?", True)])
def test_the_mark_is_no_part_of_the_version(said: str, is_old: bool) -> None:
    assert (told(said).version, told(said).revision, told(said).is_old) == ("abc", 7, is_old)


def test_another_servers_version_may_end_as_it_likes() -> None:
    assert told("why?").version == "why?"
    assert not told("why?").is_old
