"""Changes of authored objects as people and programs read them: a line a field, secrets as fingerprints of this run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from api.cli.authored import redacted_document
from api.cli.changes import MARKS, field_document, lines_of
from api.cli.fields import FieldChange, field_changes
from api.cli.messages import plain, word
from api.cli.resources import place_of
from api.cli.sensitive import Redactor, fingerprints
from api.cli.terminal import Paint, escape

if TYPE_CHECKING:
    from api.management.v1 import management_pb2 as pb

_SPEC = "spec."


class ObjectChanges:
    """Prints changes; equal secrets look equal on both sides."""

    def __init__(self) -> None:
        from api.envoy.registry import load_default

        self._redactor = Redactor(load_default(), fingerprints())

    def lines(self, changes: Iterable[pb.ObjectChange], paint: Paint, *, every_field: bool = False) -> Iterator[str]:
        """`~ HTTPRoute shop/web   rules[0].backendRefs[1].weight: 10 -> 25`; `+` and `-` for whole objects."""
        for change in changes:
            mark, color = MARKS[word(change, "kind")]
            head = f"{paint(color, mark)} {escape(title(change))}"
            yield from lines_of(f"{head}   ", self._details(change), every_field=every_field)

    def _details(self, change: pb.ObjectChange) -> Sequence[str]:
        if word(change, "kind") != "changed":
            return [place_of(change.origin)]
        return [str(each) for each in self.fields(change)]

    def fields(self, change: pb.ObjectChange) -> list[FieldChange]:
        """What differs in an object that stays, by paths that begin below `spec` where they can."""
        before, after = (redacted_document(json.loads(side), self._redactor) for side in (change.before, change.after))
        return [
            FieldChange(each.path.removeprefix(_SPEC), each.before, each.after) for each in field_changes(before, after)
        ]

    def document(self, change: pb.ObjectChange) -> dict[str, Any]:
        """One change for -o json."""
        kind = word(change, "kind")
        document: dict[str, Any] = {
            "change": kind,
            "kind": change.object_kind,
            "namespace": change.namespace,
            "name": change.name,
            "origin": plain(change.origin),
        }
        if kind == "changed":
            document["fields"] = [field_document(each) for each in self.fields(change)]
        return document


def title(change: pb.ObjectChange) -> str:
    """`HTTPRoute shop/web`."""
    name = f"{change.namespace}/{change.name}" if change.namespace else change.name
    return f"{change.object_kind} {name}"
