"""What is kept of a workspace changes nothing but what a compilation costs; and all that it depends on is noted."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from api.envoy.registry import load_default
from snapshots.authoring.compile import Compilation, compile_documents
from snapshots.authoring.gateway import slices
from snapshots.authoring.gateway.translate import Translator
from snapshots.authoring.kept_workspaces import KeptWorkspaces
from snapshots.authoring.sheet import Column, Sheet
from snapshots.model import Document
from tests.compiled_again import EditedWorkspace, a_tour, outcome
from tests.gateways import a_backend, a_gateway, a_route, to_backend


@cache
def alone() -> list[Any]:
    """What each step of the tour comes to."""
    site, found = EditedWorkspace(), []
    for path, objects in a_tour():
        site.put(path, *objects)
        found.append(outcome(site.alone()))
    return found


def differs_at() -> int | None:
    """The first step of the tour that comes to something else on top of what was kept; None: no step does."""
    site = EditedWorkspace()
    for number, ((path, objects), expected) in enumerate(zip(a_tour(), alone(), strict=True)):
        site.put(path, *objects)
        if outcome(site.again()) != expected:
            return number
    return None


def columns(translator: Translator) -> Iterator[tuple[str, Column[Any]]]:
    """All columns of a translator with their names in the code."""
    for owner in (translator, *vars(translator).values()):
        for name, each in vars(owner).items() if hasattr(owner, "__dict__") else ():
            if isinstance(each, Column):
                yield f"{type(owner).__name__}.{name}", each


class Noting:
    """Stands in for `Sheet.note`: knows the columns by name, remembers which are read, and forgets one."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.read: set[str] = set()
        self.forgotten = ""
        self._names: dict[int, str] = {}
        begin, note = Translator.__init__, Sheet.note

        def begun(translator: Translator, *arguments: Any) -> None:
            begin(translator, *arguments)
            self._names = {id(each): name for name, each in columns(translator)}

        def noted(sheet: Sheet, column: Column[Any], key: Any) -> None:
            name = self._names.get(id(column), "")
            self.read.add(name)
            if name != self.forgotten or not name:
                note(sheet, column, key)

        patch.setattr(Translator, "__init__", begun)
        patch.setattr(Sheet, "note", noted)


@pytest.fixture(autouse=True)
def slices_of_few_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "WHOLE_LIMIT_BYTES", 400)


def test_each_step_of_a_tour_comes_to_what_it_comes_to_alone() -> None:
    assert differs_at() is None


# Read by cells that read all of what these are made of too, so that they are made anew even so.
DOUBLE = {"HostingStages._claims", "LeadingStages._assigned", "Translator._problems"}


def test_nothing_that_is_read_can_be_forgotten_without_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    alone()
    noting = Noting(monkeypatch)
    assert differs_at() is None
    read = noting.read - DOUBLE - {""}
    assert len(read) > 25
    unnoticed = set()
    for noting.forgotten in sorted(read):
        if differs_at() is None:
            unnoticed.add(noting.forgotten)
    assert unnoticed == set()


def a_site(count: int = 20) -> EditedWorkspace:
    """A Gateway, and so many routes with a hostname and a backend each."""
    site = EditedWorkspace()
    site.put("gateway.yaml", a_gateway())
    for number in range(count):
        name = f"r{number}"
        site.put(f"{name}.yaml", a_route(name, to_backend(name), hostnames=[f"{name}.example"]), a_backend(name))
    return site


def changed(before: Compilation, after: Compilation) -> list[str]:
    """The names of the resources that are other objects."""
    kept = {id(each) for each in before.resources}
    return [each.resource.name for each in after.resources if id(each) not in kept]


