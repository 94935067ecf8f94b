"""What a workspace holds after a publication, worked out from what is new: all that the publication says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.errors import InvalidConfig
from snapshots.checks.budgets import Weight
from snapshots.model import CompiledResource, Document, Origin, WorkspaceName
from snapshots.store.holding import Holding, step
from snapshots.store.protocol import Publication
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, GroupName

SHOP = WorkspaceName("shop")


def an_item(name: str, body: bytes, workspace: WorkspaceName = SHOP) -> CompiledResource:
    return CompiledResource(Resource.of(CLUSTER, name, body), Origin(workspace, "a.yaml", 1, 1, "Backend", name))


def a_publication(items: tuple[CompiledResource, ...], documents: tuple[Document, ...] = ()) -> Publication:
    return Publication(GroupName("edge"), SHOP, items, documents, "key")


ITEMS = [an_item(name, b"x" * size) for name in "abcd" for size in (1, 2, 3)]
DOCUMENTS = [Document(f"{name}.yaml", b"x" * size) for name in "abc" for size in (1, 2)]
BY_NAME = st.lists(st.sampled_from(ITEMS), unique_by=lambda each: each.resource.name).map(tuple)
BY_PATH = st.lists(st.sampled_from(DOCUMENTS), unique_by=lambda each: each.path).map(tuple)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(BY_NAME, BY_PATH), min_size=1, max_size=4))
def test_a_holding_is_what_was_published_last(
    publications: list[tuple[tuple[CompiledResource, ...], tuple[Document, ...]]],
) -> None:
    held = Holding()
    for items, documents in publications:
        taken = step(held, a_publication(items, documents))
        before, held = held, taken.wanted
        assert held.resources == {(each.resource.type_url, each.resource.name): each for each in items}
        assert held.documents == {each.path: each for each in documents}
        assert held.weight == Weight.of(items)
        differs = {
            key for key in {*before.resources, *held.resources} if before.resources.get(key) != held.resources.get(key)
        }
        assert differs <= {*taken.keys}
        assert {
            path
            for path in {*before.documents, *held.documents}
            if before.documents.get(path) != held.documents.get(path)
        } <= {*taken.paths}


def test_what_comes_again_as_the_same_object_is_not_looked_at() -> None:
    again, new = an_item("again", b"1"), an_item("new", b"2")
    held = step(Holding(), a_publication((again,))).wanted
    assert [name for _, name in step(held, a_publication((again, new))).keys] == ["new"]


def test_a_name_given_twice_is_refused_whenever_it_came() -> None:
    one, other = an_item("a", b"1"), an_item("a", b"2")
    for held in (Holding(), step(Holding(), a_publication((one,))).wanted):
        for twice in ((one, other), (one, one)):
            with pytest.raises(InvalidConfig):
                step(held, a_publication(twice))


def test_a_resource_of_another_workspaces_making_becomes_its_own() -> None:
    (held,) = step(Holding(), a_publication((an_item("a", b"1", WorkspaceName("other")),))).wanted.resources.values()
    assert held.origin.workspace == SHOP
