"""The catalogue: what is served, what changed since when, and versions that depend on content alone."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import pytest

from tests.builders import assignment, cluster, route
from xds.protocol.catalogue import Catalogue
from xds.protocol.changelog import ChangeLog, Changes
from xds.protocol.resource import Reference, Resource
from xds.protocol.served import ServedType
from xds.protocol.types import CLUSTER, ENDPOINT, ROUTE, GroupName, TypeUrl


def a_catalogue(*resources: Resource) -> Catalogue:
    catalogue = Catalogue(GroupName("edge"))
    catalogue.load(1, resources)
    return catalogue


def clusters(catalogue: Catalogue) -> ServedType:
    return catalogue.served(CLUSTER)


def test_before_the_first_load_it_is_at_revision_0() -> None:
    assert Catalogue(GroupName("edge")).revision == 0


def test_loading_again_notes_only_what_differs() -> None:
    catalogue = a_catalogue(cluster("same"), cluster("other"), cluster("gone"))
    catalogue.load(2, [cluster("same"), cluster("other", "b"), cluster("new")])
    assert clusters(catalogue).changes_since(1) == Changes(("new", "other"), ("gone",))


def test_the_same_revision_again_is_the_same_state() -> None:
    catalogue = a_catalogue(cluster("web"))
    catalogue.load(1, [])
    assert clusters(catalogue).resources


@pytest.mark.parametrize("revision", [0, 1, 2])
def test_it_never_goes_back(revision: int) -> None:
    catalogue = a_catalogue(cluster("web"))
    catalogue.advance(2, [])
    with pytest.raises(ValueError, match="cannot go to"):
        catalogue.advance(revision, [])


def test_a_change_and_its_rollback_are_no_change_to_who_slept_through_both() -> None:
    catalogue = a_catalogue(cluster("web"))
    catalogue.advance(2, [(cluster("web"), cluster("web", "b"))])
    catalogue.advance(3, [(cluster("web", "b"), cluster("web"))])
    assert clusters(catalogue).changes_since(1) == Changes()
    assert clusters(catalogue).changes_since(2) == Changes(("web",))


def test_more_changes_than_the_trail_is_long_are_told_as_a_change() -> None:
    catalogue = a_catalogue(cluster("web"))
    for revision in range(2, 9):
        catalogue.advance(revision, [(None, cluster("web", str(revision)))])
    catalogue.advance(9, [(None, cluster("web"))])
    assert clusters(catalogue).changes_since(1) == Changes(("web",))


def test_sessions_at_the_same_place_share_one_answer() -> None:
    catalogue = a_catalogue(cluster("web"))
    catalogue.advance(2, [(None, cluster("api"))])
    assert clusters(catalogue).updates_since(1) is clusters(catalogue).updates_since(1)
    assert clusters(catalogue).everything() is clusters(catalogue).everything()


def test_the_version_depends_on_content_alone() -> None:
    straight = a_catalogue(cluster("web"), cluster("api"))
    round_about = a_catalogue(cluster("api", "b"), cluster("old"))
    round_about.advance(2, [(cluster("old"), None), (None, cluster("web"))])
    round_about.advance(3, [(None, cluster("api"))])
    assert clusters(straight).version == clusters(round_about).version
    assert clusters(straight).version != clusters(a_catalogue(cluster("web"))).version


def test_a_change_of_one_type_leaves_the_version_of_others() -> None:
    catalogue = a_catalogue(cluster("web"), assignment("web"))
    before = clusters(catalogue).version
    catalogue.advance(2, [(None, assignment("web", "b"))])
    assert clusters(catalogue).version == before


def test_who_refers_to_what_follows_the_changes() -> None:
    catalogue = a_catalogue(route("main", to=("web", "api")), route("other", to=("web",)))
    assert catalogue.references.referrers(CLUSTER, "web") == {(ROUTE, "main"), (ROUTE, "other")}
    catalogue.advance(2, [(None, route("main", to=("api",))), (route("other"), None)])
    assert catalogue.references.referrers(CLUSTER, "web") == set()
    assert catalogue.is_referred_to(CLUSTER, "api")


def test_an_authored_assignment_equal_to_the_made_one_outlives_its_cluster() -> None:
    catalogue = a_catalogue(cluster("web", endpoints="web"))
    catalogue.advance(2, [(None, Resource.of(ENDPOINT, "web", b"\x0a\x03web"))])
    catalogue.advance(3, [(cluster("web", endpoints="web"), None)])
    assert "web" in catalogue.served(ENDPOINT).resources


def test_a_log_that_is_full_forgets_the_oldest_removals_and_says_so() -> None:
    log = ChangeLog(removed_names_limit=2)
    for revision, name in enumerate("abc", start=1):
        forgotten = log.record(revision, name, cluster(name), None)
    assert forgotten == ("a",)
    assert log.floor == 1
    assert log.since(1) == Changes((), ("b", "c"))


def test_everything_stays_in_the_order_of_its_names_as_names_come_and_go() -> None:
    served = ServedType(CLUSTER, GroupName("edge"))
    served.fill(cluster(name) for name in "mcx")
    for position, (name, content) in enumerate(["mb", "ab", "zb", "x-", "c-", "c-", "cb", "ac"], start=1):
        served.replace(position, name, None if content == "-" else cluster(name, content))
        assert list(served.everything()) == [served.resources[name] for name in sorted(served.resources)]


def test_newer_knowledge_of_references_is_no_change_and_is_told_with_everything() -> None:
    served = ServedType(CLUSTER, GroupName("edge"))
    served.fill([cluster("a"), cluster("b")])
    assert served.everything() == (cluster("a"), cluster("b"))
    before, known = served.identity, replace(cluster("a"), references=(Reference(ENDPOINT, "a"),))
    served.relate(known)
    assert served.everything()[0].references == known.references
    assert served.identity == before


def test_an_unknown_type_is_empty() -> None:
    assert a_catalogue().served(TypeUrl("type.googleapis.com/never.heard.Of")).everything() == ()


def test_it_tells_about_itself() -> None:
    assert repr(a_catalogue(cluster("web"))) == "<Catalogue 'edge' at revision 1: 1 Cluster, 0 ClusterLoadAssignment>"


def test_types_that_clients_make_up_leave_nothing_behind() -> None:
    catalogue = a_catalogue(cluster("web"))
    kept = [catalogue.served(TypeUrl(f"type.googleapis.com/made.up.Type{number}")) for number in range(100)]
    references = [weakref.ref(served) for served in kept]
    kept.clear()
    gc.collect()
    assert [reference() for reference in references] == [None] * 100


def test_a_type_without_a_row_is_served_once_a_group_has_it() -> None:
    catalogue = a_catalogue(cluster("web"))
    made_up = TypeUrl("type.googleapis.com/made.up.Type")
    assert not catalogue.served(made_up).resources
    catalogue.advance(2, [(None, Resource.of(made_up, "one", b"x"))])
    assert set(catalogue.served(made_up).resources) == {"one"}
