"""Changes of resources as people and programs read them: a line a field, and what it comes to in one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from api.cli.fields import ABSENT, FieldChange, field_changes
from api.cli.messages import plain, word
from api.cli.resources import Bodies, place_of, ttl_text
from api.cli.sensitive import fingerprints
from api.cli.terminal import Paint, escape
from xds.protocol.types import short_type

if TYPE_CHECKING:
    from api.management.v1 import management_pb2 as pb

FIELDS_SHOWN = 20
MARKS = {"added": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red")}


def lines_of(head: str, details: Sequence[str], *, every_field: bool) -> Iterator[str]:
    """A line for each detail behind `head`, up to FIELDS_SHOWN unless every one is asked for."""
    shown = details if every_field else details[:FIELDS_SHOWN]
    yield from (f"{head}{escape(detail)}".rstrip() for detail in shown)
    if len(shown) < len(details):
        yield f"{head}… and {len(details) - len(shown)} more fields; -o wide shows all"


class Changes:
    """Prints changes; secrets on both sides are compared by fingerprints of this run."""

    def __init__(self) -> None:
        self._bodies = Bodies(fingerprints())

    def lines(self, changes: Iterable[pb.Change], paint: Paint, *, every_field: bool = False) -> Iterator[str]:
        """`~ cluster web  connect_timeout: 1s -> 2s` for each field; `+` and `-` for whole resources."""
        for change in changes:
            mark, color = MARKS[word(change, "kind")]
            head = f"{paint(color, mark)} {short_type(change.type_url)} {escape(change.name)}"
            yield from lines_of(f"{head}  ", self._details(change), every_field=every_field)

    def _details(self, change: pb.Change) -> Sequence[str]:
        if word(change, "kind") != "changed":
            return [place_of(change.origin)]
        fields = [str(field) for field in self.fields(change)]
        # Bytes can differ where the values do not: an order, an unknown field.
        return fields or [f"version {change.before_version} -> {change.after_version}"]

    def fields(self, change: pb.Change) -> list[FieldChange]:
        """The fields in which a changed resource differs."""
        before, after = (self._bodies.body(change.type_url, data) for data in (change.before, change.after))
        return [*field_changes(before, after), *_ttl_changes(change)]

    def document(self, change: pb.Change) -> dict[str, Any]:
        """One change for -o json."""
        kind = word(change, "kind")
        document: dict[str, Any] = {
            "kind": kind,
            "type_url": change.type_url,
            "name": change.name,
            "before_version": change.before_version,
            "after_version": change.after_version,
            "origin": plain(change.origin),
        }
        if kind == "changed":
            document["fields"] = [field_document(field) for field in self.fields(change)]
        return document


def _ttl_changes(change: pb.Change) -> Iterator[FieldChange]:
    """An annotation of the document, and no field of the message."""
    if change.before_ttl_ms != change.after_ttl_ms:
        before, after = (ttl_text(ttl_ms) or ABSENT for ttl_ms in (change.before_ttl_ms, change.after_ttl_ms))
        yield FieldChange("fairlead.dev/ttl", before, after)


def field_document(field: FieldChange) -> dict[str, Any]:
    """One field for -o json; a side that is not there is left out."""
    sides = {"before": field.before, "after": field.after}
    return {"path": field.path, **{side: value for side, value in sides.items() if value is not ABSENT}}


def summary(changes: Iterable[pb.Change]) -> str:
    """`1 cluster changed, 2 routes added`, or `nothing changed`."""
    counts = Counter((short_type(change.type_url), word(change, "kind")) for change in changes)
    words = [f"{number} {short}{'s' if number > 1 else ''} {kind}" for (short, kind), number in counts.items()]
    return ", ".join(words) or "nothing changed"