def test_what_did_not_change_is_the_very_same_object(monkeypatch: pytest.MonkeyPatch) -> None:
    site = a_site()
    before = site.again()
    site.put("r3.yaml", a_route("r3", to_backend("r3", weight=2), hostnames=["r3.example"]), a_backend("r3"))
    assert changed(before, before) == []
    assert changed(before, site.again()) == []  # the weight of one backend is no change
    site.put("r3.yaml", a_route("r3", hostnames=["r3.example"]), a_backend("r3"))
    after = site.again()
    assert set(changed(before, after)) == {f"tcp/0.0.0.0:80/hosts/{slices.slice_of('r3.example')}"}
    assert len(before.resources) - len(after.resources) == 2  # the cluster and its endpoints


def test_endpoints_that_change_leave_routes_alone() -> None:
    site = a_site()
    before = site.again()
    site.put("z.yaml", a_backend("r3"))  # named twice: the first counts
    assert changed(before, site.again()) == []
    elsewhere = a_backend("r3", endpoints=[{"address": "10.0.0.9", "port": 80}])
    site.put("r3.yaml", a_route("r3", to_backend("r3"), hostnames=["r3.example"]), elsewhere)
    after = site.again()
    assert changed(before, after) == ["Backend/shop/r3"]


def test_an_object_that_only_moved_is_not_translated_again(monkeypatch: pytest.MonkeyPatch) -> None:
    site = a_site()
    before = site.again()
    monkeypatch.setattr(Translator, "_want", None)  # what would be called for a change
    site.files["r3.yaml"].insert(0, "# a word")
    after = site.again()
    moved = [each for each in after.resources if each.origin.path == "r3.yaml"]
    assert [each.resource for each in before.resources] == [each.resource for each in after.resources]
    assert {each.origin.line for each in moved} == {5}
    assert outcome(after) == outcome(before) | {"resources": after.resources, "statuses": outcome(after)["statuses"]}


def test_what_is_wrong_in_a_file_of_many_documents_is_told_at_its_line() -> None:
    texts = [
        "kind: Gateway\nmetadata: {name: edge}\n"
        "spec: {gatewayClassName: a, listeners: [{name: a, port: 1, protocol: HTTP}]}\n",
        "kind: HTTPRoute\nmetadata: {name: web}\nspec:\n  parentRefs: [{name: edge}]\n"
        "  rules: [{backendRefs: [{name: nobody, port: 80}]}]\n",
    ]
    version = "apiVersion: gateway.networking.k8s.io/v1\n"
    site = EditedWorkspace(files={"a.yaml": ["# a word\n" + version + each for each in texts]})
    for lines in (14, 15):
        (finding,) = site.again().findings
        assert (finding.code, finding.line, finding.column) == ("E0203", lines, 33)
        assert finding.excerpt.strip().startswith("rules:")
        site.files["a.yaml"][0] = "# another\n" + site.files["a.yaml"][0]


def test_a_compilation_that_fails_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = KeptWorkspaces(load_default())
    documents = [Document("gateway.yaml", b"a: b")]
    with kept.borrowed("shop") as first:
        compile_documents(load_default(), documents, kept=first)
    with pytest.raises(ZeroDivisionError), kept.borrowed("shop"):
        _ = 1 / 0
    with kept.borrowed("shop") as third:
        assert third is not first


def test_two_at_once_have_each_their_own() -> None:
    kept = KeptWorkspaces(load_default())
    with kept.borrowed("shop") as one, kept.borrowed("shop") as other:
        assert one is not other
    assert len(kept) == 1


def test_what_was_asked_for_longest_ago_is_let_go() -> None:
    text = b"kind: Nothing\n" * 100
    kept = KeptWorkspaces(load_default(), limit_bytes=50_000)
    for name in ("a", "b", "a", "c"):
        with kept.borrowed(name) as workspace:
            compile_documents(load_default(), [Document("a.yaml", text)], kept=workspace)
    with kept.borrowed("a") as a, kept.borrowed("b") as b, kept.borrowed("c") as c:
        assert [each.files.count for each in (a, b, c)] == [1, 0, 1]
