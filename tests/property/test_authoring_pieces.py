"""A file read piece by piece holds what it holds when it is read as a whole; also when it was read otherwise before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.envoy.registry import load_default
from snapshots.authoring.contents import read_contents
from snapshots.authoring.pieces import Piece, read_pieces
from snapshots.model import Document

CORPUS = Path(__file__).parents[1] / "corpus" / "wrong"
ROUTE = (
    "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: NAME}\n"
    "spec: {parentRefs: [{name: edge}]}\n"
)
RESOURCE = (
    "apiVersion: fairlead.dev/v1\nkind: EnvoyResource\nmetadata: {name: web}\nspec:\n"
    '  "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster\n  name: web\n'
)
PARTS = [
    *(ROUTE.replace("NAME", name) for name in ("a", "b", "Wrong", "'a\n---\nb'")),
    *(RESOURCE, RESOURCE + "  name: twice\n", RESOURCE + "  connect_timeout: soon\n"),
    *(
        "",
        "\n",
        "# only words\n",
        "...\n",
        "%YAML 1.2\n",
        "%YAML 1.1\n",
        "[1, 2\n",
        "'open\n",
        "text\n",
        "text: |\n ---\n",
    ),
    *("&a x: 1\n", "\ufeff", "\x07", "a: 1\n...\nb: 2\n", "a: 1\nb\n"),
]
MARKS = ["---\n", "--- # next\n", "---", "--- ", "----\n", " ---\n", "---\r\n", "\r---\n", "\u2028---\n"]
TEXTS = st.lists(st.tuples(st.sampled_from(PARTS), st.sampled_from(MARKS[:1] * 8 + MARKS)), max_size=6).map(
    lambda parts: "".join(part + mark for part, mark in parts)
)


def is_the_same(text: bytes, before: Sequence[Piece] = ()) -> tuple[Piece, ...]:
    document = Document("a.yaml", text)
    whole, pieces = read_contents(load_default(), document), read_pieces(load_default(), document, before)
    contents = [piece.contents for piece in pieces]
    assert [each for one in contents for each in one.findings] == [*whole.findings]
    assert [each for one in contents for each in one.objects] == [*whole.objects]
    assert [each for one in contents for each in one.resources] == [*whole.resources]
    assert [each for one in contents for each in one.workspaces] == [*whole.workspaces]
    assert [each for one in contents for each in one.statuses] == [*whole.statuses]
    return pieces


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=3))
def test_whatever_stands_in_a_file_and_stood_there_before(texts: list[str]) -> None:
    pieces: tuple[Piece, ...] = ()
    for text in texts:
        pieces = is_the_same(text.encode(), pieces)


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.yaml"))[::5], ids=lambda path: path.name)
def test_what_is_wrong_in_a_file_is_told_as_it_was(path: Path) -> None:
    is_the_same(ROUTE.encode() + b"---\n" + path.read_bytes() + b"\n---\n" + ROUTE.replace("NAME", "b").encode())


def test_what_did_not_change_is_the_same_object_and_moves_with_its_lines() -> None:
    routes = [ROUTE.replace("NAME", name) for name in ("a", "b", "c")]
    before = is_the_same("---\n".join(routes).encode())
    after = is_the_same("---\n".join([routes[0], "# a word\n" + routes[1], routes[2]]).encode(), before)

    assert len(before) == 3
    assert after[0] is before[0]
    (old,), (new,) = before[2].contents.objects, after[2].contents.objects
    assert new.model is old.model
    assert (new.place.line, new.place.column) == (old.place.line + 1, old.place.column)
