"""What differs between two states of a workspace, object by object."""

from __future__ import annotations

import json
import sys
from typing import Any

from api.cli.object_changes import ObjectChanges
from api.cli.terminal import ColorWhen, Paint
from api.management.planning import object_message
from snapshots.authoring.differences import object_changes
from snapshots.model import Document, WorkspaceName
from tests.gateways import a_backend, a_gateway, a_route, an_object, to_backend


def files(**objects: Any) -> list[Document]:
    """A file for each, by its name; several objects in a list."""
    every = {name: each if isinstance(each, list) else [each] for name, each in objects.items()}
    return [Document(f"{name}.yaml", "\n---\n".join(map(json.dumps, each)).encode()) for name, each in every.items()]


def changed(before: list[Document], after: list[Document]) -> list[tuple[str, str]]:
    marks = {(True, True): "~", (False, True): "+", (True, False): "-"}
    return [
        (marks[each.before is not None, each.after is not None], str(each.key))
        for each in object_changes(before, after)
    ]


def shown(before: list[Document], after: list[Document]) -> list[str]:
    """As a terminal has it."""
    messages = [object_message(each, WorkspaceName("shop")) for each in object_changes(before, after)]
    return list(ObjectChanges().lines(messages, Paint(ColorWhen.NEVER, sys.stdout)))


def test_objects_are_compared_by_their_names_wherever_they_stand() -> None:
    before = files(a=[a_gateway(), a_backend("old")], b=a_backend())
    after = files(b=a_gateway(), c=[a_backend(), a_backend("new")])
    assert changed(before, after) == [("+", "Backend shop/new"), ("-", "Backend shop/old")]


def test_how_a_file_is_written_is_no_change() -> None:
    (document,) = files(a=a_backend())
    again = json.dumps(json.loads(document.content), indent=2) + "\n# a comment\n"
    assert changed([document], [Document("a.yaml", again.encode())]) == []


def test_a_field_is_named_by_its_path_below_spec() -> None:
    old, new = (a_route("web", to_backend(), to_backend("b", weight=weight)) for weight in (10, 25))
    assert shown(files(a=old), files(a=new)) == ["~ HTTPRoute shop/web   rules[0].backendRefs[1].weight: 10 -> 25"]


def test_labels_and_namespaces_are_told_in_full() -> None:
    old, new = (
        a_backend(),
        a_backend() | {"metadata": {"name": "carts", "namespace": "shop", "labels": {"tier": "edge"}}},
    )
    assert shown(files(a=old), files(a=new)) == ['~ Backend shop/carts   metadata.labels: added {"tier": "edge"}']


def test_secrets_are_told_by_fingerprints() -> None:
    old, new = (an_object("Secret", "pair", data={"tls.key": text}) for text in ("aHVzaA==", "aHVzaGg="))
    (line,) = shown(files(a=old), files(a=new))
    assert line.startswith('~ Secret shop/pair   data["tls.key"]: "(sensitive, ')
    assert "aHVza" not in line


def test_what_cannot_be_read_is_left_out() -> None:
    broken = [Document("a.yaml", b"a: [\n---\nkind: 7\n---\n- list"), Document("b.yaml", b"\xff")]
    assert changed(broken, files(c=a_backend())) == [("+", "Backend shop/carts")]
